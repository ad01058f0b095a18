//! What people see, at 100 columns.

use aura::api::*;
use serde_json::json;

use super::*;

const WIDTH: Option<usize> = Some(100);
const NOW: Time = Time(1_795_253_405_123);
const MINUTE: i64 = 60_000;

fn minutes_ago(minutes: i64) -> Time {
    Time(NOW.0 - minutes * MINUTE)
}

/// Everything shown has to fit, and nothing may steer the terminal.
fn checked(text: String) -> String {
    for line in text.lines() {
        assert!(console::measure_text_width(line) <= 100, "too wide: {line}");
        assert_eq!(line, line.trim_end());
    }
    text
}

fn a_tenant(slug: &str, name: &str, state: &str) -> Tenant {
    Tenant {
        id: "ten_0192f5c8-0000-7000-8000-000000000007".into(),
        slug: slug.into(),
        name: name.into(),
        currency: "EUR".into(),
        language: "en".into(),
        website: Some("https://noor.example".into()),
        state: state.into(),
        mode: "live".into(),
        only_from: Vec::new(),
        created_at: minutes_ago(3 * 24 * 60),
    }
}

fn brief(key: &str, title: &str) -> ProductRef {
    ProductRef {
        product_id: key.into(),
        title: title.into(),
        url: Some(format!("https://noor.example/products/{key}")),
        price: Some(Price { amount: "89.00".into(), currency: "EUR".into() }),
        available: true,
    }
}

fn a_conversation(name: Option<&str>, takeover: Option<Takeover>) -> Conversation {
    Conversation {
        id: "conv_0192f5c8-0000-7000-8000-000000000001".into(),
        tenant: "noor".into(),
        channel: "instagram".into(),
        account_id: "17841460012345678".into(),
        shopper_id: "1284305829174402".into(),
        shopper_name: name.map(Into::into),
        state: if takeover.is_some() { "person" } else { "bot" }.into(),
        takeover,
        draft: None,
        parked: None,
        label: None,
        open_messages: 1,
        last_shopper_at: Some(minutes_ago(4)),
        last_message_at: minutes_ago(3),
        language: Some("en".into()),
        preview: Some(Preview {
            side: "shopper".into(),
            text: Some("Is it\nthere in M?".into()),
            attachments: Vec::new(),
            unsent: false,
        }),
        message_count: 3,
        cost_usd: "0.0012".into(),
        handed_over: None,
    }
}

fn waiting() -> Option<Takeover> {
    Some(Takeover { cause: "asked".into(), since: minutes_ago(9), waiting_since: Some(minutes_ago(5)) })
}

#[test]
fn tenant_list() {
    let rows = [
        a_tenant("noor", "Noor Atelier", "active"),
        a_tenant("hafen-keramik", "Hafen Keramik \u{1b}[31m mit einem sehr, sehr langen Namen", "paused"),
    ];
    insta::assert_snapshot!(checked(tenants(&rows, NOW, WIDTH)));
}

#[test]
fn tenant_detail() {
    let voice = Persona {
        tone: Some("warm".into()),
        sign_off: Some("Layla".into()),
        hours: Some(Spoken::Own("Mon-Fri".into())),
        ..Persona::default()
    };
    let detail = TenantDetail { tenant: a_tenant("noor", "Noor Atelier", "active"), persona: voice };
    insta::assert_snapshot!(checked(tenant(&detail, NOW)));
    let only_from = vec!["@ana.k".into(), "1284305829174402".into()];
    let limited = Tenant { mode: "suggest".into(), only_from, ..detail.tenant };
    let limited = TenantDetail { tenant: limited, persona: detail.persona };
    insta::assert_snapshot!("tenant_for_chosen_shoppers", checked(tenant(&limited, NOW)));
}

#[test]
fn account_and_secret_lists() {
    let account = Account {
        channel: "instagram".into(),
        account_id: "17841460012345678".into(),
        username: Some("noor.atelier".into()),
        state: "connected".into(),
        connected_at: minutes_ago(90),
    };
    let secret = Secret { name: "meta.app_secret".into(), fingerprint: "1f0a9c22".into(), changed_at: minutes_ago(1) };
    let lists = [accounts(&[("noor".into(), account)], NOW, WIDTH), secrets(&[secret], NOW, WIDTH)];
    insta::assert_snapshot!(checked(lists.join("\n\n")));
}

