BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 00:57:33.165717+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 00:57:33.166619+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 00:57:33.166902+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 00:57:33.167279+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 00:57:33.170813+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 00:57:33.171438+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 00:57:33.171616+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 00:57:33.172331+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 00:57:33.172498+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-26 00:57:33.172957+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-26 00:57:33.173151+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-26 00:57:33.173844+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-26T00:57:34.092Z', '2026-11-26T00:57:34.092Z', 'gAAAAABrB4P-HaTp-LbsWQyQdVkFFWMjSKIIcqIeo17e9aUzv7K9WUxsrNiQEwb_xT1HfNgLa8oe04mVVg8ymvVMhFfqbzCKYMfMdpLn2Wi2z-Mj9tlUJ4pxnORrw048dhGkuUBnMkaFpbjo7XG-cRpyM8UQxsQUZPos9Q3ItxryrUR7zdgVHWech6CRzKLr42MJOaPjQwkw6pqm0T-Q2KwYwPzsmaDTIKAYO5fSV-s54ZjduN-evvo=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB4P-fg7rl0KtLdyUgs_SY91ImWMNmf5UidwQcHEqdAyTOWjcCNwHnf2RbzDNDs5tX_-5-FuUGMUYKkstA5YN2al6y_zw1JXVZhUkBtc-8jneXPLCz8DqbnFlF70yEWpmS2usCrBa4DxUf-TTt75jiDax3FtnzrZ6j71VAeBBi74FS31wBiTixYXzJ_RsInuwop4P', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T00:57:34.084Z', '2026-11-26T00:57:34.084Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a2155b-9899-7618-aa4c-f792897c402d', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:34.106Z', '2026-11-26T00:57:34.114Z', '2026-11-26T00:57:34.665Z');
INSERT INTO 'tasks' VALUES (2, '01a2155b-9b0e-77b9-a090-e7ef86229c0c', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:34.734Z', '2026-11-26T00:57:34.740Z', '2026-11-26T00:57:35.009Z');
INSERT INTO 'tasks' VALUES (3, '01a2155b-9c84-70f2-9c76-346bca1b65f4', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:35.108Z', '2026-11-26T00:57:35.113Z', '2026-11-26T00:57:35.288Z');
INSERT INTO 'tasks' VALUES (4, '01a2155b-9d68-701c-bb72-2de3880d34ab', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:35.336Z', '2026-11-26T00:57:35.350Z', '2026-11-26T00:57:35.426Z');
INSERT INTO 'tasks' VALUES (5, '01a2155b-9e69-7198-9d12-2f3bb7e2027e', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:35.593Z', '2026-11-26T00:57:35.595Z', '2026-11-26T00:57:35.666Z');
INSERT INTO 'tasks' VALUES (6, '01a2155b-9f0f-72ea-bf69-4280c1587261', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:35.759Z', '2026-11-26T00:57:35.761Z', '2026-11-26T00:57:35.782Z');
INSERT INTO 'tasks' VALUES (7, '01a2155b-9f78-732a-8366-e8fad40fbed9', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","message":"cancelled by the caller","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', 1, NULL, NULL, 1, '01a2155b-9f0f-72ea-bf69-4280c1587261', '2026-11-26T00:57:35.865Z', '2026-11-26T00:57:35.869Z', '2026-11-26T00:57:45.890Z');
INSERT INTO 'tasks' VALUES (8, '01a2155b-c74a-74cb-a642-abc349cc3671', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T00:57:51.072Z', NULL, 1, NULL, '2026-11-26T00:57:46.058Z', '2026-11-26T00:57:46.060Z', NULL);
INSERT INTO 'tasks' VALUES (9, '01a2155b-c779-7420-b99b-ff11e6a6d04a', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-95cc-704e-9158-b112daf3d8e6', 1, NULL, '2026-11-26T00:57:46.106Z', '2026-11-26T00:57:46.120Z', NULL);
INSERT INTO 'tasks' VALUES (10, '01a2155b-c7c2-76b4-85d1-7a7da42f8d93', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-95cc-704e-9158-b112daf3d8e6', 1, NULL, '2026-11-26T00:57:46.178Z', '2026-11-26T00:57:46.182Z', NULL);
INSERT INTO 'tasks' VALUES (11, '01a2155b-c7de-70b4-b017-2197f9d1af4c', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB4QKvATJ6fHVEVgUO8LuMhY5qwIVeZkT64ALMEUWDwr3D00Daq9guQpvJHXqY_AWzoo5w-7WE3hbPHx2-jgUDIEcLfYHTKAUDx-VAeGQmmUEoJbpuEKLtJfYipHWhx3V7qQ344MUCYzDPLh5f-BV71f48ugGUJpqsMGc7IpbTCkTehSe9hqTeScY7W-gUEPOxaq7pLJvVKlhvWnWOe0wXuanF-IOBN_etgF0GqNF0WJ_9STmJQhrypK4brltyB0DtsOR9gA4-rIaoZmyMMU-DPKl8kqNdMnWuE-1lfcAaQxHeOc4oJGeVjUKD0T2kk1uXjBCneDpzBmiSs_bKaC3lP5IHr3AS7KmjWo_seb6z63p2F8=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:46.206Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (12, '01a2155b-c7ec-7444-8cf8-181a6f3da7ea', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a2155b-c7ec-7444-8cf8-181a6f3da7ea/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:46.227Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (13, '01a2155b-c7f6-768a-ba98-78139fb23e3e', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:46.230Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (14, '01a2155b-c815-7328-a6d1-33a39bb90395', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-95cc-704e-9158-b112daf3d8e6', 1, NULL, '2026-11-26T00:57:46.178Z', '2026-11-26T00:57:46.182Z', NULL);
INSERT INTO 'tasks' VALUES (15, '01a2155b-c815-7328-a6d1-33a52a5d2474', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T00:57:46.230Z', NULL, 0, NULL, '2026-11-26T00:57:46.230Z', NULL, NULL);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a2155b-9c84-70f2-9c76-346bca1b65f4', '2999-01-01T00:00:00.000Z');
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
INSERT INTO 'attempts' VALUES (1, '01a2155b-98b4-706a-97bb-21f9351d7ae9', '01a2155b-9899-7618-aa4c-f792897c402d', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:34.132Z', '2026-11-26T00:57:34.662Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a2155b-9b24-7164-a74c-5f5e7e92f967', '01a2155b-9b0e-77b9-a090-e7ef86229c0c', 1, 0, 'stored', 'certain', '{"id":"job-01a2155b-9b24-7164-a74c-5f5e7e92f967-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T00:57:34.756Z', '2026-11-26T00:57:34.981Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a2155b-9c8f-7049-9541-720efce22b34', '01a2155b-9c84-70f2-9c76-346bca1b65f4', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:35.119Z', '2026-11-26T00:57:35.268Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a2155b-9d90-774c-9dc6-f9f1f1e86c98', '01a2155b-9d68-701c-bb72-2de3880d34ab', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:35.376Z', '2026-11-26T00:57:35.424Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a2155b-9e7c-710d-b1f1-d08f56123a9d', '01a2155b-9e69-7198-9d12-2f3bb7e2027e', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:35.612Z', '2026-11-26T00:57:35.662Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a2155b-9f14-740c-a11d-8d7c5d7f1c6d', '01a2155b-9f0f-72ea-bf69-4280c1587261', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', '2026-11-26T00:57:35.764Z', '2026-11-26T00:57:35.780Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a2155b-9f86-7591-9416-0aaa39f5476d', '01a2155b-9f78-732a-8366-e8fad40fbed9', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","message":"127.0.0.1 did not answer in time","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', '2026-11-26T00:57:35.878Z', '2026-11-26T00:57:45.889Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a2155b-c750-766b-9384-4bab147a8ab1', '01a2155b-c74a-74cb-a642-abc349cc3671', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T00:57:46.064Z', '2026-11-26T00:57:46.070Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (9, '01a2155b-c792-7563-9698-bb56e95648d5', '01a2155b-c779-7420-b99b-ff11e6a6d04a', 1, 0, 'accepted', 'certain', '{"id":"job-01a2155b-c792-7563-9698-bb56e95648d5-1","data":{"task":{"id":"job-01a2155b-c792-7563-9698-bb56e95648d5-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T00:57:46.130Z', '2026-11-26T00:57:46.134Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (10, '01a2155b-c7d5-7094-a977-87f1b7c5cb4c', '01a2155b-c7c2-76b4-85d1-7a7da42f8d93', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T00:57:46.197Z', '2026-11-26T00:57:46.198Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"default": true, "id": "direct", "operation": {"generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (11, '01a2155b-c815-7328-a6d1-33a474144b61', '01a2155b-c815-7328-a6d1-33a39bb90395', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T00:57:46.197Z', '2026-11-26T00:57:46.198Z', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a2155b-9899-7618-aa4c-f792897c402d', '01a2155b-98b4-706a-97bb-21f9351d7ae9', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'ed04fd586c7a8c4072344ff9d6f84e36c34c04d9d54e1d0a67d249d8a2a0d260', NULL, '7814047502222592999', '2d/01a2155b-9899-7618-aa4c-f792897c402d-0-0.png', '2d/01a2155b-9899-7618-aa4c-f792897c402d-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:57:34.662Z');
INSERT INTO 'images' VALUES (2, '01a2155b-9b0e-77b9-a090-e7ef86229c0c', '01a2155b-9b24-7164-a74c-5f5e7e92f967', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'fa27d8fd608fecd988cefb4a740b38e20de75969434c2516f54e917e906e8123', NULL, '6299337335791824556', '0c/01a2155b-9b0e-77b9-a090-e7ef86229c0c-0-0.png', '0c/01a2155b-9b0e-77b9-a090-e7ef86229c0c-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:57:34.981Z');
INSERT INTO 'images' VALUES (3, '01a2155b-9c84-70f2-9c76-346bca1b65f4', '01a2155b-9c8f-7049-9541-720efce22b34', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3749, '5c636fd4717bdb65e250913c74bb77d5ab85e38ca3dacaf790e51b424d550a57', NULL, '11973649416557357035', 'f4/01a2155b-9c84-70f2-9c76-346bca1b65f4-0-0.png', 'f4/01a2155b-9c84-70f2-9c76-346bca1b65f4-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2619588950}', '2026-11-26T00:57:35.227Z');
INSERT INTO 'images' VALUES (4, '01a2155b-9c84-70f2-9c76-346bca1b65f4', '01a2155b-9c8f-7049-9541-720efce22b34', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3624, 'f421166799e104a189c453501e3a0cbac38aaf8b2ad676ef53569da9f02ff5fa', NULL, '3047320802521392828', 'f4/01a2155b-9c84-70f2-9c76-346bca1b65f4-0-1.png', 'f4/01a2155b-9c84-70f2-9c76-346bca1b65f4-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2619588951}', '2026-11-26T00:57:35.268Z');
INSERT INTO 'images' VALUES (6, '01a2155b-9e69-7198-9d12-2f3bb7e2027e', '01a2155b-9e7c-710d-b1f1-d08f56123a9d', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '4d7a3907f6eefff290f4c2c32e8bbd46afeba8e951068db05001064f532efdb8', NULL, '14226525600800382155', '7e/01a2155b-9e69-7198-9d12-2f3bb7e2027e-0-0.png', '7e/01a2155b-9e69-7198-9d12-2f3bb7e2027e-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T00:57:35.662Z');
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'ab/01a2155b-9d68-701c-bb72-2de3880d34ab-0-0.png', 5, 2, '2026-11-26T00:57:51.006Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:35.588Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'ab/01a2155b-9d68-701c-bb72-2de3880d34ab-0-0.thumb.webp', 5, 2, '2026-11-26T00:57:51.006Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:35.588Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a2155b-9899-7618-aa4c-f792897c402d', 'image', '2026-11-26T00:57:34.664Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a2155b-9899-7618-aa4c-f792897c402d', 'completed', '2026-11-26T00:57:34.665Z', '{}');
INSERT INTO 'events' VALUES (3, '01a2155b-9b0e-77b9-a090-e7ef86229c0c', 'image', '2026-11-26T00:57:35.000Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a2155b-9b0e-77b9-a090-e7ef86229c0c', 'completed', '2026-11-26T00:57:35.009Z', '{}');
INSERT INTO 'events' VALUES (5, '01a2155b-9c84-70f2-9c76-346bca1b65f4', 'image', '2026-11-26T00:57:35.276Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a2155b-9c84-70f2-9c76-346bca1b65f4', 'image', '2026-11-26T00:57:35.277Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a2155b-9c84-70f2-9c76-346bca1b65f4', 'completed', '2026-11-26T00:57:35.288Z', '{}');
INSERT INTO 'events' VALUES (8, '01a2155b-9d68-701c-bb72-2de3880d34ab', 'image', '2026-11-26T00:57:35.425Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a2155b-9d68-701c-bb72-2de3880d34ab', 'completed', '2026-11-26T00:57:35.426Z', '{}');
INSERT INTO 'events' VALUES (10, '01a2155b-9e69-7198-9d12-2f3bb7e2027e', 'image', '2026-11-26T00:57:35.664Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a2155b-9e69-7198-9d12-2f3bb7e2027e', 'completed', '2026-11-26T00:57:35.666Z', '{}');
INSERT INTO 'events' VALUES (13, '01a2155b-9f78-732a-8366-e8fad40fbed9', 'cancelled', '2026-11-26T00:57:45.890Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a2155b-95cc-704e-9158-b112daf3d8e6', '2026-11-26T00:57:33.394Z');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795654654662, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795654654981, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795654655227, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795654655268, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795654655662, 'waits for its upload');
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
