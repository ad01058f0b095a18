//! The life of messages and replies inside one tenant's file.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use uuid::Uuid;

use super::{
    Arrival, Committed, Covered, DueRules, EffectRecord, InboundRules, Look, OutboxRow, TenantStore, TurnCommit,
    blocking::Lane,
    tenant::{Shared, TenantFile},
};
use crate::domain::{
    ConversationId, Ids, Language, TenantId, Timestamp,
    channel::{AccountId, ChannelKind, ShopperId},
    conversation::{TakeoverCause, WhenHeld},
    inbound::{InboundEvent, InboundKind, InboundMessage},
    outbox::{OutboxState, SendOutcome},
    turn::{HandOverReason, TurnOutcome},
};

#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Ids for Counting {
    fn next(&self) -> Uuid {
        Uuid::from_u128(self.0.fetch_add(1, Ordering::Relaxed).into())
    }
}

pub(super) const ACCOUNT: &str = "17841460012345678";
const SHOPPER: &str = "1284305829174402";
const MINUTE: i64 = 60_000;

pub(super) struct Shop {
    pub(super) store: TenantStore,
    _dir: tempfile::TempDir,
}

impl Shop {
    pub(super) fn open() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let id = TenantId(Uuid::from_u128(1));
        let file = TenantFile::create(id, &dir.path().join("tenant.db"), Shared::alone(Arc::new(Counting::default())))
            .expect("a tenant file opens");
        Self { store: TenantStore::new(Arc::new(file)), _dir: dir }
    }

    pub(super) async fn happens(&self, now: i64, kind: InboundKind, key: &str) -> (u32, u32) {
        let event = InboundEvent {
            account: AccountId(ACCOUNT.into()),
            shopper: Some(ShopperId(SHOPPER.into())),
            at: Timestamp(now),
            dedupe_key: key.into(),
            kind,
        };
        let arrival = Arrival { event, received_at: Timestamp(now), request: None, recovered: false };
        let rules = InboundRules {
            channel: ChannelKind::Instagram,
            debounce_ms: 3_000,
            tombstones: None,
            own_app_id: None,
            now: Timestamp(now),
        };
        let report = self.store.record_inbound(vec![arrival], rules).await.expect("recorded");
        (report.new, report.duplicates)
    }

    pub(super) async fn writes(&self, now: i64, mid: &str, text: &str) -> (u32, u32) {
        let message = InboundMessage { mid: mid.into(), text: Some(text.into()), ..InboundMessage::default() };
        self.happens(now, InboundKind::Message(message), mid).await
    }

    async fn echo(&self, now: i64, mid: &str, text: &str) -> (u32, u32) {
        let kind =
            InboundKind::Echo { mid: mid.into(), text: Some(text.into()), app_id: None, attachments: Vec::new() };
        self.happens(now, kind, mid).await
    }

    pub(super) async fn conversation(&self) -> ConversationId {
        let list =
            self.store.conversations(super::Listing { limit: 10, ..super::Listing::default() }).await.expect("listed");
        assert_eq!(list.len(), 1);
        list[0].conversation.id
    }

    async fn takeover(&self) -> Option<TakeoverCause> {
        let id = self.conversation().await;
        let conversation = self.store.conversation(id).await.expect("read").expect("it is there");
        conversation.takeover.map(|takeover| takeover.cause)
    }

    async fn open_texts(&self, now: i64) -> Vec<String> {
        let begun = self.store.begin_turn(self.conversation().await, Timestamp(now)).await.expect("read");
        begun.map_or_else(Vec::new, |(turn, _)| turn.open.into_iter().filter_map(|message| message.text).collect())
    }

    async fn answers(&self, now: i64, parts: &[&str]) -> Committed {
        self.finishes(now, TurnOutcome::Answered, parts).await
    }

    pub(super) async fn finishes(&self, now: i64, outcome: TurnOutcome, parts: &[&str]) -> Committed {
        let begun = self.store.begin_turn(self.conversation().await, Timestamp(now)).await.expect("read");
        let (begun, _) = begun.expect("a turn is due");
        self.store.commit_turn(commit(&begun, now, outcome, parts)).await.expect("committed")
    }

    async fn head(&self) -> Option<OutboxRow> {
        self.store.next_step(self.conversation().await, Timestamp(0)).await.expect("read").head
    }

    async fn claim(&self, now: i64) -> OutboxRow {
        let row = self.head().await.expect("a row waits");
        assert!(self.store.claim_send(row.id, row.epoch, Timestamp(now)).await.expect("claimed"));
        self.head().await.expect("it is the head still")
    }

    async fn finish(&self, row: &OutboxRow, outcome: SendOutcome, now: i64) {
        self.store.finish_send(row.id, row.epoch, outcome, 10_000, Timestamp(now)).await.expect("recorded");
    }

    async fn look(&self, look: Look, now: i64) {
        let row = self.head().await.expect("a row is unknown");
        self.store.resolve_unknown(row.id, row.epoch, look, 2, 50_000, Timestamp(now)).await.expect("resolved");
    }

    async fn states(&self) -> Vec<(String, OutboxState)> {
        let rows = self.store.outbox_rows(self.conversation().await, 20).await.expect("read");
        rows.into_iter().map(|row| (row.text, row.state)).collect()
    }

    async fn next_due(&self, after: i64) -> Option<i64> {
        let rules = DueRules { now: Timestamp(after), takeover_minutes: 30, paused: false, senders_live: true };
        self.store.next_due(rules).await.expect("read").map(|at| at.0)
    }
}

