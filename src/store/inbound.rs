//! What came in: one batch of a tenant's events becomes messages, conversations and events in one transaction.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Transaction, named_params};
use serde_json::json;

use super::{
    Error, TenantStore, conversation, echo, erase, event, inbox, memory, outbox, record,
    row::{id, json_strings, parsed_opt},
    silence,
};
use crate::domain::{
    ConversationId, Ids, MessageId, RequestId, Timestamp, TurnId,
    channel::{ChannelKind, ShopperId},
    conversation::{ConversationKey, Message, TakeoverCause, TakeoverEnd},
    erasure::Tombstones,
    event::{EventKind, NewEvent},
    inbound::{AttachmentKind, InboundEvent, InboundKind, InboundMessage},
    turn::SuppressReason,
};

/// A shopper who keeps writing puts the answer off by at most this many debounces.
const DEBOUNCES_MAX: i64 = 5;

/// The longest address of a picture that is kept, in bytes; those of Instagram have some hundred.
const PICTURE_URL_BYTES_MAX: usize = 2_048;

/// One event with how it reached us.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What happened.
    pub event: InboundEvent,
    /// When we received it.
    pub received_at: Timestamp,
    /// The request that brought it, if one did.
    pub request: Option<RequestId>,
    /// Found by reading the thread; no webhook had brought it.
    pub recovered: bool,
}

/// What recording depends on.
#[derive(Clone, Debug)]
pub struct InboundRules {
    /// The kind of place all arrivals come from.
    pub channel: ChannelKind,
    /// The wait after a shopper's last message before a turn is due.
    pub debounce_ms: i64,
    /// Recognises those whose data was erased; `None`: nothing can come back here.
    pub tombstones: Option<Tombstones>,
    /// Our own app's id there, where known.
    pub own_app_id: Option<String>,
    /// The current moment.
    pub now: Timestamp,
}

/// What recording has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboundReport {
    /// Events that were new.
    pub new: u32,
    /// Events that were here already.
    pub duplicates: u32,
    /// Events of people who were erased since: nothing is kept of them.
    pub erased: u32,
}

struct Recorder<'a> {
    tx: &'a Transaction<'a>,
    rules: &'a InboundRules,
    ids: &'a dyn Ids,
}

/// What a message is to be stored with.
struct NewMessage<'a> {
    mid: Option<&'a str>,
    text: Option<&'a str>,
    payload: Option<&'a str>,
    attachments: Vec<&'static str>,
    pictures: Vec<&'a str>,
    answerable: bool,
}

/// An erased message: its conversation, its id, and the turn that covers it.
type Erased = (String, String, Option<String>);

struct Thread {
    id: ConversationId,
    taken_over: bool,
    /// By a shopper who asked for a person.
    asked: bool,
}

impl TenantStore {
    /// Records a batch; a second delivery of an event changes nothing.
    pub async fn record_inbound(
        &self,
        mut arrivals: Vec<Arrival>,
        rules: InboundRules,
    ) -> Result<InboundReport, Error> {
        let ids = self.ids();
        // Events of one batch may be out of order; the channel's own time orders them.
        arrivals.sort_by_key(|arrival| arrival.event.at);
        self.write("record what came in", move |tx| {
            let recorder = Recorder { tx, rules: &rules, ids: &*ids };
            let mut report = InboundReport::default();
            let tombstones = match erase::has_graves(tx)? {
                true => rules.tombstones.as_ref(),
                false => None,
            };
            for arrival in &arrivals {
                if let Some(tombstones) = tombstones
                    && recorder.is_erased(arrival, tombstones)?
                {
                    report.erased += 1;
                    continue;
                }
                match recorder.record(arrival)? {
                    true => report.new += 1,
                    false => report.duplicates += 1,
                }
            }
            // What was found by reading proves nothing of the webhooks.
            let brought = arrivals.iter().filter(|arrival| !arrival.recovered && arrival.event.kind.answerable());
            let accounts: BTreeSet<_> = brought.map(|arrival| &arrival.event.account).collect();
            for account in accounts {
                silence::heard(tx, account, rules.now)?;
            }
            Ok(report)
        })
        .await
    }
}

