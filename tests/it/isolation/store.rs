//! Every operation of a tenant's store, found in the sources: the reads are called for one tenant, with another's ids.

use std::{fs, path::Path};

use aura::{
    daemon::{SystemClock, UuidV7},
    domain::{
        Clock, ConversationId, MessageId, OutboxId, TargetId, Timestamp, TurnId,
        catalog::{Apply, ImportId},
        channel::{AccountId, ChannelKind, ShopperId},
        conversation::ConversationKey,
        event::Wanted,
        product::ProductKey,
        search::{Around, SearchPlan},
    },
    store::{DueRules, Listing, Page, TenantStore},
};

use super::stage::{HIDDEN, PRODUCT, SHARED_SHOPPER, Shop, Stage};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/store");

/// The most rows that a read is asked for.
const ROWS: u32 = 1_000;

/// A public operation of `TenantStore` as the source has it.
struct Operation {
    name: String,
    text: String,
}

/// The ids with which the reads are called.
struct Asking {
    account: AccountId,
    shopper: ShopperId,
    conversations: Vec<ConversationId>,
    messages: Vec<MessageId>,
    rows: Vec<OutboxId>,
    products: Vec<ProductKey>,
    targets: Vec<TargetId>,
    turns: Vec<(ConversationId, TurnId)>,
}

