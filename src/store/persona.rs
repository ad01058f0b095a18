//! The tenant's voice, with every version that it has had. Only ever added to: going back makes a new version, too.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, Transaction, named_params, types::Type};
use serde::{Deserialize, Serialize};

use super::{Error, TenantStore, event};
use crate::domain::{
    Language, Timestamp,
    event::{EventKind, NewEvent},
    persona::{EmojiRule, LanguageRule, Persona, PersonaVersion, Tone},
};

/// Versions that are kept; older ones go.
pub const PERSONA_VERSIONS_MAX: u32 = 200;

/// A voice as its row has it. What an older version did not know takes its default.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default)]
struct Stored {
    name: String,
    tone: String,
    /// Codes; empty: the shopper's.
    languages: Vec<String>,
    emoji: Option<String>,
    greeting: Option<String>,
    sign_off: Option<String>,
    disclose: bool,
    disclosure: Option<String>,
    hours: BTreeMap<String, String>,
    reply_time: BTreeMap<String, String>,
    dos: Vec<String>,
    donts: Vec<String>,
    facts: Vec<String>,
    escalate: Vec<String>,
}

impl TenantStore {
    /// The voice; the default one where none was set.
    pub async fn persona(&self) -> Result<Persona, Error> {
        self.read("read the persona", |tx| Ok(newest(tx)?.persona)).await
    }

    /// A version of the voice; `None` for one that was never set or is no longer kept. 0 is the default one.
    pub async fn persona_version(&self, number: u32) -> Result<Option<PersonaVersion>, Error> {
        self.read("read the persona", move |tx| version(tx, number)).await
    }

    /// Every version that is kept, the newest first; version 0 where none was set.
    pub async fn persona_versions(&self) -> Result<Vec<PersonaVersion>, Error> {
        const SQL: &str = "SELECT * FROM persona ORDER BY version DESC";
        self.read("read the personas", |tx| {
            let list =
                || -> rusqlite::Result<Vec<PersonaVersion>> { tx.prepare_cached(SQL)?.query_map([], read)?.collect() };
            let versions = list().map_err(Error::sql("read the personas"))?;
            Ok(if versions.is_empty() { vec![unset()] } else { versions })
        })
        .await
    }

    /// Sets the voice, as a new version unless it is the same as before; the next turn speaks with it.
    pub async fn set_persona(&self, persona: Persona, now: Timestamp) -> Result<PersonaVersion, Error> {
        self.write("set the persona", move |tx| set(tx, persona, None, now)).await
    }

    /// Sets the voice of an earlier version again, as a new one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such version.
    pub async fn restore_persona(&self, number: u32, now: Timestamp) -> Result<PersonaVersion, Error> {
        self.write("set the persona", move |tx| {
            let earlier = version(tx, number)?
                .ok_or_else(|| Error::NotFound { what: "version of the persona", name: number.to_string() })?;
            set(tx, earlier.persona, Some(number), now)
        })
        .await
    }
}

/// What holds where none was set.
fn unset() -> PersonaVersion {
    PersonaVersion { number: 0, persona: Persona::default(), set_at: None, restored: None }
}

pub(super) fn newest(tx: &Transaction<'_>) -> Result<PersonaVersion, Error> {
    const SQL: &str = "SELECT * FROM persona ORDER BY version DESC LIMIT 1";
    let found = tx.prepare_cached(SQL).and_then(|mut select| select.query_row([], read).optional());
    Ok(found.map_err(Error::sql("read the persona"))?.unwrap_or_else(unset))
}

fn version(tx: &Transaction<'_>, number: u32) -> Result<Option<PersonaVersion>, Error> {
    const SQL: &str = "SELECT * FROM persona WHERE version = :version";
    if number == 0 {
        return Ok(Some(unset()));
    }
    let row = named_params! { ":version": number };
    let found = tx.prepare_cached(SQL).and_then(|mut select| select.query_row(row, read).optional());
    found.map_err(Error::sql("read the persona"))
}

fn set(tx: &Transaction<'_>, persona: Persona, restored: Option<u32>, now: Timestamp) -> Result<PersonaVersion, Error> {
    const SQL: &str = "
        INSERT INTO persona (version, body, set_at_ms, restored) VALUES (:version, :body, :now, :restored)";
    const FORGET: &str = "DELETE FROM persona WHERE version <= :version - :kept";
    let before = newest(tx)?;
    if before.persona == persona {
        return Ok(before);
    }
    let made = PersonaVersion { number: before.number + 1, persona, set_at: Some(now), restored };
    let body = serde_json::to_string(&Stored::from(&made.persona)).expect("text and lists are JSON");
    let row = named_params! { ":version": made.number, ":body": body, ":now": now.0, ":restored": restored };
    let set = tx.prepare_cached(SQL).and_then(|mut insert| insert.execute(row)).and_then(|_| {
        tx.prepare_cached(FORGET)?.execute(named_params! { ":version": made.number, ":kept": PERSONA_VERSIONS_MAX })
    });
    set.map_err(Error::sql("set the persona"))?;
    let mut event = NewEvent::new(EventKind::PersonaChanged, "operator").number("version", made.number.into());
    if let Some(restored) = restored {
        event = event.number("restored", restored.into());
    }
    event::append(tx, now, &event)?;
    Ok(made)
}

