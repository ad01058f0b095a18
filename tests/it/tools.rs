//! A provider's model that calls tools in real turns: what it finds is evidence, what it gets wrong it is told, and it is
//! stopped.

use std::path::Path;

use aura::api;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use crate::{
    provider::{self, CATALOG, KEY, MODEL, QUESTION, ask, choose, draft, failure},
    support::{ACCOUNT, DEADLINE, SHOP, Scene, TestAura, Upstream},
};

/// What the provider attaches to its first call.
const SIGNATURE: &str = "c2lnbmF0dXJl";
const TOTE: &str = "waxed-canvas-tote";

/// An answer in which the model calls these tools.
pub fn calls(calls: &[(&str, Value)]) -> (u16, String) {
    calls_for(calls, 900)
}

/// The same after so many tokens were read.
fn calls_for(calls: &[(&str, Value)], tokens: u64) -> (u16, String) {
    let part = |(index, (name, args)): (usize, &(&str, Value))| {
        let mut part = json!({ "functionCall": { "id": format!("fc{index}"), "name": name, "args": args } });
        if index == 0 {
            part["thoughtSignature"] = SIGNATURE.into();
        }
        part
    };
    let parts: Vec<Value> = calls.iter().enumerate().map(part).collect();
    let event = json!({
        "candidates": [{ "content": { "role": "model", "parts": parts }, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": tokens, "candidatesTokenCount": 40, "totalTokenCount": tokens + 40 },
        "modelVersion": "gemini-3.5-flash-lite",
    });
    (200, format!("data: {event}\r\n\r\n"))
}

pub fn search(query: &str) -> (&'static str, Value) {
    ("search_products", json!({ "query": query, "price_min": null, "price_max": null, "in_stock": null }))
}

/// The contents of a request, oldest first.
fn contents(body: &Value) -> Vec<Value> {
    body["contents"].as_array().expect("contents").clone()
}

/// The results that a request ends with: each call's id with what it gave.
fn results(body: &Value) -> Vec<(String, Value)> {
    let last = contents(body).pop().expect("it ends with something");
    let parts = last["parts"].as_array().expect("parts").clone();
    let result = |part: Value| {
        let response = &part["functionResponse"];
        (response["id"].as_str().expect("a result has its call's id").to_owned(), response["response"].clone())
    };
    parts.into_iter().map(result).collect()
}

async fn aura(answers: &[(u16, String)]) -> (TestAura, Upstream) {
    let (aura, fake) = provider::aura(answers).await;
    choose(&aura, MODEL).await;
    (aura, fake)
}

#[tokio::test]
async fn a_model_searches_and_shows_what_it_found_at_the_price_of_now() {
    let (aura, fake) = aura(&[calls(&[search("canvas tote")]), draft(&["Have a look at this one:"], &[TOTE])]).await;
    let (said, by) = ask(&aura, "ana").await;
    assert!(said.contains("Waxed Canvas Tote – $118.00"), "{said}");
    assert_eq!(by.as_deref(), Some(MODEL));
    let asked = fake.asked();
    assert_eq!(asked.len(), 2);
    let [first, second] = [&asked[0].body, &asked[1].body];
    let names: Vec<&str> = first["tools"][0]["functionDeclarations"]
        .as_array()
        .expect("declarations")
        .iter()
        .map(|tool| tool["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["search_products", "get_product", "hand_over"]);
    assert_eq!(first["systemInstruction"], second["systemInstruction"]);
    assert_eq!(first["tools"], second["tools"]);
    let (before, after) = (contents(first), contents(second));
    assert_eq!(after[..before.len()], before[..], "what was asked stands as it stood, for the cache");
    let call = &after[before.len()]["parts"][0];
    assert_eq!((&call["thoughtSignature"], &call["functionCall"]["id"]), (&json!(SIGNATURE), &json!("fc0")));
    let [(id, result)] = results(second).try_into().expect("one result");
    let output = result["output"].as_str().expect("words");
    assert_eq!(id, "fc0");
    assert!(
        output.starts_with("<<") && output.contains("id: waxed-canvas-tote") && output.contains("$118.00"),
        "{output}"
    );
    let usage = aura.client().usage(SHOP, &api::UsageQuery::default()).await.expect("read");
    assert_eq!((usage.rows[0].calls, usage.reserved_usd.as_str()), (2, "0"));
}

#[tokio::test]
async fn tools_called_together_answer_together_in_their_order() {
    let get = ("get_product", json!({ "id": "cove-linen-shirt" }));
    let (aura, fake) = aura(&[calls(&[search("canvas tote"), get]), draft(&["Have a look:"], &[TOTE])]).await;
    ask(&aura, "ana").await;
    let results = results(&fake.asked()[1].body);
    let ids: Vec<&str> = results.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["fc0", "fc1"]);
    assert!(results[0].1["output"].as_str().is_some_and(|output| output.contains(TOTE)), "{results:?}");
    assert!(results[1].1["output"].as_str().is_some_and(|output| output.contains("cove-linen-shirt")), "{results:?}");
}

#[tokio::test]
async fn wrong_calls_are_told_how_to_be_mended_and_no_argument_names_another_shop() {
    let wrong = [
        ("search_products", json!({ "query": "tote", "price_max": "cheap" })),
        ("find_everything", json!({})),
        ("get_product", json!({ "id": "leinenhemd-fjord" })),
        ("get_product", json!({ "id": TOTE, "tenant": "other" })),
    ];
    let (aura, fake) = aura(&[calls(&wrong), calls(&[search("canvas tote")]), draft(&["Have a look:"], &[TOTE])]).await;
    aura.add_tenant("other").await;
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/catalogs/lindgruen_shopify.csv"));
    let bytes = Bytes::from(std::fs::read(path).expect("the sample catalogue is in the repository"));
    let query = api::ImportQuery { source: "csv".into(), ..api::ImportQuery::default() };
    aura.client().import("other", &query, stream::iter([Ok(bytes)])).await.expect("the sample can be read");
    let (said, _) = ask(&aura, "ana").await;
    assert!(said.contains("$118.00"), "{said}");
    let results = results(&fake.asked()[1].body);
    let expected =
        ["expected a JSON number", "There is no such tool", "There is no such product", "unknown field `tenant`"];
    for ((_, result), expected) in results.iter().zip(expected) {
        assert!(result["error"].as_str().is_some_and(|error| error.contains(expected)), "{expected}: {result}");
    }
    assert_eq!(results.len(), expected.len());
    assert!(fake.asked().iter().all(|asked| !asked.body.to_string().contains("Leinenhemd")));
}

#[tokio::test]
async fn a_model_that_never_stops_calling_is_stopped_and_the_shopper_answered() {
    let (aura, fake) = aura(&[calls(&[search("canvas tote")])]).await;
    let (said, by) = ask(&aura, "ana").await;
    assert!(said.contains("$58.00"), "{said}");
    assert_eq!(by.as_deref(), Some("builtin"));
    let modes: Vec<Value> =
        fake.asked().iter().map(|asked| asked.body["toolConfig"]["functionCallingConfig"]["mode"].clone()).collect();
    assert_eq!(modes, ["VALIDATED", "VALIDATED", "VALIDATED", "VALIDATED", "NONE"]);
}

#[tokio::test]
async fn a_turn_costs_no_more_than_its_ceiling_however_much_is_looked_up() {
    // 100,000 tokens at 0.30 dollars a million.
    let dear = calls_for(&[search("canvas tote")], 100_000);
    let (fake, url) = Upstream::answering(&[dear]).await;
    let aura = TestAura::setup()
        .catalog(CATALOG)
        .config(|config| {
            config.providers.gemini.base_url = format!("{url}/v1beta");
            config.models.budget_turn_usd = Some("0.06".into());
        })
        .start()
        .await;
    let key = api::NewSecret { value: KEY.into() };
    aura.client().set_secret(None, "gemini.api_key", &key).await.expect("stored");
    choose(&aura, MODEL).await;
    for (name, calls) in [("ana", 1), ("mara", 2)] {
        let (said, by) = ask(&aura, name).await;
        assert!(said.contains("$58.00"), "{said}");
        assert_eq!(by.as_deref(), Some("builtin"));
        assert_eq!(fake.asked().len() % 2, 0, "two calls a turn fit, a third does not: {calls}");
        assert_eq!(fake.asked().len(), 2 * calls, "each turn has a ceiling of its own");
    }
}

#[tokio::test]
async fn a_person_is_called_by_a_tool_and_without_a_catalogue_no_product_tool_is_offered() {
    let hand_over = ("hand_over", json!({ "reason": "unknown" }));
    let (fake, url) = Upstream::answering(&[calls(&[hand_over, search("tote")]), draft(&["Let me see."], &[])]).await;
    let aura =
        TestAura::setup().config(|config| config.providers.gemini.base_url = format!("{url}/v1beta")).start().await;
    let key = api::NewSecret { value: KEY.into() };
    aura.client().set_secret(None, "gemini.api_key", &key).await.expect("stored");
    choose(&aura, MODEL).await;
    aura.sim.shopper("ana").writes(ACCOUNT, QUESTION);
    aura.until_conversation("ana", "a person is called", |conversation| {
        conversation.turns.first().is_some_and(|turn| turn.outcome.as_deref() == Some("handed_over"))
    })
    .await;
    let asked = fake.asked();
    let declared = asked[0].body["tools"][0]["functionDeclarations"].as_array().expect("declarations").clone();
    assert_eq!(declared.iter().map(|tool| &tool["name"]).collect::<Vec<_>>(), ["hand_over"]);
    let results = results(&asked[1].body);
    assert!(results[0].1["output"].as_str().is_some_and(|said| said.contains("A person of the shop")), "{results:?}");
    assert!(results[1].1["error"].as_str().is_some_and(|said| said.contains("hand_over")), "{results:?}");
}

/// The real binary dies after a second round was paid and before it was recorded: the first one is not paid again.
#[tokio::test]
async fn a_model_that_fails_between_rounds_is_followed_by_one_that_takes_its_history() {
    let (fake, url) = Upstream::answering(&[
        calls(&[search("canvas tote")]),
        failure(400, "INVALID_ARGUMENT"),
        calls(&[search("wool blanket")]),
        draft(&["Have a look at this one:"], &[TOTE]),
    ])
    .await;
    let aura = TestAura::setup()
        .catalog(CATALOG)
        .config(|config| config.providers.gemini.base_url = format!("{url}/v1beta"))
        .start()
        .await;
    let key = api::NewSecret { value: KEY.into() };
    aura.client().set_secret(None, "gemini.api_key", &key).await.expect("stored");
    let choice = api::UseModel { model: MODEL.into(), fallbacks: vec!["gemini:gemini-2.5-flash".into()] };
    aura.client().use_model(Some(SHOP), "chat", &choice).await.expect("chosen");
    let (said, by) = ask(&aura, "ana").await;
    assert!(said.contains("$118.00"), "{said}");
    assert_eq!(by.as_deref(), Some("gemini:gemini-2.5-flash"));
    let asked = fake.asked();
    let models: Vec<bool> = asked.iter().map(|asked| asked.path.contains("gemini-2.5-flash")).collect();
    assert_eq!(models, [false, false, true, true], "who has called tools goes on");
    let taken_over = asked[2].body.to_string();
    assert!(taken_over.contains("functionResponse") && taken_over.contains("canvas tote"), "{taken_over}");
    assert!(!taken_over.contains(SIGNATURE) && !taken_over.contains("fc0"), "{taken_over}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_rounds_pays_no_recorded_round_again() {
    let (fake, url) = Upstream::answering(&[calls(&[search("coat")]), draft(&["Let me see."], &[])]).await;
    let mut scene = Scene::new().await;
    scene.binary = scene
        .binary
        .with("AURA_PROVIDERS__GEMINI__BASE_URL", &format!("{url}/v1beta"))
        .with("AURA_MODELS__CHAT", MODEL);
    let process = scene.start().await;
    let key = api::NewSecret { value: KEY.into() };
    process.client().set_secret(None, "gemini.api_key", &key).await.expect("stored");
    process.kill().await;
    let process = scene.start_armed("after_llm=1*off->return").await;
    scene.sim.shopper("ana").writes(ACCOUNT, "Is the coat there?");
    process.died_at("after_llm").await;
    let process = scene.start().await;
    scene.sim.until_replies("ana", 1, DEADLINE).await.expect("answered by the next daemon");
    scene.rest(&process).await;
    scene.end(process).await;
    scene.judge(1);
    let rounds: Vec<usize> = fake
        .asked()
        .iter()
        .map(|asked| {
            contents(&asked.body).iter().filter(|said| said["parts"][0]["functionResponse"].is_object()).count()
        })
        .collect();
    assert_eq!(rounds, [0, 1, 1]);
}
