//! Models on servers of one's own: an Ollama, and servers with names of their own that speak Chat Completions.

use aura::{
    api,
    config::{Server, ServerKind},
};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, SHOP, TestAura, Upstream};

const CATALOG: &str = "harbor_and_pine.jsonl";
const QUESTION: &str = "How much is the Cove Linen Shirt?";
pub(crate) const LOCAL: &str = "ollama:qwen3.5:9b";
pub(crate) const MINE: &str = "mine:qwen3.8-27b";

pub(crate) fn draft() -> String {
    json!({ "messages": ["Here it is:"], "cards": ["cove-linen-shirt"], "citations": [], "hand_over": false })
        .to_string()
}

/// An answer as Ollama writes it, over two lines.
pub(crate) fn local(text: &str) -> (u16, String) {
    let said = json!({ "model": "qwen3.5:9b", "message": { "role": "assistant", "content": text }, "done": false });
    let end = json!({ "model": "qwen3.5:9b", "message": { "role": "assistant", "content": "" }, "done": true,
                      "done_reason": "stop", "prompt_eval_count": 700, "eval_count": 30 });
    (200, format!("{said}\n{end}\n"))
}

/// An answer as servers of Chat Completions write it.
fn completion(delta: &Value, finish: &str) -> (u16, String) {
    let said = json!({ "id": "c1", "model": "qwen3.8-27b", "choices": [{ "index": 0, "delta": delta }] });
    let end = json!({ "id": "c1", "model": "qwen3.8-27b", "choices": [{ "index": 0, "delta": {}, "finish_reason": finish }] });
    let usage = json!({ "id": "c1", "model": "qwen3.8-27b", "choices": [],
                        "usage": { "prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100 } });
    (200, format!("data: {said}\n\ndata: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n"))
}

pub(crate) fn says(text: &str) -> (u16, String) {
    completion(&json!({ "content": text }), "stop")
}

pub(crate) fn server(url: &str) -> Server {
    Server { kind: Some(ServerKind::OpenaiChat), base_url: Some(format!("{url}/v1")), ..Server::default() }
}

/// Aura with an Ollama and a server `mine`, each with its answers.
async fn aura(
    local: &[(u16, String)],
    mine: &[(u16, String)],
    change: fn(&mut Server),
) -> (TestAura, Upstream, Upstream) {
    let (ollama, ollama_url) = Upstream::answering(local).await;
    let (upstream, url) = Upstream::answering(mine).await;
    let mut server = server(&url);
    change(&mut server);
    let aura = TestAura::setup()
        .catalog(CATALOG)
        .config(|config| {
            config.providers.ollama.base_url = ollama_url;
            config.providers.servers.insert("mine".into(), server);
        })
        .start()
        .await;
    (aura, ollama, upstream)
}

async fn choose(aura: &TestAura, slug: &str, model: &str) -> api::ModelUsed {
    let choice = api::UseModel { model: model.into(), fallbacks: Vec::new() };
    aura.client().use_model(Some(slug), "chat", &choice).await.expect("chosen")
}

async fn keep(aura: &TestAura, slug: Option<&str>, name: &str, value: &str) {
    aura.client().set_secret(slug, name, &api::NewSecret { value: value.into() }).await.expect("stored");
}

async fn ask(aura: &TestAura, name: &str) -> (String, Option<String>) {
    aura.sim.shopper(name).writes(ACCOUNT, QUESTION);
    aura.until_replies(name, 1).await;
    aura.until_idle().await;
    (aura.sim.replies_to(name).concat(), aura.conversation(name).await.turns[0].model.clone())
}

#[tokio::test]
async fn an_ollama_and_a_server_of_ones_own_answer_without_a_key_and_for_nothing() {
    let (aura, ollama, mine) = aura(&[local(&draft())], &[says(&draft())], |_| ()).await;
    for (model, name, asked, path) in
        [(LOCAL, "ana", &ollama, "/api/chat"), (MINE, "ben", &mine, "/v1/chat/completions")]
    {
        let used = choose(&aura, SHOP, model).await;
        assert!(used.keys_missing.is_empty(), "{used:?}");
        let (said, by) = ask(&aura, name).await;
        assert!(said.contains("Here it is:") && said.contains("$58.00"), "{said}");
        assert_eq!(by.as_deref(), Some(model));
        let asked = asked.asked();
        assert_eq!((asked[0].path.as_str(), asked[0].key.as_str()), (path, ""));
    }
    let usage = aura.client().usage(SHOP, &api::UsageQuery::default()).await.expect("read");
    let rows: Vec<_> =
        usage.rows.iter().map(|row| (row.model.as_str(), row.input_tokens, row.cost_usd.as_str())).collect();
    assert_eq!(rows, [(MINE, 1_000, "0"), (LOCAL, 700, "0")]);
}

#[tokio::test]
async fn a_server_that_says_what_it_takes_is_paid_that_and_kept_within_the_budget() {
    let (aura, _, mine) = aura(&[local("")], &[says(&draft())], |server| {
        (server.input_usd, server.output_usd) = (Some("0.5".into()), Some("1.5".into()));
    })
    .await;
    choose(&aura, SHOP, MINE).await;
    ask(&aura, "ana").await;
    let usage = aura.client().usage(SHOP, &api::UsageQuery::default()).await.expect("read");
    assert_eq!(usage.today_usd, "0.00065");
    let budget = api::Budget { day_usd: Some("0.001".into()), ..api::Budget::default() };
    aura.client().limit_models(Some(SHOP), &budget).await.expect("limited");
    let (_, by) = ask(&aura, "ben").await;
    assert_eq!((by.as_deref(), mine.asked().len()), (Some("builtin"), 1));
}

#[tokio::test]
async fn the_key_of_a_server_is_a_secret_and_a_tenants_own_serves_nobody_else() {
    let (aura, _, mine) = aura(&[local("")], &[says(&draft())], |server| server.needs_key = Some(true)).await;
    aura.add_tenant("other").await;
    let used = choose(&aura, SHOP, MINE).await;
    assert_eq!(used.keys_missing, ["mine"]);
    keep(&aura, Some("other"), "mine.api_key", "sk-of-the-other").await;
    let (_, by) = ask(&aura, "ana").await;
    assert_eq!((by.as_deref(), mine.asked().len()), (Some("builtin"), 0), "another's key is no key");
    keep(&aura, None, "mine.api_key", "sk-shared").await;
    ask(&aura, "ben").await;
    keep(&aura, Some(SHOP), "mine.api_key", "sk-own").await;
    ask(&aura, "mara").await;
    for slug in [Some("other"), None] {
        aura.client().test_model(slug, &api::TestModel { model: Some(MINE.into()) }).await.expect("asked");
    }
    let keys: Vec<_> = mine.asked().into_iter().map(|asked| asked.key).collect();
    assert_eq!(keys[..2], ["sk-shared", "sk-own"]);
    assert!(keys[2..].iter().take(4).all(|key| key == "sk-of-the-other"), "{keys:?}");
    assert_eq!(keys.last().map(String::as_str), Some("sk-shared"));
}

#[tokio::test]
async fn names_that_nobody_configured_are_refused_with_those_that_are() {
    let (aura, _, _) = aura(&[local("")], &[says("")], |_| ()).await;
    let said = aura.said(&["model", "use", "mind:x", "-t", SHOP], 2).await;
    assert!(said.contains("no provider `mind`") && said.contains("mine") && said.contains("ollama"), "{said}");
    let said = aura.said(&["secret", "remove", "mind.api_key"], 3).await;
    assert!(said.contains("there is no secret `mind.api_key`"), "{said}");
    let shown = aura.run(&["model", "list", "-t", SHOP]).await;
    assert!(shown.contains("mine") && shown.contains("ollama"), "{shown}");
}

/// The four answers of a model that can do everything.
fn able() -> Vec<(u16, String)> {
    let call = json!({ "tool_calls": [{ "index": 0, "id": "call_1", "type": "function",
                       "function": { "name": "get_stock", "arguments": "{\"product\":\"A-17\"}" } }] });
    vec![
        says("Ready."),
        completion(&call, "tool_calls"),
        says("The left half is green, the right one purple."),
        says("{\"material\":\"linen\",\"pieces\":7}"),
    ]
}

#[tokio::test]
async fn a_trial_shows_what_a_model_can_and_is_paid_as_every_call() {
    let priced: fn(&mut Server) = |server| {
        (server.input_usd, server.output_usd) = (Some("0.5".into()), Some("1.5".into()));
    };
    let (aura, _, mine) = aura(&[local("")], &able(), priced).await;
    let shown = aura.run(&["model", "test", MINE, "-t", SHOP, "--json"]).await;
    let test: api::ModelTest = serde_json::from_str(&shown).expect("JSON");
    let found: Vec<_> = test.probes.iter().map(|probe| (probe.skill.as_str(), probe.result.as_str())).collect();
    assert_eq!(found, [("text", "able"), ("tool", "able"), ("image", "able"), ("schema", "able")]);
    assert!(test.answers && test.probes.iter().all(|probe| probe.first_token_ms.is_some()), "{test:?}");
    assert_eq!(test.cost_usd.as_deref(), Some("0.0026"));
    let asked = mine.asked();
    assert!(asked[1].body["tools"].is_array() && asked[3].body["response_format"].is_object(), "{asked:?}");
    assert!(asked[2].body.to_string().contains("data:image/png;base64,"), "{asked:?}");
    let usage = aura.client().usage(SHOP, &api::UsageQuery::default()).await.expect("read");
    assert_eq!((usage.today_usd.as_str(), usage.reserved_usd.as_str(), usage.rows[0].calls), ("0.0026", "0", 4));

    // Out of a budget that is too small nothing is asked.
    let budget = api::Budget { day_usd: Some("0.003".into()), ..api::Budget::default() };
    aura.client().limit_models(Some(SHOP), &budget).await.expect("limited");
    let said = aura.said(&["model", "test", MINE, "-t", SHOP], 8).await;
    assert!(said.contains("the day budget of 0.003 USD"), "{said}");
    assert_eq!(mine.asked().len(), 4);
}

#[tokio::test]
async fn a_trial_tells_what_a_model_cannot_and_asks_no_further_when_it_is_silent() {
    let (aura, ollama, mine) =
        aura(&[local("I cannot do that.")], &[(401, json!({ "error": { "message": "bad key" } }).to_string())], |_| ())
            .await;
    let shown = aura.run(&["model", "test", LOCAL]).await;
    for expected in ["it did not call the tool", "it did not see the colours", "it did not keep to the schema"] {
        assert!(shown.contains(expected), "{shown}");
    }
    assert_eq!(ollama.asked().len(), 4);
    let said = aura.said(&["model", "test", MINE], 8).await;
    assert!(said.contains(MINE) && said.contains("gives no answer"), "{said}");
    assert_eq!(mine.asked().len(), 1);
    let said = aura.said(&["model", "test"], 2).await;
    assert!(said.contains("`builtin` answers here"), "{said}");
}

#[tokio::test]
async fn ollama_tells_what_it_has_and_fetches_what_it_has_not() {
    let tags = json!({ "models": [{ "name": "qwen3.5:9b", "size": 6_600_000_000_u64, "capabilities": ["completion", "tools"] }] });
    let layers = [
        "{\"status\":\"pulling manifest\"}",
        "{\"status\":\"pulling abc\",\"digest\":\"abc\",\"total\":100,\"completed\":40}",
        "{\"status\":\"pulling abc\",\"digest\":\"abc\",\"total\":100,\"completed\":100}",
        "{\"status\":\"success\"}",
    ]
    .join("\n");
    let answers = [
        (200, tags.to_string()),
        (200, layers),
        (404, json!({ "error": "pull model manifest: file does not exist" }).to_string()),
    ];
    let (aura, ollama, _) = aura(&answers, &[says("")], |_| ()).await;
    let shown = aura.run(&["model", "list"]).await;
    assert!(shown.contains("ollama:qwen3.5:9b") && shown.contains("6.6 GB") && shown.contains("tools"), "{shown}");
    let pulled = aura.run(&["model", "pull", "ollama:gemma4:e4b", "--json"]).await;
    let steps: Vec<api::PullProgress> = pulled.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(steps.len(), 4);
    assert_eq!((steps[1].completed, steps[1].total, steps[3].done), (40, 100, true));
    assert_eq!(ollama.asked()[1].body["model"], "gemma4:e4b");
    let said = aura.said(&["model", "pull", "ollama:nothing"], 3).await;
    assert!(said.contains("there is no model `ollama:nothing`"), "{said}");
    let said = aura.said(&["model", "pull", "gemini:x"], 2).await;
    assert!(said.contains("only an Ollama fetches models"), "{said}");
}
