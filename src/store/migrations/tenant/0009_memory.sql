-- What was said in a conversation before its newest messages, in short, for models. Made of messages up to `through`, and
-- gone with the conversation, or when one of these messages is taken back.
CREATE TABLE conversation_memory (
    conversation_id TEXT    PRIMARY KEY REFERENCES conversation (id) ON DELETE CASCADE,
    summary         TEXT    NOT NULL,
    through_at_ms   INTEGER NOT NULL,
    through_id      TEXT    NOT NULL,
    made_by         TEXT    NOT NULL,                 -- PROVIDER:MODEL
    made_at_ms      INTEGER NOT NULL
) STRICT;
