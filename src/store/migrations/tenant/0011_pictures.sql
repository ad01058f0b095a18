-- Where the pictures of a message are, as the channel says it: addresses that expire within days.

ALTER TABLE message ADD COLUMN pictures TEXT NOT NULL DEFAULT '[]'; -- JSON
