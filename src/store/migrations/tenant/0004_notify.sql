-- Whom a tenant's people are told through, what is worth telling, and what became of it. Addresses are secrets and are
-- sealed in control.db; no text of a shopper is kept here.

CREATE TABLE notify_target (
    id            TEXT    PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    via           TEXT    NOT NULL CHECK (via IN ('webhook', 'smtp', 'ntfy')),
    shown         TEXT    NOT NULL,                   -- as much of the address as may be shown
    kinds         TEXT    NOT NULL,                   -- what it wants to hear of, JSON
    include_text  INTEGER NOT NULL,
    time_zone     TEXT    NOT NULL,
    quiet_from    INTEGER,                            -- minutes of the local day; NULL: never quiet
    quiet_until   INTEGER,
    created_at_ms INTEGER NOT NULL,
    due_at_ms     INTEGER,                            -- NULL: nothing to tell
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
) STRICT;
CREATE INDEX notify_target_due ON notify_target (due_at_ms) WHERE due_at_ms IS NOT NULL;

-- One message to one target. One at a time: what happens meanwhile goes into the next.
CREATE TABLE notification (
    id             TEXT    PRIMARY KEY,
    target_id      TEXT    NOT NULL REFERENCES notify_target (id) ON DELETE CASCADE,
    state          TEXT    NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'given_up')),
    epoch          INTEGER NOT NULL DEFAULT 0,        -- counts transitions: a stale claim changes nothing
    attempts       INTEGER NOT NULL DEFAULT 0,
    created_at_ms  INTEGER NOT NULL,
    finished_at_ms INTEGER,
    error          TEXT                               -- what the last attempt met
) STRICT;
CREATE INDEX notification_by_target ON notification (target_id, created_at_ms);
CREATE UNIQUE INDEX notification_one_open ON notification (target_id) WHERE state IN ('pending', 'sending');

-- One thing that one target should hear of, written with the event that it tells of.
CREATE TABLE notice (
    id              INTEGER PRIMARY KEY,
    target_id       TEXT    NOT NULL REFERENCES notify_target (id) ON DELETE CASCADE,
    notification_id TEXT    REFERENCES notification (id) ON DELETE CASCADE, -- NULL: waits
    kind            TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    subject         TEXT    NOT NULL,                 -- a conversation's or an account's id
    event_seq       INTEGER NOT NULL,
    at_ms           INTEGER NOT NULL,
    repeats         INTEGER NOT NULL DEFAULT 0,       -- how often it happened again and was not told again
    open            INTEGER NOT NULL DEFAULT 1        -- 0: it is over, and the next time is told again
) STRICT;
CREATE INDEX notice_waiting ON notice (target_id, id) WHERE notification_id IS NULL;
CREATE INDEX notice_open ON notice (subject) WHERE open = 1;
CREATE INDEX notice_by_notification ON notice (notification_id) WHERE notification_id IS NOT NULL;

-- Accounts from which nothing comes although it usually does.
CREATE TABLE account_silence (
    account_id TEXT    PRIMARY KEY,
    since_ms   INTEGER NOT NULL                       -- when something last came
) STRICT;

-- What webhooks brought, by account and time: an account's habit is read from it.
CREATE INDEX message_arrival ON message (account_id, received_at_ms) WHERE side = 'shopper' AND recovered = 0;
