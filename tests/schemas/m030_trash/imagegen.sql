BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm025_settings', '2026-11-30 18:29:35.421344+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm026_webhooks', '2026-11-30 18:29:35.517938+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm027_batches', '2026-11-30 18:29:35.522469+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm028_batch_jobs', '2026-11-30 18:29:35.522870+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm029_open_batch_jobs', '2026-11-30 18:29:35.531842+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm030_trash', '2026-11-30 18:29:35.532589+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-30T18:29:37.783Z', '2026-11-30T18:29:37.783Z', 'gAAAAABrDcCRu9SeT6tSov37IrBZ7E0tSdzJc3AIq69l7QSyUNm2OVH9OrZoSNmW1L1Kj7FN_Z-4aBX_dgF836aJ9OmdGlFuz4Az_wgCqnpAt-dEFvRFg3IcOtj8h3LQsw_T8H4m3xS8eCYZi05jVkh0Aw1ZETMA4yRD8PQ4nwKSS2DrQF46CjyGaXzoTUDTiku7G-nmh8daDUUw3NKS-50mRxL1GhFBu35F-d0oZKEvvcrhr1uH8JA=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrDcCRaZn9ooGzyOQCFpxEgo8i0MCpEtRXoCdQ94Kg01j77ZDjC0yW1_rhInPjUgdjqez8VR_o4uUbfo77aY2p4xyflRxvos4K-yl8LV5C0s16enDjIbZtr6z-KRlGYPYtfNiEXGF3cvB9aoXBsQAqthK8yjXY9i6SSVp9chZh4FEvyftU9lFOoAMZbkwa5FrGdlxo', '', NULL, NULL, NULL, NULL, '{}', '2026-11-30T18:29:37.709Z', '2026-11-30T18:29:37.709Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a22db8-3981-76ab-b941-bc3c789c0f8b', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:29:37.795Z', '2026-11-30T18:29:37.799Z', '2026-11-30T18:29:39.349Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (2, '01a22db8-3fd3-7074-8e5e-a79ebb5b03f7', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:29:39.411Z', '2026-11-30T18:29:39.442Z', '2026-11-30T18:29:39.749Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (3, '01a22db8-41ef-704b-8a6a-4798ddbc68f0', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:29:39.952Z', '2026-11-30T18:29:40.273Z', '2026-11-30T18:29:41.371Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (4, '01a22db8-482b-7317-a63b-7b1e3b164870', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:29:41.547Z', '2026-11-30T18:29:41.595Z', '2026-11-30T18:29:42.035Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (5, '01a22db8-4b41-7483-ae3d-fc6fe61d429c', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T18:29:42.338Z', '2026-11-30T18:29:42.354Z', '2026-11-30T18:29:42.406Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (6, '01a22db8-4ba4-7533-96f2-65a8a88cff40', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-30T18:29:42.436Z', '2026-11-30T18:29:42.446Z', '2026-11-30T18:29:42.558Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (7, '01a22db8-4cfd-74bd-9caa-7c78c6a1781f', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a22db8-4ba4-7533-96f2-65a8a88cff40', '2026-11-30T18:29:42.781Z', '2026-11-30T18:29:42.783Z', '2026-11-30T18:29:52.830Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (8, '01a22db8-7466-74ce-8c50-60e660944d48', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-30T18:29:57.895Z', NULL, 1, NULL, '2026-11-30T18:29:52.870Z', '2026-11-30T18:29:52.872Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a22db8-748a-7577-91ab-d0c704b010bf', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22db8-30d3-72bc-87ee-e0b328dd24ce', 1, NULL, '2026-11-30T18:29:52.906Z', '2026-11-30T18:29:52.907Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a22db8-74b6-76a6-8a76-812149f219fe', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22db8-30d3-72bc-87ee-e0b328dd24ce', 1, NULL, '2026-11-30T18:29:52.950Z', '2026-11-30T18:29:52.990Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a22db8-7543-71ed-b36c-b74e60cfb719', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrDcChVTzSmo28nhQc1GONa-Q39IY6J917In3RzPvMTTRkYg7vKeVZeRL_HnyuDvfSurDxlQZnnh72Si448_zOo3W1o1gxvHRB0WvfZS-B9HgBHSMf2-sLl8pITAizzk_RUeIEDs1jMsu9urnG4veGH70GZB-sp1NVoZlJcQB3mmjciVzt6zic-BRGsenqy8EgO_q0Ytta0FJXPptq5uHWnwVwrAuGQpdxKCtultbf5FYjd5kOprtju8u1jnQkSpqMNHhSUt0eEWClysuSxojO95QuLjJtjEzYMaBf0dmIwm3FDkdpnGqQ3kapSL_P9R7nI4Cft7IXuxoz0jJqyI2rZjwoqaucOwIXYvIs0EgN7fj1u2g=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T18:29:53.092Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a22db8-75c7-7107-a285-1b591a52ea7c', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a22db8-75c7-7107-a285-1b591a52ea7c/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35","image_id":null},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T18:29:53.246Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a22db8-75ee-74b9-9fa0-d44f54373954', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T18:29:53.262Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a22db8-7653-718b-b938-a06d4324cfc8', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22db8-30d3-72bc-87ee-e0b328dd24ce', 1, NULL, '2026-11-30T18:29:52.950Z', '2026-11-30T18:29:52.990Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a22db8-7653-718b-b938-a06f93be2228', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-30T18:29:53.262Z', NULL, 0, NULL, '2026-11-30T18:29:53.262Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a22db8-41ef-704b-8a6a-4798ddbc68f0', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a22db8-3999-77fc-9afc-d29b2f030d57', '01a22db8-3981-76ab-b941-bc3c789c0f8b', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T18:29:37.817Z', '2026-11-30T18:29:39.349Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a22db8-401e-735b-80e4-17b7344442d9', '01a22db8-3fd3-7074-8e5e-a79ebb5b03f7', 1, 0, 'stored', 'certain', '{"id":"job-01a22db8-401e-735b-80e4-17b7344442d9-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-30T18:29:39.486Z', '2026-11-30T18:29:39.749Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a22db8-43fd-77e4-a9ef-15af27393d7c', '01a22db8-41ef-704b-8a6a-4798ddbc68f0', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T18:29:40.477Z', '2026-11-30T18:29:41.338Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a22db8-4955-7551-9a0a-83204472fcf4', '01a22db8-482b-7317-a63b-7b1e3b164870', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T18:29:41.845Z', '2026-11-30T18:29:42.035Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a22db8-4b6a-73d9-8073-4c075dc2268d', '01a22db8-4b41-7483-ae3d-fc6fe61d429c', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T18:29:42.378Z', '2026-11-30T18:29:42.406Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a22db8-4c01-71e5-8bc8-5d5f3dc356ac', '01a22db8-4ba4-7533-96f2-65a8a88cff40', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-30T18:29:42.529Z', '2026-11-30T18:29:42.557Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a22db8-4d03-7559-a025-b45546927557', '01a22db8-4cfd-74bd-9caa-7c78c6a1781f', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-30T18:29:42.787Z', '2026-11-30T18:29:52.830Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a22db8-746a-71ab-9156-c7779216c34b', '01a22db8-7466-74ce-8c50-60e660944d48', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}},"stored":[]}', NULL, '2026-11-30T18:29:52.874Z', '2026-11-30T18:29:52.888Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51573979423235374935654A395854396378792B6543703559656C697963517542715350564F385A567778434765536A4739524A56644D7056786D2F4F6278744B36376A6B2F4A6464677634632B58374152526A6B412F442B7048547068617973392B465134346F6857344554583277554B63316966503751497668795153392F533452316E43516530775A3256466F5845756E63335534464E6676487449374276486E684269535464714736797865652F634639756775414B2B51437155676D6C444E2F3253524D6B2B4166655A4E64354B4545323443764779677A76795A684436464E2F42434C455044497065444254734166676731444A4E61666C597534776A784A473949483657313545556E735938356E454B64735A6C7137356B794E48756B6A61694753376A694A707A4773356776466B486743754C376F363745647A504E5A616C68543137736D7532777563544F59697A4B626C74787355715750497A6C736C736E3238326A6537552B513449464C6954743033654A474E416A6F386C384447796250334F574B307048545639387172624371397958665837662B53446141625737456E417758746B4D62784E7449336A4142357337686B58476A71687A3657614A44374B45512B72613774746D526E6C487063502F7A65503250626B74374F4C557A4E66555566774351644C73645A3346572F5772523262772F4F7850476F6C38697A4A702B5339624C2B67722F7255655645674A4A356F52742F7770564C466C3677475059525674744A515A3034583668486B374B4D7A51704B2F2F6B4D4D646E3438466959757155554144476A6A62784B6E6237596750326976664165565547466F70747868746E2F4956317250642B4B4D49765477725A485656314D795A332F5657335561394D414A5A5A546B357A553767333579616A457836334B446D4861647836717364372F563458326F77784F707A4F51373235396A78526F6F4B41444C456A30787544614B37704575324A53356F7961425879795A784B6731372F574E52517243753257494759784F4636706934616854384C56414B58427969574138614C3467315750754F4B444A6E64546B6534385849687864726144523153396279366978324B445556445658373235456752392F6275754848334D37474A384F6E3573757A676239732F68504A62545042526C685432317A58664544536C7A3959506D666B71444F7A4E63485254346B4E6B53314537716D70625256485A5A563433316C4B77774936557053747841596C6935304D75617A317846617756614C4E31386C736941446B354A444A527963744A646C6F63774154574545376C72774874706E657334386E6732575745673445726B67634E467073394357765874586272774B6C50795869557874757A6C426F4E574C324B44456157796E61432B6F6D2B5254654877422B724D66596B3371457954754E7743333650576A6D52786F66724A534B7A62657176306D7743454842696741736466454B6F646B776E32447A6769732F5753456C6571555A414B6759644B362B4135592F6B424132464F7073555346346358305277702B62562F6E6D2B2F4969635679762B634733784D43734859586143715A354353754247654F6347553837454B61594264494C76677936424E31344655737672367875774A676D676D6F507461706B70436F58344A6A6176666D36374A4F4D7353306F4176304C686A792F3741454962472B5453774236384F6A6E53307A4A334A5776722F61594851654A4A4A4F50483559613259534B5042484E4D56396473746F2F6B2F624E6B595837543266742B78324676343076714E704861337A6D486A71626367647565794F58696656302F584D63766E67716557487059736E454C67616B6A3154764756634D51686E6B6F787655535658544B56635A767A6D3862537575343550795858594C2B48506C2B77455559354150772F7152303659577372506668554F4F4B495675424531397346436E4E596E7A2B30434C34636B457666307545645A776B4D372F3538414141414D62535552425648696341524144372F774138424F76622F325A65337A6F7271664671516F6537457A2B6373325432776D332F6C63576A6B524F35766D354950574C6C37766541747266456574466F4F2B4241495238363133582F575139686E4F626448716C63533075627948425A487452386F4D61426D664F4B70694A64482B494B2B4F386D4633414D6E447A783154514F6741475A6D66635536746775594138314F6C322B6B2B6C58366C7471777A6F675372376154374F55573652316F5743475654774D7556435642455648364E4445377741505179474E525241646D4375576478733276525332527069773732673247656149597445482F753358733133676B72656643336758332B5A542B704958746A764148325A66703164357678787070445974334655732B3032516A386A46634737394F6C544450726E452F4877766E45486B6967307243744756505A6A5451726D795143396B385254724870576C745A327646576672746867644D6D774C2F644430306C322B4A66475939464B74664432664C53543262474E384D42717159795351355141537365666F4B44614D35436B577551494B347A2B61736A7665316C30706D2F6C6C724668796D716E6344416F6E544A3032784646763959792B4C70595649634D414F536B54456B765070764E713863484B73735563384B724D76394666794C524543596C3748546C68516251656750494A49654F4C4134462F31586C43364F434B41447834344D4B474135756C59465642486E72766E72434D4D6231652F4B5647763064756B5A6F5154364C7A4A78342F31784D723842514E425A656B7042704C7259416A3344754866796B53637772753053496F707A4450386D3242696F5752726171716D3073796D68313239773631424444356A6C79753770774B70305479587649414E30315678566A4B454D465743415544715745396C50474D454D462F466932416E335A3848424B6B66664355544B3230794F6A333449362B6B427572724A397651426E4B7038567674585A685053314453563057594A6549763631376C76554F6F466651635A4F6F4E4F302F4F2F484A2F6C396664323831736A5442356E6D66664541486777766B6F487338356F6E44736657636D362B455075367A573236624C586A71354C6F74334976317249734745444D505058584735734441785364677962384144766D685232725843316B3839742F664A70592B35466C6A5568734135623933433157492B564B6149507274734D544552746C556B574546646A4658676A325177424B377278464372396E38736747672F5167387944336854654E4C7A612F417755684C37376A5875756B6332662B4F446C4236733847386A776A72775858633273414C37474E6A73324732426636306D4F545372784F45396F4E576B724C6656414843456175574B4E6A6D5849766654306E583235374D47794E37383070316232654D6A694A6A4D427472666B41414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a22db8-748c-71f7-98a0-03ea89025951', '01a22db8-748a-7577-91ab-d0c704b010bf', 1, 0, 'accepted', 'certain', '{"id":"job-01a22db8-748c-71f7-98a0-03ea89025951-1","data":{"task":{"id":"job-01a22db8-748c-71f7-98a0-03ea89025951-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-30T18:29:52.908Z', '2026-11-30T18:29:52.918Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a22db8-753a-77f7-a7ee-76c8bb251900', '01a22db8-74b6-76a6-8a76-812149f219fe', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-30T18:29:53.082Z', '2026-11-30T18:29:53.082Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a22db8-7653-718b-b938-a06e658b4773', '01a22db8-7653-718b-b938-a06d4324cfc8', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-30T18:29:53.082Z', '2026-11-30T18:29:53.082Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a22db8-3981-76ab-b941-bc3c789c0f8b', '01a22db8-3999-77fc-9afc-d29b2f030d57', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '360bd2ec3c6e4d013d98fb724c0393ef7ce3c7ce9dab23d266363f90290fd5ed', NULL, '8883734265923515261', '8b/01a22db8-3981-76ab-b941-bc3c789c0f8b-0-0-1.png', '8b/01a22db8-3981-76ab-b941-bc3c789c0f8b-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T18:29:39.349Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a22db8-3fd3-7074-8e5e-a79ebb5b03f7', '01a22db8-401e-735b-80e4-17b7344442d9', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '2cd7e14d549c87da07c56fdaa36e2f1237dd9463493a858794b6f1a6c967c262', NULL, '18017053350316763788', 'f7/01a22db8-3fd3-7074-8e5e-a79ebb5b03f7-0-0-1.png', 'f7/01a22db8-3fd3-7074-8e5e-a79ebb5b03f7-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T18:29:39.749Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a22db8-41ef-704b-8a6a-4798ddbc68f0', '01a22db8-43fd-77e4-a9ef-15af27393d7c', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3338, 'f368c3795096392951ebb9681dbab37e4341660d9d48f592b03a9a24d8ad0ff2', NULL, '8652436278922114778', 'f0/01a22db8-41ef-704b-8a6a-4798ddbc68f0-0-0-1.png', 'f0/01a22db8-41ef-704b-8a6a-4798ddbc68f0-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2930141309}', '2026-11-30T18:29:41.183Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a22db8-41ef-704b-8a6a-4798ddbc68f0', '01a22db8-43fd-77e4-a9ef-15af27393d7c', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3253, '78ac00a50a2f573e456dac39bb893fc7ab48371e2988ba1ab2ebdcae3fe167f9', NULL, '4709982616882049665', 'f0/01a22db8-41ef-704b-8a6a-4798ddbc68f0-0-1-1.png', 'f0/01a22db8-41ef-704b-8a6a-4798ddbc68f0-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2930141310}', '2026-11-30T18:29:41.338Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a22db8-4b41-7483-ae3d-fc6fe61d429c', '01a22db8-4b6a-73d9-8073-4c075dc2268d', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '257f35eccdf503c3802e9b3e685a9066924c5caea16d388bf10e63632798b796', NULL, '16716941092436765292', '9c/01a22db8-4b41-7483-ae3d-fc6fe61d429c-0-0-1.png', '9c/01a22db8-4b41-7483-ae3d-fc6fe61d429c-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-30T18:29:42.406Z', 'unknown', NULL, NULL, 0);
DELETE FROM sqlite_sequence;
INSERT INTO 'sqlite_sequence' VALUES ('search_generations', 1);
INSERT INTO 'sqlite_sequence' VALUES ('webhook_deliveries', 0);
INSERT INTO 'sqlite_sequence' VALUES ('images', 6);
INSERT INTO 'sqlite_sequence' VALUES ('events', 13);
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
) STRICT;
INSERT INTO 'outbox' VALUES (6, 'remove', '70/01a22db8-482b-7317-a63b-7b1e3b164870-0-0-1.png', 5, 2, '2026-11-30T18:29:57.909Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T18:29:42.299Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '70/01a22db8-482b-7317-a63b-7b1e3b164870-0-0-1.thumb.webp', 5, 2, '2026-11-30T18:29:57.909Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T18:29:42.299Z');
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
INSERT INTO 'events' VALUES (1, '01a22db8-3981-76ab-b941-bc3c789c0f8b', 'image', '2026-11-30T18:29:39.349Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a22db8-3981-76ab-b941-bc3c789c0f8b', 'completed', '2026-11-30T18:29:39.349Z', '{}');
INSERT INTO 'events' VALUES (3, '01a22db8-3fd3-7074-8e5e-a79ebb5b03f7', 'image', '2026-11-30T18:29:39.749Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a22db8-3fd3-7074-8e5e-a79ebb5b03f7', 'completed', '2026-11-30T18:29:39.749Z', '{}');
INSERT INTO 'events' VALUES (5, '01a22db8-41ef-704b-8a6a-4798ddbc68f0', 'image', '2026-11-30T18:29:41.183Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a22db8-41ef-704b-8a6a-4798ddbc68f0', 'image', '2026-11-30T18:29:41.338Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a22db8-41ef-704b-8a6a-4798ddbc68f0', 'completed', '2026-11-30T18:29:41.371Z', '{}');
INSERT INTO 'events' VALUES (8, '01a22db8-482b-7317-a63b-7b1e3b164870', 'image', '2026-11-30T18:29:42.035Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a22db8-482b-7317-a63b-7b1e3b164870', 'completed', '2026-11-30T18:29:42.035Z', '{}');
INSERT INTO 'events' VALUES (10, '01a22db8-4b41-7483-ae3d-fc6fe61d429c', 'image', '2026-11-30T18:29:42.406Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a22db8-4b41-7483-ae3d-fc6fe61d429c', 'completed', '2026-11-30T18:29:42.406Z', '{}');
INSERT INTO 'events' VALUES (12, '01a22db8-4ba4-7533-96f2-65a8a88cff40', 'failed', '2026-11-30T18:29:42.558Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a22db8-4cfd-74bd-9caa-7c78c6a1781f', 'cancelled', '2026-11-30T18:29:52.830Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1796063379349, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1796063379749, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1796063381183, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1796063381338, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1796063382406, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995625, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995625, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995625, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
INSERT INTO 'image_quarters' VALUES (1995625, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995625, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995625, 'demo', 'demo', 'generate', 2);
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
