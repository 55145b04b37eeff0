BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm025_settings', '2026-11-30 18:45:29.030551+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm026_webhooks', '2026-11-30 18:45:29.031123+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm027_batches', '2026-11-30 18:45:29.033897+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm028_batch_jobs', '2026-11-30 18:45:29.034190+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm029_open_batch_jobs', '2026-11-30 18:45:29.040567+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm030_trash', '2026-11-30 18:45:29.040949+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm031_failed_usage', '2026-11-30 18:45:29.041628+00:00');
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
    updated_at TEXT,
    sealed_extra TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-30T18:45:30.182Z', '2026-11-30T18:45:30.182Z', 'gAAAAABrDcRKXogW8mjzIuFtiQKCyzt55uHP-RbdVej3n_p8MxuKmzV5gNEtZDP7ZZC_upAuHos8YkufZKcFwOa9qLkiKmU5KMpR9kvcouvrPhx2pS3ajdoqMadCAAvVuByzo1A_mNXADB15xbDrswQmqtH4Y-hEf4044-QXOwyXFIHdpdwkPZfN7DeuwYALWmBOHNwPIJI2QM0wPAhFXyCzoUTiWo-BEex1c5DZlnKjGyuJXy7LSok=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrDcRKh8wjEBExYfahs0_NzSDVMEm3T_U6se_95xlD-R6GZkqfUfkdWqIuCxmpFxvc4shU469JLRZT50umMzWF9uPujHQWMMPANHeIU6Od-OkpAW2NDmcwRI9fvqbfs7WNcyc7P0Jndv5W_bTirXj3WPI-EvDKEiXxSXzGwPMoug4AGj5Nzkv9ryzCq7zgFCdCF7Ja', '', NULL, NULL, NULL, NULL, '{}', '2026-11-30T18:45:30.076Z', '2026-11-30T18:45:30.076Z', NULL);
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
    completed_at TEXT,
    locked INTEGER NOT NULL DEFAULT 0
