-- What belongs to no single tenant. Times are UTC milliseconds; ids are UUID text with their prefix.

-- One row: which installation this is. Names its entry in the operating system's keyring.
CREATE TABLE installation (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    installation_id TEXT    NOT NULL
) STRICT;

CREATE TABLE tenant (
    id            TEXT    PRIMARY KEY,
    slug          TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    currency      TEXT    NOT NULL,
    language      TEXT    NOT NULL,
    website       TEXT,
    state         TEXT    NOT NULL CHECK (state IN ('active', 'paused')),
    created_at_ms INTEGER NOT NULL
) STRICT;

-- Keys that seal secrets, themselves sealed by the master key. Scope: 'installation' or a tenant's id.
CREATE TABLE data_key (
    scope  TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE secret (
    scope       TEXT    NOT NULL,                 -- 'installation' or a tenant's id
    name        TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    fingerprint TEXT    NOT NULL,
    version     INTEGER NOT NULL,                 -- part of what is authenticated: an old blob does not open as a new one
    set_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT;

CREATE TABLE account (
    channel         TEXT    NOT NULL,
    account_id      TEXT    NOT NULL,
    tenant_id       TEXT    NOT NULL REFERENCES tenant (id),
    username        TEXT,
    state           TEXT    NOT NULL CHECK (state IN ('active', 'refused')),
    token_secret    TEXT    NOT NULL,             -- the name of its token in the tenant's secrets
    connected_at_ms INTEGER NOT NULL,
    PRIMARY KEY (channel, account_id)
) STRICT;
CREATE INDEX account_by_tenant ON account (tenant_id);

-- Settings of the installation that can change while it runs.
CREATE TABLE defaults (
    name          TEXT    PRIMARY KEY,
    value         TEXT    NOT NULL,
    changed_at_ms INTEGER NOT NULL
) STRICT;

-- The wake index: when the tenant's file should be looked at next. A hint; the tenant's file is the truth.
CREATE TABLE due (
    tenant_id TEXT    PRIMARY KEY,
    at_ms     INTEGER NOT NULL
) STRICT;

-- Who did what, in a hash chain. Outlives the tenants it speaks of, so it refers to them by id only.
CREATE TABLE audit (
    seq       INTEGER PRIMARY KEY,
    action    TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    actor     TEXT    NOT NULL,
    tenant_id TEXT,
    payload   TEXT    NOT NULL,
    hash      BLOB    NOT NULL
) STRICT;

-- One row: the end of the chain.
CREATE TABLE audit_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT;
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, zeroblob(32));
