-- What a finished turn leaves for people, as JSON: what its answer rested on, and how it came about.

CREATE TABLE turn_record (
    turn_id TEXT PRIMARY KEY REFERENCES turn (id) ON DELETE CASCADE,
    basis   TEXT NOT NULL,                            -- data of the shop alone
    steps   TEXT                                      -- NULL: forgotten, because a message was taken back
) STRICT;
