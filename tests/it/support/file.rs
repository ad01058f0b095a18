//! What a shop's file says, read directly: the judge must not be the code that is judged.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, Row};
use sha2::{Digest, Sha256};

/// One row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub shopper: String,
    pub turn: Option<String>,
    pub position: i64,
    pub text: String,
    pub state: String,
    pub attempts: u32,
    pub blind_retries: u32,
    pub held: bool,
}

/// A shopper's message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub shopper: String,
    pub mid: String,
    pub text: Option<String>,
    pub turn: Option<String>,
    /// What became of the turn that covers it.
    pub outcome: Option<String>,
    pub reason: Option<String>,
}

/// A shop's file.
#[derive(Clone, Debug)]
pub struct TenantFile(PathBuf);

impl TenantFile {
    /// The file of the only shop in a data directory.
    pub fn only(data_dir: &Path) -> Self {
        let folders = fs::read_dir(data_dir.join("tenants")).expect("the folder of tenants is there");
        let mut folders: Vec<_> = folders.map(|entry| entry.expect("the folder can be read").path()).collect();
        assert_eq!(folders.len(), 1, "one shop: {folders:?}");
        Self(folders.remove(0).join("tenant.db"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn open(&self) -> Connection {
        Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file can be opened")
    }

    fn rows<T>(&self, sql: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let file = self.open();
        let mut select = file.prepare(sql).expect("the schema is as known");
        let rows = select.query_map([], read).expect("the schema is as known");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// The summaries of conversations.
    pub fn summaries(&self) -> Vec<String> {
        self.rows("SELECT summary FROM conversation_memory", |row| row.get(0))
    }

    /// What is kept of shoppers' pictures: JSON, one for each of their messages, oldest first.
    pub fn sights(&self) -> Vec<String> {
        const SQL: &str = "SELECT sights FROM message WHERE side = 'shopper' ORDER BY at_ms, id";
        self.rows(SQL, |row| row.get(0))
    }

    /// Every message of shoppers.
    pub fn kept(&self) -> Vec<Kept> {
        const SQL: &str = "
            SELECT c.shopper_id, m.mid, m.text, m.turn_id, t.outcome, t.reason FROM message m
            JOIN conversation c ON c.id = m.conversation_id LEFT JOIN turn t ON t.id = m.turn_id
            WHERE m.side = 'shopper' ORDER BY m.at_ms, m.id";
        self.rows(SQL, |row| {
            Ok(Kept {
                shopper: row.get(0)?,
                mid: row.get(1)?,
                text: row.get(2)?,
                turn: row.get(3)?,
                outcome: row.get(4)?,
                reason: row.get(5)?,
            })
        })
    }

    /// Everything that goes or went out, each conversation in its order.
    pub fn replies(&self) -> Vec<Reply> {
        const SQL: &str = "
            SELECT shopper_id, turn_id, position, text, state, attempts, blind_retries, held FROM outbox
            ORDER BY shopper_id, position";
        self.rows(SQL, |row| {
            Ok(Reply {
                shopper: row.get(0)?,
                turn: row.get(1)?,
                position: row.get(2)?,
                text: row.get(3)?,
                state: row.get(4)?,
                attempts: row.get(5)?,
                blind_retries: row.get(6)?,
                held: row.get(7)?,
            })
        })
    }

    /// Follows the chain of events from its beginning to its head. The rule is written down anew here: a hash covers the
    /// one before it, the place, the time, the format, whose chain it is, and the texts with their lengths.
    pub fn check_events(&self) {
        const HEAD: &str = "SELECT seq, hash, owner FROM event_head";
        const EVENTS: &str =
            "SELECT seq, at_ms, version, hash, correlation, kind, actor, payload FROM event ORDER BY seq";
        let file = self.open();
        let head = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (last, newest, owner): (i64, Vec<u8>, String) = file.query_row(HEAD, [], head).expect("there is a head");
        let mut select = file.prepare(EVENTS).expect("the schema is as known");
        let mut rows = select.query([]).expect("the schema is as known");
        let (mut seq, mut hash) = (0_i64, vec![0_u8; 32]);
        while let Some(row) = rows.next().expect("a row") {
            let number = |at| row.get::<_, i64>(at).expect("a number");
            let text = |at| row.get::<_, String>(at).expect("text");
            let correlation: Option<String> = row.get(4).expect("text or none");
            seq += 1;
            assert_eq!((number(0), number(2)), (seq, 2), "no event is missing, and each has today's format");
            let mut link = Sha256::new();
            link.update([2]);
            link.update(&hash);
            [seq, number(1), 2].iter().for_each(|number| link.update(number.to_be_bytes()));
            link.update((owner.len() as u64).to_be_bytes());
            link.update(&owner);
            link.update([u8::from(correlation.is_some())]);
            for text in [text(5), text(6), correlation.unwrap_or_default(), text(7)] {
                link.update((text.len() as u64).to_be_bytes());
                link.update(text);
            }
            hash = link.finalize().to_vec();
            assert_eq!(row.get::<_, Vec<u8>>(3).expect("a hash"), hash, "event {seq} is not what was written");
        }
        assert_eq!((seq, hash), (last, newest), "the head is the last event");
    }
}

/// Checks every database file under a data directory that no process has open; returns how many there were.
pub fn check_files(data_dir: &Path) -> usize {
    let mut folders = vec![data_dir.to_owned()];
    let mut checked = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "db") {
                let file = Connection::open(&path).expect("the file can be opened");
                let verdict: String =
                    file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("the check runs");
                assert_eq!(verdict, "ok", "{}", path.display());
                checked += 1;
            }
        }
    }
    checked
}
