-- The request that brought a delivery (its UUID): what is done about it can be found in the log by it.

ALTER TABLE delivery ADD COLUMN request BLOB;
ALTER TABLE unreadable ADD COLUMN request BLOB;
