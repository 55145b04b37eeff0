-- The move of a data directory into this database, of which there is one or none. Until it has finished, no node
-- starts here. Files of images up to images_through have been copied.
CREATE TABLE moves (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    source text NOT NULL,
    started_at timestamptz(3) NOT NULL DEFAULT now(),
    images_through bigint NOT NULL DEFAULT 0,
    finished_at timestamptz(3)
);
