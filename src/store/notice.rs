//! What people should hear of, written in the transaction of the event it tells of: never lost, never doubled.

use rusqlite::{Row, Transaction, named_params};

use super::{Error, row::strings};
use crate::domain::{
    TargetId, Timestamp,
    channel::ChannelKind,
    event::NewEvent,
    notify::{Concern, NoticeKind, QuietHours, REPEAT_MS, STORM_MESSAGES, Zone, concern, told_at},
};

/// What telling a target depends on.
pub(super) struct Listener {
    pub(super) id: TargetId,
    pub(super) quiet: Option<QuietHours>,
    kinds: Vec<String>,
}

impl Listener {
    pub(super) const COLUMNS: &str = "id, kinds, time_zone, quiet_from, quiet_until";

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: super::row::id(row, "id")?, quiet: quiet_hours(row)?, kinds: strings(row, "kinds")? })
    }
}

/// A target's quiet hours, of a row with its time zone.
pub(super) fn quiet_hours(row: &Row<'_>) -> rusqlite::Result<Option<QuietHours>> {
    let zone: Zone = super::row::id(row, "time_zone")?;
    let (from, until): (Option<u16>, Option<u16>) = (row.get("quiet_from")?, row.get("quiet_until")?);
    Ok(from.zip(until).and_then(|(from, until)| QuietHours::from_minutes(from, until, zone)))
}

/// Notes for every target that wants to hear of the event that it should.
pub(super) fn on_event(tx: &Transaction<'_>, now: Timestamp, seq: i64, event: &NewEvent) -> Result<(), Error> {
    let Some(concern) = concern(event) else { return Ok(()) };
    let noted = match concern {
        Concern::Raise { kind, reason, subject } => raise(tx, now, seq, kind, reason, &subject),
        Concern::Over { kind, reason, subject } => over(tx, now, seq, kind, reason, &subject),
        Concern::Settle { subject, by_person } => settle(tx, &subject, by_person),
    };
    noted.map_err(Error::sql("note what people should hear of"))
}

fn raise(
    tx: &Transaction<'_>,
    now: Timestamp,
    seq: i64,
    kind: NoticeKind,
    reason: &'static str,
    subject: &str,
) -> rusqlite::Result<()> {
    const TRIAL: &str = "SELECT 1 FROM conversation WHERE id = :subject AND channel = :local";
    const REPEAT: &str = "
        UPDATE notice SET repeats = repeats + 1
        WHERE target_id = :target AND kind = :kind AND subject = :subject AND open = 1 AND at_ms > :since";
    let listeners = listeners(tx)?;
    if listeners.is_empty() {
        return Ok(());
    }
    // Whoever tries the assistant out is there already.
    let local = named_params! { ":subject": subject, ":local": ChannelKind::Local.as_str() };
    if tx.prepare_cached(TRIAL)?.exists(local)? {
        return Ok(());
    }
    for listener in listeners.iter().filter(|listener| listener.kinds.iter().any(|word| word == kind.as_str())) {
        let repeated = tx.prepare_cached(REPEAT)?.execute(named_params! {
            ":target": listener.id.to_string(), ":kind": kind.as_str(), ":subject": subject,
            ":since": now.plus_ms(-REPEAT_MS).0,
        })?;
        if repeated == 0 {
            insert(tx, now, seq, listener, kind, reason, subject, true)?;
        }
    }
    Ok(())
}

/// Those who were told hear that it is over; those who were not need not hear of either.
fn over(
    tx: &Transaction<'_>,
    now: Timestamp,
    seq: i64,
    kind: NoticeKind,
    reason: &'static str,
    subject: &str,
) -> rusqlite::Result<()> {
    const UNTOLD: &str = "
        DELETE FROM notice WHERE subject = :subject AND kind = :kind AND open = 1 AND notification_id IS NULL";
    const CLOSE: &str = "
        UPDATE notice SET open = 0 WHERE subject = :subject AND kind = :kind AND open = 1 RETURNING target_id";
    let of = named_params! { ":subject": subject, ":kind": kind.as_str() };
    tx.prepare_cached(UNTOLD)?.execute(of)?;
    let told: Vec<TargetId> =
        tx.prepare_cached(CLOSE)?.query_map(of, |row| super::row::id(row, "target_id"))?.collect::<Result<_, _>>()?;
    for listener in listeners(tx)?.iter().filter(|listener| told.contains(&listener.id)) {
        insert(tx, now, seq, listener, kind, reason, subject, false)?;
    }
    Ok(())
}