#[tokio::test]
async fn work_that_nobody_waits_for_stays_in_its_own_lane() {
    let shop = Shop::open();
    let bulk = shop.store.in_bulk();
    assert_eq!([shop.store.lane(), bulk.lane(), bulk.clone().lane()], [Lane::Realtime, Lane::Bulk, Lane::Bulk]);
}

fn commit(begun: &super::BegunTurn, now: i64, outcome: TurnOutcome, parts: &[&str]) -> TurnCommit {
    TurnCommit {
        turn: begun.turn,
        conversation: begun.conversation.id,
        covered: Covered::of(&begun.open),
        outcome,
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        held_until: None,
        products: Vec::new(),
        evidence: Vec::new(),
        language: Language::En,
        disclosed: false,
        model: "builtin".into(),
        guard_refusals: 0,
        record: None,
        started_at: Timestamp(now),
        now: Timestamp(now),
    }
}

fn sent(mid: &str) -> SendOutcome {
    SendOutcome::Sent { mid: mid.into() }
}

fn ambiguous() -> SendOutcome {
    SendOutcome::Ambiguous { reason: "timeout".into() }
}

#[tokio::test]
async fn a_second_delivery_of_a_message_changes_nothing() {
    let shop = Shop::open();
    assert_eq!(shop.writes(1_000, "m1", "hi").await, (1, 0));
    assert_eq!(shop.writes(2_000, "m1", "hi").await, (0, 1));
    assert_eq!(shop.next_due(0).await, Some(4_000));
    assert_eq!(shop.open_texts(4_000).await, ["hi"]);
}

#[tokio::test]
async fn a_turn_waits_for_the_end_of_a_burst_but_not_for_ever() {
    let shop = Shop::open();
    for n in 0..9 {
        shop.writes(n * 2_000, &format!("m{n}"), "and").await;
    }
    assert_eq!(shop.next_due(0).await, Some(15_000));
    assert_eq!(shop.open_texts(15_000).await.len(), 9);
}

#[tokio::test]
async fn a_reply_that_has_not_left_is_superseded_by_a_new_message() {
    let shop = Shop::open();
    shop.writes(0, "m1", "do you have shirts?").await;
    assert_eq!(shop.answers(3_000, &["Yes."]).await, Committed::Done);
    shop.writes(3_100, "m2", "in blue").await;
    assert_eq!(shop.states().await, [("Yes.".to_owned(), OutboxState::Cancelled)]);
    assert_eq!(shop.open_texts(6_100).await, ["do you have shirts?", "in blue"]);
}

