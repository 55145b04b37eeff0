-- Only jobs that have not ended; what each has tells how far it is.
DELETE FROM batch_jobs WHERE state = 'ended';
ALTER TABLE batch_jobs DROP COLUMN state, DROP COLUMN look_at, DROP COLUMN size_bytes;
