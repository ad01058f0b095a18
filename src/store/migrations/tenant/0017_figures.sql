-- What a look at a shop counts is counted in indexes: what shoppers wrote by when it came, turns by when they ended.

CREATE INDEX message_recovered ON message (account_id, received_at_ms) WHERE side = 'shopper' AND recovered = 1;
CREATE INDEX turn_finished ON turn (finished_at_ms, outcome, conversation_id) WHERE state = 'finished';
CREATE INDEX channel_event_newest ON channel_event (account_id, received_at_ms);
