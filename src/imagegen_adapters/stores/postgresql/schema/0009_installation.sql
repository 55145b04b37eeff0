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