#[test]
fn search_result_table() {
    let hit = |key, title, score| SearchHit { product: brief(key, title), score };
    let unknown = SearchHit {
        product: ProductRef {
            price: None,
            available: false,
            ..brief("gid://shopify/Product/7982", "Scarf 丝绸围巾 丝绸围巾 丝绸围巾 丝绸围巾")
        },
        score: 0.1234,
    };
    let results = vec![hit("linen-abaya", "Linen abaya, sand", 0.91), unknown];
    let found = SearchResult { query: "abaya".into(), results, elapsed_ms: 3 };
    insta::assert_snapshot!(checked(search_results(&found, WIDTH)));
}

#[test]
fn product_detail() {
    let variant = |size: &str, quantity| Variant {
        key: size.into(),
        sku: Some(format!("NA-124-{size}")),
        options: vec![("Size".into(), size.into()), ("Colour".into(), "Sand".into())],
        price: Some(Price { amount: "89.00".into(), currency: "EUR".into() }),
        compare_at: Some(Price { amount: "109.00".into(), currency: "EUR".into() }),
        available: quantity != Some(0),
        quantity,
    };
    let shown = Product {
        brief: brief("linen-abaya", "Linen abaya, sand"),
        brand: Some("Noor".into()),
        category: None,
        tags: vec!["linen".into(), "summer".into()],
        description: "Loose fit, made of washed linen.".into(),
        images: vec!["https://noor.example/1.jpg".into()],
        status: "active".into(),
        visible: true,
        variants: vec![variant("M", Some(3)), variant("L", Some(0)), variant("XL", None)],
    };
    insta::assert_snapshot!(checked(product(&shown, WIDTH)));
}

#[test]
fn import_result() {
    let skipped = (1..=12).map(|row| Skipped { at: format!("row {row}"), reason: "`Price` is \u{1b}[2J not".into() });
    let report = ImportReport {
        source: "products.csv".into(),
        format: "shopify_csv".into(),
        products: 124,
        variants: 312,
        added: 120,
        updated: 3,
        unchanged: 1,
        removed: 0,
        skipped: skipped.collect(),
        skipped_more: 3,
        dry_run: false,
        elapsed_ms: 87,
    };
    let status = CatalogStatus {
        products: 124,
        visible: 1,
        variants: 312,
        active: 121,
        unlisted: 0,
        draft: 2,
        archived: 1,
        source: Some("products.csv".into()),
        format: Some("shopify_csv".into()),
        imported_at: Some(minutes_ago(2)),
    };
    insta::assert_snapshot!(checked(format!("{}\n\n{}", import_report(&report), catalog_status(&status, NOW))));
}

#[test]
fn conversation_list() {
    let mut rows = [
        a_conversation(Some("Ana \u{202e}\u{1b}]0;x\u{7}"), waiting()),
        a_conversation(None, None),
        a_conversation(None, None),
        a_conversation(None, None),
    ];
    rows[2].draft = Some(a_draft());
    rows[3].parked = Some(Parked { reason: "window_closed".into(), since: minutes_ago(90) });
    rows[1].label = Some("spam".into());
    insta::assert_snapshot!(checked(conversations(&rows, false, NOW, WIDTH)));
    insta::assert_snapshot!("conversation_list_of_all", checked(conversations(&rows, true, NOW, WIDTH)));
    insta::assert_snapshot!("conversation_list_with_room", conversations(&rows, true, NOW, None));
}

#[test]
fn conversation_detail() {
    let message = |side: &str, text: Option<&str>, attachments: &[&str], minutes| Message {
        id: "msg_1".into(),
        side: side.into(),
        text: text.map(Into::into),
        attachments: attachments.iter().map(|&kind| kind.into()).collect(),
        at: minutes_ago(minutes),
        unsent: text.is_none() && attachments.is_empty(),
        turn: None,
        pictures: 0,
        seen: Vec::new(),
    };
    let row = OutboxRow {
        id: "out_1".into(),
        turn: Some("turn_1".into()),
        author: "bot".into(),
        text: "Yes, in M:\nLinen abaya, sand, 89.00 EUR".into(),
        state: "unknown".into(),
        reason: Some("timeout".into()),
        held: true,
        queued_at: minutes_ago(3),
        sent_at: None,
    };
    let turn = Turn {
        id: "turn_1".into(),
        outcome: Some("handed_over".into()),
        reason: Some("asked".into()),
        model: Some("builtin".into()),
        evidence: vec!["linen-abaya".into()],
        guard_refusals: 0,
        started_at: minutes_ago(3),
    };
    let detail = ConversationDetail {
        conversation: a_conversation(Some("Ana"), waiting()),
        messages: vec![
            message("shopper", Some("Is the linen abaya available in M?"), &["image"], 2 * 24 * 60),
            message("bot", Some("Yes, in M:\nLinen abaya, sand, 89.00 EUR"), &[], 4),
            message("shopper", None, &[], 3),
        ],
        has_more: false,
        outbox: vec![row],
        turns: vec![turn],
    };
    insta::assert_snapshot!(checked(conversation(&detail, NOW, WIDTH)));
}

