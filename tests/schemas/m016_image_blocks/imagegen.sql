BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 08:12:31.017240+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 08:12:31.017841+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 08:12:31.018031+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 08:12:31.018270+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 08:12:31.039550+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 08:12:31.039810+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 08:12:31.039942+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 08:12:31.040502+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 08:12:31.040671+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-26 08:12:31.041143+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-26 08:12:31.041311+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-26 08:12:31.041917+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-26 08:12:31.064457+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-26 08:12:31.065061+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-26 08:12:31.065499+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-26 08:12:31.065764+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-26T08:12:33.509Z', '2026-11-26T08:12:33.509Z', 'gAAAAABrB-nxad9uYP_y-VTBsRbKaxrwZGeKhS1A7eBUjKWo1J745-auecfTux9ar9X4cX_GxLo7r_9iceSMgNGdoz_Zt-T1li9aNTbAXD9OoZofHl57z_SBqqkCAWzJhcYr1lp9jTdIFDNaYiUMw6Ruo7xdRhewlMmkufgmPZuGg6Ej_YKp0ovhs0m0wFBrwPeptfGlmQN61cokKJUXTJJBGeGOTFszNPVUhjlP4CDMYPSvP4wbkTU=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB-nxElN6sEdzDdCUrRm9QqWky_v4Y0T3imbKjEbPJ71k4aPfv8SR8GLD7TSqQSCJjH9_3hXi53X6M68UyQT6OGEX-VCAQ_ZzcNJ58Br7pzYFb36H0H6xolF06uEhtCOVtBUUa2pA-qc3lnqNVz7VNt0PERt3Hwnm443VWcntDFlYtOv5v2Ja89KDIf9EtBtktH9d', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T08:12:33.416Z', '2026-11-26T08:12:33.416Z', NULL);
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
        , locked INTEGER NOT NULL DEFAULT 0) STRICT
        ;
