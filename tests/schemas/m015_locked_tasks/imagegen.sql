BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 07:37:37.560399+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 07:37:37.561162+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 07:37:37.561438+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 07:37:37.561756+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 07:37:37.562025+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 07:37:37.562264+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 07:37:37.562435+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 07:37:37.563201+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 07:37:37.563377+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-26 07:37:37.563901+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-26 07:37:37.564132+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-26 07:37:37.564930+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-26 07:37:37.565139+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-26 07:37:37.565541+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-26 07:37:37.566109+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-26T07:37:37.896Z', '2026-11-26T07:37:37.896Z', 'gAAAAABrB-HBxIpydN9aLIbplI2am8tcgxQotqT4zc7MoyTGKPakuWnDQTuVYNrdqXimRa-WX6JOZqEYmPZ0WlW3ytbiE_RNpczxD3vPPcuSoRDCRZZG4qtD0DuzjUZSh7hXKy5N2dYE6UGcOdlqJtss7nNZ9jx1htEYyPOr4bFkb8CQIzHUuw2djL1YQA-qW5l83uJoDoxbLe9XpootX3ilf5g-wvdY3xR2UC9dgFNcYxPHVpkWQNE=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB-HByAfGZ4-wn_qTfblKCvNr-Q_7U07R2T6lRT51d9GJpMKh8o3ybB0apJnUGpWtYjYV3CB0FdpOFNXgEuQ347Tv6KqssvJu5R9ByI6q_SvNTtRCUMPficM5Xg98rXr4vwtJOKdIAVatN51P0a4CyCPNDvaqbKYtIP7N2i-CQVZ64__iE7fhLKU0BqnpKg-eMBdC', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T07:37:37.887Z', '2026-11-26T07:37:37.887Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a216c9-dd70-77c3-9e96-edf6246f0ef9', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T07:37:37.905Z', '2026-11-26T07:37:37.910Z', '2026-11-26T07:37:38.091Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a216c9-de43-76b8-8eaa-3c55421b0e31', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T07:37:38.116Z', '2026-11-26T07:37:38.118Z', '2026-11-26T07:37:38.234Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a216c9-decc-7049-a08a-6b03d4b64799', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T07:37:38.252Z', '2026-11-26T07:37:38.255Z', '2026-11-26T07:37:38.380Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a216c9-df8a-714b-97f3-37e8550c2e9d', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T07:37:38.443Z', '2026-11-26T07:37:38.447Z', '2026-11-26T07:37:38.517Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a216c9-e05a-7519-aee4-ad4c31cc08d1', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T07:37:38.651Z', '2026-11-26T07:37:38.652Z', '2026-11-26T07:37:38.683Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a216c9-e0b2-704b-b092-89f594049dbb', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-26T07:37:38.738Z', '2026-11-26T07:37:38.740Z', '2026-11-26T07:37:38.761Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a216c9-e0f5-745a-b72b-2305f66bf579', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a216c9-e0b2-704b-b092-89f594049dbb', '2026-11-26T07:37:38.805Z', '2026-11-26T07:37:38.809Z', '2026-11-26T07:37:48.836Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a216ca-0856-73b9-b8af-65d79355fa27', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T07:37:53.908Z', NULL, 1, NULL, '2026-11-26T07:37:48.887Z', '2026-11-26T07:37:48.890Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a216ca-0880-70ba-8c1c-6805ae3d5546', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a216c9-dc4a-775a-a0d6-36bfeab338e0', 1, NULL, '2026-11-26T07:37:48.928Z', '2026-11-26T07:37:48.931Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a216ca-08a1-772f-a47d-961c12f836f5', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a216c9-dc4a-775a-a0d6-36bfeab338e0', 1, NULL, '2026-11-26T07:37:48.961Z', '2026-11-26T07:37:48.964Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a216ca-08be-76c2-8ec7-dce96ee3acdf', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB-HM4nfviaSgFaBNfJ1EA-_AWvPrMRKv9McGL1Zd2BsXVmYMdJhUHpuTeY7qUB3EjKAQOW_JDJhsGn18srY6H3KtbboTSLSIiUeLeAfGFE_lt7gL3-CkS-ZvBuqII79ElWZuFb9ffgJTYUmX-4uq3ruWAUdz_GOHyyxjLeDkB3k7pBynQVcdwUvmb3E2aue_-Q1tY-LafpKt48ixVtp1Nj1xPhu-50nhDVki2PnP8dkw2btHpSkOZseZ8ROoPw4d8Vg8uz2r0EZEqgetLG8XWxH6-vdw2zWcn8WYFAfo_8dS9Opmn156b8dLcNccwlbi6w8iFlolR9OXmTbNJAw9GCvA61wgfW4V314T68GwILH-0oI=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T07:37:48.990Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a216ca-08dc-73cb-bb0a-9f6ef1cc8e31', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a216ca-08dc-73cb-bb0a-9f6ef1cc8e31/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T07:37:49.030Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a216ca-08ef-72b2-92f3-c831ceabe099', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T07:37:49.039Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a216ca-0900-74fd-8f0f-1c8a3a1548bd', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a216c9-dc4a-775a-a0d6-36bfeab338e0', 1, NULL, '2026-11-26T07:37:48.961Z', '2026-11-26T07:37:48.964Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a216ca-0900-74fd-8f0f-1c8c083fba6a', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T07:37:49.039Z', NULL, 0, NULL, '2026-11-26T07:37:49.039Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a216c9-decc-7049-a08a-6b03d4b64799', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a216c9-dd86-7391-b554-174d87160d7e', '01a216c9-dd70-77c3-9e96-edf6246f0ef9', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T07:37:37.926Z', '2026-11-26T07:37:38.085Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a216c9-de59-76ce-b2ef-27781e6b5f04', '01a216c9-de43-76b8-8eaa-3c55421b0e31', 1, 0, 'stored', 'certain', '{"id":"job-01a216c9-de59-76ce-b2ef-27781e6b5f04-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T07:37:38.137Z', '2026-11-26T07:37:38.226Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a216c9-dee1-7249-8354-af83d5a12528', '01a216c9-decc-7049-a08a-6b03d4b64799', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T07:37:38.273Z', '2026-11-26T07:37:38.337Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a216c9-df9e-7389-aef6-0bba3fd8301e', '01a216c9-df8a-714b-97f3-37e8550c2e9d', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T07:37:38.462Z', '2026-11-26T07:37:38.513Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a216c9-e060-704a-af75-0eccf7aa7102', '01a216c9-e05a-7519-aee4-ad4c31cc08d1', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T07:37:38.656Z', '2026-11-26T07:37:38.681Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a216c9-e0bc-7561-8ea8-de0a27f92c80', '01a216c9-e0b2-704b-b092-89f594049dbb', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-26T07:37:38.748Z', '2026-11-26T07:37:38.760Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a216c9-e105-709c-8ccd-18b691a9e931', '01a216c9-e0f5-745a-b72b-2305f66bf579', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-26T07:37:38.821Z', '2026-11-26T07:37:48.830Z', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a216ca-085f-74c0-9920-470ba6f4cebf', '01a216ca-0856-73b9-b8af-65d79355fa27', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T07:37:48.895Z', '2026-11-26T07:37:48.905Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (9, '01a216ca-0888-7560-b1da-f02d217dadd9', '01a216ca-0880-70ba-8c1c-6805ae3d5546', 1, 0, 'accepted', 'certain', '{"id":"job-01a216ca-0888-7560-b1da-f02d217dadd9-1","data":{"task":{"id":"job-01a216ca-0888-7560-b1da-f02d217dadd9-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T07:37:48.936Z', '2026-11-26T07:37:48.942Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (10, '01a216ca-08a8-7729-b830-6dfe806929c8', '01a216ca-08a1-772f-a47d-961c12f836f5', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T07:37:48.968Z', '2026-11-26T07:37:48.969Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL);
INSERT INTO 'attempts' VALUES (11, '01a216ca-0900-74fd-8f0f-1c8b87c870b2', '01a216ca-0900-74fd-8f0f-1c8a3a1548bd', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T07:37:48.968Z', '2026-11-26T07:37:48.969Z', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a216c9-dd70-77c3-9e96-edf6246f0ef9', '01a216c9-dd86-7391-b554-174d87160d7e', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '6404037c57ac9623a400d9e389904b3e56e401691247ebb268af67902d39aa84', NULL, '1130106921980528551', 'f9/01a216c9-dd70-77c3-9e96-edf6246f0ef9-0-0.png', 'f9/01a216c9-dd70-77c3-9e96-edf6246f0ef9-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T07:37:38.085Z');
INSERT INTO 'images' VALUES (2, '01a216c9-de43-76b8-8eaa-3c55421b0e31', '01a216c9-de59-76ce-b2ef-27781e6b5f04', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '2f480e8c207b5881d691ea39b4be71a70363e70279ef51c157e475d03b499c2b', NULL, '2349301492331464085', '31/01a216c9-de43-76b8-8eaa-3c55421b0e31-0-0.png', '31/01a216c9-de43-76b8-8eaa-3c55421b0e31-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T07:37:38.226Z');
INSERT INTO 'images' VALUES (3, '01a216c9-decc-7049-a08a-6b03d4b64799', '01a216c9-dee1-7249-8354-af83d5a12528', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3709, '1ac9c40d3ab1e535f2b81ef42365e45f13c87090315d0d09aca92122e5c6eb77', NULL, '16201128851054750889', '99/01a216c9-decc-7049-a08a-6b03d4b64799-0-0.png', '99/01a216c9-decc-7049-a08a-6b03d4b64799-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":1842353676}', '2026-11-26T07:37:38.322Z');
INSERT INTO 'images' VALUES (4, '01a216c9-decc-7049-a08a-6b03d4b64799', '01a216c9-dee1-7249-8354-af83d5a12528', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3505, '1035d9a682d7c942ba5fd9cb5b32c9fe46b2529e473ced6c944cf1f45905c275', NULL, '11538344165417059739', '99/01a216c9-decc-7049-a08a-6b03d4b64799-0-1.png', '99/01a216c9-decc-7049-a08a-6b03d4b64799-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":1842353677}', '2026-11-26T07:37:38.337Z');
INSERT INTO 'images' VALUES (6, '01a216c9-e05a-7519-aee4-ad4c31cc08d1', '01a216c9-e060-704a-af75-0eccf7aa7102', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'aec9a0ce1d5d8fdc522fbc24c21f46f0717b61aefff8adba08cc5e2e2b36b25d', NULL, '11566970726499036408', 'd1/01a216c9-e05a-7519-aee4-ad4c31cc08d1-0-0.png', 'd1/01a216c9-e05a-7519-aee4-ad4c31cc08d1-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T07:37:38.681Z');
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
INSERT INTO 'outbox' VALUES (6, 'remove', '9d/01a216c9-df8a-714b-97f3-37e8550c2e9d-0-0.png', 5, 2, '2026-11-26T07:37:54.038Z', 'OSS: no usable response (ConnectionError)', '2026-11-26T07:37:38.646Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '9d/01a216c9-df8a-714b-97f3-37e8550c2e9d-0-0.thumb.webp', 5, 2, '2026-11-26T07:37:54.041Z', 'OSS: no usable response (ConnectionError)', '2026-11-26T07:37:38.646Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a216c9-dd70-77c3-9e96-edf6246f0ef9', 'image', '2026-11-26T07:37:38.087Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a216c9-dd70-77c3-9e96-edf6246f0ef9', 'completed', '2026-11-26T07:37:38.091Z', '{}');
INSERT INTO 'events' VALUES (3, '01a216c9-de43-76b8-8eaa-3c55421b0e31', 'image', '2026-11-26T07:37:38.227Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a216c9-de43-76b8-8eaa-3c55421b0e31', 'completed', '2026-11-26T07:37:38.234Z', '{}');
INSERT INTO 'events' VALUES (5, '01a216c9-decc-7049-a08a-6b03d4b64799', 'image', '2026-11-26T07:37:38.341Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a216c9-decc-7049-a08a-6b03d4b64799', 'image', '2026-11-26T07:37:38.342Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a216c9-decc-7049-a08a-6b03d4b64799', 'completed', '2026-11-26T07:37:38.380Z', '{}');
INSERT INTO 'events' VALUES (8, '01a216c9-df8a-714b-97f3-37e8550c2e9d', 'image', '2026-11-26T07:37:38.515Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a216c9-df8a-714b-97f3-37e8550c2e9d', 'completed', '2026-11-26T07:37:38.517Z', '{}');
INSERT INTO 'events' VALUES (10, '01a216c9-e05a-7519-aee4-ad4c31cc08d1', 'image', '2026-11-26T07:37:38.682Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a216c9-e05a-7519-aee4-ad4c31cc08d1', 'completed', '2026-11-26T07:37:38.683Z', '{}');
INSERT INTO 'events' VALUES (12, '01a216c9-e0b2-704b-b092-89f594049dbb', 'failed', '2026-11-26T07:37:38.761Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a216c9-e0f5-745a-b72b-2305f66bf579', 'cancelled', '2026-11-26T07:37:48.836Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a216c9-dc4a-775a-a0d6-36bfeab338e0', '2026-11-26T07:37:37.611Z');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795678658085, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795678658226, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795678658322, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795678658337, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795678658681, 'waits for its upload');
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
