//! What a shop's file says, read directly: the judge must not be the code that is judged.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

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

    fn open(&self) -> Connection {
        Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file can be opened")
    }

    /// Every message of shoppers.
    pub fn kept(&self) -> Vec<Kept> {
        const SQL: &str = "
            SELECT m.mid, m.text, m.turn_id, t.outcome, t.reason FROM message m LEFT JOIN turn t ON t.id = m.turn_id
            WHERE m.side = 'shopper' ORDER BY m.at_ms, m.id";
        let file = self.open();
        let mut select = file.prepare(SQL).expect("the schema is as known");
        let rows = select.query_map([], |row| {
            Ok(Kept {
                mid: row.get(0)?,
                text: row.get(1)?,
                turn: row.get(2)?,
                outcome: row.get(3)?,
                reason: row.get(4)?,
            })
        });
        rows.expect("the schema is as known").map(|row| row.expect("a row")).collect()
    }

    /// Everything that goes or went out, each conversation in its order.
    pub fn replies(&self) -> Vec<Reply> {
        const SQL: &str = "
            SELECT shopper_id, turn_id, position, text, state, attempts, blind_retries, held FROM outbox
            ORDER BY shopper_id, position";
        let file = self.open();
        let mut select = file.prepare(SQL).expect("the schema is as known");
        let rows = select.query_map([], |row| {
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
        });
        rows.expect("the schema is as known").map(|row| row.expect("a row")).collect()
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
