BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 00:57:18.794302+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 00:57:18.794915+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 00:57:18.795169+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 00:57:18.795491+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 00:57:18.795747+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 00:57:18.795961+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 00:57:18.796107+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 00:57:18.801369+00:00');
INSERT INTO '_sqlite_migrations' VALUES (9, 'imagegen', 'm009_picture_ages', '2026-11-26 00:57:18.801577+00:00');
INSERT INTO '_sqlite_migrations' VALUES (10, 'imagegen', 'm010_sealed_extra', '2026-11-26 00:57:18.802086+00:00');
INSERT INTO '_sqlite_migrations' VALUES (11, 'imagegen', 'm011_ready_by_provider', '2026-11-26 00:57:18.802288+00:00');
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
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Team":"a"}}', '2026-11-26T00:57:19.443Z', '2026-11-26T00:57:19.443Z', 'gAAAAABrB4PvelOxyLecyw4o-2GNimZp5Fg5wH950bHD1yBKrsoW1BAeG209ZU8c_y1mABa3AedZWm6N5-RZ_wuHYO_4u07c-ojnIXB6ml7dCe59PKyrKL_lwNVRrqpiIsi_yxq8QNM6NpY0nD_te99ol_sV3t9flXR8WnNOzj_VtNu7_vknPCSklX6UwDuBhncJKQRtVgNLyoLZecSJzlN8hoRkw9Ys6bmw40kCYKtVIIGfVWMwJhA=');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB4PvQz3_Zr2zrQmEgf1bwvtTN8e-HLpg1PFrXJHmCNKi0wEWyFai9xLCl-mwUXMdkdOkvlSHXK5EedL0dvvKioFP5XBAt41h2kT4YZnhIPodvWZXk4HiJ-YnFWizbxdieROlRbKWb9PXjQ5JMawPQ97bGkMbTV7LIObO2gMoyKcTjBTiVChCzhYOSX3yCuqF9PAh', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T00:57:19.434Z', '2026-11-26T00:57:19.434Z', NULL);
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
        ) STRICT
        ;