#[tokio::test]
async fn once_a_part_is_out_a_new_message_starts_the_next_turn() {
    let shop = Shop::open();
    shop.writes(0, "m1", "shirts?").await;
    shop.answers(3_000, &["One.", "Two."]).await;
    let row = shop.claim(3_000).await;
    shop.finish(&row, sent("out1"), 3_010).await;
    shop.writes(3_100, "m2", "in blue").await;
    assert_eq!(shop.open_texts(6_100).await, ["in blue"]);
    assert_eq!(shop.head().await.map(|row| row.text), Some("Two.".into()));
}

#[tokio::test]
async fn a_turn_whose_conversation_has_moved_on_writes_nothing() {
    let shop = Shop::open();
    shop.writes(0, "m1", "shirts?").await;
    let begun = shop.store.begin_turn(shop.conversation().await, Timestamp(3_000)).await.expect("read").expect("due").0;
    shop.writes(3_000, "m2", "in blue").await;
    let stale = commit(&begun, 3_500, TurnOutcome::Answered, &["Yes."]);
    assert_eq!(shop.store.commit_turn(stale).await.expect("no error"), Committed::Superseded);
    assert_eq!(shop.states().await, []);
    assert_eq!(shop.open_texts(6_000).await, ["shirts?", "in blue"]);
}

/// Records a result of the run that is due.
async fn records(shop: &Shop, begun: &super::BegunTurn, step: u32, now: i64) {
    let effect = EffectRecord { step, kind: "compose".into(), result: "{}".into() };
    let covered = Covered::of(&begun.open);
    let recorded = shop.store.record_effects(begun.turn, begun.conversation.id, covered, vec![effect], Timestamp(now));
    recorded.await.expect("no error");
}

#[tokio::test]
async fn what_a_run_has_recorded_is_forgotten_when_the_conversation_moves_on() {
    for how in ["wrote", "unsent", "taken over"] {
        let shop = Shop::open();
        shop.writes(0, "m1", "shirts?").await;
        shop.writes(100, "m2", "my secret").await;
        let id = shop.conversation().await;
        let begin = async |now| shop.store.begin_turn(id, Timestamp(now)).await.expect("read").expect("due").0;
        let begun = begin(5_000).await;
        records(&shop, &begun, 0, 5_000).await;
        assert_eq!(begin(5_000).await.effects.len(), 1, "a crash would resume behind it");
        let open: &[&str] = match how {
            "wrote" => {
                shop.writes(5_100, "m3", "in blue").await;
                &["shirts?", "my secret", "in blue"]
            }
            "unsent" => {
                shop.happens(5_100, InboundKind::Unsend { mid: "m2".into() }, "m2").await;
                &["shirts?"]
            }
            _ => {
                shop.store.take_over(id, WhenHeld::Refuse, Timestamp(5_100)).await.expect("taken");
                let waiting = shop.store.conversation(id).await.expect("read").and_then(|it| it.takeover);
                assert!(waiting.is_some_and(|it| it.waiting_since.is_some()), "her messages wait for the person");
                assert!(shop.store.release(id, Timestamp(5_200)).await.expect("released"));
                &["shirts?", "my secret"]
            }
        };
        // The run does not know of it yet, and goes on.
        records(&shop, &begun, 1, 5_300).await;
        let next = begin(30_000).await;
        assert!(next.effects.is_empty(), "{how}: {:?}", next.effects);
        let texts: Vec<_> = next.open.iter().filter_map(|message| message.text.as_deref()).collect();
        assert_eq!(texts, open, "{how}");
    }
}

#[tokio::test]
async fn a_stale_claim_changes_nothing() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["Hello."]).await;
    let row = shop.head().await.expect("a row waits");
    assert!(shop.store.claim_send(row.id, row.epoch, Timestamp(3_000)).await.expect("no error"));
    assert!(!shop.store.claim_send(row.id, row.epoch, Timestamp(3_000)).await.expect("no error"));
}

#[tokio::test]
async fn an_echo_that_is_faster_than_the_answer_is_ours_and_not_a_persons() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["Hello."]).await;
    let row = shop.claim(3_000).await;
    shop.echo(3_050, "out1", "Hello.").await;
    assert_eq!(shop.takeover().await, None);
    shop.finish(&row, sent("out1"), 3_100).await;
    assert_eq!(shop.states().await, [("Hello.".to_owned(), OutboxState::Sent)]);
    assert_eq!(shop.takeover().await, None);
}

