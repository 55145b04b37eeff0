BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm025_settings', '2026-11-30 09:16:47.297682+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm026_webhooks', '2026-11-30 09:16:47.298281+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-30T09:16:47.510Z', '2026-11-30T09:16:47.510Z', 'gAAAAABrDT7_lCEIuUbi_i8-gTczBwLQs6hyhdv4Hk8_fnxyY5ChEimboKeuo8wOGlNhwmUiu5l4Qq_UKkF2AoND6HjvRcsBpPq5uvqVt59sR-bYQghRIXjZxB009XOA0gC9uoRzKQXj82bayvRw-1vvraS0BdlTIXZY4jRo1bDLqdahJcUKBcmcixGy-ujtCrK3RfubJwrqUC1Z-uaFyGPwC7QFpZPRO4NTSPFeHa3FTDIl1JcoSPo=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrDT7_0jqgZfyIYp9orkeeAopa_22eXICD7TB5WVB41e3Fa1fLPCcHFeZWVHI-iI3fidMLDKMja-z76fsVw55pLX8WT2Vs04wXpNiJxjna--9YcolooKwr8j3h7fxHE3-gmSAZPW5hu2kBGgakGurnmvDGcVkjfEp3PYWzkjCTw6AOJ8WZ4zctovOAGtKJA9R2XyTn', '', NULL, NULL, NULL, NULL, '{}', '2026-11-30T09:16:47.503Z', '2026-11-30T09:16:47.503Z', NULL);
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
) STRICT;
INSERT INTO 'tasks' VALUES (1, '01a22bbe-161c-7107-9c55-875d7222af7a', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T09:16:47.518Z', '2026-11-30T09:16:47.521Z', '2026-11-30T09:16:47.678Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a22bbe-16ed-7186-9e4d-1224ea61dd27', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T09:16:47.726Z', '2026-11-30T09:16:47.729Z', '2026-11-30T09:16:47.827Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a22bbe-1775-71bc-b8fc-43870f1ac958', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T09:16:47.861Z', '2026-11-30T09:16:47.866Z', '2026-11-30T09:16:48.108Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a22bbe-1889-75dc-ae48-23cebf08b9f5', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T09:16:48.137Z', '2026-11-30T09:16:48.149Z', '2026-11-30T09:16:48.184Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a22bbe-19b3-705c-bac0-4593c7e41b95', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T09:16:48.435Z', '2026-11-30T09:16:48.436Z', '2026-11-30T09:16:48.465Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a22bbe-19ff-74a9-9ff5-14043fd8b3e0', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-30T09:16:48.511Z', '2026-11-30T09:16:48.522Z', '2026-11-30T09:16:48.542Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a22bbe-1a3c-77ca-a30e-b7fcb99310e5', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a22bbe-19ff-74a9-9ff5-14043fd8b3e0', '2026-11-30T09:16:48.572Z', '2026-11-30T09:16:48.579Z', '2026-11-30T09:16:58.592Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a22bbe-418c-75c6-b1d4-20fdeec9bca2', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-30T09:17:03.652Z', NULL, 1, NULL, '2026-11-30T09:16:58.636Z', '2026-11-30T09:16:58.642Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a22bbe-41b2-7446-96b3-9868408ad755', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22bbe-1552-75fb-b681-47607bfbe01a', 1, NULL, '2026-11-30T09:16:58.674Z', '2026-11-30T09:16:58.675Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a22bbe-41d0-73a4-8f4a-81a21bf9fa26', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22bbe-1552-75fb-b681-47607bfbe01a', 1, NULL, '2026-11-30T09:16:58.704Z', '2026-11-30T09:16:58.708Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a22bbe-41ec-71e8-9857-530414770304', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrDT8Kps9GbRbokiKzxItlNK22YrCJhJIn-rIPXsglyUZFUabGbd1a5UDLTQX-Z2BOqKpjWglpG6EoCl7AqYehDMg9X1WKP7Cz8olpyiSVSCCvGRbihj9jwUdAGzJUVc2ncOv86C9LRj9T-N459hX71HInKNgjjiQ1eXvkDRzrQcce2kPwVLkvF1U7ROTgn_yU_iSvGJnCCFO-JSb4aYE5X-HMEGiqLLVZ0LJN8zY322WM8FO24-UZvDBrZS_u4x22eBfc46iVoa9eiw0N7fh-DKasa49z-DlFz4gyq5PTGHKPddMUzvk9ONhdnrnnSnZZklly3nCn5WKBUgDzN7hpV90wNWsd5Hlm_3ntKdUoQQF0T64=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T09:16:58.732Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a22bbe-4208-73fc-a1f2-ddab194da092', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a22bbe-4208-73fc-a1f2-ddab194da092/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35","image_id":null},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T09:16:58.765Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a22bbe-4212-7092-a91a-6c8834e54556', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T09:16:58.770Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a22bbe-423a-74d0-a788-8919c1370f03', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22bbe-1552-75fb-b681-47607bfbe01a', 1, NULL, '2026-11-30T09:16:58.704Z', '2026-11-30T09:16:58.708Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a22bbe-423a-74d0-a788-891b82f35bd4', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-30T09:16:58.770Z', NULL, 0, NULL, '2026-11-30T09:16:58.770Z', NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a22bbe-1775-71bc-b8fc-43870f1ac958', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a22bbe-1624-748a-a551-5d9012448616', '01a22bbe-161c-7107-9c55-875d7222af7a', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T09:16:47.524Z', '2026-11-30T09:16:47.678Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a22bbe-16f7-77b9-864f-3987704d053c', '01a22bbe-16ed-7186-9e4d-1224ea61dd27', 1, 0, 'stored', 'certain', '{"id":"job-01a22bbe-16f7-77b9-864f-3987704d053c-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-30T09:16:47.735Z', '2026-11-30T09:16:47.827Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a22bbe-177e-74ef-a9d4-c7e2192a65b5', '01a22bbe-1775-71bc-b8fc-43870f1ac958', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T09:16:47.870Z', '2026-11-30T09:16:48.108Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a22bbe-189e-74e3-9c2a-4dd4e272f963', '01a22bbe-1889-75dc-ae48-23cebf08b9f5', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T09:16:48.158Z', '2026-11-30T09:16:48.184Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a22bbe-19b7-774b-8f30-97e4e601df2e', '01a22bbe-19b3-705c-bac0-4593c7e41b95', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T09:16:48.439Z', '2026-11-30T09:16:48.465Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a22bbe-1a10-775f-945b-35e249b02c07', '01a22bbe-19ff-74a9-9ff5-14043fd8b3e0', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-30T09:16:48.528Z', '2026-11-30T09:16:48.542Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a22bbe-1a48-747b-a696-435a1aa1fe13', '01a22bbe-1a3c-77ca-a30e-b7fcb99310e5', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-30T09:16:48.584Z', '2026-11-30T09:16:58.591Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a22bbe-4195-74da-95a4-62b5eb81a342', '01a22bbe-418c-75c6-b1d4-20fdeec9bca2', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}},"stored":[]}', NULL, '2026-11-30T09:16:58.645Z', '2026-11-30T09:16:58.650Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572B3267517A622B556853754872564C76592B7A6C6A386C67334347345332713439616436364546416A584A7464556B4C42316432794A4138726E3762525244392B7A4B5A5443477A4B6E534D636E384D6B544E526B6471524F79506C4236664365687A33496B5A4E6A347A4E54754D725764796677784B4661352F6E36797A4541454C646664774A30304D7744305678585448746C55546C4F4442507669774D596839784349586A44655A6D57354E574C49737550524F7A652F376D63624A4E6744576F6D6D4D6C356D6D61576767344D795971326D3557716336696D68617978444F4C58364E36764C45635A306E543136697868306A776376683856467351552F5A704F47723049626855314232705079437965334C786351334943524C64416833533571556D7A45596547487044537768766734774E2B6257504C6E7A6D65614B574D526E33345076486C4B4B6736504F41707433554E554B655230686A76576364437662387744653233695136355259763566577961585A7372497A65674D784F6276626A4938412F636268534E72645A63704B48716D34384372337755564A546646424C6B584463344D6B53644D785870375363347A35496A4A64556F37697646435471776F316C7568635137775674376161344C536348772F51753235612B414D653668307330763370414B42767741315330353471383837346B576170692F766848344F6F596E4E654473516D3876792F6F756F2F344A65504A5167626964794143523539616369714465566F6D53454E672F6D4673724D2F4F6D485141524A46714D53315848766D2F4661556F4464414D57326459734B534161626B5A3769414E6A57634B48385949517A4B4A724E7074712B446B3363694B4270636B4455715861303768674F5A6F3047714D4C754C596E46457876635633355177475865433358337147574F78334C596D2B5632727062644237786D704558646E482F59476B686F74596874514A46304447716E597836774D6C55716E7355506C6B695462634E2B422F72772B5958645755726B42792B386F646A6531663966554F4968783746316E7A3672427A59592F5A6652554F685971304744574D596130454C793856753047767149444A4A53684862497574454E384E56444B666C4C36726C526F5179476E535147504C332B38416B326C47774A59393656715A6946456269596334734E54476C3637554E783030612F3239694D46576954585838473039734F5557307566585A4F5858467852574B61376E385059656339527754396A592B52707943347967344E5267616431497574687949464756616572666264307839664B2B54797A69764A54427061476368616349326864667A536F4C4F432F6D726D3538622F4450617A43744A79596371554D4F47703553394F5061416B58574B4D7A6C4838424C6647565057692F5A723243705849665372437677344476484A56715042324448496E4C3636626E5261396A3345616871756B6261475035614152454C355644417547774933637330644C6C593071664B584F6859664F4C77474F6D673937326A4B474D557650615231393341524C4B61753336677732614D66736768545536565A7949557A4B54634552584838536E7A626B487736516B3876363659576D5157446A78725063496C7A444E55544F6A7A67624856532F70586C4B324E4E487949496A50724459702F4876745A674A565A74384870567537786D57697862793056792B727A776830614A766E714D49686D614745355A684E52314E636F616F58674E4A68427056496739372F4D6D54365634684B75583953633271376B467A6878465A2B543461374F5072746F454D322F6C495572683631533732507335592F4A594E7768754574717550576E65756842514931796258564A4377645864736951504B352B323055512F6673796D557768737970306A484A2F444A457A555A48616B54736A3551656E776E6F6339794A4754592B4D7A55376A4B316E636E384D5368577566352B7373784142433358335761302F4E554141414D62535552425648696341524144372F7741596D646470464832494A757055382B712B6572537631363044535A366664575358366C34306C393076697141356255554E436C42616E7935373058624E6F6F4D41427647667878346E7347503748305A6361386379325639634F7A594862454D76767273616361516F312F4C4A4965734B6577336E3268304679792B6B4345344C5142576A634F56516A4D6570696C6D563230796A30424172303749662F50737733694941523934694A7459477234424F444A73396852394230345858302B51474467414E4C46516A45363363717A3948443946732B626437644A6B34576177574C443457453275693841444C35634E4C77504B416C746830435153686574704568394D41504E6E6F6C6C496A4B723430353533566B304F4A70446C4F636E44374E6151556672394C4349623054584F42334836674436797A5553797872776E6B3347356F67416F7667494E676769746D7A476674364437536F556F48427A362F683370675763347A30367A514A68482B4243524F4F44624F7070566B446E39524952427A754941385941492F4F67413246526E466C4139725257614F6D5A4A71736F6C7232686B6C355345773765754A6E6763447333522B753046586B744F6A654D5263585574414C667379313675716D374A576E6C374A49594E4B4844715A5A4C3474754E4463536677564E546435712B38696E67796F304B5053353179384377336631363250514172374F4D6B7444766C316E35676635546B424232657A46376A7837536E4F584C626C7A6B375730384D68333536487234652F755138335650706F32306F4752344151755878634E48414C6D6C6245426433574B4B53793335412F375774517333746D67326E702B4F53364C7A354269644A4E6C5651434730544D4F455530576957414F644F4C554534796C6F4C78706C6269436B423568516D34574F637A4A716839646E5556724F6E2B4C55354939454A376B38566775636662474A333656614872674336584D70767A666431755354665A445837537469672B46746650724946716E693044536B716B626D6C3038474A5543566D5352672F77736557356969674A6D49416952364A424F74516C582F4B5537484D734A4C5355665941555A476A594E476A6E624B6B63565779515371794F775271365669545A2B6178532B38384F65445541424E58544D6241476B6B414146577038504B5A386C4853464B7A2F332F30772B764D334C52485164682F43793932695630546738742B33734B525A6E4F3852486744714D763547384C6A5955544B397232354B502F684C6A374F432F6678572B2F357778794971343441754E38754D3969512F793471383772346B4A73506B694E4D415577326C4B794A7230454F634C7A56567131412B79517877506C6C4F65336966314766383256397754466E6B58776D37304237735A567675484E5A4B32702F4C624B4B43346750674B344D41414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a22bbe-41b8-760c-8b4b-3f5becc274c8', '01a22bbe-41b2-7446-96b3-9868408ad755', 1, 0, 'accepted', 'certain', '{"id":"job-01a22bbe-41b8-760c-8b4b-3f5becc274c8-1","data":{"task":{"id":"job-01a22bbe-41b8-760c-8b4b-3f5becc274c8-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-30T09:16:58.680Z', '2026-11-30T09:16:58.685Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a22bbe-41dd-7040-880d-296069e0202b', '01a22bbe-41d0-73a4-8f4a-81a21bf9fa26', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-30T09:16:58.717Z', '2026-11-30T09:16:58.717Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a22bbe-423a-74d0-a788-891a3179bfe7', '01a22bbe-423a-74d0-a788-8919c1370f03', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-30T09:16:58.717Z', '2026-11-30T09:16:58.717Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a22bbe-161c-7107-9c55-875d7222af7a', '01a22bbe-1624-748a-a551-5d9012448616', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '9d42c1553f21b1965dc3f197d1f46d32b85083f3253fc895e87bbd5e938e6946', NULL, '2100622794165091690', '7a/01a22bbe-161c-7107-9c55-875d7222af7a-0-0-1.png', '7a/01a22bbe-161c-7107-9c55-875d7222af7a-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T09:16:47.678Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a22bbe-16ed-7186-9e4d-1224ea61dd27', '01a22bbe-16f7-77b9-864f-3987704d053c', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '1f995706420c0154152323869f7d46dad01d507b127f1ca83cfa42ad6ef34c37', NULL, '8189804091887709597', '27/01a22bbe-16ed-7186-9e4d-1224ea61dd27-0-0-1.png', '27/01a22bbe-16ed-7186-9e4d-1224ea61dd27-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T09:16:47.827Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a22bbe-1775-71bc-b8fc-43870f1ac958', '01a22bbe-177e-74ef-a9d4-c7e2192a65b5', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3297, '0612f5a757d7af410973e0833d3c5faebe2712c79ccd73bcacdff816c2a0449e', NULL, '6104000891065595853', '58/01a22bbe-1775-71bc-b8fc-43870f1ac958-0-0-1.png', '58/01a22bbe-1775-71bc-b8fc-43870f1ac958-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":226680004}', '2026-11-30T09:16:48.094Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a22bbe-1775-71bc-b8fc-43870f1ac958', '01a22bbe-177e-74ef-a9d4-c7e2192a65b5', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 2986, '53a31ea65f975f5394b750c5d9e1eefdbb4af337fd1e5026ea1edb3012bab7c9', NULL, '18320697101059562373', '58/01a22bbe-1775-71bc-b8fc-43870f1ac958-0-1-1.png', '58/01a22bbe-1775-71bc-b8fc-43870f1ac958-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":226680005}', '2026-11-30T09:16:48.108Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a22bbe-19b3-705c-bac0-4593c7e41b95', '01a22bbe-19b7-774b-8f30-97e4e601df2e', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'f355b8c28367043fe2f2fc49cdce3e2f2dd4e5d54786eafd35cc35a92c86ecf4', NULL, '14576043043330598014', '95/01a22bbe-19b3-705c-bac0-4593c7e41b95-0-0-1.png', '95/01a22bbe-19b3-705c-bac0-4593c7e41b95-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-30T09:16:48.465Z', 'unknown', NULL, NULL, 0);
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'f5/01a22bbe-1889-75dc-ae48-23cebf08b9f5-0-0-1.png', 5, 2, '2026-11-30T09:17:03.912Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T09:16:48.431Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'f5/01a22bbe-1889-75dc-ae48-23cebf08b9f5-0-0-1.thumb.webp', 5, 2, '2026-11-30T09:17:03.912Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T09:16:48.431Z');
INSERT INTO 'outbox' VALUES (8, 'upload', '95/01a22bbe-19b3-705c-bac0-4593c7e41b95-0-0-1.png', 6, 2, '2026-11-30T09:17:07.908Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T09:16:52.691Z');
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
INSERT INTO 'events' VALUES (1, '01a22bbe-161c-7107-9c55-875d7222af7a', 'image', '2026-11-30T09:16:47.678Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a22bbe-161c-7107-9c55-875d7222af7a', 'completed', '2026-11-30T09:16:47.678Z', '{}');
INSERT INTO 'events' VALUES (3, '01a22bbe-16ed-7186-9e4d-1224ea61dd27', 'image', '2026-11-30T09:16:47.827Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a22bbe-16ed-7186-9e4d-1224ea61dd27', 'completed', '2026-11-30T09:16:47.827Z', '{}');
INSERT INTO 'events' VALUES (5, '01a22bbe-1775-71bc-b8fc-43870f1ac958', 'image', '2026-11-30T09:16:48.094Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a22bbe-1775-71bc-b8fc-43870f1ac958', 'image', '2026-11-30T09:16:48.108Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a22bbe-1775-71bc-b8fc-43870f1ac958', 'completed', '2026-11-30T09:16:48.108Z', '{}');
INSERT INTO 'events' VALUES (8, '01a22bbe-1889-75dc-ae48-23cebf08b9f5', 'image', '2026-11-30T09:16:48.184Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a22bbe-1889-75dc-ae48-23cebf08b9f5', 'completed', '2026-11-30T09:16:48.184Z', '{}');
INSERT INTO 'events' VALUES (10, '01a22bbe-19b3-705c-bac0-4593c7e41b95', 'image', '2026-11-30T09:16:48.465Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a22bbe-19b3-705c-bac0-4593c7e41b95', 'completed', '2026-11-30T09:16:48.465Z', '{}');
INSERT INTO 'events' VALUES (12, '01a22bbe-19ff-74a9-9ff5-14043fd8b3e0', 'failed', '2026-11-30T09:16:48.542Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a22bbe-1a3c-77ca-a30e-b7fcb99310e5', 'cancelled', '2026-11-30T09:16:58.592Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1796030207678, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1796030207827, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1796030208094, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1796030208108, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1796030208465, 'waits for its upload');
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
) STRICT, WITHOUT ROWID;
INSERT INTO 'usage_totals' VALUES (1995589, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995589, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995589, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
INSERT INTO 'image_quarters' VALUES (1995589, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995589, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995589, 'demo', 'demo', 'generate', 2);
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
) STRICT;
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
CREATE INDEX tasks_ready ON tasks (provider_name, seq)
WHERE status = 'pending' AND not_before IS NULL;
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
COMMIT;
