BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-27 04:25:12.934553+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-27 04:25:12.935085+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-27 04:25:12.935302+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-27 04:25:12.935511+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-27 04:25:12.939340+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-27 04:25:12.939549+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-27 04:25:12.939697+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-27 04:25:12.940140+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-27 04:25:12.940251+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-27 04:25:12.940609+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-27 04:25:12.940746+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-27 04:25:12.941300+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-27 04:25:12.947658+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-27 04:25:12.948152+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-27 04:25:12.948491+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-27 04:25:12.948686+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-27 04:25:12.949214+00:00');
INSERT INTO '_sqlite_migrations' VALUES (18, 'imagegen', 'm018_counts_of_ended_tasks', '2026-11-27 04:25:12.949327+00:00');
INSERT INTO '_sqlite_migrations' VALUES (19, 'imagegen', 'm019_costs', '2026-11-27 04:25:12.950768+00:00');
INSERT INTO '_sqlite_migrations' VALUES (20, 'imagegen', 'm020_task_changes', '2026-11-27 04:25:12.951005+00:00');
INSERT INTO '_sqlite_migrations' VALUES (21, 'imagegen', 'm021_marks', '2026-11-27 04:25:12.951594+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-27T04:25:13.519Z', '2026-11-27T04:25:13.519Z', 'gAAAAABrCQYpDckNaZx8YCfFHfqlzSQuFVX3iJP2YbYpiS13gSTFDtWs7WugIbwBuYxBZoTREOMVM1uYbvrfCFh5XlElzEOyPtlTp91691-bwBReLvG-4bYbSfvSOMB3epIqkTiLeb9lIz9qNVSmZSQwrME-RaB2SbBVxnWAt1lJGdFe0E9-Y837CwrgM6c27ovT-SdZwaelhmJGqC_PXINwzpyKi6d7gJcfAGUtqgf_mv34ki8nv0k=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrCQYphJ2x6y6o18-FoIYWbv2H5s8JhL23mlqc1o9pOidnnEJMzdqN1kKGrnXkUan7ST_-qLqTkrX00Zy5zYitj3iMvzfcCADtKgRElzIh2hxe8rTCkOeZ18CODoMfk8OlU28Ob1v_FKWMw2ABeW0sNSuhCmxhqqAPCFjyk2kbXa9UJekKr4N0uCY7S9oMo1FrqwP1', '', NULL, NULL, NULL, NULL, '{}', '2026-11-27T04:25:13.483Z', '2026-11-27T04:25:13.483Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a21b40-1243-740f-b23c-cc28b83f914a', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:25:13.540Z', '2026-11-27T04:25:13.542Z', '2026-11-27T04:25:13.907Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a21b40-13ec-7454-9afc-e56ab2b373a6', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:25:13.965Z', '2026-11-27T04:25:13.969Z', '2026-11-27T04:25:14.275Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a21b40-159b-75b4-9b45-c1f34735e855', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:25:14.395Z', '2026-11-27T04:25:14.407Z', '2026-11-27T04:25:14.614Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a21b40-16a1-7637-95b7-c956577fd288', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:25:14.657Z', '2026-11-27T04:25:14.667Z', '2026-11-27T04:25:14.720Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a21b40-17e3-76e1-ac52-7e474b346bdb', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:25:14.980Z', '2026-11-27T04:25:14.984Z', '2026-11-27T04:25:15.039Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a21b40-1887-767c-ac3b-70ae9913371c', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-27T04:25:15.143Z', '2026-11-27T04:25:15.203Z', '2026-11-27T04:25:15.220Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a21b40-18fd-7201-a085-51e6dbd4687b', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a21b40-1887-767c-ac3b-70ae9913371c', '2026-11-27T04:25:15.261Z', '2026-11-27T04:25:15.264Z', '2026-11-27T04:25:25.382Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a21b40-40b9-752b-a255-62a8780e3159', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-27T04:25:30.448Z', NULL, 1, NULL, '2026-11-27T04:25:25.433Z', '2026-11-27T04:25:25.438Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a21b40-40e5-74d7-8e2f-7700a640a46c', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b40-1078-7174-89b4-9b586232181e', 1, NULL, '2026-11-27T04:25:25.477Z', '2026-11-27T04:25:25.482Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a21b40-4125-710a-93bf-417ff741b4f4', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b40-1078-7174-89b4-9b586232181e', 1, NULL, '2026-11-27T04:25:25.541Z', '2026-11-27T04:25:25.549Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a21b40-4148-768c-8a43-3e00cc128e04', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrCQY1RJEsToHSEnWJ_dQbhddu8zjCQqo4_7IoKzHTUVEoo_7Wj1R3rOWKQPuc8I0pw-ON9n7R-ZLwrvy0ecN6ob-GkLkWvlnBTqO2yXRotyf0QrDe9A-40ovZyLRhtBkoJpbjLSpOfzV4I_tWfwn7-GGqJjDsd7GaR93z89tsXtvWi1F4ibh7ns1bMLdloGpjQqdA87vXpaNsx6HtQ48W8JLS3xZZPzISA8q4mwKLpaDnRCi1U3QNZZb4OAFB7T-9mP2N0g2OzGuyHfFRsTNH_SEpLhn4oupIxl-KvKZ34HbZNxRm9k7hyV7vRJTgCjVkvnqUEaBwwWMl-3tbGOkQBlo49uFyomwp6zR2DiEWroEfgeU=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:25:25.576Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a21b40-4174-70fc-912d-e2d9035217d2', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a21b40-4174-70fc-912d-e2d9035217d2/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:25:25.629Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a21b40-4184-75a5-a2b9-3e7c0e77a4c0', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:25:25.636Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a21b40-41aa-74fa-9287-368879d0cc78', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b40-1078-7174-89b4-9b586232181e', 1, NULL, '2026-11-27T04:25:25.541Z', '2026-11-27T04:25:25.549Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a21b40-41aa-74fa-9287-368af6bfc66a', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-27T04:25:25.636Z', NULL, 0, NULL, '2026-11-27T04:25:25.636Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a21b40-159b-75b4-9b45-c1f34735e855', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a21b40-1248-75a8-86e1-d6ac7e193672', '01a21b40-1243-740f-b23c-cc28b83f914a', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:25:13.544Z', '2026-11-27T04:25:13.906Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a21b40-1411-73d5-b521-b26fde3d9848', '01a21b40-13ec-7454-9afc-e56ab2b373a6', 1, 0, 'stored', 'certain', '{"id":"job-01a21b40-1411-73d5-b521-b26fde3d9848-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-27T04:25:14.001Z', '2026-11-27T04:25:14.275Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a21b40-15b1-743b-b899-8df9ee132dd9', '01a21b40-159b-75b4-9b45-c1f34735e855', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:25:14.417Z', '2026-11-27T04:25:14.614Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a21b40-16af-7717-bd4c-d3ce68e8108a', '01a21b40-16a1-7637-95b7-c956577fd288', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:25:14.671Z', '2026-11-27T04:25:14.719Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a21b40-17ed-7416-8e79-c0ad5509cd26', '01a21b40-17e3-76e1-ac52-7e474b346bdb', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:25:14.989Z', '2026-11-27T04:25:15.039Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a21b40-18cc-71aa-9a0e-0554f453f5f1', '01a21b40-1887-767c-ac3b-70ae9913371c', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-27T04:25:15.212Z', '2026-11-27T04:25:15.220Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a21b40-1945-77f3-9324-84c7e0867e5b', '01a21b40-18fd-7201-a085-51e6dbd4687b', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-27T04:25:15.333Z', '2026-11-27T04:25:25.382Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a21b40-40c0-77d3-9294-7fe7a17b45d2', '01a21b40-40b9-752b-a255-62a8780e3159', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-27T04:25:25.440Z', '2026-11-27T04:25:25.444Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572F504E79725230664A3961524777694A4773454C35773974436D347459784D4365576D62326B5845584E6B7A766A377245586B677936376375774A6A596774314E547A47367961506C3750303132506241787446412F5379625A6E45726331314A614A66396A6751684C30536A4A33497635416C6C57584E395A59794E6D6E6F337634636147694B785273594B537663635979616F6434757341687A436A6A62383077367979397A4C52477879626E644E424C565878707932457A6C535579344A474A70723947735A314471582B384E4A75482B6D38625847676B572F476141774B4A2F7646537A4E726347544B49727332577334723868506A79744639727A666350486179747A48346F2F674D65536F48783134635967582F6D67784A4F7342303764433851396836696F47334F385A72712B365177537557683649464F61492B775934337764345244796C6F526C36706E777735477558546A55317A6A4C354C556F457A785A41774B4D67425448437A58734730656E46524F587A5269714F6B2B366B484C30383469614B774D33447535724C58696C3958664F51483337555172313857776F7865564D39784E35533179777453646F30423050374A6D517638623642666A3246526B6274553766345943435872396D58344A4F3371632B79335259724771787A6A7774507144347874304F514F737A4A4D617747463261724E4E6C306C66566E426F30312B7368557331354567715234756C5743516548757167684D6846357830524842475665356A656A4E77572B31324774336554672F73486730756E41656A79477035757677474267776A42594A5139424870546A754D49454C2B73366E4D445675583352312F41394A376B6D785130394250506D66334E48495830476D694C702F6F4D3944572F4A5634356C446B39797A6B4F4B7439444C526858513272323130696969447542386576563142707345516459684E6F58354863386E595774466B36744353687054705436305073516158332B565372547579317861616A4E346A70524D483332626571555174674748343054765450562F497054623162714650794B4D7A6E4F4E676A42794E4F47504B503136777578486A66665A653473336850764352436A2B414B7A356E4E664F59533930455663464B70445A6C556639706D337859472B52627155533170655A77464B66304F4E62546B684349334A594B4379454E6831527A32636E4436644F7550697559494A46427A45774E61754E7967664A536368643648346A514D41334E496E6D76676F774B514879396E507230744E792B7953335138527759524B734B364B316B62477879716C5377464F4C316B434D656463336B364E6937382B687A4B64315372736B694D445378477553356E413139386A7A645967494B546B73626671574B6A794B5431354A51672F346E3441655A4E2B572F616750537762377564507444565A677170726764374852337364476D7168373048777A75755872307273616454674B2B4F75625261487572436F674F6A4170334754664474316D484E6D6A72724E3949354958614A7936486D736E7578377179736C644947416D6C63656E7665327736507550596E71797877376F65665059545A507239656E2B2B4367784C3735593067566965354476596D5953374B7049447631336F424754784D796C6A594F57707669715045774851722B764C66414D4E6D72574C495A6635675557564C3277647841743743324165477431424D62496C6F397A54394735524D4C755845626B757174506C4A496F6A354D686E5371517061646664454E54646758377931306F69484848735972787242514C7735417170317A7A63713064487966576B52734969527242432B6350625170754C574D54416E6C706D39704678467A5A4D37342B36784635494D7575334C73435932494C645455387875736D6A35657A394E646A32774D6252515030736D325A784B334E64535769582F593445495339456F7964794C2B514A5A566C7A6657574D6A5A70364E372B4847686C376A3563344141414D62535552425648696341524144372F7741506C5A4F4B6936673533765145356257625131486C757450753479466751776D6343347443575932744752573033455638507433356F576B7470527942642F61414E6874437534724537644A366E572B3363334B356170506F4C736276772B7A5272446E3430435250542B7248584F544B513142677154476B6443537436422B784141346566756C336C44325A6B5138696E626B5073626B3979486A48477463706E7175415458304F587A6D313442657264556564766D41564353524764344C783430415A6458336E4C534D4962744C574B5050437A4E36314B65376C534B5942454676536B3279347559446478614E384F70794B7668655147392F7556476E6D7351724141566D4762646246626832492F37743733724839487A6148457A776A54425158633555303931453337377234627844466E4A734864682B4A4E65737A685553517741396E4D41624E7079504D4B6D6A497371734D6164516C53483246445A516F384A45466A6C5A445146686C67546A78726E493752696A30656C666846466C596759416952756E5948346B464C684A33416467305135726F7454552F73596C2F315A62394A4B48456470457A6A394B586E42305338456151714A31377175663847484341447577516F302F4D59514C6F77704345476D6479784A6C576E2F35635431583751524C45744444356C66574D3671474E367749666E666D66377557384573773567432B7552554B306334345031344150537A6D51766D587A644359496D314F6759425A50534851442F63465137765666657358584B675961707267354131495A303041563457564244315A4B7167352B3649445A45687571662B4446542F79413748494F716852633553753144522B6D45457A3934706C75446C564E564E5452657961414D4C4E4350545053492F3644672B5A58674F556A4E3776634E536D617264314E6679516630354B4C4E314F496D334A57566C6A41447974527675616F594648554141626C53546C4461534C364577683667667448346670596364584D73424C486978754E46324F6A4C63642B42576B494D30526C766E6D703375342B7A4A496C3134417A6573614947584D695754776A6A776C75493756747951434D685A4D5846384C462B2B475A4433724A30396D6B595A4642336D484D6976614766484973716B77414C61704864715058766B6C527664744E4F61434F2B32395A634D6276497432677635657371533959652F337361742B5A2F4C38416453304C63672F786A4466427742505072456562794A5A76717257456F37507A5268457A2B754176734D546C42624F4F5471416D36362B63596F34565146504D376B4A37644C593846615337576741715058445648622B65747048794D396C513651744E61554359505252623444445A36304A394F517A6D546D524964764A47346945457A365A2F456E4E4D78413879393136666A656A624C6B41414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a21b40-40f0-76e8-96a0-bd3ac80407bf', '01a21b40-40e5-74d7-8e2f-7700a640a46c', 1, 0, 'accepted', 'certain', '{"id":"job-01a21b40-40f0-76e8-96a0-bd3ac80407bf-1","data":{"task":{"id":"job-01a21b40-40f0-76e8-96a0-bd3ac80407bf-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-27T04:25:25.488Z', '2026-11-27T04:25:25.507Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a21b40-4131-7393-8013-0a89611dd9fa', '01a21b40-4125-710a-93bf-417ff741b4f4', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-27T04:25:25.553Z', '2026-11-27T04:25:25.554Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a21b40-41aa-74fa-9287-36892e4d11d1', '01a21b40-41aa-74fa-9287-368879d0cc78', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-27T04:25:25.553Z', '2026-11-27T04:25:25.554Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a21b40-1243-740f-b23c-cc28b83f914a', '01a21b40-1248-75a8-86e1-d6ac7e193672', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '23e0976db8ce89ed3c36048806a1bdf7b83316db8a1edf994a4662705c4c41c5', NULL, '15348007545173938211', '4a/01a21b40-1243-740f-b23c-cc28b83f914a-0-0-1.png', '4a/01a21b40-1243-740f-b23c-cc28b83f914a-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T04:25:13.906Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a21b40-13ec-7454-9afc-e56ab2b373a6', '01a21b40-1411-73d5-b521-b26fde3d9848', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '93b595cc39584b2b6f868d60057015dc2b226f271ea706310123bd021759fa37', NULL, '16677287745452995344', 'a6/01a21b40-13ec-7454-9afc-e56ab2b373a6-0-0-1.png', 'a6/01a21b40-13ec-7454-9afc-e56ab2b373a6-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T04:25:14.275Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a21b40-159b-75b4-9b45-c1f34735e855', '01a21b40-15b1-743b-b899-8df9ee132dd9', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3698, 'b156de5ead28f00197f263fead50164c02157e358b9f7d61d05b4bd9517086dc', NULL, '13100392312248268734', '55/01a21b40-159b-75b4-9b45-c1f34735e855-0-0-1.png', '55/01a21b40-159b-75b4-9b45-c1f34735e855-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":4036662292}', '2026-11-27T04:25:14.583Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a21b40-159b-75b4-9b45-c1f34735e855', '01a21b40-15b1-743b-b899-8df9ee132dd9', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3552, '4233fe4ab12e5c6e68f77064c5264a971ed136aef27a9bfa281eb72ea2b52483', NULL, '926082719566015330', '55/01a21b40-159b-75b4-9b45-c1f34735e855-0-1-1.png', '55/01a21b40-159b-75b4-9b45-c1f34735e855-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":4036662293}', '2026-11-27T04:25:14.614Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a21b40-17e3-76e1-ac52-7e474b346bdb', '01a21b40-17ed-7416-8e79-c0ad5509cd26', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '1a17f1e7fcf4dd0008d682da8725c5944e579bc13097715236a7ed0686e3eb98', NULL, '17902863233692311611', 'db/01a21b40-17e3-76e1-ac52-7e474b346bdb-0-0-1.png', 'db/01a21b40-17e3-76e1-ac52-7e474b346bdb-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-27T04:25:15.039Z', 'unknown', NULL, NULL, 0);
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
INSERT INTO 'outbox' VALUES (6, 'remove', '88/01a21b40-16a1-7637-95b7-c956577fd288-0-0-1.png', 5, 2, '2026-11-27T04:25:30.422Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T04:25:14.964Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '88/01a21b40-16a1-7637-95b7-c956577fd288-0-0-1.thumb.webp', 5, 2, '2026-11-27T04:25:30.422Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T04:25:14.964Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a21b40-1243-740f-b23c-cc28b83f914a', 'image', '2026-11-27T04:25:13.906Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a21b40-1243-740f-b23c-cc28b83f914a', 'completed', '2026-11-27T04:25:13.907Z', '{}');
INSERT INTO 'events' VALUES (3, '01a21b40-13ec-7454-9afc-e56ab2b373a6', 'image', '2026-11-27T04:25:14.275Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a21b40-13ec-7454-9afc-e56ab2b373a6', 'completed', '2026-11-27T04:25:14.275Z', '{}');
INSERT INTO 'events' VALUES (5, '01a21b40-159b-75b4-9b45-c1f34735e855', 'image', '2026-11-27T04:25:14.583Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a21b40-159b-75b4-9b45-c1f34735e855', 'image', '2026-11-27T04:25:14.614Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a21b40-159b-75b4-9b45-c1f34735e855', 'completed', '2026-11-27T04:25:14.614Z', '{}');
INSERT INTO 'events' VALUES (8, '01a21b40-16a1-7637-95b7-c956577fd288', 'image', '2026-11-27T04:25:14.719Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a21b40-16a1-7637-95b7-c956577fd288', 'completed', '2026-11-27T04:25:14.720Z', '{}');
INSERT INTO 'events' VALUES (10, '01a21b40-17e3-76e1-ac52-7e474b346bdb', 'image', '2026-11-27T04:25:15.039Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a21b40-17e3-76e1-ac52-7e474b346bdb', 'completed', '2026-11-27T04:25:15.039Z', '{}');
INSERT INTO 'events' VALUES (12, '01a21b40-1887-767c-ac3b-70ae9913371c', 'failed', '2026-11-27T04:25:15.220Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a21b40-18fd-7201-a085-51e6dbd4687b', 'cancelled', '2026-11-27T04:25:25.382Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795753513906, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795753514275, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795753514583, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795753514614, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795753515039, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995281, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995281, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995281, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
COMMIT;
