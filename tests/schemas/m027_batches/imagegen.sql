BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm025_settings', '2026-11-30 12:08:20.408554+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm026_webhooks', '2026-11-30 12:08:20.414480+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm027_batches', '2026-11-30 12:08:20.422096+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-30T12:08:21.581Z', '2026-11-30T12:08:21.581Z', 'gAAAAABrDWc1Muau3TszEH7M8wJCLQVPZbjhY3QZm9lMOGfGW1DfuCNQRVdeAokoXprP96Oa2TrdezCSxvtsFyNaAJfLcyvl7h0RT2u8-X3QAfLTeOkrrCpcCgrIrnR103hhcF_sBgI0k5jczQLmnttwLqXFaexRSfEkFicbjJVPDslT_fzityGzmYauAhrwm9mZ_nW8BbDGM_aOl0KtvpxWLdBTBMXMHv-zqywqKGHiXL0I-sVC0JQ=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrDWc1AjbiRvn3iNAjEx1OCCabM0_QhIZrhvKNKJ7LBW_Nhv6-I-9q-N6BWAh2GVFKLYGjYlpf5f7j_TCNr2thDkNHEiMq90FfD99Smh9uVU8SClVCauzn4NluDj3FjI_aj6sgZgebUmxxuPvxGk6pwzgPHqt7BfOeFaoiRUtuCHDrZvowXIg2idL-CJkE3h5nCaH1', '', NULL, NULL, NULL, NULL, '{}', '2026-11-30T12:08:21.571Z', '2026-11-30T12:08:21.571Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a22c5b-295e-73b0-9b32-2dcd26b61e98', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:08:21.599Z', '2026-11-30T12:08:21.604Z', '2026-11-30T12:08:23.073Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (2, '01a22c5b-2f3b-7435-88dc-b94a5e7e082f', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:08:23.099Z', '2026-11-30T12:08:23.106Z', '2026-11-30T12:08:23.262Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (3, '01a22c5b-2fe6-733e-82a4-21af1be9341f', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:08:23.271Z', '2026-11-30T12:08:23.274Z', '2026-11-30T12:08:23.752Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (4, '01a22c5b-325c-77b9-9dd8-5f987935e3e3', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:08:23.901Z', '2026-11-30T12:08:23.968Z', '2026-11-30T12:08:24.232Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (5, '01a22c5b-38c2-7183-98b4-c72a5c7c87e1', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-30T12:08:25.538Z', '2026-11-30T12:08:25.554Z', '2026-11-30T12:08:25.728Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (6, '01a22c5b-39b2-7578-8691-ec2fb2bd1483', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-30T12:08:25.778Z', '2026-11-30T12:08:25.782Z', '2026-11-30T12:08:25.812Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (7, '01a22c5b-3a10-71c3-a472-9f835d30522d', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a22c5b-39b2-7578-8691-ec2fb2bd1483', '2026-11-30T12:08:25.872Z', '2026-11-30T12:08:25.882Z', '2026-11-30T12:08:35.907Z', 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (8, '01a22c5b-6168-74bf-8f79-d8c299e33f96', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-30T12:08:40.992Z', NULL, 1, NULL, '2026-11-30T12:08:35.945Z', '2026-11-30T12:08:35.946Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a22c5b-619a-7015-8d02-280ed9e231ff', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22c5b-24da-7102-a068-353fd45fb13f', 1, NULL, '2026-11-30T12:08:35.994Z', '2026-11-30T12:08:35.996Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a22c5b-61b4-70e4-88f6-67cc9a7c491a', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22c5b-24da-7102-a068-353fd45fb13f', 1, NULL, '2026-11-30T12:08:36.020Z', '2026-11-30T12:08:36.022Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a22c5b-61ce-7397-8172-597970068ef1', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrDWdEjcb9GjVJZJKRDHgpF0I1KSe36oaeNOMI0Iu9VbSOTguIRuN42H2r4YWNUNeXb59CXoR0dpICx-Rpol_4iYebFBAGof7IXX37_lIUkb13WjpiZR3Cj7j8ZvyNgHdvH3-RZp_4ck9DKTSEgnmz7Re8j7wnhenXaxLhzTvf4nIAhaz-VzM2_HDvo1ssw8h1-DARTk6KOkBVf0OujrxII90kBLS_cWlomMzebYnvhiontW5myvHaUHNSv_pRvrdvUA34zc5S_xiOuQX1lLXkoXAWvOAw26H1evlnbEfGz3d_rD5EbFlZAtd9_yiopb9q8Kn4Dkl2ShlV45g_qvjFjvfuRSk9Qn1STlqRa1H_N8k9PWM=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T12:08:36.047Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a22c5b-6200-7777-9414-832809053611', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a22c5b-6200-7777-9414-832809053611/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35","image_id":null},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T12:08:36.158Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a22c5b-624c-7782-8a5a-827090d5db8e', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-30T12:08:36.172Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a22c5b-62b3-7233-9236-2303b836be61', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a22c5b-24da-7102-a068-353fd45fb13f', 1, NULL, '2026-11-30T12:08:36.020Z', '2026-11-30T12:08:36.022Z', NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a22c5b-62b3-7233-9236-23057e89c6ab', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-30T12:08:36.172Z', NULL, 0, NULL, '2026-11-30T12:08:36.172Z', NULL, NULL, 0, NULL, NULL, NULL, 0);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a22c5b-2fe6-733e-82a4-21af1be9341f', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a22c5b-297c-7415-93f0-85f82edf90f2', '01a22c5b-295e-73b0-9b32-2dcd26b61e98', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T12:08:21.628Z', '2026-11-30T12:08:23.073Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a22c5b-2f4a-7760-bc0b-bd6774e88134', '01a22c5b-2f3b-7435-88dc-b94a5e7e082f', 1, 0, 'stored', 'certain', '{"id":"job-01a22c5b-2f4a-7760-bc0b-bd6774e88134-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-30T12:08:23.114Z', '2026-11-30T12:08:23.262Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a22c5b-2ff2-70c3-8661-6a73dfb70c54', '01a22c5b-2fe6-733e-82a4-21af1be9341f', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T12:08:23.282Z', '2026-11-30T12:08:23.752Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a22c5b-32dc-7425-b7b1-c91bc78c737f', '01a22c5b-325c-77b9-9dd8-5f987935e3e3', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T12:08:24.028Z', '2026-11-30T12:08:24.231Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a22c5b-38f2-7278-b444-39058d4418ca', '01a22c5b-38c2-7183-98b4-c72a5c7c87e1', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-30T12:08:25.586Z', '2026-11-30T12:08:25.727Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a22c5b-39be-7117-b9c0-05d52ffd9a33', '01a22c5b-39b2-7578-8691-ec2fb2bd1483', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-30T12:08:25.790Z', '2026-11-30T12:08:25.812Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a22c5b-3a26-7434-8308-9e6b02c54ebb', '01a22c5b-3a10-71c3-a472-9f835d30522d', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-30T12:08:25.894Z', '2026-11-30T12:08:35.907Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a22c5b-617e-7676-bb17-1b3bcdd9cb96', '01a22c5b-6168-74bf-8f79-d8c299e33f96', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}},"stored":[]}', NULL, '2026-11-30T12:08:35.966Z', '2026-11-30T12:08:35.978Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F515739386768386A69776F67305A332F4C30554C574A614B4C67327147707A6A6D494C4F6264734B502F347766764B476C4E636B4C4B654D714A30646D4A38737165786A46754A39492F5368455770346B505966594753325855632B736A5351367845456B636A543177464F586358706756773964744C5166735A437A57756B78787A7563446F4A56394E2F46394B304B3877384A714E475A504B676B2B6B5A72354E734350553362336E506B657676643756706A7432326A684D3153505367312B4B4A34396A72566672486C635A4F65596C576B77324645534D376B477877715667796F41382F692F6A374268485066396A626D57303830366D78777773443835416E5A3336526B6C3258534E453271356E6252556C65724179524679706D4576704C75755A4D6F6769454E765171694E614D462F6A6452376433655553466C6678414136374C627A36786E7050732F4571665670656744435744643842363672346D6245565A534F3344555051684B4835794D74636C64344173796D534F64736A4A48702F354B6B4D6C4443346F5576774A43726755482F7956454F73342F5771466772385866776D2F56796A794A792B333248647357363966315762446172726461507937736E466A4D3830414E3641616C46316B57354C504744494A3270685552514156396C2B2F4F54447572522B754830594F4B476A6239424F47315158345359574843454565687A2B73614E30364B5947624576434F7971434D6F6A3432417A6B33347478663272446C71767556735A31366F6A6168304A6E71634171786F6643576B584F464351514C4548597979684D524E722F595A6573624E4778452F4D734A455A4B6B66655172616943674B78556C6452504E513472712F6D546350475869617967346273362F7A3969716379714176744A39625A43346B474264397257696A4F796B7471526B6A52522F6734357856447A4B676B5A4B7A395A6277463658675549567275544B597431717333764C54306366666A41477A48374667626446307462424B31315268723670514C336E73756D2B3439696B504867475936614B4D775732576A497545392F6A38414B6275392B59317276366A726378707278437A323657794E456E617162524357534C6E7262643262654142617237756F4F63567430546C38716E426F777A596A704550366651543233474F645753636472476D512B4952775A466F6570563477563858564D422B465930514C5A436A2B79356F4444386E6134435A366433384D595A6F563145524177494D775779374673745149414E533737614F2F707A515A3772737737356D554542594C5435456A485279546F48386C302B71644C754C32656F5143334A7634516A5539504A4D554D464842775A5472416E56452B39385137314678344C554245636163364C76484C4D4C736B666A6B50476459586F7A737657545647464C2B5979514B53514459762F526D7856703771445949563074614B6B7578567535596336686754564B696862326F5A54756737644B7934775A712B513758366570675439692F46714630614946672B416939485A4F47327364532F6943787030386A386D584E53394C454C7334536F54572F784851656B426D744C32336E63333871524E53336145745242524D3732776743334842652B3145717956482F6A445369614263666A4D726A5757437374305051337557414E4A597478614E44494C7A7A626E713036576C5259413038644F766D39386D764449686C525538314A512F424632355041535A4D4236336C383039486574664434376166396549302B6E4368366D73353479503035696F432B70355557636E62375043456253664949664934734B494E47642F793946433169576969344E71687163343569437A6D3362436A2F2B4D483779687054584A43796E6A4B6964485A69664C4B6E7359786269665350306F524671654A44324832426B746C3148507249306B4F7352424A484930396342546C334636594663505862533048374751733172704D6363376E413643614D675457344141414D62535552425648696341524144372F77414F79466C666E4C6C6C7073614F59744A473474516E4270796358434B2F35336C33514E6D5868425844395A5259784E75717761525A6831766D4379566B38564D414E5556584B4A6C4576482B644F655578336951575662306D347A2F726A7348482F594D457944416A4C30534B4B663866594E313968325168423269664541785651436561303837364977476F7264706B7A48724C3039646B6E622B304479374D6876587130354E5442485A3556496C695955594E694661786A7450466E66696F3341415141374C58546675454C694D41627574504B79785665575368465368685445394F45444A436746712F79325238534B3354487978546C627578756356506D2B42414769697255444F4F66647A59677544764B64504D4F665A626F42793644454238416C4364426F636E4332484A575A50736B39316B516C63636B65336353506A6A7741535554624651744D4C544478466957584B3950413463693052446A6A74634C4933334F35717A6A544B63585A3936734B53524270316E356F392B31345976555941544C6C74515565595A394B79364E35634D34674F52364970735052484F6C43534E643165706846463331524A42454974674F3947473158567271315745734D4D4142737851697271393463364A31393831744641324A6E325571746143616F58796334646B6B704933326956455276554B3869783139725A7765634A6578626F6851447273347259304F335848505076526963487547596F4339475939436875303935635631387A6438354A3367373235724647666767472B772B4F464E6F5279396B41793855504177344D446B6661774232516279507A766D4545304A5475666B4E67544E3542786C415A6949693356464B37394344326B5147636858434E6A694E34414C567A5148504462355231746F70394A4C677054666F5A412B584F4F6D757A39774C364C695838546C6E30677453592B4D484A3571384D4D3659434A4A49517367432B4D79796F2F716C7134334F307843356563514A3033632F37484176306A32475748702B666363534452533065646F4E4266777A5630446C4935546166563677416D526331647665394C48496E56373945656D67415270754959423134714F555A314B5445302F4547334962556C4C6A5751586F4D684E4B755872432F74645652414169745139397344786C562B58324B74662F446D486466545239727575316957397358642F657361636166796F4376426F697246336F764978485353796A43417742494769564446686D6F4874524A312F46446739365936795859554A334143623233576D3278704130695450344B5778426F583676745950552F56335631666B674170707163466353687A676A6F622B6A487062696C3542417272646C4258374F774E6C5767355231716B7A73544956697A436D416B6C63583267344179654D2F467058747743356C4642424941414141415355564F524B35435949493D227D5D7D', NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (9, '01a22c5b-61a4-7062-aa74-260904eea8dd', '01a22c5b-619a-7015-8d02-280ed9e231ff', 1, 0, 'accepted', 'certain', '{"id":"job-01a22c5b-61a4-7062-aa74-260904eea8dd-1","data":{"task":{"id":"job-01a22c5b-61a4-7062-aa74-260904eea8dd-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-30T12:08:36.004Z', '2026-11-30T12:08:36.016Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a22c5b-61b8-7098-a95c-9bb4d7a1f0fd', '01a22c5b-61b4-70e4-88f6-67cc9a7c491a', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-30T12:08:36.024Z', '2026-11-30T12:08:36.024Z', '{"provider_name": "chaos", "api_base": "http://vendor.invalid", "api_key": null, "timeout_seconds": 10.0, "max_retries": null, "source": "file", "kind": "http", "models": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a22c5b-62b3-7233-9236-230479a72ef9', '01a22c5b-62b3-7233-9236-2303b836be61', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-30T12:08:36.024Z', '2026-11-30T12:08:36.024Z', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a22c5b-295e-73b0-9b32-2dcd26b61e98', '01a22c5b-297c-7415-93f0-85f82edf90f2', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'be3168fee52ff5b280f798ec46fecd25c11e746d8c7a05ee7a2d9cf995c91717', NULL, '12305124011221023017', '98/01a22c5b-295e-73b0-9b32-2dcd26b61e98-0-0-1.png', '98/01a22c5b-295e-73b0-9b32-2dcd26b61e98-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T12:08:23.073Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (2, '01a22c5b-2f3b-7435-88dc-b94a5e7e082f', '01a22c5b-2f4a-7760-bc0b-bd6774e88134', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'f3831b92a7906c9991c388088042447a86bc639a63b3ce41ae02eef794857a0c', NULL, '4829973127604125546', '2f/01a22c5b-2f3b-7435-88dc-b94a5e7e082f-0-0-1.png', '2f/01a22c5b-2f3b-7435-88dc-b94a5e7e082f-0-0-1.thumb.webp', 'both', '{}', '{}', '2026-11-30T12:08:23.262Z', 'unknown', NULL, NULL, 0);
INSERT INTO 'images' VALUES (3, '01a22c5b-2fe6-733e-82a4-21af1be9341f', '01a22c5b-2ff2-70c3-8661-6a73dfb70c54', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 2974, '541ea55cbd7b1558608dac918fb81e02f6933a99511dcce085354c0cef461356', NULL, '13483858988441993974', '1f/01a22c5b-2fe6-733e-82a4-21af1be9341f-0-0-1.png', '1f/01a22c5b-2fe6-733e-82a4-21af1be9341f-0-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":3030929056}', '2026-11-30T12:08:23.618Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (4, '01a22c5b-2fe6-733e-82a4-21af1be9341f', '01a22c5b-2ff2-70c3-8661-6a73dfb70c54', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3045, '4ba4f44bd8cb7f0729b9fa99af280bcaba8dababfe57190826fb1ddc9fd61392', NULL, '6620660792632345993', '1f/01a22c5b-2fe6-733e-82a4-21af1be9341f-0-1-1.png', '1f/01a22c5b-2fe6-733e-82a4-21af1be9341f-0-1-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":3030929057}', '2026-11-30T12:08:23.752Z', NULL, NULL, NULL, 0);
INSERT INTO 'images' VALUES (6, '01a22c5b-38c2-7183-98b4-c72a5c7c87e1', '01a22c5b-38f2-7278-b444-39058d4418ca', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '1db60727a78f86de7f0ace0bcf066ee3177e0e0dde2268e965cda7196ddb3a9e', NULL, '2578442035631835614', 'e1/01a22c5b-38c2-7183-98b4-c72a5c7c87e1-0-0-1.png', 'e1/01a22c5b-38c2-7183-98b4-c72a5c7c87e1-0-0-1.thumb.webp', 'local', '{}', '{}', '2026-11-30T12:08:25.727Z', 'unknown', NULL, NULL, 0);
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'e3/01a22c5b-325c-77b9-9dd8-5f987935e3e3-0-0-1.png', 5, 2, '2026-11-30T12:08:40.939Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T12:08:25.507Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'e3/01a22c5b-325c-77b9-9dd8-5f987935e3e3-0-0-1.thumb.webp', 5, 2, '2026-11-30T12:08:40.939Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T12:08:25.507Z');
INSERT INTO 'outbox' VALUES (8, 'upload', 'e1/01a22c5b-38c2-7183-98b4-c72a5c7c87e1-0-0-1.png', 6, 2, '2026-11-30T12:08:42.166Z', '{"text":"OSS: no usable response (ConnectError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectError"}}}}', '2026-11-30T12:08:25.948Z');
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
INSERT INTO 'events' VALUES (1, '01a22c5b-295e-73b0-9b32-2dcd26b61e98', 'image', '2026-11-30T12:08:23.073Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a22c5b-295e-73b0-9b32-2dcd26b61e98', 'completed', '2026-11-30T12:08:23.073Z', '{}');
INSERT INTO 'events' VALUES (3, '01a22c5b-2f3b-7435-88dc-b94a5e7e082f', 'image', '2026-11-30T12:08:23.262Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a22c5b-2f3b-7435-88dc-b94a5e7e082f', 'completed', '2026-11-30T12:08:23.262Z', '{}');
INSERT INTO 'events' VALUES (5, '01a22c5b-2fe6-733e-82a4-21af1be9341f', 'image', '2026-11-30T12:08:23.618Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a22c5b-2fe6-733e-82a4-21af1be9341f', 'image', '2026-11-30T12:08:23.752Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a22c5b-2fe6-733e-82a4-21af1be9341f', 'completed', '2026-11-30T12:08:23.752Z', '{}');
INSERT INTO 'events' VALUES (8, '01a22c5b-325c-77b9-9dd8-5f987935e3e3', 'image', '2026-11-30T12:08:24.231Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a22c5b-325c-77b9-9dd8-5f987935e3e3', 'completed', '2026-11-30T12:08:24.232Z', '{}');
INSERT INTO 'events' VALUES (10, '01a22c5b-38c2-7183-98b4-c72a5c7c87e1', 'image', '2026-11-30T12:08:25.727Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a22c5b-38c2-7183-98b4-c72a5c7c87e1', 'completed', '2026-11-30T12:08:25.728Z', '{}');
INSERT INTO 'events' VALUES (12, '01a22c5b-39b2-7578-8691-ec2fb2bd1483', 'failed', '2026-11-30T12:08:25.812Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a22c5b-3a10-71c3-a472-9f835d30522d', 'cancelled', '2026-11-30T12:08:35.907Z', '{"error":"cancelled"}');
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
INSERT INTO 'image_texts_1' VALUES (1, 1796040503073, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1796040503262, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1796040503618, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1796040503752, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1796040505727, 'waits for its upload');
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
INSERT INTO 'usage_totals' VALUES (1995600, 'chaos', 'direct', '', 5, 3, 5, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995600, 'chaos', 'job', '', 1, 1, 1, 0, 0, 0);
INSERT INTO 'usage_totals' VALUES (1995600, 'demo', 'demo', '', 1, 2, 0, 0, 0, 0);
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
INSERT INTO 'image_quarters' VALUES (1995600, 'chaos', 'direct', 'generate', 2);
INSERT INTO 'image_quarters' VALUES (1995600, 'chaos', 'job', 'generate', 1);
INSERT INTO 'image_quarters' VALUES (1995600, 'demo', 'demo', 'generate', 2);
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
