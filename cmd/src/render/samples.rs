//! What is shown in tests: a shop with long names, hostile words and everything that can be there.

use aura::api::*;
use serde_json::json;

use super::Look;

pub const NOW: Time = Time(1_795_253_405_123);
pub const MINUTE: i64 = 60_000;
pub const LOOK: Look = Look { now: NOW, width: Some(100) };

pub fn minutes_ago(minutes: i64) -> Time {
    Time(NOW.0 - minutes * MINUTE)
}

pub fn a_tenant(slug: &str, name: &str, state: &str) -> Tenant {
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

pub fn brief(key: &str, title: &str) -> ProductRef {
    ProductRef {
        product_id: key.into(),
        title: title.into(),
        url: Some(format!("https://noor.example/products/{key}")),
        price: Some(Price { amount: "89.00".into(), currency: "EUR".into() }),
        available: true,
    }
}

pub fn a_conversation(name: Option<&str>, takeover: Option<Takeover>) -> Conversation {
    Conversation {
        id: "conv_0192f5c8-0000-7000-8000-000000000001".into(),
        tenant: "noor".into(),
        channel: "instagram".into(),
        account_id: "17841460012345678".into(),
        shopper_id: "1284305829174402".into(),
        shopper_name: name.map(Into::into),
        state: if takeover.is_some() { "person" } else { "bot" }.into(),
        takeover,
        assignee: None,
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

pub fn waiting() -> Option<Takeover> {
    Some(Takeover {
        cause: "asked".into(),
        since: minutes_ago(9),
        waiting_since: Some(minutes_ago(5)),
        holder: None,
        ends_at: None,
    })
}

/// Ana has it.
pub fn held() -> Option<Takeover> {
    let person = a_person(Some("ana"));
    let holder = Some(Holder { person, since: minutes_ago(2), you: false });
    Some(Takeover { cause: "staff".into(), since: minutes_ago(2), waiting_since: None, holder, ends_at: None })
}

/// Without a name: one who was removed.
pub fn a_person(name: Option<&str>) -> Person {
    Person { id: "staff_0192f5c8-0000-7000-8000-0000000000aa".into(), name: name.map(Into::into) }
}

pub fn two_tenants() -> Vec<Tenant> {
    vec![
        a_tenant("noor", "Noor Atelier", "active"),
        a_tenant("hafen-keramik", "Hafen Keramik \u{1b}[31m mit einem sehr, sehr langen Namen", "paused"),
    ]
}

pub fn an_account() -> Account {
    Account {
        channel: "instagram".into(),
        account_id: "17841460012345678".into(),
        username: Some("noor.atelier".into()),
        state: "connected".into(),
        connected_at: minutes_ago(90),
    }
}

pub fn a_secret() -> Secret {
    Secret { name: "meta.app_secret".into(), fingerprint: "1f0a9c22".into(), changed_at: minutes_ago(1) }
}

pub fn two_results() -> SearchResult {
    let hit = |key, title, score| SearchHit {
        product: brief(key, title),
        score,
        words: vec![
            MetWord { word: "linen".into(), at: Some("title".into()) },
            MetWord { word: "blue".into(), at: Some("text".into()) },
            MetWord { word: "kid".into(), at: None },
        ],
    };
    let unknown = SearchHit {
        product: ProductRef {
            price: None,
            available: false,
            ..brief("gid://shopify/Product/7982", "Scarf 丝绸围巾 丝绸围巾 丝绸围巾 丝绸围巾")
        },
        score: 0.1234,
        words: Vec::new(),
    };
    let results = vec![hit("linen-abaya", "Linen abaya, sand", 0.91), unknown];
    SearchResult { query: "abaya".into(), results, elapsed_ms: 3 }
}

pub fn a_product() -> Product {
    let variant = |size: &str, quantity| Variant {
        key: size.into(),
        sku: Some(format!("NA-124-{size}")),
        options: vec![("Size".into(), size.into()), ("Colour".into(), "Sand".into())],
        price: Some(Price { amount: "89.00".into(), currency: "EUR".into() }),
        compare_at: Some(Price { amount: "109.00".into(), currency: "EUR".into() }),
        available: quantity != Some(0),
        quantity,
    };
    Product {
        brief: brief("linen-abaya", "Linen abaya, sand"),
        brand: Some("Noor".into()),
        category: None,
        tags: vec!["linen".into(), "summer".into()],
        description: "Loose fit, made of washed linen.".into(),
        images: vec!["https://noor.example/1.jpg".into()],
        status: "active".into(),
        visible: true,
        variants: vec![variant("M", Some(3)), variant("L", Some(0)), variant("XL", None)],
    }
}

pub fn some_conversations() -> Vec<Conversation> {
    let mut rows = vec![
        a_conversation(Some("Ana \u{202e}\u{1b}]0;x\u{7}"), waiting()),
        a_conversation(None, None),
        a_conversation(None, None),
        a_conversation(None, None),
    ];
    rows[2].draft = Some(a_draft());
    rows[3].parked = Some(Parked { reason: "window_closed".into(), since: minutes_ago(90) });
    rows[1].label = Some("spam".into());
    rows[1].takeover = held();
    rows[2].assignee = Some(a_person(Some("ben")));
    rows
}

pub fn a_detail() -> ConversationDetail {
    let message = |side: &str, text: Option<&str>, attachments: &[&str], minutes| Message {
        id: "msg_1".into(),
        side: side.into(),
        author_id: (side == "person").then(|| a_person(None).id),
        author_name: None,
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
        author_id: None,
        author_name: None,
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
    let by_ana = Message { author_name: Some("ana".into()), ..message("person", Some("Ana here:\nit is"), &[], 1) };
    ConversationDetail {
        conversation: a_conversation(Some("Ana"), waiting()),
        messages: vec![
            message("shopper", Some("Is the linen abaya available in M?"), &["image"], 2 * 24 * 60),
            message("bot", Some("Yes, in M:\nLinen abaya, sand, 89.00 EUR"), &[], 4),
            message("shopper", None, &[], 3),
            message("person", Some("Somebody who has left wrote this"), &[], 2),
            by_ana,
        ],
        has_more: false,
        outbox: vec![row],
        turns: vec![turn],
    }
}

pub fn a_draft() -> Draft {
    Draft { id: "turn_0192f5c8-0000-7000-8000-000000000002".into(), since: minutes_ago(2) }
}

pub fn a_status() -> Status {
    let account = AccountStatus {
        channel: "instagram".into(),
        account_id: "17841460012345678".into(),
        username: Some("noor.atelier".into()),
        state: "refused".into(),
        last_event_at: Some(minutes_ago(2)),
        received: 311,
        received_today: 17,
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
        received_today: 17,
        missing: 2,
        turns_week: 96,
        handed_over_week: 12,
        products: 118,
        model: "gemini:gemini-3.5-flash-lite".into(),
        spent_today_usd: "0.12".into(),
        spent_month_usd: "3.4".into(),
        budget_day_usd: None,
        budget_month_usd: Some("40".into()),
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
    Status {
        version: "0.1.0".into(),
        data_dir: "/var/lib/aura".into(),
        daemon: true,
        started_at: Some(minutes_ago(125)),
        master_key: "file".into(),
        recovery_copy: None,
        last_backup: Some(LastBackup { made_at: minutes_ago(190), bytes: 5_500_000, sha256: "ab".into() }),
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
    }
}

/// What the wire brings.
pub fn read<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> T {
    serde_json::from_value(json).expect("the shape of the API")
}

pub fn some_models() -> Models {
    read(json!({
        "choices": [
            { "role": "chat", "model": "gemini:gemini-3.5-flash-lite", "fallbacks": ["openai:gpt-6-luna", "ollama:qwen3.5:9b"] },
            { "role": "embed", "model": "builtin", "fallbacks": [] },
        ],
        "allowed": ["*"],
        "budget": { "day_usd": "2", "month_usd": "40", "conversation_usd": null },
        "providers": [{ "name": "gemini", "ready": true }, { "name": "openai", "ready": false }],
        "local": [
            { "model": "ollama:qwen3.5:9b", "size_bytes": 6_600_000_000_u64, "capabilities": ["completion", "tools", "vision"] },
        ],
    }))
}

pub fn a_model_test() -> ModelTest {
    let probe = |skill: &str, result: &str, reason: Option<&str>| {
        json!({ "skill": skill, "result": result, "reason": reason, "first_token_ms": 312, "total_ms": 812,
            "input_tokens": 900, "output_tokens": 160, "cost_usd": "0.00053176" })
    };
    let refused = "the model does not take pictures of this kind, and says so in a sentence that goes on and on";
    read(json!({
        "model": "gemini:gemini-3.5-flash-lite", "answers": true, "cost_usd": "0.0021",
        "probes": [probe("text", "able", None), probe("picture", "failed", Some(refused))],
    }))
}

pub fn some_prices() -> Vec<ModelPrice> {
    let price = |model: &str, above: Option<u64>| {
        json!({ "model": model, "from": "2026-06-01T00:00:00Z", "input_usd": "0.10", "cached_usd": "0.025",
            "output_usd": "0.40", "dearer_above_tokens": above })
    };
    read(json!([price("gemini:gemini-3.5-flash-lite", None), price("openai:gpt-6-luna", Some(272_000))]))
}

pub fn some_usage() -> UsageReport {
    let row = |day: &str, model: &str| {
        json!({ "day": day, "role": "chat", "model": model, "calls": 1_204, "failures": 3, "input_tokens": 1_904_221,
            "cached_tokens": 1_200_000, "output_tokens": 88_120, "cost_usd": "0.482913", "estimated_usd": "0" })
    };
    read(json!({
        "today_usd": "0.48", "month_usd": "12.4", "reserved_usd": "0",
        "rows": [row("2026-11-21", "gemini:gemini-3.5-flash-lite"), row("2026-11-20", "openai:gpt-6-luna")],
    }))
}

pub fn a_target() -> NotifyTarget {
    read(json!({
        "name": "night-desk", "via": "webhook", "address": "https://hooks.noor.example/aura/very/long/path/of/a/hook",
        "on": ["handed_over", "parked"], "include_text": false, "time_zone": "Europe/Berlin", "quiet": "22:00-07:00",
        "created_at": "2026-11-01T09:00:00Z", "waiting": 2, "next_at": null, "given_up": 1,
        "last": { "state": "given_up", "attempts": 8, "created_at": "2026-11-21T08:00:00Z",
            "finished_at": "2026-11-21T08:30:00Z", "error": "it answers 404 \u{1b}[31m" },
    }))
}

pub fn two_notify_tests() -> Vec<NotifyTested> {
    read(json!([
        { "name": "night-desk", "outcome": "sent", "reason": null },
        { "name": "mail", "outcome": "failed", "reason": "the mail server at mail.noor.example does not take the sender" },
    ]))
}

pub fn two_versions() -> Vec<PersonaVersion> {
    read(json!([
        { "version": 2, "set_at": "2026-11-21T09:00:00Z", "restored": 1, "current": true },
        { "version": 1, "set_at": null, "restored": null, "current": false },
    ]))
}
