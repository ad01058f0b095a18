-- Everything of one tenant. Times are UTC milliseconds; ids are UUID text.

CREATE TABLE event (
    seq         INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    correlation TEXT,
    payload     TEXT    NOT NULL,
    hash        BLOB    NOT NULL
) STRICT;
CREATE INDEX event_by_time ON event (at_ms, seq);

-- One row: the end of the chain.
CREATE TABLE event_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT;
INSERT INTO event_head (id, seq, hash) VALUES (1, 0, zeroblob(32));

-- One row: the voice.
CREATE TABLE persona (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    name       TEXT    NOT NULL,
    tone       TEXT    NOT NULL,
    greeting   TEXT,
    sign_off   TEXT,
    disclose   INTEGER NOT NULL,
    disclosure TEXT,
    changed_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE conversation (
    id                 TEXT    PRIMARY KEY,
    channel            TEXT    NOT NULL,
    account_id         TEXT    NOT NULL,
    shopper_id         TEXT    NOT NULL,
    shopper_name       TEXT,
    language           TEXT,
    created_at_ms      INTEGER NOT NULL,
    last_message_at_ms INTEGER NOT NULL,
    last_shopper_at_ms INTEGER,
    disclosed_at_ms    INTEGER,
    recalled           TEXT    NOT NULL DEFAULT '[]', -- product keys of the last reply, JSON
    takeover_cause     TEXT,                          -- NULL: the bot answers
    takeover_since_ms  INTEGER,
    waiting_since_ms   INTEGER,                       -- a shopper waits for a person since
    turn_due_at_ms     INTEGER,                       -- a turn is due; NULL: nothing to answer
    UNIQUE (channel, account_id, shopper_id)
) STRICT;
CREATE INDEX conversation_turn_due ON conversation (turn_due_at_ms) WHERE turn_due_at_ms IS NOT NULL;
CREATE INDEX conversation_waiting ON conversation (waiting_since_ms) WHERE waiting_since_ms IS NOT NULL;
CREATE INDEX conversation_recent ON conversation (last_message_at_ms DESC);

CREATE TABLE turn (
    id              TEXT    PRIMARY KEY,
    conversation_id TEXT    NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    state           TEXT    NOT NULL CHECK (state IN ('running', 'finished')),
    outcome         TEXT,
    reason          TEXT,
    model           TEXT,
    evidence        TEXT    NOT NULL DEFAULT '[]',    -- product keys and when they were read, JSON
    guard_refusals  INTEGER NOT NULL DEFAULT 0,
    started_at_ms   INTEGER NOT NULL,
    finished_at_ms  INTEGER
) STRICT;
CREATE INDEX turn_by_conversation ON turn (conversation_id, started_at_ms);
CREATE UNIQUE INDEX turn_one_running ON turn (conversation_id) WHERE state = 'running';

-- Results of a turn's effects, so that a crash resumes after the last one.
CREATE TABLE turn_effect (
    turn_id TEXT    NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
    step    INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    result  TEXT    NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (turn_id, step)
) STRICT;

CREATE TABLE message (
    id              TEXT    PRIMARY KEY,
    conversation_id TEXT    NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    account_id      TEXT    NOT NULL,
    mid             TEXT,                             -- the channel's id; NULL until known
    side            TEXT    NOT NULL CHECK (side IN ('shopper', 'bot', 'person')),
    text            TEXT,
    payload         TEXT,
    attachments     TEXT    NOT NULL DEFAULT '[]',    -- JSON
    at_ms           INTEGER NOT NULL,                 -- by the channel's clock
    received_at_ms  INTEGER NOT NULL,
    unsent          INTEGER NOT NULL DEFAULT 0,
    answerable      INTEGER NOT NULL DEFAULT 0,
    recovered       INTEGER NOT NULL DEFAULT 0,       -- found by reading the thread; no webhook had brought it
    turn_id         TEXT REFERENCES turn (id)         -- the one turn that covers it (shopper messages only)
) STRICT;
CREATE UNIQUE INDEX message_mid ON message (account_id, mid) WHERE mid IS NOT NULL;
CREATE INDEX message_by_conversation ON message (conversation_id, at_ms, id);
CREATE INDEX message_open ON message (conversation_id) WHERE answerable = 1 AND turn_id IS NULL;
CREATE INDEX message_turn ON message (turn_id) WHERE turn_id IS NOT NULL;

-- Every event of the channel that has no message row of its own, once. Text is not kept here.
CREATE TABLE channel_event (
    account_id     TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    dedupe_key     TEXT    NOT NULL,
    shopper_id     TEXT,
    at_ms          INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    detail         TEXT    NOT NULL,                  -- JSON: ids and words
    PRIMARY KEY (account_id, kind, dedupe_key)
) STRICT;

-- An unsend that came before its message.
CREATE TABLE unsent (
    account_id TEXT    NOT NULL,
    mid        TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    PRIMARY KEY (account_id, mid)
) STRICT;

-- What goes out, one row a message. `pending -> sending -> sent`, or `unknown`, `failed`, `cancelled`.
CREATE TABLE outbox (
    id              TEXT    PRIMARY KEY,
    conversation_id TEXT    NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    account_id      TEXT    NOT NULL,
    shopper_id      TEXT    NOT NULL,
    turn_id         TEXT REFERENCES turn (id),        -- NULL: a person wrote it
    author          TEXT    NOT NULL CHECK (author IN ('bot', 'person')),
    position        INTEGER NOT NULL,                 -- order within the conversation
    text            TEXT    NOT NULL,
    products        TEXT    NOT NULL DEFAULT '[]',    -- product keys that the text names, JSON
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'unknown', 'failed', 'cancelled')),
    reason          TEXT,
    epoch           INTEGER NOT NULL DEFAULT 0,       -- counts transitions: a stale claim changes nothing
    attempts        INTEGER NOT NULL DEFAULT 0,
    blind_retries   INTEGER NOT NULL DEFAULT 0,       -- retries after an outcome nobody could see
    looks           INTEGER NOT NULL DEFAULT 0,       -- times the thread was read for it
    held            INTEGER NOT NULL DEFAULT 0,       -- waits for a person
    queued_at_ms    INTEGER NOT NULL,
    guarded_at_ms   INTEGER NOT NULL,                 -- when the guard last passed it
    not_before_ms   INTEGER NOT NULL,
    sending_at_ms   INTEGER,
    sent_at_ms      INTEGER,
    mid             TEXT,
    UNIQUE (conversation_id, position)
) STRICT;
CREATE UNIQUE INDEX outbox_mid ON outbox (account_id, mid) WHERE mid IS NOT NULL;
CREATE INDEX outbox_open ON outbox (conversation_id, position) WHERE state IN ('pending', 'sending', 'unknown');
CREATE INDEX outbox_due ON outbox (not_before_ms) WHERE state IN ('pending', 'unknown') AND held = 0;
CREATE INDEX outbox_turn ON outbox (turn_id) WHERE turn_id IS NOT NULL;

