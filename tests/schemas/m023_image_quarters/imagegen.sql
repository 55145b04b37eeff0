BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-27 04:10:40.103101+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-27 04:10:40.103730+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-27 04:10:40.103925+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-27 04:10:40.104132+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-27 04:10:40.104297+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-27 04:10:40.104430+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-27 04:10:40.104519+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-27 04:10:40.104962+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-27 04:10:40.105080+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-27 04:10:40.105453+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-27 04:10:40.105593+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-27 04:10:40.106109+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-27 04:10:40.106267+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-27 04:10:40.106617+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-27 04:10:40.106909+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-27 04:10:40.111906+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-27 04:10:40.112570+00:00');
INSERT INTO '_sqlite_migrations' VALUES (18, 'imagegen', 'm018_counts_of_ended_tasks', '2026-11-27 04:10:40.112712+00:00');
INSERT INTO '_sqlite_migrations' VALUES (19, 'imagegen', 'm019_costs', '2026-11-27 04:10:40.114345+00:00');
INSERT INTO '_sqlite_migrations' VALUES (20, 'imagegen', 'm020_task_changes', '2026-11-27 04:10:40.114592+00:00');
INSERT INTO '_sqlite_migrations' VALUES (21, 'imagegen', 'm023_image_quarters', '2026-11-27 04:10:40.114797+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-27T04:10:40.312Z', '2026-11-27T04:10:40.312Z', 'gAAAAABrCQLAysPhi_VMMMXkTQb-cd_Z3vy2dllNywHKWkkWsjUiKM-j1ANhvEe8EO8VIDPVXfjDA0MECpjUFS4HQWIE2Qd9ctgFUvKiJTkYp3X82hOAloZQ5xDlBrH1AtcySJ1JJ2HfSINwNMFkjDVeclFY_aXX5ZZPKGX1auKRH5JmCMXRcxxc0tU6GNJrk1mVwSeS3IdG9X65iauJ_9HhlqinaRNpC-RDfiBBLLiBwbYXd464KNU=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrCQLAdxc-kwuoXR0H33L0ABpZ1EsM8PeiLb0Hfe-_ac8hKcT3dVRaZE4QYxwJ0m518S8lhFAX_xUXMSgTN3bbtkZp8Co7b_-PqAVZ-ZibKq749pcrQrJTt9fUT_7gJgjeJUcG0CBN4mcEv5cYtK34RxKT_Kn-wGSopQAhypqsVcVqW3amCLLadovTtGinwwzcAF3l', '', NULL, NULL, NULL, NULL, '{}', '2026-11-27T04:10:40.307Z', '2026-11-27T04:10:40.307Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a21b32-bf3c-77b9-a86e-3cd3f46749dc', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:10:40.317Z', '2026-11-27T04:10:40.318Z', '2026-11-27T04:10:40.509Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a21b32-c04a-7286-b3e8-6eacc17f57b2', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:10:40.586Z', '2026-11-27T04:10:40.596Z', '2026-11-27T04:10:40.731Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a21b32-c110-750b-be20-38400f5756ac', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:10:40.784Z', '2026-11-27T04:10:40.800Z', '2026-11-27T04:10:40.990Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a21b32-c22a-72e9-ada1-1169247bb9a6', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:10:41.066Z', '2026-11-27T04:10:41.068Z', '2026-11-27T04:10:41.098Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a21b32-c293-7474-91d7-7b864af8098b', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-27T04:10:41.171Z', '2026-11-27T04:10:41.176Z', '2026-11-27T04:10:41.234Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a21b32-c314-7307-98d7-6fdd7e3c2c5c', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-27T04:10:41.300Z', '2026-11-27T04:10:41.301Z', '2026-11-27T04:10:41.320Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a21b32-c387-76f9-afcb-b2c05db3cf88', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a21b32-c314-7307-98d7-6fdd7e3c2c5c', '2026-11-27T04:10:41.415Z', '2026-11-27T04:10:41.427Z', '2026-11-27T04:10:51.500Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a21b32-ebd5-75d3-bc15-fa0f2d999a22', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-27T04:10:56.780Z', NULL, 1, NULL, '2026-11-27T04:10:51.733Z', '2026-11-27T04:10:51.748Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a21b32-ec24-778e-8726-1a47869d0e96', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b32-be96-7207-b9c5-3bcbcb2ec4c1', 1, NULL, '2026-11-27T04:10:51.812Z', '2026-11-27T04:10:51.831Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a21b32-ec91-7665-95d8-0fefb9016bef', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b32-be96-7207-b9c5-3bcbcb2ec4c1', 1, NULL, '2026-11-27T04:10:51.921Z', '2026-11-27T04:10:51.932Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a21b32-ecba-77f4-b0a3-f6284de0797b', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrCQLLYJ_8EAMj5RzsiDaZi-tpOYCSLMlqlEVxr3Ah9EAJb1LgOm5gle7qcOS022yHPYA8LA-5e3MQz50UdySDyHqNmhH-46KoxvDGRxaoGAOdXnPbeWZy68823sO7AFtltMuV2jf_unX2TCAK9lzB4oHI56bU6HRbNxNAfOleekWmK2SbviBtlAVU6MpbiX-UwWDiV08QbgIfRr_hZvrtLWoKyI2fWQ-U1N8xNzeTpvXdrRoX6Lsl9wJXWTh2NPo-mMv3EscCHpeBSwsNBRRUkNUmZXCYodZnJ8_dnwSHG5coUuDP9W7tvdjwk-KeEOPtiJK__AVCkzH6iwjrNDLT4v0eoWfYfY3uE66BuUrlFjivr-I=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:10:51.962Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a21b32-ece4-71f1-a0d2-1028a4da633b', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a21b32-ece4-71f1-a0d2-1028a4da633b/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:10:52.020Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a21b32-ecff-7627-8217-48eeb061ca6c', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-27T04:10:52.031Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a21b32-ed1e-76fa-8204-f96917d59e2e', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21b32-be96-7207-b9c5-3bcbcb2ec4c1', 1, NULL, '2026-11-27T04:10:51.921Z', '2026-11-27T04:10:51.932Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a21b32-ed1e-76fa-8204-f96b9489188e', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-27T04:10:52.031Z', NULL, 0, NULL, '2026-11-27T04:10:52.031Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a21b32-c110-750b-be20-38400f5756ac', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a21b32-bf40-7130-916c-672663c7ef43', '01a21b32-bf3c-77b9-a86e-3cd3f46749dc', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:10:40.320Z', '2026-11-27T04:10:40.509Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a21b32-c060-76e7-be8f-61bc61102960', '01a21b32-c04a-7286-b3e8-6eacc17f57b2', 1, 0, 'stored', 'certain', '{"id":"job-01a21b32-c060-76e7-be8f-61bc61102960-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-27T04:10:40.608Z', '2026-11-27T04:10:40.731Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a21b32-c13f-7343-902a-05606e6337b6', '01a21b32-c110-750b-be20-38400f5756ac', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:10:40.831Z', '2026-11-27T04:10:40.990Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a21b32-c22f-74f8-bba6-bf0293cf9161', '01a21b32-c22a-72e9-ada1-1169247bb9a6', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:10:41.071Z', '2026-11-27T04:10:41.098Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a21b32-c299-7737-b1c7-1848d6009c43', '01a21b32-c293-7474-91d7-7b864af8098b', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-27T04:10:41.177Z', '2026-11-27T04:10:41.233Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a21b32-c323-7621-a298-7ff649c086c0', '01a21b32-c314-7307-98d7-6fdd7e3c2c5c', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-27T04:10:41.315Z', '2026-11-27T04:10:41.320Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a21b32-c39d-7612-8c9f-654f3aae2c53', '01a21b32-c387-76f9-afcb-b2c05db3cf88', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-27T04:10:41.437Z', '2026-11-27T04:10:51.500Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a21b32-ebe8-7570-94bc-5ea4df04ceb1', '01a21b32-ebd5-75d3-bc15-fa0f2d999a22', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-27T04:10:51.752Z', '2026-11-27T04:10:51.768Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F515739562F6B74797658384D4449553249677665454D3557786A53643032335753527238393955436E54746B3676654C357A30556F784961614D694E7771316A5A74522B7A537A766248547445314275515A6C5455566157506733734A4D6C31525675306769734F4142545A766743315563546C6D2B57396A474674734A56372F3255594D754450734370346A676B475750707772624C2B336C496B55544D4C6E3174586C7844373245766B755464586F6E5243422F757238684B584F614668504B614A654B39364C4C30475A7A3574326352322B3057626C5863774F6A344C67524D7A6A63446F7379544E6A685365313131456F38674D4E6174423877763349363334585137534B712F6C66357070317549356D574E69305A5146313074337030784A7279783837476D62652F6A536456746B59514769784D6E355167374F4D3168535A664A473879506E76766A53792F50684B446D644A587053784C7A5A496E59514D434A56734A336852614F7347702F7A42556D305474673941753072676A454B6E367876317A554A6A3066396B6771685A54757130495A4A5237516D367658514B7066304A55754A5736526F3831424A4F45526273484163647A772F44354A61695353585A383069475157475A646154566841772B412F6335483761486432314F52724B564F5057572F345A79524D62485177776B444B2B55445A5A466F3445584F5A425A6A714D6530655A3657775057572F712F5A74676B643657326152355A58456B346F68515333526E4B68326874533366312B537264476D454743734E5533694C48426B5156396449535465704954395657796B69436878736A78662B59696175306977794B61764636595037586D4951667641657342564C7957325A6D374E452B455575772B457941373459573775384C37437571584546723947462F4230374851304837616765397045554C5077774A742F6638374D574F517359506F4169567A616775764144505573765067796B57387263757A596D784E556C6846367070664E50644C684E554D7A367A67366E424643317A5A6743626C4F70784363797A6A44463578316F334C346B584B536A5835506C756C52546E6E4377483851384E7578683656356676434F7479546A74744D6E2B41516962366E6C69474D65504965306266673673412F30304D4950774934646346486273734670427530326835635739586C6D306932564F30766C666C477A42476E54726F686A494163324C5563643066626D46416744714B4D626A334447426F4B387136356E583743394B684657533456456357375177335337703564455064754D4F565A4B477842636D7A574C696C634F5A7649754C485736594F433952785136437166683573514B39465871302B36546D4E76646C7553544B416377505169556776362F4B6F4352305164594F4768743648753870645377516265493566756B494678784C42786C3375634D436F45633433776B56596847532B336742326C6C7A566C32645969346D2F496558515457486A67736D45522B59767479426E683144572B735043526A73357A687575376C446A31347350625A686B38696872563359454D685546573979556A334A655131395471695056423337467947657A726242745937566D494355694164786B6F684E744F35713865684B4F654B6F4A4F5A5A6672654F756547347A675850737945354A666B4B43753976536C5653435635474D2F7275743532354568536C49436C4773536E70756965376B3939753666466979796146465A66512F70344236426755547568376B47717977563834346D7371585243626E4F77466A686A2F323547507A51684654444B685666354C6372312F444179464E69494C3368444F567359306E644E74316B6B612F506656417030375A4F7233692B6339464B4D53476D6A496A634B7459326255667330733732783037524E51626B475A553146576C6A344E3743544A6455566274494972446741553262344174564845355A766C7659786862624356652F396C47444C677A777354646B414141414D62535552425648696341524144372F7741393139467A6D5974627A5071506A336A63523570656245566B42776C41686D7737624A6F74395A456B65576A4F7737724C73747939546A42464376546A2F746A41466C6676715A67365151584D54466E6F4B70346A52516D4A34786F69677558585A7171704741776E3545716972366E616C4874682F6F5735427955634E317673674244624D44636550496A31636C36454965373574334979316B304A6F2F794E66494E78356A434A4844514F3554696E594E5A566F53634A6130477A2B5837354B34416730444666596279554A486A524277626F546965594F526E503476313136694D7A364C3343435958506E4C396C486F345A6656622F39652B697A546453624337414354656A6470765871564C536E75633374706B6353624E5779796D2B4C4262637452552B2B6F50683476734E5A6346344552367335354467397064313535797A414162727473335A5870444A6170585965396475707435777A446A6942736E74704846493737377061786F6C30754551772B6C3731756B48784654794C544B64355941394D2B6F5974534D3442644F43506E3671684130356767506A6E4F6D55612F4A322F482F7962794C73624D5A756665785139677A2B6F3067354A34412B4A6532414A42633734534365656858736F755759756F6A74366C347347524A3255376B4D652B4165584A7157396F4175307174484C6F616E6E3665614739794C734B396651422B6447486D3057754434774951477978355737414A2B386261466635746C4D5159776B7933686545762F6D315434557476795135644F4345595344784C5533494148426F2F623645787736622B7130716B78687A73794F78457970752F785A754C74706763396B69716C716F2F584E55396E74474E31336770366F44326769347741474B35474768724B744D502B776A41596F434A75765476757273626C667753446A6C38415574526D61737850535757536C506F697437384B6236506F416A435A67422B4547754677526348486E3068726E68436F6C30566D63796C74757055342F70425472496C35526D3463434B3447626A56524A55496D537A69715A467834774141714F7334534F4268456B6351476F7570712B6F416D712B4C4646684A59777A324A5748703751325A53766F6D396A34574B433765796E6C4F736336716B2F726F414234632B4F73484C5765634C4E4471464E69472F4A32314245594F417438646D614378787432515768456A566E5772737358724B76773954573632357637566567417A6876757468415661516F4F436452664B4D4D78376B4B684A484446446E6A75473945502B517668365153634F5448464757724A51574636496359694746686B41764F4733696431596459773849584678766B414574682F47634258515438456539684E70696E2F7764496670576B784F30645459737A2B516230564C3334524A6C6871474278396669767341414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a21b32-ec48-7348-8c35-da1a69c0f5c1', '01a21b32-ec24-778e-8726-1a47869d0e96', 1, 0, 'accepted', 'certain', '{"id":"job-01a21b32-ec48-7348-8c35-da1a69c0f5c1-1","data":{"task":{"id":"job-01a21b32-ec48-7348-8c35-da1a69c0f5c1-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-27T04:10:51.848Z', '2026-11-27T04:10:51.880Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a21b32-eca4-77e1-b77b-d47add98434f', '01a21b32-ec91-7665-95d8-0fefb9016bef', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-27T04:10:51.940Z', '2026-11-27T04:10:51.940Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a21b32-ed1e-76fa-8204-f96ad4e2c752', '01a21b32-ed1e-76fa-8204-f96917d59e2e', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-27T04:10:51.940Z', '2026-11-27T04:10:51.940Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a21b32-bf3c-77b9-a86e-3cd3f46749dc', '01a21b32-bf40-7130-916c-672663c7ef43', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'efd1711f47649bd4a204d4f78e03d3ab8753bf7f39a8ff86c6fceb25e2c6297f', NULL, '1399973681921687328', 'dc/01a21b32-bf3c-77b9-a86e-3cd3f46749dc-0-0-1.png', 'dc/01a21b32-bf3c-77b9-a86e-3cd3f46749dc-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T04:10:40.509Z', 'unknown', NULL, NULL);
INSERT INTO 'images' VALUES (2, '01a21b32-c04a-7286-b3e8-6eacc17f57b2', '01a21b32-c060-76e7-be8f-61bc61102960', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '1a8b2098dc511eafd651f46ec61bacc8365ecf2d2b80434c2c5916045d274828', NULL, '12078256044488716411', 'b2/01a21b32-c04a-7286-b3e8-6eacc17f57b2-0-0-1.png', 'b2/01a21b32-c04a-7286-b3e8-6eacc17f57b2-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-27T04:10:40.731Z', 'unknown', NULL, NULL);
INSERT INTO 'images' VALUES (3, '01a21b32-c110-750b-be20-38400f5756ac', '01a21b32-c13f-7343-902a-05606e6337b6', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3754, '2107c9eb16c2adad56e111bf1cc98ae8b6c9bd19e9854872fca5cd782283dd84', NULL, '1779339628748290732', 'ac/01a21b32-c110-750b-be20-38400f5756ac-0-0-1.png', 'ac/01a21b32-c110-750b-be20-38400f5756ac-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":112687277}', '2026-11-27T04:10:40.978Z', NULL, NULL, NULL);
INSERT INTO 'images' VALUES (4, '01a21b32-c110-750b-be20-38400f5756ac', '01a21b32-c13f-7343-902a-05606e6337b6', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3737, '1d9ee1f17312e5e57c409c1cd6faded85785cb1e716825552d05cb2557ce2afa', NULL, '2203769771287125631', 'ac/01a21b32-c110-750b-be20-38400f5756ac-0-1-1.png', 'ac/01a21b32-c110-750b-be20-38400f5756ac-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":112687278}', '2026-11-27T04:10:40.990Z', NULL, NULL, NULL);
INSERT INTO 'images' VALUES (6, '01a21b32-c293-7474-91d7-7b864af8098b', '01a21b32-c299-7737-b1c7-1848d6009c43', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'e961cff71e83ae9620fccaa18a15679568a13f8861bc9fc2073887fa0a9f73c4', NULL, '10006321511321610800', '8b/01a21b32-c293-7474-91d7-7b864af8098b-0-0-1.png', '8b/01a21b32-c293-7474-91d7-7b864af8098b-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-27T04:10:41.233Z', 'unknown', NULL, NULL);
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'a6/01a21b32-c22a-72e9-ada1-1169247bb9a6-0-0-1.png', 5, 2, '2026-11-27T04:10:56.565Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T04:10:41.164Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'a6/01a21b32-c22a-72e9-ada1-1169247bb9a6-0-0-1.thumb.webp', 5, 2, '2026-11-27T04:10:56.560Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-27T04:10:41.164Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a21b32-bf3c-77b9-a86e-3cd3f46749dc', 'image', '2026-11-27T04:10:40.509Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a21b32-bf3c-77b9-a86e-3cd3f46749dc', 'completed', '2026-11-27T04:10:40.509Z', '{}');
INSERT INTO 'events' VALUES (3, '01a21b32-c04a-7286-b3e8-6eacc17f57b2', 'image', '2026-11-27T04:10:40.731Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a21b32-c04a-7286-b3e8-6eacc17f57b2', 'completed', '2026-11-27T04:10:40.731Z', '{}');
INSERT INTO 'events' VALUES (5, '01a21b32-c110-750b-be20-38400f5756ac', 'image', '2026-11-27T04:10:40.978Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a21b32-c110-750b-be20-38400f5756ac', 'image', '2026-11-27T04:10:40.990Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a21b32-c110-750b-be20-38400f5756ac', 'completed', '2026-11-27T04:10:40.990Z', '{}');
INSERT INTO 'events' VALUES (8, '01a21b32-c22a-72e9-ada1-1169247bb9a6', 'image', '2026-11-27T04:10:41.098Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a21b32-c22a-72e9-ada1-1169247bb9a6', 'completed', '2026-11-27T04:10:41.098Z', '{}');
INSERT INTO 'events' VALUES (10, '01a21b32-c293-7474-91d7-7b864af8098b', 'image', '2026-11-27T04:10:41.233Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a21b32-c293-7474-91d7-7b864af8098b', 'completed', '2026-11-27T04:10:41.234Z', '{}');
INSERT INTO 'events' VALUES (12, '01a21b32-c314-7307-98d7-6fdd7e3c2c5c', 'failed', '2026-11-27T04:10:41.320Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a21b32-c387-76f9-afcb-b2c05db3cf88', 'cancelled', '2026-11-27T04:10:51.500Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795752640509, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795752640731, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795752640978, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795752640990, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795752641233, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995280, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995280, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995280, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
CREATE TABLE image_quarters (
            quarter INTEGER NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            operation TEXT NOT NULL,
            images INTEGER NOT NULL,
            PRIMARY KEY (quarter, provider_name, model_id, operation)
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'image_quarters' VALUES (1995280, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995280, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995280, 'demo', 'demo', 'generate', 2);
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
