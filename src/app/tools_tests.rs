//! Tools in whole turns: a model looks things up, is corrected, and is held to what it was told.

use std::{sync::Mutex, time::Duration};

use tokio::sync::Barrier;

use super::*;
use crate::{
    agent::{
        testing::{euros, linen_shirt, turn},
        tools::ROUNDS_MAX,
        writer::WriteError,
    },
    app::answer::{
        AnswerRun, answer,
        tests::{Shop, written_by},
    },
    domain::{
        product::ProductKey,
        search::Filters,
        turn::{HandOverReason, TurnOutcome},
    },
    sim::{Play, ScriptedModel},
    store::EffectRecord,
};

const QUESTION: &str = "how much is the linen shirt?";
const HAT: (&str, &str) = ("search_products", r#"{"query":"hat"}"#);

async fn told(shop: &Shop, model: &ScriptedModel, recorded: &[EffectRecord]) -> (AnswerRun, Vec<EffectRecord>) {
    let kept = Mutex::new(Vec::new());
    let run = answer(shop, written_by(model), &turn(&[QUESTION]), recorded.to_vec(), |effects| {
        kept.lock().expect("no test panics while holding it").extend(effects);
        async { Ok(()) }
    })
    .await
    .expect("the shop is in memory");
    (run, kept.into_inner().expect("no test panicked"))
}

fn kinds(effects: &[EffectRecord]) -> Vec<&str> {
    effects.iter().map(|effect| effect.kind.as_str()).collect()
}

#[tokio::test]
async fn what_a_tool_brings_is_evidence_and_code_writes_its_card() {
    let model = ScriptedModel::new("scripted:curious");
    model.plays([Play::Calls(vec![HAT]), Play::shows("Have a look:", &["straw-hat"])]);
    let (run, _) = told(&Shop::new(), &model, &[]).await;
    assert!(run.answer.messages.concat().contains("Straw Hat – "), "{:?}", run.answer.messages);
    assert_eq!((run.answer.products, run.answer.guard_refusals), (vec![ProductKey("straw-hat".into())], 0));
    assert!(run.answer.evidence.product(&ProductKey("straw-hat".into())).is_some());
    assert_eq!(model.asked()[1].told, ["straw-hat"]);
}

#[tokio::test]
async fn a_product_that_no_tool_brought_stays_refused() {
    let model = ScriptedModel::new("scripted:liar");
    let bags = ("search_products", r#"{"query":"bag"}"#);
    model.plays([
        Play::Calls(vec![bags]),
        Play::shows("Have a look:", &["straw-hat"]),
        Play::shows("Have a look:", &["straw-hat"]),
    ]);
    let (run, _) = told(&Shop::new(), &model, &[]).await;
    assert_eq!(run.answer.guard_refusals, 2);
    assert!(!run.answer.messages.concat().contains("Straw Hat"), "{:?}", run.answer.messages);
}

#[tokio::test]
async fn what_was_looked_up_for_a_refused_draft_carries_the_repaired_one() {
    let model = ScriptedModel::new("scripted:learner");
    model.plays([
        Play::Calls(vec![HAT]),
        Play::says("The Straw Hat costs €1.00."),
        Play::shows("Have a look:", &["straw-hat"]),
    ]);
    let (run, _) = told(&Shop::new(), &model, &[]).await;
    assert_eq!(run.answer.guard_refusals, 1);
    assert!(run.answer.messages.concat().contains("Straw Hat – "), "{:?}", run.answer.messages);
    let asked = model.asked();
    assert!(asked[2].products.contains(&ProductKey("straw-hat".into())) && asked[2].told.is_empty(), "{asked:?}");
}

#[tokio::test]
async fn a_wrong_call_is_answered_with_how_to_mend_it() {
    let model = ScriptedModel::new("scripted:clumsy");
    let calls = vec![
        ("find_things", "{}"),
        ("search_products", r#"{"query":"hat","price_max":"cheap"}"#),
        ("get_product", r#"{"id":"velvet-sofa-of-another-shop"}"#),
    ];
    model.plays([Play::Calls(calls), Play::Calls(vec![HAT]), Play::shows("Have a look:", &["straw-hat"])]);
    let (run, _) = told(&Shop::new(), &model, &[]).await;
    let asked = model.asked();
    assert!(asked[1].told[0].contains("search_products, get_product, hand_over"), "{asked:?}");
    assert!(asked[1].told[1].contains("expected a JSON number"), "{asked:?}");
    assert!(asked[1].told[2].contains("no such product"), "{asked:?}");
    assert_eq!(asked[2].told[3], "straw-hat");
    assert_eq!((run.answer.outcome, run.answer.guard_refusals), (TurnOutcome::Answered, 0));
}

#[tokio::test]
async fn a_hidden_product_is_no_product() {
    let shop = Shop::new();
    shop.change(|product| product.published = product.key.0 != "straw-hat");
    let model = ScriptedModel::new("scripted:curious");
    model.plays([
        Play::Calls(vec![("get_product", r#"{"id":"straw-hat"}"#), HAT]),
        Play::shows("Have a look:", &["linen-shirt"]),
    ]);
    told(&shop, &model, &[]).await;
    let told = &model.asked()[1].told;
    assert!(told[0].contains("no such product") && told[1].is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_model_that_never_stops_calling_is_stood_in_for() {
    let model = ScriptedModel::new("scripted:endless");
    model.always(|_| Play::Calls(vec![HAT]));
    let (run, kept) = told(&Shop::new(), &model, &[]).await;
    let left: Vec<usize> = model.asked().iter().map(|asked| asked.rounds_left).collect();
    assert_eq!(left, [4, 3, 2, 1, 0]);
    assert_eq!(kinds(&kept).iter().filter(|kind| **kind == "consult").count(), ROUNDS_MAX);
    assert!(run.answer.model == "builtin" && run.answer.messages.concat().contains("€49.00"), "{:?}", run.answer);
}

#[tokio::test]
async fn a_person_who_was_called_comes_whatever_the_draft_says() {
    let call = || Play::Calls(vec![("hand_over", r#"{"reason":"unknown"}"#)]);
    let fails = Play::Fail(WriteError::Unavailable { reason: "503".into() });
    for then in [
        vec![Play::shows("Let me see.", &[])],
        vec![fails],
        vec![Play::says("It costs €1.00."), Play::says("Let me see.")],
    ] {
        let model = ScriptedModel::new("scripted:modest");
        model.plays([call()]);
        model.plays(then);
        let (run, _) = told(&Shop::new(), &model, &[]).await;
        assert_eq!(run.answer.outcome, TurnOutcome::HandedOver(HandOverReason::Policy), "{:?}", run.answer);
    }
}

/// Cuts a run after each effect: what was paid for is not asked for again, and what tools read is read again.
#[tokio::test]
async fn a_crash_between_rounds_goes_on_behind_the_last_one() {
    let plays = || {
        [
            Play::Calls(vec![HAT]),
            Play::Calls(vec![("get_product", r#"{"id":"canvas-bag"}"#), ("hand_over", r#"{"reason":"asked"}"#)]),
            Play::shows("Have a look:", &["straw-hat", "canvas-bag"]),
        ]
    };
    let whole = ScriptedModel::new("scripted:curious");
    whole.plays(plays());
    let (run, kept) = told(&Shop::new(), &whole, &[]).await;
    assert_eq!(kinds(&kept), ["understand", "retrieve", "consult", "consult", "compose"]);
    for cut in 2..=kept.len() {
        let shop = Shop::new();
        let model = ScriptedModel::new("scripted:curious");
        model.plays(plays().into_iter().skip(cut - 2));
        let (resumed, _) = told(&shop, &model, &kept[..cut]).await;
        assert_eq!(resumed.answer.messages, run.answer.messages, "cut after {cut}");
        assert_eq!(resumed.answer.outcome, run.answer.outcome);
        assert_eq!(resumed.answer.evidence, run.answer.evidence);
        assert_eq!(model.asked().len(), 3 - (cut - 2), "cut after {cut}");
    }
    let dearer = Shop::new();
    dearer.change(|product| product.variants.iter_mut().for_each(|form| form.price = Some(euros(12_300))));
    let model = ScriptedModel::new("scripted:curious");
    model.plays(plays().into_iter().skip(2));
    let (resumed, _) = told(&dearer, &model, &kept[..4]).await;
    let said = resumed.answer.messages.concat();
    assert!(said.contains("€123.00") && !said.contains("€25.00"), "an answer speaks of now: {said}");
}

/// A shop in which two searches must be under way before either ends, and nothing but searches is allowed.
struct Meeting {
    both: Barrier,
    searches: Mutex<Vec<String>>,
}

impl Lookup for Meeting {
    async fn find(&self, text: &str, _: Filters, _: Language, _: usize) -> Result<Found, Error> {
        self.searches.lock().expect("no test panics while holding it").push(text.to_owned());
        self.both.wait().await;
        let hits = if text == "shirt" {
            vec![Hit { product: linen_shirt(), score: 1.0, words: Vec::new() }]
        } else {
            Vec::new()
        };
        Ok(Found { hits, ..Found::default() })
    }

    async fn has_products(&self) -> Result<bool, Error> {
        Ok(true)
    }

    async fn products_by_key(&self, _: &[ProductKey]) -> Result<Vec<Product>, Error> {
        Err(Error::Failed { message: "the file is gone".into(), source: None })
    }
}

fn calling(calls: &[(&str, &str)]) -> Calling {
    use crate::domain::chat::{Content, Json, Message, Part, Role};
    let call = |(index, (name, args)): (usize, &(&str, &str))| {
        let (id, args) = (format!("c{index}").into(), ToolArgs::Object(Json::from_text(*args)));
        Part::new(Content::ToolCall(ToolCall {
            id,
            provider_id: None,
            item_id: None,
            name: (*name).into(),
            args,
            index: 0,
        }))
    };
    Calling { by: "x:y".into(), said: Message::new(Role::Assistant, calls.iter().enumerate().map(call)) }
}

async fn performed(calls: &[(&str, &str)]) -> (Result<Round, Error>, Vec<String>) {
    let meeting = Meeting { both: Barrier::new(2), searches: Mutex::default() };
    let tools = Tools {
        lookup: &meeting,
        offered: Offered { products: true, people: true },
        language: Language::En,
        currency: Currency::EUR,
        metrics: &Metrics::new("test").expect("names are unique"),
    };
    let round = tokio::time::timeout(Duration::from_secs(20), tools.perform(calling(calls))).await;
    let round = round.expect("calls of one answer do not wait for each other");
    (round.map(|(round, _)| round), meeting.searches.into_inner().expect("no test panicked"))
}

#[tokio::test]
async fn calls_of_one_answer_run_at_the_same_time_and_answer_in_their_order() {
    let (sofa, shirt) = (("search_products", r#"{"query":"sofa"}"#), ("search_products", r#"{"query":"shirt"}"#));
    let (round, searches) = performed(&[sofa, shirt, sofa, shirt]).await;
    let results = round.expect("nothing fails").results;
    let found: Vec<(&str, usize)> = results
        .iter()
        .map(|result| match &result.outcome {
            Outcome::Products { products, .. } => (&*result.call, products.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [("c0", 0), ("c1", 1), ("c2", 0), ("c3", 1)]);
    assert_eq!(searches.len(), 2, "the same call is made once: {searches:?}");
}

#[tokio::test]
async fn more_calls_than_may_be_are_told_so_and_a_store_that_fails_is_no_answer() {
    let hand = r#"{"reason":"asked"}"#;
    let wrong = ["{}", "[]", "1"].map(|args| ("hand_over", args));
    let (round, _) = performed(&[wrong[0], wrong[1], wrong[2], ("hand_over", hand), ("nobody", "{}")]).await;
    let results = round.expect("nothing fails").results;
    assert_eq!(results[3].outcome, Outcome::Person);
    assert_eq!(results[4].outcome, Outcome::Wrong(Wrong::too_many()));
    let (failed, _) = performed(&[("get_product", r#"{"id":"linen-shirt"}"#), ("hand_over", hand)]).await;
    assert_eq!(failed.expect_err("it cannot be read").code(), "failed");
}
