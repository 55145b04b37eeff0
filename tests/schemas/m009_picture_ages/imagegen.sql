BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 00:56:51.481288+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 00:56:51.481935+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 00:56:51.482171+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 00:56:51.482552+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 00:56:51.482933+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 00:56:51.483367+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 00:56:51.483542+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 00:56:51.484327+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 00:56:51.484501+00:00');
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
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Api-Key":"of-a-saved-header","X-Team":"a"}}', '2026-11-26T00:56:51.769Z', '2026-11-26T00:56:51.769Z');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB4PTOOKpEhQtOjLwKhxEEWLy8hwPuGtmbWZWkryQZihMZiKKA4bioH7w_X17_cM1Wt_8poiWMpv1FlQ50O0JAC5JxpK4P5x09mPQAUIkk3erXsghESsN6L9XGbxtiXMCiLrWTweR0HhFB-UOtmU-b5uePuuEiinJWsMQfwjJz3EqFVMYaHJx35jMHEWRV1jF-HH3', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T00:56:51.761Z', '2026-11-26T00:56:51.761Z');
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
INSERT INTO 'tasks' VALUES (1, '01a2155a-f368-7775-895f-6bacdad0de61', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:51.817Z', '2026-11-26T00:56:51.824Z', '2026-11-26T00:56:52.023Z');
INSERT INTO 'tasks' VALUES (2, '01a2155a-f449-74a7-a169-c118c36f2104', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:52.042Z', '2026-11-26T00:56:52.044Z', '2026-11-26T00:56:52.131Z');
INSERT INTO 'tasks' VALUES (3, '01a2155a-f4bb-74e6-8f8c-d2aa30468f1b', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:52.155Z', '2026-11-26T00:56:52.157Z', '2026-11-26T00:56:52.213Z');
INSERT INTO 'tasks' VALUES (4, '01a2155a-f534-73a3-874e-fd429c0dd8be', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:52.276Z', '2026-11-26T00:56:52.284Z', '2026-11-26T00:56:52.385Z');
INSERT INTO 'tasks' VALUES (5, '01a2155a-f64d-739f-9d2f-d2e783c5677a', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:52.557Z', '2026-11-26T00:56:52.559Z', '2026-11-26T00:56:52.587Z');
INSERT INTO 'tasks' VALUES (6, '01a2155a-f68e-7288-9b74-4f8c3ce9a7f0', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:52.622Z', '2026-11-26T00:56:52.623Z', '2026-11-26T00:56:52.643Z');
INSERT INTO 'tasks' VALUES (7, '01a2155a-f6c8-702c-9dd8-10d2e0085f6b', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","message":"cancelled by the caller","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', 1, NULL, NULL, 1, '01a2155a-f68e-7288-9b74-4f8c3ce9a7f0', '2026-11-26T00:56:52.680Z', '2026-11-26T00:56:52.683Z', '2026-11-26T00:57:02.692Z');
INSERT INTO 'tasks' VALUES (8, '01a2155b-1e49-733f-a485-30f9c397921e', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T00:57:07.821Z', NULL, 1, NULL, '2026-11-26T00:57:02.794Z', '2026-11-26T00:57:02.800Z', NULL);
INSERT INTO 'tasks' VALUES (9, '01a2155b-1e78-7320-916d-81124300bae2', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155a-f243-701b-a4fe-36280f991d18', 1, NULL, '2026-11-26T00:57:02.840Z', '2026-11-26T00:57:02.843Z', NULL);
INSERT INTO 'tasks' VALUES (10, '01a2155b-1e9a-748c-a668-d12b28ce3797', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155a-f243-701b-a4fe-36280f991d18', 1, NULL, '2026-11-26T00:57:02.874Z', '2026-11-26T00:57:02.878Z', NULL);
INSERT INTO 'tasks' VALUES (11, '01a2155b-1eb5-742d-82a2-1b2c8e288f60', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB4PeyIR4oU_kPZQ9Gsgn-Q0DbJM2C8TDcNQQttJs9KQm3t_lFO9mLqVP9FOs-1jFvs--WfAgorUQSdlFttJZ6dKVW80O6B8QfLseweW2ilGvEpvNJcEjTqsnOQakw0q0x9rmzjbsKiBPlwA9a2QKS-HYoBcoKemdCTO4xzlhH-O_EuxBmwLHfjHxNpjnjTJ1RAHo7pAsROkbKip27d_qU827KFkzEOCmiZCWHlU4Lyepttg56jAtUCyl-uqc5nfa93bhzEZ4TIjLHvYY-jNrVbA9kVvGqWHbO1BqKnKeLJUtbSbBJKAevXamFWd-HYj3WljA0P8u8LCsxLCpYHh-msDHhx0QBaC2i_BynhCjm841Slo=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:02.901Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (12, '01a2155b-1eb9-73de-8e96-b6f34c949bff', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a2155b-1eb9-73de-8e96-b6f34c949bff/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:02.911Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (13, '01a2155b-1ec2-7432-80f6-76104a3d5b29', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:02.914Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (14, '01a2155b-1ed2-7773-9c91-9bb0e36be87a', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155a-f243-701b-a4fe-36280f991d18', 1, NULL, '2026-11-26T00:57:02.874Z', '2026-11-26T00:57:02.878Z', NULL);
INSERT INTO 'tasks' VALUES (15, '01a2155b-1ed2-7773-9c91-9bb228b1ebd6', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T00:57:02.914Z', NULL, 0, NULL, '2026-11-26T00:57:02.914Z', NULL, NULL);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a2155a-f4bb-74e6-8f8c-d2aa30468f1b', '2999-01-01T00:00:00.000Z');
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
INSERT INTO 'attempts' VALUES (1, '01a2155a-f381-7761-919e-d291e77e2653', '01a2155a-f368-7775-895f-6bacdad0de61', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:56:51.841Z', '2026-11-26T00:56:52.016Z');
INSERT INTO 'attempts' VALUES (2, '01a2155a-f452-70fc-9e6c-7f4b656a1bf3', '01a2155a-f449-74a7-a169-c118c36f2104', 1, 0, 'stored', 'certain', '{"id":"job-01a2155a-f452-70fc-9e6c-7f4b656a1bf3-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T00:56:52.050Z', '2026-11-26T00:56:52.128Z');
INSERT INTO 'attempts' VALUES (3, '01a2155a-f4c4-73f5-bcb2-f3b135d28535', '01a2155a-f4bb-74e6-8f8c-d2aa30468f1b', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:56:52.164Z', '2026-11-26T00:56:52.207Z');
INSERT INTO 'attempts' VALUES (4, '01a2155a-f548-7361-b452-72cc8c6ca9ce', '01a2155a-f534-73a3-874e-fd429c0dd8be', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:56:52.296Z', '2026-11-26T00:56:52.348Z');
INSERT INTO 'attempts' VALUES (5, '01a2155a-f655-7773-8329-204d9aa6be36', '01a2155a-f64d-739f-9d2f-d2e783c5677a', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:56:52.565Z', '2026-11-26T00:56:52.585Z');
INSERT INTO 'attempts' VALUES (6, '01a2155a-f69a-7264-8bb3-1d29abbc372c', '01a2155a-f68e-7288-9b74-4f8c3ce9a7f0', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', '2026-11-26T00:56:52.634Z', '2026-11-26T00:56:52.640Z');
INSERT INTO 'attempts' VALUES (7, '01a2155a-f6d1-7154-a7ae-dc5803877d1d', '01a2155a-f6c8-702c-9dd8-10d2e0085f6b', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","message":"127.0.0.1 did not answer in time","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', '2026-11-26T00:56:52.689Z', '2026-11-26T00:57:02.691Z');
INSERT INTO 'attempts' VALUES (8, '01a2155b-1e58-72d6-9410-108988d3cca5', '01a2155b-1e49-733f-a485-30f9c397921e', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T00:57:02.808Z', '2026-11-26T00:57:02.819Z');
INSERT INTO 'attempts' VALUES (9, '01a2155b-1e81-74d3-b77a-7728ad8e7b42', '01a2155b-1e78-7320-916d-81124300bae2', 1, 0, 'accepted', 'certain', '{"id":"job-01a2155b-1e81-74d3-b77a-7728ad8e7b42-1","data":{"task":{"id":"job-01a2155b-1e81-74d3-b77a-7728ad8e7b42-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T00:57:02.849Z', '2026-11-26T00:57:02.853Z');
INSERT INTO 'attempts' VALUES (10, '01a2155b-1e9f-71ee-8366-97a6329f2a22', '01a2155b-1e9a-748c-a668-d12b28ce3797', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T00:57:02.879Z', '2026-11-26T00:57:02.880Z');
INSERT INTO 'attempts' VALUES (11, '01a2155b-1ed2-7773-9c91-9bb18023c9aa', '01a2155b-1ed2-7773-9c91-9bb0e36be87a', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T00:57:02.879Z', '2026-11-26T00:57:02.880Z');
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
INSERT INTO 'images' VALUES (1, '01a2155a-f368-7775-895f-6bacdad0de61', '01a2155a-f381-7761-919e-d291e77e2653', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '7f1c19dc04cd7f95a322bdefc904af8747d373657148368ba252f652e35ad887', NULL, '6038133021899946844', '61/01a2155a-f368-7775-895f-6bacdad0de61-0-0.png', '61/01a2155a-f368-7775-895f-6bacdad0de61-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:56:52.015Z');
INSERT INTO 'images' VALUES (2, '01a2155a-f449-74a7-a169-c118c36f2104', '01a2155a-f452-70fc-9e6c-7f4b656a1bf3', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '94d1b984a57f5b65a24b418e6b922fba0dc5062d534bc226d81c09ed3ba18b13', NULL, '12295213099257490111', '04/01a2155a-f449-74a7-a169-c118c36f2104-0-0.png', '04/01a2155a-f449-74a7-a169-c118c36f2104-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:56:52.128Z');
INSERT INTO 'images' VALUES (3, '01a2155a-f4bb-74e6-8f8c-d2aa30468f1b', '01a2155a-f4c4-73f5-bcb2-f3b135d28535', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3787, '6ece4e4026ef60f188abfd5b5105c10fc7e5c07cf483c0ae4b45b3b9c79b6c25', NULL, '6727356346587698485', '1b/01a2155a-f4bb-74e6-8f8c-d2aa30468f1b-0-0.png', '1b/01a2155a-f4bb-74e6-8f8c-d2aa30468f1b-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":613491032}', '2026-11-26T00:56:52.202Z');
INSERT INTO 'images' VALUES (4, '01a2155a-f4bb-74e6-8f8c-d2aa30468f1b', '01a2155a-f4c4-73f5-bcb2-f3b135d28535', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3536, 'a4a81df1dcb7edc7fd74a3f871ad959824794d2507b291b8c98d4c676bc86a51', NULL, '6413091061338234159', '1b/01a2155a-f4bb-74e6-8f8c-d2aa30468f1b-0-1.png', '1b/01a2155a-f4bb-74e6-8f8c-d2aa30468f1b-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":613491033}', '2026-11-26T00:56:52.207Z');
INSERT INTO 'images' VALUES (6, '01a2155a-f64d-739f-9d2f-d2e783c5677a', '01a2155a-f655-7773-8329-204d9aa6be36', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'e1eb597d0a2fdb297d500279dc6f3c5ecb0fb61ea35e1bc64644c2af75319f6a', NULL, '3151496349648120557', '7a/01a2155a-f64d-739f-9d2f-d2e783c5677a-0-0.png', '7a/01a2155a-f64d-739f-9d2f-d2e783c5677a-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T00:56:52.585Z');
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'be/01a2155a-f534-73a3-874e-fd429c0dd8be-0-0.png', 5, 2, '2026-11-26T00:57:07.937Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:56:52.553Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'be/01a2155a-f534-73a3-874e-fd429c0dd8be-0-0.thumb.webp', 5, 2, '2026-11-26T00:57:07.936Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:56:52.553Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a2155a-f368-7775-895f-6bacdad0de61', 'image', '2026-11-26T00:56:52.022Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a2155a-f368-7775-895f-6bacdad0de61', 'completed', '2026-11-26T00:56:52.023Z', '{}');
INSERT INTO 'events' VALUES (3, '01a2155a-f449-74a7-a169-c118c36f2104', 'image', '2026-11-26T00:56:52.130Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a2155a-f449-74a7-a169-c118c36f2104', 'completed', '2026-11-26T00:56:52.131Z', '{}');
INSERT INTO 'events' VALUES (5, '01a2155a-f4bb-74e6-8f8c-d2aa30468f1b', 'image', '2026-11-26T00:56:52.209Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a2155a-f4bb-74e6-8f8c-d2aa30468f1b', 'image', '2026-11-26T00:56:52.212Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a2155a-f4bb-74e6-8f8c-d2aa30468f1b', 'completed', '2026-11-26T00:56:52.213Z', '{}');
INSERT INTO 'events' VALUES (8, '01a2155a-f534-73a3-874e-fd429c0dd8be', 'image', '2026-11-26T00:56:52.376Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a2155a-f534-73a3-874e-fd429c0dd8be', 'completed', '2026-11-26T00:56:52.385Z', '{}');
INSERT INTO 'events' VALUES (10, '01a2155a-f64d-739f-9d2f-d2e783c5677a', 'image', '2026-11-26T00:56:52.586Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a2155a-f64d-739f-9d2f-d2e783c5677a', 'completed', '2026-11-26T00:56:52.587Z', '{}');
INSERT INTO 'events' VALUES (13, '01a2155a-f6c8-702c-9dd8-10d2e0085f6b', 'cancelled', '2026-11-26T00:57:02.692Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a2155a-f243-701b-a4fe-36280f991d18', '2026-11-26T00:56:51.524Z');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795654612015, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795654612128, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795654612202, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795654612207, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795654612585, 'waits for its upload');
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
