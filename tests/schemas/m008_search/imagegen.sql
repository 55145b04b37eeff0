BEGIN;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO '_sqlite_migrations' VALUES (1, 'imagegen', 'm001_provider_configs', '2026-11-26 00:56:38.350207+00:00');
INSERT INTO '_sqlite_migrations' VALUES (2, 'imagegen', 'm002_tasks', '2026-11-26 00:56:38.350783+00:00');
INSERT INTO '_sqlite_migrations' VALUES (3, 'imagegen', 'm003_attempts', '2026-11-26 00:56:38.351078+00:00');
INSERT INTO '_sqlite_migrations' VALUES (4, 'imagegen', 'm004_images', '2026-11-26 00:56:38.351367+00:00');
INSERT INTO '_sqlite_migrations' VALUES (5, 'imagegen', 'm005_outbox', '2026-11-26 00:56:38.351606+00:00');
INSERT INTO '_sqlite_migrations' VALUES (6, 'imagegen', 'm006_events', '2026-11-26 00:56:38.351814+00:00');
INSERT INTO '_sqlite_migrations' VALUES (7, 'imagegen', 'm007_instances', '2026-11-26 00:56:38.351947+00:00');
INSERT INTO '_sqlite_migrations' VALUES (8, 'imagegen', 'm008_search', '2026-11-26 00:56:38.356654+00:00');
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
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'provider_configs' VALUES ('headed', 'demo', NULL, NULL, NULL, '', NULL, 0, NULL, NULL, '{"headers":{"X-Api-Key":"of-a-saved-header","X-Team":"a"}}', '2026-11-26T00:56:38.776Z', '2026-11-26T00:56:38.776Z');
INSERT INTO 'provider_configs' VALUES ('kept', 'demo', NULL, NULL, 'gAAAAABrB4PGQeX5g9F8-wQCdY7ztng8ho0Ueh6ug652YJ8V3Say_didyMbDbH0FOWwhjHU91__75-GbGA0hBMYjkBIabYkuMwv4oU1Jjv0a6g8bdtIOeCFPZECKXinwm7BKjO27yimSa77ONH6CTaAI5jy8sr2ptIyElaycP_taiuXnjj3ZS39Ni2IbCF2LnspbOIqNG5CN', '', NULL, NULL, NULL, NULL, '{}', '2026-11-26T00:56:38.767Z', '2026-11-26T00:56:38.767Z');
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
INSERT INTO 'tasks' VALUES (1, '01a2155a-c099-73ca-ae82-8fd3d4dea53f', 'generate', '一只猫在雨中的屋檐下', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:38.812Z', '2026-11-26T00:56:38.817Z', '2026-11-26T00:56:39.007Z');
INSERT INTO 'tasks' VALUES (2, '01a2155a-c180-70b8-8feb-acc345c32dc1', 'generate', 'a lighthouse at night', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:39.040Z', '2026-11-26T00:56:39.041Z', '2026-11-26T00:56:39.144Z');
INSERT INTO 'tasks' VALUES (3, '01a2155a-c208-7458-ab7a-928cc379ddf3', 'generate', '两只狗 and a river', '{"width":64,"height":64,"num":2}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo', 'completed', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:39.176Z', '2026-11-26T00:56:39.180Z', '2026-11-26T00:56:39.561Z');
INSERT INTO 'tasks' VALUES (4, '01a2155a-c3c8-7173-b919-4d51edb1ffe7', 'generate', 'to be deleted', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:39.624Z', '2026-11-26T00:56:39.626Z', '2026-11-26T00:56:39.684Z');
INSERT INTO 'tasks' VALUES (5, '01a2155a-c4de-763b-af5e-cf7870938940', 'generate', 'waits for its upload', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'completed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, 1.0, 1, 0, 0, '[]', NULL, 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:39.902Z', '2026-11-26T00:56:39.910Z', '2026-11-26T00:56:39.958Z');
INSERT INTO 'tasks' VALUES (6, '01a2155a-c538-71bc-88f5-d84a9fad14eb', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'failed', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', 0, NULL, NULL, 1, NULL, '2026-11-26T00:56:39.993Z', '2026-11-26T00:56:39.995Z', '2026-11-26T00:56:40.020Z');
INSERT INTO 'tasks' VALUES (7, '01a2155a-c575-7065-9254-9a41a25e83cf', 'generate', 'a failure of then', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'cancelled', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', '{"code":"cancelled","message":"cancelled by the caller","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', 1, NULL, NULL, 1, '01a2155a-c538-71bc-88f5-d84a9fad14eb', '2026-11-26T00:56:40.054Z', '2026-11-26T00:56:40.056Z', '2026-11-26T00:56:50.071Z');
INSERT INTO 'tasks' VALUES (8, '01a2155a-ecb9-76fe-b518-a37855fbc196', 'generate', 'received and not stored', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 1, '[]', NULL, 0, '2026-11-26T00:56:55.122Z', NULL, 1, NULL, '2026-11-26T00:56:50.105Z', '2026-11-26T00:56:50.107Z', NULL);
INSERT INTO 'tasks' VALUES (9, '01a2155a-ecdf-7557-a556-83a15529c419', 'generate', 'a job under way', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'job', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"job","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155a-bf1a-76a6-819f-e1e7627a34d5', 1, NULL, '2026-11-26T00:56:50.143Z', '2026-11-26T00:56:50.145Z', NULL);
INSERT INTO 'tasks' VALUES (10, '01a2155a-ecfe-7635-8b4d-d00a19a15a70', 'generate', 'a call without an answer', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155a-bf1a-76a6-819f-e1e7627a34d5', 1, NULL, '2026-11-26T00:56:50.175Z', '2026-11-26T00:56:50.177Z', NULL);
INSERT INTO 'tasks' VALUES (11, '01a2155a-ed1b-740f-b6ee-9864cd843129', 'generate', 'waits with a key of its own', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":"sk-****task","model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"request"}', 'gAAAAABrB4PSrS7a2e1t7i_2h8rfQB9_O-L8DaZQm8AptDs8aL9AfClNDYpc6yatenPADNBQSWpDjidYogPwmZoWh75YCWQaSrxuRgBxTw_GlD8mwDQOqB1z1vDVYvnnxV8JEFNd97MPn04YgYrAMUDqw6ToxjK4_aR2pO-Hxr--HgWlEJxIMymSzfuQd71Y7ZpWBjuOBH4M6j749FHsjJzzZk16witXtiDst4vM4Xw9EYjYuwx4cAj2caF0xhK_M1VOW_2dYTF0g-NR8QNmaj42AsomqbCOA5hidO0ra4bcUcLgPQ7JQAIr5VEtI1rVLnhP2NCUUhRnaWLRcFqOIizJzWdgnu-p4VVAbFlBoSkL-ZuedEcQsr4=', 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:56:50.204Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (12, '01a2155a-ed32-7311-a90d-bc44550cb4b1', 'edit', 'waits with its picture', '{}', '{"references":[],"image":{"key":"01a2155a-ed32-7311-a90d-bc44550cb4b1/image","mime_type":"image/png","width":64,"height":64,"size_bytes":156,"sha256":"58bfb1eb2ae43530d69f77ee563af0a256f008722542f8cbf0e2793fa63c3c35"},"mask":null}', 'demo', 'demo', 'pending', '{"api_base":null,"api_key":null,"model_id":"demo","timeout_seconds":60.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:56:50.230Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (13, '01a2155a-ed3c-76cf-b20c-e86158b42403', 'generate', '等待的任务', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, NULL, NULL, 0, NULL, '2026-11-26T00:56:50.236Z', NULL, NULL);
INSERT INTO 'tasks' VALUES (14, '01a2155a-ed52-71ee-b12d-66d19630bf67', 'generate', 'prepared, not sent', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'processing', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 1, 0, 0, '[]', NULL, 0, NULL, '01a2155a-bf1a-76a6-819f-e1e7627a34d5', 1, NULL, '2026-11-26T00:56:50.175Z', '2026-11-26T00:56:50.177Z', NULL);
INSERT INTO 'tasks' VALUES (15, '01a2155a-ed52-71ee-b12d-66d3a816edf4', 'generate', 'waits for a moment', '{}', '{"references":[],"image":null,"mask":null}', 'chaos', 'direct', 'pending', '{"api_base":"http://vendor.invalid","api_key":null,"model_id":"direct","timeout_seconds":10.0,"max_retries":3,"source":"file"}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, 0, '2026-11-26T00:56:50.236Z', NULL, 0, NULL, '2026-11-26T00:56:50.236Z', NULL, NULL);
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
INSERT INTO 'idempotency_keys' VALUES (':generate', 'of-then', '0b64b6aabaafe4170f94f88d7f7ec4914a057a5a71f675aaa610d3ac2cff79b7', '01a2155a-c208-7458-ab7a-928cc379ddf3', '2999-01-01T00:00:00.000Z');
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
INSERT INTO 'attempts' VALUES (1, '01a2155a-c0a7-76e7-bf66-d9e7386e502c', '01a2155a-c099-73ca-ae82-8fd3d4dea53f', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:56:38.823Z', '2026-11-26T00:56:39.000Z');
INSERT INTO 'attempts' VALUES (2, '01a2155a-c18b-74f5-beed-712e8b270bbb', '01a2155a-c180-70b8-8feb-acc345c32dc1', 1, 0, 'stored', 'certain', '{"id":"job-01a2155a-c18b-74f5-beed-712e8b270bbb-0","data":{},"expires_at":null}', NULL, NULL, '2026-11-26T00:56:39.051Z', '2026-11-26T00:56:39.136Z');
INSERT INTO 'attempts' VALUES (3, '01a2155a-c210-7246-a272-f48a411667ae', '01a2155a-c208-7458-ab7a-928cc379ddf3', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:56:39.184Z', '2026-11-26T00:56:39.545Z');
INSERT INTO 'attempts' VALUES (4, '01a2155a-c3d6-733e-8d84-a312ed8ee09b', '01a2155a-c3c8-7173-b919-4d51edb1ffe7', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:56:39.638Z', '2026-11-26T00:56:39.676Z');
INSERT INTO 'attempts' VALUES (5, '01a2155a-c4ee-7140-a7c8-16b9440a505b', '01a2155a-c4de-763b-af5e-cf7870938940', 1, 0, 'stored', 'certain', NULL, NULL, NULL, '2026-11-26T00:56:39.918Z', '2026-11-26T00:56:39.956Z');
INSERT INTO 'attempts' VALUES (6, '01a2155a-c544-7140-b88d-7a65fb73b411', '01a2155a-c538-71bc-88f5-d84a9fad14eb', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"outcome_unknown","message":"the vendor answered 500 without a reason","retryable":true,"possible_charge":true,"upstream_status":500,"upstream_code":null}', '2026-11-26T00:56:40.004Z', '2026-11-26T00:56:40.014Z');
INSERT INTO 'attempts' VALUES (7, '01a2155a-c581-7574-986b-44e735c67a50', '01a2155a-c575-7065-9254-9a41a25e83cf', 1, 0, 'failed', 'possible', NULL, NULL, '{"code":"timeout","message":"127.0.0.1 did not answer in time","retryable":true,"possible_charge":true,"upstream_status":null,"upstream_code":null}', '2026-11-26T00:56:40.065Z', '2026-11-26T00:56:50.071Z');
INSERT INTO 'attempts' VALUES (8, '01a2155a-ecbf-7751-9cd5-0a87d6afd437', '01a2155a-ecb9-76fe-b518-a37855fbc196', 1, 0, 'received', 'certain', NULL, '{"data":{"file":"answer","kind":"json","status":200,"url":"http://vendor.invalid/direct","headers":{}}}', NULL, '2026-11-26T00:56:50.111Z', '2026-11-26T00:56:50.119Z');
INSERT INTO 'attempts' VALUES (9, '01a2155a-ece5-7767-85b2-be4933f7caec', '01a2155a-ecdf-7557-a556-83a15529c419', 1, 0, 'accepted', 'certain', '{"id":"job-01a2155a-ece5-7767-85b2-be4933f7caec-1","data":{"task":{"id":"job-01a2155a-ece5-7767-85b2-be4933f7caec-1","poll_url":null,"result_url":null,"cancel_url":null}},"expires_at":null}', NULL, NULL, '2026-11-26T00:56:50.149Z', '2026-11-26T00:56:50.152Z');
INSERT INTO 'attempts' VALUES (10, '01a2155a-ed04-73e1-a4b2-048119cd49ac', '01a2155a-ecfe-7635-8b4d-d00a19a15a70', 1, 0, 'submitting', 'possible', NULL, NULL, NULL, '2026-11-26T00:56:50.180Z', '2026-11-26T00:56:50.181Z');
INSERT INTO 'attempts' VALUES (11, '01a2155a-ed52-71ee-b12d-66d23df0d59e', '01a2155a-ed52-71ee-b12d-66d19630bf67', 1, 0, 'reserved', 'none', NULL, NULL, NULL, '2026-11-26T00:56:50.180Z', '2026-11-26T00:56:50.181Z');
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
INSERT INTO 'images' VALUES (1, '01a2155a-c099-73ca-ae82-8fd3d4dea53f', '01a2155a-c0a7-76e7-bf66-d9e7386e502c', 0, 'generate', '一只猫在雨中的屋檐下', 'chaos', 'direct', 'image/png', 16, 16, 1964, 'fb45aff016d4e0d783483eaf9a03ddaa2783821216e588f9bef2e72ccf4a90bf', NULL, NULL, '3f/01a2155a-c099-73ca-ae82-8fd3d4dea53f-0-0.png', '3f/01a2155a-c099-73ca-ae82-8fd3d4dea53f-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:56:39.000Z');
INSERT INTO 'images' VALUES (2, '01a2155a-c180-70b8-8feb-acc345c32dc1', '01a2155a-c18b-74f5-beed-712e8b270bbb', 0, 'generate', 'a lighthouse at night', 'chaos', 'job', 'image/png', 16, 16, 1964, '16f4e24c5c6ecb5dd3a084985989a7487520470a470146f744746e108c810167', NULL, NULL, 'c1/01a2155a-c180-70b8-8feb-acc345c32dc1-0-0.png', 'c1/01a2155a-c180-70b8-8feb-acc345c32dc1-0-0.thumb.webp', 'both', '{}', '{}', '2026-11-26T00:56:39.136Z');
INSERT INTO 'images' VALUES (3, '01a2155a-c208-7458-ab7a-928cc379ddf3', '01a2155a-c210-7246-a272-f48a411667ae', 0, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3942, 'd0ec2657ce50031c69c235ed136684566b439469947991ca29b2fc8f5f57d4a9', NULL, NULL, 'f3/01a2155a-c208-7458-ab7a-928cc379ddf3-0-0.png', 'f3/01a2155a-c208-7458-ab7a-928cc379ddf3-0-0.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":1790574548}', '2026-11-26T00:56:39.488Z');
INSERT INTO 'images' VALUES (4, '01a2155a-c208-7458-ab7a-928cc379ddf3', '01a2155a-c210-7246-a272-f48a411667ae', 1, 'generate', '两只狗 and a river', 'demo', 'demo', 'image/png', 64, 64, 3526, '9456a338ac133c1875ad5ec01d5bb916b9c9885619a30f974d900c305e8f178d', NULL, NULL, 'f3/01a2155a-c208-7458-ab7a-928cc379ddf3-0-1.png', 'f3/01a2155a-c208-7458-ab7a-928cc379ddf3-0-1.thumb.webp', 'both', '{"width":64,"height":64,"num":2}', '{"demo":true,"seed":1790574549}', '2026-11-26T00:56:39.545Z');
INSERT INTO 'images' VALUES (6, '01a2155a-c4de-763b-af5e-cf7870938940', '01a2155a-c4ee-7140-a7c8-16b9440a505b', 0, 'generate', 'waits for its upload', 'chaos', 'direct', 'image/png', 16, 16, 1964, '33a83dad7e9de3a7cfb89c6d9355c7681332f8f5a0f553147d054bb0f6484d0c', NULL, NULL, '40/01a2155a-c4de-763b-af5e-cf7870938940-0-0.png', '40/01a2155a-c4de-763b-af5e-cf7870938940-0-0.thumb.webp', 'local', '{}', '{}', '2026-11-26T00:56:39.956Z');
DELETE FROM sqlite_sequence;
INSERT INTO 'sqlite_sequence' VALUES ('search_generations', 1);
INSERT INTO 'sqlite_sequence' VALUES ('outbox', 7);
INSERT INTO 'sqlite_sequence' VALUES ('images', 6);
INSERT INTO 'sqlite_sequence' VALUES ('events', 13);
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
INSERT INTO 'outbox' VALUES (6, 'remove', 'e7/01a2155a-c3c8-7173-b919-4d51edb1ffe7-0-0.png', 5, 2, '2026-11-26T00:56:55.332Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:56:39.897Z');
INSERT INTO 'outbox' VALUES (7, 'remove', 'e7/01a2155a-c3c8-7173-b919-4d51edb1ffe7-0-0.thumb.webp', 5, 2, '2026-11-26T00:56:55.325Z', 'OSS: no usable answer (ConnectionError)', '2026-11-26T00:56:39.897Z');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO 'events' VALUES (1, '01a2155a-c099-73ca-ae82-8fd3d4dea53f', 'image', '2026-11-26T00:56:39.006Z', '{"image_id":1}');
INSERT INTO 'events' VALUES (2, '01a2155a-c099-73ca-ae82-8fd3d4dea53f', 'completed', '2026-11-26T00:56:39.007Z', '{}');
INSERT INTO 'events' VALUES (3, '01a2155a-c180-70b8-8feb-acc345c32dc1', 'image', '2026-11-26T00:56:39.142Z', '{"image_id":2}');
INSERT INTO 'events' VALUES (4, '01a2155a-c180-70b8-8feb-acc345c32dc1', 'completed', '2026-11-26T00:56:39.144Z', '{}');
INSERT INTO 'events' VALUES (5, '01a2155a-c208-7458-ab7a-928cc379ddf3', 'image', '2026-11-26T00:56:39.550Z', '{"image_id":3}');
INSERT INTO 'events' VALUES (6, '01a2155a-c208-7458-ab7a-928cc379ddf3', 'image', '2026-11-26T00:56:39.551Z', '{"image_id":4}');
INSERT INTO 'events' VALUES (7, '01a2155a-c208-7458-ab7a-928cc379ddf3', 'completed', '2026-11-26T00:56:39.561Z', '{}');
INSERT INTO 'events' VALUES (8, '01a2155a-c3c8-7173-b919-4d51edb1ffe7', 'image', '2026-11-26T00:56:39.679Z', '{"image_id":5}');
INSERT INTO 'events' VALUES (9, '01a2155a-c3c8-7173-b919-4d51edb1ffe7', 'completed', '2026-11-26T00:56:39.684Z', '{}');
INSERT INTO 'events' VALUES (10, '01a2155a-c4de-763b-af5e-cf7870938940', 'image', '2026-11-26T00:56:39.957Z', '{"image_id":6}');
INSERT INTO 'events' VALUES (11, '01a2155a-c4de-763b-af5e-cf7870938940', 'completed', '2026-11-26T00:56:39.958Z', '{}');
INSERT INTO 'events' VALUES (13, '01a2155a-c575-7065-9254-9a41a25e83cf', 'cancelled', '2026-11-26T00:56:50.071Z', '{"error":"cancelled"}');
CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        ;
INSERT INTO 'instances' VALUES ('01a2155a-bf1a-76a6-819f-e1e7627a34d5', '2026-11-26T00:56:38.427Z');
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
INSERT INTO 'image_texts_1' VALUES (1, 1795654599000, '一只猫在雨中的屋檐下');
INSERT INTO 'image_texts_1' VALUES (2, 1795654599136, 'a lighthouse at night');
INSERT INTO 'image_texts_1' VALUES (3, 1795654599488, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (4, 1795654599545, '两只狗 and a river');
INSERT INTO 'image_texts_1' VALUES (6, 1795654599956, 'waits for its upload');
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
CREATE INDEX tasks_ready ON tasks (seq, provider_name)
        WHERE status = 'pending' AND not_before IS NULL
        ;
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
COMMIT;
