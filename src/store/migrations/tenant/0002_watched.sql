-- What ties a message to the request that brought it, and the chain to the tenant that it tells of.

ALTER TABLE message ADD COLUMN correlation TEXT;           -- NULL: no request brought it (a local trial, catch-up)

-- Whose chain it is (its hashes cover it), and where it begins: retention may one day cut off its old end.
ALTER TABLE event_head ADD COLUMN owner TEXT;
ALTER TABLE event_head ADD COLUMN base_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event_head ADD COLUMN base_hash BLOB NOT NULL
    DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';