-- An echo that may be ours: waits while its thread has a row whose outcome is open.
CREATE TABLE pending_echo (
    account_id  TEXT    NOT NULL,
    mid         TEXT    NOT NULL,
    shopper_id  TEXT    NOT NULL,
    text        TEXT,
    at_ms       INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (account_id, mid)
) STRICT;
CREATE INDEX pending_echo_thread ON pending_echo (account_id, shopper_id);

-- Catalogue. Columns that searches filter by stand before the body, which may be long.
CREATE TABLE product (
    id         INTEGER PRIMARY KEY,
    key        TEXT    NOT NULL UNIQUE,               -- the source's id or handle
    hash       BLOB    NOT NULL,                      -- over body and indexed words: equal means unchanged
    visible    INTEGER NOT NULL,                      -- active and published
    available  INTEGER NOT NULL,                      -- any variant can be bought
    currency   TEXT,                                  -- NULL: no price is known
    price_low  INTEGER,                               -- minor units, as `Product::price_range`
    price_high INTEGER,
    status     TEXT    NOT NULL CHECK (status IN ('active', 'unlisted', 'draft', 'archived')),
    variants   INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    body       TEXT    NOT NULL                       -- the whole product, JSON
) STRICT;

-- What searches filter and rank by, without the rows themselves: a common word would touch thousands of them.
CREATE INDEX product_limits ON product (id, available, currency, price_low, price_high);

-- Words of visible products only, folded and stemmed by us; `rowid` is `product.id`.
CREATE VIRTUAL TABLE product_text USING fts5 (
    title, brand, category, options, description,
    tokenize = "ascii tokenchars '#='"
);

-- Imports commit in small slices, each a segment: merge them less eagerly, and at the end of an import as a whole.
INSERT INTO product_text (product_text, rank) VALUES ('automerge', 16);

-- In how many visible products each word stands.
CREATE TABLE product_word (
    word     TEXT    PRIMARY KEY,
    products INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE catalog_import (
    id             INTEGER PRIMARY KEY,
    source         TEXT    NOT NULL,
    format         TEXT    NOT NULL,
    started_at_ms  INTEGER NOT NULL,
    finished_at_ms INTEGER,                           -- NULL: runs, or died
    complete       INTEGER NOT NULL DEFAULT 0,        -- read to its end
    products       INTEGER NOT NULL DEFAULT 0,
    variants       INTEGER NOT NULL DEFAULT 0,
    added          INTEGER NOT NULL DEFAULT 0,
    updated        INTEGER NOT NULL DEFAULT 0,
    unchanged      INTEGER NOT NULL DEFAULT 0,
    removed        INTEGER NOT NULL DEFAULT 0,
    skipped        INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Scratch of a running import: the keys it has met. Emptied when it ends.
CREATE TABLE catalog_seen (
    import_id INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    brought   INTEGER NOT NULL,                       -- 0: only met on a row that was unusable
    PRIMARY KEY (import_id, key)
) STRICT, WITHOUT ROWID;
