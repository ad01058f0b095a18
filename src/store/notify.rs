//! Notifications on their way: when a target is due, what one message holds, and what came of it.
//!
//! Every transition names the epoch it was claimed at: one that has moved on changes nothing.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{
    Error, TenantStore, event,
    notice::{Listener, allowed_at, plan, quiet_hours},
    row::{id, moment, parsed, parsed_opt, strings},
};
use crate::domain::{
    NotificationId, TargetId, Timestamp,
    channel::{AccountId, ChannelKind},
    event::{EventKind, NewEvent},
    notify::{
        About, LastNotification, Notice, NoticeKind, Notification, NotificationState, NotifyOutcome, Said, Target,
        TargetState, Via, backoff_ms,
    },
};

/// An attempt without an outcome after so long has lost its sender.
const SENDING_MAX_MS: i64 = 60_000;
/// A target that refuses may be down for an update: so many attempts before it is believed.
const REFUSALS_MAX: u32 = 3;
/// The longest wait that the other side can ask for.
const WAIT_MAX_MS: i64 = 6 * 3_600_000;
/// How long finished notifications are kept for people to look at.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// The most targets of a tenant: each is a connection of its own when something happens.
const TARGETS_MAX: u32 = 16;

/// A notification that the caller alone may send now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedNotification {
    /// Whom it is for.
    pub target: Target,
    /// What it says.
    pub notification: Notification,
    /// The transition that claimed it.
    pub epoch: i64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

const TARGET_COLUMNS: &str =
    "id, name, via, shown, kinds, include_text, time_zone, quiet_from, quiet_until, created_at_ms, due_at_ms";

fn read_target(row: &Row<'_>) -> rusqlite::Result<Target> {
    let kinds = strings(row, "kinds")?;
    Ok(Target {
        id: id(row, "id")?,
        name: id(row, "name")?,
        via: parsed(row, "via", Via::parse)?,
        shown: row.get("shown")?,
        kinds: kinds.iter().filter_map(|word| NoticeKind::parse(word)).collect(),
        include_text: row.get("include_text")?,
        zone: id(row, "time_zone")?,
        quiet: quiet_hours(row)?,
        created_at: Timestamp(row.get("created_at_ms")?),
    })
}