impl Recorder<'_> {
    /// Whether whoever it is of was erased after it happened.
    fn is_erased(&self, arrival: &Arrival, tombstones: &Tombstones) -> Result<bool, Error> {
        let Some(shopper) = &arrival.event.shopper else { return Ok(false) };
        let key = ConversationKey {
            channel: self.rules.channel,
            account: arrival.event.account.clone(),
            shopper: shopper.clone(),
        };
        erase::is_erased(self.tx, tombstones.of(&key), self.happened_at(arrival))
    }

    /// `false` if the event was here already.
    fn record(&self, arrival: &Arrival) -> Result<bool, Error> {
        let event = &arrival.event;
        match &event.kind {
            InboundKind::Message(message) => {
                self.shopper_wrote(arrival, &new_message(message, event.kind.answerable()))
            }
            InboundKind::Postback { mid, title, payload, .. } => {
                let message = NewMessage {
                    mid: Some(mid.as_deref().unwrap_or(&event.dedupe_key)),
                    text: Some(title),
                    payload: payload.as_deref(),
                    attachments: Vec::new(),
                    pictures: Vec::new(),
                    answerable: event.kind.answerable(),
                };
                self.shopper_wrote(arrival, &message)
            }
            InboundKind::Standby(message) => self.shopper_wrote(arrival, &new_message(message, false)),
            InboundKind::Echo { mid, text, app_id, .. } => {
                self.echoed(arrival, mid, text.as_deref(), app_id.as_deref())
            }
            InboundKind::Unsend { mid } => self.unsent(arrival, mid),
            InboundKind::ThreadControl { new_owner_app_id: Some(owner), action }
                if action != "request_thread_control" =>
            {
                self.thread_passed(arrival, owner)
            }
            InboundKind::Read { .. }
            | InboundKind::Reaction { .. }
            | InboundKind::Edit { .. }
            | InboundKind::IncompleteEdit { .. }
            | InboundKind::Referral(_)
            | InboundKind::ThreadControl { .. }
            | InboundKind::OptIn
            | InboundKind::Comment { .. }
            | InboundKind::Change { .. }
            | InboundKind::DashboardTest { .. }
            | InboundKind::Unknown { .. }
            | InboundKind::Malformed { .. } => self.noted(arrival),
        }
    }

    fn shopper_wrote(&self, arrival: &Arrival, message: &NewMessage<'_>) -> Result<bool, Error> {
        let Some(shopper) = &arrival.event.shopper else { return self.noted(arrival) };
        let thread = self.thread(arrival, shopper)?;
        let Some(stored) = self.insert(&thread, arrival, message)? else { return Ok(false) };
        let kind = if arrival.recovered { EventKind::MessageRecovered } else { EventKind::MessageReceived };
        let received = NewEvent::new(kind, "shopper")
            .id("conversation", thread.id)
            .id("message", stored.id)
            .word("kind", arrival.event.kind.name())
            .caused_by(arrival.request.map_or_else(|| stored.id.to_string(), |request| request.to_string()));
        event::append(self.tx, self.rules.now, &received)?;
        self.window_opened(&thread, arrival)?;
        if stored.answerable {
            self.make_due(&thread)?;
        }
        Ok(true)
    }

    /// Finds or starts the conversation.
    fn thread(&self, arrival: &Arrival, shopper: &ShopperId) -> Result<Thread, Error> {
        const UPSERT: &str = "
            INSERT INTO conversation (id, channel, account_id, shopper_id, created_at_ms, last_message_at_ms)
            VALUES (:id, :channel, :account, :shopper, :now, :at)
            ON CONFLICT (channel, account_id, shopper_id)
            DO UPDATE SET last_message_at_ms = max(last_message_at_ms, excluded.last_message_at_ms)
            RETURNING id, takeover_cause";
        let upsert = || {
            self.tx.prepare_cached(UPSERT)?.query_row(
                named_params! {
                    ":id": ConversationId::next(self.ids).to_string(), ":channel": self.rules.channel.as_str(),
                    ":account": arrival.event.account.0, ":shopper": shopper.0, ":now": self.rules.now.0,
                    ":at": self.happened_at(arrival).0,
                },
                |row| {
                    let cause = parsed_opt(row, "takeover_cause", TakeoverCause::parse)?;
                    let asked = cause == Some(TakeoverCause::Asked);
                    Ok(Thread { id: id(row, "id")?, taken_over: cause.is_some(), asked })
                },
            )
        };
        upsert().map_err(Error::sql("find a conversation"))
    }

    /// The channel's time, never later than ours: a clock ahead must not hold a window open.
    fn happened_at(&self, arrival: &Arrival) -> Timestamp {
        arrival.event.at.min(self.rules.now)
    }

    fn insert(
        &self,
        thread: &Thread,
        arrival: &Arrival,
        message: &NewMessage<'_>,
    ) -> Result<Option<StoredMessage>, Error> {
        const TAKEN_BACK: &str = "SELECT 1 FROM unsent WHERE account_id = :account AND mid = :mid";
        const INSERT: &str = "
            INSERT INTO message (id, conversation_id, account_id, mid, side, text, payload, attachments, pictures, at_ms,
                                 received_at_ms, unsent, answerable, recovered, correlation)
            VALUES (:id, :conversation, :account, :mid, 'shopper', :text, :payload, :attachments, :pictures, :at, :received,
                    :unsent, :answerable, :recovered, :correlation)
            ON CONFLICT DO NOTHING";
        let account = &arrival.event.account.0;
        let insert = || -> rusqlite::Result<Option<StoredMessage>> {
            let unsent = self
                .tx
                .prepare_cached(TAKEN_BACK)?
                .exists(named_params! { ":account": account, ":mid": message.mid })?;
            let stored = StoredMessage { id: MessageId::next(self.ids), answerable: message.answerable && !unsent };
            let attachments = if unsent { &[][..] } else { &message.attachments[..] };
            let pictures = if unsent { &[][..] } else { &message.pictures[..] };
            let inserted = self.tx.prepare_cached(INSERT)?.execute(named_params! {
                ":id": stored.id.to_string(), ":conversation": thread.id.to_string(), ":account": account,
                ":mid": message.mid, ":text": message.text.filter(|_| !unsent),
                ":payload": message.payload.filter(|_| !unsent), ":attachments": json_strings(attachments),
                ":pictures": json_strings(pictures),
                ":at": self.happened_at(arrival).0, ":received": arrival.received_at.0, ":unsent": unsent,
                ":answerable": stored.answerable, ":recovered": arrival.recovered,
                ":correlation": arrival.request.map(|request| request.to_string()),
            })?;
            if inserted == 1 {
                inbox::message_added(self.tx, thread.id)?;
            }
            Ok((inserted == 1).then_some(stored))
        };
        insert().map_err(Error::sql("store an inbound message"))
    }

    fn window_opened(&self, thread: &Thread, arrival: &Arrival) -> Result<(), Error> {
        const SQL: &str = "
            UPDATE conversation SET last_shopper_at_ms = max(coalesce(last_shopper_at_ms, 0), :at) WHERE id = :id";
        self.tx
            .prepare_cached(SQL)
            .and_then(|mut update| {
                update.execute(named_params! { ":id": thread.id.to_string(), ":at": self.happened_at(arrival).0 })
            })
            .map(drop)
            .map_err(Error::sql("note a shopper's sign of life"))
    }

    /// The answer is due a debounce after the last message, unless a person has the conversation.
    fn make_due(&self, thread: &Thread) -> Result<(), Error> {
        const WAITS: &str = "
            UPDATE conversation SET waiting_since_ms = coalesce(waiting_since_ms, :now) WHERE id = :id";
        const DUE: &str = "
            UPDATE conversation SET turn_due_at_ms = min(:now + :debounce, :limit + (
                SELECT min(received_at_ms) FROM message
                WHERE conversation_id = :id AND answerable = 1 AND turn_id IS NULL))
            WHERE id = :id";
        let (id, now) = (thread.id.to_string(), self.rules.now.0);
        // Whatever is being made does not know of it.
        conversation::drop_running(self.tx, thread.id).map_err(Error::sql("schedule a turn"))?;
        let update = if thread.taken_over {
            self.tx
                .prepare_cached(WAITS)
                .and_then(|mut update| update.execute(named_params! { ":id": id, ":now": now }))
        } else {
            outbox::supersede(self.tx, thread.id, None, "superseded", self.rules.now)?;
            self.tx.prepare_cached(DUE).and_then(|mut update| {
                update.execute(named_params! {
                    ":id": id, ":now": now, ":debounce": self.rules.debounce_ms,
                    ":limit": self.rules.debounce_ms.saturating_mul(DEBOUNCES_MAX),
                })
            })
        };
        update.map(drop).map_err(Error::sql("schedule a turn"))
    }

    fn echoed(&self, arrival: &Arrival, mid: &str, text: Option<&str>, app_id: Option<&str>) -> Result<bool, Error> {
        let Some(shopper) = &arrival.event.shopper else { return self.noted(arrival) };
        if !self.note(arrival)? {
            return Ok(false);
        }
        let thread = self.thread(arrival, shopper)?;
        let echo = echo::Echo {
            conversation: thread.id,
            account: &arrival.event.account,
            shopper,
            mid,
            text,
            at: self.happened_at(arrival),
            own_app: app_id.is_some() && app_id == self.rules.own_app_id.as_deref(),
        };
        echo::on_echo(self.tx, &echo, self.ids, self.rules.now)?;
        Ok(true)
    }

    /// Erases a message, here already or not, and everything that rests on it alone.
    fn unsent(&self, arrival: &Arrival, mid: &str) -> Result<bool, Error> {
        const TOMBSTONE: &str = "
            INSERT INTO unsent (account_id, mid, at_ms) VALUES (:account, :mid, :now) ON CONFLICT DO NOTHING";
        const ERASE: &str = "
            UPDATE message SET text = NULL, payload = NULL, attachments = '[]', pictures = '[]', sights = '[]',
                unsent = 1
            WHERE account_id = :account AND mid = :mid AND side = 'shopper'
            RETURNING conversation_id, id, turn_id";
        const OPEN: &str = "
            SELECT 1 FROM message WHERE conversation_id = :id AND answerable = 1 AND turn_id IS NULL AND unsent = 0";
        let failed = |error| Error::sql("erase an unsent message")(error);
        let key = named_params! { ":account": arrival.event.account.0, ":mid": mid };
        let erase = || -> rusqlite::Result<(bool, Option<Erased>)> {
            let fresh = self.tx.prepare_cached(TOMBSTONE)?.execute(named_params! {
                ":account": arrival.event.account.0, ":mid": mid, ":now": self.rules.now.0,
            })?;
            let found = self
                .tx
                .prepare_cached(ERASE)?
                .query_row(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            Ok((fresh == 1, found))
        };
        let (fresh, found) = erase().map_err(failed)?;
        if !fresh {
            return Ok(false);
        }
        let Some((conversation_text, message, turn)) = found else { return Ok(true) };
        memory::forget(self.tx, &conversation_text, &message).map_err(failed)?;
        record::forget(self.tx, &conversation_text, &message).map_err(failed)?;
        let conversation: ConversationId = conversation_text
            .parse()
            .map_err(|_| Error::Unreadable { what: "a conversation's id", value: conversation_text.clone() })?;
        let unsent =
            NewEvent::new(EventKind::MessageUnsent, "shopper").id("conversation", conversation).id("message", message);
        event::append(self.tx, self.rules.now, &caused(unsent, arrival))?;
        // An answer that rests on what was taken back, and of which nothing has left, is made anew without it.
        conversation::drop_running(self.tx, conversation).map_err(failed)?;
        let turn = turn.as_deref().and_then(|turn| turn.parse::<TurnId>().ok());
        let withdrawn = match turn {
            Some(turn) => outbox::supersede(self.tx, conversation, Some(turn), "unsent", self.rules.now)?,
            None => false,
        };
        let still_open = self
            .tx
            .prepare_cached(OPEN)
            .and_then(|mut select| select.exists(named_params! { ":id": conversation_text }))
            .map_err(failed)?;
        if !still_open {
            conversation::close_open(self.tx, conversation, SuppressReason::Unsent, self.ids, self.rules.now)?;
        } else if withdrawn {
            self.make_due(&Thread { id: conversation, taken_over: false, asked: false })?;
        }
        Ok(true)
    }

    /// Another app owns the thread now, or we do again.
    fn thread_passed(&self, arrival: &Arrival, owner: &str) -> Result<bool, Error> {
        let Some(shopper) = &arrival.event.shopper else { return self.noted(arrival) };
        if !self.noted(arrival)? {
            return Ok(false);
        }
        let thread = self.thread(arrival, shopper)?;
        if Some(owner) == self.rules.own_app_id.as_deref() {
            // Whoever asked for a person keeps the person, whichever app owns the thread.
            if !thread.asked {
                conversation::give_back(self.tx, thread.id, TakeoverEnd::ThreadControl, "system", self.rules.now)?;
            }
        } else {
            conversation::take_over(self.tx, thread.id, TakeoverCause::ThreadControl, "system", self.rules.now)?;
        }
        Ok(true)
    }

    /// Records an event that nothing acts on.
    fn noted(&self, arrival: &Arrival) -> Result<bool, Error> {
        if !self.note(arrival)? {
            return Ok(false);
        }
        let kind = match arrival.event.kind {
            InboundKind::Read { .. } => EventKind::MessageRead,
            _ => EventKind::ChannelRecorded,
        };
        let noted = caused(NewEvent::new(kind, "shopper").word("kind", arrival.event.kind.name()), arrival);
        event::append(self.tx, self.rules.now, &noted)?;
        Ok(true)
    }

    fn note(&self, arrival: &Arrival) -> Result<bool, Error> {
        const SQL: &str = "
            INSERT INTO channel_event (account_id, kind, dedupe_key, shopper_id, at_ms, received_at_ms, detail)
            VALUES (:account, :kind, :key, :shopper, :at, :received, :detail) ON CONFLICT DO NOTHING";
        let event = &arrival.event;
        let noted = self.tx.prepare_cached(SQL).and_then(|mut insert| {
            insert.execute(named_params! {
                ":account": event.account.0, ":kind": event.kind.name(), ":key": event.dedupe_key,
                ":shopper": event.shopper.as_ref().map(|shopper| shopper.0.as_str()), ":at": event.at.0,
                ":received": arrival.received_at.0, ":detail": detail(&event.kind),
            })
        });
        Ok(noted.map_err(Error::sql("record a channel event"))? == 1)
    }
}

