-- Batch jobs of providers. Their tasks have the owner batch:job_id while they are in one; look_at is when the next
-- step is due.
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
CREATE INDEX batch_jobs_open ON batch_jobs (batch_id, provider_name, model_id, seq) WHERE state <> 'ended';
