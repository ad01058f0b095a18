//! What people see, at 100 columns.

use aura::api::*;
use serde_json::json;

use super::{samples::*, *};

/// Everything shown has to fit, and nothing may steer the terminal.
fn checked(text: String) -> String {
    for line in text.lines() {
        assert!(console::measure_text_width(line) <= 100, "too wide: {line}");
        assert_eq!(line, line.trim_end());
    }
    text
}

#[test]
fn tenant_list() {
    let rows = two_tenants();
    insta::assert_snapshot!(checked(tenants(&rows, LOOK)));
}

#[test]
fn tenant_detail() {
    let voice = Persona {
        tone: Some("warm".into()),
        sign_off: Some("Layla".into()),
        hours: Some(Spoken::Own("Mon-Fri".into())),
        ..Persona::default()
    };
    let detail = TenantDetail {
        tenant: a_tenant("noor", "Noor Atelier", "active"),
        persona: voice,
        status: a_status().tenants.pop(),
    };
    insta::assert_snapshot!(checked(tenant(&detail, LOOK)));
    let only_from = vec!["@ana.k".into(), "1284305829174402".into()];
    let limited = Tenant { mode: "suggest".into(), only_from, ..detail.tenant };
    let limited = TenantDetail { tenant: limited, persona: detail.persona, status: None };
    insta::assert_snapshot!("tenant_for_chosen_shoppers", checked(tenant(&limited, LOOK)));
}

#[test]
fn account_and_secret_lists() {
    let (account, secret) = (an_account(), a_secret());
    let lists = [accounts(&[("noor".into(), account)], LOOK), secrets(&[secret], LOOK)];
    insta::assert_snapshot!(checked(lists.join("\n\n")));
}

#[test]
fn search_result_table() {
    let found = two_results();
    insta::assert_snapshot!(checked(search_results(&found, LOOK)));
}

#[test]
fn product_detail() {
    let shown = a_product();
    insta::assert_snapshot!(checked(product(&shown, LOOK)));
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
    insta::assert_snapshot!(checked(format!("{}\n\n{}", import_report(&report, LOOK), catalog_status(&status, LOOK))));
}

#[test]
fn conversation_list() {
    let rows = some_conversations();
    insta::assert_snapshot!(checked(conversations(&rows, false, LOOK)));
    insta::assert_snapshot!("conversation_list_of_all", checked(conversations(&rows, true, LOOK)));
    let elsewhere = Look { width: None, ..LOOK };
    insta::assert_snapshot!("conversation_list_with_room", conversations(&rows, true, elsewhere));
}

#[test]
fn conversation_detail() {
    let detail = a_detail();
    insta::assert_snapshot!(checked(conversation(&detail, LOOK)));
}

