BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 00:58:06.261807+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 00:58:06.262576+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 00:58:06.262849+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 00:58:06.263156+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 00:58:06.263419+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 00:58:06.263628+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 00:58:06.263772+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 00:58:06.264483+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 00:58:06.264667+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-26 00:58:06.265159+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-26 00:58:06.265360+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-26 00:58:06.266349+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-26 00:58:06.266560+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-26 00:58:06.267019+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-26T00:58:06.852Z', '2026-11-26T00:58:06.852Z', 'gAAAAABrB4Qe7HCvg88dSTBpd5vkQAS7yZQ7xe9vIW3htT3FOxME3irlk_HRVGZ2y29tKEhutaFTCQhB12G4Mq03hWgbXOH58lIu4mUVc-AkeAzA23xSRSXK-z2wJQCScvGjbJe_DAOAdqwyfp_klBluI8WPAnx9of7Oz8AejA6tgIPVdfPbFhLqjAiv5Iq-EeTPQlmeCPSoXEntAUqzDFzgmarOPWLeOgARjwsB_1vkyB-uRcmp4ow=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB4QeYi4cchoYvCixLcpIas5zsGnOGTarVeRC7PPRStQN_jS5bSTwgAk42C8w--AHNDMz_tB-cWP_-fvoyru7kyC5BYKupTK2s2yZXz5qZbwz4I-PvU76EOeE4cwgXcyIrWBIE1HyDhrxX6O72wyHYmvE4NbGGEg1pxx9YWPBGgSwxyNmbAY6Tio7cnWszezyqAms', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T00:58:06.846Z', '2026-11-26T00:58:06.846Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a2155c-188d-75eb-bbd0-26b35b6c4f1b', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:58:06.862Z', '2026-11-26T00:58:06.869Z', '2026-11-26T00:58:07.184Z');
INSERT INTO 'tasks' VALUES (2, '01a2155c-1a0c-70c0-a49f-d821c68147db', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:58:07.244Z', '2026-11-26T00:58:07.253Z', '2026-11-26T00:58:07.330Z');
INSERT INTO 'tasks' VALUES (3, '01a2155c-1a97-77d0-bad2-69574f84f938', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:58:07.383Z', '2026-11-26T00:58:07.394Z', '2026-11-26T00:58:07.731Z');
INSERT INTO 'tasks' VALUES (4, '01a2155c-1c23-76f2-a755-694b1d8d3645', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:58:07.779Z', '2026-11-26T00:58:07.782Z', '2026-11-26T00:58:07.872Z');
INSERT INTO 'tasks' VALUES (5, '01a2155c-1de8-73aa-b1d0-bbc3cbbd0ae8', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:58:08.233Z', '2026-11-26T00:58:08.241Z', '2026-11-26T00:58:08.352Z');
INSERT INTO 'tasks' VALUES (6, '01a2155c-1e9c-7199-bad1-00e59a7338f6', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', 0, NULL, NULL, 1, NULL, '2026-11-26T00:58:08.412Z', '2026-11-26T00:58:08.428Z', '2026-11-26T00:58:08.456Z');
INSERT INTO 'tasks' VALUES (7, '01a2155c-1f10-76bc-9ab3-46a0eaf86afb', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","message":"cancelled by the caller","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', 1, NULL, NULL, 1, '01a2155c-1e9c-7199-bad1-00e59a7338f6', '2026-11-26T00:58:08.528Z', '2026-11-26T00:58:08.533Z', '2026-11-26T00:58:18.597Z');
INSERT INTO 'tasks' VALUES (8, '01a2155c-46fc-7571-8b83-3db180d83819', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T00:58:23.838Z', NULL, 1, NULL, '2026-11-26T00:58:18.749Z', '2026-11-26T00:58:18.760Z', NULL);
INSERT INTO 'tasks' VALUES (9, '01a2155c-477b-7606-99d7-ab96e05cdd5d', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155c-16cf-701f-8791-a8fe8795fc99', 1, NULL, '2026-11-26T00:58:18.875Z', '2026-11-26T00:58:18.883Z', NULL);
INSERT INTO 'tasks' VALUES (10, '01a2155c-47de-747e-b084-23c728118b34', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155c-16cf-701f-8791-a8fe8795fc99', 1, NULL, '2026-11-26T00:58:18.974Z', '2026-11-26T00:58:18.987Z', NULL);
INSERT INTO 'tasks' VALUES (11, '01a2155c-4886-7627-b16a-5b59611af8da', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB4Qrvu2G53LKy9LssP9GEXzndbuZ8iaGBHJJ40VaLR4fWz9JdDDsF3WiAvx4jevelgR2cFll_OWBUwJkdjups5cPd1lU-eye0A9NE45T5XNvZNk_BW8LCTrTn4-VVhExSteVauKbFZtliL4o0Z24-s-Ko710C9gbbYfl7Fo1kKrQ3EjD3d0qbW7wun6SY7xDIzDzyU3Leba9zXcz7YnFpZY9fXlQ9xzNod-IELHVvXuML1-poHi883heQc6deJq0d81G1_o8YVa9x7wU-TjBvUcgl3HJ5TyVFZdJU9XB3hTb-WcStGBav-eJV6Zuitwa4uzCQvP2wl1HwN5stM2gH_NJiI5gAIMwPqUW7qL2pmM9tjk=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:58:19.142Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (12, '01a2155c-4893-76c2-9acc-6af340c26f82', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a2155c-4893-76c2-9acc-6af340c26f82/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:58:19.200Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (13, '01a2155c-48c8-7652-b115-b320d2ddf4b6', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:58:19.208Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (14, '01a2155c-48d9-712b-9294-9619c46eed73', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155c-16cf-701f-8791-a8fe8795fc99', 1, NULL, '2026-11-26T00:58:18.974Z', '2026-11-26T00:58:18.987Z', NULL);
INSERT INTO 'tasks' VALUES (15, '01a2155c-48d9-712b-9294-961b8c8a91a1', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T00:58:19.208Z', NULL, 0, NULL, '2026-11-26T00:58:19.208Z', NULL, NULL);
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
            expires_at TEXT NOT NULL, answered_at TEXT,
            PRIMARY KEY (scope, key)
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a2155c-1a97-77d0-bad2-69574f84f938', '2999-01-01T00:00:00.000Z', NULL);
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
        , config TEXT, sealed_config TEXT) STRICT
        ;
INSERT INTO 'attempts' VALUES (1, '01a2155c-18a1-70bd-9c33-dc6775e661fc', '01a2155c-188d-75eb-bbd0-26b35b6c4f1b', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:58:06.881Z', '2026-11-26T00:58:07.177Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a2155c-1a18-71bb-aa77-1925c7721b6a', '01a2155c-1a0c-70c0-a49f-d821c68147db', 1, 0, 'stored', 'certain', '{"id":"job-01a2155c-1a18-71bb-aa77-1925c7721b6a-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T00:58:07.256Z', '2026-11-26T00:58:07.328Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a2155c-1ad9-7437-97dc-f434d367aac7', '01a2155c-1a97-77d0-bad2-69574f84f938', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:58:07.449Z', '2026-11-26T00:58:07.657Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a2155c-1c34-77cf-9489-00d778c04a5d', '01a2155c-1c23-76f2-a755-694b1d8d3645', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:58:07.796Z', '2026-11-26T00:58:07.847Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a2155c-1e0a-70af-a545-17122d017c47', '01a2155c-1de8-73aa-b1d0-bbc3cbbd0ae8', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:58:08.266Z', '2026-11-26T00:58:08.325Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a2155c-1eb8-701b-9647-2f372cad90a1', '01a2155c-1e9c-7199-bad1-00e59a7338f6', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', '2026-11-26T00:58:08.440Z', '2026-11-26T00:58:08.450Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a2155c-1f1f-74f4-acd5-4445646ba774', '01a2155c-1f10-76bc-9ab3-46a0eaf86afb', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","message":"127.0.0.1 did not answer in time","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', '2026-11-26T00:58:08.543Z', '2026-11-26T00:58:18.565Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a2155c-4714-7278-b43f-3eceb36579e7', '01a2155c-46fc-7571-8b83-3db180d83819', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T00:58:18.772Z', '2026-11-26T00:58:18.820Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (9, '01a2155c-478d-717f-9c9b-3325ca30d677', '01a2155c-477b-7606-99d7-ab96e05cdd5d', 1, 0, 'accepted', 'certain', '{"id":"job-01a2155c-478d-717f-9c9b-3325ca30d677-1","data":{"task":{"id":"job-01a2155c-478d-717f-9c9b-3325ca30d677-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T00:58:18.893Z', '2026-11-26T00:58:18.920Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (10, '01a2155c-4868-775d-bfaf-7f9bd8ddf7b0', '01a2155c-47de-747e-b084-23c728118b34', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T00:58:19.112Z', '2026-11-26T00:58:19.117Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (11, '01a2155c-48d9-712b-9294-961a9ca994fd', '01a2155c-48d9-712b-9294-9619c46eed73', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T00:58:19.112Z', '2026-11-26T00:58:19.117Z', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a2155c-188d-75eb-bbd0-26b35b6c4f1b', '01a2155c-18a1-70bd-9c33-dc6775e661fc', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '040bf44bd8cf39d7b8f350bbc4a5b7920ba8d88bdeb5b87e81052ecb2db03ead', NULL, '10348859078771187917', '1b/01a2155c-188d-75eb-bbd0-26b35b6c4f1b-0-0.png', '1b/01a2155c-188d-75eb-bbd0-26b35b6c4f1b-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:58:07.177Z');
INSERT INTO 'images' VALUES (2, '01a2155c-1a0c-70c0-a49f-d821c68147db', '01a2155c-1a18-71bb-aa77-1925c7721b6a', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '128e199ba875533963f2eb4ed56d6ec6547149fb0e17018ce6f20c79b188c9de', NULL, '9451685852393089719', 'db/01a2155c-1a0c-70c0-a49f-d821c68147db-0-0.png', 'db/01a2155c-1a0c-70c0-a49f-d821c68147db-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:58:07.328Z');
INSERT INTO 'images' VALUES (3, '01a2155c-1a97-77d0-bad2-69574f84f938', '01a2155c-1ad9-7437-97dc-f434d367aac7', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3690, '7970937e0744b38a3b23185bca48d479913398e5a8e87e0d7da13f3525db5741', NULL, '5492981038962014681', '38/01a2155c-1a97-77d0-bad2-69574f84f938-0-0.png', '38/01a2155c-1a97-77d0-bad2-69574f84f938-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2634169379}', '2026-11-26T00:58:07.640Z');
INSERT INTO 'images' VALUES (4, '01a2155c-1a97-77d0-bad2-69574f84f938', '01a2155c-1ad9-7437-97dc-f434d367aac7', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3509, '005820f5491db1c75210360965dfc8947fc0d5358374dc15e329ff65ff66eac1', NULL, '53515624692914755', '38/01a2155c-1a97-77d0-bad2-69574f84f938-0-1.png', '38/01a2155c-1a97-77d0-bad2-69574f84f938-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2634169380}', '2026-11-26T00:58:07.657Z');
INSERT INTO 'images' VALUES (6, '01a2155c-1de8-73aa-b1d0-bbc3cbbd0ae8', '01a2155c-1e0a-70af-a545-17122d017c47', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '2c99a38c8c0738a3fe23e55e8777ccd66c996d6c1c826d8193daeb25a11ba864', NULL, '4861131584116149839', 'e8/01a2155c-1de8-73aa-b1d0-bbc3cbbd0ae8-0-0.png', 'e8/01a2155c-1de8-73aa-b1d0-bbc3cbbd0ae8-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T00:58:08.325Z');
DELETE FROM sqlite_sequence;
INSERT INTO 'sqlite_sequence' VALUES ('search_generations', 1);
INSERT INTO 'sqlite_sequence' VALUES ('events', 13);
INSERT INTO 'sqlite_sequence' VALUES ('images', 6);
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
INSERT INTO 'outbox' VALUES (6, 'remove', '45/01a2155c-1c23-76f2-a755-694b1d8d3645-0-0.png', 5, 2, '2026-11-26T00:58:23.653Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:58:08.222Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '45/01a2155c-1c23-76f2-a755-694b1d8d3645-0-0.thumb.webp', 5, 2, '2026-11-26T00:58:23.653Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:58:08.222Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a2155c-188d-75eb-bbd0-26b35b6c4f1b', 'image', '2026-11-26T00:58:07.180Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a2155c-188d-75eb-bbd0-26b35b6c4f1b', 'completed', '2026-11-26T00:58:07.184Z', '{}');
INSERT INTO 'events' VALUES (3, '01a2155c-1a0c-70c0-a49f-d821c68147db', 'image', '2026-11-26T00:58:07.329Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a2155c-1a0c-70c0-a49f-d821c68147db', 'completed', '2026-11-26T00:58:07.330Z', '{}');
INSERT INTO 'events' VALUES (5, '01a2155c-1a97-77d0-bad2-69574f84f938', 'image', '2026-11-26T00:58:07.712Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a2155c-1a97-77d0-bad2-69574f84f938', 'image', '2026-11-26T00:58:07.724Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a2155c-1a97-77d0-bad2-69574f84f938', 'completed', '2026-11-26T00:58:07.731Z', '{}');
INSERT INTO 'events' VALUES (8, '01a2155c-1c23-76f2-a755-694b1d8d3645', 'image', '2026-11-26T00:58:07.864Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a2155c-1c23-76f2-a755-694b1d8d3645', 'completed', '2026-11-26T00:58:07.872Z', '{}');
INSERT INTO 'events' VALUES (10, '01a2155c-1de8-73aa-b1d0-bbc3cbbd0ae8', 'image', '2026-11-26T00:58:08.328Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a2155c-1de8-73aa-b1d0-bbc3cbbd0ae8', 'completed', '2026-11-26T00:58:08.352Z', '{}');
INSERT INTO 'events' VALUES (12, '01a2155c-1e9c-7199-bad1-00e59a7338f6', 'failed', '2026-11-26T00:58:08.456Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a2155c-1f10-76bc-9ab3-46a0eaf86afb', 'cancelled', '2026-11-26T00:58:18.597Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a2155c-16cf-701f-8791-a8fe8795fc99', '2026-11-26T00:58:06.417Z');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795654687177, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795654687328, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795654687640, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795654687657, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795654688325, 'waits for its upload');
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
CREATE INDEX tasks_ready ON tasks (provider_name, seq)
        WHERE status = 'pending' AND not_before IS NULL
        ;
CREATE INDEX attempts_sealed ON attempts (attempt_id) WHERE sealed_config IS NOT NULL;
COMMIT;
