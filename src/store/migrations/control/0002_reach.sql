-- How far a tenant's assistant may go, and with whom.
ALTER TABLE tenant ADD COLUMN mode TEXT NOT NULL DEFAULT 'live' CHECK (mode IN ('off', 'suggest', 'live'));
ALTER TABLE tenant ADD COLUMN only_from TEXT NOT NULL DEFAULT '[]';       -- ids and `@names` of shoppers, JSON; empty: everyone
ALTER TABLE tenant ADD COLUMN reach_since_ms INTEGER NOT NULL DEFAULT 0;

-- What held before: a message is judged by what held when it was written, so that going live answers no backlog.
CREATE TABLE reach_before (
    id        INTEGER PRIMARY KEY,
    tenant_id TEXT    NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    until_ms  INTEGER NOT NULL,
    mode      TEXT    NOT NULL,
    only_from TEXT    NOT NULL
) STRICT;
CREATE INDEX reach_before_by_tenant ON reach_before (tenant_id, until_ms, id);