INSERT INTO 'tasks' VALUES (1, '01a2155b-5f58-70e1-8e83-16884a319266', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:19.449Z', '2026-11-26T00:57:19.452Z', '2026-11-26T00:57:19.809Z');
INSERT INTO 'tasks' VALUES (2, '01a2155b-610b-74b0-a0ae-054932ecbadc', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:19.884Z', '2026-11-26T00:57:19.891Z', '2026-11-26T00:57:20.318Z');
INSERT INTO 'tasks' VALUES (3, '01a2155b-6312-74ae-b665-b243f7819b98', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:20.403Z', '2026-11-26T00:57:20.410Z', '2026-11-26T00:57:20.491Z');
INSERT INTO 'tasks' VALUES (4, '01a2155b-638d-74e7-a792-97fae9c0a14c', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:20.525Z', '2026-11-26T00:57:20.537Z', '2026-11-26T00:57:20.705Z');
INSERT INTO 'tasks' VALUES (5, '01a2155b-64f5-7672-a769-5e44c00f32e0', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:20.885Z', '2026-11-26T00:57:20.909Z', '2026-11-26T00:57:20.947Z');
INSERT INTO 'tasks' VALUES (6, '01a2155b-658f-7430-8768-2a845cc92825', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', 0, NULL, NULL, 1, NULL, '2026-11-26T00:57:21.039Z', '2026-11-26T00:57:21.041Z', '2026-11-26T00:57:21.084Z');
INSERT INTO 'tasks' VALUES (7, '01a2155b-661a-7063-955f-e86b6419ac3a', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","message":"cancelled by the caller","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', 1, NULL, NULL, 1, '01a2155b-658f-7430-8768-2a845cc92825', '2026-11-26T00:57:21.178Z', '2026-11-26T00:57:21.179Z', '2026-11-26T00:57:31.186Z');
INSERT INTO 'tasks' VALUES (8, '01a2155b-8dad-7693-9fa1-98fcabeb9e28', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T00:57:36.359Z', NULL, 1, NULL, '2026-11-26T00:57:31.309Z', '2026-11-26T00:57:31.313Z', NULL);
INSERT INTO 'tasks' VALUES (9, '01a2155b-8e19-738c-9e3b-aaf66aef9174', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-5d52-778d-a576-538a7b2976cc', 1, NULL, '2026-11-26T00:57:31.417Z', '2026-11-26T00:57:31.425Z', NULL);
INSERT INTO 'tasks' VALUES (10, '01a2155b-8e41-70e7-8859-eb01c9ef9f38', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-5d52-778d-a576-538a7b2976cc', 1, NULL, '2026-11-26T00:57:31.457Z', '2026-11-26T00:57:31.466Z', NULL);
INSERT INTO 'tasks' VALUES (11, '01a2155b-8e66-7287-b818-b0873d0d5f6d', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB4P7QeTW4rDqqWvmgBg136BfVw5RsQOD87Lm0MrUTO3tpnik0cg3XIYPNb8WsOQeRW8tIHGtmP89pgNqxi_UPASOHX0G3TFm8ql-0DSvISbHcLPHvE0Hdl-qEzFB3PFIZshiVIpYC0sLf8gMzj6bK1Cv0agLlSbr0JX4xNsrmIpw0P5OIO8PWolIWWBsY3HwCXukHKe097ocDkzaUr4ph0QDcS3WeKsTYHoJJWlg0zCo1zFTmoZC5unJLQW2uCrlzKJNTNzMMcBG0S0cXnkCSXJXqVrDfU1x7Z_yK5uFl2zsONlPMrTwvuZ5dGc92hLpN7OMEnFWBjVZpnDc4spy3h8HctF2k5AiYanknHIeL9MZbxo=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:31.494Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (12, '01a2155b-8e6d-76b3-958e-effbf7fbe16e', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a2155b-8e6d-76b3-958e-effbf7fbe16e/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:31.504Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (13, '01a2155b-8e73-74a6-91c4-7fa42183b778', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:57:31.507Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (14, '01a2155b-8e9b-7454-a14e-ffb6dbf901fd', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155b-5d52-778d-a576-538a7b2976cc', 1, NULL, '2026-11-26T00:57:31.457Z', '2026-11-26T00:57:31.466Z', NULL);
INSERT INTO 'tasks' VALUES (15, '01a2155b-8e9b-7454-a14e-ffb8211f406c', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T00:57:31.507Z', NULL, 0, NULL, '2026-11-26T00:57:31.507Z', NULL, NULL);
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
            expires_at TEXT NOT NULL,
            PRIMARY KEY (scope, key)
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a2155b-6312-74ae-b665-b243f7819b98', '2999-01-01T00:00:00.000Z');
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
        ) STRICT
        ;
INSERT INTO 'attempts' VALUES (1, '01a2155b-5f6a-7187-877d-dbb5eac96477', '01a2155b-5f58-70e1-8e83-16884a319266', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:19.466Z', '2026-11-26T00:57:19.789Z');
INSERT INTO 'attempts' VALUES (2, '01a2155b-613e-7401-80de-1c243a0effab', '01a2155b-610b-74b0-a0ae-054932ecbadc', 1, 0, 'stored', 'certain', '{"id":"job-01a2155b-613e-7401-80de-1c243a0effab-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T00:57:19.934Z', '2026-11-26T00:57:20.258Z');
INSERT INTO 'attempts' VALUES (3, '01a2155b-6333-71af-ab47-6bce86983456', '01a2155b-6312-74ae-b665-b243f7819b98', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:20.435Z', '2026-11-26T00:57:20.471Z');
INSERT INTO 'attempts' VALUES (4, '01a2155b-63d9-74e4-8f5e-c83c902198e8', '01a2155b-638d-74e7-a792-97fae9c0a14c', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:20.601Z', '2026-11-26T00:57:20.688Z');
INSERT INTO 'attempts' VALUES (5, '01a2155b-651c-7256-b2ee-6b252c605474', '01a2155b-64f5-7672-a769-5e44c00f32e0', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:57:20.924Z', '2026-11-26T00:57:20.945Z');
INSERT INTO 'attempts' VALUES (6, '01a2155b-65a8-744b-b281-569884272dba', '01a2155b-658f-7430-8768-2a845cc92825', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', '2026-11-26T00:57:21.064Z', '2026-11-26T00:57:21.082Z');
INSERT INTO 'attempts' VALUES (7, '01a2155b-661e-7487-b1bf-c2fcbe7a8476', '01a2155b-661a-7063-955f-e86b6419ac3a', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","message":"127.0.0.1 did not answer in time","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', '2026-11-26T00:57:21.182Z', '2026-11-26T00:57:31.185Z');
INSERT INTO 'attempts' VALUES (8, '01a2155b-8dcf-703b-a841-a94458d5229c', '01a2155b-8dad-7693-9fa1-98fcabeb9e28', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T00:57:31.343Z', '2026-11-26T00:57:31.357Z');
INSERT INTO 'attempts' VALUES (9, '01a2155b-8e25-7383-9579-d2e9a52e5620', '01a2155b-8e19-738c-9e3b-aaf66aef9174', 1, 0, 'accepted', 'certain', '{"id":"job-01a2155b-8e25-7383-9579-d2e9a52e5620-1","data":{"task":{"id":"job-01a2155b-8e25-7383-9579-d2e9a52e5620-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T00:57:31.429Z', '2026-11-26T00:57:31.434Z');
INSERT INTO 'attempts' VALUES (10, '01a2155b-8e58-7636-8335-65cff69e9e92', '01a2155b-8e41-70e7-8859-eb01c9ef9f38', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T00:57:31.480Z', '2026-11-26T00:57:31.483Z');
INSERT INTO 'attempts' VALUES (11, '01a2155b-8e9b-7454-a14e-ffb784e047fd', '01a2155b-8e9b-7454-a14e-ffb6dbf901fd', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T00:57:31.480Z', '2026-11-26T00:57:31.483Z');
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
INSERT INTO 'images' VALUES (1, '01a2155b-5f58-70e1-8e83-16884a319266', '01a2155b-5f6a-7187-877d-dbb5eac96477', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, '4c3a95bfc5c1e0de875235b9a4ced8a4ccc040d162a06a9d0c90b7d798fa1d00', NULL, '5539873699989627149', '66/01a2155b-5f58-70e1-8e83-16884a319266-0-0.png', '66/01a2155b-5f58-70e1-8e83-16884a319266-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:57:19.789Z');
INSERT INTO 'images' VALUES (2, '01a2155b-610b-74b0-a0ae-054932ecbadc', '01a2155b-613e-7401-80de-1c243a0effab', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, 'eb0a5103cdd93e8d20ee842b0459c0f88cb38b5a00b14add4f3c272369339fb1', NULL, '11183255067737467857', 'dc/01a2155b-610b-74b0-a0ae-054932ecbadc-0-0.png', 'dc/01a2155b-610b-74b0-a0ae-054932ecbadc-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:57:20.258Z');
INSERT INTO 'images' VALUES (3, '01a2155b-6312-74ae-b665-b243f7819b98', '01a2155b-6333-71af-ab47-6bce86983456', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3831, '682dbfccfd9ff4a57b4a238651a6e1d0aea1c7dc0853a1a9e876ddfaf0165297', NULL, '12808851728332866657', '98/01a2155b-6312-74ae-b665-b243f7819b98-0-0.png', '98/01a2155b-6312-74ae-b665-b243f7819b98-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":977217991}', '2026-11-26T00:57:20.467Z');
INSERT INTO 'images' VALUES (4, '01a2155b-6312-74ae-b665-b243f7819b98', '01a2155b-6333-71af-ab47-6bce86983456', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3838, '5622847566caa711d9d20cbe06abcc52c3e1569e4633862e07446d14d656161e', NULL, '16503257812048531815', '98/01a2155b-6312-74ae-b665-b243f7819b98-0-1.png', '98/01a2155b-6312-74ae-b665-b243f7819b98-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":977217992}', '2026-11-26T00:57:20.471Z');
INSERT INTO 'images' VALUES (6, '01a2155b-64f5-7672-a769-5e44c00f32e0', '01a2155b-651c-7256-b2ee-6b252c605474', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '19a752ad0ce4fff2e979d4649ec3359cd465903d13a469f52fe5266df13fcf8d', NULL, '2866192204381467633', 'e0/01a2155b-64f5-7672-a769-5e44c00f32e0-0-0.png', 'e0/01a2155b-64f5-7672-a769-5e44c00f32e0-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T00:57:20.945Z');
DELETE FROM sqlite_sequence;
INSERT INTO 'sqlite_sequence' VALUES ('search_generations', 1);
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
        ) STRICT
        ;
INSERT INTO 'outbox' VALUES (6, 'remove', '4c/01a2155b-638d-74e7-a792-97fae9c0a14c-0-0.png', 5, 2, '2026-11-26T00:57:36.195Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:20.851Z');
INSERT INTO 'outbox' VALUES (7, 'remove', '4c/01a2155b-638d-74e7-a792-97fae9c0a14c-0-0.thumb.webp', 5, 2, '2026-11-26T00:57:36.195Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:20.851Z');
INSERT INTO 'outbox' VALUES (8, 'upload', 'e0/01a2155b-64f5-7672-a769-5e44c00f32e0-0-0.png', 6, 2, '2026-11-26T00:57:37.434Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:57:21.148Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a2155b-5f58-70e1-8e83-16884a319266', 'image', '2026-11-26T00:57:19.801Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a2155b-5f58-70e1-8e83-16884a319266', 'completed', '2026-11-26T00:57:19.809Z', '{}');
INSERT INTO 'events' VALUES (3, '01a2155b-610b-74b0-a0ae-054932ecbadc', 'image', '2026-11-26T00:57:20.281Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a2155b-610b-74b0-a0ae-054932ecbadc', 'completed', '2026-11-26T00:57:20.318Z', '{}');
INSERT INTO 'events' VALUES (5, '01a2155b-6312-74ae-b665-b243f7819b98', 'image', '2026-11-26T00:57:20.475Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a2155b-6312-74ae-b665-b243f7819b98', 'image', '2026-11-26T00:57:20.482Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a2155b-6312-74ae-b665-b243f7819b98', 'completed', '2026-11-26T00:57:20.491Z', '{}');
INSERT INTO 'events' VALUES (8, '01a2155b-638d-74e7-a792-97fae9c0a14c', 'image', '2026-11-26T00:57:20.694Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a2155b-638d-74e7-a792-97fae9c0a14c', 'completed', '2026-11-26T00:57:20.705Z', '{}');
INSERT INTO 'events' VALUES (10, '01a2155b-64f5-7672-a769-5e44c00f32e0', 'image', '2026-11-26T00:57:20.946Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a2155b-64f5-7672-a769-5e44c00f32e0', 'completed', '2026-11-26T00:57:20.947Z', '{}');
INSERT INTO 'events' VALUES (13, '01a2155b-661a-7063-955f-e86b6419ac3a', 'cancelled', '2026-11-26T00:57:31.186Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a2155b-5d52-778d-a576-538a7b2976cc', '2026-11-26T00:57:18.930Z');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795654639789, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795654640258, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795654640467, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795654640471, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795654640945, 'waits for its upload');
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
COMMIT;