fn a_draft() -> Draft {
    Draft { id: "turn_0192f5c8-0000-7000-8000-000000000002".into(), since: minutes_ago(2) }
}

#[test]
fn conversation_with_a_draft() {
    let part = |text: &str, held: bool| OutboxRow {
        id: "out_1".into(),
        turn: Some(a_draft().id),
        author: "bot".into(),
        text: text.into(),
        state: "pending".into(),
        reason: None,
        held,
        queued_at: minutes_ago(2),
        sent_at: None,
    };
    let mut about = a_conversation(Some("ana.k"), None);
    about.draft = Some(a_draft());
    about.parked = Some(Parked { reason: "draft_rejected".into(), since: minutes_ago(30) });
    let outbox = vec![part("Yes, in M:\n\nLinen abaya, sand, 89.00 EUR", true), part("Love, Noor \u{1b}[2J", true)];
    let detail =
        ConversationDetail { conversation: about, messages: Vec::new(), has_more: false, outbox, turns: Vec::new() };
    insta::assert_snapshot!(checked(conversation(&detail, NOW, WIDTH)));
}

#[test]
fn event_lines() {
    let line = |kind: &str, text: Option<&str>| {
        let fields = json!({ "conversation": "conv_0192f5c8", "bytes": 12 });
        let shown = Event {
            tenant: "noor".into(),
            tenant_id: "ten_1".into(),
            seq: 7,
            kind: kind.into(),
            at: minutes_ago(1),
            actor: "shopper".into(),
            correlation: None,
            fields: fields.as_object().cloned().unwrap_or_default(),
            text: text.map(Into::into),
        };
        let line: String = event(&shown, NOW).into_iter().map(|(_, text)| text).collect();
        line.trim_end().to_owned()
    };
    let lines = [line("message.received", Some("hello\nthere \u{1b}[31m")), line("conversation.handed_over", None)];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn status_page() {
    let account = AccountStatus {
        channel: "instagram".into(),
        account_id: "17841460012345678".into(),
        username: Some("noor.atelier".into()),
        state: "refused".into(),
        last_event_at: Some(minutes_ago(2)),
        received: 311,
        recovered: 2,
    };
    let shop = TenantStatus {
        slug: "noor".into(),
        name: "Noor Atelier".into(),
        state: "active".into(),
        mode: "suggest".into(),
        only_from: 2,
        conversations: 1_204,
        with_person: 3,
        waiting: 1,
        waiting_since: Some(minutes_ago(5)),
        drafts: 2,
        parked: 1,
        labelled: 4,
        open_messages: 2,
        products: 118,
        model: "gemini:gemini-3.5-flash-lite".into(),
        spent_today_usd: "0.12".into(),
        spent_month_usd: "3.4".into(),
        outbox: OutboxCounts {
            pending: 4,
            sending: 1,
            sent: 4_410,
            unknown: 1,
            failed: 0,
            cancelled: 7,
            held: 5,
            drafts: 3,
        },
        accounts: vec![account],
    };
    let mut page = Status {
        version: "0.1.0".into(),
        data_dir: "/var/lib/aura".into(),
        daemon: true,
        started_at: Some(minutes_ago(125)),
        master_key: "file".into(),
        recovery_copy: None,
        journal: Journal { backlog: 3 },
        schemas: Versions { control: 1, journal: 1, tenant: 1 },
        tenants: vec![shop],
        damaged_tenants: Vec::new(),
        ok: false,
        problems: vec![
            StatusProblem {
                weight: "broken".into(),
                tenant: Some("noor".into()),
                code: "account_refused".into(),
                what: "account 17841460012345678 is refused by Instagram".into(),
                hint: "aura connect instagram -t noor --account-id 17841460012345678 --token-file -".into(),
            },
            StatusProblem {
                weight: "wanted".into(),
                tenant: Some("noor".into()),
                code: "people_waiting".into(),
                what: "1 shopper waits for a person".into(),
                hint: "aura conversation list -t noor --state waiting".into(),
            },
        ],
        disk_free_bytes: Some(34_567_890_123),
    };
    let shown = |page: &Status, detail| checked(status(page, NOW, WIDTH, detail));
    insta::assert_snapshot!(shown(&page, Detail { all: false, verbose: true }));
    // A healthy shop: ten lines at most, the verdict first.
    let mut healthy = page.clone();
    (healthy.ok, healthy.problems, healthy.journal.backlog) = (true, Vec::new(), 0);
    healthy.tenants[0].outbox = OutboxCounts { sent: 4_410, ..OutboxCounts::default() };
    let text = shown(&healthy, Detail::default());
    assert!(text.lines().count() <= 10 && text.starts_with("All is well."), "{text}");
    insta::assert_snapshot!("status_of_a_healthy_shop", text);
    // Many shops: those that need a look, and how many others there are.
    let shop = page.tenants[0].clone();
    let others = (0..200).map(|n| TenantStatus { slug: format!("shop-{n:03}"), ..shop.clone() });
    page.tenants.extend(others);
    let text = shown(&page, Detail::default());
    assert!(text.lines().count() < 20, "{text}");
    insta::assert_snapshot!("status_of_many_shops", text);
    assert!(shown(&page, Detail { all: true, verbose: false }).lines().count() > 200);
    page.tenants.clear();
    page.problems.clear();
    insta::assert_snapshot!("status_page_without_tenants", shown(&page, Detail::default()));
}

fn an_account(tenant: &str, state: &str) -> AccountToken {
    AccountToken {
        tenant: tenant.into(),
        channel: "instagram".into(),
        account_id: "17841460012345678".into(),
        username: Some("noor.abayas\u{1b}]52;c;cGF5bG9hZA==\u{7}".into()),
        state: state.into(),
        given_at: minutes_ago(12 * 24 * 60),
    }
}

#[test]
fn machinery_page() {
    let largest = |tenant: &str, bytes| TenantBytes { tenant: tenant.into(), bytes };
    let mut page = System {
        at: NOW,
        daemon: true,
        started_at: minutes_ago(125),
        resident_bytes: Some(48 * 1_024 * 1_024 + 300_000),
        versions: SystemVersions {
            aura: "0.1.0".into(),
            sqlite: "3.51.3".into(),
            schemas: Versions { control: 7, journal: 2, tenant: 16 },
        },
        listening: Some(Listening {
            webhooks: "127.0.0.1:8080".into(),
            metrics: Some("127.0.0.1:9464".into()),
            socket: "/var/lib/aura/aura.sock".into(),
        }),
        log_level: "info".into(),
        queues: Queues {
            webhooks: 12,
            oldest_webhook_at: Some(Time(NOW.0 - 3_000)),
            turns: Some(TurnQueue {
                waiting: 64,
                oldest_at: Some(Time(NOW.0 - 7_000)),
                more_on_disk: true,
                busy: 20,
                workers: 20,
                oldest_message_at: Some(Time(NOW.0 - 61_000)),
            }),
            bulk: BulkQueue { waiting: 1, running: 4, places: 4 },
        },
        storage: Storage {
            data_dir: "/var/lib/aura".into(),
            control_bytes: 122_880,
            journal_bytes: 900,
            tenants_bytes: 3_345_678_901,
            tenants: 3,
            largest: vec![largest("noor", 3_221_225_472), largest("lindgruen", 104_857_600), largest("ash", 0)],
            disk_free_bytes: Some(34_567_890_123),
            disk_low_bytes: Some(4_294_967_296),
        },
        accounts: vec![an_account("noor", "refused"), an_account("lindgruen", "active")],
    };
    let shown = |page: &System, all| checked(system(page, WIDTH, all));
    insta::assert_snapshot!(shown(&page, false));
    page.accounts = (0..40).map(|n| an_account(&format!("shop-{n:03}"), "active")).collect();
    assert!(shown(&page, false).ends_with("and 28 accounts more: aura status --system --all"));
    assert!(shown(&page, true).lines().count() > 50);
    // By itself a command knows less, and says no more.
    (page.daemon, page.listening, page.queues.turns, page.resident_bytes) = (false, None, None, None);
    page.queues = Queues { webhooks: 0, oldest_webhook_at: None, ..page.queues };
    page.storage =
        Storage { largest: Vec::new(), tenants: 0, tenants_bytes: 0, disk_free_bytes: Some(1), ..page.storage };
    page.accounts.clear();
    insta::assert_snapshot!("machinery_without_a_daemon", shown(&page, false));
}