#[test]
fn conversation_with_a_draft() {
    let part = |text: &str, held: bool| OutboxRow {
        id: "out_1".into(),
        turn: Some(a_draft().id),
        author: "bot".into(),
        author_id: None,
        author_name: None,
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
    insta::assert_snapshot!(checked(conversation(&detail, LOOK)));
}

#[test]
fn event_lines() {
    let line = |kind: &str, text: Option<&str>| {
        let fields = json!({ "conversation": "conv_0192f5c8", "bytes": 12, "assignee": "staff_1" });
        let shown = Event {
            tenant: "noor".into(),
            tenant_id: "ten_1".into(),
            seq: 7,
            kind: kind.into(),
            at: minutes_ago(1),
            actor: "shopper".into(),
            correlation: None,
            fields: fields.as_object().cloned().unwrap_or_default(),
            names: [("staff_1".to_owned(), "ben \u{1b}[31m".to_owned())].into(),
            text: text.map(Into::into),
        };
        let line: String = event(&shown, LOOK).into_iter().map(|(_, text)| text).collect();
        line.trim_end().to_owned()
    };
    let lines = [line("message.received", Some("hello\nthere \u{1b}[31m")), line("conversation.handed_over", None)];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn status_page() {
    let mut page = a_status();
    let shown = |page: &Status, detail| checked(status(page, LOOK, detail));
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

fn a_token(tenant: &str, state: &str) -> AccountToken {
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
        accounts: vec![a_token("noor", "refused"), a_token("lindgruen", "active")],
    };
    let shown = |page: &System, all| checked(system(page, LOOK, all));
    insta::assert_snapshot!(shown(&page, false));
    page.accounts = (0..40).map(|n| a_token(&format!("shop-{n:03}"), "active")).collect();
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

#[test]
fn models_compared() {
    let answer = |model: &str, text: &str| PreviewAnswer {
        model: model.into(),
        replies: vec![ChatReply { text: text.into(), products: Vec::new() }],
        written_by: Some(model.into()),
        evidence: vec![brief("linen-abaya", "Linen Abaya")],
        guard_refusals: 0,
        usage: Usage { input_tokens: 900, output_tokens: 160, cost_usd: "0.00053176".into() },
        handoff: None,
        elapsed_ms: 812,
        error: None,
    };
    let fine = answer(
        "gemini:gemini-3.5-flash-lite",
        "Yes, the Linen Abaya is there in M: 89.00 EUR. \u{1b}[2JShall I show more?",
    );
    let none = Usage { input_tokens: 0, output_tokens: 0, cost_usd: "0".into() };
    let stood_in = PreviewAnswer {
        written_by: Some("builtin".into()),
        usage: none.clone(),
        handoff: Some("policy".into()),
        guard_refusals: 2,
        error: Some("the writer gave no answer: openai rejected the API key".into()),
        ..answer("openai:gpt-6-luna", "Here is what I found:\n- Linen Abaya, 89.00 EUR\n- ارسال رایگان ندارد")
    };
    let page = ModelPreviewed { answers: vec![fine, stood_in] };
    insta::assert_snapshot!("models_side_by_side", checked(compared(&page, LOOK)));
    insta::assert_snapshot!("models_below_each_other", checked(compared(&page, Look { width: Some(60), ..LOOK })));
    let unasked = PreviewAnswer {
        replies: Vec::new(),
        written_by: None,
        evidence: Vec::new(),
        usage: none,
        ..page.answers[0].clone()
    };
    let unasked = PreviewAnswer { error: Some("no provider `x` is configured".into()), ..unasked };
    insta::assert_snapshot!(
        "model_that_could_not_be_asked",
        checked(compared(&ModelPreviewed { answers: vec![unasked] }, Look { width: None, ..LOOK }))
    );
}

#[test]
fn model_health_page() {
    let model = |name: &str| ModelFigures {
        model: name.into(),
        breaker: "closed".into(),
        open_until: None,
        keys_left_alone: 0,
        calls: 120,
        failures: [("rate_limit".to_owned(), 3), ("timeout_first_token".to_owned(), 1)].into(),
        first_token_ms: Some(Percentiles { p50: 410, p95: 1_920 }),
        total_ms: Some(Percentiles { p50: 1_180, p95: 4_020 }),
        spent_today_usd: "0.0417".into(),
    };
    let choice = |role: &str, model: &str, fallbacks: &[&str]| ModelChoice {
        role: role.into(),
        model: model.into(),
        fallbacks: fallbacks.iter().map(|name| (*name).to_owned()).collect(),
    };
    let tenant = |slug: &str| TenantModels {
        tenant: slug.into(),
        roles: vec![
            choice("chat", "openai:gpt-6-luna", &["gemini:gemini-3.5-flash-lite", "builtin"]),
            choice("embed", "builtin", &[]),
            choice("vision", "builtin", &[]),
        ],
    };
    let open = ModelFigures {
        breaker: "open".into(),
        open_until: Some(Time(NOW.0 + 84_500)),
        keys_left_alone: 2,
        first_token_ms: None,
        total_ms: None,
        ..model("openai:gpt-6-luna")
    };
    let quiet = ModelFigures { calls: 0, failures: Default::default(), ..model("gemini:gemini-3.5-flash-lite") };
    let mut page = ModelHealth {
        at: NOW,
        window_s: 900,
        models: vec![quiet, open],
        tenants: vec![tenant("lindgruen"), tenant("noor")],
        unread_tenants: vec!["torn".into()],
    };
    let shown = |page: &ModelHealth, all| checked(model_health(page, LOOK, all));
    insta::assert_snapshot!(shown(&page, false));
    page.tenants = (0..40).map(|n| tenant(&format!("shop-{n:03}"))).collect();
    assert!(shown(&page, false).contains("and 28 tenants more: aura model status --all"));
    assert!(shown(&page, true).contains("shop-039"));
    let none = ModelHealth { models: Vec::new(), tenants: Vec::new(), unread_tenants: Vec::new(), ..page };
    assert_eq!(shown(&none, false), "No model of a provider is used.");
}
