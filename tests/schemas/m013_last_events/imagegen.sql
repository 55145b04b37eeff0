BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 00:57:50.457763+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 00:57:50.458411+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 00:57:50.458642+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 00:57:50.458963+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 00:57:50.459234+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 00:57:50.459449+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 00:57:50.459596+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 00:57:50.470999+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 00:57:50.471354+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-26 00:57:50.471894+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-26 00:57:50.472123+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-26 00:57:50.477331+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-26 00:57:50.477575+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-26T00:57:51.474Z', '2026-11-26T00:57:51.474Z', 'gAAAAABrB4QPe8YH0wTgCrncVxobs0ZfqOebf3LYgL0QoHH0TuKPtJFlzhbap5c6jU3pV572UKpAM0eoueWvP3d0Xk8QZIAPvulHyl6MuN9-9FJXJSOljns4C4T-2xkJfxZIrPWuTk78bS_j45EWzAu4mXwnA2kznxBe5qwNrud-QY_HhGcUQ2MA0JSaRszNvc3Bj3iHkgtLF-s39T1HTCQPtem8NDkcgDin1eFnLc0U0pJvUzRrt4o=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB4QPG3jRCSkA4bNuU78JOoUeRYOr48x2gZWpZg1OCv7JJexXZo8rtmLiZD66yuxz3ngoifchPyvqGePYV8VCczjgInt7Ffo931smtKF44wcLCymhmKFDLYwz-8YPnyLVKbqtgmmoWbpi_NH-bQHtMJZFqDhStnPbATDAkKNa063juQ14iWMl5gcHin6X8rU-caSk', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T00:57:51.449Z', '2026-11-26T00:57:51.449Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a2155b-dc8f-7315-984f-f0017423dc16', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:51.509Z', '2026-11-26T00:57:51.528Z', '2026-11-26T00:57:52.082Z');
INSERT INTO 'tasks' VALUES (2, '01a2155b-df0f-74c0-8ad9-d9da3c489516', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:52.143Z', '2026-11-26T00:57:52.145Z', '2026-11-26T00:57:52.278Z');
INSERT INTO 'tasks' VALUES (3, '01a2155b-dfea-7375-8fa0-b314963b1eb2', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:52.362Z', '2026-11-26T00:57:52.369Z', '2026-11-26T00:57:52.588Z');
INSERT INTO 'tasks' VALUES (4, '01a2155b-e0ed-720b-b7db-eedc3441732f', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:52.621Z', '2026-11-26T00:57:52.631Z', '2026-11-26T00:57:52.857Z');
INSERT INTO 'tasks' VALUES (5, '01a2155b-e23b-73e4-a719-d1602a53ac4c', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:52.955Z', '2026-11-26T00:57:52.957Z', '2026-11-26T00:57:53.013Z');
INSERT INTO 'tasks' VALUES (6, '01a2155b-e2a4-75e2-b93b-b174bc6645f2', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:53.061Z', '2026-11-26T00:57:53.072Z', '2026-11-26T00:57:53.134Z');
INSERT INTO 'tasks' VALUES (7, '01a2155b-e396-72d4-b3f3-c7e8a582bf03', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","message":"cancelled by the caller","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', 1, NULL, NULL, 1, '01a2155b-e2a4-75e2-b93b-b174bc6645f2', '2026-11-26T00:57:53.303Z', '2026-11-26T00:57:53.312Z', '2026-11-26T00:58:03.385Z');
INSERT INTO 'tasks' VALUES (8, '01a2155c-0b51-73b5-b171-2b09057db8ee', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T00:58:08.586Z', NULL, 1, NULL, '2026-11-26T00:58:03.474Z', '2026-11-26T00:58:03.478Z', NULL);
INSERT INTO 'tasks' VALUES (9, '01a2155c-0be8-73b2-afc6-19a7a89c9d4d', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-d959-7296-91e9-426f8dd10019', 1, NULL, '2026-11-26T00:58:03.625Z', '2026-11-26T00:58:03.626Z', NULL);
INSERT INTO 'tasks' VALUES (10, '01a2155c-0c23-711b-a5d7-d0ce5a6a9411', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-d959-7296-91e9-426f8dd10019', 1, NULL, '2026-11-26T00:58:03.684Z', '2026-11-26T00:58:03.699Z', NULL);
INSERT INTO 'tasks' VALUES (11, '01a2155c-0c62-7775-be69-97fab7656eb5', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB4QbwPlR28sxRkWyNj8qbMfzZAYUCxvoVNnV5bVUMob0knjuXBdmMPMmfxyYkCCRcKt3twDkLLIshtGlx6PqBGhorduhmjTgGVUcbqoLFTmY_Y9h8VnYPrcCge3u6QhBDec66nkWziM2lx8BH_LtaDhXrLxjmwBXR3GI7Y12az6gOBYKjjGKq9XzdRSGiiO406igiyzarWO8_gATF7oJ2l2q3E8_qjH7NBOk9_ydR4CkwMkyvjtI1wMvhtkzSgLgkVnE8G88QMUlijzpKZVYz-tdC8V-aCvXYszGd1lG7uibQqevHMUBLz1Dvi83KOYPZibM3mpw2LMi0ikJoWyjwrrVYRE9lVAOHUBpkrmwhiEqBPs=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:58:03.747Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (12, '01a2155c-0c6a-7288-8ee3-de93bc44fa1d', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a2155c-0c6a-7288-8ee3-de93bc44fa1d/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:58:03.763Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (13, '01a2155c-0c7c-77d3-8e76-2f94ebcf1546', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:58:03.772Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (14, '01a2155c-0c99-72e8-950a-81524f4b3de5', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-d959-7296-91e9-426f8dd10019', 1, NULL, '2026-11-26T00:58:03.684Z', '2026-11-26T00:58:03.699Z', NULL);
INSERT INTO 'tasks' VALUES (15, '01a2155c-0c99-72e8-950a-8154535af0ef', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T00:58:03.772Z', NULL, 0, NULL, '2026-11-26T00:58:03.772Z', NULL, NULL);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a2155b-dfea-7375-8fa0-b314963b1eb2', '2999-01-01T00:00:00.000Z');
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
INSERT INTO 'attempts' VALUES (1, '01a2155b-dcc8-770d-b69a-e266cc696822', '01a2155b-dc8f-7315-984f-f0017423dc16', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:51.560Z', '2026-11-26T00:57:52.079Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a2155b-df14-74c2-9d22-a2f69baa4b4f', '01a2155b-df0f-74c0-8ad9-d9da3c489516', 1, 0, 'stored', 'certain', '{"id":"job-01a2155b-df14-74c2-9d22-a2f69baa4b4f-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T00:57:52.148Z', '2026-11-26T00:57:52.275Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a2155b-dff4-7193-9f47-1c9854c04cfd', '01a2155b-dfea-7375-8fa0-b314963b1eb2', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:52.372Z', '2026-11-26T00:57:52.544Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a2155b-e10d-7703-b0b5-719bb5cc37ab', '01a2155b-e0ed-720b-b7db-eedc3441732f', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:52.653Z', '2026-11-26T00:57:52.855Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a2155b-e248-7677-85ab-da3225d0883a', '01a2155b-e23b-73e4-a719-d1602a53ac4c', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:52.968Z', '2026-11-26T00:57:53.003Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a2155b-e2bd-7762-a7d6-90c9d08e3295', '01a2155b-e2a4-75e2-b93b-b174bc6645f2', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', '2026-11-26T00:57:53.085Z', '2026-11-26T00:57:53.117Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a2155b-e3c4-76d3-954a-6b892a33c9ab', '01a2155b-e396-72d4-b3f3-c7e8a582bf03', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","message":"127.0.0.1 did not answer in time","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', '2026-11-26T00:57:53.348Z', '2026-11-26T00:58:03.379Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a2155c-0b5f-74eb-813a-c98dab75dd4d', '01a2155c-0b51-73b5-b171-2b09057db8ee', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T00:58:03.487Z', '2026-11-26T00:58:03.575Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (9, '01a2155c-0bf6-77f9-8def-ad7b29ed08d7', '01a2155c-0be8-73b2-afc6-19a7a89c9d4d', 1, 0, 'accepted', 'certain', '{"id":"job-01a2155c-0bf6-77f9-8def-ad7b29ed08d7-1","data":{"task":{"id":"job-01a2155c-0bf6-77f9-8def-ad7b29ed08d7-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T00:58:03.638Z', '2026-11-26T00:58:03.645Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (10, '01a2155c-0c4b-7639-a8e4-72e68a0cee6d', '01a2155c-0c23-711b-a5d7-d0ce5a6a9411', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T00:58:03.723Z', '2026-11-26T00:58:03.726Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (11, '01a2155c-0c99-72e8-950a-8153dc4a930a', '01a2155c-0c99-72e8-950a-81524f4b3de5', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T00:58:03.723Z', '2026-11-26T00:58:03.726Z', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a2155b-dc8f-7315-984f-f0017423dc16', '01a2155b-dcc8-770d-b69a-e266cc696822', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '4835b2d360c68038a2ae0dcd87967d3df6c13ac1ef74ae844e7a0c14ef2656f4', NULL, '3766194279798765862', '16/01a2155b-dc8f-7315-984f-f0017423dc16-0-0.png', '16/01a2155b-dc8f-7315-984f-f0017423dc16-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:57:52.079Z');
INSERT INTO 'images' VALUES (2, '01a2155b-df0f-74c0-8ad9-d9da3c489516', '01a2155b-df14-74c2-9d22-a2f69baa4b4f', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'b93a795ae8494a3724522e2cb1f0a95b73208557a7c97ad938a2c44f4cdd9b77', NULL, '17975296165199206739', '16/01a2155b-df0f-74c0-8ad9-d9da3c489516-0-0.png', '16/01a2155b-df0f-74c0-8ad9-d9da3c489516-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:57:52.275Z');
INSERT INTO 'images' VALUES (3, '01a2155b-dfea-7375-8fa0-b314963b1eb2', '01a2155b-dff4-7193-9f47-1c9854c04cfd', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3700, '9ec7763f79a0dcca467adc88eea9ee23cd34f66aee0a2211dfb2bd3799b7576c', NULL, '8442857695811423683', 'b2/01a2155b-dfea-7375-8fa0-b314963b1eb2-0-0.png', 'b2/01a2155b-dfea-7375-8fa0-b314963b1eb2-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":525430585}', '2026-11-26T00:57:52.498Z');
INSERT INTO 'images' VALUES (4, '01a2155b-dfea-7375-8fa0-b314963b1eb2', '01a2155b-dff4-7193-9f47-1c9854c04cfd', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3766, '1117f09618ff22e0e988217f3103d7da29282e884c7167693520bc2349053e51', NULL, '12268809131412300926', 'b2/01a2155b-dfea-7375-8fa0-b314963b1eb2-0-1.png', 'b2/01a2155b-dfea-7375-8fa0-b314963b1eb2-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":525430586}', '2026-11-26T00:57:52.544Z');
INSERT INTO 'images' VALUES (6, '01a2155b-e23b-73e4-a719-d1602a53ac4c', '01a2155b-e248-7677-85ab-da3225d0883a', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '753155541ad56fb1f7e92937cab4b9e291c6d5f5a5ac7c3783b9780fc12f2257', NULL, '9019359389868305856', '4c/01a2155b-e23b-73e4-a719-d1602a53ac4c-0-0.png', '4c/01a2155b-e23b-73e4-a719-d1602a53ac4c-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T00:57:53.003Z');
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
INSERT INTO 'outbox' VALUES (6, 'remove', '2f/01a2155b-e0ed-720b-b7db-eedc3441732f-0-0.png', 5, 2, '2026-11-26T00:58:08.399Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:52.948Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '2f/01a2155b-e0ed-720b-b7db-eedc3441732f-0-0.thumb.webp', 5, 2, '2026-11-26T00:58:08.399Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:52.948Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a2155b-dc8f-7315-984f-f0017423dc16', 'image', '2026-11-26T00:57:52.081Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a2155b-dc8f-7315-984f-f0017423dc16', 'completed', '2026-11-26T00:57:52.082Z', '{}');
INSERT INTO 'events' VALUES (3, '01a2155b-df0f-74c0-8ad9-d9da3c489516', 'image', '2026-11-26T00:57:52.277Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a2155b-df0f-74c0-8ad9-d9da3c489516', 'completed', '2026-11-26T00:57:52.278Z', '{}');
INSERT INTO 'events' VALUES (5, '01a2155b-dfea-7375-8fa0-b314963b1eb2', 'image', '2026-11-26T00:57:52.563Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a2155b-dfea-7375-8fa0-b314963b1eb2', 'image', '2026-11-26T00:57:52.568Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a2155b-dfea-7375-8fa0-b314963b1eb2', 'completed', '2026-11-26T00:57:52.588Z', '{}');
INSERT INTO 'events' VALUES (8, '01a2155b-e0ed-720b-b7db-eedc3441732f', 'image', '2026-11-26T00:57:52.856Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a2155b-e0ed-720b-b7db-eedc3441732f', 'completed', '2026-11-26T00:57:52.857Z', '{}');
INSERT INTO 'events' VALUES (10, '01a2155b-e23b-73e4-a719-d1602a53ac4c', 'image', '2026-11-26T00:57:53.012Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a2155b-e23b-73e4-a719-d1602a53ac4c', 'completed', '2026-11-26T00:57:53.013Z', '{}');
INSERT INTO 'events' VALUES (12, '01a2155b-e2a4-75e2-b93b-b174bc6645f2', 'failed', '2026-11-26T00:57:53.134Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a2155b-e396-72d4-b3f3-c7e8a582bf03', 'cancelled', '2026-11-26T00:58:03.385Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a2155b-d959-7296-91e9-426f8dd10019', '2026-11-26T00:57:50.682Z');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795654672079, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795654672275, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795654672498, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795654672544, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795654673003, 'waits for its upload');
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
