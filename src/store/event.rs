//! The tenant's event log: appended in the transaction of the change it tells of, in a hash chain.

use rusqlite::{Connection, OptionalExtension, Transaction, named_params};

use super::{Error, TenantStore, chain, notice, told};
use crate::domain::{
    MessageId, OutboxId, TenantId, Timestamp,
    event::{Event, NewEvent, Wanted},
};

/// Makes the log of a file its tenant's, once and for all; a file that is another tenant's is refused.
pub(super) fn claim(file: &Connection, tenant: TenantId) -> Result<(), Error> {
    const CLAIM: &str = "UPDATE event_head SET owner = :owner WHERE owner IS NULL";
    const OWNER: &str = "SELECT owner FROM event_head";
    let failed = |error| Error::sql("see whose file it is")(error);
    let owner = || -> rusqlite::Result<Option<String>> { file.query_row(OWNER, [], |row| row.get(0)) };
    let mut found = owner().map_err(failed)?;
    if found.is_none() {
        file.execute(CLAIM, named_params! { ":owner": tenant.to_string() }).map_err(failed)?;
        found = owner().map_err(failed)?;
    }
    match found {
        Some(owner) if owner == tenant.to_string() => Ok(()),
        Some(owner) => Err(Error::Foreign { tenant, owner }),
        None => Err(Error::Unreadable { what: "the owner of a tenant's file", value: "nobody".into() }),
    }
}

/// Appends an event, and notes what people should hear of; `seq` has no gaps, and each hash covers the one before it.
pub(super) fn append(tx: &Transaction<'_>, now: Timestamp, event: &NewEvent) -> Result<i64, Error> {
    const HEAD: &str = "UPDATE event_head SET seq = seq + 1 RETURNING seq, hash, owner";
    const INSERT: &str = "
        INSERT INTO event (seq, kind, version, at_ms, actor, correlation, payload, hash)
        VALUES (:seq, :kind, :version, :at_ms, :actor, :correlation, :payload, :hash)";
    let failed = Error::sql("append an event");
    let theirs = told::doer().staff().map(|_| event.clone().done_by(told::doer()));
    let event = theirs.as_ref().unwrap_or(event);
    let append = || -> Result<i64, rusqlite::Error> {
        let (seq, previous, owner): (i64, Vec<u8>, String) =
            tx.prepare_cached(HEAD)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let payload = chain::payload(&event.fields);
        let entry = chain::Entry {
            seq,
            version: chain::FORMAT,
            at_ms: now.0,
            what: event.kind.as_str(),
            actor: event.actor,
            about: event.correlation.as_deref(),
            payload: &payload,
        };
        let hash = chain::link(&owner, &previous, &entry).expect("today's format is known");
        tx.prepare_cached(INSERT)?.execute(named_params! {
            ":seq": seq, ":kind": event.kind.as_str(), ":version": chain::FORMAT, ":at_ms": now.0,
            ":actor": event.actor, ":correlation": event.correlation, ":payload": payload, ":hash": hash,
        })?;
        tx.prepare_cached("UPDATE event_head SET hash = :hash")?.execute(named_params! { ":hash": hash })?;
        told::note(&owner, event);
        Ok(seq)
    };
    let seq = append().map_err(failed)?;
    notice::on_event(tx, now, seq, event)?;
    Ok(seq)
}

/// Rows of the log that one read looks at, however few of them are wanted: a reader is held for some milliseconds at most.
const ROWS_READ_MAX: i64 = 10_000;

/// A piece of the log.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// What is wanted of it.
    pub events: Vec<Event>,
    /// Where it ends: the next piece is after this.
    pub after: i64,
    /// Whether the log goes on there.
    pub more: bool,
}

fn read_event(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        seq: row.get(0)?,
        kind: row.get(1)?,
        at: Timestamp(row.get(2)?),
        actor: row.get(3)?,
        correlation: row.get(4)?,
        payload: row.get(5)?,
    })
}

