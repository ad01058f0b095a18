//! Walks along a hash chain and says where it does not hold. Reads one snapshot of one file, entry by entry, and writes
//! nothing: it works beside a running daemon, and on files that a daemon would refuse.

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, OptionalExtension, Row};

use super::{Error, Store, blocking::Lane, chain, sqlite};
use crate::domain::{
    TenantId,
    proof::{Fault, Mark, Position, Walked},
};

/// Entries between two reports of progress.
const PROGRESS_EVERY: u64 = 10_000;
/// The schema of tenants' files that first says whose they are.
const OWNED_SINCE: i64 = 2;

/// Which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Events(TenantId),
    Audit,
}

/// Hears how many entries have been read.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

impl Store {
    /// Walks along a tenant's event log. `marks`: places known from elsewhere; `cut`: up to where the audit log says that
    /// retention has removed it.
    ///
    /// # Errors
    /// When the file cannot be opened at all.
    pub(crate) async fn walk_events(
        &self,
        tenant: TenantId,
        marks: Vec<Mark>,
        cut: Option<Position>,
        progress: Progress,
    ) -> Result<Walked, Error> {
        let path = self.tenant_db(tenant);
        self.blocking()
            .thread(Lane::Bulk)
            .await?
            .run(move || walk_file(&path, Kind::Events(tenant), &marks, cut, &*progress))
            .await
    }

    /// Walks along the installation's audit log.
    ///
    /// # Errors
    /// When the file cannot be opened at all.
    pub(crate) async fn walk_audit(&self, marks: Vec<Mark>, progress: Progress) -> Result<Walked, Error> {
        let path = self.control_db();
        self.blocking()
            .thread(Lane::Bulk)
            .await?
            .run(move || walk_file(&path, Kind::Audit, &marks, None, &*progress))
            .await
    }

    /// The end of a tenant's event log, as the file notes it.
    pub(crate) async fn event_end(&self, tenant: TenantId) -> Result<Position, Error> {
        let path = self.tenant_db(tenant);
        self.blocking().run(move || end_of(&path, "SELECT seq, hash FROM event_head")).await
    }

    /// The end of the audit log.
    pub(crate) async fn audit_end(&self) -> Result<Position, Error> {
        let path = self.control_db();
        self.blocking().run(move || end_of(&path, "SELECT seq, hash FROM audit_head")).await
    }
}

/// Walks along the audit log of a file that no daemon has open. Blocking.
pub(super) fn audit_of(path: &Path) -> Result<Walked, Error> {
    walk_file(path, Kind::Audit, &[], None, &|_| {})
}

/// Walks along a tenant's event log in a file that no daemon has open, from where it begins. Blocking.
pub(super) fn events_of(path: &Path, tenant: TenantId) -> Result<Walked, Error> {
    let kind = Kind::Events(tenant);
    let begins = ends(&open(path)?, kind).map_err(Error::sql("check a log"))?.map(|ends| ends.base);
    walk_file(path, kind, &[], begins, &|_| {})
}

fn end_of(path: &Path, sql: &str) -> Result<Position, Error> {
    const ACTION: &str = "read the end of a log";
    let file = open(path)?;
    file.query_row(sql, [], |row| Ok(Position { seq: row.get(0)?, hash: row.get(1)? })).map_err(Error::sql(ACTION))
}

fn open(path: &Path) -> Result<Connection, Error> {
    if !path.is_file() {
        return Err(Error::NotFound { what: "file", name: path.display().to_string() });
    }
    sqlite::open_reader(path)
}

fn walk_file(
    path: &Path,
    kind: Kind,
    marks: &[Mark],
    cut: Option<Position>,
    progress: &dyn Fn(u64),
) -> Result<Walked, Error> {
    let mut file = open(path)?;
    // One snapshot: what a daemon appends meanwhile is not part of it.
    let tx = file.transaction().map_err(Error::sql("check a log"))?;
    walk(&tx, kind, marks, cut, progress).map_err(Error::sql("check a log"))
}

/// The note of a chain's two ends.
struct Ends {
    end: Position,
    base: Position,
    owner: Option<String>,
}

fn ends(tx: &Connection, kind: Kind) -> rusqlite::Result<Option<Ends>> {
    let plain = |table: &str| {
        tx.query_row(&format!("SELECT seq, hash FROM {table}"), [], |row| {
            let end = Position { seq: row.get(0)?, hash: row.get(1)? };
            Ok(Ends { end, base: Position::START, owner: None })
        })
        .optional()
    };
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match kind {
        Kind::Audit => plain("audit_head"),
        // Not opened since this Aura came: it is migrated when its tenant is.
        Kind::Events(_) if version < OWNED_SINCE => plain("event_head"),
        Kind::Events(_) => tx
            .query_row("SELECT seq, hash, base_seq, base_hash, owner FROM event_head", [], |row| {
                Ok(Ends {
                    end: Position { seq: row.get(0)?, hash: row.get(1)? },
                    base: Position { seq: row.get(2)?, hash: row.get(3)? },
                    owner: row.get(4)?,
                })
            })
            .optional(),
    }
}

