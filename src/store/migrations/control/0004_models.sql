-- Which models answer, for whom, and for how much. Scope: 'installation' or a tenant's id.

CREATE TABLE model_choice (
    scope     TEXT NOT NULL,
    role      TEXT NOT NULL CHECK (role IN ('chat', 'embed', 'vision')),
    model     TEXT NOT NULL,               -- 'builtin' or PROVIDER:MODEL
    fallbacks TEXT NOT NULL DEFAULT '[]',  -- in order, JSON
    PRIMARY KEY (scope, role)
) STRICT;

-- What is NULL is decided by who stands behind. An amount is whole units of 10^-12 US dollars.
CREATE TABLE model_limit (
    scope             TEXT PRIMARY KEY,
    allowed           TEXT,                -- PROVIDER or PROVIDER:MODEL, JSON
    day_pico          INTEGER CHECK (day_pico >= 0),
    month_pico        INTEGER CHECK (month_pico >= 0),
    conversation_pico INTEGER CHECK (conversation_pico >= 0)
) STRICT;
