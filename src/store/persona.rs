//! The tenant's voice.

use rusqlite::{OptionalExtension, named_params};

use super::{Error, TenantStore, event, row::parsed};
use crate::domain::{
    Timestamp,
    event::{EventKind, NewEvent},
    persona::{Persona, Tone},
};

impl TenantStore {
    /// The voice; the default one where none was set.
    pub async fn persona(&self) -> Result<Persona, Error> {
        const SQL: &str = "SELECT name, tone, greeting, sign_off, disclose, disclosure FROM persona";
        self.read("read the persona", move |tx| {
            let found = tx.prepare_cached(SQL).and_then(|mut select| {
                select
                    .query_row([], |row| {
                        Ok(Persona {
                            name: row.get("name")?,
                            tone: parsed(row, "tone", Tone::parse)?,
                            greeting: row.get("greeting")?,
                            sign_off: row.get("sign_off")?,
                            disclose: row.get("disclose")?,
                            disclosure: row.get("disclosure")?,
                        })
                    })
                    .optional()
            });
            Ok(found.map_err(Error::sql("read the persona"))?.unwrap_or_default())
        })
        .await
    }

    /// Replaces the voice; the next turn speaks with it.
    pub async fn set_persona(&self, persona: Persona, now: Timestamp) -> Result<(), Error> {
        const SQL: &str = "
            INSERT INTO persona (id, name, tone, greeting, sign_off, disclose, disclosure, changed_at_ms)
            VALUES (1, :name, :tone, :greeting, :sign_off, :disclose, :disclosure, :now)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, tone = excluded.tone, greeting = excluded.greeting,
                sign_off = excluded.sign_off, disclose = excluded.disclose, disclosure = excluded.disclosure,
                changed_at_ms = excluded.changed_at_ms";
        self.write("set the persona", move |tx| {
            let set = tx.prepare_cached(SQL).and_then(|mut upsert| {
                upsert.execute(named_params! {
                    ":name": persona.name, ":tone": persona.tone.as_str(), ":greeting": persona.greeting,
                    ":sign_off": persona.sign_off, ":disclose": persona.disclose, ":disclosure": persona.disclosure,
                    ":now": now.0,
                })
            });
            set.map_err(Error::sql("set the persona"))?;
            event::append(tx, now, &NewEvent::new(EventKind::PersonaChanged, "operator")).map(drop)
        })
        .await
    }
}
