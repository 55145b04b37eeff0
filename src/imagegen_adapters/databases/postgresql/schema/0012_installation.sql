-- The id by which the nodes of this database own the prefix of their bucket; a move brings that of the data directory.

CREATE TABLE installation (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    id text NOT NULL
);

INSERT INTO installation (id) VALUES (gen_random_uuid()::text);
