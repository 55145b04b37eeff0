BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-29 19:29:33.241685+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-29 19:29:33.246211+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-29 19:29:33.246374+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-29 19:29:33.246547+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-29 19:29:33.246690+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-29 19:29:33.246810+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-29 19:29:33.246893+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-29 19:29:33.247297+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-29 19:29:33.247405+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-29 19:29:33.247728+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-29 19:29:33.247849+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-29 19:29:33.248339+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-29 19:29:33.248470+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-29 19:29:33.248704+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-29 19:29:33.248953+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-29 19:29:33.249106+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-29 19:29:33.249534+00:00');
INSERT INTO '_sqlite_migrations' VALUES (18, 'imagegen', 'm018_counts_of_ended_tasks', '2026-11-29 19:29:33.249633+00:00');
INSERT INTO '_sqlite_migrations' VALUES (19, 'imagegen', 'm019_costs', '2026-11-29 19:29:33.259235+00:00');
INSERT INTO '_sqlite_migrations' VALUES (20, 'imagegen', 'm020_task_changes', '2026-11-29 19:29:33.259486+00:00');
INSERT INTO '_sqlite_migrations' VALUES (21, 'imagegen', 'm021_marks', '2026-11-29 19:29:33.260066+00:00');
INSERT INTO '_sqlite_migrations' VALUES (22, 'imagegen', 'm023_image_quarters', '2026-11-29 19:29:33.260267+00:00');
INSERT INTO '_sqlite_migrations' VALUES (23, 'imagegen', 'm024_lineage', '2026-11-29 19:29:33.260466+00:00');
INSERT INTO '_sqlite_migrations' VALUES (24, 'imagegen', 'm025_settings', '2026-11-29 19:29:33.260567+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-29T19:29:33.615Z', '2026-11-29T19:29:33.615Z', 'gAAAAABrDH0daXP2XFC4K679xHJkbJXDRnCttm19WVoN9fv6Kh6oR8yM1aUHx2dn-XzWkBqVrzSLRKJXp8nWEmgyH3dXC1Ndi7-aRiUYqxKPprauSI4Zrv6ILdWu4FNtDHf4Tz-657Z0QJBXQ6Tid930iWfAg2pat3pJtrYG8vIVS4BxqW5xkC0vHWuBFTD7MtkPtt7RGjZw2WbQSzmzG4TEwU43tHhZypp4sF1VjNoybkV5iCG5Wo4=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrDH0dT1GppWAwIb71XakHtxCgY_zvGlmfS0v_AYAFXA0AyIxggUmTM9Oqf9yPTcwgZo-yo4Y4K2pa3ydxaVWmegBoVzioywmL_idKuYb79LkQgby3r71UZmYv6PRWL9sHB0HIW30i_cVitrCEJW0HiFj6QYAI3jMbCUgXfHXC542dmwr4yoa0nIr8FNerwIxKS0Zw', '', NULL, NULL, NULL, NULL, '{}', '2026-11-29T19:29:33.587Z', '2026-11-29T19:29:33.587Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a228c8-bbbb-75a0-be2a-c3450c655606', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-29T19:29:33.627Z', '2026-11-29T19:29:33.637Z', '2026-11-29T19:29:33.910Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a228c8-bd04-7654-ae91-5b04c31c8488', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-29T19:29:33.956Z', '2026-11-29T19:29:33.957Z', '2026-11-29T19:29:34.060Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a228c8-bd7c-7038-9cad-58bb95df3ec3', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-29T19:29:34.077Z', '2026-11-29T19:29:34.085Z', '2026-11-29T19:29:34.342Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a228c8-beaf-7572-b9d1-10a922172242', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-29T19:29:34.383Z', '2026-11-29T19:29:34.386Z', '2026-11-29T19:29:34.451Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a228c8-bf62-775f-905e-ca8b446591ea', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-29T19:29:34.562Z', '2026-11-29T19:29:34.563Z', '2026-11-29T19:29:34.588Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a228c8-bfc7-76b4-aa3b-dd96b1c0e4cd', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-29T19:29:34.663Z', '2026-11-29T19:29:34.666Z', '2026-11-29T19:29:34.694Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a228c8-c02b-71aa-b4f8-6b9f58dcdb0d', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a228c8-bfc7-76b4-aa3b-dd96b1c0e4cd', '2026-11-29T19:29:34.763Z', '2026-11-29T19:29:34.770Z', '2026-11-29T19:29:44.786Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a228c8-e793-7019-8bcc-3c2ce1203f87', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-29T19:29:49.878Z', NULL, 1, NULL, '2026-11-29T19:29:44.851Z', '2026-11-29T19:29:44.854Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a228c8-e7fa-7534-b9d0-2fc361350907', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a228c8-ba7b-729d-81ba-ba3e07b1b9e0', 1, NULL, '2026-11-29T19:29:44.954Z', '2026-11-29T19:29:44.956Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a228c8-e824-752b-90e4-d1f360250af9', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a228c8-ba7b-729d-81ba-ba3e07b1b9e0', 1, NULL, '2026-11-29T19:29:44.996Z', '2026-11-29T19:29:44.997Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a228c8-e830-7307-b789-d30e6bf86707', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrDH0pI8JnjZOebPRMhDW1Cr3JpspoiuH4wpnydicRSp3xOl9dyVj1ZU4L6SaMILN989W97nHBUT9nEETR3Hk6W26Mbm8WZ6sb5flv1tjFDlfDubOsTYZHqBUo7T3PvFC6FIydS2uqUe2aTY_hgzX8tM435Q9oqDsLIFwXnNI0g6YAKIHs84gzm7aDTfa9JCuKUCZDPp4bGw4Hnc-u9qPxxaMkWRE6NQdl0766WQZ8PYEdCqL5Mbkqff7TTIfrxGO3Hb473H_VoNjucbOxO5y_ZIS4lclu0hb_4emIrEcnzbPIDQ4RJBnhO9FINmxCLn6WsEeXgWfHNoKXpWpbdeTWsk0RjpUZD8XyKKGKVVqlrlvN05Y=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-29T19:29:45.008Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a228c8-e869-747a-8492-288686555de1', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a228c8-e869-747a-8492-288686555de1/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35","image_id":null},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-29T19:29:45.067Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a228c8-e86d-7666-a214-a3fc93118130', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-29T19:29:45.070Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a228c8-e89a-76d4-a331-94ab1d5c5d78', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a228c8-ba7b-729d-81ba-ba3e07b1b9e0', 1, NULL, '2026-11-29T19:29:44.996Z', '2026-11-29T19:29:44.997Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a228c8-e89a-76d4-a331-94adcf625a92', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-29T19:29:45.070Z', NULL, 0, NULL, '2026-11-29T19:29:45.070Z', NULL, NULL, 0);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO 'counters' VALUES ('cancelled', 1);
INSERT INTO 'counters' VALUES ('completed', 5);
INSERT INTO 'counters' VALUES ('failed', 1);
INSERT INTO 'counters' VALUES ('images', 5);
INSERT INTO 'counters' VALUES ('images_deleted', 1);
INSERT INTO 'counters' VALUES ('marks_changed', 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a228c8-bd7c-7038-9cad-58bb95df3ec3', '2999-01-01T00:00:00.000Z', NULL);
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
        , config TEXT, sealed_config TEXT, response_name TEXT, response BLOB, price TEXT, cost_basis TEXT, cost_currency TEXT, cost_ticks INTEGER) STRICT
        ;
INSERT INTO 'attempts' VALUES (1, '01a228c8-bbca-7407-84d3-30ff0adc0266', '01a228c8-bbbb-75a0-be2a-c3450c655606', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-29T19:29:33.642Z', '2026-11-29T19:29:33.910Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a228c8-bd10-77ac-a5d0-97c145d6b498', '01a228c8-bd04-7654-ae91-5b04c31c8488', 1, 0, 'stored', 'certain', '{"id":"job-01a228c8-bd10-77ac-a5d0-97c145d6b498-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-29T19:29:33.968Z', '2026-11-29T19:29:34.060Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a228c8-bd8b-7564-9f4d-46744598a7aa', '01a228c8-bd7c-7038-9cad-58bb95df3ec3', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-29T19:29:34.091Z', '2026-11-29T19:29:34.342Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a228c8-beb9-72f9-b046-76623ab9a20f', '01a228c8-beaf-7572-b9d1-10a922172242', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-29T19:29:34.393Z', '2026-11-29T19:29:34.451Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a228c8-bf6e-7439-9261-1712a9fb6d85', '01a228c8-bf62-775f-905e-ca8b446591ea', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-29T19:29:34.574Z', '2026-11-29T19:29:34.588Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a228c8-bfd6-7255-b2ea-a9aaa705f399', '01a228c8-bfc7-76b4-aa3b-dd96b1c0e4cd', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-29T19:29:34.678Z', '2026-11-29T19:29:34.694Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a228c8-c03a-74b9-875c-150db8a31113', '01a228c8-c02b-71aa-b4f8-6b9f58dcdb0d', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-29T19:29:34.778Z', '2026-11-29T19:29:44.786Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a228c8-e79a-738d-89bc-90a7dffb05d0', '01a228c8-e793-7019-8bcc-3c2ce1203f87', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-29T19:29:44.858Z', '2026-11-29T19:29:44.868Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572B304432616B59647A53364445674B786C523949493958435979484D362B355976692F4546743369633965386D4A6D51437159773077574851513259306255304C724B444E71687637325972334F79434A494A3465325A2F536936685A724A414E336E63764736712B70666F627A694E75755934525751464B57656B6D6B6D792F46736C724670504569677A466E572B4A585A6E4B6765794975554744786C766957334B785361424D494549616C50727A7244743873694A464B6B345249557569482F62663761527347783841667453356F346B2B4F55646759674A52614132374F343261727A4B6A68333730674557537271706848654772566451384333316C3633446559432B35487967426C7752564C533239706632674869336E2B59354C2B57634552696B3147717572456E5277566E776464786865535A50395057335A4477345A4C4135363849305430334370583037674B3341444833436E4643474964676968486E69536C4130336C3546756F664E363832324D59486A444C6A3930797A303679354B624747666C507252676165466B455A5171477569656B336B4C50437838696C783469576858446C54724B4677584E63366A4B3076415A3050717466484A7A48774B7051537870653871683241573369474975696D7856426245344B337A6754764C73464D66594A4771563977632F544D366F6D5548364B78306D5748367A37614E647477447033746B79364444656D5A7139486F374C53636B3256706749644333643059694F6F42414F4151682B674C34746B2B4F7A30735369324B57654A543165554A727134613542315A6E3279544B71766978327352467A6346726535336F5857484A6B6876515A3557746B534E3275466B623571662B476F3749787634324C68787A78344548616F5850767267496451306B386B38624171323463572B6877774B5A343433375636673454304F742B527673594B7944784D3238352F3844623655513133636A4972565748657A6E646E4C536C4A4E31573662524D36446367787274362F4531736D534C394172735737767A4E5267465134694D6A684575534B736364686273346A51484775305576726B74413645574A38303646664D534365565A3952344B546D674A70622F79677138666A5077435A6E357447523432502B38726F313364463244717A6265466A6B763771624F66774552617A5765593355516355545976584C4A54373358457951416E51516156634B525065464F697166634D68347852394B726567544A332B524332413036347765715137444669372B33684B502F59564865777930426D77767035445763306F42424846564D51676C536B487354776E6F732B443671767168795A692F3975375744696A7A416136465563483861414F6F63416233314946734D36457839454530444649655A2F396D367361673165512B5066566E6A43365A785652705134785831386933782F7644486C4A5332482F6850496C6C6D74614E304D626D4D35354A5444384A6B71675156495770317A525355637879526136776B424839454775584678724C2F54765A6C776D676F3846303564364F74775A394D62413056644746335A4C7852576E5A2B61535555786154486C6C7A5552396A776B58794C4E55486F72324437304A714A796B3635484B4A2B56356E71484338385A57304B6C52554951484378546F6C657564676D33674233776D38702F3361623148657971756974494C5056526E53517171303333386B4565694E4B5259767A3676635A476A4B4D4F3651643753736274324D736A566655415A2B7A6A455A7A664D67596C544155616963672F654A7A535959454E76504358517441396D70474863307567784943735A556653435056776D4D687A4F7675574C347678426264346E5058764A695A6B41716D4D4E4D466830454E6D4E47314E433679677A616F622B396D4B397A73676953436548746D66306F756F57617951446435334C787571767158364738346A62726D4F45566B42536C6E704A704A737678624A6178595A6C3274774141414D62535552425648696341524144372F77415A7275465371752F68505962344668782F45325439663950395651436F2F58647A6F6F6C39652F6C6265573957702B736A34673764492F676E4A576638765038414464506B34543665477A54613363716B366459477050434B7A65584D387937694B74365A37374E41437366744D6C4B53417A533677555275495A4A41684A7A7A41414859763154447A334A31704A362F5A702F6C77743979736F76636B7246565962505A564C416B744D73763258456F65384E5034646C594A2F72564846544C6C4D4141644C696C325457564B6B4B423477535850663362796B664E616F4872677534364B726D574233734D426A54517857597775564D61424C464C4F4635435534714150367971506272736C354B444762476541625934334632735430722B5069786D532B2F644C4D32434B313576484F756B64676879356A45484E44494B42412B676742384B4A2F522F747A7A57372F33434F48307A6A7359466454565842737938423346577A746B62494A73724141504D396A37446475617A6D67726C4C65424B434141372F585A62454E7648494D45303367356F6A684E32376A78756642786D314B7668727A6E69305275436137305657772B35792F4E6D42315271304E3952376A44414276742F494F76484F6B386A536342342F634B4554663471722F67467939302F78465366574E655461537647594D6546465639727A76554C63332F657A53626A4143703336414736596D5157736B46674D462B46654F426C6A665141384B39556A79733863696B56795036624E6A4F766C7A7361357376686E4E6F6F49484B526A6341614E6853345865385070653943562F3379364C4843633142324647586C7965622F50536169346B524F76334A664B553336434670454D73323133493938586F4C414F4E6637644738546D7654667679324F545362686D416E5876776A4B2F3066347279555739356156686571414C6C4D4C37494942683671644D6F76726F556B485141684B5A556D64707A576C79797848507A32737431547A6970635439376B4F523551566E66496957457675544C6A7649326B384848505544385830332F77305A4541447A3868534A4E70566733394867546B7550417351596156677270594E67365A585A6B49636F4946764C747977754866613352614946754C3032424739386F6641464A695A32485158656C695044346A395153316E7230706C466C732F676B65564954654A6E6A6341506B31664D696A61586D78524D734B787A46713244656D4141422F59674F41394C726A546D62554868732F3763364A456D4E542F3842485A413236374646357A482B62736C423142396B5A596242675A2F36567A597A546749344150633979714D2F5947424238496350366C307650736A544A616E42524E51436F7451782F42624E4B5749534566683748433569533779724A336E61456E624A2B53734B442F586F374D324D41414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a228c8-e7fd-756c-8b93-a3db79e9249b', '01a228c8-e7fa-7534-b9d0-2fc361350907', 1, 0, 'accepted', 'certain', '{"id":"job-01a228c8-e7fd-756c-8b93-a3db79e9249b-1","data":{"task":{"id":"job-01a228c8-e7fd-756c-8b93-a3db79e9249b-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-29T19:29:44.957Z', '2026-11-29T19:29:44.960Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a228c8-e826-71c4-b5ce-01bebb61b668', '01a228c8-e824-752b-90e4-d1f360250af9', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-29T19:29:44.998Z', '2026-11-29T19:29:44.999Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a228c8-e89a-76d4-a331-94acc8ddfae4', '01a228c8-e89a-76d4-a331-94ab1d5c5d78', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-29T19:29:44.998Z', '2026-11-29T19:29:44.999Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
            created_at TEXT NOT NULL, cost_basis TEXT, cost_currency TEXT, cost_ticks INTEGER, favourite INTEGER NOT NULL DEFAULT 0,
            UNIQUE (attempt_id, position)
        ) STRICT
        ;
INSERT INTO 'images' VALUES (1, '01a228c8-bbbb-75a0-be2a-c3450c655606', '01a228c8-bbca-7407-84d3-30ff0adc0266', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'bb716b5e83453e132a2da1786cb060f586f8e7d3892231316c94806440d3d074', NULL, '15190935571732273452', '06/01a228c8-bbbb-75a0-be2a-c3450c655606-0-0-1.png', '06/01a228c8-bbbb-75a0-be2a-c3450c655606-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-29T19:29:33.909Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a228c8-bd04-7654-ae91-5b04c31c8488', '01a228c8-bd10-77ac-a5d0-97c145d6b498', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '47919b409868b5990c149dd0ae005f7e787d3936ecf7d82c43c8af970c3c9fa6', NULL, '11528061089393670821', '88/01a228c8-bd04-7654-ae91-5b04c31c8488-0-0-1.png', '88/01a228c8-bd04-7654-ae91-5b04c31c8488-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-29T19:29:34.060Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a228c8-bd7c-7038-9cad-58bb95df3ec3', '01a228c8-bd8b-7564-9f4d-46744598a7aa', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3597, '329f892823cff979f623c192ba6ae9e54dfb67bcded906307bf4449f6b851195', NULL, '1630603782967779600', 'c3/01a228c8-bd7c-7038-9cad-58bb95df3ec3-0-0-1.png', 'c3/01a228c8-bd7c-7038-9cad-58bb95df3ec3-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":1296409170}', '2026-11-29T19:29:34.323Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a228c8-bd7c-7038-9cad-58bb95df3ec3', '01a228c8-bd8b-7564-9f4d-46744598a7aa', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3561, '400500ceeaac700f34cf5edabbafdc7bf3d51ab7f5ddd2ba4fd7eed9612598fd', NULL, '17050394524725119494', 'c3/01a228c8-bd7c-7038-9cad-58bb95df3ec3-0-1-1.png', 'c3/01a228c8-bd7c-7038-9cad-58bb95df3ec3-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":1296409171}', '2026-11-29T19:29:34.342Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a228c8-bf62-775f-905e-ca8b446591ea', '01a228c8-bf6e-7439-9261-1712a9fb6d85', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '3ac37cb0bb4f862225376dd219fd85d6e0beca05cfaf53f5b56286d7adf147a7', NULL, '7176442393843863078', 'ea/01a228c8-bf62-775f-905e-ca8b446591ea-0-0-1.png', 'ea/01a228c8-bf62-775f-905e-ca8b446591ea-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-29T19:29:34.588Z', 'unknown', NULL, NULL, 0);
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
INSERT INTO 'outbox' VALUES (6, 'remove', '42/01a228c8-beaf-7572-b9d1-10a922172242-0-0-1.png', 5, 2, '2026-11-29T19:29:49.904Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-29T19:29:34.559Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '42/01a228c8-beaf-7572-b9d1-10a922172242-0-0-1.thumb.webp', 5, 2, '2026-11-29T19:29:49.905Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-29T19:29:34.559Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a228c8-bbbb-75a0-be2a-c3450c655606', 'image', '2026-11-29T19:29:33.909Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a228c8-bbbb-75a0-be2a-c3450c655606', 'completed', '2026-11-29T19:29:33.910Z', '{}');
INSERT INTO 'events' VALUES (3, '01a228c8-bd04-7654-ae91-5b04c31c8488', 'image', '2026-11-29T19:29:34.060Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a228c8-bd04-7654-ae91-5b04c31c8488', 'completed', '2026-11-29T19:29:34.060Z', '{}');
INSERT INTO 'events' VALUES (5, '01a228c8-bd7c-7038-9cad-58bb95df3ec3', 'image', '2026-11-29T19:29:34.323Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a228c8-bd7c-7038-9cad-58bb95df3ec3', 'image', '2026-11-29T19:29:34.342Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a228c8-bd7c-7038-9cad-58bb95df3ec3', 'completed', '2026-11-29T19:29:34.342Z', '{}');
INSERT INTO 'events' VALUES (8, '01a228c8-beaf-7572-b9d1-10a922172242', 'image', '2026-11-29T19:29:34.451Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a228c8-beaf-7572-b9d1-10a922172242', 'completed', '2026-11-29T19:29:34.451Z', '{}');
INSERT INTO 'events' VALUES (10, '01a228c8-bf62-775f-905e-ca8b446591ea', 'image', '2026-11-29T19:29:34.588Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a228c8-bf62-775f-905e-ca8b446591ea', 'completed', '2026-11-29T19:29:34.588Z', '{}');
INSERT INTO 'events' VALUES (12, '01a228c8-bfc7-76b4-aa3b-dd96b1c0e4cd', 'failed', '2026-11-29T19:29:34.694Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a228c8-c02b-71aa-b4f8-6b9f58dcdb0d', 'cancelled', '2026-11-29T19:29:44.786Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE image_days (
            day INTEGER PRIMARY KEY,
            first_id INTEGER NOT NULL,
            last_id INTEGER NOT NULL
        ) STRICT
        ;
INSERT INTO 'image_days' VALUES (20786, 1, 6);
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
INSERT INTO 'image_texts_1' VALUES (1, 1795980573909, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795980574060, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795980574323, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795980574342, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795980574588, 'waits for its upload');
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
CREATE TABLE usage_totals (
            quarter INTEGER NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            currency TEXT NOT NULL,
            tasks INTEGER NOT NULL,
            images INTEGER NOT NULL,
            unknown_attempts INTEGER NOT NULL,
            known INTEGER NOT NULL,
            estimated INTEGER NOT NULL,
            possible INTEGER NOT NULL,
            PRIMARY KEY (quarter, provider_name, model_id, currency)
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'usage_totals' VALUES (1995533, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995533, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995533, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
CREATE TABLE task_changes (
            change INTEGER PRIMARY KEY,
            seq INTEGER NOT NULL UNIQUE REFERENCES tasks (seq) ON DELETE CASCADE
        ) STRICT
        ;
INSERT INTO 'task_changes' VALUES (5, 1);
INSERT INTO 'task_changes' VALUES (10, 2);
INSERT INTO 'task_changes' VALUES (16, 3);
INSERT INTO 'task_changes' VALUES (21, 4);
INSERT INTO 'task_changes' VALUES (26, 5);
INSERT INTO 'task_changes' VALUES (30, 6);
INSERT INTO 'task_changes' VALUES (35, 7);
INSERT INTO 'task_changes' VALUES (39, 8);
INSERT INTO 'task_changes' VALUES (42, 9);
INSERT INTO 'task_changes' VALUES (45, 10);
INSERT INTO 'task_changes' VALUES (46, 11);
INSERT INTO 'task_changes' VALUES (47, 12);
INSERT INTO 'task_changes' VALUES (48, 13);
INSERT INTO 'task_changes' VALUES (49, 14);
INSERT INTO 'task_changes' VALUES (50, 15);
CREATE TABLE tags (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            folded TEXT NOT NULL UNIQUE,
            images INTEGER NOT NULL DEFAULT 0
        ) STRICT
        ;
CREATE TABLE image_tags (
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            tag_id INTEGER NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (image_id, tag_id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE collections (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            folded TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL,
            images INTEGER NOT NULL DEFAULT 0
        ) STRICT
        ;
CREATE TABLE collection_images (
            collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            PRIMARY KEY (collection_id, image_id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE image_quarters (
            quarter INTEGER NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            operation TEXT NOT NULL,
            images INTEGER NOT NULL,
            PRIMARY KEY (quarter, provider_name, model_id, operation)
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'image_quarters' VALUES (1995533, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995533, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995533, 'demo', 'demo', 'generate', 2);
CREATE TABLE image_lineage (
            parent_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            child_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            PRIMARY KEY (parent_id, child_id)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
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
CREATE INDEX attempts_kept_responses ON attempts (updated_at)
        WHERE response IS NOT NULL AND phase IN ('stored', 'failed')
        ;
CREATE TRIGGER tasks_change_new AFTER INSERT ON tasks BEGIN 
INSERT INTO task_changes (change, seq)
SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE seq = new.seq
ON CONFLICT (seq) DO UPDATE SET change = excluded.change
; END;
CREATE TRIGGER tasks_change AFTER UPDATE OF status, progress, cancel_requested ON tasks
        BEGIN 
INSERT INTO task_changes (change, seq)
SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE seq = new.seq
ON CONFLICT (seq) DO UPDATE SET change = excluded.change
; END;
CREATE TRIGGER images_change AFTER INSERT ON images BEGIN 
INSERT INTO task_changes (change, seq)
SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE task_id = new.task_id
ON CONFLICT (seq) DO UPDATE SET change = excluded.change
; END;
CREATE INDEX tags_by_use ON tags (images DESC, folded);
CREATE TRIGGER image_tags_new AFTER INSERT ON image_tags BEGIN
            UPDATE tags SET images = images + 1 WHERE id = new.tag_id;
        END;
CREATE TRIGGER image_tags_gone AFTER DELETE ON image_tags BEGIN
            UPDATE tags SET images = images - 1 WHERE id = old.tag_id;
            DELETE FROM tags WHERE id = old.tag_id AND images = 0;
        END;
CREATE INDEX collection_images_by_image ON collection_images (image_id);
CREATE TRIGGER collection_images_new AFTER INSERT ON collection_images BEGIN
            UPDATE collections SET images = images + 1 WHERE id = new.collection_id;
        END;
CREATE TRIGGER collection_images_gone AFTER DELETE ON collection_images BEGIN
            UPDATE collections SET images = images - 1 WHERE id = old.collection_id;
        END;
CREATE TRIGGER images_quarter_new AFTER INSERT ON images BEGIN
            INSERT INTO image_quarters (quarter, provider_name, model_id, operation, images)
            VALUES (strftime('%s', new.created_at) / 900, new.provider_name, new.model_id, new.operation, 1)
            ON CONFLICT (quarter, provider_name, model_id, operation) DO UPDATE SET images = images + 1;
        END;
CREATE TRIGGER images_quarter_gone AFTER DELETE ON images BEGIN
            UPDATE image_quarters SET images = images - 1
            WHERE quarter = strftime('%s', old.created_at) / 900 AND provider_name = old.provider_name
                AND model_id = old.model_id AND operation = old.operation;
        END;
CREATE INDEX image_lineage_by_child ON image_lineage (child_id, position);
CREATE TRIGGER images_lineage_new AFTER INSERT ON images WHEN new.operation <> 'generate' BEGIN
            INSERT INTO image_lineage (parent_id, child_id, position)
            SELECT images.id, new.id, min(input.position)
            FROM (
                SELECT json_extract(reference.value, '$.image_id') AS image_id, reference.key AS position
                FROM tasks CROSS JOIN json_each(inputs, '$.references') AS reference
                WHERE task_id = new.task_id
                UNION ALL
                SELECT json_extract(inputs, '$.image.image_id'), 100 FROM tasks WHERE task_id = new.task_id
                UNION ALL
                SELECT json_extract(inputs, '$.mask.image_id'), 101 FROM tasks WHERE task_id = new.task_id
            ) AS input
            CROSS JOIN images ON images.id = input.image_id
            GROUP BY images.id;
        END;
COMMIT;
