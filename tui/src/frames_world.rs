//! What Aura says of its shops, models and machine in the frames of the tests.

use aura::api::Time;
use serde_json::{Value, json};

use crate::work::{Answer, Load};

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a shape of the API")
}

/// Everything but conversations. `hostile`: what a stranger might write.
pub fn answers(hostile: &str, now: Time) -> Vec<(Load, Answer)> {
    let before = |ms: i64| Time(now.0 - ms).to_string();
    let mut found = vec![
        (Load::Status, Answer::Status(read(status(hostile, &before)))),
        (Load::System, Answer::System(read(system(hostile, &before)))),
        (Load::Health, Answer::Health(read(health(hostile, now)))),
        (
            Load::Prices,
            Answer::Prices(read(json!([
                {"model": "gemini:gemini-3.5-flash-lite", "input_usd": "0.10", "cached_usd": "0.01", "output_usd": "0.40"},
            ]))),
        ),
        (
            Load::Models("noor".into()),
            Answer::Models(read(json!({
                "choices": [], "allowed": ["*"], "budget": {}, "local": [],
                "providers": [{"name": "gemini", "ready": true}],
            }))),
        ),
    ];
    for tenant in ["a-shop-with-a-very-long-name-indeed", "noor", "zed-sneakers"] {
        found.push((
            Load::Catalog(tenant.into()),
            Answer::Catalog(read(json!({
                "products": 1_240, "visible": 1_200, "variants": 4_100, "active": 1_220, "unlisted": 5, "draft": 10,
                "archived": 5, "source": "products.jsonl", "format": "jsonl", "imported_at": before(10_800_000),
            }))),
        ));
        let hit = |id: &str, title: &str, price: Value, available: bool, score: f64| {
            json!({"product_id": id, "title": title, "url": format!("https://noor.example/p/{id}"), "price": price,
                   "available": available, "score": score,
                   "words": [{"word": "blue", "at": "title"}, {"word": "abaya", "at": "text"}, {"word": "wide", "at": null}]})
        };
        let euro = |amount: &str| json!({"amount": amount, "currency": "EUR"});
        found.push((
            Load::Search(tenant.into(), "blue abaya".into()),
            Answer::Search(read(json!({
                "query": "blue abaya", "elapsed_ms": 3,
                "results": [
                    hit("linen-abaya", "Linen Abaya, Blue", euro("89.00"), true, 12.402),
                    hit("jp", "藍染めのアバヤ 限定版 ブルー ロング丈", euro("12900.00"), false, 8.1),
                    hit("ar", "عباءة كتان زرقاء", euro("75.50"), true, 7.0),
                    hit("x", hostile, Value::Null, false, 0.2)],
            }))),
        ));
        found.push((
            Load::Product(tenant.into(), "linen-abaya".into()),
            Answer::Product(read(json!({
                "product_id": "linen-abaya", "title": "Linen Abaya, Blue", "url": "https://noor.example/p/linen-abaya",
                "price": euro("89.00"), "available": true, "brand": "Noor", "category": "Abayas", "tags": ["linen"],
                "description": format!("Light linen for warm days. {hostile}"), "images": ["https://x/1.jpg"],
                "status": "active", "visible": true,
                "variants": [
                    {"key": "s", "sku": "LA-S", "options": [["Size", "S"], ["Colour", "Blue"]], "price": euro("89.00"),
                     "compare_at": euro("110.00"), "available": true, "quantity": 3},
                    {"key": "m", "sku": "LA-M", "options": [["Size", "M"], ["Colour", "Blue"]], "price": euro("89.00"),
                     "compare_at": null, "available": false, "quantity": 0}],
            }))),
        ));
    }
    found
}

fn tenant(slug: &str, name: &str, more: Value) -> Value {
    let mut tenant = json!({
        "slug": slug, "name": name, "state": "active", "mode": "live", "only_from": 0, "conversations": 12,
        "with_person": 0, "waiting": 0, "labelled": 0, "drafts": 0, "parked": 0, "open_messages": 0, "products": 1_240,
        "model": "gemini:gemini-3.5-flash-lite", "spent_today_usd": "0.412", "spent_month_usd": "7.93", "outbox": {
            "pending": 0, "sending": 0, "sent": 812, "unknown": 0, "failed": 0, "cancelled": 3, "held": 0, "drafts": 0},
        "accounts": [], "received_today": 148, "turns_week": 700, "handed_over_week": 35, "missing": 0,
        "budget_month_usd": "25.00",
    });
    if let (Some(tenant), Some(more)) = (tenant.as_object_mut(), more.as_object()) {
        tenant.extend(more.clone());
    }
    tenant
}

