BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-27 04:31:38.264401+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-27 04:31:38.264964+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-27 04:31:38.265132+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-27 04:31:38.265325+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-27 04:31:38.265482+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-27 04:31:38.265609+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-27 04:31:38.265701+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-27 04:31:38.266116+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-27 04:31:38.267571+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-27 04:31:38.274521+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-27 04:31:38.274725+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-27 04:31:38.275270+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-27 04:31:38.275417+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-27 04:31:38.279875+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-27 04:31:38.280275+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-27 04:31:38.280479+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-27 04:31:38.281024+00:00');
INSERT INTO '_sqlite_migrations' VALUES (18, 'imagegen', 'm018_counts_of_ended_tasks', '2026-11-27 04:31:38.281140+00:00');
INSERT INTO '_sqlite_migrations' VALUES (19, 'imagegen', 'm019_costs', '2026-11-27 04:31:38.282654+00:00');
INSERT INTO '_sqlite_migrations' VALUES (20, 'imagegen', 'm020_task_changes', '2026-11-27 04:31:38.282892+00:00');
INSERT INTO '_sqlite_migrations' VALUES (21, 'imagegen', 'm021_marks', '2026-11-27 04:31:38.283495+00:00');
INSERT INTO '_sqlite_migrations' VALUES (22, 'imagegen', 'm023_image_quarters', '2026-11-27 04:31:38.291267+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-27T04:31:38.601Z', '2026-11-27T04:31:38.601Z', 'gAAAAABrCQeqgNqNr9LVBZaTavYxyXevCQD58BM6Fi-U398cJwD8sUADe27mVyaLEsJxK7uLBcGoHtyRk6Ia82Jmg9gv4YYVhqpUyh4h2ta6qKG2uTTlltGjRGHLkyw13iKPc4tynaODsFwe51Uk5o0WJ65FryDMhRxo0OW21xm-iTyJ1Ms1Qy0sC50liEfHYbpx55F450FT9kJVFiFelBmlOkr-BDwol_hjiftkACbqdHdlloPOeGM=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrCQeq-6N7KcHE72jMBr6NzIo5CXkHUTg7W9Rske_Lo2xEbbyC_zbKESmPMWfjPLZbilzeihpNZn6N9XR6W2ztNMQFzkolSvtt6ZkUmelwmTQK5dAD0fdjAbH_lnd7puvXgctEL2tm0_nn3X-VQXlYCcF_HkBC8eIvLb39xZNqw2ufXRityuyrFs4DkkgEKdnTb0Qh', '', NULL, NULL, NULL, NULL, '{}', '2026-11-27T04:31:38.577Z', '2026-11-27T04:31:38.577Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a21b45-f278-7308-abbd-82ada4807901', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:31:38.617Z', '2026-11-27T04:31:38.629Z', '2026-11-27T04:31:38.824Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a21b45-f365-7567-827e-79b571274ac9', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:31:38.853Z', '2026-11-27T04:31:38.863Z', '2026-11-27T04:31:38.953Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a21b45-f3ee-70e0-a92b-8b95a2985ae0', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:31:38.990Z', '2026-11-27T04:31:38.992Z', '2026-11-27T04:31:39.273Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a21b45-f526-7459-82fd-42e5f40c30fb', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:31:39.302Z', '2026-11-27T04:31:39.305Z', '2026-11-27T04:31:39.544Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a21b45-f706-7110-99d3-e44b01c2dbb3', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:31:39.782Z', '2026-11-27T04:31:39.783Z', '2026-11-27T04:31:39.806Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a21b45-f775-71c5-8c01-b644aaee2ac1', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-27T04:31:39.893Z', '2026-11-27T04:31:39.900Z', '2026-11-27T04:31:39.949Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a21b45-f81e-7125-971f-f88e9494f37f', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a21b45-f775-71c5-8c01-b644aaee2ac1', '2026-11-27T04:31:40.062Z', '2026-11-27T04:31:40.067Z', '2026-11-27T04:31:50.080Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a21b46-1fd0-72fc-92f0-de45d292fc81', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-27T04:31:55.303Z', NULL, 1, NULL, '2026-11-27T04:31:50.225Z', '2026-11-27T04:31:50.242Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a21b46-2045-70b3-9ead-5a87f42f5f19', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b45-f17c-7743-98e9-37f54f7fe14e', 1, NULL, '2026-11-27T04:31:50.341Z', '2026-11-27T04:31:50.355Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a21b46-2087-73aa-baf7-a50c8412c4c5', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b45-f17c-7743-98e9-37f54f7fe14e', 1, NULL, '2026-11-27T04:31:50.407Z', '2026-11-27T04:31:50.416Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a21b46-20ad-7190-bab5-c5e0e0339491', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrCQe2gqH55E1yRMRoLwLR3SIIc9pHmoIo73afZ0WLfKozM-_w6KCFo0AjaPpIlnhGDRQIQvrXCTIkLfg7h7sBDS1MmNhSUX87FA08qs2KanHzAUP_lIoWCdOnM38DlIbv097JENre-XrDrcM-92CJfwLqwKIL9IYD_Px5o7JVUX_1JZ8oroe8xhRLaL0jswesVXePgMkc0vxEyNfImZtFFAZoJOyE01BTE4rplQtfFGGb01duYV7b6ktnrJp8LCLr3v187m-IhEwVKqPfHnI09AzBMCR3oHcLPvXw_alUBqkPwt36RH05qwS-anNyLJ_AJAdTXOKvaZeqfRlX-wuDDS2hU5JVkYv9OhcsYR5FaCdJcts=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:31:50.445Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a21b46-20df-70d2-867e-1d1c2dfd4408', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a21b46-20df-70d2-867e-1d1c2dfd4408/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:31:50.527Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a21b46-2111-73d8-a9ca-984b9de3e1e2', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:31:50.545Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a21b46-212e-7656-aabf-fd0a8a399b68', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b45-f17c-7743-98e9-37f54f7fe14e', 1, NULL, '2026-11-27T04:31:50.407Z', '2026-11-27T04:31:50.416Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a21b46-212e-7656-aabf-fd0c5c4a5863', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-27T04:31:50.545Z', NULL, 0, NULL, '2026-11-27T04:31:50.545Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a21b45-f3ee-70e0-a92b-8b95a2985ae0', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a21b45-f290-70da-b505-5e06f6d52873', '01a21b45-f278-7308-abbd-82ada4807901', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:31:38.640Z', '2026-11-27T04:31:38.824Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a21b45-f373-71e0-934a-7d221b176f97', '01a21b45-f365-7567-827e-79b571274ac9', 1, 0, 'stored', 'certain', '{"id":"job-01a21b45-f373-71e0-934a-7d221b176f97-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-27T04:31:38.867Z', '2026-11-27T04:31:38.953Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a21b45-f405-76b7-8c69-a85eab58bcdb', '01a21b45-f3ee-70e0-a92b-8b95a2985ae0', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:31:39.013Z', '2026-11-27T04:31:39.273Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a21b45-f554-72ed-bf7f-4897b69af4c8', '01a21b45-f526-7459-82fd-42e5f40c30fb', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:31:39.348Z', '2026-11-27T04:31:39.544Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a21b45-f709-7218-8def-54dcf30b9013', '01a21b45-f706-7110-99d3-e44b01c2dbb3', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:31:39.785Z', '2026-11-27T04:31:39.806Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a21b45-f791-75be-88e7-a800ab220a03', '01a21b45-f775-71c5-8c01-b644aaee2ac1', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-27T04:31:39.921Z', '2026-11-27T04:31:39.949Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a21b45-f82a-77c8-8fa4-08c19b04cd53', '01a21b45-f81e-7125-971f-f88e9494f37f', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-27T04:31:40.074Z', '2026-11-27T04:31:50.080Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a21b46-1ff3-7093-bde8-1cba91551747', '01a21b46-1fd0-72fc-92f0-de45d292fc81', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-27T04:31:50.259Z', '2026-11-27T04:31:50.282Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572B783549646A6E5A6D64646435676967372F346C62386B45575159335933502B746F787161376C45475657655170516455364B6F68484C342B57464C357736554769417A71386F76575966377074434D44476262466B6C644C66584345704D657352552F306C6838495231656734786D616547643742687A37435A353863517A39397164676E756A793148486B5035395A717143383932742F597A655748704C483566706A524E616C2F586A5467367A3267666259536B64465551636F555446394852785A69546553585A7653364272336F513964487452374B4E5834685A492F414763422F646F306E6B4676677977514F3948636F4B4A517A6E3344775656303568554C4B5131396F4E6A675236504D62694B614C61493430796D4547337A485238516870326743377472466F2F434D4F757363464850655642586B5468706A4A67426F6E4A5673754D69554A66374A36763634705473554C385A345A5551683653544F4A5A2B626238793649565270513955744F39634C395A4C4779433447445A68336B30763031364169656C6C3364763939306C5A627A707559575A2B4A3656614D666D6D72564331354C5A6E396D414A39664E744B7A522B586C4B58486C765A61494B463879634D634C7757573136766A4177766F2F5744312B4A4373546153757535357538395953346C737A47544D626D6D704A6659572F446F774F432F585A313765776E503850523074543048327351742B326954487A754D30563074546A464A695678485146542B464D63616E2B4F2B4654634E6A76552F32436C7459744B3141695051354B4F7251534B3251426E49414649443352386758522F4E7535506843716547644B55556A2F705677743759615A652B742F41554639425078536973664F524C4C4E706D65434E447776584A2B526F66586F4A62576750574B627832726B35794A47356B76416E304375385379394B69415542457374797A4D376549472F732F477455332B35596F506D4D6562696854496C69634E4C64634C4E4270326D686D6D2B795369534546794650486247616D6D73694A61647A747747334F4533456844574F716534624E747135576574696C673859776F74726A677442305535617747346C754C6B546C49755655466448496E634D4E3834482F456C2F3255747A682B50544F72614B724143774D434A32794B31412F7830746738577A6A364A745A69732B444C2B356D413854736167435575724F6E745772553443734E732B482F6E3236337A4A343359556475675139493863507242307A57506B796A63464378784842396B6730764A496F484949336373372F3467527832444D4D4E787236622F344B6C397A79324C4D364C6C585A6E5679494D4F544F757676704D766B464364644B7234367245374558653167446B2B485561514342354E4C74626C424A6A6C574B636D4F5A5372655065716D4362536E63756E5544442F3838394F4A516C5537454E49304547496344344B30646A736569634F54635662367975766A50317651656C79344C2F794446766E704D46394E6575324F4B39597449394479362F67786259706B384168706761694E46414575613067734E337161747A33456A4A4F70374F714D624151496E615567397437316570676F55756F38356B70687868636364517645786F544E48644C366D4E6275335543632F6B68456D546C45474255462B314D716E4E3651663061726442794E647446654E4B4C56684C715039365A70706145416E676A3978647839315352472B753434705861314C6D7864456B773264736878304B664E322F67797362476978756B52373047764761685778392B354E39366D4B4A744D67736553485935325A6E58586559496F4F2F2B4A572F4A42466B474E324E7A2F72614D616D753552426C566E6B4B5548564F69714952792B506C68532B634F6C426F674D36764B4C316D482B3662516A41786D32785A4A5853333177684B544872455650394A5966434564586F4F4D5A6D6E686E657759632B776D656648454D2F66616E594A3362787243774141414D62535552425648696341524144372F77416558394E4273744A2F71546E76574F2F414461723844727A4C773347625A645463412F477461514D507876564F632B6C324347317656516976763951776D6D4E41445747584D33504D544F6E702F6D336B535339474B3453794B466B5062444162426A4C6266324A686F374E4662327A7044362B324A653149577A45744B68344B77414675437853317678525064436A583655522B433569364C3646642B3657526F47724843676772652B316E565635776A32452F32454B4E4B74323146336569686F414461332F6E426535534D334D4C53417978636D513463654178754555396C47624D46776A57436554734557786B4A5547434E67774B49694B39634E4C5A4365484141527576766142356F774F4644723948536E726C5A4B456B4A634C776A66486B68324F4D62794941476B4D573354364951476A4F4D6B6970365734585868467841427141467979785178544F6C715A6F557178463968536C345A434D56396D526F4D75575952437447614657597A4578514278794D534247384C527075784D4C3534416D304F4332474A787346616B342B4B32446A325235455963656C354F43704678566A504A74367331686B3653774768396B797948347751384C6B72495730565341486A36734F64463333457044782F6463734D574B317235426C2F70646C53304E7445626D5861414A72713952753646416B746E2B50526B6132795A41314B6C66514258364E4E50515A61416D484171523172632F476D57426A6E693376787066642F4255444B754B6A4D487845522F5054326376713061344D635A77304D36384B384166546A2F44396177503143744366394B38774836424D41485A5848314F56577743706D576C4D5368586A4430366E656E613558537071704D47313250796753624147683476683571634757736851564A576C664845634443767046304A6530687A46584C54316A6A386D734F596C4E544B36687A433935317662397757714170755144446B4B44645030554F34414F6846506B5148544D575A474A4538764B513654674958596D5563342F75494D7A4635696F4A647078787747305A3535533430426741374E5253424847353077724C41483665382F50466F6B30707967594B6473446171306A45705139584B3263505867715649336A77474259483133594C3247795A41446148667132554E444C3235354E4A5234454B35705630743970336542333967386658425443744352586B71516B6B362F775041444746625936594139676A367742442B66674853343771624C644D416C5862647A43466E4350637376416B4A736543326346445041616A45496E7137533173466A56706238656D59526E4C317838417761396A644E78586A42355759534A457169486A5875656A4B6F7475666C74524F38533759577A567A6F6642676A6671516759667A7A6B526B52745862695A32507A4A7A5648726B69734541414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a21b46-2055-700f-9fe1-bc80cb34b22b', '01a21b46-2045-70b3-9ead-5a87f42f5f19', 1, 0, 'accepted', 'certain', '{"id":"job-01a21b46-2055-700f-9fe1-bc80cb34b22b-1","data":{"task":{"id":"job-01a21b46-2055-700f-9fe1-bc80cb34b22b-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-27T04:31:50.357Z', '2026-11-27T04:31:50.368Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a21b46-209d-75bb-8bc4-c506784256d1', '01a21b46-2087-73aa-baf7-a50c8412c4c5', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-27T04:31:50.429Z', '2026-11-27T04:31:50.429Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a21b46-212e-7656-aabf-fd0b3d296cea', '01a21b46-212e-7656-aabf-fd0a8a399b68', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-27T04:31:50.429Z', '2026-11-27T04:31:50.429Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a21b45-f278-7308-abbd-82ada4807901', '01a21b45-f290-70da-b505-5e06f6d52873', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'ecd8672eb70d9f43c8548530c2eb5e99e86abc60db678fa487c506423780fbc2', NULL, '12954216453080871462', '01/01a21b45-f278-7308-abbd-82ada4807901-0-0-1.png', '01/01a21b45-f278-7308-abbd-82ada4807901-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T04:31:38.824Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a21b45-f365-7567-827e-79b571274ac9', '01a21b45-f373-71e0-934a-7d221b176f97', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'd61baffdc4ce839a1fe3fe56507b18122654714e7d8fe584137ef61e08309986', NULL, '7907339756518889412', 'c9/01a21b45-f365-7567-827e-79b571274ac9-0-0-1.png', 'c9/01a21b45-f365-7567-827e-79b571274ac9-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T04:31:38.953Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a21b45-f3ee-70e0-a92b-8b95a2985ae0', '01a21b45-f405-76b7-8c69-a85eab58bcdb', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3605, '1285a96efcf44f05d0f768f6ba3963d0db31bf771641fb1a6c4e2f4b48c3f4ac', NULL, '12983587372561874195', 'e0/01a21b45-f3ee-70e0-a92b-8b95a2985ae0-0-0-1.png', 'e0/01a21b45-f3ee-70e0-a92b-8b95a2985ae0-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":3169936318}', '2026-11-27T04:31:39.271Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a21b45-f3ee-70e0-a92b-8b95a2985ae0', '01a21b45-f405-76b7-8c69-a85eab58bcdb', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3696, 'e25d0d4c345f1cdc33b619983320e2a7ba6007c5bb325096cf61a2846e37c80a', NULL, '10494728742703902830', 'e0/01a21b45-f3ee-70e0-a92b-8b95a2985ae0-0-1-1.png', 'e0/01a21b45-f3ee-70e0-a92b-8b95a2985ae0-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":3169936319}', '2026-11-27T04:31:39.273Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a21b45-f706-7110-99d3-e44b01c2dbb3', '01a21b45-f709-7218-8def-54dcf30b9013', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '711e804320b3a3bdee792f053545056954e4fa5c17177ac0fbe85cf0be3d5d14', NULL, '4173928911469406370', 'b3/01a21b45-f706-7110-99d3-e44b01c2dbb3-0-0-1.png', 'b3/01a21b45-f706-7110-99d3-e44b01c2dbb3-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-27T04:31:39.806Z', 'unknown', NULL, NULL, 0);
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'fb/01a21b45-f526-7459-82fd-42e5f40c30fb-0-0-1.png', 5, 2, '2026-11-27T04:31:55.140Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T04:31:39.775Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'fb/01a21b45-f526-7459-82fd-42e5f40c30fb-0-0-1.thumb.webp', 5, 2, '2026-11-27T04:31:55.139Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T04:31:39.775Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a21b45-f278-7308-abbd-82ada4807901', 'image', '2026-11-27T04:31:38.824Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a21b45-f278-7308-abbd-82ada4807901', 'completed', '2026-11-27T04:31:38.824Z', '{}');
INSERT INTO 'events' VALUES (3, '01a21b45-f365-7567-827e-79b571274ac9', 'image', '2026-11-27T04:31:38.953Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a21b45-f365-7567-827e-79b571274ac9', 'completed', '2026-11-27T04:31:38.953Z', '{}');
INSERT INTO 'events' VALUES (5, '01a21b45-f3ee-70e0-a92b-8b95a2985ae0', 'image', '2026-11-27T04:31:39.271Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a21b45-f3ee-70e0-a92b-8b95a2985ae0', 'image', '2026-11-27T04:31:39.273Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a21b45-f3ee-70e0-a92b-8b95a2985ae0', 'completed', '2026-11-27T04:31:39.273Z', '{}');
INSERT INTO 'events' VALUES (8, '01a21b45-f526-7459-82fd-42e5f40c30fb', 'image', '2026-11-27T04:31:39.544Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a21b45-f526-7459-82fd-42e5f40c30fb', 'completed', '2026-11-27T04:31:39.544Z', '{}');
INSERT INTO 'events' VALUES (10, '01a21b45-f706-7110-99d3-e44b01c2dbb3', 'image', '2026-11-27T04:31:39.806Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a21b45-f706-7110-99d3-e44b01c2dbb3', 'completed', '2026-11-27T04:31:39.806Z', '{}');
INSERT INTO 'events' VALUES (12, '01a21b45-f775-71c5-8c01-b644aaee2ac1', 'failed', '2026-11-27T04:31:39.949Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a21b45-f81e-7125-971f-f88e9494f37f', 'cancelled', '2026-11-27T04:31:50.080Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795753898824, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795753898953, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795753899271, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795753899273, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795753899806, 'waits for its upload');
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
COMMIT;