/// What an operation is for this test.
enum Row {
    /// It reads: what it gave, as `Debug` has it.
    Read(String),
    /// It changes the tenant's file and gives nothing of it back but what the reason says.
    WriteOnly(&'static str),
}

fn all() -> Listing {
    Listing { limit: ROWS, ..Listing::default() }
}

/// Calls the operation of that name; `None`: nobody has thought about it yet.
async fn row(name: &str, store: &TenantStore, with: &Asking) -> Option<Row> {
    const COUNT: &str = "gives a count or a yes";
    const NOTHING: &str = "gives nothing";
    let rules = DueRules { now: SystemClock.now(), takeover_minutes: 30, paused: false, senders_live: true };
    macro_rules! read {
        ($call:expr) => {
            Row::Read(format!("{:?}", $call.await.expect(name)))
        };
        ($each:expr => |$id:ident| $call:expr) => {{
            let mut all = String::new();
            for $id in $each.iter().cloned() {
                all += &format!("{:?}\n", $call.await.expect(name));
            }
            Row::Read(all)
        }};
    }
    let plan = SearchPlan { words: vec![vec!["linen".into()], vec!["shirt".into()]], ..SearchPlan::default() };
    Some(match name {
        "conversations" => read!(store.conversations(all())),
        "conversation" => read!(with.conversations => |id| store.conversation(id)),
        "conversation_by_key" => {
            let key = ConversationKey {
                channel: ChannelKind::Instagram,
                account: with.account.clone(),
                shopper: with.shopper.clone(),
            };
            read!(store.conversation_by_key(key))
        }
        "recall" => read!(with.conversations => |id| store.recall(id)),
        "messages" => read!(with.conversations => |id| store.messages(id, ROWS)),
        "persona" => read!(store.persona()),
        "persona_version" => read!(store.persona_version(1)),
        "persona_versions" => read!(store.persona_versions()),
        "set_persona" | "restore_persona" => Row::WriteOnly("gives the version that it has just made"),
        "due_conversations" => read!(store.due_conversations(rules, ROWS)),
        "next_due" => read!(store.next_due(rules)),
        "begin_turn" => read!(with.conversations => |id| store.begin_turn(id, rules.now)),
        "message_pictures" => {
            let mut all = String::new();
            for id in with.conversations.iter().copied() {
                for message in with.messages.iter().copied() {
                    all += &format!("{:?}\n", store.message_pictures(id, message).await.expect(name));
                }
            }
            Row::Read(all)
        }
        "thread" => {
            read!(with.conversations => |id| store.thread(id, Page { before: None, limit: ROWS }))
        }
        "recorded_turn" => {
            let mut all = String::new();
            for (conversation, turn) in with.turns.iter().copied() {
                all += &format!("{:?}\n", store.recorded_turn(conversation, turn).await.expect(name));
            }
            Row::Read(all)
        }
        "turns" => read!(with.conversations => |id| store.turns(id, ROWS)),
        "next_step" => read!(with.conversations => |id| store.next_step(id, rules.now)),
        "outbox_rows" => read!(with.conversations => |id| store.outbox_rows(id, ROWS)),
        "unknown_mids" => read!(store.unknown_mids(with.account.clone(), vec!["a-mid".into()])),
        "events_after" => read!(store.events_after(0, Wanted::default(), ROWS)),
        "event_seq_at" => read!(store.event_seq_at(rules.now)),
        "message_text" => read!(with.messages => |id| store.message_text(id)),
        "outbox_text" => read!(with.rows => |id| store.outbox_text(id)),
        "trouble" => read!(store.trouble(Timestamp(0))),
        "open_work" => read!(store.open_work()),
        "conservation" => read!(store.conservation()),
        "notify_targets" => read!(store.notify_targets()),
        "odd_silence" => read!(store.odd_silence(with.account.clone(), rules.now)),
        "next_notification" => read!(store.next_notification()),
        "due_notify_targets" => read!(store.due_notify_targets(rules.now)),
        "recover_notifications" => read!(store.recover_notifications(rules.now)),
        "claim_notification" => read!(with.targets => |id| store.claim_notification(id, rules.now)),
        "add_notify_target" | "remove_notify_target" => Row::WriteOnly(NOTHING),
        "note_silence" => Row::WriteOnly(COUNT),
        "finish_notification" => Row::WriteOnly("gives where the named notification stands"),
        "counts" => read!(store.counts(Timestamp(0))),
        "spent" => read!(store.spent(rules.now)),
        "spent_in" => read!(with.conversations => |id| store.spent_in(id, Timestamp(0))),
        "spend_rows" => read!(store.spend_rows(Timestamp(0), rules.now)),
        "settle_spend" => Row::WriteOnly("tells whether something was set aside for the named call"),
        "remember" => Row::WriteOnly(COUNT),
        "reserve_spend" => Row::WriteOnly("gives a limit of the tenant's own and what it has spent of it"),
        "account_traffic" => read!(store.account_traffic(with.account.clone(), Timestamp(0))),
        "products_begin" => read!(store.products_begin(String::new(), ROWS)),
        "products_by_key" => read!(store.products_by_key(with.products.clone())),
        "product" => read!(with.products => |key| store.product(key)),
        "catalog_status" => read!(store.catalog_status()),
        "look_into_catalogue" => {
            // Every word of the catalogue that could be one of theirs: canaries are words too.
            let around =
                "0123456789abcdef".chars().map(|first| Around { prefix: first.into(), length_min: 1, length_max: 64 });
            let around: Vec<_> = around.collect();
            let ids: Vec<_> = (0..i64::from(ROWS)).collect();
            read!(store.look_into_catalogue(move |catalogue| {
                let words = catalogue.vocabulary(vec!["linen".into()], &around)?;
                Ok((words, catalogue.candidates(&plan, ROWS as usize)?, catalogue.products(&ids)?))
            }))
        }
        "erase" => Row::WriteOnly("gives counts of what was in the conversation that it was given"),
        "scrub" => Row::WriteOnly(NOTHING),
        "account_mended" | "record_effects" | "park_open" | "leave_open" | "name_shopper" | "append_event"
        | "keep_sights" | "spare_products" | "finish_import" | "finish_send" => Row::WriteOnly(NOTHING),
        "label" | "assign" | "release" | "release_if_due" | "claim_send" | "cancel_send" | "reopen_unsent"
        | "mark_guarded" | "recover_sending" | "resolve_unknown" | "commit_turn" | "withdraw_answer"
        | "hold_answer" => Row::WriteOnly(COUNT),
        "take_over" | "queue_person" => Row::WriteOnly("gives who had the named conversation"),
        // Without a draft in the conversation they refuse; with one they give that draft's own rows.
        "approve_draft" | "edit_draft" | "reject_draft" => Row::WriteOnly("gives what it has just queued"),
        "record_inbound" => Row::WriteOnly("gives counts and ids of what was just brought"),
        "begin_import" => Row::WriteOnly("gives the new import's own id"),
        "upsert_products" => Row::WriteOnly("gives counts and the keys of what was just brought"),
        // Tried, not done, for an import that brought nothing.
        "remove_products_not_seen" => read!(store.remove_products_not_seen(ImportId(0), Apply::Trial)),
        _ => return None,
    })
}

/// Calls every operation; returns what is wrong.
pub async fn complaints(stage: &Stage) -> Vec<String> {
    let store = stage.house.store(stage.alder.slug).await;
    let operations = operations(Path::new(SOURCES));
    assert!(operations.len() > 30, "only {} operations were found", operations.len());
    let (own, foreign) = (Asking::of(stage, &stage.alder).await, Asking::of(stage, &stage.birch).await);
    let mut found = Vec::new();
    let mut seen = String::new();
    for Operation { name, text } in operations {
        match row(&name, &store, &own).await {
            None => found.push(format!("`{name}` has no row here: call it, or say why it shows nothing")),
            Some(Row::WriteOnly(reason)) => {
                let reads = text.split_whitespace().collect::<String>().contains("self.read(");
                if reads {
                    found.push(format!("`{name}` ({reason}) is called write-only, but it reads"));
                }
            }
            Some(Row::Read(gave)) => {
                found.extend(leaks(&name, &stage.birch, &gave));
                seen += &gave;
                if let Some(Row::Read(gave)) = row(&name, &store, &foreign).await {
                    found.extend(leaks(&name, &stage.birch, &gave));
                }
            }
        }
    }
    // Else the reads would have shown nothing of anybody.
    let shown = stage.alder.canaries_in(seen.as_bytes());
    for place in ["title", "description", "link", "draft", "message", "shared", "person", "trial", "greeting"] {
        if !shown.contains(&place) {
            found.push(format!("no read has shown alder's own {place}"));
        }
    }
    found
}

fn leaks(name: &str, birch: &Shop, gave: &str) -> Vec<String> {
    birch.canaries_in(gave.as_bytes()).into_iter().map(|place| format!("`{name}` shows birch's {place}")).collect()
}

impl Asking {
    async fn of(stage: &Stage, shop: &Shop) -> Self {
        let store = stage.house.store(shop.slug).await;
        let listed = store.conversations(all()).await.expect("listed");
        let conversations: Vec<_> = listed.iter().map(|row| row.conversation.id).collect();
        let (mut messages, mut rows) = (vec![MessageId::next(&UuidV7)], vec![OutboxId::next(&UuidV7)]);
        let mut turns = Vec::new();
        for id in &conversations {
            turns.extend(store.turns(*id, ROWS).await.expect("read").into_iter().map(|turn| (*id, turn.turn)));
            messages.extend(store.messages(*id, ROWS).await.expect("read").into_iter().map(|message| message.id));
            rows.extend(store.outbox_rows(*id, ROWS).await.expect("read").into_iter().map(|row| row.id));
        }
        let targets: Vec<_> =
            store.notify_targets().await.expect("listed").into_iter().map(|state| state.target.id).collect();
        assert_eq!(targets.len(), 1, "{}", shop.slug);
        assert!(conversations.len() >= 4 && messages.len() >= 4 && rows.len() >= 2, "{} is too quiet", shop.slug);
        Self {
            account: AccountId(shop.account.into()),
            shopper: ShopperId(SHARED_SHOPPER.into()),
            conversations,
            messages,
            rows,
            targets,
            turns,
            products: [PRODUCT, HIDDEN, &shop.own_product].map(|key| ProductKey(key.into())).into(),
        }
    }
}

/// Every `pub async fn` in an `impl TenantStore` of the store's sources.
fn operations(folder: &Path) -> Vec<Operation> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the store has sources") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(operations(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(operations_in(&fs::read_to_string(&path).expect("a readable source")));
        }
    }
    found
}

fn operations_in(source: &str) -> Vec<Operation> {
    const BEGINS: &str = "pub async fn ";
    let blocks = source.split("\nimpl TenantStore {").skip(1).map(|rest| rest.split("\n}").next().unwrap_or_default());
    let within = |block: &str| {
        let operation = |text: &str| {
            let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
            let body = text.split("\n    }").next().unwrap_or_default();
            Operation { name: text[..end].to_owned(), text: body.to_owned() }
        };
        block.split(BEGINS).skip(1).map(operation).collect::<Vec<_>>()
    };
    blocks.flat_map(within).collect()
}

#[test]
fn operations_are_found_in_a_source() {
    let source = "\nimpl TenantStore {\n    /// One.\n    pub async fn one(&self) {\n        a\n    }\n\n    pub async fn two<T>(\n        &self,\n    ) {\n    }\n\n    async fn not(&self) {}\n}\n\nimpl Other {\n    pub async fn no(&self) {}\n}\n";
    let names: Vec<_> = operations_in(source).into_iter().map(|operation| operation.name).collect();
    assert_eq!(names, ["one", "two"]);
}
