-- How many messages a conversation has, so that a list need not count them.

ALTER TABLE conversation ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
UPDATE conversation SET messages = (SELECT count(*) FROM message m WHERE m.conversation_id = conversation.id);
