-- Folders of tenants that are being added or were removed: a crash leaves them to the next start, which deletes them.
CREATE TABLE unowned_folder (
    tenant_id TEXT    PRIMARY KEY,
    since_ms  INTEGER NOT NULL
) STRICT;