INSERT INTO 'tasks' VALUES (1, '01a216e9-d78f-7014-a562-22797534ee94', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T08:12:33.552Z', '2026-11-26T08:12:33.572Z', '2026-11-26T08:12:34.895Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a216e9-de1d-776c-9211-9ecd5e25a091', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T08:12:35.229Z', '2026-11-26T08:12:35.248Z', '2026-11-26T08:12:36.261Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a216e9-e2bb-75a2-add0-208b0136bbc2', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T08:12:36.411Z', '2026-11-26T08:12:36.429Z', '2026-11-26T08:12:36.718Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a216e9-e43e-73fb-85f0-5542d4e9f3fb', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T08:12:36.799Z', '2026-11-26T08:12:36.823Z', '2026-11-26T08:12:37.131Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a216e9-e753-735d-9905-dfc5e53eba09', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T08:12:37.587Z', '2026-11-26T08:12:37.589Z', '2026-11-26T08:12:38.204Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a216e9-eab8-721c-b21f-d4b631454df8', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-26T08:12:38.456Z', '2026-11-26T08:12:38.487Z', '2026-11-26T08:12:38.632Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a216e9-ec36-7512-a05c-613fa9922797', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a216e9-eab8-721c-b21f-d4b631454df8', '2026-11-26T08:12:38.839Z', '2026-11-26T08:12:38.862Z', '2026-11-26T08:12:49.019Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a216ea-1678-70ef-99f2-f6193dbf516a', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T08:12:54.896Z', NULL, 1, NULL, '2026-11-26T08:12:49.657Z', '2026-11-26T08:12:49.727Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a216ea-17aa-710e-ba11-f8ec888fb388', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a216e9-ce79-717f-9e9b-c3037d663327', 1, NULL, '2026-11-26T08:12:49.962Z', '2026-11-26T08:12:49.986Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a216ea-18a5-75a6-9543-76515f98df5a', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a216e9-ce79-717f-9e9b-c3037d663327', 1, NULL, '2026-11-26T08:12:50.214Z', '2026-11-26T08:12:50.340Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a216ea-1a54-7218-a52a-176ecf9ad7f4', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB-oCpnbQqn_HMFxczInqtIfqtP7puIN85eEBRrlJ3nYFhBV6iiFlBlV-YgUjX_iDzRdRSFePwW8O7XbJuzq-oU8XW5iRLgPa9zYkQxwgv8wokchVmn_qOWBS8ZfF-XCssVH6oKVynEhOCoYQyI_P_1B6F26U01q_lKAm_4cF8HPJsdKKpSsnRtxj0yXuKpIjl9rMZUC9_wiHtgKwlDYAXinW9n6l2FICYYNk_BbIVcy9eQ6CQCSpD21q8G69i24MJwmkB_s2t7cJfSm-wTnV1m7ezQr4C_5AvNw2g9DeP5sqk_-kr6UDlOnIYQ5gzpzDajQhESkTa3kZNDwFhO_r9K1pIXQ-KsI1rKruW9ixYiPfV0I=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T08:12:50.644Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a216ea-1af2-77ad-9e99-b4777b874c96', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a216ea-1af2-77ad-9e99-b4777b874c96/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T08:12:50.942Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a216ea-1b8d-727a-ba21-4c1fe5ee5e6d', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T08:12:50.957Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a216ea-1c6d-77df-b0d2-4fb108a0fe28', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a216e9-ce79-717f-9e9b-c3037d663327', 1, NULL, '2026-11-26T08:12:50.214Z', '2026-11-26T08:12:50.340Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a216ea-1c6d-77df-b0d2-4fb3eb250fd2', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T08:12:50.957Z', NULL, 0, NULL, '2026-11-26T08:12:50.957Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a216e9-e2bb-75a2-add0-208b0136bbc2', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a216e9-d800-7000-a305-b8ac4616f60d', '01a216e9-d78f-7014-a562-22797534ee94', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T08:12:33.663Z', '2026-11-26T08:12:34.798Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a216e9-de78-7121-ba3a-4d68b523868b', '01a216e9-de1d-776c-9211-9ecd5e25a091', 1, 0, 'stored', 'certain', '{"id":"job-01a216e9-de78-7121-ba3a-4d68b523868b-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T08:12:35.320Z', '2026-11-26T08:12:36.179Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a216e9-e308-771a-ae17-994a97e7deff', '01a216e9-e2bb-75a2-add0-208b0136bbc2', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T08:12:36.488Z', '2026-11-26T08:12:36.697Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a216e9-e49f-7301-acee-226831e14e9c', '01a216e9-e43e-73fb-85f0-5542d4e9f3fb', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T08:12:36.895Z', '2026-11-26T08:12:37.124Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a216e9-e797-759e-be08-8328508b3e93', '01a216e9-e753-735d-9905-dfc5e53eba09', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T08:12:37.655Z', '2026-11-26T08:12:38.106Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a216e9-eb12-77b0-9fab-edd4926fac02', '01a216e9-eab8-721c-b21f-d4b631454df8', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-26T08:12:38.546Z', '2026-11-26T08:12:38.599Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a216e9-ecca-7008-a044-55d0014c6a99', '01a216e9-ec36-7512-a05c-613fa9922797', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-26T08:12:38.986Z', '2026-11-26T08:12:49.009Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a216ea-1721-771a-80ec-374b8395f9b6', '01a216ea-1678-70ef-99f2-f6193dbf516a', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T08:12:49.824Z', '2026-11-26T08:12:49.874Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (9, '01a216ea-17d6-7257-ac6d-59a0101eede6', '01a216ea-17aa-710e-ba11-f8ec888fb388', 1, 0, 'accepted', 'certain', '{"id":"job-01a216ea-17d6-7257-ac6d-59a0101eede6-1","data":{"task":{"id":"job-01a216ea-17d6-7257-ac6d-59a0101eede6-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T08:12:50.006Z', '2026-11-26T08:12:50.053Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (10, '01a216ea-19b1-7552-9776-e5560d22e731', '01a216ea-18a5-75a6-9543-76515f98df5a', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T08:12:50.481Z', '2026-11-26T08:12:50.526Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (11, '01a216ea-1c6d-77df-b0d2-4fb2f08a8cd0', '01a216ea-1c6d-77df-b0d2-4fb108a0fe28', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T08:12:50.481Z', '2026-11-26T08:12:50.526Z', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a216e9-d78f-7014-a562-22797534ee94', '01a216e9-d800-7000-a305-b8ac4616f60d', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '3429743504c5ea6ee5dca91a054185680e0b9727ddc15c9c08c9a5217faf50bf', NULL, '5612259415777923493', '94/01a216e9-d78f-7014-a562-22797534ee94-0-0.png', '94/01a216e9-d78f-7014-a562-22797534ee94-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T08:12:34.798Z');
INSERT INTO 'images' VALUES (2, '01a216e9-de1d-776c-9211-9ecd5e25a091', '01a216e9-de78-7121-ba3a-4d68b523868b', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'dd4967fa8c3b8d7663f47d74876be38a1f1adcea05e515005696456ad35a9264', NULL, '10798783702774292750', '91/01a216e9-de1d-776c-9211-9ecd5e25a091-0-0.png', '91/01a216e9-de1d-776c-9211-9ecd5e25a091-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T08:12:36.179Z');
INSERT INTO 'images' VALUES (3, '01a216e9-e2bb-75a2-add0-208b0136bbc2', '01a216e9-e308-771a-ae17-994a97e7deff', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3825, '60145107b1c2689734a405696a7d53be8ed270df4b30d72242920ac6da19d8db', NULL, '8059638068618853282', 'c2/01a216e9-e2bb-75a2-add0-208b0136bbc2-0-0.png', 'c2/01a216e9-e2bb-75a2-add0-208b0136bbc2-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":3485954786}', '2026-11-26T08:12:36.676Z');
INSERT INTO 'images' VALUES (4, '01a216e9-e2bb-75a2-add0-208b0136bbc2', '01a216e9-e308-771a-ae17-994a97e7deff', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3487, '9003f0cc31866d3481185e47f3998a0326e2cbe3e7f5ac249947efd6257bdfbe', NULL, '2737173184091285384', 'c2/01a216e9-e2bb-75a2-add0-208b0136bbc2-0-1.png', 'c2/01a216e9-e2bb-75a2-add0-208b0136bbc2-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":3485954787}', '2026-11-26T08:12:36.697Z');
INSERT INTO 'images' VALUES (6, '01a216e9-e753-735d-9905-dfc5e53eba09', '01a216e9-e797-759e-be08-8328508b3e93', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'a1e8d903e0cccf9c689aace6d16d4def18a3b303382ca9f615c2afe378517b51', NULL, '14495186538703511897', '09/01a216e9-e753-735d-9905-dfc5e53eba09-0-0.png', '09/01a216e9-e753-735d-9905-dfc5e53eba09-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T08:12:38.106Z');
DELETE FROM sqlite_sequence;
INSERT INTO 'sqlite_sequence' VALUES ('search_generations', 1);
INSERT INTO 'sqlite_sequence' VALUES ('events', 13);
INSERT INTO 'sqlite_sequence' VALUES ('images', 6);
INSERT INTO 'sqlite_sequence' VALUES ('outbox', 8);
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'fb/01a216e9-e43e-73fb-85f0-5542d4e9f3fb-0-0.png', 5, 2, '2026-11-26T08:12:53.111Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-26T08:12:37.509Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'fb/01a216e9-e43e-73fb-85f0-5542d4e9f3fb-0-0.thumb.webp', 5, 2, '2026-11-26T08:12:53.111Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-26T08:12:37.509Z');
INSERT INTO 'outbox' VALUES (8, 'upload', '09/01a216e9-e753-735d-9905-dfc5e53eba09-0-0.png', 6, 2, '2026-11-26T08:12:54.568Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-26T08:12:38.362Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a216e9-d78f-7014-a562-22797534ee94', 'image', '2026-11-26T08:12:34.812Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a216e9-d78f-7014-a562-22797534ee94', 'completed', '2026-11-26T08:12:34.895Z', '{}');
INSERT INTO 'events' VALUES (3, '01a216e9-de1d-776c-9211-9ecd5e25a091', 'image', '2026-11-26T08:12:36.217Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a216e9-de1d-776c-9211-9ecd5e25a091', 'completed', '2026-11-26T08:12:36.261Z', '{}');
INSERT INTO 'events' VALUES (5, '01a216e9-e2bb-75a2-add0-208b0136bbc2', 'image', '2026-11-26T08:12:36.702Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a216e9-e2bb-75a2-add0-208b0136bbc2', 'image', '2026-11-26T08:12:36.710Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a216e9-e2bb-75a2-add0-208b0136bbc2', 'completed', '2026-11-26T08:12:36.718Z', '{}');
INSERT INTO 'events' VALUES (8, '01a216e9-e43e-73fb-85f0-5542d4e9f3fb', 'image', '2026-11-26T08:12:37.126Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a216e9-e43e-73fb-85f0-5542d4e9f3fb', 'completed', '2026-11-26T08:12:37.131Z', '{}');
INSERT INTO 'events' VALUES (10, '01a216e9-e753-735d-9905-dfc5e53eba09', 'image', '2026-11-26T08:12:38.114Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a216e9-e753-735d-9905-dfc5e53eba09', 'completed', '2026-11-26T08:12:38.204Z', '{}');
INSERT INTO 'events' VALUES (12, '01a216e9-eab8-721c-b21f-d4b631454df8', 'failed', '2026-11-26T08:12:38.632Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a216e9-ec36-7512-a05c-613fa9922797', 'cancelled', '2026-11-26T08:12:49.019Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a216e9-ce79-717f-9e9b-c3037d663327', '2026-11-26T08:12:31.225Z');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795680754798, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795680756179, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795680756676, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795680756697, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795680758106, 'waits for its upload');
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
CREATE TABLE image_blocks (block INTEGER PRIMARY KEY, images INTEGER NOT NULL) STRICT;
INSERT INTO 'image_blocks' VALUES (0, 5);
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
CREATE TRIGGER images_block_new AFTER INSERT ON images BEGIN
            INSERT INTO image_blocks (block, images) VALUES (new.id >> 10, 1)
            ON CONFLICT (block) DO UPDATE SET images = images + 1;
        END;
CREATE TRIGGER images_block_gone AFTER DELETE ON images BEGIN
            UPDATE image_blocks SET images = images - 1 WHERE block = old.id >> 10;
        END;
COMMIT;
