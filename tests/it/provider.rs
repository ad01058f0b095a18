//! Models of a provider in real turns: chosen, paid for, swapped, and stood in for.

use aura::{api, config::Config};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, SHOP, TestAura, Upstream};

pub(crate) const CATALOG: &str = "harbor_and_pine.jsonl";
pub(crate) const QUESTION: &str = "How much is the Cove Linen Shirt?";
pub(crate) const KEY: &str = "AIza-canary-key-of-the-test";
pub(crate) const MODEL: &str = "gemini:gemini-3.5-flash-lite";

/// A stream of one event in which the model writes a draft.
pub(crate) fn draft(messages: &[&str], cards: &[&str]) -> (u16, String) {
    says(&json!({ "messages": messages, "cards": cards, "citations": [], "hand_over": false }))
}

pub(crate) fn says(draft: &Value) -> (u16, String) {
    text(&draft.to_string())
}

/// A stream of one event in which the model says this.
pub(crate) fn text(text: &str) -> (u16, String) {
    let event = json!({
        "candidates": [{ "content": { "role": "model", "parts": [{ "text": text }] }, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 900, "candidatesTokenCount": 40, "thoughtsTokenCount": 120,
                           "cachedContentTokenCount": 512, "totalTokenCount": 1060 },
        "modelVersion": "gemini-3.5-flash-lite",
    });
    (200, format!("data: {event}\r\n\r\n"))
}

pub(crate) fn failure(status: u16, word: &str) -> (u16, String) {
    (status, json!({ "error": { "code": status, "message": "no", "status": word } }).to_string())
}

pub(crate) async fn aura(answers: &[(u16, String)]) -> (TestAura, Upstream) {
    aura_with(answers, |_| {}).await
}

/// The same with other settings.
pub(crate) async fn aura_with(answers: &[(u16, String)], change: impl FnOnce(&mut Config)) -> (TestAura, Upstream) {
    let (fake, url) = Upstream::answering(answers).await;
    let aura = TestAura::setup()
        .catalog(CATALOG)
        .config(|config| config.providers.gemini.base_url = format!("{url}/v1beta"))
        .config(change)
        .start()
        .await;
    let key = api::NewSecret { value: KEY.into() };
    aura.client().set_secret(None, "gemini.api_key", &key).await.expect("stored");
    (aura, fake)
}

pub(crate) async fn choose(aura: &TestAura, model: &str) -> api::ModelUsed {
    let choice = api::UseModel { model: model.into(), fallbacks: Vec::new() };
    aura.client().use_model(Some(SHOP), "chat", &choice).await.expect("chosen")
}

/// Has a shopper ask; what is said, and who said it.
pub(crate) async fn ask(aura: &TestAura, name: &str) -> (String, Option<String>) {
    aura.sim.shopper(name).writes(ACCOUNT, QUESTION);
    aura.until_replies(name, 1).await;
    aura.until_idle().await;
    (aura.sim.replies_to(name).concat(), aura.conversation(name).await.turns[0].model.clone())
}

#[tokio::test]
async fn a_provider_answers_from_the_next_turn_on_and_code_writes_the_price() {
    let (aura, fake) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    let (_, by) = ask(&aura, "before").await;
    assert_eq!((by.as_deref(), fake.asked().len()), (Some("builtin"), 0));
    let used = choose(&aura, MODEL).await;
    assert!(used.changed && used.keys_missing.is_empty());
    let (said, by) = ask(&aura, "ana").await;
    assert!(said.contains("Here it is:") && said.contains("Cove Linen Shirt – $58.00"), "{said}");
    assert_eq!(by.as_deref(), Some(MODEL));
    let asked = fake.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent");
    assert_eq!(asked[0].key, KEY);
    assert!(asked[0].body.to_string().contains("Cove Linen Shirt") && !asked[0].body.to_string().contains(KEY));
    choose(&aura, "builtin").await;
    let (_, by) = ask(&aura, "after").await;
    assert_eq!((by.as_deref(), fake.asked().len()), (Some("builtin"), 1));
}

#[tokio::test]
async fn a_model_that_wants_a_person_is_heard_out_and_a_person_is_told() {
    let wish = json!({ "messages": ["I'll pass this on."], "cards": [], "citations": [], "hand_over": true });
    let (aura, _fake) = aura(&[says(&wish)]).await;
    choose(&aura, MODEL).await;
    let (said, by) = ask(&aura, "ana").await;
    assert!(said.contains("I'll pass this on."), "{said}");
    let conversation = aura.conversation("ana").await;
    assert_eq!(by.as_deref(), Some(MODEL));
    assert_eq!(conversation.turns[0].outcome.as_deref(), Some("handed_over"), "{conversation:?}");
}

#[tokio::test]
async fn a_draft_that_gives_the_prompt_away_is_not_sent() {
    let (aura, fake) = aura(&[draft(&["Hello"], &[])]).await;
    choose(&aura, MODEL).await;
    ask(&aura, "ana").await;
    let body = fake.asked()[0].body.to_string();
    let (_, behind) = body.split_once("Reference: ").expect("the prompt has a canary");
    let canary: String = behind.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    fake.answers(&[draft(&[&format!("My instructions say {}.", canary.to_uppercase())], &[])]);
    let (said, by) = ask(&aura, "mara").await;
    assert!(!said.contains(&canary.to_uppercase()) && said.contains("$58.00"), "{said}");
    assert_eq!(by.as_deref(), Some("builtin"));
}

#[tokio::test]
async fn what_a_model_cost_is_counted_to_the_last_digit() {
    let (aura, _fake) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    choose(&aura, MODEL).await;
    ask(&aura, "ana").await;
    let usage = aura.client().usage(SHOP, &api::UsageQuery::default()).await.expect("read");
    let [row] = usage.rows.as_slice() else { panic!("{usage:?}") };
    assert_eq!((row.model.as_str(), row.calls, row.failures), (MODEL, 1, 0));
    assert_eq!((row.input_tokens, row.cached_tokens, row.output_tokens), (900, 512, 160));
    // 388 × 0.30 + 512 × 0.03 + 160 × 2.50 dollars a million.
    assert_eq!((row.cost_usd.as_str(), row.estimated_usd.as_str()), ("0.00053176", "0"));
    assert_eq!((usage.today_usd.as_str(), usage.reserved_usd.as_str()), ("0.00053176", "0"));
}

#[tokio::test]
async fn a_budget_that_is_too_small_for_the_call_lets_the_built_in_one_answer() {
    let (aura, fake) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    choose(&aura, MODEL).await;
    let budget = api::Budget { day_usd: Some("0.0001".into()), ..api::Budget::default() };
    aura.client().limit_models(Some(SHOP), &budget).await.expect("limited");
    let (said, by) = ask(&aura, "ana").await;
    assert!(said.contains("$58.00"), "{said}");
    assert_eq!((by.as_deref(), fake.asked().len()), (Some("builtin"), 0));
}

#[tokio::test]
async fn a_model_whose_price_nobody_knows_is_asked_only_where_there_is_no_budget() {
    let (aura, fake) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    let unpriced = "gemini:nobody-knows-what-it-takes";
    choose(&aura, unpriced).await;
    let (_, by) = ask(&aura, "ana").await;
    assert_eq!((by.as_deref(), fake.asked().len()), (Some(unpriced), 1));
    let budget = api::Budget { day_usd: Some("1000".into()), ..api::Budget::default() };
    aura.client().limit_models(Some(SHOP), &budget).await.expect("limited");
    let (_, by) = ask(&aura, "ben").await;
    assert_eq!((by.as_deref(), fake.asked().len()), (Some("builtin"), 1));
}

#[tokio::test]
async fn hidden_letters_of_a_model_reach_no_shopper() {
    let tags: String = "pay me".chars().filter_map(|letter| char::from_u32(0xe0000 + letter as u32)).collect();
    let (aura, fake) = aura(&[draft(&[&format!("Ha\u{200b}ve\u{202e} a look{tags}:")], &["cove-linen-shirt"])]).await;
    choose(&aura, MODEL).await;
    let (said, by) = ask(&aura, "ana").await;
    assert!(said.contains("Have a look:"), "{said:?}");
    let is_hidden = |letter| matches!(letter, '\u{200b}' | '\u{202e}' | '\u{e0000}'..='\u{e0fff}');
    assert!(!said.contains(is_hidden), "{said:?}");
    assert_eq!((by.as_deref(), fake.asked().len()), (Some(MODEL), 1), "what they hid is said, in one draft");
}

#[tokio::test]
async fn a_provider_that_fails_is_stood_in_for_and_money_is_never_asked_for_twice() {
    for (answer, calls) in [
        (failure(402, "RESOURCE_EXHAUSTED"), 1),
        (failure(403, "PERMISSION_DENIED"), 1),
        (failure(400, "INVALID_ARGUMENT"), 1),
        ((200, "data: {\"candidates\":[]}\r\n\r\n".to_owned()), 1),
    ] {
        let (aura, fake) = aura(std::slice::from_ref(&answer)).await;
        choose(&aura, MODEL).await;
        let (said, by) = ask(&aura, "ana").await;
        assert!(said.contains("$58.00"), "{said}");
        assert_eq!(by.as_deref(), Some("builtin"), "{answer:?}");
        assert!(fake.asked().len() >= calls, "{answer:?}");
        if answer.0 != 200 {
            assert_eq!(fake.asked().len(), calls, "{answer:?}");
            let usage = aura.client().usage(SHOP, &api::UsageQuery::default()).await.expect("read");
            assert_eq!((usage.today_usd.as_str(), usage.reserved_usd.as_str()), ("0", "0"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn nothing_goes_to_a_provider_that_is_not_allowed_or_not_configured() {
    let (fake, url) = Upstream::answering(&[draft(&["Hi"], &[])]).await;
    let aura = TestAura::setup()
        .catalog(CATALOG)
        .config(|config| {
            config.providers.gemini.base_url = format!("{url}/v1beta");
            config.models.allowed = vec!["openai".into()];
            config.models.chat = MODEL.into();
        })
        .start()
        .await;
    let key = api::NewSecret { value: KEY.into() };
    aura.client().set_secret(None, "gemini.api_key", &key).await.expect("stored");
    for model in [MODEL, "nobody:x", "gemini"] {
        let choice = api::UseModel { model: model.into(), fallbacks: Vec::new() };
        let refused = aura.client().use_model(Some(SHOP), "chat", &choice).await;
        assert!(refused.is_err(), "{model}");
    }
    let trial = api::TestModel { model: Some(MODEL.into()) };
    for slug in [Some(SHOP), None] {
        assert!(aura.client().test_model(slug, &trial).await.is_err(), "a trial is a call, too: {slug:?}");
    }
    let (_, by) = ask(&aura, "ana").await;
    assert_eq!((by.as_deref(), fake.asked().len()), (Some("builtin"), 0), "whatever the configuration names");
}

#[tokio::test]
async fn a_tenants_own_key_goes_before_the_shared_one() {
    let (aura, fake) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    let own = api::NewSecret { value: "AIza-own".into() };
    aura.client().set_secret(Some(SHOP), "gemini.api_key", &own).await.expect("stored");
    choose(&aura, MODEL).await;
    ask(&aura, "ana").await;
    assert_eq!(fake.asked()[0].key, "AIza-own");
}

#[tokio::test]
async fn the_command_line_says_what_changed_and_what_is_missing() {
    let (_fake, url) = Upstream::answering(&[draft(&["Hi"], &[])]).await;
    let aura = TestAura::setup()
        .catalog(CATALOG)
        .config(|config| config.providers.gemini.base_url = format!("{url}/v1beta"))
        .start()
        .await;
    let said = aura.said(&["model", "use", MODEL, "-t", SHOP], 0).await;
    assert!(said.contains("from the next turn on") && said.contains("aura secret set gemini.api_key"), "{said}");
    let said = aura.said(&["model", "use", "gemni:x", "-t", SHOP], 2).await;
    assert!(said.contains("no provider `gemni`") && said.contains("gemini"), "{said}");
    let said = aura.said(&["model", "budget", "-t", SHOP, "--day", "two"], 2).await;
    assert!(said.contains("is not an amount of dollars"), "{said}");
    let shown = aura.run(&["model", "list", "-t", SHOP]).await;
    assert!(shown.contains(MODEL) && shown.contains("builtin"), "{shown}");
    let prices = aura.run(&["model", "prices"]).await;
    assert!(prices.contains("gemini:gemini-3.5-flash-lite"), "{prices}");
    let usage = aura.run(&["usage", "-t", SHOP]).await;
    assert!(usage.contains("No model of a provider was called"), "{usage}");
}

#[tokio::test]
async fn a_trial_conversation_shows_which_model_answered_and_what_it_cost() {
    let (aura, _) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    let said = aura.said(&["chat", "-t", SHOP, "--once", QUESTION], 0).await;
    assert!(said.contains("(builtin, ") && !said.contains("USD"), "{said}");
    choose(&aura, MODEL).await;
    let said = aura.said(&["chat", "-t", SHOP, "--once", QUESTION], 0).await;
    assert!(said.contains(&format!("({MODEL}, 900 tokens in, 160 out, 0.00053176 USD, ")), "{said}");
    let shown = aura.run(&["chat", "-t", SHOP, "--once", QUESTION, "--json"]).await;
    let answer: api::ChatAnswer = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((answer.model.as_str(), answer.usage.input_tokens, answer.usage.output_tokens), (MODEL, 900, 160));
    assert_eq!(answer.usage.cost_usd, "0.00053176");
}

#[tokio::test]
async fn a_draft_in_another_language_is_asked_for_again_once_and_then_better_than_none() {
    let german = draft(
        &[
            "Hallo! Schön, dass du schreibst. Kann ich dir noch bei etwas helfen?",
            "Welche Größe trägst du normalerweise?",
        ],
        &["cove-linen-shirt"],
    );
    let english = draft(&["Here it is:"], &["cove-linen-shirt"]);
    for (second, expected) in [(english, "Here it is:"), (german.clone(), "Schön, dass du schreibst.")] {
        let (aura, fake) = aura(&[german.clone(), second]).await;
        choose(&aura, MODEL).await;
        let (said, by) = ask(&aura, "ana").await;
        assert!(said.contains(expected) && said.contains("$58.00"), "{said}");
        assert_eq!(by.as_deref(), Some(MODEL));
        let asked = fake.asked();
        assert_eq!(asked.len(), 2);
        assert!(asked[1].body.to_string().contains("language: write the whole answer in English"), "{asked:?}");
        assert_eq!(aura.conversation("ana").await.turns[0].outcome.as_deref(), Some("answered"));
    }
}

/// What `aura status` says of the shop, by its codes.
async fn codes(aura: &TestAura) -> Vec<(String, String)> {
    let status = aura.client().status().await.expect("read");
    status.problems.into_iter().filter(|it| it.code.starts_with("model")).map(|it| (it.code, it.hint)).collect()
}

#[tokio::test]
async fn status_tells_what_keeps_a_chosen_model_from_answering_and_what_it_has_cost() {
    let (upstream, url) = Upstream::answering(&[failure(403, "PERMISSION_DENIED")]).await;
    let aura = TestAura::setup()
        .catalog(CATALOG)
        .config(|config| config.providers.gemini.base_url = format!("{url}/v1beta"))
        .start()
        .await;
    assert!(codes(&aura).await.is_empty());
    choose(&aura, MODEL).await;
    let no_key = ("model_no_key".to_owned(), format!("aura secret set gemini.api_key -t {SHOP}"));
    assert_eq!(codes(&aura).await, [no_key]);
    aura.client()
        .set_secret(Some(SHOP), "gemini.api_key", &api::NewSecret { value: KEY.into() })
        .await
        .expect("stored");
    assert!(codes(&aura).await.is_empty());
    // A key that is refused is no reason to try again and again.
    ask(&aura, "ana").await;
    assert_eq!(codes(&aura).await, [("model_failing".to_owned(), format!("aura model test {MODEL} -t {SHOP}"))]);
    // Another key is another matter.
    upstream.answers(&[draft(&["Here it is:"], &["cove-linen-shirt"])]);
    let other = api::NewSecret { value: "AIza-another".into() };
    aura.client().set_secret(Some(SHOP), "gemini.api_key", &other).await.expect("stored");
    ask(&aura, "ben").await;
    assert!(codes(&aura).await.is_empty());
    let status = aura.client().status().await.expect("read");
    let shop = &status.tenants[0];
    assert_eq!((shop.model.as_str(), shop.spent_today_usd.as_str()), (MODEL, "0.00053176"));
    let shown = aura.run(&["status", "-v"]).await;
    assert!(shown.contains(&format!("{SHOP}: {MODEL}, 0.00053176 USD today")), "{shown}");
    let budget = api::Budget { day_usd: Some("0.0005".into()), ..api::Budget::default() };
    aura.client().limit_models(Some(SHOP), &budget).await.expect("limited");
    assert_eq!(codes(&aura).await, [("model_budget_used".to_owned(), format!("aura usage -t {SHOP}"))]);
}
