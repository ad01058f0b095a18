-- Every voice that a shop has had, as JSON. The newest is the one it has.

ALTER TABLE persona RENAME TO persona_before;

CREATE TABLE persona (
    version   INTEGER PRIMARY KEY CHECK (version > 0),
    body      TEXT    NOT NULL,
    set_at_ms INTEGER NOT NULL,
    restored  INTEGER           -- the version that was taken up again; NULL: none was
) STRICT;

INSERT INTO persona (version, body, set_at_ms)
SELECT 1,
       json_object('name', name, 'tone', tone, 'greeting', greeting, 'sign_off', sign_off,
                   'disclose', json(iif(disclose, 'true', 'false')), 'disclosure', disclosure,
                   'hours', json(hours), 'reply_time', json(reply_time)),
       changed_at_ms
FROM persona_before;

DROP TABLE persona_before;