, batch_id TEXT, batch_item INTEGER, quote_ticks INTEGER, claim_order INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO 'tasks' VALUES (1, '01a22dc6-c1d1-754f-be98-a67f2e01dcb8', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:45:30.195Z', '2026-11-30T18:45:30.197Z', '2026-11-30T18:45:30.621Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (2, '01a22dc6-c42c-769d-8d1a-972fd2edbe48', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:45:30.796Z', '2026-11-30T18:45:30.805Z', '2026-11-30T18:45:30.889Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (3, '01a22dc6-c4ad-70e7-9bf6-cc7a951193bf', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:45:30.926Z', '2026-11-30T18:45:30.929Z', '2026-11-30T18:45:31.914Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (4, '01a22dc6-c907-72e2-99f2-5406599dc0bb', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:45:32.039Z', '2026-11-30T18:45:32.048Z', '2026-11-30T18:45:32.152Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (5, '01a22dc6-caf0-7043-a780-a640bbba7215', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:45:32.528Z', '2026-11-30T18:45:32.529Z', '2026-11-30T18:45:32.542Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (6, '01a22dc6-cb10-7660-a474-efcda5be9277', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-30T18:45:32.560Z', '2026-11-30T18:45:32.562Z', '2026-11-30T18:45:32.568Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (7, '01a22dc6-cb30-7231-8119-b53c9e5eadba', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a22dc6-cb10-7660-a474-efcda5be9277', '2026-11-30T18:45:32.592Z', '2026-11-30T18:45:32.598Z', '2026-11-30T18:45:42.604Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (8, '01a22dc6-f269-762a-a8ef-984a2c8fdad6', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-30T18:45:47.647Z', NULL, 1, NULL, '2026-11-30T18:45:42.633Z', '2026-11-30T18:45:42.634Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a22dc6-f285-73ac-aab8-3adf6df71119', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22dc6-bdcf-7149-ab01-69db89752bb7', 1, NULL, '2026-11-30T18:45:42.662Z', '2026-11-30T18:45:42.663Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a22dc6-f2a0-7079-b907-2e6daea98a9e', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22dc6-bdcf-7149-ab01-69db89752bb7', 1, NULL, '2026-11-30T18:45:42.688Z', '2026-11-30T18:45:42.690Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a22dc6-f2bb-71e5-86d2-ea9ccf67f87d', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrDcRWGQpdvIml-FcquevHwoR-ORCsKzl7QmynNVoSjCIDTL_VMDA9Jbbe3omGbe2ZZg-vgmp60sOiqorxfBJZ1k7tHFgzxOlneAUjbkCcV_5fEYJf2G7WenHAoFR4GuuiPLgBt-a6AfGo_09ZkhhBVpBa0sNfpUfc-VXq30biiPepIIRNRrpcNPKG8f8mCj-zX6T8OXwpluVfeyvjUL3CjFnKjetTpYDcL7smRRgFUDlGsb7qz8kVBpLMUu0c-MrIE1kql7egspKXGVSxfnAr7fVCoj2aoO-JjP_RGsJpjSoDpDspwAILiAJoB3USi5hB3yPOug09BBFIF5ZyMR_kJKxhL_-UQCuKkuizx_a6IYdk2XI=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T18:45:42.716Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a22dc6-f2c7-723c-a895-74fb780c0774', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a22dc6-f2c7-723c-a895-74fb780c0774/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35","image_id":null},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T18:45:42.729Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a22dc6-f2cb-70a2-92ae-b7544521c79d', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T18:45:42.731Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a22dc6-f2e4-7662-a542-16ee2628f971', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22dc6-bdcf-7149-ab01-69db89752bb7', 1, NULL, '2026-11-30T18:45:42.688Z', '2026-11-30T18:45:42.690Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a22dc6-f2e4-7662-a542-16f0e9bc2f26', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-30T18:45:42.731Z', NULL, 0, NULL, '2026-11-30T18:45:42.731Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
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
    expires_at TEXT NOT NULL,
    answered_at TEXT,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a22dc6-c4ad-70e7-9bf6-cc7a951193bf', '2999-01-01T00:00:00.000Z', NULL);
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
    updated_at TEXT NOT NULL,
    config TEXT,
    sealed_config TEXT,
    response_name TEXT,
    response BLOB,
    price TEXT,
    cost_basis TEXT,
    cost_currency TEXT,
    cost_ticks INTEGER
) STRICT;
INSERT INTO 'attempts' VALUES (1, '01a22dc6-c1da-712f-a868-40ea3b2b80f3', '01a22dc6-c1d1-754f-be98-a67f2e01dcb8', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T18:45:30.202Z', '2026-11-30T18:45:30.621Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a22dc6-c43a-7029-bbcc-74775fad538b', '01a22dc6-c42c-769d-8d1a-972fd2edbe48', 1, 0, 'stored', 'certain', '{"id":"job-01a22dc6-c43a-7029-bbcc-74775fad538b-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-30T18:45:30.810Z', '2026-11-30T18:45:30.889Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a22dc6-c4b7-74e4-b330-05aa6a932894', '01a22dc6-c4ad-70e7-9bf6-cc7a951193bf', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T18:45:30.935Z', '2026-11-30T18:45:31.914Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a22dc6-c956-75ab-8a77-5d3fac7a0c5b', '01a22dc6-c907-72e2-99f2-5406599dc0bb', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T18:45:32.118Z', '2026-11-30T18:45:32.152Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a22dc6-caf5-7056-93e7-b08b7cfff0ef', '01a22dc6-caf0-7043-a780-a640bbba7215', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T18:45:32.533Z', '2026-11-30T18:45:32.542Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a22dc6-cb15-7760-9c3f-b224937df7c4', '01a22dc6-cb10-7660-a474-efcda5be9277', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-30T18:45:32.565Z', '2026-11-30T18:45:32.568Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a22dc6-cb39-7110-a4e8-dacd779fa263', '01a22dc6-cb30-7231-8119-b53c9e5eadba', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-30T18:45:32.601Z', '2026-11-30T18:45:42.603Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a22dc6-f26e-7337-9927-1e1cb511f9d3', '01a22dc6-f269-762a-a8ef-984a2c8fdad6', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}},"stored":[]}', NULL, '2026-11-30T18:45:42.638Z', '2026-11-30T18:45:42.643Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572F515A594C4168384D3857556C674D394133363572623645417A6E52442F79626259665535316C724C574C6964335A64705758692F7148704363706C37643070735833685A4C68554E7667776F446959675633672F6B5A47304B514E66434B4C4238626341694D6B30516D4933536D58367258654E63516A6B6934515946374644697A4C6C546F62577A4E7275686555787469776B394A66555566722F424F5867746C2B66375675456C73712B5A364476797977546E554152374F344D586A4B786F4D69574B7075305672424B6D3456362F787542554D425059472F654578535570374472396B656D6A56555A7049482B2F556B30444A4165533974794354362B4945776A744953523231524A6D77426736354B6964766A79687378775730444B3679794661786F4C6D686E63726C6B384D637A65766F6E5464716732662F6938557876334E72514C614B76333645342F754E6E4535526B7A42327551786F42534D41456E693150364D71357836363178417579487731654F485242742B6D6F6C6345592B56587A7777674F3432345977454C6C635A74573765447674775071664E5735314E426976764A46376849443039664235566739485657645435784855764742486C68454B4E50612F52433778422F714668327854482B6351487A50465A5878525171434B6E5855727734636E51724B7949496B596E4C723149707653663232487569504B4D465549595A6842744E36382F6A3564754D43336E455653676A566D78314A34564A51575A6D6D63323239485736355A6D43716B496A64615A3936643233512B657144446E654A72724B3666724B496E4257474C504F344F68314D35534539754E6E624A6A654F52674373324B2B43494E3442375A624B6D7978645A7854586E72545049565A3271355074772F5269384C4247596B77346443432F4D426977486C54585648727869596C58636F6F76734E4B5A356970416453486978395354726877572F6D44385163427575414B57522B476A7A55546E6338614F4B625078757261674D51746455773652547531626D7A6C2B556C374966393533644A304C643167704974556263505274562F707A3241506C6942424F4C2F694F64312F4A5A6E634F67762B744C6C6F3733744C767A5039445932336A6576764A736D4F7833566A4953597857696A6F6564653451576E6E64774D443843345A2F336A6E2F4E47704C6D50373272524731787176447558316547324A4771577956444C466267644B7A597A396A5959704E4A6C5772563357423964536C583335724B307051795A5855723356556365632F455647646B484D584D7351344C67533750717562683141727954527331576F2B3941437431354234364A776E7052584462474B6A7734687A6955736D34616D335543524677384E4E504C72376158736157614A4765496F3177325268696D4967466C546F4773322B4F466241594D44444651574D7249394C45686676304A504A507A336D6645546F3432734C79556B74674373795634666E367A5133366A4C30526A485168576C424E4D767339785679627364564E356D78383536542F576A6F745A5934556F3854365666452B2F515278667374786C64577078427A74414478756C593578736467306B3056724E3146547A684C6A7678573866536830514E5A6A5056794E47594E625333734E45384557507430436356686C73677343743164653070386E7556494B766E7068454A344759343035436B77424D6E65796D634849516F704562333375454F3334612F65474D6E524F572F675562442B7631657438366C4C54534A2F4C75457954576D71695374524A4D397774416771787655305758304757437749664450466C4A594450514E2B7561322B68414D3530512F386D323248314F645A61793169346E64325861566C3476366836516E4B5A6533644B62463934575334564462344D4B41346D494664345035475274436B44587769697766473341496A4A4E454A694E30706C2B7131336A584549354975454742657851347379355531484A7175344141414D62535552425648696341524144372F7741614F6539566D4B643970334E746251524453696A50414C7459395063775A304550597A6752677561794C6A5970695578585A477A32627645712B4C71516E4633414F69502F6F504F32316A2B78366A5A7638766C2F62674149334B426B31384A6D634650647751374B5838686C39313338656B32624E6F7358775968433955743341416865735571554C78766E47317A7946543957637736423541556939564178333538694D524831456261503447725A3454475A6447697A6B6C4A493564464C724D41576D56446A7373694B627074742B53507236476C51786F5544464E705742487664594171725252504B63624F5741597A516D354C485A73574157334C54724F41414D3955483177744139386771474D536E4431383878793636742F4A327A345A734E7369546C7350466C6A4E61446753314F6C724C565331314E6858733178636867445257564B6266636A3264766C54577156413639732F594C78644249334E56356A4A58714F6A523645685646744C3557503369597639384E39443830626C64654541492B783044386D38675430432F346F6748384D4A316E6738466A54594B676D665344516A594E32423577354E543142374673344E554F593544616D6C4966357641414272624C69587641333569795570497749485537735A504133556446746634533478446C4D564A304B584B6B4D6A2B49644D49763376656B596C527237693377416341795377586662576E576F4B734B424A3177706F4B6D33562B38504637784D5948686E4133356558304B3955556B684A3463326B7271364B7568664F356A6F41537047366D7441713157356E575537547247595444694E5249364B4E71646968336A496D6962756B5A6E62656442766142377349757670304F4C356B754C6956414544416966434C4657333965486D686E68724E7837492F62327166775375704165727A716B4E384D4F4344773468762B79714B73645353434C4A684F73394A2F51446D745A325553683742714C6B7633484C396B3058563169676D435059727270435A397A7A6164554D357839736734794F765769556A7876474C6F70537241304941582B617443526D736F7050345541706B586B496E514372726554686B4B4648417A6238764B4D716864343549386162466E422B70525A7452565A55375231325341463573306C5978787350646D592B61734F302B31437A302B666334577855566E634441736344344E656876525A49576670375061556357342F472F646B6B7A496741433433596C4F4C44762B3441436B6C4E7A384563355279372F376C56795A4C4A646C43594E4D5A33364B53676A747172705170353458597A37377379536F556F4148357439524379476F4C57385864384B616A6F4A72792F6C58506E67795A3435342B7143674C395A2F5453307868777876464243577061517171616E785552395377463836692B7664515141414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a22dc6-f28a-7303-a93d-313895397cca', '01a22dc6-f285-73ac-aab8-3adf6df71119', 1, 0, 'accepted', 'certain', '{"id":"job-01a22dc6-f28a-7303-a93d-313895397cca-1","data":{"task":{"id":"job-01a22dc6-f28a-7303-a93d-313895397cca-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-30T18:45:42.666Z', '2026-11-30T18:45:42.670Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a22dc6-f2a4-77c6-944c-0ef4db3976a8', '01a22dc6-f2a0-7079-b907-2e6daea98a9e', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-30T18:45:42.692Z', '2026-11-30T18:45:42.692Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a22dc6-f2e4-7662-a542-16efa305ac7f', '01a22dc6-f2e4-7662-a542-16ee2628f971', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-30T18:45:42.692Z', '2026-11-30T18:45:42.692Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
    cost_basis TEXT,
    cost_currency TEXT,
    cost_ticks INTEGER,
    favourite INTEGER NOT NULL DEFAULT 0,
    UNIQUE (attempt_id, position)
) STRICT;
INSERT INTO 'images' VALUES (1, '01a22dc6-c1d1-754f-be98-a67f2e01dcb8', '01a22dc6-c1da-712f-a868-40ea3b2b80f3', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '778ebc764bdaf340e606c0d6019b0d213d675942681786df9b9507e064ca7cc8', NULL, '929428102143074278', 'b8/01a22dc6-c1d1-754f-be98-a67f2e01dcb8-0-0-1.png', 'b8/01a22dc6-c1d1-754f-be98-a67f2e01dcb8-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T18:45:30.621Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a22dc6-c42c-769d-8d1a-972fd2edbe48', '01a22dc6-c43a-7029-bbcc-74775fad538b', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'b1cb0a1cea63f7a4746714156b13b7c62c02f777466b2defbcaa0d5fe0225871', NULL, '14485717324163867885', '48/01a22dc6-c42c-769d-8d1a-972fd2edbe48-0-0-1.png', '48/01a22dc6-c42c-769d-8d1a-972fd2edbe48-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T18:45:30.889Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a22dc6-c4ad-70e7-9bf6-cc7a951193bf', '01a22dc6-c4b7-74e4-b330-05aa6a932894', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3470, '5fc4dea418a66f1188057630c770ec4fd48f7c4f618833b8c27f0a54c2031a26', NULL, '18142647239065002415', 'bf/01a22dc6-c4ad-70e7-9bf6-cc7a951193bf-0-0-1.png', 'bf/01a22dc6-c4ad-70e7-9bf6-cc7a951193bf-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":943869930}', '2026-11-30T18:45:31.867Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a22dc6-c4ad-70e7-9bf6-cc7a951193bf', '01a22dc6-c4b7-74e4-b330-05aa6a932894', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3195, 'a97e07a52d5eafb2c452c87d56687e81d40500687bf45410692b65f64f91ef41', NULL, '4131144092876616085', 'bf/01a22dc6-c4ad-70e7-9bf6-cc7a951193bf-0-1-1.png', 'bf/01a22dc6-c4ad-70e7-9bf6-cc7a951193bf-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":943869931}', '2026-11-30T18:45:31.914Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a22dc6-caf0-7043-a780-a640bbba7215', '01a22dc6-caf5-7056-93e7-b08b7cfff0ef', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '218d075aac460569905e95bad42880f2477dbc72a4ef2fd8cf5bd8738f8e5ee4', NULL, '15214916747673820742', '15/01a22dc6-caf0-7043-a780-a640bbba7215-0-0-1.png', '15/01a22dc6-caf0-7043-a780-a640bbba7215-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-30T18:45:32.542Z', 'unknown', NULL, NULL, 0);
DELETE FROM sqlite_sequence;
INSERT INTO 'sqlite_sequence' VALUES ('search_generations', 1);
INSERT INTO 'sqlite_sequence' VALUES ('webhook_deliveries', 0);
INSERT INTO 'sqlite_sequence' VALUES ('images', 6);
INSERT INTO 'sqlite_sequence' VALUES ('events', 13);
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
) STRICT;
INSERT INTO 'outbox' VALUES (6, 'remove', 'bb/01a22dc6-c907-72e2-99f2-5406599dc0bb-0-0-1.png', 5, 2, '2026-11-30T18:45:47.944Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T18:45:32.524Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'bb/01a22dc6-c907-72e2-99f2-5406599dc0bb-0-0-1.thumb.webp', 5, 2, '2026-11-30T18:45:47.945Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T18:45:32.524Z');
INSERT INTO 'outbox' VALUES (8, 'upload', '15/01a22dc6-caf0-7043-a780-a640bbba7215-0-0-1.png', 6, 2, '2026-11-30T18:45:50.358Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T18:45:35.152Z');
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
INSERT INTO 'events' VALUES (1, '01a22dc6-c1d1-754f-be98-a67f2e01dcb8', 'image', '2026-11-30T18:45:30.621Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a22dc6-c1d1-754f-be98-a67f2e01dcb8', 'completed', '2026-11-30T18:45:30.621Z', '{}');
INSERT INTO 'events' VALUES (3, '01a22dc6-c42c-769d-8d1a-972fd2edbe48', 'image', '2026-11-30T18:45:30.889Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a22dc6-c42c-769d-8d1a-972fd2edbe48', 'completed', '2026-11-30T18:45:30.889Z', '{}');
INSERT INTO 'events' VALUES (5, '01a22dc6-c4ad-70e7-9bf6-cc7a951193bf', 'image', '2026-11-30T18:45:31.867Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a22dc6-c4ad-70e7-9bf6-cc7a951193bf', 'image', '2026-11-30T18:45:31.914Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a22dc6-c4ad-70e7-9bf6-cc7a951193bf', 'completed', '2026-11-30T18:45:31.914Z', '{}');
INSERT INTO 'events' VALUES (8, '01a22dc6-c907-72e2-99f2-5406599dc0bb', 'image', '2026-11-30T18:45:32.152Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a22dc6-c907-72e2-99f2-5406599dc0bb', 'completed', '2026-11-30T18:45:32.152Z', '{}');
INSERT INTO 'events' VALUES (10, '01a22dc6-caf0-7043-a780-a640bbba7215', 'image', '2026-11-30T18:45:32.542Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a22dc6-caf0-7043-a780-a640bbba7215', 'completed', '2026-11-30T18:45:32.542Z', '{}');
INSERT INTO 'events' VALUES (12, '01a22dc6-cb10-7660-a474-efcda5be9277', 'failed', '2026-11-30T18:45:32.568Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a22dc6-cb30-7231-8119-b53c9e5eadba', 'cancelled', '2026-11-30T18:45:42.604Z', '{"error":"cancelled"}');
CREATE TABLE instances (
    owner TEXT PRIMARY KEY,
    started_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE image_days (
    day INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL
) STRICT;
INSERT INTO 'image_days' VALUES (20787, 1, 6);
CREATE TABLE search_generations (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (state IN ('active', 'building', 'leaving')),
    folding TEXT,
    reached INTEGER NOT NULL DEFAULT 0,
    until INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO 'search_generations' VALUES (1, 'active', '1-da555a0fc9b6c794', 0, 0);
CREATE TABLE image_texts_1 (
    id INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, folded TEXT NOT NULL
) STRICT;
INSERT INTO 'image_texts_1' VALUES (1, 1796064330621, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1796064330889, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1796064331867, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1796064331914, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1796064332542, 'waits for its upload');
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
    possible INTEGER NOT NULL, failed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (quarter, provider_name, model_id, currency)
) STRICT, WITHOUT ROWID;
INSERT INTO 'usage_totals' VALUES (1995627, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0, 1);
INSERT INTO 'usage_totals' VALUES (1995627, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995627, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0, 0);
CREATE TABLE task_changes (
    change INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES tasks (seq) ON DELETE CASCADE
) STRICT;
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
) STRICT;
CREATE TABLE image_tags (
    image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (image_id, tag_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    images INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE collection_images (
    collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    PRIMARY KEY (collection_id, image_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE image_quarters (
    quarter INTEGER NOT NULL,
    provider_name TEXT NOT NULL,
    model_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    images INTEGER NOT NULL,
    PRIMARY KEY (quarter, provider_name, model_id, operation)
) STRICT, WITHOUT ROWID;
INSERT INTO 'image_quarters' VALUES (1995627, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995627, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995627, 'demo', 'demo', 'generate', 2);
CREATE TABLE image_lineage (
    parent_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    child_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (parent_id, child_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until TEXT,
    created_at TEXT NOT NULL,
    last_success_at TEXT,
    last_failure_at TEXT,
    failing_since TEXT,
    disabled_reason TEXT
) STRICT;
CREATE TABLE webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    task_id TEXT,
    webhook_id INTEGER,
    url TEXT,
    target TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at TEXT,
    claimed INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER,
    last_error TEXT,
    answer TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    delivered_at TEXT
, batch_id TEXT) STRICT;
CREATE TABLE batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    mode TEXT NOT NULL,
    size INTEGER NOT NULL,
    submitted INTEGER NOT NULL DEFAULT 0,
    retried_until INTEGER NOT NULL DEFAULT 0,
    concurrency INTEGER NOT NULL,
    on_failure TEXT NOT NULL,
    max_cost_currency TEXT,
    max_cost_ticks INTEGER,
    estimate TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'running',
    reason TEXT,
    detail TEXT,
    idempotency_key TEXT,
    body_digest TEXT,
    created_at TEXT NOT NULL,
    completed_at TEXT
) STRICT;
CREATE TABLE batch_plans (
    batch_id TEXT PRIMARY KEY REFERENCES batches (batch_id) ON DELETE CASCADE,
    plan TEXT NOT NULL
) STRICT;
CREATE TABLE batch_costs (
    batch_id TEXT NOT NULL REFERENCES batches (batch_id) ON DELETE CASCADE,
    basis TEXT NOT NULL,
    currency TEXT NOT NULL,
    ticks INTEGER NOT NULL,
    PRIMARY KEY (batch_id, basis, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE batch_jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    batch_id TEXT NOT NULL,
    provider_name TEXT NOT NULL,
    model_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    file TEXT,
    upstream_id TEXT,
    version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE trash (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id INTEGER NOT NULL UNIQUE,
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
    cost_basis TEXT,
    cost_currency TEXT,
    cost_ticks INTEGER,
    favourite INTEGER NOT NULL,
    tags TEXT NOT NULL,
    collections TEXT NOT NULL,
    trashed_at TEXT NOT NULL
) STRICT;
CREATE TABLE trash_lineage (
    parent_id INTEGER NOT NULL,
    child_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (parent_id, child_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_by_provider ON tasks (provider_name, seq);
CREATE INDEX tasks_by_provider_and_status ON tasks (provider_name, status, seq);
CREATE INDEX tasks_put_off ON tasks (not_before)
WHERE status = 'pending' AND not_before IS NOT NULL;
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
CREATE INDEX attempts_sealed ON attempts (attempt_id) WHERE sealed_config IS NOT NULL;
CREATE TRIGGER images_block_new AFTER INSERT ON images BEGIN
    INSERT INTO image_blocks (block, images) VALUES (new.id >> 10, 1)
    ON CONFLICT (block) DO UPDATE SET images = images + 1;
END;
CREATE TRIGGER images_block_gone AFTER DELETE ON images BEGIN
    UPDATE image_blocks SET images = images - 1 WHERE block = old.id >> 10;
END;
CREATE INDEX attempts_kept_responses ON attempts (updated_at)
WHERE response IS NOT NULL AND phase IN ('stored', 'failed');
CREATE TRIGGER tasks_change_new AFTER INSERT ON tasks BEGIN
    INSERT INTO task_changes (change, seq)
    SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE seq = new.seq
    ON CONFLICT (seq) DO UPDATE SET change = excluded.change;
END;
CREATE TRIGGER tasks_change AFTER UPDATE OF status, progress, cancel_requested ON tasks
BEGIN
    INSERT INTO task_changes (change, seq)
    SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE seq = new.seq
    ON CONFLICT (seq) DO UPDATE SET change = excluded.change;
END;
CREATE TRIGGER images_change AFTER INSERT ON images BEGIN
    INSERT INTO task_changes (change, seq)
    SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE task_id = new.task_id
    ON CONFLICT (seq) DO UPDATE SET change = excluded.change;
END;
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
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (target, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (webhook_id, status, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);
CREATE TRIGGER tasks_webhooks AFTER UPDATE OF status ON tasks
WHEN new.status IN ('completed', 'failed', 'cancelled') AND old.status <> new.status
BEGIN
    INSERT INTO webhook_deliveries (event_id, type, task_id, webhook_id, url, target, created_at, next_try_at)
    SELECT
        'evt_' || replace(new.task_id, '-', ''), 'task.' || new.status, new.task_id, receiver.id, receiver.url,
        coalesce(
            CAST(receiver.id AS TEXT),
            substr(receiver.url, 1, instr(substr(receiver.url, 9) || '/', '/') + 7)
        ),
        coalesce(new.completed_at, new.created_at), coalesce(new.completed_at, new.created_at)
    FROM (
        SELECT id, NULL AS url FROM webhooks WHERE enabled AND instr(events, '"task.' || new.status || '"') > 0
        UNION ALL
        SELECT NULL, json_extract(new.config_snapshot, '$.webhook_url')
        WHERE instr(new.config_snapshot, '"webhook_url"') > 0
            AND json_extract(new.config_snapshot, '$.webhook_url') IS NOT NULL
    ) AS receiver;
END;
CREATE UNIQUE INDEX batches_by_key ON batches (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX batches_by_status ON batches (status, seq);
CREATE INDEX batches_unfinished ON batches (seq) WHERE completed_at IS NULL;
CREATE INDEX tasks_by_batch ON tasks (batch_id, seq) WHERE batch_id IS NOT NULL;
CREATE INDEX tasks_of_items ON tasks (batch_id, status, seq) WHERE batch_item IS NOT NULL;
CREATE UNIQUE INDEX tasks_by_item ON tasks (batch_id, batch_item) WHERE batch_item IS NOT NULL;
CREATE INDEX tasks_ready ON tasks (provider_name, claim_order, seq) WHERE status = 'pending' AND not_before IS NULL;
CREATE TRIGGER tasks_batch AFTER UPDATE OF completed_at ON tasks
WHEN new.batch_id IS NOT NULL AND new.completed_at IS NOT NULL AND old.completed_at IS NULL
BEGIN
    INSERT INTO batch_costs (batch_id, basis, currency, ticks)
    SELECT new.batch_id, cost_basis, coalesce(cost_currency, ''), sum(coalesce(cost_ticks, 0)) FROM attempts
    WHERE task_id = new.task_id AND charge <> 'none' AND cost_basis IS NOT NULL
    GROUP BY cost_basis, cost_currency
    ON CONFLICT (batch_id, basis, currency) DO UPDATE SET ticks = min(ticks + excluded.ticks, 9000000000000000000);
    UPDATE batches SET status = 'paused', reason = 'failure'
    WHERE batch_id = new.batch_id AND status = 'running' AND on_failure = 'stop' AND new.status = 'failed';
    UPDATE batches SET
        status = CASE status WHEN 'cancelled' THEN status ELSE 'completed' END,
        reason = NULL, detail = NULL, completed_at = new.completed_at
    WHERE batch_id = new.batch_id AND completed_at IS NULL
        AND (status = 'cancelled' OR submitted = size AND NOT EXISTS (
            SELECT 1 FROM tasks INDEXED BY tasks_of_items
            WHERE batch_id = new.batch_id AND batch_item IS NOT NULL
                AND status = 'failed' AND seq <= retried_until
        ))
        AND NOT EXISTS (
            SELECT 1 FROM tasks INDEXED BY tasks_of_items
            WHERE batch_id = new.batch_id AND batch_item IS NOT NULL AND status IN ('pending', 'processing')
        );
END;
CREATE TRIGGER batches_webhooks AFTER UPDATE OF status ON batches
WHEN new.status = 'completed' AND old.status <> 'completed'
BEGIN
    INSERT INTO webhook_deliveries (event_id, type, batch_id, webhook_id, target, created_at, next_try_at)
    SELECT
        'evt_' || replace(new.batch_id, '-', '') || CASE new.retried_until
            WHEN 0 THEN '' ELSE '_' || new.retried_until
        END,
        'batch.completed', new.batch_id, id, CAST(id AS TEXT), new.completed_at, new.completed_at
    FROM webhooks WHERE enabled AND instr(events, '"batch.completed"') > 0;
END;
CREATE INDEX trash_by_age ON trash (trashed_at);
CREATE INDEX trash_lineage_by_child ON trash_lineage (child_id);
COMMIT;
