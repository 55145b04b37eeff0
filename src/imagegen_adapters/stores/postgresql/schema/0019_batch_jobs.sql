-- Batch jobs of providers. Their tasks have the owner batch:job_id while they are in one; look_at is when the next
-- step is due.
CREATE TABLE batch_jobs (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id text COLLATE "C" NOT NULL UNIQUE,
    batch_id text COLLATE "C" NOT NULL,
    provider_name text COLLATE "C" NOT NULL,
    model_id text NOT NULL,
    state text COLLATE "C" NOT NULL,
    created_at timestamptz(3) NOT NULL,
    look_at timestamptz(3) NOT NULL,
    sent_at timestamptz(3),
    file text,
    upstream_id text,
    size_bytes bigint NOT NULL,
    version bigint NOT NULL DEFAULT 0
);
CREATE INDEX batch_jobs_open ON batch_jobs (batch_id, provider_name, model_id, seq) WHERE state <> 'ended';