struct StoredMessage {
    id: MessageId,
    answerable: bool,
}

fn new_message(message: &InboundMessage, answerable: bool) -> NewMessage<'_> {
    let mut attachments: Vec<&'static str> = message.attachments.iter().map(|it| it.kind.as_str()).collect();
    if message.unsupported && attachments.is_empty() {
        attachments.push("unsupported");
    }
    let pictures = message.attachments.iter().filter(|it| it.kind == AttachmentKind::Image);
    let addresses = pictures.filter_map(|it| it.url.as_deref()).filter(|url| url.len() <= PICTURE_URL_BYTES_MAX);
    NewMessage {
        mid: Some(&message.mid),
        text: message.text.as_deref(),
        payload: message.quick_reply.as_deref(),
        attachments,
        pictures: addresses.take(Message::PICTURES_MAX).collect(),
        answerable,
    }
}

/// Ties an event to the request that brought it.
fn caused(event: NewEvent, arrival: &Arrival) -> NewEvent {
    match arrival.request {
        Some(request) => event.caused_by(request.to_string()),
        None => event,
    }
}

/// Ids and words of an event that has no message row. Its text stays out.
fn detail(kind: &InboundKind) -> String {
    let detail = match kind {
        InboundKind::Read { mid } | InboundKind::IncompleteEdit { mid } => json!({ "mid": mid }),
        InboundKind::Echo { mid, app_id, .. } => json!({ "mid": mid, "app_id": app_id }),
        InboundKind::Reaction { mid, reaction } => json!({ "mid": mid, "reaction": reaction }),
        InboundKind::Edit { mid, .. } => json!({ "mid": mid }),
        InboundKind::Referral(referral) => json!({
            "reference": referral.reference, "source": referral.source, "ad_id": referral.ad_id,
            "product_id": referral.product_id,
        }),
        InboundKind::ThreadControl { new_owner_app_id, action } => {
            json!({ "action": action, "new_owner_app_id": new_owner_app_id })
        }
        InboundKind::Comment { comment_id, own, parent_id, media_id, .. } => {
            json!({ "comment_id": comment_id, "own": own, "parent_id": parent_id, "media_id": media_id })
        }
        InboundKind::Change { field } | InboundKind::DashboardTest { field } => json!({ "field": field }),
        InboundKind::Unknown { keys } => json!({ "keys": keys }),
        InboundKind::Malformed { reason } => json!({ "reason": reason }),
        InboundKind::Message(_)
        | InboundKind::Postback { .. }
        | InboundKind::Unsend { .. }
        | InboundKind::Standby(_)
        | InboundKind::OptIn => json!({}),
    };
    detail.to_string()
}
