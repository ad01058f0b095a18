-- People whom the operator lets in. Logs know them by id alone: with the row the name is gone.
CREATE TABLE staff (
    id            TEXT    PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL CHECK (role IN ('viewer', 'agent', 'admin')),
    tenants       TEXT    NOT NULL DEFAULT '[]',  -- ids, JSON; none: all
    uid           INTEGER UNIQUE CHECK (uid >= 0),
    key_sha256    BLOB    UNIQUE CHECK (length(key_sha256) = 32),
    created_at_ms INTEGER NOT NULL,
    CHECK (uid IS NOT NULL OR key_sha256 IS NOT NULL)
) STRICT;