fn read(row: &Row<'_>) -> rusqlite::Result<PersonaVersion> {
    let body: String = row.get("body")?;
    let stored = serde_json::from_str::<Stored>(&body).ok().and_then(Stored::into_persona);
    // The shop's words stand in no error.
    let unreadable = || rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "it is no persona".into());
    Ok(PersonaVersion {
        number: row.get("version")?,
        persona: stored.ok_or_else(unreadable)?,
        set_at: Some(Timestamp(row.get("set_at_ms")?)),
        restored: row.get("restored")?,
    })
}

impl Default for Stored {
    fn default() -> Self {
        Self::from(&Persona::default())
    }
}

impl From<&Persona> for Stored {
    fn from(persona: &Persona) -> Self {
        let codes = |these: &[Language]| these.iter().map(|language| language.code().to_owned()).collect();
        let spoken = |words: &BTreeMap<Language, String>| {
            words.iter().map(|(language, words)| (language.code().to_owned(), words.clone())).collect()
        };
        Self {
            name: persona.name.clone(),
            tone: persona.tone.as_str().to_owned(),
            languages: match &persona.language {
                LanguageRule::Shopper => Vec::new(),
                LanguageRule::Only(these) => codes(these),
            },
            emoji: persona.emoji.map(|rule| rule.as_str().to_owned()),
            greeting: persona.greeting.clone(),
            sign_off: persona.sign_off.clone(),
            disclose: persona.disclose,
            disclosure: persona.disclosure.clone(),
            hours: spoken(&persona.hours),
            reply_time: spoken(&persona.reply_time),
            dos: persona.dos.clone(),
            donts: persona.donts.clone(),
            facts: persona.facts.clone(),
            escalate: persona.escalate.clone(),
        }
    }
}

impl Stored {
    /// `None` for a word that this binary does not know.
    fn into_persona(self) -> Option<Persona> {
        let languages = self.languages.iter().map(|code| code.parse().ok()).collect::<Option<Vec<Language>>>()?;
        let spoken = |words: BTreeMap<String, String>| {
            words.into_iter().map(|(code, words)| Some((code.parse().ok()?, words))).collect::<Option<_>>()
        };
        let emoji = match self.emoji {
            Some(word) => Some(EmojiRule::parse(&word)?),
            None => None,
        };
        Some(Persona {
            name: self.name,
            tone: Tone::parse(&self.tone)?,
            language: if languages.is_empty() { LanguageRule::Shopper } else { LanguageRule::Only(languages) },
            emoji,
            greeting: self.greeting,
            sign_off: self.sign_off,
            disclose: self.disclose,
            disclosure: self.disclosure,
            hours: spoken(self.hours)?,
            reply_time: spoken(self.reply_time)?,
            dos: self.dos,
            donts: self.donts,
            facts: self.facts,
            escalate: self.escalate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{sqlite, tenant::SCHEMA},
        *,
    };

    /// The first migration that knows versions.
    const VERSIONS: usize = 10;

    #[test]
    fn a_voice_from_before_there_were_versions_is_version_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("tenant.db");
        let earlier = sqlite::Schema { migrations: &SCHEMA.migrations[..VERSIONS - 1] };
        let connection = sqlite::open_writer(&path, &earlier).expect("an earlier file");
        connection
            .execute_batch(
                "INSERT INTO persona (id, name, tone, greeting, sign_off, disclose, disclosure, hours, changed_at_ms)
                 VALUES (1, 'Mira', 'crisp', 'Moin ''du''!', NULL, 0, NULL, '{\"de\":\"Mo-Fr\"}', 5)",
            )
            .expect("a voice");
        drop(connection);
        let mut connection = sqlite::open_writer(&path, &SCHEMA).expect("the file of today");
        let tx = connection.transaction().expect("a transaction");
        let PersonaVersion { number, persona, set_at, restored } = newest(&tx).expect("read");
        assert_eq!((number, set_at, restored), (1, Some(Timestamp(5)), None));
        let wanted = Persona {
            name: "Mira".into(),
            tone: Tone::Crisp,
            greeting: Some("Moin 'du'!".into()),
            disclose: false,
            hours: [(Language::De, "Mo-Fr".to_owned())].into(),
            ..Persona::default()
        };
        assert_eq!(persona, wanted);
    }

    #[test]
    fn no_more_versions_are_kept_than_the_limit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut connection = sqlite::open_writer(&folder.path().join("tenant.db"), &SCHEMA).expect("a file");
        let tx = connection.transaction().expect("a transaction");
        // A file that belongs to nobody takes no events.
        tx.execute("UPDATE event_head SET owner = 'ten_test'", []).expect("an owner");
        for number in 1..=PERSONA_VERSIONS_MAX + 5 {
            let persona = Persona { name: format!("Mira {number}"), ..Persona::default() };
            assert_eq!(set(&tx, persona, None, Timestamp(0)).expect("set").number, number);
        }
        assert_eq!(version(&tx, 5).expect("read"), None);
        assert!(version(&tx, 6).expect("read").is_some_and(|kept| kept.persona.name == "Mira 6"));
    }
}
