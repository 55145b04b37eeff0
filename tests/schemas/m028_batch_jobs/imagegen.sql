BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm025_settings', '2026-11-30 12:30:37.862060+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm026_webhooks', '2026-11-30 12:30:37.862516+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm027_batches', '2026-11-30 12:30:37.864923+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm028_batch_jobs', '2026-11-30 12:30:37.865177+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-30T12:30:37.994Z', '2026-11-30T12:30:37.994Z', 'gAAAAABrDWxtqFRz1I-0pC2io9Ky_KnMUFnDQQug-oCpDZw6wi0qWSKGejA0L1U85CFEVRZeViCElE0sjxv0Y0JxsS4uj0RusrTrJZ2J6E2ZmuhODJ1GaOxPdg_C4ExLBdLbfulvmzXbZCGFxVPOKyj37xV8B-o_ltebAaZpHsyPtxXxVZZl-9kX5x5lTS7DVTUcMY9OzxBFIzNp2v2idF00gThCzgc4cWOfbo3AxjHrMXwWRodXDkY=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrDWxtH2Nxb9_i2Bk9uAX0H2AORjruddsmMFZKvUoJcB9EufN6pCJ-50lAAV4IGINPrujvc-vFxsf6rJFnYb6WDwcBF1Laouz1jEseYfbb5Dita3hAnty6R5KXGNbzPknoH9bC-yFGgtcDlVKiP4ouPGthAzbn29XlIfB3pkqvntEPM50Xt3HQFeb6vADvA6k4h_1y', '', NULL, NULL, NULL, NULL, '{}', '2026-11-30T12:30:37.990Z', '2026-11-30T12:30:37.990Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a22c6f-8dad-72b6-a041-665d4768468f', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:30:37.998Z', '2026-11-30T12:30:37.999Z', '2026-11-30T12:30:38.103Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (2, '01a22c6f-8e22-7246-b14f-896abaecab70', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:30:38.114Z', '2026-11-30T12:30:38.121Z', '2026-11-30T12:30:38.185Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (3, '01a22c6f-8e6e-75ab-929a-4229c0b3ca10', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:30:38.190Z', '2026-11-30T12:30:38.193Z', '2026-11-30T12:30:38.232Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (4, '01a22c6f-8ea5-72e0-a5e2-e6ce31bcf405', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:30:38.245Z', '2026-11-30T12:30:38.246Z', '2026-11-30T12:30:38.253Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (5, '01a22c6f-908e-7563-acbd-5edabc04f84d', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:30:38.734Z', '2026-11-30T12:30:38.736Z', '2026-11-30T12:30:38.743Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (6, '01a22c6f-90a9-712a-adfb-9c50297d2fb9', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-30T12:30:38.761Z', '2026-11-30T12:30:38.762Z', '2026-11-30T12:30:38.766Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (7, '01a22c6f-90c5-74a3-89d4-d7e14325617b', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a22c6f-90a9-712a-adfb-9c50297d2fb9', '2026-11-30T12:30:38.789Z', '2026-11-30T12:30:38.790Z', '2026-11-30T12:30:48.794Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (8, '01a22c6f-b81a-72e7-8866-5ce73aa5f0c6', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-30T12:30:53.894Z', NULL, 1, NULL, '2026-11-30T12:30:48.858Z', '2026-11-30T12:30:48.859Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a22c6f-b84b-7643-a31f-1c59c74d7273', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22c6f-8d2e-7205-b543-87dffe9116ec', 1, NULL, '2026-11-30T12:30:48.907Z', '2026-11-30T12:30:48.908Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a22c6f-b863-7598-b672-f92735b47a00', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22c6f-8d2e-7205-b543-87dffe9116ec', 1, NULL, '2026-11-30T12:30:48.931Z', '2026-11-30T12:30:48.941Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a22c6f-b885-70d5-9fb7-de23bfa5224f', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrDWx4DDY0RqSTLeky38Vmmclq7nP5o6rXdzQ5f3oYyK-PG2HRok8IWcvnp6ZMs47OZjk8Ji9wSDEO2Iq0BzDRrlnI_4MpqZ1k3TH2VKMkdoDN_cEjmTMl0HQ9U3CbD8NTvt-Q31sFRPpxnLqCmgGYau_CkBfOmpFHN8X2UPz7CyNCute_5aT_1y806Brd5oPSwRctYSh2tfeP8BPTzOtocpXn9UEFMtKLseDRfdOy7Wqq8jDKwD4LiEAY0W4XlncZdG_M4QqU0jzP8LlDYcNnJL82C5teS7UAIw9BjjMwXOI3vnz0nXRBlhRNYBFYcK3o4sRwWwwkhz2Nev_uj_HyYNrhlZ-8d9lXvQEPE69j5ZC3s0E=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T12:30:48.966Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a22c6f-b8a2-741a-b472-35447583ed34', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a22c6f-b8a2-741a-b472-35447583ed34/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35","image_id":null},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T12:30:48.997Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a22c6f-b8aa-71d2-86aa-fd00705033a0', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T12:30:49.003Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a22c6f-b8ce-7398-af6e-02ae275e5a1d', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22c6f-8d2e-7205-b543-87dffe9116ec', 1, NULL, '2026-11-30T12:30:48.931Z', '2026-11-30T12:30:48.941Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a22c6f-b8ce-7398-af6e-02b0100967e6', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-30T12:30:49.003Z', NULL, 0, NULL, '2026-11-30T12:30:49.003Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a22c6f-8e6e-75ab-929a-4229c0b3ca10', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a22c6f-8db3-717d-8a9d-d113ea90d8a0', '01a22c6f-8dad-72b6-a041-665d4768468f', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T12:30:38.003Z', '2026-11-30T12:30:38.103Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a22c6f-8e2c-7314-98a6-2c8d29210d68', '01a22c6f-8e22-7246-b14f-896abaecab70', 1, 0, 'stored', 'certain', '{"id":"job-01a22c6f-8e2c-7314-98a6-2c8d29210d68-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-30T12:30:38.124Z', '2026-11-30T12:30:38.185Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a22c6f-8e72-747b-ac71-00eb67a8e8f1', '01a22c6f-8e6e-75ab-929a-4229c0b3ca10', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T12:30:38.194Z', '2026-11-30T12:30:38.232Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a22c6f-8ea8-7710-b730-bbd668217a3b', '01a22c6f-8ea5-72e0-a5e2-e6ce31bcf405', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T12:30:38.248Z', '2026-11-30T12:30:38.253Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a22c6f-9092-766a-a6d0-f7820f07a6ad', '01a22c6f-908e-7563-acbd-5edabc04f84d', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T12:30:38.738Z', '2026-11-30T12:30:38.743Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a22c6f-90ac-72f0-ab1f-09faf99d4dd6', '01a22c6f-90a9-712a-adfb-9c50297d2fb9', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-30T12:30:38.764Z', '2026-11-30T12:30:38.766Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a22c6f-90c7-76a3-8fd7-5578650d0a6e', '01a22c6f-90c5-74a3-89d4-d7e14325617b', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-30T12:30:38.791Z', '2026-11-30T12:30:48.794Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a22c6f-b826-748b-9ca2-0a2a8d4a782a', '01a22c6f-b81a-72e7-8866-5ce73aa5f0c6', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}},"stored":[]}', NULL, '2026-11-30T12:30:48.870Z', '2026-11-30T12:30:48.882Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572F38713462584E7854706C642B484D6E4D6477356C5752654D524E5A5961412F65672B443163643074625545704A4733615973725437773674616E4A6931666C56436D6B72796F59525841713557306F4B734E2B6F4B78666F5A4F39326B397241385234722F6450346946536A544A34544C5364777948736379523743494A444F70326478337674753351597A6959694B4366726A75387674566A4D4C4F4B525342554D66737548507470574E4D3246642F445245362F78686D7059787141644D4959752F576357366C586441414F7A64696D387566532B41762B757561636D30797A67684D4D7A364F5852496753574D62327553415669586251504F583174694E7862665A4F794F48674B7A2B6B31725A305175664B76787A4A45504572396E3975595A526D627562316D346C6378484A4F62776E414A50774A3255696A6E4F515859446455504D614650316276546A724F4630484C545A697238587077445478324A6E4C4A5359546C3250525A67456D444A706849776D525677564D55737A774737643535584836423457744D6F44636C6648544E64732F496A724C524F397638524E615376572F594B74437063776457674768726C78596C6D416B6335613330692B304F633875324977372B786B737467596763667A5A7A4645614B56663350455542684C575863554E4263554D67306339643745466367684268616538397164654D39466C6666596A4D343263557649737A4142364653424242634347594D33395870794179443936634B61437175393234574A7A746951565953474F4A344172476D746644785750656C7933415467324C647A6E4F68776979366678644A6354354D497150726B71316A66744A6A6B39586E6E6F536E334871306A6C304A6244454D53736D30745A6B7758747A79585362454A4971656D4B6948396F61513241646C6354756731415A6166566273705546756E6B39574A583375443947636D36414D47554A4942414149697A2F48426F6D49366D34494E456F476A2F6D6A304B3578777171396F7548526E70654E444A664C46364F686B753661742F59464A773362563942776D4A373030496D5A716C622F775443466B68733836566342484A73726A455A4B376C76496A614C614530594C4B3754576C586C4238794D563459346D48616F33365931757744464C6B4F5A31527362636D446D30304A595654745A734479314D366930566354453933335348316A76547665487744302B78646B48356B4E61454164494B2F4A57712B75574C2B6459305453666B364A4B64755463322F61514B457163467268417A574A78674368344136594F47384244326B462B735267347A337867376E624C5532725A3358415A69327A6B6A3761305642775043365268724B6B697575686D41424B4874464F6450446C573171534F6779494876352B6B70675939314B594A6447575A61723445316555545A2F526C6A44786676674567777A4C6D69324D6E747839544E364E443871334455652F476766393464795337305339484C746D445976454C4B42384130724E6B7A782B57326D43766B465532667571614255355779557130535A3574575A614F475351797969672F6A7342336B7671534C35463775486E492B4C48752B7A6153666E533251624F514867614B614F71752B534673476B674E4E7370572F2F6E6854756441465649312B5970395A66767A327462474B4572696C4B2B6A6A2F4739705644494161655A7054666F614C6D46662F54394E7A336269616F6F61545A366C37356731533645565A71543931707841337A507653634C4F6D544F4F52626A367375645A69636332494C7173744D7171667537723130422F4B7547317A6355365A5866687A4A7A48634F5A566B586A45545757476750336F5067395848644C5731424B535274326D4C4B302B384F7257707959745835565170704B3871474556774B7556744B43724466714373583647547664705061775045654B2F33542B4968556F3079654579306E634D6837484D6B65776943517A71646E636431393735696F4141414D62535552425648696341524144372F774171444A6D33724743582B4C6C2F3734414F32586259345A3938666C4E534D6F386559765155597359516B3853394C2B494A646469443271616A5652517236386341485632546D776F424A46304E71756A75695334614E306E354F734842396D45454C4251726736625651797956664C43616C2B4B6679554A52524B69704C384C4377446859504A764469317148635137314672775432474A41446E376B704C793477304E364F596B63416E4F3475764A344E754532625862396E5259695652596D367741302F6B78676549477A6B646F7956394461364C646E76425A576739394E6176684B2F344459652B4F324746326B6155653563516D706E696E626F7255724254764148474E525A5A743751656B366439335943546D2F44706F6B3578767A5253725875715A6D4A7A4A3575457356444D357A6A306B6466366D6B4E3138755138562B41443942463330382F314D65372F316E6C62742B77722F4767494139764C52675172386A636B3441544F5139546654687147476D4B33664270706235735A7A50796F416E7A75722F7463386E4D38332F4A2B6F6C554E347267745855776E3567633869744A775752593671466D7571774F795446446B712F5976546650466155635047414B4542546E757179417A6742347349386570704546333737752B6B554B7A745A645372476E4546586C4876394C4B3667673431703465525147466D314C71425867443630426870616A5A6534744857564E755362474441344B35492B6C32594E476C716430324B57437768326E65512B6A4F6D424A323251757252734E4B51745145414952492F573731674A6F5A796B49545267474C63596267566D58576169437A6278566B4B6837444E6B35494B636156746D5063654145573762676B556774434D414A6566493946794D44486F72676F6B41386853437264436D414141413246485572616B376B45324A52584E735856527636557646796161747A796F556E6F643541416865335A625474394B314841426A744F786E654D344A6736676B694A76685559736A354661647871756532464F665773723248534E55783333626A5767707A73414642374C353530576D55715378627739477150504C6B454750327870776469737838615A394277304551594B39392B7838702F494732545664554B74343357324148316133675842574347307A45514E33375967384338573449437A536F576C553763633343346148384253496268526B7376346B497056626A5337566D30704341433375505449707978497449547042504C696243462F55386935724D334A6D483451532B757570302B46355435765243414957454D4E34353833716B632F31696B416D6C62613066756F4D61702F5575726358556F5A4D3970636A747672696D6E385147577A684D61373659536F2B4178625236704A74316C4569675A57795459415A577941365A45666E357741414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a22c6f-b84e-75bc-8add-9b5453a98655', '01a22c6f-b84b-7643-a31f-1c59c74d7273', 1, 0, 'accepted', 'certain', '{"id":"job-01a22c6f-b84e-75bc-8add-9b5453a98655-1","data":{"task":{"id":"job-01a22c6f-b84e-75bc-8add-9b5453a98655-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-30T12:30:48.910Z', '2026-11-30T12:30:48.915Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a22c6f-b87a-76bb-b35b-b8861420f61d', '01a22c6f-b863-7598-b672-f92735b47a00', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-30T12:30:48.954Z', '2026-11-30T12:30:48.954Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a22c6f-b8ce-7398-af6e-02afb46a036c', '01a22c6f-b8ce-7398-af6e-02ae275e5a1d', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-30T12:30:48.954Z', '2026-11-30T12:30:48.954Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a22c6f-8dad-72b6-a041-665d4768468f', '01a22c6f-8db3-717d-8a9d-d113ea90d8a0', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '555bd22777ce43fb55edfb398e13436bce358ca0bfd29dc7cb35cb52f1f7c44a', NULL, '14006683327421883264', '8f/01a22c6f-8dad-72b6-a041-665d4768468f-0-0-1.png', '8f/01a22c6f-8dad-72b6-a041-665d4768468f-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T12:30:38.102Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a22c6f-8e22-7246-b14f-896abaecab70', '01a22c6f-8e2c-7314-98a6-2c8d29210d68', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'fa243148ca6b4e695e4e117930832cb268c964bb86db723b54fa8eaaf9682793', NULL, '18079508605887426616', '70/01a22c6f-8e22-7246-b14f-896abaecab70-0-0-1.png', '70/01a22c6f-8e22-7246-b14f-896abaecab70-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T12:30:38.185Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a22c6f-8e6e-75ab-929a-4229c0b3ca10', '01a22c6f-8e72-747b-ac71-00eb67a8e8f1', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3259, '93f4334536413ce3629ce98b9a011016f71a07c5b6a803e961b15d72ad473d27', NULL, '5863003827800474440', '10/01a22c6f-8e6e-75ab-929a-4229c0b3ca10-0-0-1.png', '10/01a22c6f-8e6e-75ab-929a-4229c0b3ca10-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2426010404}', '2026-11-30T12:30:38.230Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a22c6f-8e6e-75ab-929a-4229c0b3ca10', '01a22c6f-8e72-747b-ac71-00eb67a8e8f1', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 2933, '7a355cdf29f927510e9c784321a3cb586d173820f6d9a65f6252e5b184d2e746', NULL, '10731138338998393486', '10/01a22c6f-8e6e-75ab-929a-4229c0b3ca10-0-1-1.png', '10/01a22c6f-8e6e-75ab-929a-4229c0b3ca10-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2426010405}', '2026-11-30T12:30:38.232Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a22c6f-908e-7563-acbd-5edabc04f84d', '01a22c6f-9092-766a-a6d0-f7820f07a6ad', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'a4e14d5d50f4aa05eb9f2344cad1ae3468bf8aca038d1ca4c661e788e4e24ffd', NULL, '15175646032202160949', '4d/01a22c6f-908e-7563-acbd-5edabc04f84d-0-0-1.png', '4d/01a22c6f-908e-7563-acbd-5edabc04f84d-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-30T12:30:38.743Z', 'unknown', NULL, NULL, 0);
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
INSERT INTO 'outbox' VALUES (6, 'remove', '05/01a22c6f-8ea5-72e0-a5e2-e6ce31bcf405-0-0-1.png', 5, 2, '2026-11-30T12:30:54.404Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T12:30:38.732Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '05/01a22c6f-8ea5-72e0-a5e2-e6ce31bcf405-0-0-1.thumb.webp', 5, 2, '2026-11-30T12:30:54.404Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T12:30:38.732Z');
INSERT INTO 'outbox' VALUES (8, 'upload', '4d/01a22c6f-908e-7563-acbd-5edabc04f84d-0-0-1.png', 6, 2, '2026-11-30T12:30:58.401Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T12:30:43.191Z');
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
INSERT INTO 'events' VALUES (1, '01a22c6f-8dad-72b6-a041-665d4768468f', 'image', '2026-11-30T12:30:38.102Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a22c6f-8dad-72b6-a041-665d4768468f', 'completed', '2026-11-30T12:30:38.103Z', '{}');
INSERT INTO 'events' VALUES (3, '01a22c6f-8e22-7246-b14f-896abaecab70', 'image', '2026-11-30T12:30:38.185Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a22c6f-8e22-7246-b14f-896abaecab70', 'completed', '2026-11-30T12:30:38.185Z', '{}');
INSERT INTO 'events' VALUES (5, '01a22c6f-8e6e-75ab-929a-4229c0b3ca10', 'image', '2026-11-30T12:30:38.230Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a22c6f-8e6e-75ab-929a-4229c0b3ca10', 'image', '2026-11-30T12:30:38.232Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a22c6f-8e6e-75ab-929a-4229c0b3ca10', 'completed', '2026-11-30T12:30:38.232Z', '{}');
INSERT INTO 'events' VALUES (8, '01a22c6f-8ea5-72e0-a5e2-e6ce31bcf405', 'image', '2026-11-30T12:30:38.253Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a22c6f-8ea5-72e0-a5e2-e6ce31bcf405', 'completed', '2026-11-30T12:30:38.253Z', '{}');
INSERT INTO 'events' VALUES (10, '01a22c6f-908e-7563-acbd-5edabc04f84d', 'image', '2026-11-30T12:30:38.743Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a22c6f-908e-7563-acbd-5edabc04f84d', 'completed', '2026-11-30T12:30:38.743Z', '{}');
INSERT INTO 'events' VALUES (12, '01a22c6f-90a9-712a-adfb-9c50297d2fb9', 'failed', '2026-11-30T12:30:38.766Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a22c6f-90c5-74a3-89d4-d7e14325617b', 'cancelled', '2026-11-30T12:30:48.794Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1796041838102, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1796041838185, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1796041838230, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1796041838232, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1796041838743, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995602, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995602, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995602, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
INSERT INTO 'image_quarters' VALUES (1995602, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995602, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995602, 'demo', 'demo', 'generate', 2);
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
    state TEXT NOT NULL,
    created_at TEXT NOT NULL,
    look_at TEXT NOT NULL,
    sent_at TEXT,
    file TEXT,
    upstream_id TEXT,
    size_bytes INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 0
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
CREATE INDEX batch_jobs_open ON batch_jobs (batch_id, provider_name, model_id, seq) WHERE state <> 'ended';
COMMIT;