impl TenantStore {
    /// Adds a target. What has happened before it is not told to it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name is taken, or there are too many.
    pub async fn add_notify_target(&self, target: Target) -> Result<(), Error> {
        const INSERT: &str = "
            INSERT INTO notify_target (id, name, via, shown, kinds, include_text, time_zone, quiet_from, quiet_until,
                                       created_at_ms)
            VALUES (:id, :name, :via, :shown, :kinds, :include_text, :zone, :quiet_from, :quiet_until, :created)
            ON CONFLICT (name) DO NOTHING";
        self.write("add a notify target", move |tx| {
            let quiet = target.quiet.as_ref().map(crate::domain::notify::QuietHours::minutes);
            let add = || -> rusqlite::Result<(u32, usize)> {
                let known = tx.query_row("SELECT count(*) FROM notify_target", [], |row| row.get(0))?;
                let added = tx.prepare_cached(INSERT)?.execute(named_params! {
                    ":id": target.id.to_string(), ":name": target.name.as_str(), ":via": target.via.as_str(),
                    ":shown": target.shown,
                    ":kinds": super::row::json_strings(target.kinds.iter().map(|kind| kind.as_str())),
                    ":include_text": target.include_text, ":zone": target.zone.name(),
                    ":quiet_from": quiet.map(|(from, _)| from), ":quiet_until": quiet.map(|(_, until)| until),
                    ":created": target.created_at.0,
                })?;
                Ok((known, added))
            };
            match add().map_err(Error::sql("add a notify target"))? {
                (known, _) if known >= TARGETS_MAX => {
                    Err(Error::Conflict(format!("there are {TARGETS_MAX} notify targets already")))
                }
                (_, 0) => Err(Error::Conflict(format!("there is already a notify target `{}`", target.name))),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Removes a target and whatever it was still to be told.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such target.
    pub async fn remove_notify_target(&self, target: TargetId) -> Result<(), Error> {
        self.write("remove a notify target", move |tx| {
            let removed = tx
                .prepare_cached("DELETE FROM notify_target WHERE id = :id")
                .and_then(|mut delete| delete.execute(named_params! { ":id": target.to_string() }));
            match removed.map_err(Error::sql("remove a notify target"))? {
                0 => Err(Error::NotFound { what: "notify target", name: target.to_string() }),
                _ => Ok(()),
            }
        })
        .await
    }

    /// The targets, by name, with how their notifications fare.
    pub async fn notify_targets(&self) -> Result<Vec<TargetState>, Error> {
        const WAITING: &str = "SELECT count(*) FROM notice WHERE target_id = :id AND notification_id IS NULL";
        const GIVEN_UP: &str = "SELECT count(*) FROM notification WHERE target_id = :id AND state = 'given_up'";
        const LAST: &str = "
            SELECT state, attempts, created_at_ms, finished_at_ms, error FROM notification WHERE target_id = :id
            ORDER BY created_at_ms DESC, id DESC LIMIT 1";
        self.read("list notify targets", move |tx| {
            let list = || -> rusqlite::Result<Vec<TargetState>> {
                let found: Vec<(Target, Option<Timestamp>)> = tx
                    .prepare_cached(&format!("SELECT {TARGET_COLUMNS} FROM notify_target ORDER BY name"))?
                    .query_map([], |row| Ok((read_target(row)?, moment(row, "due_at_ms")?)))?
                    .collect::<Result<_, _>>()?;
                let state = |(target, due_at): (Target, Option<Timestamp>)| {
                    let text = target.id.to_string();
                    let of = named_params! { ":id": text };
                    Ok(TargetState {
                        waiting: tx.prepare_cached(WAITING)?.query_row(of, |row| row.get(0))?,
                        given_up: tx.prepare_cached(GIVEN_UP)?.query_row(of, |row| row.get(0))?,
                        last: tx.prepare_cached(LAST)?.query_row(of, read_last).optional()?,
                        target,
                        due_at,
                    })
                };
                found.into_iter().map(state).collect()
            };
            list().map_err(Error::sql("list notify targets"))
        })
        .await
    }

    /// The earliest moment at which a target wants to be told something, overdue or not; `None`: none does.
    pub async fn next_notification(&self) -> Result<Option<Timestamp>, Error> {
        const SQL: &str = "SELECT min(due_at_ms) FROM notify_target WHERE due_at_ms IS NOT NULL";
        self.read("find who is told next", move |tx| {
            let found: Result<Option<i64>, _> =
                tx.prepare_cached(SQL).and_then(|mut select| select.query_row([], |row| row.get(0)));
            Ok(found.map_err(Error::sql("find who is told next"))?.map(Timestamp))
        })
        .await
    }

    /// The targets that are to be told something now.
    pub async fn due_notify_targets(&self, now: Timestamp) -> Result<Vec<TargetId>, Error> {
        const SQL: &str = "SELECT id FROM notify_target WHERE due_at_ms <= :now ORDER BY due_at_ms";
        self.read("find who is told now", move |tx| {
            let find = || -> rusqlite::Result<Vec<TargetId>> {
                tx.prepare_cached(SQL)?.query_map(named_params! { ":now": now.0 }, |row| id(row, "id"))?.collect()
            };
            find().map_err(Error::sql("find who is told now"))
        })
        .await
    }

    /// Attempts whose process has ended are made again at once. Call before anything is claimed.
    pub async fn recover_notifications(&self, now: Timestamp) -> Result<(), Error> {
        const LOST: &str = "SELECT 1 FROM notification WHERE state = 'sending' LIMIT 1";
        const SQL: &str = "
            UPDATE notify_target SET due_at_ms = :now
            WHERE id IN (SELECT target_id FROM notification WHERE state = 'sending')";
        let lost = self
            .read("find lost notifications", |tx| {
                let lost = tx.prepare_cached(LOST).and_then(|mut select| select.exists([]));
                lost.map_err(Error::sql("find lost notifications"))
            })
            .await?;
        if !lost {
            return Ok(());
        }
        self.write("recover notifications", move |tx| {
            tx.prepare_cached(SQL)
                .and_then(|mut update| update.execute(named_params! { ":now": now.0 }))
                .map(drop)
                .map_err(Error::sql("recover notifications"))
        })
        .await
    }

    /// Claims what a target is to be told now: the notification that waits for another attempt, else a new one of all
    /// that has happened. `None`: nothing, or not yet.
    pub async fn claim_notification(
        &self,
        target: TargetId,
        now: Timestamp,
    ) -> Result<Option<ClaimedNotification>, Error> {
        let fresh = NotificationId::next(&*self.ids());
        self.write("claim a notification", move |tx| {
            claim(tx, target, fresh, now).map_err(Error::sql("claim a notification"))
        })
        .await
    }

    /// What came of a claimed notification. `attempts_max` attempts, then it is given up.
    pub async fn finish_notification(
        &self,
        notification: NotificationId,
        epoch: i64,
        outcome: NotifyOutcome,
        attempts_max: u32,
        now: Timestamp,
    ) -> Result<NotificationState, Error> {
        const FIND: &str = "
            SELECT target_id, attempts FROM notification WHERE id = :id AND epoch = :epoch AND state = 'sending'";
        self.write("record a notification", move |tx| {
            let of = named_params! { ":id": notification.to_string(), ":epoch": epoch };
            let found: Option<(TargetId, u32)> = tx
                .prepare_cached(FIND)
                .and_then(|mut select| {
                    select.query_row(of, |row| Ok((id(row, "target_id")?, row.get("attempts")?))).optional()
                })
                .map_err(Error::sql("record a notification"))?;
            // Taken over by another attempt, or gone with its target.
            let Some((target, attempts)) = found else { return Ok(NotificationState::Pending) };
            let (state, next) = match &outcome {
                NotifyOutcome::Sent => (NotificationState::Sent, None),
                NotifyOutcome::Failed { .. } if attempts >= attempts_max => (NotificationState::GivenUp, None),
                NotifyOutcome::Refused { .. } if attempts >= attempts_max.min(REFUSALS_MAX) => {
                    (NotificationState::GivenUp, None)
                }
                NotifyOutcome::Failed { retry_after_ms: Some(wait), .. } => {
                    (NotificationState::Pending, Some((*wait).clamp(0, WAIT_MAX_MS)))
                }
                NotifyOutcome::Failed { .. } | NotifyOutcome::Refused { .. } => {
                    (NotificationState::Pending, Some(backoff_ms(notification, attempts)))
                }
            };
            let finished = Finished { notification, target, state, next_at: next.map(|wait| now.plus_ms(wait)) };
            finish(tx, &finished, outcome.reason(), now).map_err(Error::sql("record a notification"))?;
            let kind = match state {
                NotificationState::Sent => EventKind::NotificationSent,
                NotificationState::GivenUp => EventKind::NotificationGivenUp,
                NotificationState::Pending | NotificationState::Sending => return Ok(state),
            };
            let told = NewEvent::new(kind, "system")
                .id("notification", notification)
                .id("target", target)
                .number("attempts", attempts.into());
            event::append(tx, now, &told)?;
            Ok(state)
        })
        .await
    }
}

struct Finished {
    notification: NotificationId,
    target: TargetId,
    state: NotificationState,
    next_at: Option<Timestamp>,
}

fn finish(tx: &Transaction<'_>, done: &Finished, error: Option<&str>, now: Timestamp) -> rusqlite::Result<()> {
    const FINISH: &str = "
        UPDATE notification SET state = :state, epoch = epoch + 1, error = :error,
            finished_at_ms = CASE WHEN :state = 'pending' THEN NULL ELSE :now END
        WHERE id = :id";
    const DUE: &str = "UPDATE notify_target SET due_at_ms = :at WHERE id = :target";
    const FORGET: &str = "DELETE FROM notification WHERE target_id = :target AND finished_at_ms < :before";
    let target = done.target.to_string();
    tx.prepare_cached(FINISH)?.execute(named_params! {
        ":id": done.notification.to_string(), ":state": done.state.as_str(), ":error": error, ":now": now.0,
    })?;
    tx.prepare_cached(DUE)?.execute(named_params! { ":target": target, ":at": done.next_at.map(|at| at.0) })?;
    if done.next_at.is_none() {
        tx.prepare_cached(FORGET)?.execute(named_params! { ":target": target, ":before": now.plus_ms(-KEPT_MS).0 })?;
        if let Some(listener) = listener(tx, done.target)? {
            plan(tx, &listener, now)?;
        }
    }
    Ok(())
}

fn listener(tx: &Transaction<'_>, target: TargetId) -> rusqlite::Result<Option<Listener>> {
    tx.prepare_cached(&format!("SELECT {} FROM notify_target WHERE id = :id", Listener::COLUMNS))?
        .query_row(named_params! { ":id": target.to_string() }, Listener::read)
        .optional()
}

fn claim(
    tx: &Transaction<'_>,
    target: TargetId,
    fresh: NotificationId,
    now: Timestamp,
) -> rusqlite::Result<Option<ClaimedNotification>> {
    const OPEN: &str = "
        SELECT id, epoch, attempts, created_at_ms FROM notification
        WHERE target_id = :target AND state IN ('pending', 'sending')";
    const SEND: &str = "
        UPDATE notification SET state = 'sending', epoch = epoch + 1, attempts = attempts + 1 WHERE id = :id
        RETURNING epoch, attempts, created_at_ms";
    const MAKE: &str = "
        INSERT INTO notification (id, target_id, state, created_at_ms) VALUES (:id, :target, 'pending', :now)";
    const TAKE: &str = "UPDATE notice SET notification_id = :id WHERE target_id = :target AND notification_id IS NULL";
    const DUE: &str = "UPDATE notify_target SET due_at_ms = :at WHERE id = :target";
    let text = target.to_string();
    let found = tx
        .prepare_cached(&format!("SELECT {TARGET_COLUMNS} FROM notify_target WHERE id = :id AND due_at_ms <= :now"))?
        .query_row(named_params! { ":id": text, ":now": now.0 }, read_target)
        .optional()?;
    let Some(to) = found else { return Ok(None) };
    let due = |at: Option<Timestamp>| {
        tx.prepare_cached(DUE)?.execute(named_params! { ":target": text, ":at": at.map(|at| at.0) })
    };
    let open: Option<NotificationId> =
        tx.prepare_cached(OPEN)?.query_row(named_params! { ":target": text }, |row| id(row, "id")).optional()?;
    let notification = match open {
        Some(notification) => {
            // A quiet hour may have begun since the last attempt.
            if let Some(end) = to.quiet.as_ref().and_then(|quiet| quiet.end_after(now)) {
                due(Some(end))?;
                return Ok(None);
            }
            notification
        }
        None => {
            let Some(listener) = listener(tx, target)? else { return Ok(None) };
            // What waited may have been dealt with, and a storm may have begun, since this moment was planned.
            match allowed_at(tx, &listener, now)? {
                Some(at) if at <= now => {}
                other => {
                    due(other)?;
                    return Ok(None);
                }
            }
            tx.prepare_cached(MAKE)?
                .execute(named_params! { ":id": fresh.to_string(), ":target": text, ":now": now.0 })?;
            tx.prepare_cached(TAKE)?.execute(named_params! { ":id": fresh.to_string(), ":target": text })?;
            fresh
        }
    };
    let (epoch, attempt, created_at_ms) =
        tx.prepare_cached(SEND)?.query_row(named_params! { ":id": notification.to_string() }, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    due(Some(now.plus_ms(SENDING_MAX_MS)))?;
    let (notices, counts) = notices(tx, notification, to.include_text)?;
    let notification = Notification { id: notification, created_at: Timestamp(created_at_ms), notices, counts };
    Ok(Some(ClaimedNotification { target: to, notification, epoch, attempt }))
}

type Counts = Vec<(NoticeKind, u32)>;

fn notices(
    tx: &Transaction<'_>,
    notification: NotificationId,
    with_text: bool,
) -> rusqlite::Result<(Vec<Notice>, Counts)> {
    const COUNTS: &str = "
        SELECT kind, count(*) AS notices FROM notice WHERE notification_id = :id GROUP BY kind ORDER BY min(id)";
    const NOTICES: &str = "
        SELECT n.kind, n.reason, n.subject, n.at_ms, n.repeats, c.id AS conversation_id, c.channel, c.account_id,
               c.shopper_name, coalesce(c.promised_since_ms, c.waiting_since_ms, c.last_shopper_at_ms) AS waiting_since_ms, s.since_ms,
               (SELECT m.text FROM message m WHERE :with_text AND m.conversation_id = c.id AND m.side = 'shopper'
                AND m.unsent = 0 AND m.text IS NOT NULL ORDER BY m.at_ms DESC, m.id DESC LIMIT 1) AS text
        FROM notice n
        LEFT JOIN conversation c ON c.id = n.subject
        LEFT JOIN account_silence s ON s.account_id = n.subject
        WHERE n.notification_id = :id ORDER BY n.id LIMIT :limit";
    let text = notification.to_string();
    let counts = tx
        .prepare_cached(COUNTS)?
        .query_map(named_params! { ":id": text }, |row| {
            Ok((parsed(row, "kind", NoticeKind::parse)?, row.get("notices")?))
        })?
        .collect::<Result<_, _>>()?;
    let notices = tx
        .prepare_cached(NOTICES)?
        .query_map(
            named_params! { ":id": text, ":with_text": with_text, ":limit": Notification::NOTICES_MAX },
            |row| read_notice(row, with_text),
        )?
        .collect::<Result<_, _>>()?;
    Ok((notices, counts))
}

fn read_notice(row: &Row<'_>, with_text: bool) -> rusqlite::Result<Notice> {
    let about = match parsed_opt(row, "conversation_id", |text| text.parse().ok())? {
        Some(id) => About::Conversation {
            id,
            channel: parsed(row, "channel", |word| word.parse::<ChannelKind>().ok())?,
            account: AccountId(row.get("account_id")?),
            waiting_since: moment(row, "waiting_since_ms")?,
            said: match with_text {
                true => Some(Said { shopper: row.get("shopper_name")?, text: row.get("text")? }),
                false => None,
            },
        },
        None => About::Account { id: AccountId(row.get("subject")?), silent_since: moment(row, "since_ms")? },
    };
    Ok(Notice {
        kind: parsed(row, "kind", NoticeKind::parse)?,
        reason: row.get("reason")?,
        at: Timestamp(row.get("at_ms")?),
        repeats: row.get("repeats")?,
        about,
    })
}

fn read_last(row: &Row<'_>) -> rusqlite::Result<LastNotification> {
    Ok(LastNotification {
        state: parsed(row, "state", NotificationState::parse)?,
        attempts: row.get("attempts")?,
        created_at: Timestamp(row.get("created_at_ms")?),
        finished_at: moment(row, "finished_at_ms")?,
        error: row.get("error")?,
    })
}
