-- What is left of a conversation that was erased: enough that nothing of it comes back out of a delivery, a thread that is
-- read again, or a backup. `tombstone` is keyed; without the installation's key it names nobody.
CREATE TABLE erasure (
    conversation_id TEXT    PRIMARY KEY,
    tombstone       BLOB    NOT NULL,
    erased_at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX erasure_tombstone ON erasure (tombstone);
