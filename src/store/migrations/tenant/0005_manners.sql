-- What a conversation was parked as, and when people answer.

ALTER TABLE conversation ADD COLUMN label TEXT;       -- NULL: no label
CREATE INDEX conversation_label ON conversation (label) WHERE label IS NOT NULL;

ALTER TABLE persona ADD COLUMN hours      TEXT NOT NULL DEFAULT '{}'; -- language -> words, JSON
ALTER TABLE persona ADD COLUMN reply_time TEXT NOT NULL DEFAULT '{}'; -- language -> words, JSON
