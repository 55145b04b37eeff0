-- One token that the master key of every node must open, so that none seals what the others cannot open.

CREATE TABLE master_key_witness (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    token text NOT NULL
);