fn settle(tx: &Transaction<'_>, subject: &str, by_person: bool) -> rusqlite::Result<()> {
    const NEEDLESS: &str = "DELETE FROM notice WHERE subject = :subject AND open = 1 AND notification_id IS NULL";
    const CLOSE: &str = "UPDATE notice SET open = 0 WHERE subject = :subject AND open = 1";
    if by_person {
        tx.prepare_cached(NEEDLESS)?.execute(named_params! { ":subject": subject })?;
    }
    tx.prepare_cached(CLOSE)?.execute(named_params! { ":subject": subject })?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one row, one insert")]
fn insert(
    tx: &Transaction<'_>,
    now: Timestamp,
    seq: i64,
    listener: &Listener,
    kind: NoticeKind,
    reason: &'static str,
    subject: &str,
    open: bool,
) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO notice (target_id, kind, reason, subject, event_seq, at_ms, open)
        VALUES (:target, :kind, :reason, :subject, :seq, :now, :open)";
    tx.prepare_cached(INSERT)?.execute(named_params! {
        ":target": listener.id.to_string(), ":kind": kind.as_str(), ":reason": reason, ":subject": subject,
        ":seq": seq, ":now": now.0, ":open": open,
    })?;
    plan(tx, listener, now)
}

/// Plans the next message to a target that has none planned, if something waits for it.
pub(super) fn plan(tx: &Transaction<'_>, listener: &Listener, now: Timestamp) -> rusqlite::Result<()> {
    const PLAN: &str = "UPDATE notify_target SET due_at_ms = :at WHERE id = :target AND due_at_ms IS NULL";
    let Some(at) = allowed_at(tx, listener, now)? else { return Ok(()) };
    tx.prepare_cached(PLAN)?.execute(named_params! { ":target": listener.id.to_string(), ":at": at.0 })?;
    Ok(())
}

/// When a target may be told of what waits; `None`: nothing does.
pub(super) fn allowed_at(
    tx: &Transaction<'_>,
    listener: &Listener,
    now: Timestamp,
) -> rusqlite::Result<Option<Timestamp>> {
    const WAITING: &str = "SELECT min(at_ms) FROM notice WHERE target_id = :target AND notification_id IS NULL";
    const STORM: &str = "
        SELECT min(created_at_ms) AS began, count(*) AS messages FROM (
            SELECT created_at_ms FROM notification WHERE target_id = :target
            ORDER BY created_at_ms DESC LIMIT :messages)";
    let target = listener.id.to_string();
    let waiting: Option<i64> =
        tx.prepare_cached(WAITING)?.query_row(named_params! { ":target": target }, |row| row.get(0))?;
    let Some(waiting) = waiting else { return Ok(None) };
    let recent = named_params! { ":target": target, ":messages": STORM_MESSAGES };
    let (began, messages): (Option<i64>, u32) =
        tx.prepare_cached(STORM)?.query_row(recent, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let storm = began.filter(|_| messages == STORM_MESSAGES).map(Timestamp);
    Ok(Some(told_at(Timestamp(waiting), storm, listener.quiet.as_ref(), now)))
}

fn listeners(tx: &Transaction<'_>) -> rusqlite::Result<Vec<Listener>> {
    tx.prepare_cached(&format!("SELECT {} FROM notify_target ORDER BY id", Listener::COLUMNS))?
        .query_map([], Listener::read)?
        .collect()
}
