-- What models cost. An amount is whole units of 10^-12 US dollars; a day is counted from 1970-01-01 (UTC).

-- Set aside before a call at the most that it can cost; gone when what it did cost is known.
CREATE TABLE spend_reservation (
    id              TEXT    PRIMARY KEY,
    conversation_id TEXT    REFERENCES conversation (id) ON DELETE SET NULL,   -- NULL: none, as in a test of a model
    turn_id         TEXT,
    correlation     TEXT,
    role            TEXT    NOT NULL,
    model           TEXT    NOT NULL,          -- PROVIDER:MODEL as it was asked for
    amount_pico     INTEGER NOT NULL CHECK (amount_pico >= 0),
    reserved_at_ms  INTEGER NOT NULL,
    expires_at_ms   INTEGER NOT NULL           -- after it the call has lost its caller, and counts in full
) STRICT;
CREATE INDEX spend_reservation_expiry ON spend_reservation (expires_at_ms);

CREATE TABLE spend (
    day                INTEGER NOT NULL,
    role               TEXT    NOT NULL,
    model              TEXT    NOT NULL,       -- PROVIDER:MODEL as it served
    calls              INTEGER NOT NULL DEFAULT 0,
    failures           INTEGER NOT NULL DEFAULT 0,
    input_tokens       INTEGER NOT NULL DEFAULT 0,
    cached_tokens      INTEGER NOT NULL DEFAULT 0,
    output_tokens      INTEGER NOT NULL DEFAULT 0,
    cost_pico          INTEGER NOT NULL DEFAULT 0,
    estimated_pico     INTEGER NOT NULL DEFAULT 0,   -- of these, what no usage report confirms
    latency_ms         INTEGER NOT NULL DEFAULT 0,   -- of all calls together
    PRIMARY KEY (day, role, model)
) STRICT, WITHOUT ROWID;

ALTER TABLE conversation ADD COLUMN cost_pico INTEGER NOT NULL DEFAULT 0;
