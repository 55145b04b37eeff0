BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 00:57:04.025712+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 00:57:04.026312+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 00:57:04.026575+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 00:57:04.026887+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 00:57:04.027140+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 00:57:04.027346+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 00:57:04.027489+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 00:57:04.028199+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 00:57:04.028396+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-26 00:57:04.028875+00:00');
CREATE TABLE provider_configs (
            provider_name TEXT PRIMARY KEY,
            kind TEXT,
            display_name TEXT,
            api_base TEXT,
            api_key TEXT,
            key_origin TEXT,
            models TEXT,
            enabled INTEGER,
            timeout_seconds REAL,
            max_retries INTEGER,
            extra_config TEXT NOT NULL,
            created_at TEXT,
            updated_at TEXT
        , sealed_extra TEXT) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-26T00:57:04.304Z', '2026-11-26T00:57:04.304Z', 'gAAAAABrB4PgFtE2TgDH9kn_saRbSSVLg15vUSlbrtmzaLQb0MdwmDUT_6hForpg_34p9_bGErQ7wS-g3Np5uw7uc_o3RfRN5n9B_JqImtqldmVEiemM33py0qkUmIb72CT-lHoxtWMtpaytK4yAmAoAt2AGux0UUlWXzGiMN9kVwmjY2q2HCeybASyMnq13fFlJ_wUZqaRjKKTX4BZVa-zXGjZn0Ywuqc7swkQp8gDbHw1O7Agk9EM=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB4PgNAn8NOM_vMK2hxnheNOfR00T_Kj_sSgEc3Haxe9lP5LCTUNlR2ufRNO09FttaddBffi_bR27KEmb6EAy4suCVb147fFWeKxb9ei59gXOjUhaH4CQZJnssK4LxKFnkPqlSzS22i7x1-4lhd0j5fHXDWJyiR4U6N0PWuRnXImTrOCX2UFFC1M8HybeZ2crc50Q', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T00:57:04.297Z', '2026-11-26T00:57:04.297Z', NULL);
CREATE TABLE tasks (
            seq INTEGER PRIMARY KEY,
            task_id TEXT NOT NULL UNIQUE,
            operation TEXT NOT NULL,
            prompt TEXT NOT NULL,
            params TEXT NOT NULL,
            inputs TEXT NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            status TEXT NOT NULL,
            config_snapshot TEXT NOT NULL,
            override TEXT,
            max_retries INTEGER NOT NULL,
            progress REAL,
            attempts INTEGER NOT NULL,
            retries INTEGER NOT NULL,
            rescues INTEGER NOT NULL,
            warnings TEXT NOT NULL,
            failure TEXT,
            cancel_requested INTEGER NOT NULL,
            not_before TEXT,
            owner TEXT,
            epoch INTEGER NOT NULL,
            retry_of TEXT,
            created_at TEXT NOT NULL,
            started_at TEXT,
            completed_at TEXT
        ) STRICT
        ;
