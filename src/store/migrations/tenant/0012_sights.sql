-- What the pictures of a message show, as a model put it. Gone with the message, and when it is taken back.

ALTER TABLE message ADD COLUMN sights TEXT NOT NULL DEFAULT '[]'; -- JSON