impl TenantStore {
    /// What is wanted of the events after `after`, oldest first, at most `limit`, and where to read on.
    pub async fn events_after(&self, after: i64, wanted: Wanted, limit: u32) -> Result<EventPage, Error> {
        const HEAD: &str = "SELECT seq FROM event_head";
        const SQL: &str = "
            SELECT seq, kind, at_ms, actor, correlation, payload FROM event
            WHERE seq > :after AND seq <= :until
              AND (:kinds = '' OR instr(:kinds, ',' || kind || ',') > 0)
              AND (:actor IS NULL OR actor = :actor)
              AND (:staff IS NULL OR payload ->> '$.staff' = :staff)
              AND (:conversation IS NULL OR payload ->> '$.conversation' = :conversation)
              AND (:cost IS NULL OR payload ->> '$.cost_pico' >= :cost)
            ORDER BY seq LIMIT :limit";
        self.read("read events", move |tx| {
            let words: Vec<_> = wanted.kinds.iter().map(|kind| kind.as_str()).collect();
            let kinds = if words.is_empty() { String::new() } else { format!(",{},", words.join(",")) };
            let read = || -> rusqlite::Result<EventPage> {
                let head: i64 = tx.prepare_cached(HEAD)?.query_row([], |row| row.get(0))?;
                // A log that was put back from a copy ends before what its reader has seen.
                let after = after.min(head);
                let until = head.min(after.saturating_add(ROWS_READ_MAX));
                let row = named_params! {
                    ":after": after, ":until": until, ":kinds": kinds, ":actor": wanted.actor, ":limit": limit,
                    ":staff": wanted.staff.map(|id| id.to_string()),
                    ":conversation": wanted.conversation.map(|id| id.to_string()),
                    ":cost": wanted.cost_min.map(|cost| cost.units()),
                };
                let mut select = tx.prepare_cached(SQL)?;
                let events: Vec<_> = select.query_map(row, read_event)?.collect::<rusqlite::Result<_>>()?;
                let full = events.len() >= limit as usize;
                let after = events.last().filter(|_| full).map_or(until, |event| event.seq);
                Ok(EventPage { events, after, more: after < head })
            };
            read().map_err(Error::sql("read events"))
        })
        .await
    }

    /// The `seq` before the first event at or after `at`: the log's end when there is none. A clock that went back makes
    /// this earlier, never later.
    pub async fn event_seq_at(&self, at: Timestamp) -> Result<i64, Error> {
        const SQL: &str = "
            SELECT coalesce((SELECT min(seq) - 1 FROM event WHERE at_ms >= :at), (SELECT seq FROM event_head))";
        self.read("find an event by time", move |tx| {
            let found = tx
                .prepare_cached(SQL)
                .and_then(|mut select| select.query_row(named_params! { ":at": at.0 }, |row| row.get(0)));
            found.map_err(Error::sql("find an event by time"))
        })
        .await
    }

    /// The words of a message; `None` where there are none, or they have been erased.
    pub async fn message_text(&self, message: MessageId) -> Result<Option<String>, Error> {
        self.text("SELECT text FROM message WHERE id = :id", message.to_string()).await
    }

    /// The words of an outbox row.
    pub async fn outbox_text(&self, row: OutboxId) -> Result<Option<String>, Error> {
        self.text("SELECT text FROM outbox WHERE id = :id", row.to_string()).await
    }

    async fn text(&self, sql: &'static str, id: String) -> Result<Option<String>, Error> {
        self.read("read a text", move |tx| {
            let found = tx.prepare_cached(sql).and_then(|mut select| {
                select.query_row(named_params! { ":id": id }, |row| row.get::<_, Option<String>>(0)).optional()
            });
            Ok(found.map_err(Error::sql("read a text"))?.flatten())
        })
        .await
    }

    /// Appends an event that no other change carries.
    pub async fn append_event(&self, event: NewEvent, now: Timestamp) -> Result<(), Error> {
        self.write("append an event", move |tx| append(tx, now, &event).map(drop)).await
    }
}