INSERT INTO 'tasks' VALUES (1, '01a2155b-2435-7609-9e12-67e4564bc145', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:04.310Z', '2026-11-26T00:57:04.316Z', '2026-11-26T00:57:04.458Z');
INSERT INTO 'tasks' VALUES (2, '01a2155b-2514-7258-a2f3-248cf5cf84a3', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:04.533Z', '2026-11-26T00:57:04.536Z', '2026-11-26T00:57:04.628Z');
INSERT INTO 'tasks' VALUES (3, '01a2155b-25bc-7606-8476-7f7c0c35ce9a', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:04.700Z', '2026-11-26T00:57:04.705Z', '2026-11-26T00:57:04.890Z');
INSERT INTO 'tasks' VALUES (4, '01a2155b-26c2-75f6-be7d-319c4a922d20', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:04.962Z', '2026-11-26T00:57:04.976Z', '2026-11-26T00:57:05.013Z');
INSERT INTO 'tasks' VALUES (5, '01a2155b-27c6-7674-9c23-1d4c653f81f8', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:05.223Z', '2026-11-26T00:57:05.225Z', '2026-11-26T00:57:05.259Z');
INSERT INTO 'tasks' VALUES (6, '01a2155b-2814-7661-ba9e-e1a9b7c7f6c7', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:05.300Z', '2026-11-26T00:57:05.303Z', '2026-11-26T00:57:05.323Z');
INSERT INTO 'tasks' VALUES (7, '01a2155b-2857-7295-8e39-fe21ef99eeb1', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","message":"cancelled by the caller","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', 1, NULL, NULL, 1, '01a2155b-2814-7661-ba9e-e1a9b7c7f6c7', '2026-11-26T00:57:05.367Z', '2026-11-26T00:57:05.369Z', '2026-11-26T00:57:15.385Z');
INSERT INTO 'tasks' VALUES (8, '01a2155b-4f98-7608-b7f4-8f98beb4149f', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T00:57:20.459Z', NULL, 1, NULL, '2026-11-26T00:57:15.416Z', '2026-11-26T00:57:15.425Z', NULL);
INSERT INTO 'tasks' VALUES (9, '01a2155b-4fee-7442-b57b-c6387f7bcabb', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-2354-70a7-90c0-5116f8126c29', 1, NULL, '2026-11-26T00:57:15.502Z', '2026-11-26T00:57:15.506Z', NULL);
INSERT INTO 'tasks' VALUES (10, '01a2155b-5023-7028-bda9-644b323f9ffc', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-2354-70a7-90c0-5116f8126c29', 1, NULL, '2026-11-26T00:57:15.555Z', '2026-11-26T00:57:15.557Z', NULL);
INSERT INTO 'tasks' VALUES (11, '01a2155b-5049-71ed-9a65-077f8669b4a5', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB4Pr1C9dpYtNecSY5UFKSXcV31BQeDDReJwSaC_47f5EbgxIlIZ9-EfHvE9-dphmkEpGbm2uKyYQW_LuLrzxJU8ly9lWlWaJRejehCrkkzGqrjMgE1Dntgw7BINaC-dQqugUO3nB28AFDCNjsTMNYlKyt_IBgzTGVZ-8oq5NSG_gs0mLcszhMxI301nY96h8g5JaQYwB8ripgMlkhNsf9MDDEBTRY5fhULwVT6rHuIeDMvA6Bx84-Zqox5SSowcfyDKIDABOF0Wuye5UoxyM9q9xw1XAilVNt6Igcl-xKIu3yR4sMQuBe1QR572VsHZDVAIyBfx9ZqNbx8dlpKHprAq6LHBS9gajrzLiVDlsFBjqs8M=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:15.593Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (12, '01a2155b-5061-722e-9f2f-e58a03266a4a', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a2155b-5061-722e-9f2f-e58a03266a4a/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:15.621Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (13, '01a2155b-5068-70c5-9e26-6d94089fcfb1', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:15.624Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (14, '01a2155b-5075-72c4-93f9-8444f3f49220', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-2354-70a7-90c0-5116f8126c29', 1, NULL, '2026-11-26T00:57:15.555Z', '2026-11-26T00:57:15.557Z', NULL);
INSERT INTO 'tasks' VALUES (15, '01a2155b-5075-72c4-93f9-8446351a91ec', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T00:57:15.624Z', NULL, 0, NULL, '2026-11-26T00:57:15.624Z', NULL, NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO 'counters' VALUES ('images', 5);
INSERT INTO 'counters' VALUES ('images_deleted', 1);
INSERT INTO 'counters' VALUES ('pending', 5);
INSERT INTO 'counters' VALUES ('processing', 3);
CREATE TABLE idempotency_keys (
            scope TEXT NOT NULL,
            key TEXT NOT NULL,
            body_sha256 TEXT NOT NULL,
            task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
            expires_at TEXT NOT NULL,
            PRIMARY KEY (scope, key)
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a2155b-25bc-7606-8476-7f7c0c35ce9a', '2999-01-01T00:00:00.000Z');
CREATE TABLE attempts (
            seq INTEGER PRIMARY KEY,
            attempt_id TEXT NOT NULL UNIQUE,
            task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            part INTEGER NOT NULL,
            phase TEXT NOT NULL,
            charge TEXT NOT NULL,
            job TEXT,
            receipt TEXT,
            failure TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'attempts' VALUES (1, '01a2155b-2446-71c1-a37b-4ad5f99c0d82', '01a2155b-2435-7609-9e12-67e4564bc145', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:04.326Z', '2026-11-26T00:57:04.456Z');
INSERT INTO 'attempts' VALUES (2, '01a2155b-2521-766b-9a42-e3ff77f62949', '01a2155b-2514-7258-a2f3-248cf5cf84a3', 1, 0, 'stored', 'certain', '{"id":"job-01a2155b-2521-766b-9a42-e3ff77f62949-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T00:57:04.545Z', '2026-11-26T00:57:04.622Z');
INSERT INTO 'attempts' VALUES (3, '01a2155b-25d3-7429-913e-9c0dec60eda1', '01a2155b-25bc-7606-8476-7f7c0c35ce9a', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:04.723Z', '2026-11-26T00:57:04.885Z');
INSERT INTO 'attempts' VALUES (4, '01a2155b-26d3-7211-aa52-9cf124d7bd61', '01a2155b-26c2-75f6-be7d-319c4a922d20', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:04.979Z', '2026-11-26T00:57:05.009Z');
INSERT INTO 'attempts' VALUES (5, '01a2155b-27cb-7078-bf46-e7396da8b031', '01a2155b-27c6-7674-9c23-1d4c653f81f8', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:05.227Z', '2026-11-26T00:57:05.256Z');
INSERT INTO 'attempts' VALUES (6, '01a2155b-281c-737f-bc85-1309b9392e58', '01a2155b-2814-7661-ba9e-e1a9b7c7f6c7', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', '2026-11-26T00:57:05.308Z', '2026-11-26T00:57:05.321Z');
INSERT INTO 'attempts' VALUES (7, '01a2155b-285f-7561-835c-bf730cc25d26', '01a2155b-2857-7295-8e39-fe21ef99eeb1', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","message":"127.0.0.1 did not answer in time","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', '2026-11-26T00:57:05.375Z', '2026-11-26T00:57:15.384Z');
INSERT INTO 'attempts' VALUES (8, '01a2155b-4fa6-7537-a5cb-e6822c1d58c6', '01a2155b-4f98-7608-b7f4-8f98beb4149f', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T00:57:15.430Z', '2026-11-26T00:57:15.457Z');
INSERT INTO 'attempts' VALUES (9, '01a2155b-5005-7341-b875-d4ee16943810', '01a2155b-4fee-7442-b57b-c6387f7bcabb', 1, 0, 'accepted', 'certain', '{"id":"job-01a2155b-5005-7341-b875-d4ee16943810-1","data":{"task":{"id":"job-01a2155b-5005-7341-b875-d4ee16943810-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T00:57:15.525Z', '2026-11-26T00:57:15.529Z');
INSERT INTO 'attempts' VALUES (10, '01a2155b-5031-7440-a9a3-862c0271aef5', '01a2155b-5023-7028-bda9-644b323f9ffc', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T00:57:15.569Z', '2026-11-26T00:57:15.570Z');
INSERT INTO 'attempts' VALUES (11, '01a2155b-5075-72c4-93f9-8445cde504e6', '01a2155b-5075-72c4-93f9-8444f3f49220', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T00:57:15.569Z', '2026-11-26T00:57:15.570Z');
CREATE TABLE images (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            attempt_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            operation TEXT NOT NULL,
            prompt TEXT NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            mime_type TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            size_bytes INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            vendor_sha256 TEXT,
            crc64 TEXT,
            blob_key TEXT NOT NULL,
            thumbnail_key TEXT,
            storage TEXT NOT NULL,
            params TEXT NOT NULL,
            metadata TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (attempt_id, position)
        ) STRICT
        ;
INSERT INTO 'images' VALUES (1, '01a2155b-2435-7609-9e12-67e4564bc145', '01a2155b-2446-71c1-a37b-4ad5f99c0d82', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '46c86dcddf5efc31a9bbd44e2ba2fae891d8763f9d8070cbabf0d5bd1094b67f', NULL, '1747719345947131761', '45/01a2155b-2435-7609-9e12-67e4564bc145-0-0.png', '45/01a2155b-2435-7609-9e12-67e4564bc145-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:57:04.456Z');
INSERT INTO 'images' VALUES (2, '01a2155b-2514-7258-a2f3-248cf5cf84a3', '01a2155b-2521-766b-9a42-e3ff77f62949', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '1853781312d42211cdff6f80445d9147d19126af0e23347c748e6dd2e79cbbab', NULL, '7700079810124098752', 'a3/01a2155b-2514-7258-a2f3-248cf5cf84a3-0-0.png', 'a3/01a2155b-2514-7258-a2f3-248cf5cf84a3-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:57:04.622Z');
INSERT INTO 'images' VALUES (3, '01a2155b-25bc-7606-8476-7f7c0c35ce9a', '01a2155b-25d3-7429-913e-9c0dec60eda1', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3672, '8baef4cf8870e21144563b8442fdae7fcf45d49f1709d19dc216d8a706170892', NULL, '12221004181143265035', '9a/01a2155b-25bc-7606-8476-7f7c0c35ce9a-0-0.png', '9a/01a2155b-25bc-7606-8476-7f7c0c35ce9a-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":3219245152}', '2026-11-26T00:57:04.860Z');
INSERT INTO 'images' VALUES (4, '01a2155b-25bc-7606-8476-7f7c0c35ce9a', '01a2155b-25d3-7429-913e-9c0dec60eda1', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3777, '676503538a87c622ea0144811dd6011f5ca831fc93777be9a6f33b4b37f11084', NULL, '2193028304901314458', '9a/01a2155b-25bc-7606-8476-7f7c0c35ce9a-0-1.png', '9a/01a2155b-25bc-7606-8476-7f7c0c35ce9a-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":3219245153}', '2026-11-26T00:57:04.885Z');
INSERT INTO 'images' VALUES (6, '01a2155b-27c6-7674-9c23-1d4c653f81f8', '01a2155b-27cb-7078-bf46-e7396da8b031', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '60dc29810278479d75647909d993bd3e42b5582d77fb2348ec03e748c4280f55', NULL, '4516111592343282365', 'f8/01a2155b-27c6-7674-9c23-1d4c653f81f8-0-0.png', 'f8/01a2155b-27c6-7674-9c23-1d4c653f81f8-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T00:57:05.256Z');
DELETE FROM sqlite_sequence;
INSERT INTO 'sqlite_sequence' VALUES ('search_generations', 1);
INSERT INTO 'sqlite_sequence' VALUES ('images', 6);
INSERT INTO 'sqlite_sequence' VALUES ('events', 13);
INSERT INTO 'sqlite_sequence' VALUES ('outbox', 7);
CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('upload', 'remove')),
            blob_key TEXT NOT NULL,
            image_id INTEGER,
            attempts INTEGER NOT NULL DEFAULT 0,
            not_before TEXT,
            last_error TEXT,
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            UNIQUE (kind, blob_key)
        ) STRICT
        ;
INSERT INTO 'outbox' VALUES (6, 'remove', '20/01a2155b-26c2-75f6-be7d-319c4a922d20-0-0.png', 5, 2, '2026-11-26T00:57:20.636Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:05.217Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '20/01a2155b-26c2-75f6-be7d-319c4a922d20-0-0.thumb.webp', 5, 2, '2026-11-26T00:57:20.638Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:05.217Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a2155b-2435-7609-9e12-67e4564bc145', 'image', '2026-11-26T00:57:04.457Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a2155b-2435-7609-9e12-67e4564bc145', 'completed', '2026-11-26T00:57:04.458Z', '{}');
INSERT INTO 'events' VALUES (3, '01a2155b-2514-7258-a2f3-248cf5cf84a3', 'image', '2026-11-26T00:57:04.623Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a2155b-2514-7258-a2f3-248cf5cf84a3', 'completed', '2026-11-26T00:57:04.628Z', '{}');
INSERT INTO 'events' VALUES (5, '01a2155b-25bc-7606-8476-7f7c0c35ce9a', 'image', '2026-11-26T00:57:04.889Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a2155b-25bc-7606-8476-7f7c0c35ce9a', 'image', '2026-11-26T00:57:04.889Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a2155b-25bc-7606-8476-7f7c0c35ce9a', 'completed', '2026-11-26T00:57:04.890Z', '{}');
INSERT INTO 'events' VALUES (8, '01a2155b-26c2-75f6-be7d-319c4a922d20', 'image', '2026-11-26T00:57:05.013Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a2155b-26c2-75f6-be7d-319c4a922d20', 'completed', '2026-11-26T00:57:05.013Z', '{}');
INSERT INTO 'events' VALUES (10, '01a2155b-27c6-7674-9c23-1d4c653f81f8', 'image', '2026-11-26T00:57:05.257Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a2155b-27c6-7674-9c23-1d4c653f81f8', 'completed', '2026-11-26T00:57:05.259Z', '{}');
INSERT INTO 'events' VALUES (13, '01a2155b-2857-7295-8e39-fe21ef99eeb1', 'cancelled', '2026-11-26T00:57:15.385Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a2155b-2354-70a7-90c0-5116f8126c29', '2026-11-26T00:57:04.086Z');
CREATE TABLE image_days (
            day INTEGER PRIMARY KEY,
            first_id INTEGER NOT NULL,
            last_id INTEGER NOT NULL
        ) STRICT
        ;
INSERT INTO 'image_days' VALUES (20783, 1, 6);
CREATE TABLE search_generations (
            generation INTEGER PRIMARY KEY AUTOINCREMENT,
            state TEXT NOT NULL CHECK (state IN ('active', 'building', 'leaving')),
            folding TEXT,
            reached INTEGER NOT NULL DEFAULT 0,
            until INTEGER NOT NULL DEFAULT 0
        ) STRICT
        ;
INSERT INTO 'search_generations' VALUES (1, 'active', '1-da555a0fc9b6c794', 0, 0);
CREATE TABLE image_texts_1 (
            id INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, folded TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'image_texts_1' VALUES (1, 1795654624456, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795654624622, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795654624860, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795654624885, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795654625256, 'waits for its upload');
PRAGMA writable_schema=ON;
INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', 'image_index_1', 'image_index_1', 0, 'CREATE VIRTUAL TABLE image_index_1 USING fts5(
            tokens, content='''', detail=none, columnsize=0, tokenize=''ascii''
        )');
CREATE TABLE 'image_index_1_data'(id INTEGER PRIMARY KEY, block BLOB);
INSERT INTO 'image_index_1_data' VALUES (1, X'058124');
INSERT INTO 'image_index_1_data' VALUES (10, X'000000000106060006010101020101030101040101050101060101');
INSERT INTO 'image_index_1_data' VALUES (137438953473, X'000000B412306D6F64656C3634363937323635363337340101196F7065726174696F6E3637363536653635373236313734363501011270726F766964657236333638363136663733010103E4B880010403E58FAA0103018B010301AD010403E79A84010103E58FAA010403E78CAB0102029CA8010403E99BA8010202B18B010403E6AA90010103E6AA90010403E4B88B010103E78CAB010403E59CA80102029A84010403E5B18B010103E99BA8010403E4B8AD0104141C15060604040606060506050606060606050606');
INSERT INTO 'image_index_1_data' VALUES (274877906945, X'000000BE0230610202017402010165020101670202016802030174020101680202016F0203017502020174020301680201016902020167020301680201016C020201690203016702010B6D6F64656C3661366636320201016E02020169020301670201016F0202187065726174696F6E36373635366536353732363137343635020201750203017302011270726F766964657236333638363136663733020101730202016502010174020201680203016F020101750202017302030165020404040404040404040404040404040404040E040404041B04041504040404040404');
INSERT INTO 'image_index_1_data' VALUES (412316860417, X'000000BE023061030102016E03010301640301010164030101016503010201720301010169030102017603010301650301010D6D6F64656C3634363536643666030101016E0301020164030101196F7065726174696F6E363736353665363537323631373436350301011070726F7669646572363436353664366603010101720301020169030103017603010101760301020165030103017203010103E4B8A403010403E58FAA03010103E58FAA03010403E78B9703010103E78B970301040505050505050505051105051D1405050505050507070707');
INSERT INTO 'image_index_1_data' VALUES (549755813889, X'000000940230620502016505010164050201650503016C05010165050201640502016C0503016505020174050301650501016C05020165050301740501116D6F64656C3634363937323635363337340501016F0502187065726174696F6E3637363536653635373236313734363505011270726F7669646572363336383631366637330501017405020165050301640502016F0504040404040404040404040404040414041B15040404');
INSERT INTO 'image_index_1_data' VALUES (687194767361, X'000000AA023062050002016505000101640500020165050003016C05000101650500020164050002016C050003016505000201740500030165050001016C05000201650500030174050001116D6F64656C363436393732363536333734050001016F050002187065726174696F6E363736353665363537323631373436350500011270726F766964657236333638363136663733050001017405000201650500030164050002016F050004050505050505050505050505050515051C16050505');
INSERT INTO 'image_index_1_data' VALUES (824633720833, X'000000C302306106020164060201690603017406010164060101660602016F060301720601016906020174060301730601016C0602016F060301610601116D6F64656C3634363937323635363337340601016F06020161060301640602187065726174696F6E3637363536653635373236313734363506020172060101700602016C0603016F060211726F7669646572363336383631366637330601017206010173060101740602017306010175060201700603016C06010177060201610603016906040404040404040404040404040404140404041B0404040414040404040404040404');
CREATE TABLE 'image_index_1_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
INSERT INTO 'image_index_1_idx' VALUES (1, X'', 2);
INSERT INTO 'image_index_1_idx' VALUES (2, X'', 2);
INSERT INTO 'image_index_1_idx' VALUES (3, X'', 2);
INSERT INTO 'image_index_1_idx' VALUES (4, X'', 2);
INSERT INTO 'image_index_1_idx' VALUES (5, X'', 2);
INSERT INTO 'image_index_1_idx' VALUES (6, X'', 2);
CREATE TABLE 'image_index_1_config'(k PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO 'image_index_1_config' VALUES ('version', 4);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_by_provider ON tasks (provider_name, seq);
CREATE INDEX tasks_by_provider_and_status ON tasks (provider_name, status, seq);
CREATE INDEX tasks_ready ON tasks (seq, provider_name)
        WHERE status = 'pending' AND not_before IS NULL
        ;
CREATE INDEX tasks_put_off ON tasks (not_before)
        WHERE status = 'pending' AND not_before IS NOT NULL
        ;
CREATE TRIGGER tasks_count_new AFTER INSERT ON tasks BEGIN
            UPDATE counters SET value = value + 1 WHERE name = new.status;
        END;
CREATE TRIGGER tasks_count_changed AFTER UPDATE OF status ON tasks WHEN new.status <> old.status BEGIN
            UPDATE counters SET value = value - 1 WHERE name = old.status;
            UPDATE counters SET value = value + 1 WHERE name = new.status;
        END;
CREATE TRIGGER tasks_count_gone AFTER DELETE ON tasks BEGIN
            UPDATE counters SET value = value - 1 WHERE name = old.status;
        END;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_by_task ON idempotency_keys (task_id);
CREATE INDEX attempts_by_task ON attempts (task_id, seq);
CREATE INDEX images_by_task ON images (task_id);
CREATE INDEX images_by_storage ON images (storage, id);
CREATE INDEX outbox_by_time ON outbox (not_before, id);
CREATE INDEX outbox_by_image ON outbox (image_id);
CREATE INDEX events_by_task ON events (task_id, id);
CREATE INDEX events_passing ON events (at) WHERE kind = 'progress';
CREATE TRIGGER images_count_new AFTER INSERT ON images BEGIN
            UPDATE counters SET value = value + 1 WHERE name = 'images';
        END;
CREATE TRIGGER images_count_gone AFTER DELETE ON images BEGIN
            UPDATE counters SET value = value - 1 WHERE name = 'images';
            UPDATE counters SET value = value + 1 WHERE name = 'images_deleted';
        END;
CREATE UNIQUE INDEX search_generations_active ON search_generations (state) WHERE state = 'active';
CREATE INDEX images_by_age ON images (created_at, id) WHERE storage = 'both';
COMMIT;
