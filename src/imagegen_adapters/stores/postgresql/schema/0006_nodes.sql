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
