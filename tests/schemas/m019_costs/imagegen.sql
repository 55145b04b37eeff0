BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-27 01:15:12.626116+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-27 01:15:12.626701+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-27 01:15:12.626888+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-27 01:15:12.627110+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-27 01:15:12.627308+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-27 01:15:12.627450+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-27 01:15:12.627548+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-27 01:15:12.632958+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-27 01:15:12.633259+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-27 01:15:12.633762+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-27 01:15:12.633930+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-27 01:15:12.634499+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-27 01:15:12.634688+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-27 01:15:12.635133+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-27 01:15:12.635444+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-27 01:15:12.640076+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-27 01:15:12.641202+00:00');
INSERT INTO '_sqlite_migrations' VALUES (18, 'imagegen', 'm018_counts_of_ended_tasks', '2026-11-27 01:15:12.641379+00:00');
INSERT INTO '_sqlite_migrations' VALUES (19, 'imagegen', 'm019_costs', '2026-11-27 01:15:12.643718+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-27T01:15:12.829Z', '2026-11-27T01:15:12.829Z', 'gAAAAABrCNmg_uO2bBTzlbJOj5O9cKaxJtpeVVnyLs8iyK7iORyYpljB8EVyM7YrDQopeiHQDqjrXaVpUIAXi0sh96J3646SxAPPS_8hppPBv13yI0B3md7BhbTj2Eq18nD7paMJjKv8NH67fGAWrIa5hey9RMfunQUMKLF1BZQL1_9urZ9tlWUjRFepJAH4n5BbXf3a4nC5iop1fDs5aO6Lvo2ARAAIfvuPpIvTPre6zB757A-zk_A=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrCNmg-okkM42NhgCgHdvQlu9yRLX-48OJeRIZYDJlcF0hGz4CvO2FZ0AoTi2B0u75SxtYMig4cDXMMGUt6vCA0bVwY_ASYWooTKxVFjVexzeQXHj1PbESctpggT8TTL4xnKd4_pLO7qmPCtN-k1zClTxgBVlfQR4-WpBeQZYnT8TZZo-bh01tMuSExJQa0ojmXThJ', '', NULL, NULL, NULL, NULL, '{}', '2026-11-27T01:15:12.818Z', '2026-11-27T01:15:12.818Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a21a92-1c49-77ed-9572-4d252319d2d1', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:15:12.842Z', '2026-11-27T01:15:12.852Z', '2026-11-27T01:15:13.332Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a21a92-1e95-7197-a077-b18c55c34c98', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:15:13.430Z', '2026-11-27T01:15:13.431Z', '2026-11-27T01:15:13.521Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a21a92-1f24-709b-9683-0dc07f37d8af', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:15:13.572Z', '2026-11-27T01:15:13.592Z', '2026-11-27T01:15:14.292Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a21a92-2260-7083-a977-62557ef62379', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:15:14.400Z', '2026-11-27T01:15:14.412Z', '2026-11-27T01:15:14.460Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a21a92-2393-7732-8fcc-1457ab0c90ee', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:15:14.707Z', '2026-11-27T01:15:14.716Z', '2026-11-27T01:15:14.738Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a21a92-2405-7358-beba-72d13782e3a6', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-27T01:15:14.821Z', '2026-11-27T01:15:14.832Z', '2026-11-27T01:15:14.881Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a21a92-2493-76be-9950-0433354e3c69', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a21a92-2405-7358-beba-72d13782e3a6', '2026-11-27T01:15:14.963Z', '2026-11-27T01:15:14.968Z', '2026-11-27T01:15:24.979Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a21a92-4bd8-74bd-9d35-8b7bdccb4b30', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-27T01:15:30.048Z', NULL, 1, NULL, '2026-11-27T01:15:25.016Z', '2026-11-27T01:15:25.024Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a21a92-4c07-70c6-8adf-be83bf29e12b', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21a92-1bb2-73a5-94fc-995d8cfe6832', 1, NULL, '2026-11-27T01:15:25.063Z', '2026-11-27T01:15:25.066Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a21a92-4c25-7121-86b2-12641496e656', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21a92-1bb2-73a5-94fc-995d8cfe6832', 1, NULL, '2026-11-27T01:15:25.093Z', '2026-11-27T01:15:25.096Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a21a92-4c56-7283-9a1b-f2f2f5917097', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrCNmtFLFJWSesIXl2wN-s37WEb8reKAL0SRAi9_tSY04iyC5Mn64Iy6S6YpnEdnphGjKmio7Vf4bznXzVCHP3D9H0qRRtcypLrNE8GeFH9u7cu1hC2PPV_eUvt9C8ukiMHowtOymDwAggBu7eFIniJUogloD0fjjZ-kK35j68FC-d08xrCPQxwQpYGzzlN52EVyhMDkbfW-HpLflBiR7D8Xic6NEB_5rFtNJgSGnV3ufX4DYDowYX58rRbAJ6nZEaCPl3XT4ncjCsYT9Qjyn-YNPDb2aCJaelxvo_LTg-VO5dlsEpW8dHk3ddCFY8t-Nu_ZYZfXgaim4WQXG1UJ8lIo_pf_XzKFNFDKp1vchUaRjFgGE=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T01:15:25.142Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a21a92-4c9d-71e4-a170-55b81b76d3f2', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a21a92-4c9d-71e4-a170-55b81b76d3f2/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T01:15:25.252Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a21a92-4cd4-72de-b327-6f88c9036f90', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T01:15:25.268Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a21a92-4d21-76f0-bdf1-d17df42ecc13', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21a92-1bb2-73a5-94fc-995d8cfe6832', 1, NULL, '2026-11-27T01:15:25.093Z', '2026-11-27T01:15:25.096Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a21a92-4d21-76f0-bdf1-d17f0e39143f', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-27T01:15:25.268Z', NULL, 0, NULL, '2026-11-27T01:15:25.268Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a21a92-1f24-709b-9683-0dc07f37d8af', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a21a92-1c56-7644-afa0-bda16d46b529', '01a21a92-1c49-77ed-9572-4d252319d2d1', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T01:15:12.854Z', '2026-11-27T01:15:13.332Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a21a92-1e9c-73a5-a565-9ddcd6bf4668', '01a21a92-1e95-7197-a077-b18c55c34c98', 1, 0, 'stored', 'certain', '{"id":"job-01a21a92-1e9c-73a5-a565-9ddcd6bf4668-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-27T01:15:13.436Z', '2026-11-27T01:15:13.521Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a21a92-1f4f-74d4-a98f-4d6a8e2fba7e', '01a21a92-1f24-709b-9683-0dc07f37d8af', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T01:15:13.615Z', '2026-11-27T01:15:14.292Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a21a92-2270-778d-ab06-ffd1e1baab2b', '01a21a92-2260-7083-a977-62557ef62379', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T01:15:14.416Z', '2026-11-27T01:15:14.460Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a21a92-23a8-76f6-9986-0f3432351cd8', '01a21a92-2393-7732-8fcc-1457ab0c90ee', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T01:15:14.728Z', '2026-11-27T01:15:14.738Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a21a92-242c-7785-8646-1d98f0ca025e', '01a21a92-2405-7358-beba-72d13782e3a6', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-27T01:15:14.860Z', '2026-11-27T01:15:14.881Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a21a92-249c-743c-8463-6271db7f9631', '01a21a92-2493-76be-9950-0433354e3c69', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-27T01:15:14.972Z', '2026-11-27T01:15:24.979Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a21a92-4bec-7287-803f-199ddfc8a4b0', '01a21a92-4bd8-74bd-9d35-8b7bdccb4b30', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-27T01:15:25.036Z', '2026-11-27T01:15:25.045Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F5157383036374A54527A712F42434C52664849394D6F4C6C34424E6E4A4A476A52646D2F3743706944394D484457734543544A467A6C382B56674973786D35666B64576F36564A5871775A4C69366A7A4D6344354E535058336D636A4C4D2F784F7870546F506F712F374C395A526B6F46712B7A434A7869646A5A3369556761704C4F50634E793459684E354955486C6A49567177414E46466A79633453376A556E697549674F437A61714578693563366B713537792B2B484D6A652B32487154795158394163686C52723531336C30504350532F4D72396C5A6750337847437973504C395767357A34324845337263497A655657556D506A67554735465662744A4D2B7679612F596F6D646E742F5A746B6F6B36715378315736394D516D6F35347442555841577567626E59383346596B677579534246693551333067664E6F2B357853784A4D743541484452344B3356717653615871582B3558664478524E6A5A3930774C4F5764506E5574324A6270336D787855637558534C6E7254774679705662746241463045514865664C304F674233514731313045497456554D7A2B4D49505A506F66536843633958364830684A635A4833524449634B5964544C5136437061794A794976577478322F6D547361624E4B707338316D343765347049464C7863797473386D4C4F5A384654775745346538706A63783034456549425145384432413137514B5030706B4C62304E2B4870717541674A7652775077306862466D494C76572B6A2F5348674B452F30437A51774F6B716E6966444C3554664D47675A724D4834694D77454436345553554430536E4674352B345966634C54536366664D374F7538345774492F42696C623758794C6F51467141527977694A6771664759374A676965776F43456C43474773347076594D364145674C4E486D387A4245617A7443756E2F784F4E55516C57675541756A32576173513469447134557A6E494E4D4C416A4E6B64685A6C5A33346732666A4E616A6D616957516B4379726261783636317A62724155487665474F656A47635A584952557166456F536B336342394759666F7664486A564C5876336334346E2B4F334737586C335A3357745A654B4177366B4645396B6A4A7572306E696F70556774704B74792B506F676E57704F4A636D3531417541316A48473055673579766F486F542F554B63386A4A43533277686E6F46727241546D45744A707168792B7542772B50794C3779384A76645A4335596C5338506A4473315645734A313439416B504B41595249354A78717770504B6F6B4264384C4434795779514757664F79595976714D50537375714B6D652F665271347378624270682F463453644D4373634970484C647133697A4C3763504D39644659564B5663794A394B76695461673676634C6D687447582F546771624A2B414A687450394968554A4730376A71736A2F31596A79696A6E75793978515A7759593741656F6A54766174584678363664316D6C793546484534455536743859695A6D64733362466659682B67682F56712F4B484447725A394D6D5967485652643732386B3235385153444434554C46505175374C7363384370532B584F6B77392F59445345546D59546E6D352B5250704548536C487947556865326C2B4949363943707A452B46314735655A3861354B317738474B59534E64515935532B507579524F47506F754C52744336396D656761782B464371627761707A524E784B643561645A445168355A357245374E356B47512B656344743272575974575442686B354278724C4E674E644737786F3556726236656B374B55594D396C3473307642556B56624E4779312B634A4E4F757955306336767751693058787950544B43356541545A7953526F30585A762B777159672F544277317242416B7952633566506C59434C4D5A7558354856714F6C53563673475334756F387A48412B54556A3139356E49797A5038547361553644364B762B792F57555A4B42617673776963596E593264346C494771537A6A334463754468617153634141414D62535552425648696341524144372F7741746953536273795541685A696B51527A4379437A5353534E33766F3033665758435A57766A746C756E5A37357A6E48457536755A773577422F74514164784A62414C4953363939626D625366655745425A672B797A6672576D634E63636C694D46363568666144506F5A416864694F417742312F7953692F505656336D376B303067434432464558734251543173416C3351474F5755763234664244384A616779595632396C4C47612B662B6D5A424A584539315741634E4C2F777573397843594B4941595341686F396B5A384C30724546525649524754735770424B584A514D5658753144364A694C576D66686A6976656E595355734A777979414650476536417565414563644D4974446A4E5961566F4C744337424668644648376876464444414A7771486D6E4652516C364E434166694241634455564B4C456B445273553942774567436A70356C624B436B66436246636F356F4E5241754C32586F6F4546356F33545271385636333072434B347366517176645033326F674772334D473577357036454148374D77512B463747594669304E436D79524474417975392B54415A6F71617952635834534754633871706D694B59545652394C49663631757355515535534A414E48652F4F343773505A6B724478656D38656859717567716C364C49487A537446496C4C71464C5679636F3876326C4D7672387649304C764877667A41436D49774149487A544D6B50756E4846654732794A6F34526B3070575958324848306F7A644B57504D646F4D41736A767A674B5A535679537369524C4D666B4F4D476A6863416862586C416A766B617872452B5A44464B356B3855636A6750516E58426F506A447A6D5049637953453643496A766D41433242447A545579534F4150524857414143584E57477245526D6F4A4B4941374F4235454259682F5A6448446F6C4951547732457777534F426144786B416B6D4535313278416E497650327742644F616F4143316E65694357516C4672694257486274384758647872754137763134325530314C556F375762583964467847754A3359794C587777596351637532796D735263414C3554503547514F666E56374B4C67746D6537364B74655133354D63636E4B536E2F765666795461527656555953426879416C4D74564E59516C774D414D797841423654412F4835784A443379462B72597A614F4B465338716F584B457937417A624356654366684258486D68386D7A53567844493263774A397A68765A6D4770414462664C536C64416F4679586D4A617650716C4549674D386545764F6671594630366E7374505270676E654B7557666C74527530476E612B492B315A38773438594156307A6F3443562F4F564A574C6C4C5470527248734A484672576E537061756D36352B7A31566145566541464466726F715A667551465956327462496766305A7A3335342F385934304D6B41414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a21a92-4c0c-716b-974f-a7a65084c036', '01a21a92-4c07-70c6-8adf-be83bf29e12b', 1, 0, 'accepted', 'certain', '{"id":"job-01a21a92-4c0c-716b-974f-a7a65084c036-1","data":{"task":{"id":"job-01a21a92-4c0c-716b-974f-a7a65084c036-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-27T01:15:25.068Z', '2026-11-27T01:15:25.076Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a21a92-4c38-77db-a078-f6d792e04ec1', '01a21a92-4c25-7121-86b2-12641496e656', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-27T01:15:25.112Z', '2026-11-27T01:15:25.112Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a21a92-4d21-76f0-bdf1-d17e4ea7f805', '01a21a92-4d21-76f0-bdf1-d17df42ecc13', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-27T01:15:25.112Z', '2026-11-27T01:15:25.112Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
            created_at TEXT NOT NULL, cost_basis TEXT, cost_currency TEXT, cost_ticks INTEGER,
            UNIQUE (attempt_id, position)
        ) STRICT
        ;
INSERT INTO 'images' VALUES (1, '01a21a92-1c49-77ed-9572-4d252319d2d1', '01a21a92-1c56-7644-afa0-bda16d46b529', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '04933fca506169e3ce7d66dacc245deeb4d9c63a584b146896c6505eb99434b9', NULL, '11041544178862776095', 'd1/01a21a92-1c49-77ed-9572-4d252319d2d1-0-0-1.png', 'd1/01a21a92-1c49-77ed-9572-4d252319d2d1-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T01:15:13.332Z', 'unknown', NULL, NULL);
INSERT INTO 'images' VALUES (2, '01a21a92-1e95-7197-a077-b18c55c34c98', '01a21a92-1e9c-73a5-a565-9ddcd6bf4668', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'fd72fe302eefa488d3a3ee9ec300beb9a7c17bfbd9555d32fb99e26c8d74502f', NULL, '15546157095632502449', '98/01a21a92-1e95-7197-a077-b18c55c34c98-0-0-1.png', '98/01a21a92-1e95-7197-a077-b18c55c34c98-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T01:15:13.521Z', 'unknown', NULL, NULL);
INSERT INTO 'images' VALUES (3, '01a21a92-1f24-709b-9683-0dc07f37d8af', '01a21a92-1f4f-74d4-a98f-4d6a8e2fba7e', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3799, '003b21bfc58d1adb47e540631cefaf12042cd207f19abdbb9875e684110a826b', NULL, '4658193875044758805', 'af/01a21a92-1f24-709b-9683-0dc07f37d8af-0-0-1.png', 'af/01a21a92-1f24-709b-9683-0dc07f37d8af-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":1203368998}', '2026-11-27T01:15:14.025Z', NULL, NULL, NULL);
INSERT INTO 'images' VALUES (4, '01a21a92-1f24-709b-9683-0dc07f37d8af', '01a21a92-1f4f-74d4-a98f-4d6a8e2fba7e', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3577, '46d6f6f9fd85ecae191a3ed96955e73f35fbf15b96ccb660a1c26c714421e78e', NULL, '6661807490191303462', 'af/01a21a92-1f24-709b-9683-0dc07f37d8af-0-1-1.png', 'af/01a21a92-1f24-709b-9683-0dc07f37d8af-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":1203368999}', '2026-11-27T01:15:14.292Z', NULL, NULL, NULL);
INSERT INTO 'images' VALUES (6, '01a21a92-2393-7732-8fcc-1457ab0c90ee', '01a21a92-23a8-76f6-9986-0f3432351cd8', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '3104706968dd3c1bb7088ab19920bee26854616ca17549e5478c2c4744c6f08b', NULL, '13740749339035777472', 'ee/01a21a92-2393-7732-8fcc-1457ab0c90ee-0-0-1.png', 'ee/01a21a92-2393-7732-8fcc-1457ab0c90ee-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-27T01:15:14.738Z', 'unknown', NULL, NULL);
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
INSERT INTO 'outbox' VALUES (6, 'remove', '79/01a21a92-2260-7083-a977-62557ef62379-0-0-1.png', 5, 2, '2026-11-27T01:15:29.933Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T01:15:14.684Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '79/01a21a92-2260-7083-a977-62557ef62379-0-0-1.thumb.webp', 5, 2, '2026-11-27T01:15:29.935Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T01:15:14.684Z');
INSERT INTO 'outbox' VALUES (8, 'upload', 'ee/01a21a92-2393-7732-8fcc-1457ab0c90ee-0-0-1.png', 6, 2, '2026-11-27T01:15:31.160Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T01:15:14.952Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a21a92-1c49-77ed-9572-4d252319d2d1', 'image', '2026-11-27T01:15:13.332Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a21a92-1c49-77ed-9572-4d252319d2d1', 'completed', '2026-11-27T01:15:13.332Z', '{}');
INSERT INTO 'events' VALUES (3, '01a21a92-1e95-7197-a077-b18c55c34c98', 'image', '2026-11-27T01:15:13.521Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a21a92-1e95-7197-a077-b18c55c34c98', 'completed', '2026-11-27T01:15:13.521Z', '{}');
INSERT INTO 'events' VALUES (5, '01a21a92-1f24-709b-9683-0dc07f37d8af', 'image', '2026-11-27T01:15:14.025Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a21a92-1f24-709b-9683-0dc07f37d8af', 'image', '2026-11-27T01:15:14.292Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a21a92-1f24-709b-9683-0dc07f37d8af', 'completed', '2026-11-27T01:15:14.292Z', '{}');
INSERT INTO 'events' VALUES (8, '01a21a92-2260-7083-a977-62557ef62379', 'image', '2026-11-27T01:15:14.460Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a21a92-2260-7083-a977-62557ef62379', 'completed', '2026-11-27T01:15:14.460Z', '{}');
INSERT INTO 'events' VALUES (10, '01a21a92-2393-7732-8fcc-1457ab0c90ee', 'image', '2026-11-27T01:15:14.738Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a21a92-2393-7732-8fcc-1457ab0c90ee', 'completed', '2026-11-27T01:15:14.738Z', '{}');
INSERT INTO 'events' VALUES (12, '01a21a92-2405-7358-beba-72d13782e3a6', 'failed', '2026-11-27T01:15:14.881Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a21a92-2493-76be-9950-0433354e3c69', 'cancelled', '2026-11-27T01:15:24.979Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795742113332, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795742113521, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795742114025, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795742114292, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795742114738, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995269, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995269, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995269, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
