//! Whole turns, from the shopper's words to the answer.

use std::{
    sync::{LazyLock, Mutex},
    time::Duration,
};

use super::*;
use crate::{
    agent::testing::{canvas_bag, euros, linen_dress, linen_shirt, message, straw_hat, turn},
    agent::writer::{BuiltIn, WriteError, Writer},
    domain::{
        conversation::Side,
        product::Stock,
        turn::{HandOverReason, SuppressReason},
    },
    sim::{Play, ScriptedModel},
    telemetry::Metrics,
};

/// A shop in memory. Its stock can change between two reads.
#[derive(Default)]
pub(in crate::app) struct Shop {
    products: Mutex<Vec<Product>>,
    calls: Mutex<u32>,
}

impl Shop {
    pub(in crate::app) fn new() -> Self {
        Self { products: Mutex::new(vec![linen_shirt(), linen_dress(), straw_hat(), canvas_bag()]), ..Self::default() }
    }

    pub(in crate::app) fn change(&self, change: impl Fn(&mut Product)) {
        self.products.lock().expect("no test panics while holding it").iter_mut().for_each(change);
    }

    fn products(&self) -> Vec<Product> {
        *self.calls.lock().expect("no test panics while holding it") += 1;
        self.products.lock().expect("no test panics while holding it").clone()
    }
}

impl Lookup for Shop {
    async fn find(&self, text: &str, filters: Filters, _: Language, limit: usize) -> Result<Found, Error> {
        let wanted = text.to_lowercase();
        let fits = |product: &Product| {
            let title = product.title.to_lowercase();
            title.split(' ').any(|word| {
                wanted.split_whitespace().any(|wish| wish.trim_end_matches('s') == word.trim_end_matches('s'))
            })
        };
        let price_max = filters.price_max.or_else(|| text.contains("under 60").then(|| euros(6000)));
        let cheap = |product: &Product| {
            price_max.is_none_or(|max| product.price_range().is_some_and(|(low, _)| low.minor <= max.minor))
        };
        let (hits, near) = self
            .products()
            .into_iter()
            .filter(fits)
            .map(|product| Hit { product, score: 1.0, words: Vec::new() })
            .take(limit)
            .partition::<Vec<_>, _>(|hit| cheap(&hit.product));
        let near = if hits.is_empty() { near } else { Vec::new() };
        Ok(Found {
            plan: crate::domain::search::SearchPlan { price_max, ..crate::domain::search::SearchPlan::default() },
            hits,
            near,
        })
    }

    async fn has_products(&self) -> Result<bool, Error> {
        Ok(!self.products().is_empty())
    }

    async fn products_by_key(&self, keys: &[ProductKey]) -> Result<Vec<Product>, Error> {
        let products = self.products();
        Ok(keys.iter().filter_map(|key| products.iter().find(|product| product.key == *key).cloned()).collect())
    }
}

/// Nobody writes but the built-in composer.
fn alone() -> Writing<'static> {
    written_by(&BuiltIn)
}

/// The writer gets long enough for any machine, and a hanging one does not stop the tests.
pub(in crate::app) fn written_by(writer: &dyn Writer) -> Writing<'_> {
    static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics::new("test").expect("names are unique"));
    Writing { writer, limit: Duration::from_millis(100), metrics: &METRICS }
}

pub(in crate::app) async fn run(shop: &Shop, input: &TurnInput) -> AnswerRun {
    answer(shop, alone(), input, Vec::new(), |_| async {
        panic!("nothing of the built-in answer needs its own commit")
    })
    .await
    .expect("the shop is in memory")
}

fn later(texts: &[&str], recalled: &[&str]) -> TurnInput {
    let mut input = turn(texts);
    input.history = vec![message(Side::Shopper, "hi"), message(Side::Bot, "Hello.")];
    input.recalled = recalled.iter().map(|key| ProductKey((*key).into())).collect();
    input
}

#[tokio::test]
async fn a_product_question_is_answered_from_the_catalogue() {
    let run = run(&Shop::new(), &turn(&["hi", "how much is the linen shirt?"])).await;
    assert_eq!(run.answer.outcome, TurnOutcome::Answered);
    assert_eq!(run.answer.products, [ProductKey("linen-shirt".into())]);
    assert!(run.answer.messages.concat().contains("€49.00"), "{:?}", run.answer.messages);
    assert_eq!((run.answer.model.as_str(), run.answer.guard_refusals), ("builtin", 0));
    let kinds: Vec<_> = run.effects.iter().map(|effect| (effect.step, effect.kind.as_str())).collect();
    assert_eq!(kinds, [(0, "understand"), (1, "retrieve"), (2, "compose"), (3, "guard")]);
}

#[tokio::test]
async fn a_reference_reads_the_recalled_product_as_it_is_now() {
    let shop = Shop::new();
    shop.change(|product| product.variants.iter_mut().for_each(|form| form.price = Some(euros(5500))));
    let run = run(&shop, &later(&["how much is the second one?"], &["linen-dress", "linen-shirt"])).await;
    assert_eq!(run.answer.products, [ProductKey("linen-shirt".into())]);
    assert!(run.answer.messages.concat().contains("€55.00"), "{:?}", run.answer.messages);
}

