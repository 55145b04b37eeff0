-- Which processes are alive, and the places that they share: for calls to a provider, and for maintenance.
--
-- Time is that at which a statement arrives here, now(): a beat that then waits, such as for a full disk, shows no
-- more than that its node was alive when it was sent.

-- From can_tell_from on, the node can tell which of the others are silent. Its host, roles and version are
-- what operators see of it.
CREATE TABLE nodes (
    node text COLLATE "C" PRIMARY KEY,
    heard_at timestamptz NOT NULL,
    can_tell_from timestamptz NOT NULL,
    host text NOT NULL DEFAULT '',
    roles text[] NOT NULL DEFAULT '{}',
    version text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);

-- Returns the nodes that are alive as far as the observer can tell: all that have not left, while it cannot.
CREATE FUNCTION alive_nodes(observer text, dead_after interval) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT node FROM nodes
    WHERE heard_at >= now() - dead_after
        OR NOT EXISTS (
            SELECT FROM nodes AS mine
            WHERE mine.node = observer AND can_tell_from <= now() AND heard_at >= now() - dead_after / 2
        )
$$;

-- Who holds a place of a resource and who waits for one, in the order in which they asked. A resource has as many
-- places as each who asks says (capacity).
CREATE TABLE places (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token text COLLATE "C" NOT NULL UNIQUE,
    resource text COLLATE "C" NOT NULL,
    node text COLLATE "C" NOT NULL,
    capacity integer NOT NULL,
    granted boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

CREATE INDEX places_by_resource ON places (resource, seq);

-- Serialises those who ask for places of a resource, or free them, until their transactions end.
CREATE FUNCTION lock_resource(resource text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtext('imagegen.places'), hashtext(resource))
$$;

-- Grants what is free to those who have waited longest, and returns their tokens. Nobody overtakes, so nobody
-- starves. The resource is locked.
CREATE FUNCTION grant_places(of_resource text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    taken bigint := (SELECT count(*) FROM places WHERE resource = of_resource AND granted);
    next_one places;
BEGIN
    FOR next_one IN SELECT * FROM places WHERE resource = of_resource AND NOT granted ORDER BY seq LOOP
        EXIT WHEN taken >= next_one.capacity;
        UPDATE places SET granted = true WHERE seq = next_one.seq;
        taken := taken + 1;
        RETURN NEXT next_one.token;
    END LOOP;
END
$$;

-- Asks for a place, or whether it has been granted since; "woken" are the tokens to which this call has granted
-- one. Places of nodes that the asking one knows to be dead are removed first, those of other resources, too,
-- since maybe nobody asks for these any more; what another transaction is just changing is passed over.
CREATE FUNCTION ask_for_place(
    new_token text, of_resource text, asking text, of_capacity integer, dead_after interval,
    OUT is_granted boolean, OUT woken text[]
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_resource(of_resource);
    DELETE FROM places WHERE seq IN (
        SELECT seq FROM places WHERE node NOT IN (SELECT alive_nodes(asking, dead_after)) FOR UPDATE SKIP LOCKED
    );
    INSERT INTO places (token, resource, node, capacity) VALUES (new_token, of_resource, asking, of_capacity)
    ON CONFLICT (token) DO NOTHING;
    woken := ARRAY(SELECT grant_places(of_resource));
    SELECT granted INTO is_granted FROM places WHERE token = new_token;
END
$$;

-- Frees a place, or stops waiting for it, and returns the tokens of those who get one for that.
CREATE FUNCTION free_place(old_token text, of_resource text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_resource(of_resource);
    DELETE FROM places WHERE token = old_token;
    RETURN QUERY SELECT grant_places(of_resource);
END
$$;

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

-- The move of a data directory into this database, of which there is one or none. Until it has finished, no node
-- starts here. Files of images up to images_through have been copied.
CREATE TABLE moves (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    source text NOT NULL,
    started_at timestamptz(3) NOT NULL DEFAULT now(),
    images_through bigint NOT NULL DEFAULT 0,
    finished_at timestamptz(3)
);

-- What all nodes of this database have in common.

-- The id by which they own the prefix of their bucket; a move brings that of the data directory.
CREATE TABLE installation (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    id text NOT NULL
);

INSERT INTO installation (id) VALUES (gen_random_uuid()::text);

-- One token that the master key of each must open, so that none seals what the others cannot open.
CREATE TABLE master_key_witness (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    token text NOT NULL
);