#[tokio::test]
async fn an_echo_resolves_an_unknown_outcome_before_or_after_it_is_known() {
    for echo_first in [true, false] {
        let shop = Shop::open();
        shop.writes(0, "m1", "hi").await;
        shop.answers(3_000, &["Hello  there."]).await;
        let row = shop.claim(3_000).await;
        if echo_first {
            shop.echo(3_050, "out1", "Hello there.").await;
        }
        shop.finish(&row, ambiguous(), 3_100).await;
        if !echo_first {
            assert_eq!(shop.next_due(3_100).await, Some(13_100));
            shop.echo(3_200, "out1", "Hello there.").await;
        }
        assert_eq!(shop.states().await, [("Hello  there.".to_owned(), OutboxState::Sent)]);
        assert_eq!(shop.takeover().await, None);
    }
}

#[tokio::test]
async fn another_echo_while_a_send_is_open_waits_and_is_then_a_persons() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["Hello."]).await;
    let row = shop.claim(3_000).await;
    shop.echo(3_050, "other", "I am Layla from the shop").await;
    assert_eq!(shop.takeover().await, None);
    shop.finish(&row, sent("out1"), 3_100).await;
    assert_eq!(shop.takeover().await, Some(TakeoverCause::Echo));
}

#[tokio::test]
async fn an_echo_nobody_here_sent_takes_the_conversation_over_and_answers_what_was_open() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.echo(1_000, "x1", "Hello dear, this is Layla").await;
    assert_eq!(shop.takeover().await, Some(TakeoverCause::Echo));
    assert_eq!(shop.next_due(0).await, None);
    shop.writes(2_000, "m2", "thanks, and in blue?").await;
    // The shopper now waits for the person; after 30 minutes the bot returns.
    assert_eq!(shop.next_due(2_000).await, Some(2_000 + 30 * MINUTE));
    let id = shop.conversation().await;
    let released = shop.store.release_if_due(id, 30, Timestamp(2_000 + 30 * MINUTE)).await.expect("no error");
    assert!(released);
    assert_eq!(shop.open_texts(2_000 + 30 * MINUTE).await, ["thanks, and in blue?"]);
}

#[tokio::test]
async fn a_person_who_answers_in_time_keeps_the_conversation() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.echo(1_000, "x1", "Hello, Layla here").await;
    shop.writes(2_000, "m2", "in blue?").await;
    shop.echo(3_000, "x2", "Yes!").await;
    assert_eq!(shop.next_due(3_000).await, None);
    assert_eq!(shop.takeover().await, Some(TakeoverCause::Echo));
}

#[tokio::test]
async fn a_person_asked_for_is_not_replaced_by_the_clock() {
    let shop = Shop::open();
    shop.writes(0, "m1", "a human please").await;
    shop.finishes(3_000, TurnOutcome::HandedOver(HandOverReason::Asked), &["Someone will come."]).await;
    let row = shop.claim(3_000).await;
    shop.finish(&row, sent("out1"), 3_100).await;
    shop.writes(4_000, "m2", "hello?").await;
    assert_eq!(shop.next_due(4_000).await, None);
    assert!(shop.store.release(shop.conversation().await, Timestamp(5_000)).await.expect("released"));
    assert!(shop.open_texts(5_000).await.is_empty(), "that was written to the person");
    shop.writes(6_000, "m3", "and in blue?").await;
    assert_eq!(shop.open_texts(20_000).await, ["and in blue?"]);
}

#[tokio::test]
async fn a_message_taken_back_is_erased_whenever_the_unsend_comes() {
    let shop = Shop::open();
    shop.happens(0, InboundKind::Unsend { mid: "m1".into() }, "m1").await;
    shop.writes(100, "m1", "secret").await;
    shop.writes(200, "m2", "shirts?").await;
    assert_eq!(shop.open_texts(5_000).await, ["shirts?"]);
    shop.happens(300, InboundKind::Unsend { mid: "m2".into() }, "m2").await;
    assert_eq!(shop.next_due(0).await, None);
    let messages = shop.store.messages(shop.conversation().await, 10).await.expect("read");
    assert!(messages.iter().all(|message| message.unsent && message.text.is_none()), "{messages:?}");
}

