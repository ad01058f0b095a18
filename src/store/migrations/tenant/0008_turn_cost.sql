-- What the models of a conversation's newest turn have cost, so that no turn passes its ceiling. Ids of turns grow with time.

ALTER TABLE conversation ADD COLUMN cost_turn_id TEXT;
ALTER TABLE conversation ADD COLUMN turn_cost_pico INTEGER NOT NULL DEFAULT 0;
CREATE INDEX conversation_cost_turn ON conversation (cost_turn_id) WHERE cost_turn_id IS NOT NULL;
CREATE INDEX spend_reservation_turn ON spend_reservation (turn_id) WHERE turn_id IS NOT NULL;