/// An entry with its stored hash, read strictly: a value of another type is damage.
fn read(owner: &str, previous: &[u8], row: &Row<'_>) -> rusqlite::Result<(i64, i64, Option<chain::Hash>, chain::Hash)> {
    let (what, actor, payload): (String, String, String) = (row.get(3)?, row.get(4)?, row.get(6)?);
    let about: Option<String> = row.get(5)?;
    let entry = chain::Entry {
        seq: row.get(0)?,
        version: row.get(1)?,
        at_ms: row.get(2)?,
        what: &what,
        actor: &actor,
        about: about.as_deref(),
        payload: &payload,
    };
    Ok((entry.seq, entry.version, chain::link(owner, previous, &entry), row.get(7)?))
}

fn walk(
    tx: &Connection,
    kind: Kind,
    marks: &[Mark],
    cut: Option<Position>,
    progress: &dyn Fn(u64),
) -> rusqlite::Result<Walked> {
    const EVENTS: &str = "SELECT seq, version, at_ms, kind, actor, correlation, payload, hash FROM event ORDER BY seq";
    const AUDIT: &str = "SELECT seq, version, at_ms, action, actor, tenant_id, payload, hash FROM audit ORDER BY seq";
    let (sql, owner) = match kind {
        Kind::Events(tenant) => (EVENTS, tenant.to_string()),
        Kind::Audit => (AUDIT, chain::INSTALLATION.to_owned()),
    };
    let mut walked = Walked { entries: 0, end: Position::START, faults: Vec::new() };
    let Some(ends) = ends(tx, kind)? else {
        walked.faults.push(Fault::File { reason: "the note of the log's end is missing".into() });
        return Ok(walked);
    };
    if let Some(found) = ends.owner.filter(|found| *found != owner) {
        walked.faults.push(Fault::Foreign { owner: found });
        return Ok(walked);
    }
    if ends.base != Position::START && cut != Some(ends.base) {
        walked.faults.push(Fault::Beginning { seq: ends.base.seq });
    }
    walked.end = ends.base;
    check_marks(&mut walked, marks);
    let mut select = tx.prepare(sql)?;
    let mut rows = select.query([])?;
    loop {
        let next = walked.end.seq + 1;
        // A page that cannot be read ends the walk where it stands.
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) => return Ok(unreadable(walked, next, &error)),
        };
        let (seq, version, computed, stored) = match read(&owner, &walked.end.hash, row) {
            Ok(entry) => entry,
            Err(error) => return Ok(unreadable(walked, next, &error)),
        };
        walked.entries += 1;
        let fault = match computed {
            _ if seq > next => Some(Fault::Missing { from: next, to: seq - 1 }),
            // Out of order: its place was changed.
            _ if seq < next => Some(Fault::Changed { seq: next }),
            None => Some(Fault::UnknownFormat { seq, version }),
            Some(computed) => (computed != stored).then_some(Fault::Changed { seq }),
        };
        if let Some(fault) = fault {
            walked.faults.push(fault);
            return Ok(walked);
        }
        walked.end = Position { seq, hash: stored };
        check_marks(&mut walked, marks);
        if walked.entries.is_multiple_of(PROGRESS_EVERY) {
            progress(walked.entries);
        }
    }
    if ends.end.seq != walked.end.seq {
        walked.faults.push(Fault::End { found: walked.end.seq, noted: ends.end.seq });
    } else if ends.end.hash != walked.end.hash {
        walked.faults.push(Fault::EndHash { seq: ends.end.seq });
    }
    let beyond = marks.iter().filter(|mark| mark.position.seq > walked.end.seq);
    let found = walked.end.seq;
    walked.faults.extend(beyond.map(|mark| Fault::CutOff {
        source_of: mark.source.clone(),
        known: mark.position.seq,
        found,
    }));
    progress(walked.entries);
    Ok(walked)
}

fn unreadable(mut walked: Walked, seq: i64, error: &rusqlite::Error) -> Walked {
    walked.faults.push(Fault::Unreadable { seq, reason: error.to_string() });
    walked
}

/// Compares what is known from elsewhere of the place that the walk has come to.
fn check_marks(walked: &mut Walked, marks: &[Mark]) {
    let end = walked.end;
    let wrong = marks.iter().filter(|mark| mark.position.seq == end.seq && mark.position.hash != end.hash);
    walked.faults.extend(wrong.map(|mark| Fault::Replaced { source_of: mark.source.clone(), seq: end.seq }));
}

#[cfg(test)]
mod tests;
