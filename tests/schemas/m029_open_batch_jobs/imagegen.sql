BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm025_settings', '2026-11-30 15:32:43.287303+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm026_webhooks', '2026-11-30 15:32:43.287984+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm027_batches', '2026-11-30 15:32:43.311819+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm028_batch_jobs', '2026-11-30 15:32:43.318063+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm029_open_batch_jobs', '2026-11-30 15:32:43.375095+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-30T15:32:43.981Z', '2026-11-30T15:32:43.981Z', 'gAAAAABrDZcbSF5HqD2HkxINctN4H6K3BRpCuU3ycYxteZ4bUbpmJFPV55OO3qzcgi_wOPTVbMlTDMEfbq7CxEEcUGRWRMrwyZqfkEPnVlqy8Ik-TRhFCGAOftx0T0JgLVsNZdOQaWvevUfKn5RcyKx2SSzNGuyUylYgFWlupSG9aHwYbFUvV5DsVTqJRMsB_gsrFuWWBH7Od3ZLraFg8siL0ZeInMvAEafkvoxbriCrP6P4QJoNRJ4=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrDZcbQZX-gWNZSijjRaOgaxyI-GduEa3ltfqi1IOR_QDR14T8I_q1bsNJBzxBR_C1dCei2vMZ7iHXCxQOcaauzEdwEmCqlO2r3ybRdm4rNgIQVUeW8c6S2V0Y0eoWZNt1VvjUd9UUM9U5c90nP9FV1C8nmk6Xm3tFowcfefAxRdWMNsU79VVKscqvDrevXu39ASU2', '', NULL, NULL, NULL, NULL, '{}', '2026-11-30T15:32:43.973Z', '2026-11-30T15:32:43.973Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a22d16-4553-7785-9645-76d356919a0f', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T15:32:43.988Z', '2026-11-30T15:32:43.990Z', '2026-11-30T15:32:44.341Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (2, '01a22d16-46cb-72a0-9c6a-d883b86a731d', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T15:32:44.363Z', '2026-11-30T15:32:44.364Z', '2026-11-30T15:32:44.448Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (3, '01a22d16-4751-7179-a44c-32bb12a510ec', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T15:32:44.497Z', '2026-11-30T15:32:44.502Z', '2026-11-30T15:32:44.796Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (4, '01a22d16-48f0-7778-bbd0-5b8994d0c2c2', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T15:32:44.912Z', '2026-11-30T15:32:44.917Z', '2026-11-30T15:32:45.115Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (5, '01a22d16-4b46-754d-a3b9-7f3f7ab5c739', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T15:32:45.510Z', '2026-11-30T15:32:45.514Z', '2026-11-30T15:32:45.559Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (6, '01a22d16-4bd6-763d-9cad-ecf19f7e880a', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-30T15:32:45.654Z', '2026-11-30T15:32:45.670Z', '2026-11-30T15:32:45.699Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (7, '01a22d16-4c26-7345-a86e-f4d552a3ce5b', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a22d16-4bd6-763d-9cad-ecf19f7e880a', '2026-11-30T15:32:45.734Z', '2026-11-30T15:32:45.737Z', '2026-11-30T15:32:55.759Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (8, '01a22d16-736c-7729-bca6-ed0ed1beae07', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-30T15:33:00.826Z', NULL, 1, NULL, '2026-11-30T15:32:55.788Z', '2026-11-30T15:32:55.790Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a22d16-73ae-77fa-8af8-2cfb81f1f64f', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22d16-4303-75d7-823e-2f153ab093a3', 1, NULL, '2026-11-30T15:32:55.854Z', '2026-11-30T15:32:55.860Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a22d16-73d3-7307-9c76-06a89fad966c', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22d16-4303-75d7-823e-2f153ab093a3', 1, NULL, '2026-11-30T15:32:55.891Z', '2026-11-30T15:32:55.895Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a22d16-742d-75ce-9ed5-bf3215c3bb17', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrDZcnUZXdinQdMnCvZbQ3giJ0WPLw9Tpi_tcGuNgAhXKbtRphXtr6au8AbVkZ0Q1njybpJuV5fZ3kXW3DFUvdU0zX0qFzFv_xZ7ylYOwMI8vugJvdtp4Hing80dBLAbqkJBGAxCGmUY0OeminZk2FBvlbe9HGUVBDULeO7YtdvSq_pLDXRSUQZEzC6LaUMLhusQ8E3P_XANoiTAEA9WGpWPM8nPwjdW5x8u3QDTOXYril1nwmR_5P3t7d2ATbmI0xiMGVF6cgTvjzi1zj3G3lmcgX1MbgArzkIwkR4XXpmOL3107OjdhTWSkDaKD7VbSu4-JA51edbUpSaIutvI37lyI0cYjS3XficzSweerCoct30-0=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T15:32:55.982Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a22d16-744f-7432-a8ae-c37ac490a6d7', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a22d16-744f-7432-a8ae-c37ac490a6d7/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35","image_id":null},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T15:32:56.023Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a22d16-7464-77f2-9512-92dde94c3814', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T15:32:56.036Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a22d16-747b-7796-962c-64562ae9c1b2', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22d16-4303-75d7-823e-2f153ab093a3', 1, NULL, '2026-11-30T15:32:55.891Z', '2026-11-30T15:32:55.895Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a22d16-747b-7796-962c-6458115b7029', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-30T15:32:56.036Z', NULL, 0, NULL, '2026-11-30T15:32:56.036Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a22d16-4751-7179-a44c-32bb12a510ec', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a22d16-4560-7472-9b29-12fc65d1e859', '01a22d16-4553-7785-9645-76d356919a0f', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T15:32:44.000Z', '2026-11-30T15:32:44.341Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a22d16-46d3-7702-a4d8-04a0162921d9', '01a22d16-46cb-72a0-9c6a-d883b86a731d', 1, 0, 'stored', 'certain', '{"id":"job-01a22d16-46d3-7702-a4d8-04a0162921d9-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-30T15:32:44.371Z', '2026-11-30T15:32:44.448Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a22d16-475a-7728-a10e-813405ed4d4f', '01a22d16-4751-7179-a44c-32bb12a510ec', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T15:32:44.506Z', '2026-11-30T15:32:44.796Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a22d16-4900-7314-9756-4568f796e0b8', '01a22d16-48f0-7778-bbd0-5b8994d0c2c2', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T15:32:44.928Z', '2026-11-30T15:32:45.115Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a22d16-4b51-76f8-b241-75cb80568eb7', '01a22d16-4b46-754d-a3b9-7f3f7ab5c739', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T15:32:45.521Z', '2026-11-30T15:32:45.556Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a22d16-4bf1-74df-8e9e-bb026dc93dfc', '01a22d16-4bd6-763d-9cad-ecf19f7e880a', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-30T15:32:45.681Z', '2026-11-30T15:32:45.699Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a22d16-4c33-70e7-b008-d8d00b7f10a8', '01a22d16-4c26-7345-a86e-f4d552a3ce5b', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-30T15:32:45.747Z', '2026-11-30T15:32:55.759Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a22d16-7374-7481-9dbe-b3fb1bc9d4e0', '01a22d16-736c-7729-bca6-ed0ed1beae07', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}},"stored":[]}', NULL, '2026-11-30T15:32:55.796Z', '2026-11-30T15:32:55.815Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51572F32724E694C4C593259494B59304371784A395267662B517854707630673777302F6430386B78634E5642766A64374D355A78692F726B75762B48626B4E4D6C48647A6A4A636B4669737573704D6945636870325A566F4A49556145746A557738415659676C7470394348454E397641496A4832746434462F65756E72326774776D35333036324E31397335632F4B35785A392B4963526F77547663463946315A343971462B776235624969446D47636D54686A48366A327953692F58344E5A7746357955733769676D4B464532437A38564471445231366E3543587333365054302F687250634572472B536F6B39675A4142796D52577638425A524E54652F492F5A47792B614478304748515A5845306851626C7354446E46632F676371726E616B6864646A38507675464F62566D745354747978494A387171366F3851716774524149567672422B616D78417670413378536963535A4C547A2F504F32435661672B617549335A7A6C396D2B73475453577244746F556E7544706630736A2B414573776B7543664D6A4367455A436E36566B7149773044585632566A6744453733636A4C5A4C3053766F386F4E61344A46674357456F77522B6C6E6178542F4347626D677975363030766E5133766B4F6733493930584377655A6C48645436546761744E504450685550456B45723535427A567A34392B323276355572797A623848774D64643263326D4A4754707755715A39364643413453582F6E374C56543363703734596B736C4C574B5958793961334149364B50546136484D494B3830647276384E70447662496E626D4B7845527469472B576E7662726A4633586D5332756B67784845454E4944614D38694E64765775366B5452657942337A55395868714E543033796373514B346C7A554172737577566E494F4A415670532F36787A5731677755652B4D4B473166534A504B593853766B34467548502B664741594B617432766B6F7848304B74722F78557A7A4142686277745A397464766D594178414A67794749692B4F684462456C4E3149794179746C33664C31556549705145726B4C3179526272476F5247436457716F34354B6B7A725A7A38663837654D4E6C384468443330776275466F57703334517446465366393135442F794878705567425674467033654F65724B6D43534D673248314342764156444E64586E343667704B496D3768384E547449553330753771596465572B526466716B426437656A43534A35656B5A4A526E324C614D51782B327A5152576452576D59583777394474737178365839424A727253552B5473704433667A74375146347050434F61614541566B326277496D507542712B566779446E505A706661756C7650744432546A2B6B4737646F4A516F58744A63684D2B73596348595361725A6564534946624449484455742B4A306850754247794C424E70635A4D6C793336356948712F30614746537A336A53414D664643315532344E37554D587055423875506976706B472F386C6C50383654644343474C75507A7A4748494254352B3562357339624F42345457527058766534534E48796C5561577677364A7854715543543977445A74667342424333666C6169534345724768685568636D4A65702B696263506D373045525A56314D62416E2F66696E4C7661577357476A473832725144642B35506C322B6B453978586B5A5236345847494E534644644479796C665159506658584C56475459774D754F3830737A69454771486E50755A6F325961783848344854436442764B434C374C624353566C32766C326A622F545A734634424C4E6B4F3735446743427077713336302F4B364A55596639717A596979324E6D43436D4E41717353665559482F6B4D55366239494F384E503364504A4D58445651623433657A4F5763597636354C722F68323544544A5233633479584A4259724C724B544968484961646D566143534647684C59314D50414657494A6261665168784466627743497839725865426633727036396F4C634A7564394F6A2F72786D774141414D62535552425648696341524144372F77416542634F45374A4A69525342696456392F6C56684A4E78647A50632B5A6F533769717751424363382F43496F44487952577644596A34772F332B7032377361474145394852477439666D584E5A664852723755426F46517858424B46726B322B635452587246504B434B76555A3438614C524950776D4F6430702B6F326131674277417854326D516731766C336C542F5A366C3943696977614E4F477A5337476F574B4E6E73356171324756764F51616E45492F77532F5563386138784755704A4545416331306D52656E6F69314641396F764C5073655246744E69744E7365504E777A576B304950544166485132397842574D594343376B716E737378476B76594D53414D33424D30774D7158514F6F674A4B494C5674766957764B4D743438546B4D654C41394F7963386171665578683869706A776F3956597368534955376150442F77427A473544647673423951537A426E6E73744E38683275364A6D6B32664634704A51514A507256316D32632B685357544373316551502B554F7879676565347038414D7930356D7164707665384D654F7753505A594253314C545A4A6B31737030366E48386D454857494C554D72334B4A516669316B782F3967705651772F5657344143665455775944627431764251596F396D663278454E362B6B56585A5659745A6664636463523456763178717051614830344675686A6E4B755230486A34703177414859742F415531516F2F594A31324E743039766F644C374A2F6D7A50794C526831797558573549587A7378745466465A5947656D517731795A48354B66786D634178464B32654F315153474F77456942724F2F584E2F456B303851457554793175516A39454D4B59794136526730496D3054347A5A4E68772F71386F6A7453765241504D5A45316E6679317874365868706B73716474496B4A327276627947546553506B6B4A4D72785461773265634633516E4B6D465139646476484B5465394C5A5144566B34534B5232624E493968424B4A42516D796776456F69345A645547716354557A6177746A626E577851597851436B35344E6A696B3541366364647935486341586A68376D4B304A5039795877743956447546472F4F34796D614D336D4E32714E6645342B6F725243764B4241636F7032574B317A344154716C6D6341752F38414D6A3833706A7863697249706358624E3447793044794F4E4A4F6F2B7573644A316F6763375163736C496333764F6C727448505662706249385361432B307248414156304F5870706A4E395332584D7744534261646E4F5258384669734C667A2B4A44392F2B61736D5733434745727057724B43557A695A4E65504859784F4C4F774143744F6A3436745563506C616E682F7165395562785A7A457948613648485A7667437845467963717542487A4A34774E336B726B47724B413343525930556B56566870372F7237675A4B4D41414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a22d16-73c1-726e-89cb-83b08dfbee98', '01a22d16-73ae-77fa-8af8-2cfb81f1f64f', 1, 0, 'accepted', 'certain', '{"id":"job-01a22d16-73c1-726e-89cb-83b08dfbee98-1","data":{"task":{"id":"job-01a22d16-73c1-726e-89cb-83b08dfbee98-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-30T15:32:55.873Z', '2026-11-30T15:32:55.878Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a22d16-73e0-7634-8612-df78dbd1db46', '01a22d16-73d3-7307-9c76-06a89fad966c', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-30T15:32:55.904Z', '2026-11-30T15:32:55.904Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a22d16-747b-7796-962c-6457fad38770', '01a22d16-747b-7796-962c-64562ae9c1b2', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-30T15:32:55.904Z', '2026-11-30T15:32:55.904Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a22d16-4553-7785-9645-76d356919a0f', '01a22d16-4560-7472-9b29-12fc65d1e859', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '3db72bde8e1c67e3eff44f748697747f10b2e2201549bf7ba7ecad2a846b80b9', NULL, '3316336500595406723', '0f/01a22d16-4553-7785-9645-76d356919a0f-0-0-1.png', '0f/01a22d16-4553-7785-9645-76d356919a0f-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T15:32:44.341Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a22d16-46cb-72a0-9c6a-d883b86a731d', '01a22d16-46d3-7702-a4d8-04a0162921d9', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '7883287fd310eccaa478fd684e53495a645785b646371a2b4f86813d56dda732', NULL, '5524773084505594351', '1d/01a22d16-46cb-72a0-9c6a-d883b86a731d-0-0-1.png', '1d/01a22d16-46cb-72a0-9c6a-d883b86a731d-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T15:32:44.448Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a22d16-4751-7179-a44c-32bb12a510ec', '01a22d16-475a-7728-a10e-813405ed4d4f', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3107, 'c0611dd5b6adf424757e6567e01454a9c6c6e49248f032f3e7c62f623ee73aec', NULL, '15886665762670247426', 'ec/01a22d16-4751-7179-a44c-32bb12a510ec-0-0-1.png', 'ec/01a22d16-4751-7179-a44c-32bb12a510ec-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":448967318}', '2026-11-30T15:32:44.768Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a22d16-4751-7179-a44c-32bb12a510ec', '01a22d16-475a-7728-a10e-813405ed4d4f', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3093, 'f7bde032aaf0c3cd49ffbc79dbf945179306736a4e79172cdbdc0d7617c6b80e', NULL, '15798486763868127592', 'ec/01a22d16-4751-7179-a44c-32bb12a510ec-0-1-1.png', 'ec/01a22d16-4751-7179-a44c-32bb12a510ec-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":448967319}', '2026-11-30T15:32:44.796Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a22d16-4b46-754d-a3b9-7f3f7ab5c739', '01a22d16-4b51-76f8-b241-75cb80568eb7', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'fb64d3a986289c83e47e5629c8497a14d61b3429a0e1213f3d25d9a5e07fc65a', NULL, '15985141181935195002', '39/01a22d16-4b46-754d-a3b9-7f3f7ab5c739-0-0-1.png', '39/01a22d16-4b46-754d-a3b9-7f3f7ab5c739-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-30T15:32:45.556Z', 'unknown', NULL, NULL, 0);
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'c2/01a22d16-48f0-7778-bbd0-5b8994d0c2c2-0-0-1.png', 5, 2, '2026-11-30T15:33:00.932Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T15:32:45.500Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'c2/01a22d16-48f0-7778-bbd0-5b8994d0c2c2-0-0-1.thumb.webp', 5, 2, '2026-11-30T15:33:00.932Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T15:32:45.500Z');
INSERT INTO 'outbox' VALUES (8, 'upload', '39/01a22d16-4b46-754d-a3b9-7f3f7ab5c739-0-0-1.png', 6, 2, '2026-11-30T15:33:04.385Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T15:32:49.166Z');
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
INSERT INTO 'events' VALUES (1, '01a22d16-4553-7785-9645-76d356919a0f', 'image', '2026-11-30T15:32:44.341Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a22d16-4553-7785-9645-76d356919a0f', 'completed', '2026-11-30T15:32:44.341Z', '{}');
INSERT INTO 'events' VALUES (3, '01a22d16-46cb-72a0-9c6a-d883b86a731d', 'image', '2026-11-30T15:32:44.448Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a22d16-46cb-72a0-9c6a-d883b86a731d', 'completed', '2026-11-30T15:32:44.448Z', '{}');
INSERT INTO 'events' VALUES (5, '01a22d16-4751-7179-a44c-32bb12a510ec', 'image', '2026-11-30T15:32:44.768Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a22d16-4751-7179-a44c-32bb12a510ec', 'image', '2026-11-30T15:32:44.796Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a22d16-4751-7179-a44c-32bb12a510ec', 'completed', '2026-11-30T15:32:44.796Z', '{}');
INSERT INTO 'events' VALUES (8, '01a22d16-48f0-7778-bbd0-5b8994d0c2c2', 'image', '2026-11-30T15:32:45.115Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a22d16-48f0-7778-bbd0-5b8994d0c2c2', 'completed', '2026-11-30T15:32:45.115Z', '{}');
INSERT INTO 'events' VALUES (10, '01a22d16-4b46-754d-a3b9-7f3f7ab5c739', 'image', '2026-11-30T15:32:45.556Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a22d16-4b46-754d-a3b9-7f3f7ab5c739', 'completed', '2026-11-30T15:32:45.559Z', '{}');
INSERT INTO 'events' VALUES (12, '01a22d16-4bd6-763d-9cad-ecf19f7e880a', 'failed', '2026-11-30T15:32:45.699Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a22d16-4c26-7345-a86e-f4d552a3ce5b', 'cancelled', '2026-11-30T15:32:55.759Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1796052764341, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1796052764448, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1796052764768, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1796052764796, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1796052765556, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995614, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995614, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995614, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
INSERT INTO 'image_quarters' VALUES (1995614, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995614, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995614, 'demo', 'demo', 'generate', 2);
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
COMMIT;
