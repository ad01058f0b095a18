//! The tenant's voice.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, named_params};

use super::{Error, TenantStore, event, row::parsed};
use crate::domain::{
    Language, Timestamp,
    event::{EventKind, NewEvent},
    persona::{Persona, Tone},
};

impl TenantStore {
    /// The voice; the default one where none was set.
    pub async fn persona(&self) -> Result<Persona, Error> {
        const SQL: &str = "SELECT name, tone, greeting, sign_off, disclose, disclosure, hours, reply_time FROM persona";
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
                            hours: by_language(row, "hours")?,
                            reply_time: by_language(row, "reply_time")?,
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
            INSERT INTO persona (id, name, tone, greeting, sign_off, disclose, disclosure, hours, reply_time, changed_at_ms)
            VALUES (1, :name, :tone, :greeting, :sign_off, :disclose, :disclosure, :hours, :reply_time, :now)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, tone = excluded.tone, greeting = excluded.greeting,
                sign_off = excluded.sign_off, disclose = excluded.disclose, disclosure = excluded.disclosure,
                hours = excluded.hours, reply_time = excluded.reply_time, changed_at_ms = excluded.changed_at_ms";
        self.write("set the persona", move |tx| {
            let set = tx.prepare_cached(SQL).and_then(|mut upsert| {
                upsert.execute(named_params! {
                    ":name": persona.name, ":tone": persona.tone.as_str(), ":greeting": persona.greeting,
                    ":sign_off": persona.sign_off, ":disclose": persona.disclose, ":disclosure": persona.disclosure,
                    ":hours": json(&persona.hours), ":reply_time": json(&persona.reply_time), ":now": now.0,
                })
            });
            set.map_err(Error::sql("set the persona"))?;
            event::append(tx, now, &NewEvent::new(EventKind::PersonaChanged, "operator")).map(drop)
        })
        .await
    }
}

/// Reads words by language, stored as a JSON object.
fn by_language(row: &Row<'_>, column: &str) -> rusqlite::Result<BTreeMap<Language, String>> {
    parsed(row, column, |text| {
        let words: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        words.into_iter().map(|(code, words)| Some((code.parse().ok()?, words))).collect()
    })
}

fn json(words: &BTreeMap<Language, String>) -> String {
    let object = words.iter().map(|(language, words)| (language.code().to_owned(), words.as_str().into()));
    serde_json::Value::Object(object.collect()).to_string()
}
