-- Which person of the shop has a conversation, who is responsible for it, and who wrote a message: `operator`, or the
-- person's id. Names are joined when they are read.

ALTER TABLE conversation ADD COLUMN holder TEXT;
ALTER TABLE conversation ADD COLUMN held_since_ms INTEGER;
ALTER TABLE conversation ADD COLUMN assignee TEXT;
CREATE INDEX conversation_by_assignee ON conversation (assignee, last_message_at_ms) WHERE assignee IS NOT NULL;

ALTER TABLE outbox ADD COLUMN written_by TEXT;
