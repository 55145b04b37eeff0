-- What operators see of a node. One of a version before this says neither.
ALTER TABLE nodes
    ADD COLUMN roles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN version text NOT NULL DEFAULT '';
