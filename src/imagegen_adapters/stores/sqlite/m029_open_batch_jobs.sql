-- Only jobs that have not ended; what each has tells how far it is.
DELETE FROM batch_jobs WHERE state = 'ended';
DROP INDEX batch_jobs_open;
ALTER TABLE batch_jobs DROP COLUMN state;
ALTER TABLE batch_jobs DROP COLUMN look_at;
ALTER TABLE batch_jobs DROP COLUMN size_bytes;
