BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-27 01:36:48.421493+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-27 01:36:48.422103+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-27 01:36:48.422319+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-27 01:36:48.422552+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-27 01:36:48.422741+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-27 01:36:48.422892+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-27 01:36:48.422994+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-27 01:36:48.430474+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-27 01:36:48.430808+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-27 01:36:48.431365+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-27 01:36:48.431544+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-27 01:36:48.434561+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-27 01:36:48.434766+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-27 01:36:48.435096+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-27 01:36:48.435529+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-27 01:36:48.444313+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-27 01:36:48.445392+00:00');
INSERT INTO '_sqlite_migrations' VALUES (18, 'imagegen', 'm018_counts_of_ended_tasks', '2026-11-27 01:36:48.445579+00:00');
INSERT INTO '_sqlite_migrations' VALUES (19, 'imagegen', 'm019_costs', '2026-11-27 01:36:48.447464+00:00');
INSERT INTO '_sqlite_migrations' VALUES (20, 'imagegen', 'm020_task_changes', '2026-11-27 01:36:48.456334+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-27T01:36:48.905Z', '2026-11-27T01:36:48.905Z', 'gAAAAABrCN6w8syLvNs15T9UxvesAHxIC8N5eo17t3vKOS4M98axWnQ-nWSCt4XCO43EWgE3VNo724Q1EnhDUdl4ZOEW6iJ3W3frNv0VFBmrsDjrMnw8DC-wexz_B-M-wyKjuncpWjO1TfClPbKZumpMDtRE3DRSr7JdZQycmXdcuC5_jBgG4iRBFK7A4YXUaizvwvcEMYk9lol4NkC47JA8F_SEHkHVf2vCktX7ZghN1RJSEPNa294=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrCN6wW6_xifUi_HDVVlOJBKKfBXHKqLxya0juf-NERVElvz0jYLrzTSfi6UaQA4i539HsQEoJWkVQyoRiawftm49rKa8r9xOBmQerVHUdm2JMG9vesy0p-Y0J2VOChFWIsbYE4EgJHHwVqK8khdgnDTSIPgFELYNZ0WDmVMPFblNm54Po59c0TiZfvTB1J7bvZbNq', '', NULL, NULL, NULL, NULL, '{}', '2026-11-27T01:36:48.881Z', '2026-11-27T01:36:48.881Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a21aa5-e325-717f-8e6e-fde75c37b369', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:36:48.934Z', '2026-11-27T01:36:48.956Z', '2026-11-27T01:36:49.431Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a21aa5-e5a6-744e-9d25-a3604f8f10a7', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:36:49.575Z', '2026-11-27T01:36:49.588Z', '2026-11-27T01:36:49.832Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a21aa5-e725-7331-bc5e-487197b91c2c', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:36:49.957Z', '2026-11-27T01:36:49.960Z', '2026-11-27T01:36:50.176Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a21aa5-e824-746a-bb27-969c1b60ec2a', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:36:50.213Z', '2026-11-27T01:36:50.220Z', '2026-11-27T01:36:50.311Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a21aa5-e926-73cb-97b1-f2e0bf6bc381', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T01:36:50.470Z', '2026-11-27T01:36:50.476Z', '2026-11-27T01:36:50.524Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a21aa5-e9e5-7662-9a35-1d964abfd828', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-27T01:36:50.661Z', '2026-11-27T01:36:50.667Z', '2026-11-27T01:36:50.709Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a21aa5-ea91-7052-864b-5f9f96efbebc', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a21aa5-e9e5-7662-9a35-1d964abfd828', '2026-11-27T01:36:50.833Z', '2026-11-27T01:36:50.836Z', '2026-11-27T01:37:00.846Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a21aa6-1209-7083-9056-941abdcfe84c', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-27T01:37:05.989Z', NULL, 1, NULL, '2026-11-27T01:37:00.937Z', '2026-11-27T01:37:00.940Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a21aa6-12ac-7753-85ee-fc00e49ad4c2', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21aa5-e1a6-7646-843f-2c8d2f0e718c', 1, NULL, '2026-11-27T01:37:01.100Z', '2026-11-27T01:37:01.125Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a21aa6-1339-754c-8a01-068452d63fcf', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21aa5-e1a6-7646-843f-2c8d2f0e718c', 1, NULL, '2026-11-27T01:37:01.241Z', '2026-11-27T01:37:01.267Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a21aa6-1383-7577-b3da-9224dae8355b', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrCN69qkTjiDl9GY3P2CJDIBLCYyD3fz84hUi6-LbUiOu4S_XAC6Mk_ccc_3nbnm10A9HTtEnQPKlNHLhd5urSyE5rIvLwo84W8eifSO-xj8hMDFdfTZsQ-KA7SzhYNtLoYkuET3vM2fH6CMiyUQ6TjFNl_RylrgZ9Jolx6aAZCUnZh-Z9_rugr0LLnk1HnV7lDZ4hwjPxeLzCxSdfMY6XZ4fHZT3bUJZMHzNnmWhKuv6QscP5VM5moY0iifLXKl5nhbNxQouFwATgnjLvDrUlQ6h2Q4br8347SalJrPQzLCMi5ZUJ9_4BGVEyXF-3_HVKpLT1j-pGxXQ1KHaeBST4_UVz72lrobdOto5ULyiGrdtbffA=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T01:37:01.315Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a21aa6-13e1-713c-99d4-14f329f457c9', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a21aa6-13e1-713c-99d4-14f329f457c9/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T01:37:01.441Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a21aa6-1416-728d-aa7d-64e17cecbdaa', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T01:37:01.462Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a21aa6-1461-77ae-b16f-41b14799f78d', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21aa5-e1a6-7646-843f-2c8d2f0e718c', 1, NULL, '2026-11-27T01:37:01.241Z', '2026-11-27T01:37:01.267Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a21aa6-1461-77ae-b16f-41b344242064', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-27T01:37:01.462Z', NULL, 0, NULL, '2026-11-27T01:37:01.462Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a21aa5-e725-7331-bc5e-487197b91c2c', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a21aa5-e34c-7569-9129-a761896c15b8', '01a21aa5-e325-717f-8e6e-fde75c37b369', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T01:36:48.972Z', '2026-11-27T01:36:49.431Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a21aa5-e5b7-732a-9ac8-19287c806877', '01a21aa5-e5a6-744e-9d25-a3604f8f10a7', 1, 0, 'stored', 'certain', '{"id":"job-01a21aa5-e5b7-732a-9ac8-19287c806877-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-27T01:36:49.591Z', '2026-11-27T01:36:49.832Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a21aa5-e73d-7226-8739-a9203274e3d9', '01a21aa5-e725-7331-bc5e-487197b91c2c', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T01:36:49.981Z', '2026-11-27T01:36:50.176Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a21aa5-e82f-7621-b503-3d2feed2a0f7', '01a21aa5-e824-746a-bb27-969c1b60ec2a', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T01:36:50.223Z', '2026-11-27T01:36:50.311Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a21aa5-e934-72ed-979d-f5475a8d513d', '01a21aa5-e926-73cb-97b1-f2e0bf6bc381', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T01:36:50.484Z', '2026-11-27T01:36:50.523Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a21aa5-e9fc-704a-8a00-6872bc8a1313', '01a21aa5-e9e5-7662-9a35-1d964abfd828', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-27T01:36:50.684Z', '2026-11-27T01:36:50.709Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a21aa5-ea98-75f6-9a72-9f29a3390b28', '01a21aa5-ea91-7052-864b-5f9f96efbebc', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-27T01:36:50.840Z', '2026-11-27T01:37:00.846Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a21aa6-120e-7682-8264-6554dd3fc573', '01a21aa6-1209-7083-9056-941abdcfe84c', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-27T01:37:00.942Z', '2026-11-27T01:37:00.976Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572B796B68372F72697632694A776F6465696C4676656E6C63594B586653686C4E724A4D2F4439484765462B38707356416562427376694333772B6C597A5051466555384547476563724642767A6D6332476D5533714F346F2F4E446F4773735370786D6F73546B4E7954454E35714D6B56342F753066477141726F423458415A4964443261367A75693736306A39496A54674B5A4345527A3250356A7A4263376763384F653850707832573659626B3330773252476D6B7176555877676632555A5373306C495A76766F4D4D7078333247366E2F325936396F6D7375635356716A6F364F302B6372367356784B766E4737583555552F415A4B67557430684E576F3033326270715158426F7470777233515763674C787969756B61417070627A32704B3737577A64434C523345466633587565386C41585A436332696E4D6D36746572616F587772436C6E4D374273356C455735474E524B4C6557575546314268676A552F4D46317A49694A56462F6E634E4E2B3475307A31675979636B5164784454667A796339486D5164756E74335A74656965673849545762713377584143513752686155796F357879524E66346857664F32304B6A763659456F413535465651424C744F49516964787634412B344D5470705A6E772B75347065757875443555335A37493655744B376A414B445030733646756F53675462686278304E55463547496D41346C326166594D51365A6F672F386779594A366E543154672F38486B3266684D72502F4E43683938694C4C3757516E41574277647749685942374E546731716B5A6D6A504656387836714348756848355A6466306D6F596552356F42376B37644F6352522F2B566D4F66796F374F2B72664543592B51504B453148696D457A53443534394E79744D624B4B367249646C5735384E456152676B54355443535245653378335A49794B734255486C35423479784876734E38626D44774F32544B6C35616449315A6554564D6D6B385A555A61556B4A6A467375754F643970704E4D445574533437324A7342645262646A322B783772333350557964326C625359447A7A537741306934622B614369676A4B6F776B4732375A315A704B54512B566159546B564F4974446D6C3942417A483969584470536D412B536469647452437530426539746B734D564B4E4457304F6559695748593467712B4D7839575730686E5A3446704A315061573331436A6C6667466F3375665939556265494379424F432B4178346333652B77654F72536E4934365A524C78634675316671304D49335A526572637974584276524269396474462B6B4757782F46376F52426542792F4C49686A4F587A496835677350566C417858677A4164336F41552B6F4559596A626948633332375A52314D5833633966734146556E324750704F667074557779456F694D704178625A536D43422B466C575946416E6B687537504348614B71424C4C44594C71767150744B51415270416E5243354C6F3852453279702F75754278705966664662505A374F73416773592B7952717143323439374A305741504471736D756E44542B6F2F626F6963797035303458547661545262697130552B43566742382F4F6D6A32576A4359306B6F4E4F5854724445307249304C703177484B38374B354635525447414B7172584E62364737676F36715A46414871344F6257634F526A3675653456656C31646E54766D73443753646B6C4F6A705A62596A334E3844436C693438314D7247726B524F764866436A486257334A6B7779745A636178434D586D6B55757A7A652F76326E3667377354715A36374C4B35757767566A696D6B4D6F546B686E512B3256737049652F363472396F69634B48586F7052623370355847436C33306F5A5461795450772F52786E6866764B624651486D77624C346774385070574D7A3042586C504242686E6E4B78516238356E4E68706C4E366A754B507A513642724C4571635A714C453544636B784465616A4A4665503774487871674B364165467747534851396D756F654A4757304141414D62535552425648696341524144372F7741334B534F65374F5262376D4A6934346644556748317865506A4735694E514363676E5462467053696349624D3730706F617753654A35796C31305A73656B34484145416338436C6B705A4E62627056652B696F62567A745858625047347578346231617533356C56514D7651357750687150396B454E657347306A6561384E774C77434A6F4E312B7A58356D4F4A6A6734412F7A4D646A6635426D334937652F316C7A2F52436A62506E6C545A707A4664765031385258666C356A6D35364342464777415158505A76655161536B624D5365555A7A7169543877794A4C4371425542796737634C7A77645864777A6C76693176495348585677506E46746350696F6B4978414434554F4D475838787661494756523835497A43504C6D6B4955356549612F766C316A347578475456737776306E3231792F424C564434534B3779476F307276774477723255484D51557A303935553439755A586F547641467041495331574562577276565039583278637741524642367767743346595266393951642B6D6B6651416461622F51687A69486F636D4B3271554D493245494B67614C444D7A4F6E483357734D464E434934535A57514C594C646B41354850727A754F3834455737664F4148684C2B63525564377A5A7968754C63334158526A61646D4955743137677173356E75626574477132756A4C4A55564E507869702F306F75334E636A75413331774177346574372F7A43546B546749587350636553736B3243624A66583249636534552B394B34423250646134556B79314A4D4F6D302B2F51312F7A355476796D5941316F566A4B444D726744786B46597346434B49614F496C6C743856705A42586B793049502F2B2B314B3750737170484E6E4D556339534232676831444D63742F414863435858522B6B6C5172784E5A4B49714A756C38685876574E65377A46595436575956306B7070414370764E6B34676E6C2F7458746A735637474B4F2F437277422F596C457462453447302B67736E6A5053364C506A2B45716E47756F38464947415863705854303556476D4448305772367535506A6B694A5369556E2B324E73417845696A342B7167386E766F37765A61733579572B6231474470556232737539564448474643596935734F427374454875416B414F4E6E523534533169394D6E414B61373553725A3551446E744368704548424D6C733732495075464A43494672555A31514A77656D30696234477671663963657A556B6E366E70475750587846674271562F33744C436A546A62652F644F456E5773534F6C65506D7A4E714847534C5032346D627535435441744C476756347A4F3375556F73454443742F2B56664941665075416146742B574F664F716462385A71584B354E4A4A355A315065662F5435526F6F4A5A2F31644D6B53706A5068624D6B42646C73736F446B445A6652577370754B7254454976484941414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a21aa6-12da-7452-8e41-357aee314b70', '01a21aa6-12ac-7753-85ee-fc00e49ad4c2', 1, 0, 'accepted', 'certain', '{"id":"job-01a21aa6-12da-7452-8e41-357aee314b70-1","data":{"task":{"id":"job-01a21aa6-12da-7452-8e41-357aee314b70-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-27T01:37:01.146Z', '2026-11-27T01:37:01.196Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a21aa6-1369-72c8-b5df-733a7f8eb2fe', '01a21aa6-1339-754c-8a01-068452d63fcf', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-27T01:37:01.289Z', '2026-11-27T01:37:01.289Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a21aa6-1461-77ae-b16f-41b24cf8fd2e', '01a21aa6-1461-77ae-b16f-41b14799f78d', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-27T01:37:01.289Z', '2026-11-27T01:37:01.289Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a21aa5-e325-717f-8e6e-fde75c37b369', '01a21aa5-e34c-7569-9129-a761896c15b8', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'c7087f2e2fbff2bf702eb5e9cd22424d1f4227340061a7248bdb990f2be191cf', NULL, '3374930844432268538', '69/01a21aa5-e325-717f-8e6e-fde75c37b369-0-0-1.png', '69/01a21aa5-e325-717f-8e6e-fde75c37b369-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T01:36:49.431Z', 'unknown', NULL, NULL);
INSERT INTO 'images' VALUES (2, '01a21aa5-e5a6-744e-9d25-a3604f8f10a7', '01a21aa5-e5b7-732a-9ac8-19287c806877', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'ce41ad34de5504a0f72e79728e80ec0ae95a4cdeba7fbaf3bf01f483b8b4c28f', NULL, '10830965985878835067', 'a7/01a21aa5-e5a6-744e-9d25-a3604f8f10a7-0-0-1.png', 'a7/01a21aa5-e5a6-744e-9d25-a3604f8f10a7-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T01:36:49.831Z', 'unknown', NULL, NULL);
INSERT INTO 'images' VALUES (3, '01a21aa5-e725-7331-bc5e-487197b91c2c', '01a21aa5-e73d-7226-8739-a9203274e3d9', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3610, '2895b5dcd41ace2ce3b918218fa881c140fe2f9a5000f58355f862e0db578ede', NULL, '2584189321066478779', '2c/01a21aa5-e725-7331-bc5e-487197b91c2c-0-0-1.png', '2c/01a21aa5-e725-7331-bc5e-487197b91c2c-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2797653108}', '2026-11-27T01:36:50.164Z', NULL, NULL, NULL);
INSERT INTO 'images' VALUES (4, '01a21aa5-e725-7331-bc5e-487197b91c2c', '01a21aa5-e73d-7226-8739-a9203274e3d9', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3651, '5ab8f769be678215f9dd8b7742772fd7f01a4b56b0206bb9df85474f780e189d', NULL, '7834454482092163463', '2c/01a21aa5-e725-7331-bc5e-487197b91c2c-0-1-1.png', '2c/01a21aa5-e725-7331-bc5e-487197b91c2c-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2797653109}', '2026-11-27T01:36:50.176Z', NULL, NULL, NULL);
INSERT INTO 'images' VALUES (6, '01a21aa5-e926-73cb-97b1-f2e0bf6bc381', '01a21aa5-e934-72ed-979d-f5475a8d513d', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'e29e17ed9e542479a3d9e3ebfa995cdafd3fb463ad1d4cec3a3663646cb52bef', NULL, '13183355804873768890', '81/01a21aa5-e926-73cb-97b1-f2e0bf6bc381-0-0-1.png', '81/01a21aa5-e926-73cb-97b1-f2e0bf6bc381-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-27T01:36:50.523Z', 'unknown', NULL, NULL);
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
INSERT INTO 'outbox' VALUES (6, 'remove', '2a/01a21aa5-e824-746a-bb27-969c1b60ec2a-0-0-1.png', 5, 2, '2026-11-27T01:37:05.817Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T01:36:50.445Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '2a/01a21aa5-e824-746a-bb27-969c1b60ec2a-0-0-1.thumb.webp', 5, 2, '2026-11-27T01:37:05.817Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T01:36:50.445Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a21aa5-e325-717f-8e6e-fde75c37b369', 'image', '2026-11-27T01:36:49.431Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a21aa5-e325-717f-8e6e-fde75c37b369', 'completed', '2026-11-27T01:36:49.431Z', '{}');
INSERT INTO 'events' VALUES (3, '01a21aa5-e5a6-744e-9d25-a3604f8f10a7', 'image', '2026-11-27T01:36:49.831Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a21aa5-e5a6-744e-9d25-a3604f8f10a7', 'completed', '2026-11-27T01:36:49.832Z', '{}');
INSERT INTO 'events' VALUES (5, '01a21aa5-e725-7331-bc5e-487197b91c2c', 'image', '2026-11-27T01:36:50.164Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a21aa5-e725-7331-bc5e-487197b91c2c', 'image', '2026-11-27T01:36:50.176Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a21aa5-e725-7331-bc5e-487197b91c2c', 'completed', '2026-11-27T01:36:50.176Z', '{}');
INSERT INTO 'events' VALUES (8, '01a21aa5-e824-746a-bb27-969c1b60ec2a', 'image', '2026-11-27T01:36:50.311Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a21aa5-e824-746a-bb27-969c1b60ec2a', 'completed', '2026-11-27T01:36:50.311Z', '{}');
INSERT INTO 'events' VALUES (10, '01a21aa5-e926-73cb-97b1-f2e0bf6bc381', 'image', '2026-11-27T01:36:50.523Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a21aa5-e926-73cb-97b1-f2e0bf6bc381', 'completed', '2026-11-27T01:36:50.524Z', '{}');
INSERT INTO 'events' VALUES (12, '01a21aa5-e9e5-7662-9a35-1d964abfd828', 'failed', '2026-11-27T01:36:50.709Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a21aa5-ea91-7052-864b-5f9f96efbebc', 'cancelled', '2026-11-27T01:37:00.846Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795743409431, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795743409831, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795743410164, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795743410176, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795743410523, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995270, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995270, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995270, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
COMMIT;