#[tokio::test]
async fn what_was_on_the_wire_when_the_process_died_is_unknown_and_looked_for_before_it_is_sent_again() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["Hello."]).await;
    shop.claim(3_000).await;
    let elsewhere = ConversationId(Uuid::from_u128(999));
    let recover = async |only| shop.store.recover_sending(only, 10_000, Timestamp(20_000)).await.expect("recovered");
    assert_eq!(recover(Some(elsewhere)).await, 0, "another conversation's send is its own worker's");
    assert_eq!(recover(None).await, 1);
    assert_eq!(shop.next_due(0).await, Some(30_000));
    shop.look(Look::Absent, 30_000).await;
    assert_eq!(shop.next_due(0).await, Some(80_000));
    shop.look(Look::Absent, 80_000).await;
    let row = shop.head().await.expect("it waits");
    assert_eq!((row.state, row.blind_retries, row.guarded_at), (OutboxState::Pending, 1, Timestamp(0)));
}

#[tokio::test]
async fn a_reply_is_retried_blindly_once_and_then_held_for_a_person() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["Hello.", "And more."]).await;
    for _ in 0..2 {
        let row = shop.claim(3_000).await;
        shop.finish(&row, ambiguous(), 3_100).await;
        shop.look(Look::Absent, 13_100).await;
        shop.look(Look::Absent, 63_100).await;
    }
    assert_eq!(shop.head().await, None);
    assert_eq!(shop.takeover().await, Some(TakeoverCause::HandOver));
    let states = shop.states().await;
    assert_eq!(states[0].1, OutboxState::Unknown);
    assert_eq!(states[1].1, OutboxState::Cancelled);
}

#[tokio::test]
async fn an_unreadable_thread_is_not_taken_for_an_empty_one() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["Hello."]).await;
    let row = shop.claim(3_000).await;
    shop.finish(&row, ambiguous(), 3_100).await;
    shop.look(Look::Unreadable, 13_100).await;
    shop.look(Look::Unreadable, 63_100).await;
    assert_eq!(shop.head().await, None);
    assert_eq!(shop.states().await, [("Hello.".to_owned(), OutboxState::Unknown)]);
}

#[tokio::test]
async fn a_reply_found_in_the_thread_counts_as_sent() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["Hello."]).await;
    let row = shop.claim(3_000).await;
    shop.finish(&row, ambiguous(), 3_100).await;
    shop.look(Look::Found { mid: "out1".into() }, 13_100).await;
    assert_eq!(shop.states().await, [("Hello.".to_owned(), OutboxState::Sent)]);
    assert_eq!(shop.echo(14_000, "out1", "Hello.").await, (1, 0));
    assert_eq!(shop.takeover().await, None);
}

#[tokio::test]
async fn later_parts_wait_while_an_earlier_one_is_unknown() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["One.", "Two."]).await;
    let row = shop.claim(3_000).await;
    shop.finish(&row, ambiguous(), 3_100).await;
    assert_eq!(shop.head().await.map(|row| row.text), Some("One.".into()));
    let rules = DueRules { now: Timestamp(4_000), takeover_minutes: 30, paused: false, senders_live: true };
    assert!(shop.store.due_conversations(rules, 10).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_person_who_writes_cancels_what_the_bot_had_queued() {
    let shop = Shop::open();
    shop.writes(0, "m1", "hi").await;
    shop.answers(3_000, &["Hello."]).await;
    let id = shop.conversation().await;
    shop.store.queue_person(id, vec!["Layla here.".into()], WhenHeld::Refuse, Timestamp(3_010)).await.expect("queued");
    let states = shop.states().await;
    assert_eq!(states[0], ("Hello.".to_owned(), OutboxState::Cancelled));
    assert_eq!(states[1], ("Layla here.".to_owned(), OutboxState::Pending));
    assert_eq!(shop.takeover().await, Some(TakeoverCause::Staff));
}
