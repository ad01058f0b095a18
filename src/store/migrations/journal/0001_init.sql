-- Raw deliveries of every channel, until they are in their tenants' files. Rows are deleted as soon as that is so.

CREATE TABLE delivery (
    id             INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival; never used twice, so a reader can go on behind one
    scope          TEXT,                              -- NULL: signed by the installation; else the tenant whose secret signed it
    received_at_ms INTEGER NOT NULL,
    body           BLOB    NOT NULL
) STRICT;

-- Correctly signed, and not to be read: kept for a person to look at.
CREATE TABLE unreadable (
    id             INTEGER PRIMARY KEY,
    scope          TEXT,
    received_at_ms INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    body           BLOB    NOT NULL
) STRICT;
CREATE INDEX unreadable_by_time ON unreadable (received_at_ms);