fn status(hostile: &str, before: &dyn Fn(i64) -> String) -> Value {
    json!({
        "version": "0.1.0", "data_dir": "/var/lib/aura", "daemon": true, "started_at": before(86_400_000),
        "master_key": "credential", "journal": {"backlog": 0}, "ok": false,
        "schemas": {"control": 12, "journal": 3, "tenant": 24},
        "tenants": [
            tenant("a-shop-with-a-very-long-name-indeed", hostile, json!({"products": 0, "received_today": 0,
                "turns_week": 0, "handed_over_week": 0})),
            tenant("noor", "Noor Abayas", json!({"missing": 4, "waiting": 1, "with_person": 1, "waiting_since": before(200_000),
                "accounts": [{"channel": "instagram", "account_id": "17841400000000001", "username": "noor.abayas",
                              "state": "active", "last_event_at": before(61_000), "received": 9_812, "recovered": 4}]})),
            tenant("zed-sneakers", "ゼッド・スニーカーズ", json!({"drafts": 1, "mode": "suggest", "parked": 1,
                "accounts": [{"channel": "instagram", "account_id": "17841400000000002", "username": "zed", "state":
                              "refused", "last_event_at": null, "received": 0, "recovered": 0}]})),
        ],
        "problems": [
            {"weight": "broken", "tenant": "zed-sneakers", "code": "account_refused",
             "what": "Instagram refuses the token of @zed", "hint": "aura connect instagram -t zed-sneakers --account-id 1784"},
            {"weight": "wanted", "tenant": "noor", "code": "shopper_waits", "what": "1 shopper waits for a person",
             "hint": "aura conversation list -t noor --state waiting"}],
        "disk_free_bytes": 81_000_000_000_u64,
        "last_backup": {"made_at": before(7_200_000), "bytes": 48_200_000, "sha256": "5c4a"},
    })
}

/// A check-up with something of every state.
pub fn check_up(hostile: &str) -> Answer {
    let found = |check: &str, state: &str, tenant: Option<&str>, what: &str, hint: Option<&str>| json!({"check": check, "state": state, "tenant": tenant, "what": what, "hint": hint, "fixed": null});
    Answer::Doctor(read(json!({"ok": false, "findings": [
        found("data_directory", "ok", None, "/var/lib/aura", None),
        found("disk", "ok", None, "75.4 GiB free", None),
        found("master_key", "warning", None, "no recovery copy was made: if it is lost, so are all secrets",
              Some("aura secret recovery-copy FILE")),
        found("tls", "skipped", None, "`public_url` is not set", None),
        found("channels", "failed", Some("zed-sneakers"), hostile, Some("Connect the account again.")),
    ]})))
}

fn system(hostile: &str, before: &dyn Fn(i64) -> String) -> Value {
    json!({
        "at": before(0), "daemon": true, "started_at": before(86_400_000), "resident_bytes": 47_800_000,
        "versions": {"aura": "0.1.0", "sqlite": "3.53.1", "schemas": {"control": 12, "journal": 3, "tenant": 24}},
        "listening": {"webhooks": "127.0.0.1:8080", "metrics": "127.0.0.1:9464", "socket": "/var/lib/aura/aura.sock"},
        "log_level": "info",
        "queues": {"webhooks": 0, "turns": {"waiting": 2, "oldest_at": before(900), "more_on_disk": false, "busy": 3,
                   "workers": 20}, "bulk": {"waiting": 0, "running": 1, "places": 2}},
        "storage": {"data_dir": "/var/lib/aura", "control_bytes": 421_000, "journal_bytes": 4_200_000,
                    "tenants_bytes": 812_000_000, "tenants": 3, "disk_free_bytes": 81_000_000_000_u64,
                    "largest": [{"tenant": "noor", "bytes": 612_000_000}, {"tenant": "zed-sneakers", "bytes": 200_000_000}]},
        "accounts": [
            {"tenant": "zed-sneakers", "channel": "instagram", "account_id": "17841400000000002", "username": hostile,
             "state": "refused", "given_at": before(5_000_000_000)},
            {"tenant": "noor", "channel": "instagram", "account_id": "17841400000000001", "username": "noor.abayas",
             "state": "active", "given_at": before(864_000_000)}],
    })
}

fn health(hostile: &str, now: Time) -> Value {
    let choice = |role: &str, model: &str| json!({"role": role, "model": model, "fallbacks": ["openai:gpt-6-luna"]});
    let of = |tenant: &str| {
        json!({"tenant": tenant, "roles": [
        choice("chat", "gemini:gemini-3.5-flash-lite"), choice("vision", "builtin"), choice("embed", "builtin")]})
    };
    let figures = |model: &str, breaker: &str, calls: u64, failures: Value, total: Value| {
        json!({"model": model, "breaker": breaker, "keys_left_alone": 0, "calls": calls, "failures": failures,
               "total_ms": total, "spent_today_usd": "0.412",
               "open_until": (breaker == "open").then(|| Time(now.0 + 21_000).to_string())})
    };
    let took = json!({"p50": 1_204, "p95": 3_980});
    json!({
        "at": now.to_string(), "window_s": 900, "unread_tenants": [], "tenants": [of("noor"), of("zed-sneakers")],
        "models": [
            figures("gemini:gemini-3.5-flash-lite", "closed", 8_112, json!({"rate_limit": 4}), took.clone()),
            figures("openai:gpt-6-luna", "open", 12, json!({"auth": 12}), Value::Null),
            figures(hostile, "closed", 1, json!({}), took)],
    })
}
