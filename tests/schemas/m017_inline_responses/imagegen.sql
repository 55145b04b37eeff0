BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 11:07:13.676941+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 11:07:13.677784+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 11:07:13.678005+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 11:07:13.678264+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 11:07:13.678470+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 11:07:13.687934+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 11:07:13.688175+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 11:07:13.688799+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 11:07:13.688969+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-26 11:07:13.689464+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-26 11:07:13.689640+00:00');
INSERT INTO '_sqlite_migrations' VALUES (12, 'imagegen', 'm012_attempt_configs', '2026-11-26 11:07:13.690302+00:00');
INSERT INTO '_sqlite_migrations' VALUES (13, 'imagegen', 'm013_last_events', '2026-11-26 11:07:13.690478+00:00');
INSERT INTO '_sqlite_migrations' VALUES (14, 'imagegen', 'm014_answered_keys', '2026-11-26 11:07:13.756615+00:00');
INSERT INTO '_sqlite_migrations' VALUES (15, 'imagegen', 'm015_locked_tasks', '2026-11-26 11:07:13.757130+00:00');
INSERT INTO '_sqlite_migrations' VALUES (16, 'imagegen', 'm016_image_blocks', '2026-11-26 11:07:13.757398+00:00');
INSERT INTO '_sqlite_migrations' VALUES (17, 'imagegen', 'm017_inline_responses', '2026-11-26 11:07:13.758089+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-26T11:07:14.153Z', '2026-11-26T11:07:14.153Z', 'gAAAAABrCBLiy2kFM2D4Byxg5wj2OM9T14uhbP0Rx4mK3XPVPZ2r1nfixiA5VDlDaHMUs1ii6oS3BLlMeulQwldhjZXvvgHUifK0Mb4pKIDg-dbtB98LYmrExu4n1SaByYQHLE8PjcOF4t7popelP1js65xdzJtNanvauJUEp6Gpya_lsVymlnTEuthu3XJ8suWppeeISjm0hmNmd3t-jHe3VXOWHHKPesoSSc7oZUcEsPuRZ0gVBt8=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrCBLiI5QlFuTaWeBgABIbjCmhF7QRxhoOJiIHamyxfa61a-hPplloaKytmxD5kgF4LTyXQ6Fz-o6HsFhoQx3ruknpgn6gbOm9bbuC_lc4HdRJS3icaBXiP6lHmQ7xuxPSeUZrFHR3nukxeWu6SJF_OSk_7gduXem2NcRrVQ-fnl3gTdHus7uz7F0BWnbK5v49F6-D', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T11:07:14.140Z', '2026-11-26T11:07:14.140Z', NULL);
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
INSERT INTO 'tasks' VALUES (1, '01a21789-c3c4-725a-93e9-d98f6234ab4c', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T11:07:14.249Z', '2026-11-26T11:07:14.269Z', '2026-11-26T11:07:14.818Z', 0);
INSERT INTO 'tasks' VALUES (2, '01a21789-c645-74c9-942c-c321a63677d7', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T11:07:14.885Z', '2026-11-26T11:07:14.887Z', '2026-11-26T11:07:15.008Z', 0);
INSERT INTO 'tasks' VALUES (3, '01a21789-c6e7-7789-a9b7-05c43a7f754e', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T11:07:15.049Z', '2026-11-26T11:07:15.081Z', '2026-11-26T11:07:15.325Z', 0);
INSERT INTO 'tasks' VALUES (4, '01a21789-c87b-729e-a725-7fbc03d1a451', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T11:07:15.451Z', '2026-11-26T11:07:15.463Z', '2026-11-26T11:07:15.679Z', 0);
INSERT INTO 'tasks' VALUES (5, '01a21789-c9fd-72f4-9b26-ee732b182dc6', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T11:07:15.838Z', '2026-11-26T11:07:15.854Z', '2026-11-26T11:07:15.972Z', 0);
INSERT INTO 'tasks' VALUES (6, '01a21789-cad3-72e8-9401-22f528a90caf', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', 0, NULL, NULL, 1, NULL, '2026-11-26T11:07:16.051Z', '2026-11-26T11:07:16.054Z', '2026-11-26T11:07:16.090Z', 0);
INSERT INTO 'tasks' VALUES (7, '01a21789-cb13-700c-b812-cc427b0b6e6e', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"cancelled by the caller","reason":{"code":"cancelled_by_caller","args":{}}}', 1, NULL, NULL, 1, '01a21789-cad3-72e8-9401-22f528a90caf', '2026-11-26T11:07:16.116Z', '2026-11-26T11:07:16.121Z', '2026-11-26T11:07:26.162Z', 0);
INSERT INTO 'tasks' VALUES (8, '01a21789-f286-7778-967c-0ccf271f8e32', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T11:07:31.232Z', NULL, 1, NULL, '2026-11-26T11:07:26.214Z', '2026-11-26T11:07:26.217Z', NULL, 0);
INSERT INTO 'tasks' VALUES (9, '01a21789-f2af-740a-b653-63a164d861c4', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21789-c265-717a-b774-ea5b82998eea', 1, NULL, '2026-11-26T11:07:26.255Z', '2026-11-26T11:07:26.257Z', NULL, 0);
INSERT INTO 'tasks' VALUES (10, '01a21789-f2cd-73e1-aca9-562de892afe0', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21789-c265-717a-b774-ea5b82998eea', 1, NULL, '2026-11-26T11:07:26.285Z', '2026-11-26T11:07:26.287Z', NULL, 0);
INSERT INTO 'tasks' VALUES (11, '01a21789-f2ec-7213-9559-e328e6547e79', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrCBLuuTbGs6Y0srwwOeegT6CbGV6YVM1il5H2vYMfW1ty1rnMhtuVi_RgpPao518zIgpAJajtgLuc-oY9-v5vZWqM5DPwPcu0Ayqc_6Gn4eUgH9IIjRDcGJ7lZ0otCRtiN2ybZs_d859iZ3qxLtfPXhEiptiPhonGif4lI6nbEObuJ1OqST8I2NhmyevZhFvR0bVi6j0jw0wYh7VnLosZFObWV-Qb4zVkcHQwWkCVh53tj4DcFUb0gVTISq3NQ-WX1eZfDTeQZY3hVJtdC1ySiC2TQBnKLWa2QV0liizbEWxoKjEntMqTOZM3ErNKSD4TRM5LBVjU8WJ6ffejMZyQ08uJQbQAePHSd2ecz2gdVGKqU5c=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T11:07:26.317Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (12, '01a21789-f302-735f-85b8-380ba7d46e7b', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a21789-f302-735f-85b8-380ba7d46e7b/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T11:07:26.342Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (13, '01a21789-f30d-70ac-904b-4b21fd477a6f', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T11:07:26.349Z', NULL, NULL, 0);
INSERT INTO 'tasks' VALUES (14, '01a21789-f322-711b-8f81-5fe9a88c861e', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a21789-c265-717a-b774-ea5b82998eea', 1, NULL, '2026-11-26T11:07:26.285Z', '2026-11-26T11:07:26.287Z', NULL, 0);
INSERT INTO 'tasks' VALUES (15, '01a21789-f322-711b-8f81-5feb3a30dc91', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T11:07:26.349Z', NULL, 0, NULL, '2026-11-26T11:07:26.349Z', NULL, NULL, 0);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a21789-c6e7-7789-a9b7-05c43a7f754e', '2999-01-01T00:00:00.000Z', NULL);
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
INSERT INTO 'attempts' VALUES (1, '01a21789-c44a-7139-8322-ee5bddd10cee', '01a21789-c3c4-725a-93e9-d98f6234ab4c', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T11:07:14.378Z', '2026-11-26T11:07:14.815Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (2, '01a21789-c64b-73f9-8388-77182aea4e63', '01a21789-c645-74c9-942c-c321a63677d7', 1, 0, 'stored', 'certain', '{"id":"job-01a21789-c64b-73f9-8388-77182aea4e63-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T11:07:14.891Z', '2026-11-26T11:07:15.006Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (3, '01a21789-c74b-73f2-ad79-a42ad2188363', '01a21789-c6e7-7789-a9b7-05c43a7f754e', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T11:07:15.147Z', '2026-11-26T11:07:15.308Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (4, '01a21789-c89d-71f0-9d20-9a5aa5f6a1c9', '01a21789-c87b-729e-a725-7fbc03d1a451', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T11:07:15.485Z', '2026-11-26T11:07:15.606Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (5, '01a21789-ca24-731b-be20-90f9cbfbfb78', '01a21789-c9fd-72f4-9b26-ee732b182dc6', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T11:07:15.876Z', '2026-11-26T11:07:15.948Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (6, '01a21789-caea-761e-b186-5e125d131efe', '01a21789-cad3-72e8-9401-22f528a90caf', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null,"message":"the provider answered 500 without a reason","reason":{"code":"response_status","args":{"status":500}}}', '2026-11-26T11:07:16.074Z', '2026-11-26T11:07:16.083Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (7, '01a21789-cb2f-772d-acba-effe886a5413', '01a21789-cb13-700c-b812-cc427b0b6e6e', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"127.0.0.1 did not answer in time","reason":{"code":"not_answered","args":{"host":"127.0.0.1"}}}', '2026-11-26T11:07:16.143Z', '2026-11-26T11:07:26.161Z', NULL, NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (8, '01a21789-f28f-7119-ac3b-dac6db3cee1c', '01a21789-f286-7778-967c-0ccf271f8e32', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T11:07:26.223Z', '2026-11-26T11:07:26.229Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, 'answer', X'7B22696D61676573223A205B7B22623634223A20226956424F5277304B47676F414141414E5355684555674141414241414141415143414941414143516B5767324141414554474E6F51573971612B572B367233576C4C59727656387655634A6D4C6E5349614A546369354C67556172684B3579364A626E6A684955364C737667446F7158346F472B5236765838694C65463451477767732B3566616F5443546C6D56676362707273474A55466D43306536685255544A763848345561594A6D575736754B6B7273703277797272423457654D534D6D36724E2B37633431367076636B32524739626C4C557861716263634778716772616B6C32305639646658504551665169664D362F385330706D5469676F41356A675938766B4A4B4B48335871444D67336D6931666B6D36655974422F3871625A354C555034745732364D4568465750523667433631702B6F57615045452F6768336A3545665537677172573653666845676F336154676B56533573675149324A47555A2F63576854354C495A676334397951536C6E5A6C7237666174517A464631514F3370424C704B39396E30417335636441675366556D614E4466456C2B4B386C4661437A4331442F517661653979656F4C55353941576A585A3266327368356C6B576579413839785346566C2F4166363338545A675451494A6B732B693131326A343837467A4F58726F30726449435675416259447142767443546677744175305369477973395151696D464C54355461376A477335797334506E736C63484E50542F4A367573564C564D524B324C706B396B4B64524B454A324B7A445652766C662B454948325943597952335631786C4C2B63425866654A524C4161374C6E7A6574492F6A4F5748776A6E4C6B3834365649352B4F52486E2B4A425243656D43527A6D35544D542F2B6F366A67496E30736942494B41624A624B6E443732627138706A7A374F6A44592B65716D3031686C6B396F61737162315444596B2F706541473436485341556C69704C764E6D42412F5555413331652B776A747271447666623649554A512B3335667138564864774E59513830723037555A51566E2B554C436B6B335778384F6E7A4330416B4D736564746242683144716F63437653327A354B7430516F30534531625175376A4D49684277772B66584E31344231362F634A6B5961595A35423838666F2B5678544652394567786B64443162446A4C664D42336B7851686B5369587357534C4567374B684569542F356A7063432F6F59615738524E66676E527A64786D6A4E594C4B44724859694F4D796B6F5148667A783176594637376841336B2F4D4A6D656D7175323544694746346C636734395A442F504E633753706932737373747572696748682B6C6555434575755A44677A486B2F30304D462B6962794F36576330424D3141644F5549305544424E65702F304B6A78422B3456766E654E6F4A47726F6D2F53737762447A6432626E4D31615461703865314C304C4F667867505A6D4D63507466496A72724F3364685170427359684C4A4B68365267656B6665586E4A766866546164766A793630396A46587A76325266386854756143424F445034727A6357716470764B573730733073457439387449596D526E7955566677677376667852302B587035733733454A364743354A7047687A78634D49564A724A6A476F314831506536785659423333755A53366D545A36726C6D4E5256356B615565446C4257564B55346D595576375530716341344333327347723451376F5261463974394E3252376C376F5A6978337971754B6D36386A6958674F746E55436F6D655A74496768784A7548305A4E78575641754153733448464E6D576E2F306469664159386C6D576B6E61324868344E67502F77672B6772385236685072357461626E47655666566631466C475459354C43336359723430616D766C76757139317053324B3731664C3148435A6935306947695533497553344647713453756375695735343453464F69374C3441364B6C2B4B42766B6572312F4969336865454273494C507558327145776B355A6C594847366137426956425A677448756F55564579622F422B46476D435A6C6C757269704B374B64734D71367765466847577131594141414D62535552425648696341524144372F774137702B567A352B484F3235794E782F4E66316F45715775775244694E364A55417566564A584D4A4C494A3750365153797A52384A6C5A655777566C6366545076414373382B6E784E5367676753516F6B5563714D2B48344C2B6E37783871684D4B71504B68534A7650675A7049685655315638663739647A3466722F70473038706744466B2B4A667759524A5130444145756B526D6F324F3530415A4C566F304B54316C5169516D645A6E4E68486453367A73644E365555623448494847733871684541394F796E7A494732632F754B413766577778493338467147396236634D5252492F7867386C5A52684A37574B5A647148375A7175526F79314A4D313138593768414F2B3242553169473842365A4B6E41767451524B35396578456F6B52616F5276643861625359643930486A4B48452B474F4C5659636835565648697A42674B364142706B4151365A4A4869613135707367756A434A3370317471724B3639494A51536C4371326E6659726750476273784678676A72763943426D6D6F76414468336741716474682B6D5630464D45535656693875494F4B7A4F3875445A71307A65644A54653258356158414D5258457476345956686673572B794473336D4F4D6745634150444A653970493949467632427972774B2B345231324D4158334F645444647A324A6C474E616A7157656E4B6B7538434370366155707A54762F395850686C76414139706D6F3763764D614A646335777362513875396E69757A392B634E70765751536A424C3034333539535562364B67695270504C5A2B57584A674E327A3158554142375179594668787845626D4F437732415A6D54434D334D385872436E5533486A5966524C3071575A494344316E6B6258513855494C726D374D4F4D594A765A4147783645345A504250494D5A78794F47315A2F3450512F716665716E677A585943714B64734B74546F70386D344B46552B3577535443754C7A5475664A73747141435A726C754C764B3554377573427A6A743776483037566C5879624F35365355346C65717033716F744C586C324953766F766162596C744B482B64315369594A3041554C37344237337A7432316E34546E724F69626A505267717074596C7536535A472F56326C6A65576869446C314938564656617A4D58696D4E665861374973384146316865584B2F6E3332535A4C4E4D5963483559576D3746726A365444317845773438307061663158595A6A514F384C694A6178785741446D422F43686F4766514255494444624361725068433735316E636B495A466C6C7057554F4944523368434974314E622B47526B6E52753847466E715468776341713357586E51547450734169643732634C656350323171694879394A65727973517A655976755670774F34466D2B37616770456C5458634F48535A5468742F4665664530417753772B725938574A2B734A714971536B41414141415355564F524B35435949493D227D5D7D');
INSERT INTO 'attempts' VALUES (9, '01a21789-f2b5-766c-8188-4a4fa8789b82', '01a21789-f2af-740a-b653-63a164d861c4', 1, 0, 'accepted', 'certain', '{"id":"job-01a21789-f2b5-766c-8188-4a4fa8789b82-1","data":{"task":{"id":"job-01a21789-f2b5-766c-8188-4a4fa8789b82-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T11:07:26.261Z', '2026-11-26T11:07:26.270Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (10, '01a21789-f2d5-70d0-bc77-a499a45482c9', '01a21789-f2cd-73e1-aca9-562de892afe0', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T11:07:26.293Z', '2026-11-26T11:07:26.295Z', '{"provider_name": "chaos", "source": "file", "kind": "http", "api_base": "http://vendor.invalid", "api_key": null, "models": null, "timeout_seconds": 10.0, "max_retries": null, "extra_config": {"spec": {"auth": {"type": "none"}, "id": "chaos", "models": [{"capabilities": ["generate", "edit"], "default": true, "id": "direct", "operation": {"edit": "change", "generate": "direct"}}, {"id": "job", "operation": {"generate": "job"}}], "n_strategy": "fan_out", "operations": {"change": {"implements": "edit", "request": {"body": {"template": {"image": "${image.data_uri}", "prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "direct": {"implements": "generate", "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/direct"}, "response": {"images": [{"base64": "b64", "select": "images[]"}]}}, "job": {"cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"}, "implements": "generate", "poll": {"backoff": 1.0, "deadline_s": 120, "first_after_s": 0.05, "interval_max_s": 0.2, "interval_s": 0.1, "request": {"method": "GET", "path": "/jobs/${task.id}"}, "status": {"cancelled": ["cancelled"], "pending": ["running"], "source": "status", "succeeded": ["done"]}}, "request": {"body": {"template": {"prompt": "${prompt}"}, "type": "json"}, "headers": {"X-Client-Token": "${request_uuid}"}, "path": "/jobs"}, "response": {"images": [{"select": "images[]", "url": "url"}]}, "task": {"id": "id"}}}, "schema": 1}}, "remote_id": ""}', NULL, NULL, NULL);
INSERT INTO 'attempts' VALUES (11, '01a21789-f322-711b-8f81-5fea13d07dcc', '01a21789-f322-711b-8f81-5fe9a88c861e', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T11:07:26.293Z', '2026-11-26T11:07:26.295Z', NULL, NULL, NULL, NULL);
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
INSERT INTO 'images' VALUES (1, '01a21789-c3c4-725a-93e9-d98f6234ab4c', '01a21789-c44a-7139-8322-ee5bddd10cee', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '7b016564beadf049af399242a0933ef187f276359508868800de7e8adc6ab8d7', NULL, '13954738895908168300', '4c/01a21789-c3c4-725a-93e9-d98f6234ab4c-0-0.png', '4c/01a21789-c3c4-725a-93e9-d98f6234ab4c-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T11:07:14.814Z');
INSERT INTO 'images' VALUES (2, '01a21789-c645-74c9-942c-c321a63677d7', '01a21789-c64b-73f9-8388-77182aea4e63', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '4189cd205c0620a50443db447a0715a7e38536f5bf3ef7552a29395fb7c7bc4a', NULL, '3179294321632428449', 'd7/01a21789-c645-74c9-942c-c321a63677d7-0-0.png', 'd7/01a21789-c645-74c9-942c-c321a63677d7-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T11:07:15.006Z');
INSERT INTO 'images' VALUES (3, '01a21789-c6e7-7789-a9b7-05c43a7f754e', '01a21789-c74b-73f2-ad79-a42ad2188363', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3702, '71624bf5a40638910cda068b4b43aff8e1cf4bc3dc742992f51f9a1e8e09ae3a', NULL, '18177530841962572887', '4e/01a21789-c6e7-7789-a9b7-05c43a7f754e-0-0.png', '4e/01a21789-c6e7-7789-a9b7-05c43a7f754e-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2804565931}', '2026-11-26T11:07:15.267Z');
INSERT INTO 'images' VALUES (4, '01a21789-c6e7-7789-a9b7-05c43a7f754e', '01a21789-c74b-73f2-ad79-a42ad2188363', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 4057, 'e2249aba283fa1e987bed0c2b9fa6191de3a5a6acf0435c6660bb25c2324199b', NULL, '15024311584836936966', '4e/01a21789-c6e7-7789-a9b7-05c43a7f754e-0-1.png', '4e/01a21789-c6e7-7789-a9b7-05c43a7f754e-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":2804565932}', '2026-11-26T11:07:15.308Z');
INSERT INTO 'images' VALUES (6, '01a21789-c9fd-72f4-9b26-ee732b182dc6', '01a21789-ca24-731b-be20-90f9cbfbfb78', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '50fb3c626e66ed146044a1325d9a5bacb8f4e8f0ac9ad606447f6a039e3dd42f', NULL, '16897179777410583852', 'c6/01a21789-c9fd-72f4-9b26-ee732b182dc6-0-0.png', 'c6/01a21789-c9fd-72f4-9b26-ee732b182dc6-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T11:07:15.948Z');
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
INSERT INTO 'outbox' VALUES (6, 'remove', '51/01a21789-c87b-729e-a725-7fbc03d1a451-0-0.png', 5, 2, '2026-11-26T11:07:31.099Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-26T11:07:15.827Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '51/01a21789-c87b-729e-a725-7fbc03d1a451-0-0.thumb.webp', 5, 2, '2026-11-26T11:07:31.092Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-26T11:07:15.827Z');
INSERT INTO 'outbox' VALUES (8, 'upload', 'c6/01a21789-c9fd-72f4-9b26-ee732b182dc6-0-0.png', 6, 2, '2026-11-26T11:07:32.373Z', '{"text":"OSS: no usable response (ConnectionError)","code":"oss_failed","args":{"reason":{"code":"no_usable_response","args":{"kind":"ConnectionError"}}}}', '2026-11-26T11:07:16.107Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a21789-c3c4-725a-93e9-d98f6234ab4c', 'image', '2026-11-26T11:07:14.814Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a21789-c3c4-725a-93e9-d98f6234ab4c', 'completed', '2026-11-26T11:07:14.818Z', '{}');
INSERT INTO 'events' VALUES (3, '01a21789-c645-74c9-942c-c321a63677d7', 'image', '2026-11-26T11:07:15.006Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a21789-c645-74c9-942c-c321a63677d7', 'completed', '2026-11-26T11:07:15.008Z', '{}');
INSERT INTO 'events' VALUES (5, '01a21789-c6e7-7789-a9b7-05c43a7f754e', 'image', '2026-11-26T11:07:15.267Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a21789-c6e7-7789-a9b7-05c43a7f754e', 'image', '2026-11-26T11:07:15.308Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a21789-c6e7-7789-a9b7-05c43a7f754e', 'completed', '2026-11-26T11:07:15.325Z', '{}');
INSERT INTO 'events' VALUES (8, '01a21789-c87b-729e-a725-7fbc03d1a451', 'image', '2026-11-26T11:07:15.606Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a21789-c87b-729e-a725-7fbc03d1a451', 'completed', '2026-11-26T11:07:15.679Z', '{}');
INSERT INTO 'events' VALUES (10, '01a21789-c9fd-72f4-9b26-ee732b182dc6', 'image', '2026-11-26T11:07:15.948Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a21789-c9fd-72f4-9b26-ee732b182dc6', 'completed', '2026-11-26T11:07:15.972Z', '{}');
INSERT INTO 'events' VALUES (12, '01a21789-cad3-72e8-9401-22f528a90caf', 'failed', '2026-11-26T11:07:16.090Z', '{"error":"outcome_unknown"}');
INSERT INTO 'events' VALUES (13, '01a21789-cb13-700c-b812-cc427b0b6e6e', 'cancelled', '2026-11-26T11:07:26.162Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a21789-c265-717a-b774-ea5b82998eea', '2026-11-26T11:07:13.894Z');
CREATE TABLE image_days (
            day INTEGER PRIMARY KEY,
            first_id INTEGER NOT NULL,
            last_id INTEGER NOT NULL
        ) STRICT
        ;
INSERT INTO 'image_days' VALUES (20783, 1, 6);
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
INSERT INTO 'image_texts_1' VALUES (1, 1795691234814, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795691235006, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795691235267, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795691235308, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795691235948, 'waits for its upload');
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