#[tokio::test]
async fn a_product_that_is_gone_is_asked_about_not_invented() {
    let shop = Shop::new();
    shop.change(|product| product.published = false);
    let run = run(&shop, &later(&["is it available?"], &["linen-shirt"])).await;
    assert_eq!((run.answer.outcome, run.answer.products.len()), (TurnOutcome::Answered, 0));
    assert!(run.answer.messages.concat().contains('?'), "{:?}", run.answer.messages);
}

#[tokio::test]
async fn nothing_below_the_limit_is_said_with_what_comes_close() {
    let run = run(&Shop::new(), &later(&["do you have a dress under 60€?"], &[])).await;
    let text = run.answer.messages.concat();
    assert!(text.contains("under €60.00") || text.contains("Under €60.00"), "{text}");
    assert!(text.contains("Linen Dress") && run.answer.guard_refusals == 0, "{text}");
}

#[tokio::test]
async fn a_person_is_called_where_one_is_needed() {
    for (text, reason) in [
        ("can I talk to a human?", HandOverReason::Asked),
        ("where is my order #12345", HandOverReason::Order),
        ("do you ship to Austria?", HandOverReason::Policy),
        ("this is a scam!", HandOverReason::Anger),
    ] {
        let run = run(&Shop::new(), &turn(&[text])).await;
        assert_eq!(run.answer.outcome, TurnOutcome::HandedOver(reason), "{text}");
        assert!(!run.answer.messages.is_empty() && run.answer.products.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn an_answered_product_question_keeps_its_answer_when_a_person_takes_the_other_one() {
    let run = run(&Shop::new(), &later(&["how much is the straw hat? and do you ship to Austria?"], &[])).await;
    assert_eq!(run.answer.outcome, TurnOutcome::HandedOver(HandOverReason::Policy));
    assert_eq!(run.answer.messages.len(), 2);
    assert!(run.answer.messages[0].contains("€25.00") && run.answer.messages[1].contains("colleague"));
}

#[tokio::test]
async fn unclear_words_are_asked_about_once() {
    let shop = Shop::new();
    let mut input = later(&["blorp"], &[]);
    let first = run(&shop, &input).await.answer;
    assert_eq!(first.outcome, TurnOutcome::Answered);
    input.history.push(message(Side::Bot, &first.messages.concat()));
    assert_eq!(run(&shop, &input).await.answer.outcome, TurnOutcome::HandedOver(HandOverReason::NotUnderstood));
}

#[tokio::test]
async fn a_second_thanks_needs_no_words() {
    let mut input = later(&["thanks!"], &[]);
    let first = run(&Shop::new(), &input).await.answer;
    input.history.push(message(Side::Bot, &first.messages.concat()));
    let second = run(&Shop::new(), &input).await.answer;
    assert_eq!(second.outcome, TurnOutcome::Suppressed(SuppressReason::NothingToSay));
    assert!(second.messages.is_empty() && !second.disclosed);
}

/// Cuts a run after each effect and lets another finish it.
#[tokio::test]
async fn a_crash_after_any_effect_changes_nothing() {
    for texts in [&["hi", "do you have linen shirts?"][..], &["how much is it? do you ship to Rome?"], &["hm"]] {
        let input = later(texts, &["linen-shirt"]);
        let shop = Shop::new();
        let whole = run(&shop, &input).await;
        for cut in 0..=whole.effects.len() {
            let resumed = answer(&shop, alone(), &input, whole.effects[..cut].to_vec(), |_| async { Ok(()) })
                .await
                .expect("resumes");
            assert_eq!(resumed.answer.messages, whole.answer.messages, "{texts:?} cut after {cut}");
            assert_eq!(resumed.answer.outcome, whole.answer.outcome);
            assert_eq!(resumed.answer.evidence, whole.answer.evidence);
            assert_eq!(resumed.effects, whole.effects[cut..], "only what is not durable yet rides with the commit");
        }
    }
}

/// A model's draft that was paid for is not made again, but it is held to what the shop has now.
#[tokio::test]
async fn a_replayed_draft_passes_the_guard_of_now() {
    let (shop, input) = (Shop::new(), later(&["is the linen shirt in stock in S?"], &[]));
    let whole = run(&shop, &input).await;
    shop.change(|product| product.variants.iter_mut().for_each(|form| form.stock = Stock::Stated(false)));
    let resumed =
        answer(&shop, alone(), &input, whole.effects[..3].to_vec(), |_| async { Ok(()) }).await.expect("resumes");
    assert_eq!(resumed.answer.guard_refusals, 1);
    assert!(resumed.answer.messages.concat().contains("not available"), "{:?}", resumed.answer.messages);
}

#[tokio::test]
async fn what_must_not_be_made_twice_is_durable_before_the_run_goes_on() {
    let kept = Mutex::new(Vec::new());
    let mut log = Log {
        record: |effects: Vec<EffectRecord>| {
            kept.lock()
                .expect("no test panics while holding it")
                .push(effects.iter().map(|it| it.step).collect::<Vec<_>>());
            async { Ok(()) }
        },
        pending: Vec::new(),
        next_step: 0,
    };
    let by = |by: &str| {
        EffectResult::Compose(Written {
            by: by.into(),
            messages: Vec::new(),
            products: Vec::new(),
            citations: Vec::new(),
            hands_over: false,
            in_another_language: false,
        })
    };
    for result in [EffectResult::Guard(Vec::new()), by("gemini:flash"), by(Written::BUILTIN), by("openai:luna")] {
        log.keep(&result).await.expect("recorded");
    }
    assert_eq!(log.pending, []);
    assert_eq!(*kept.lock().expect("no test panics while holding it"), [vec![0, 1], vec![2, 3]]);
}

#[tokio::test]
async fn a_record_that_does_not_fit_is_an_error_not_a_wrong_answer() {
    let stray = EffectRecord { step: 0, kind: "guard".into(), result: r#"{"effect":"guard","result":[]}"#.into() };
    let broken = EffectRecord { step: 0, kind: "guard".into(), result: "{".into() };
    for record in [stray, broken] {
        let result = answer(&Shop::new(), alone(), &turn(&["hi"]), vec![record], |_| async { Ok(()) }).await;
        assert_eq!(result.expect_err("does not fit").code(), "failed");
    }
}

#[test]
fn an_answer_can_be_made_on_any_worker() {
    fn is_send(_: impl Send) {}
    let (shop, input) = (Shop::new(), turn(&["hi"]));
    is_send(answer(&shop, alone(), &input, Vec::new(), |_| async { Ok(()) }));
}

/// A run whose drafts a model writes; each of its drafts gets a commit of its own.
async fn modelled(model: &ScriptedModel, input: &TurnInput) -> AnswerRun {
    let shop = Shop::new();
    answer(&shop, written_by(model), input, Vec::new(), |_| async { Ok(()) }).await.expect("the shop is in memory")
}

#[tokio::test]
async fn a_model_writes_the_draft_and_code_the_cards() {
    let model = ScriptedModel::new("scripted:honest");
    model.plays([Play::shows("Have a look at this one:", &["linen-shirt"])]);
    let answer = modelled(&model, &later(&["how much is the linen shirt?"], &[])).await.answer;
    assert_eq!(answer.messages[0], "Have a look at this one:");
    assert!(answer.messages[1].starts_with("Linen Shirt – €49.00\nAvailable in S, L\n"), "{:?}", answer.messages);
    assert_eq!(answer.products, [ProductKey("linen-shirt".into())]);
    assert_eq!((answer.model.as_str(), answer.guard_refusals), ("scripted:honest", 0));
}

#[tokio::test]
async fn a_refused_model_is_told_why_and_writes_once_more_before_code_does() {
    let model = ScriptedModel::new("scripted:liar");
    model.always(|_| Play::says("The Linen Shirt costs €39.00."));
    let answer = modelled(&model, &later(&["how much is the linen shirt?"], &[])).await.answer;
    let asked = model.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].refused.is_empty() && asked[1].refused[0].contains("39.00"), "{asked:?}");
    assert!(asked[0].products.contains(&ProductKey("linen-shirt".into())));
    assert!(answer.messages.concat().contains("Linen Shirt – €49.00"), "{:?}", answer.messages);
    // The cards are the composer's, and the record says so.
    assert_eq!((answer.model.as_str(), answer.guard_refusals), (Written::BUILTIN, 2));
}

#[tokio::test]
async fn a_product_that_the_turn_did_not_bring_is_refused_by_its_id() {
    let model = ScriptedModel::new("scripted:liar");
    model.plays([Play::shows("Have a look:", &["linen-shirt", "velvet-sofa-of-another-shop"])]);
    let answer = modelled(&model, &later(&["how much is the linen shirt?"], &[])).await.answer;
    assert!(model.asked()[1].refused[0].contains("velvet-sofa-of-another-shop"));
    assert!(answer.products.iter().all(|key| key.0 != "velvet-sofa-of-another-shop"));
}

#[tokio::test]
async fn a_model_that_fails_hangs_or_writes_nothing_is_stood_in_for() {
    let unavailable = WriteError::Unavailable { reason: "503".into() };
    for play in [Play::Fail(unavailable), Play::Hang, Play::says("  "), Play::says(&"word ".repeat(2_000))] {
        let model = ScriptedModel::new("scripted:broken");
        model.plays([play]);
        let run = modelled(&model, &later(&["how much is the linen shirt?"], &[])).await;
        assert!(run.answer.messages.concat().contains("€49.00"), "{:?}", run.answer.messages);
        assert_eq!(run.answer.model, Written::BUILTIN);
        assert_eq!(model.asked().len(), 1);
    }
}
