-- Messages left to people, until somebody deals with them: why, and since when.
ALTER TABLE conversation ADD COLUMN parked_reason TEXT;
ALTER TABLE conversation ADD COLUMN parked_since_ms INTEGER;
CREATE INDEX conversation_parked ON conversation (parked_since_ms) WHERE parked_since_ms IS NOT NULL;

-- When the channel was last asked for the shopper's name.
ALTER TABLE conversation ADD COLUMN shopper_name_at_ms INTEGER;

-- The conversation's `recalled` before this turn, to be restored where its answer never goes out.
ALTER TABLE turn ADD COLUMN recalled_before TEXT;

-- A draft is a pending row of the bot that is held: it goes when a person approves, and `not_before_ms` is then the end
-- of the channel's window, at which it is withdrawn.
ALTER TABLE outbox ADD COLUMN approved_at_ms INTEGER;
CREATE INDEX outbox_draft ON outbox (conversation_id, not_before_ms) WHERE state = 'pending' AND held = 1;
