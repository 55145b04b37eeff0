-- Files in chunks: inputs and responses of tasks, inputs that are kept, and images that the archive does not take
-- now. A file that is being written, or that was replaced, has no key: nobody finds it, and after a day it is removed.

CREATE TABLE files (
    file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store text COLLATE "C" NOT NULL,
    key text COLLATE "C",
    size_bytes bigint,
    written_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (store, key)
);

CREATE INDEX files_without_key ON files (written_at) WHERE key IS NULL;

-- Images do not compress: with EXTERNAL nobody tries, and a part of a chunk is read without the rest.
CREATE TABLE file_chunks (
    file_id bigint NOT NULL REFERENCES files ON DELETE CASCADE,
    starts_at bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (file_id, starts_at)
);

ALTER TABLE file_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

-- Gives a file its key, and takes it from the file that had it. Returns false, and changes nothing, if the file or
-- a part of it is missing, as after a failover to a server that had not got all chunks.
CREATE FUNCTION finish_file(finished bigint, new_key text, size bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    its_store constant text := (SELECT store FROM files WHERE file_id = finished);
BEGIN
    IF its_store IS NULL OR size <> (
        SELECT coalesce(sum(octet_length(content)), 0) FROM file_chunks WHERE file_id = finished
    ) THEN
        RETURN false;
    END IF;
    -- Of two who give a new key at the same time, neither would see the file of the other.
    PERFORM pg_advisory_xact_lock(hashtextextended(its_store || '/' || new_key, 0));
    UPDATE files SET key = NULL, written_at = now()
    WHERE store = its_store AND key = new_key AND file_id <> finished;
    UPDATE files SET key = new_key, size_bytes = size, written_at = now() WHERE file_id = finished;
    RETURN FOUND;
END
$$;

-- Moves the named files of a folder to another store, in place of those that it has, and removes the others.
CREATE FUNCTION move_files(from_store text, folder text, names text[], to_store text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    moved constant text[] := ARRAY(SELECT folder || '/' || name FROM unnest(names) AS name);
BEGIN
    DELETE FROM files AS earlier USING files AS later
    WHERE earlier.store = to_store AND earlier.key = ANY (moved)
        AND later.store = from_store AND later.key = earlier.key;
    UPDATE files SET store = to_store WHERE store = from_store AND key = ANY (moved);
    DELETE FROM files WHERE store = from_store AND key >= folder || '/' AND key < folder || '0';
END
$$;
