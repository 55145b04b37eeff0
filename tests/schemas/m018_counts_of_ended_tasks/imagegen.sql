BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-27 00:50:37.250727+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-27 00:50:37.251310+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-27 00:50:37.251600+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-27 00:50:37.251933+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-27 00:50:37.252113+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-27 00:50:37.252269+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-27 00:50:37.252379+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-27 00:50:37.252855+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-27 00:50:37.252986+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-27 00:50:37.253391+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-27 00:50:37.253540+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-27 00:50:37.254148+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-27 00:50:37.254309+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-27 00:50:37.254594+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-27 00:50:37.254912+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-27 00:50:37.255101+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-27 00:50:37.255901+00:00');
INSERT INTO '_sqlite_migrations' VALUES (18, 'imagegen', 'm018_counts_of_ended_tasks', '2026-11-27 00:50:37.256060+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-27T00:50:37.368Z', '2026-11-27T00:50:37.368Z', 'gAAAAABrCNPd21BXftlgaQkqBHP9rSt1y7K52o0LeK52YJ-DZCFGQMl5ZGpp_8t4VzsGPPcMGLSWuwRHQWHYctRejxnCNT26Qr24mX35fSrsQ3TuEmlKFUv-yFeyyjPX_g4TXIXeR4hqqYPe3yk8me7WUblewKAd14o25PxNKFxw0Cyd83VI3Vvxu8u3qhEXPmmehiym7T_-7l3aU8qWR0NnrtJ6FXQcxBuzqMnDlEgalVgPJf3CLdY=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrCNPdP-Bqf62ECP04UCfT0PK4gGhz9zA_cFgBbCzfYkmcicnUCzHF7I8gsUUQDhxOCHBFen1mee_aArj7QjjxqHyHFQtrA6E7f-XaPUceYl_dGT6u3Z927kicWtTrANIuEvnOKkOKoNwYoQC8vvElwBlzgx1FblS0Id6Mp37yUmRQTuNqJZAK94z9Rxl6-1MDf_Ju', '', NULL, NULL, NULL, NULL, '{}', '2026-11-27T00:50:37.361Z', '2026-11-27T00:50:37.361Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a21a7b-98c0-72ec-b4f6-53fdc115bb38', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T00:50:37.377Z', '2026-11-27T00:50:37.380Z', '2026-11-27T00:50:37.632Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a21a7b-99de-76a8-b273-7d59fb363e67', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T00:50:37.662Z', '2026-11-27T00:50:37.672Z', '2026-11-27T00:50:37.776Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a21a7b-9a6c-7674-9678-b1ed344867df', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T00:50:37.804Z', '2026-11-27T00:50:37.806Z', '2026-11-27T00:50:37.895Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a21a7b-9b2c-7733-8eeb-65d48abcb845', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T00:50:37.996Z', '2026-11-27T00:50:37.998Z', '2026-11-27T00:50:38.050Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a21a7b-9ce2-7799-9153-1c8564658b19', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T00:50:38.434Z', '2026-11-27T00:50:38.440Z', '2026-11-27T00:50:38.464Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a21a7b-9d4a-7488-94a3-1bb1cb9cb0d9', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-27T00:50:38.538Z', '2026-11-27T00:50:38.540Z', '2026-11-27T00:50:38.546Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a21a7b-9d87-77ec-801a-829604c98c6a', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a21a7b-9d4a-7488-94a3-1bb1cb9cb0d9', '2026-11-27T00:50:38.599Z', '2026-11-27T00:50:38.601Z', '2026-11-27T00:50:48.607Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a21a7b-c4f5-7777-9416-c9b1c16cc13a', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-27T00:50:53.716Z', NULL, 1, NULL, '2026-11-27T00:50:48.694Z', '2026-11-27T00:50:48.703Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a21a7b-c523-72fa-90bb-7e3b4d09e846', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21a7b-985f-71ea-9d98-66e1eefb1f3a', 1, NULL, '2026-11-27T00:50:48.739Z', '2026-11-27T00:50:48.748Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a21a7b-c561-75a1-8307-7407df860274', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21a7b-985f-71ea-9d98-66e1eefb1f3a', 1, NULL, '2026-11-27T00:50:48.801Z', '2026-11-27T00:50:48.816Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a21a7b-c59e-7522-b1f1-716bcf1ee110', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrCNPoSq9xLz81608Nu3vmLbO4T0ALpe-fP8Q3NsuSW9ZRenazEk9NubsWtZFFaDSmt42mXOpdcChq3XRIlxd_voP8TRDZuwVSvGlU-I9mN-XGe0w-cP8yMWvkB0-uBG3THT1-ruShcC_K7MQDaIzyXBEqGuhQEbO-MN9zMJYvyOrJulOlY3Cx37Qlf0aUYuca5IRjACBM16LmNp0RqUeYPUHzfOrGu92UI8ZWS5nqdD4s_3wYm192mFL6qWplH44bcW2uQYvtuOm8iBbm0v-7oaa2qAthoVvh2f_nv8z4rcbqEWhGdW1DXdzJc43Btygd_Qbk0oyHU5pPHKdvqkKgfjEvbFpNGcHgJhOh4bv0Hs9-1LE=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T00:50:48.863Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a21a7b-c5b8-77f2-b69d-764f5dcb42b3', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a21a7b-c5b8-77f2-b69d-764f5dcb42b3/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T00:50:48.901Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a21a7b-c5ce-761b-82d3-957bfa0c7714', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T00:50:48.910Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a21a7b-c5ed-7344-a557-501b04400d4d', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21a7b-985f-71ea-9d98-66e1eefb1f3a', 1, NULL, '2026-11-27T00:50:48.801Z', '2026-11-27T00:50:48.816Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a21a7b-c5ed-7344-a557-501d4da283cb', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-27T00:50:48.910Z', NULL, 0, NULL, '2026-11-27T00:50:48.910Z', NULL, NULL, 0);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO 'counters' VALUES ('cancelled', 1);
INSERT INTO 'counters' VALUES ('completed', 5);
INSERT INTO 'counters' VALUES ('failed', 1);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a21a7b-9a6c-7674-9678-b1ed344867df', '2999-01-01T00:00:00.000Z', NULL);
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
        , config TEXT, sealed_config TEXT, response_name TEXT, response BLOB) STRICT
        ;
