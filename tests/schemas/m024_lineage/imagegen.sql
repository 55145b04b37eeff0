BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-27 04:41:31.753680+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-27 04:41:31.754194+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-27 04:41:31.754366+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-27 04:41:31.754567+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-27 04:41:31.754716+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-27 04:41:31.754856+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-27 04:41:31.754939+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-27 04:41:31.755434+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-27 04:41:31.755548+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-27 04:41:31.758040+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-27 04:41:31.758237+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-27 04:41:31.758785+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-27 04:41:31.758932+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-27 04:41:31.759199+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-27 04:41:31.759478+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-27 04:41:31.761171+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-27 04:41:31.761810+00:00');
INSERT INTO '_sqlite_migrations' VALUES (18, 'imagegen', 'm018_counts_of_ended_tasks', '2026-11-27 04:41:31.762477+00:00');
INSERT INTO '_sqlite_migrations' VALUES (19, 'imagegen', 'm019_costs', '2026-11-27 04:41:31.766267+00:00');
INSERT INTO '_sqlite_migrations' VALUES (20, 'imagegen', 'm020_task_changes', '2026-11-27 04:41:31.766539+00:00');
INSERT INTO '_sqlite_migrations' VALUES (21, 'imagegen', 'm021_marks', '2026-11-27 04:41:31.767232+00:00');
INSERT INTO '_sqlite_migrations' VALUES (22, 'imagegen', 'm023_image_quarters', '2026-11-27 04:41:31.767452+00:00');
INSERT INTO '_sqlite_migrations' VALUES (23, 'imagegen', 'm024_lineage', '2026-11-27 04:41:31.767728+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-27T04:41:31.932Z', '2026-11-27T04:41:31.932Z', 'gAAAAABrCQn7_thPejZCicL-YeCmAfsI6oTxhI40neepNJtiWFe9ooxI6rYVtQm-GraALvdS74abFuTBAVE6tspYU3DPA9Wzr6VZQFTRY4YETC5wMKnTvFomC95HptgrpoVn8PDePdeFcLdT0bwT9T3IJ1bZHMwK4kcTgTSh47ViLxwqpahMjtnedLlCPjTH3sQsBD8m3sRfEcJBx3W7Tjc0SASkCq-nMvyWWCQKHFU-eIqEhBswIXg=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrCQn7i485Os-wMed0oMjtSz-mlVhW_WhNznDunoXLr-VKwJVZohihglWO2y83Fk0fYpPrlXa5NypkwqikwcDb1oSQ-5orYlSAllC7nALNpjiPLPJXP9jUbB_Yyg8hHInxWcGqbG-zqXc_AAhUKCyn7QUMJcCEccsILiitHNpIGHDV_v7GQAwO_wOlKh3S2W-TAC-d', '', NULL, NULL, NULL, NULL, '{}', '2026-11-27T04:41:31.928Z', '2026-11-27T04:41:31.928Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a21b4f-0020-70b1-bce8-96be1bbaad84', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:41:31.937Z', '2026-11-27T04:41:31.939Z', '2026-11-27T04:41:32.161Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a21b4f-0133-7773-ae32-f96d6a9f62bc', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:41:32.211Z', '2026-11-27T04:41:32.213Z', '2026-11-27T04:41:32.287Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a21b4f-01a0-7421-a092-339f1db1f28b', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:41:32.320Z', '2026-11-27T04:41:32.328Z', '2026-11-27T04:41:32.424Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a21b4f-022e-7206-9b7e-6895aee7b33b', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:41:32.462Z', '2026-11-27T04:41:32.468Z', '2026-11-27T04:41:32.540Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a21b4f-030b-7340-a097-38fc06e280c4', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:41:32.684Z', '2026-11-27T04:41:32.685Z', '2026-11-27T04:41:32.706Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a21b4f-0368-7312-b6cb-674d2432bd00', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-27T04:41:32.776Z', '2026-11-27T04:41:32.778Z', '2026-11-27T04:41:32.783Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a21b4f-03a3-724e-8e36-e972f6cdadbc', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a21b4f-0368-7312-b6cb-674d2432bd00', '2026-11-27T04:41:32.835Z', '2026-11-27T04:41:32.837Z', '2026-11-27T04:41:42.841Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a21b4f-2ae1-72ce-883b-b0548872c0d4', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-27T04:41:47.905Z', NULL, 1, NULL, '2026-11-27T04:41:42.881Z', '2026-11-27T04:41:42.882Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a21b4f-2b09-7493-a2e7-a6587b281bc1', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b4e-ffc3-72fe-a69f-d6df1ca33b81', 1, NULL, '2026-11-27T04:41:42.921Z', '2026-11-27T04:41:42.923Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a21b4f-2b2c-716c-8c9c-f110d6c359cd', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b4e-ffc3-72fe-a69f-d6df1ca33b81', 1, NULL, '2026-11-27T04:41:42.956Z', '2026-11-27T04:41:42.965Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a21b4f-2b57-7765-a39c-f2ff62331045', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrCQoGBBEGHG45ZzBP7at2vQakJAIJR2ulcdQTUjdg5mdxbqUFz4LG__tDGhNR8ORBe1LuVsAdo2kYaLpwpUCPCJagd9O5ySaktkAsn4eH4-t_M8cbf9DaRcD3-uZxRv_Ke8kWAfxwhQnlAQLrwoxTHOc0o41vr6tkg6i1cU18ET_QI75D2TbgRhuAApuhfoQ-J41J1P2gO-xR6TlFtKEUkom7nEIgY8bT--fcyzsEaBzBJ7dKqoYl702ock17QTSlC1VQUy3bOwZPaOFFkhriSgO_3RYbnkHRNqtz4Rdg0HXJmmMZ8fR-F6rhxJTgFD3ZSwiFfK4LgjMZv5NMrTJbQBFWME9QzVgEB6UikNNCp_xbZC0=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:41:42.999Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a21b4f-2b8c-7015-9e65-609558a04c2e', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a21b4f-2b8c-7015-9e65-609558a04c2e/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35","image_id":null},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:41:43.060Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a21b4f-2ba1-7413-b552-e3a1cf761c2b', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:41:43.073Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a21b4f-2bd0-72e8-953e-318c31b5d308', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b4e-ffc3-72fe-a69f-d6df1ca33b81', 1, NULL, '2026-11-27T04:41:42.956Z', '2026-11-27T04:41:42.965Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a21b4f-2bd0-72e8-953e-318ee101201d', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-27T04:41:43.073Z', NULL, 0, NULL, '2026-11-27T04:41:43.073Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a21b4f-01a0-7421-a092-339f1db1f28b', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a21b4f-0034-7266-8760-2b1b64b755a9', '01a21b4f-0020-70b1-bce8-96be1bbaad84', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:41:31.956Z', '2026-11-27T04:41:32.160Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a21b4f-0136-756d-bbbc-3152482f34cd', '01a21b4f-0133-7773-ae32-f96d6a9f62bc', 1, 0, 'stored', 'certain', '{"id":"job-01a21b4f-0136-756d-bbbc-3152482f34cd-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-27T04:41:32.214Z', '2026-11-27T04:41:32.287Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a21b4f-01ae-713c-a912-79df8efe0add', '01a21b4f-01a0-7421-a092-339f1db1f28b', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:41:32.334Z', '2026-11-27T04:41:32.424Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a21b4f-0244-73d3-8ebc-ea2ba5eec5cc', '01a21b4f-022e-7206-9b7e-6895aee7b33b', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:41:32.484Z', '2026-11-27T04:41:32.539Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a21b4f-030f-746f-bede-3508e1ae4cff', '01a21b4f-030b-7340-a097-38fc06e280c4', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:41:32.687Z', '2026-11-27T04:41:32.706Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a21b4f-036b-76d4-a873-cc2acaf64b0d', '01a21b4f-0368-7312-b6cb-674d2432bd00', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-27T04:41:32.779Z', '2026-11-27T04:41:32.783Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a21b4f-03a7-7529-bb0f-42460213e8ca', '01a21b4f-03a3-724e-8e36-e972f6cdadbc', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-27T04:41:32.839Z', '2026-11-27T04:41:42.841Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a21b4f-2aea-7681-9b94-a1293fc054dd', '01a21b4f-2ae1-72ce-883b-b0548872c0d4', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-27T04:41:42.890Z', '2026-11-27T04:41:42.900Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572B57784459614974415864727675537555675973567835752F4E4C486B646669345441495654346F4A694C634F46744C376D50666F67352B6E58313168767537666F334A6D45304D31556E736577426F76586D35664F6F34346C3573366A4E475344646B694B65706A5A4861735758616236414B647A6C7434525962634C50752F717047674678424943496D4A566F56525A3670473939543451613271613741796B70574D4D50465A632B504837454B2F323735774941347273395456622F694F72366D72434D4132544B4D58706D422B434B6A5039394F643449547736694E5870745362396E6D6E683943466B647778686C6B53687365786D4A696F6C694C486F65613275367853505A69647750465556424C6665442F6773524A74772B3342682B7A4D6E74467A7A6C52796B6C65635350677755696C366F4164614C4F412F683254703376356A714C442F47446165767474626D6666386B4163796977676776413444385A597532476154545863742B3472493038304E77547A4C4D50426862502B4A32307261544B38783631457468487969594F636547665268374C383359706B4435446B4A76337148597A61696D62513249565639754F444B4E4B646647753032304279524F617A6A73755066426F6F466E734E7051744B494A4C4F58324D6F7158334E62593835412F6F3265327542366D712B77436632426163436C68312B633044577544682B4C527258515145594A78554F596E7830745246714854455A6E6E354D647861306E424968546F5A5042344D4B466C656C347A4C5573747967697270674671314B4735452F523834507574556962303467696F564E7A716B35674E3530704B61496D54494245566A72423232426F4841397649546B6C4A5444555654527941777748565678504163316E334F454C3151736130514A7A454272757661616234623774356E66567179415346464778794337593041416D3776444C35496637465A6A576C526D506A536159744A48415A5033366D366A43684C61413332416B46796C376B6145705632475949784373565146586E4F736E793245305A2B51744B45426249307667644F4D55742F707A5256386567334E326A2F594369704161463459654F696D6E4C30435561514D4C5855374251484F384E32456C5A424D7872345547717A6439476F526744583379724A39772B515361326B564643687A476442515773616A36523747787A2F507131446D4F45465967594A792B45794C306F756F3837313269426C51706B46784D57462B7A4B68772B6459637943395442436F3779467A416B416F47386B3670566B63564436474169516F536749736955624B4D2F766F315551727A73765A31654876376659683175307A595A673334675549505678315333455832327432635558644B45715A4A663053755067623869357973556F706F30752B3253714372584A377A557A36457766674C7074586C59346E59536C4A676442535A6655456E2B6E4A706B796764737657763146725674507035705A6E5134493462304A49522B76734A3031686B6649325A6952546B2F61686B4C2B5A4E344979584A57393558312B373264477252333442317437395855424D2F554B2B71496736727359592F384A6658632B704E6F506F427044486952746F7666587030313852495A70566D526463726D36416E72323343674E7A636C326E344759705533435048493874592B702F414B6D4D4C357858707041754D71713567663145566E516E79676B33546236432B516C744B7559796E3753544458616A632F4E787167417951745566766547464162734C71586A4B39346A4F556D463852343842476B39374B4C6C73513247694C5146336137376B726C49474C46636562767A5378354858347545774346552B4B43596933446862532B356A3336494F66703139645962377533364E795A684E444E564A37487341614C313575587A714F4F4A65624F6F7A526B67335A49696E715932523272466C326D2B67436E6335626545574733437A37763671526F42582F705351734141414D62535552425648696341524144372F7741724B6E69483143396A53636566424D315938586E75346A6932346A7967785643677655494D547A5A314753466B5537314B3145635A7A686D6A38736464332F2B41464D47344A4E394474474D52497347302B49304845584A4330567775696B636D4F3652446B3854414130625577322F423773534E56673155573337586A754D6E41436D354E595177734D576E7156324158714555662F6C356A676B587877496457566B566D32746373654C65724637354A797356655A7464634F6A4B504F616F49304145582F4179736D447A50526C726245635550715571543467513172556E45666D4F7872714739713870475253735553576F79716862732F475145527237715144414236384D506E635850616135493877726876683051726D327A4D3037633071562B6F743573697569394C4761342B6B785A6964684B7364674B684A5572396144674436644F345943656A5151434649494F77453945344B645932702F446C6B5A664E7147507A52525A394F33344231714332334A67777656734E6F4368784E36304541713330777A7238332B4E682B5471305164304237395A6379727573763966425A45326A6B41622B756D7765514A346872494B676256545755784E4B7A32434334414646564B696A4A346536666251544152394C5155486B326C79666F2B345A75692B516B6A56613446576756564A457A6472354C636238776B50435166684C3543414273437A504358427A4F7248652B756A332F6A51384773623363305371496D6B41544E68685A463858445275517933446147394658397A624A3245454A61647449416853787A2F53552B63635A4A62783853686D7A50716C7453544D6D347246447147515844397335676A6C714B584F6F705879334C64504F54675057567A5669584141766B6B427049734B317A572B5A386C6374613549645732354A794D684573484951486C4B327354474131665349313839436E794E396144386142584F4F72417742555768664372474747616B6F6B73375471426E584F443130764B4C456F357A565270476D446E6C722F722F756B663875306E474F584546326736456939373430415A5461704967726F3863426B514B5A396E5479754F7335584B74704437336A3736596C634F65357541567065675A57665955474869707A7A644863506C356552414C517674465633385857536B78614168346B6E46356F36724973774D786F626A62726B762B7A724437744C3436496D6A75424D6F77373476574A53484744503367437050556A3257415575375435446734724731494439416B4D327561377668616277327844744876676A564763664A2B6B314E42395977675654665A357337627341705A375A4D317855412B462B725A414E6A425A777865794D6E3070496F3854493361783531776D6971536B5A6235546A3250444D4F676977415666647856386C456F3938656C7045637A6F41414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a21b4f-2b0e-72ee-a5d2-73e9c9b8501d', '01a21b4f-2b09-7493-a2e7-a6587b281bc1', 1, 0, 'accepted', 'certain', '{"id":"job-01a21b4f-2b0e-72ee-a5d2-73e9c9b8501d-1","data":{"task":{"id":"job-01a21b4f-2b0e-72ee-a5d2-73e9c9b8501d-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-27T04:41:42.926Z', '2026-11-27T04:41:42.936Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a21b4f-2b3a-758a-b06c-c3b1a9ec2657', '01a21b4f-2b2c-716c-8c9c-f110d6c359cd', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-27T04:41:42.970Z', '2026-11-27T04:41:42.970Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a21b4f-2bd0-72e8-953e-318d8c60ba03', '01a21b4f-2bd0-72e8-953e-318c31b5d308', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-27T04:41:42.970Z', '2026-11-27T04:41:42.970Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a21b4f-0020-70b1-bce8-96be1bbaad84', '01a21b4f-0034-7266-8760-2b1b64b755a9', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'cfdc56547b0397b3780f598680fbce4f60fe9519f4301e4305f05d4468f7cc2b', NULL, '16921363215907189112', '84/01a21b4f-0020-70b1-bce8-96be1bbaad84-0-0-1.png', '84/01a21b4f-0020-70b1-bce8-96be1bbaad84-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T04:41:32.160Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a21b4f-0133-7773-ae32-f96d6a9f62bc', '01a21b4f-0136-756d-bbbc-3152482f34cd', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'f1462bdfa3b3aab6e94c414893cabf134d6f9515252ff1794516517f3572cdcc', NULL, '571456420693304249', 'bc/01a21b4f-0133-7773-ae32-f96d6a9f62bc-0-0-1.png', 'bc/01a21b4f-0133-7773-ae32-f96d6a9f62bc-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T04:41:32.287Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a21b4f-01a0-7421-a092-339f1db1f28b', '01a21b4f-01ae-713c-a912-79df8efe0add', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3683, '50c682b6b90ae227ae8d8ef7d2aec784e3b6292256ff1045f3e61a8a6b3a5ff4', NULL, '13844529096684984932', '8b/01a21b4f-01a0-7421-a092-339f1db1f28b-0-0-1.png', '8b/01a21b4f-01a0-7421-a092-339f1db1f28b-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":520898825}', '2026-11-27T04:41:32.393Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a21b4f-01a0-7421-a092-339f1db1f28b', '01a21b4f-01ae-713c-a912-79df8efe0add', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3872, '63fd6cadbf38215ca0d4170c31d98234881b11e8daae0d8acbeec062c408f242', NULL, '6552718254065040513', '8b/01a21b4f-01a0-7421-a092-339f1db1f28b-0-1-1.png', '8b/01a21b4f-01a0-7421-a092-339f1db1f28b-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":520898826}', '2026-11-27T04:41:32.423Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a21b4f-030b-7340-a097-38fc06e280c4', '01a21b4f-030f-746f-bede-3508e1ae4cff', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '8ce37109828f1ecf4402a895feb8cc99a9c78556183d122750eccecf7e9968cc', NULL, '6009997156342824303', 'c4/01a21b4f-030b-7340-a097-38fc06e280c4-0-0-1.png', 'c4/01a21b4f-030b-7340-a097-38fc06e280c4-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-27T04:41:32.706Z', 'unknown', NULL, NULL, 0);
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
INSERT INTO 'outbox' VALUES (6, 'remove', '3b/01a21b4f-022e-7206-9b7e-6895aee7b33b-0-0-1.png', 5, 2, '2026-11-27T04:41:48.040Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T04:41:32.673Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '3b/01a21b4f-022e-7206-9b7e-6895aee7b33b-0-0-1.thumb.webp', 5, 2, '2026-11-27T04:41:48.040Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T04:41:32.673Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a21b4f-0020-70b1-bce8-96be1bbaad84', 'image', '2026-11-27T04:41:32.160Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a21b4f-0020-70b1-bce8-96be1bbaad84', 'completed', '2026-11-27T04:41:32.161Z', '{}');
INSERT INTO 'events' VALUES (3, '01a21b4f-0133-7773-ae32-f96d6a9f62bc', 'image', '2026-11-27T04:41:32.287Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a21b4f-0133-7773-ae32-f96d6a9f62bc', 'completed', '2026-11-27T04:41:32.287Z', '{}');
INSERT INTO 'events' VALUES (5, '01a21b4f-01a0-7421-a092-339f1db1f28b', 'image', '2026-11-27T04:41:32.393Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a21b4f-01a0-7421-a092-339f1db1f28b', 'image', '2026-11-27T04:41:32.423Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a21b4f-01a0-7421-a092-339f1db1f28b', 'completed', '2026-11-27T04:41:32.424Z', '{}');
INSERT INTO 'events' VALUES (8, '01a21b4f-022e-7206-9b7e-6895aee7b33b', 'image', '2026-11-27T04:41:32.539Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a21b4f-022e-7206-9b7e-6895aee7b33b', 'completed', '2026-11-27T04:41:32.540Z', '{}');
INSERT INTO 'events' VALUES (10, '01a21b4f-030b-7340-a097-38fc06e280c4', 'image', '2026-11-27T04:41:32.706Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a21b4f-030b-7340-a097-38fc06e280c4', 'completed', '2026-11-27T04:41:32.706Z', '{}');
INSERT INTO 'events' VALUES (12, '01a21b4f-0368-7312-b6cb-674d2432bd00', 'failed', '2026-11-27T04:41:32.783Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a21b4f-03a3-724e-8e36-e972f6cdadbc', 'cancelled', '2026-11-27T04:41:42.841Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_days' VALUES (20784, 1, 6);
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
INSERT INTO 'image_texts_1' VALUES (1, 1795754492160, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795754492287, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795754492393, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795754492423, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795754492706, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995282, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995282, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995282, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
INSERT INTO 'image_quarters' VALUES (1995282, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995282, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995282, 'demo', 'demo', 'generate', 2);
CREATE TABLE image_lineage (
            parent_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            child_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            PRIMARY KEY (parent_id, child_id)
        ) STRICT, WITHOUT ROWID
        ;
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
