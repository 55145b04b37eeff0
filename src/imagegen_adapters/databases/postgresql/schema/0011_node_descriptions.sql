-- What operators see of a node. One of a version before this says none of it.
ALTER TABLE nodes
    ADD COLUMN host text NOT NULL DEFAULT '',
    ADD COLUMN roles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN version text NOT NULL DEFAULT '';