INSERT INTO 'attempts' VALUES (1, '01a21a7b-98ca-73d0-b045-b08734023411', '01a21a7b-98c0-72ec-b4f6-53fdc115bb38', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T00:50:37.386Z', '2026-11-27T00:50:37.632Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a21a7b-99f8-72e0-a630-91365a7187c2', '01a21a7b-99de-76a8-b273-7d59fb363e67', 1, 0, 'stored', 'certain', '{"id":"job-01a21a7b-99f8-72e0-a630-91365a7187c2-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-27T00:50:37.688Z', '2026-11-27T00:50:37.775Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a21a7b-9a73-7724-8e61-acff3c3d5fed', '01a21a7b-9a6c-7674-9678-b1ed344867df', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T00:50:37.810Z', '2026-11-27T00:50:37.895Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a21a7b-9b38-713b-8d67-97e7e40c22e6', '01a21a7b-9b2c-7733-8eeb-65d48abcb845', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T00:50:38.008Z', '2026-11-27T00:50:38.050Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a21a7b-9cec-731c-ac8d-52c763289289', '01a21a7b-9ce2-7799-9153-1c8564658b19', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T00:50:38.444Z', '2026-11-27T00:50:38.463Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a21a7b-9d4d-77ba-8007-2083eb5b7ad7', '01a21a7b-9d4a-7488-94a3-1bb1cb9cb0d9', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-27T00:50:38.541Z', '2026-11-27T00:50:38.546Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a21a7b-9d8b-7203-b2c0-93d9a163033e', '01a21a7b-9d87-77ec-801a-829604c98c6a', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-27T00:50:38.603Z', '2026-11-27T00:50:48.607Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a21a7b-c501-7377-99a5-e3b1d94c1276', '01a21a7b-c4f5-7777-9416-c9b1c16cc13a', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-27T00:50:48.705Z', '2026-11-27T00:50:48.713Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51573873517876366358386D7359413765324D41324C2F6B754268416B36686D436F4848674D37334438763041683648417631714F6A5A6A54426B62374D4630706F494C6F3461316D434C5A4A7478444734695272476B7164757A694A39534F46677951664932746A35755A4F446B35704A2B4152502B306D5A31767A4E684F52614D50462B4578622B4D357362397852757A5748782F426E67797352617372746941542F6D4645466A416A73335270564E3353697435795A69475A67363179614565535A66784350394B6934742B584D6144784977772B4577726E455A774A5674714652477631694C57687476376337734E735630574157397149617353726E594F4E7861637A2B614D6F49534D6F6535304177446648365551594F786D526D5646694D6F356D4C6C7A55664F326C5A756B3431746847763450506C6D524335633130776E59777631664632686241676A2F504566436357516A6B4741646E6E3773797472343971327575686859745947516C6644676839644274326C74366D67364B6C697A68756D6E3548725058544F76634C536B6B4945425443696545634B2F484A736946416F493770715431574A67344365574747773338337454716C6547755A6C5179554B7049355959623747766B563039644473515648536A435831516D77414169723635415469386A61627839486D7943737A6368435655695451657370596A69646C6B736271395354786F7474334A487832645A4D5361444154796E4541494D797831345969657157377270526F555A59702F4155524C30304844384B74687A6C714766454B51517444467A6434374B4C6E666A362F313449656136584A67635956394E4C67633761464C492B307163504A78393443334B70592F695949684956413769586A5067542F4D6E4264634E3068664F71704E3850564758647761636C746D44362B2B4946334537726675695A305875386E7171696B6F79372B4A644159484E554B4E6C383361512B37716E68484D44735137794E69342F75636351596C4858796771324542344A75326D4D6F415652357A4A4974445264445931455A442B36616A515171364E72494E56695A464F453450454A72455744673747355148616C6249696F7965655550556A446C59714A6E316D7249316A3874767675643833534E6736756A566831496D385141636875716E5333354E6E48387655395054566F6B7335392B794953744978766B6D4852536741786B42387A4F772F4F664252795877634630634531785A4F6B537143736C305739315430356A4B327961626150366D6956626831506C4B4C784C594A30525254774132577445612B455836594E4463304B6A686C54654B73725A585A38506A515368352B4141326166537751437267362B6A524D4536452F4B47636E686567526B474947422F3972446A4D2B4B537A596D7162436C3753774475323155684A425648374C31422B622B624469372B785858376F2F782B4A3171503368455045767243717A6370484B4837705969594B7368456C476A63424E6B314E6B764751705239444F6F7379626D79374F47494C2F2F5A326965584C49414D6C4B684E474F62324459757A6E6C2B67794A536D5164306D526B72524A5A694F37617959306D4D535733634F704E706C796A5A4257744147343238632B54755954513879676B3070785157336A344D33345461676F695A664D6C4E725230505A415852487631695053635658663247772B6E7266362F66362F6B4E322F6C61756E41686A2F6C476F63644B3772657269364D2B392B776C71777655664D4F51667879666D684B48317A376D4B706161776D79394A4730434C63714966744C574C454D622B6E462F4A7247414F33746A414E692F354C6759514A4F6F5A6771427834444F39772F4C3941496568774C39616A6F325930775A472B7A42644B614343364F47745A676932536263517875496B6178704B6E6273346966556A68594D6B48794E72592B626D5467354F6153666745542F744A6D6462387A59546B576A447866684D646B2B6F33514141414D62535552425648696341524144372F77414B7254516C585274746977637952354678384D3471782F7569516F6E6D6E39747A6268743163744B795363596939334C785165474272714D77716C735532706A4145544C2B61364A76695045383645594B446766666F5856456F663576363079376B2F6647552B5A2F6E706A66416D364E4A456F2F72386C436D78485662753366774142416F48656C5A534C4A554F716F6B57315A306D6D773230475172366B7738714D48466266694E5132786F73677A4951344E502F7A443757343041306152446341624A5A2B32323679726263356877542B513446494E777259356C4B6B5043776B50694F77514351316B666D664676476A526D6A2F322B34424C43394D662B55494144506F4B2F32336D6E7776504238586B54585747714757637278314974474F304D4765537A37473830706C6778316750623468466A49545659304D546F5A73756742666E6A5467475262516B732F796A36326E6E46797953327954337A634843355536764562627154385550646E7853413552436B79414469637254624C71534149412F4F653955446F6C6B7A2B347156354B6C736C776E4B576D4246674C4B664B68547A4D7152716B71744A6377306F3376314C5A35656945695A324733526A4C574150434348324D635037517553476349737A6F396A3970786C72666951776D467242636C4F3963376A427A6155303537685133594149493848777970514F31335477426F5546427144506D6E4454445854515A6B4248486C6255714F56695378744E3979593635794B344B7A32514470337748436973486D72352F70302B7345565730412F3959784442313736482F3747524B6E6A483371757A454E7533775242624C6B33464933494F383563566C74716376394D457A7536424751546E484631476B474150694C626A456930586C6C2B6630432B546768654A6934436A6C793038526C4332556E3631416F76314D43767030644633352F35766A4766474165514D4D454641435933452F356632746F37385552787167434A6C59672F3061376F30315A463156626B666E516C46782F4B4D4B347548793676506C794761543563394737716C6B41435372364A777A6E45723438587A61736E793956486E7731547256424271436561367A644A4E4352637A5741625A38515853466E744B573173476F567538493941443961614E4C38426C39774E4C68423768377971497A6D446A4F50483133447A676949426946464F7A6953694237376A496542496A494336436A755555365A31674457324A4B526D6675774E5355747739636A335044672F3043767664734737495138427068487263726E33786952324B4233356E646C445777737132726474496B41614B6170646B4A5176714F594349522B616B3048654246456B4E7662733962496D58524C69534E4A64542F2F6877594757657178627972632B524C7A776A5A5752544675325276557A645541414141415355564F524B35435949493D227D5D7D');
INSERT INTO 'attempts' VALUES (9, '01a21a7b-c534-7013-9a59-203e88bb0d07', '01a21a7b-c523-72fa-90bb-7e3b4d09e846', 1, 0, 'accepted', 'certain', '{"id":"job-01a21a7b-c534-7013-9a59-203e88bb0d07-1","data":{"task":{"id":"job-01a21a7b-c534-7013-9a59-203e88bb0d07-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-27T00:50:48.756Z', '2026-11-27T00:50:48.767Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a21a7b-c57d-7556-b2df-0ae361d03910', '01a21a7b-c561-75a1-8307-7407df860274', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-27T00:50:48.829Z', '2026-11-27T00:50:48.829Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a21a7b-c5ed-7344-a557-501c89e99fcf', '01a21a7b-c5ed-7344-a557-501b04400d4d', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-27T00:50:48.829Z', '2026-11-27T00:50:48.829Z', NULL, NULL, NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a21a7b-98c0-72ec-b4f6-53fdc115bb38', '01a21a7b-98ca-73d0-b045-b08734023411', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'bd2c8283d1850d9f584830d99cfcb0157e115f5dff0c6553fcf422962bcaaa9f', NULL, '1325179718363981653', '38/01a21a7b-98c0-72ec-b4f6-53fdc115bb38-0-0-1.png', '38/01a21a7b-98c0-72ec-b4f6-53fdc115bb38-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T00:50:37.632Z');
INSERT INTO 'images' VALUES (2, '01a21a7b-99de-76a8-b273-7d59fb363e67', '01a21a7b-99f8-72e0-a630-91365a7187c2', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '26f64ec6cfc915a1af613d605b68a82e94f0b68f7a1bea002567fb83e546a682', NULL, '3711507918169131868', '67/01a21a7b-99de-76a8-b273-7d59fb363e67-0-0-1.png', '67/01a21a7b-99de-76a8-b273-7d59fb363e67-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T00:50:37.775Z');
INSERT INTO 'images' VALUES (3, '01a21a7b-9a6c-7674-9678-b1ed344867df', '01a21a7b-9a73-7724-8e61-acff3c3d5fed', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3654, '7f1f1a55121c4f6d672599c5f84ffd09a0d146f484e02fed07ade62843adde14', NULL, '7262397531673444451', 'df/01a21a7b-9a6c-7674-9678-b1ed344867df-0-0-1.png', 'df/01a21a7b-9a6c-7674-9678-b1ed344867df-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2700346626}', '2026-11-27T00:50:37.881Z');
INSERT INTO 'images' VALUES (4, '01a21a7b-9a6c-7674-9678-b1ed344867df', '01a21a7b-9a73-7724-8e61-acff3c3d5fed', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3703, 'cbdfd043d8161cfb3d2b9bcefd227da2756260669fe40215ac1c8c28a2aaca61', NULL, '11559601495487855120', 'df/01a21a7b-9a6c-7674-9678-b1ed344867df-0-1-1.png', 'df/01a21a7b-9a6c-7674-9678-b1ed344867df-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2700346627}', '2026-11-27T00:50:37.894Z');
INSERT INTO 'images' VALUES (6, '01a21a7b-9ce2-7799-9153-1c8564658b19', '01a21a7b-9cec-731c-ac8d-52c763289289', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '0450f064af884d23f54d953fdc1cf542e76258aa834974a7915f77a7c007da58', NULL, '4724083514414466354', '19/01a21a7b-9ce2-7799-9153-1c8564658b19-0-0-1.png', '19/01a21a7b-9ce2-7799-9153-1c8564658b19-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-27T00:50:38.463Z');
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
INSERT INTO 'outbox' VALUES (6, 'remove', '45/01a21a7b-9b2c-7733-8eeb-65d48abcb845-0-0-1.png', 5, 2, '2026-11-27T00:50:53.809Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T00:50:38.418Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '45/01a21a7b-9b2c-7733-8eeb-65d48abcb845-0-0-1.thumb.webp', 5, 2, '2026-11-27T00:50:53.809Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T00:50:38.419Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a21a7b-98c0-72ec-b4f6-53fdc115bb38', 'image', '2026-11-27T00:50:37.632Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a21a7b-98c0-72ec-b4f6-53fdc115bb38', 'completed', '2026-11-27T00:50:37.632Z', '{}');
INSERT INTO 'events' VALUES (3, '01a21a7b-99de-76a8-b273-7d59fb363e67', 'image', '2026-11-27T00:50:37.775Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a21a7b-99de-76a8-b273-7d59fb363e67', 'completed', '2026-11-27T00:50:37.776Z', '{}');
INSERT INTO 'events' VALUES (5, '01a21a7b-9a6c-7674-9678-b1ed344867df', 'image', '2026-11-27T00:50:37.881Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a21a7b-9a6c-7674-9678-b1ed344867df', 'image', '2026-11-27T00:50:37.894Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a21a7b-9a6c-7674-9678-b1ed344867df', 'completed', '2026-11-27T00:50:37.895Z', '{}');
INSERT INTO 'events' VALUES (8, '01a21a7b-9b2c-7733-8eeb-65d48abcb845', 'image', '2026-11-27T00:50:38.050Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a21a7b-9b2c-7733-8eeb-65d48abcb845', 'completed', '2026-11-27T00:50:38.050Z', '{}');
INSERT INTO 'events' VALUES (10, '01a21a7b-9ce2-7799-9153-1c8564658b19', 'image', '2026-11-27T00:50:38.463Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a21a7b-9ce2-7799-9153-1c8564658b19', 'completed', '2026-11-27T00:50:38.464Z', '{}');
INSERT INTO 'events' VALUES (12, '01a21a7b-9d4a-7488-94a3-1bb1cb9cb0d9', 'failed', '2026-11-27T00:50:38.546Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a21a7b-9d87-77ec-801a-829604c98c6a', 'cancelled', '2026-11-27T00:50:48.607Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795740637632, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795740637775, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795740637881, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795740637894, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795740638463, 'waits for its upload');
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
CREATE INDEX attempts_kept_responses ON attempts (updated_at)
        WHERE response IS NOT NULL AND phase IN ('stored', 'failed')
        ;
COMMIT;
