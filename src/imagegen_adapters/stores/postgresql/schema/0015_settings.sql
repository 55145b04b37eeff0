-- Settings that are saved, such as the default provider, over those of config.yaml.
CREATE TABLE settings (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);
