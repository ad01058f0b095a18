-- Since when a hand-over waits for its person; NULL: none does. `waiting_since_ms` is the shopper's own: a message nobody
-- has answered. The assistant's return is timed by that one alone.

ALTER TABLE conversation ADD COLUMN promised_since_ms INTEGER;
CREATE INDEX conversation_promised ON conversation (promised_since_ms) WHERE promised_since_ms IS NOT NULL;

UPDATE conversation SET promised_since_ms = takeover_since_ms
WHERE takeover_cause IN ('asked', 'hand_over') AND parked_reason IS NULL AND channel <> 'local'
  AND NOT EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = conversation.id AND m.side = 'person'
                  AND m.at_ms >= takeover_since_ms)
  AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.conversation_id = conversation.id AND o.author = 'person'
                  AND o.queued_at_ms >= takeover_since_ms);
