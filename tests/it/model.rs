//! A model that lies, fails or hangs in real turns: nothing invented reaches the shopper, and the shopper is answered.

use std::path::Path;

use aura::{
    agent::writer::WriteError,
    api,
    domain::{product::ProductKey, reply::Draft},
    sim::{Play, ScriptedModel},
};
use bytes::Bytes;
use futures_util::stream;

use crate::support::{ACCOUNT, TestAura, until};

const CATALOG: &str = "harbor_and_pine.jsonl";
/// Asks for one product, which a turn finds.
const QUESTION: &str = "How much is the Cove Linen Shirt?";

#[tokio::test]
async fn a_lying_model_is_corrected_then_replaced_by_cards() {
    let model = ScriptedModel::new("scripted:liar");
    model.always(|_| {
        Play::says("The Cove Linen Shirt is only $19.00 today: https://harborandpine.example.evil.example/cove")
    });
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    aura.sim.shopper("ana").writes(ACCOUNT, QUESTION);
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    let said = aura.sim.replies_to("ana").concat();
    assert!(said.contains("Cove Linen Shirt – $58.00"), "{said}");
    assert!(!said.contains("19") && !said.contains("evil"), "{said}");
    let asked = model.asked();
    assert_eq!(asked.len(), 2, "one draft, one repair");
    assert!(asked[1].refused.iter().any(|reason| reason.starts_with("price:")), "{asked:?}");
    let turn = &aura.conversation("ana").await.turns[0];
    assert_eq!((turn.model.as_deref(), turn.guard_refusals), (Some("builtin"), 2));
}

#[tokio::test]
async fn a_model_that_learns_from_the_reason_is_heard() {
    let model = ScriptedModel::new("scripted:learner");
    model.plays([
        Play::says("The Cove Linen Shirt costs $57.00."),
        Play::shows("Here it is, I'd wear it all summer:", &["cove-linen-shirt"]),
    ]);
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    aura.sim.shopper("ana").writes(ACCOUNT, QUESTION);
    aura.until_replies("ana", 2).await;
    aura.until_idle().await;
    let said = aura.sim.replies_to("ana").concat();
    assert!(said.contains("all summer") && said.contains("Cove Linen Shirt – $58.00"), "{said}");
    assert!(!said.contains("57"), "{said}");
    assert_eq!(aura.conversation("ana").await.turns[0].model.as_deref(), Some("scripted:learner"));
}

#[tokio::test]
async fn what_nothing_accounts_for_is_left_out_of_a_repaired_draft() {
    let model = ScriptedModel::new("scripted:talker");
    let talk = "Our grandmother weaves every thread by moonlight.";
    model.plays([
        Play::shows(talk, &["cove-linen-shirt"]),
        Play::shows(&format!("Here it is: {talk}"), &["cove-linen-shirt"]),
    ]);
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    aura.sim.shopper("ana").writes(ACCOUNT, QUESTION);
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    let said = aura.sim.replies_to("ana").concat();
    assert!(!said.contains("moonlight") && said.contains("Cove Linen Shirt – $58.00"), "{said}");
    assert_eq!(model.asked().len(), 2);
    assert_eq!(aura.conversation("ana").await.turns[0].model.as_deref(), Some("scripted:talker"));
}

#[tokio::test]
async fn talk_beside_products_costs_no_second_draft() {
    let model = ScriptedModel::new("scripted:talker");
    let talk = "Here it is. Our grandmother weaves every thread by moonlight.";
    model.plays([Play::shows(talk, &["cove-linen-shirt"])]);
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    aura.sim.shopper("ana").writes(ACCOUNT, QUESTION);
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    let said = aura.sim.replies_to("ana").concat();
    assert!(said.contains("Here it is.") && said.contains("Cove Linen Shirt – $58.00"), "{said}");
    assert!(!said.contains("moonlight"), "{said}");
    assert_eq!(model.asked().len(), 1);
}

/// One lie of each kind, said in every turn and every repair.
const LIES: [(&str, &str); 12] = [
    ("price in words", "The Cove Linen Shirt is yours for forty-nine ninety."),
    ("other money", "The Cove Linen Shirt costs €58.00."),
    ("stock", "The Cove Linen Shirt is available in Blue in S."),
    ("bare yes", "Yes, absolutely!"),
    ("scarcity", "Hurry, only 2 left of the Cove Linen Shirt!"),
    ("discount", "You get 20% off the Cove Linen Shirt."),
    ("free", "We throw in a free tote."),
    ("delivery", "It ships right away and arrives on Friday."),
    ("returns", "You can send it back within 60 days for a full refund."),
    ("warranty", "It comes with a lifetime guarantee."),
    ("allergens", "The Cove Linen Shirt is hypoallergenic and nut-free."),
    ("link", "Order at https://harborandpine.example@evil.example/cove-linen-shirt"),
];

#[tokio::test]
async fn no_kind_of_lie_reaches_the_shopper() {
    let model = ScriptedModel::new("scripted:liar");
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    for (kind, lie) in LIES {
        model.plays([Play::says(lie), Play::says(lie)]);
        let name = kind.replace(' ', "-");
        let question = if kind == "bare yes" { "Is the Cove Linen Shirt $49?" } else { QUESTION };
        aura.sim.shopper(&name).writes(ACCOUNT, question);
        aura.until_replies(&name, 1).await;
        aura.until_idle().await;
        let said = aura.sim.replies_to(&name).concat();
        assert!(!said.contains(lie), "{kind} got out: {said}");
        assert!(said.contains("$58.00"), "{kind} left the shopper without an answer: {said}");
    }
    assert_eq!(model.asked().len(), 2 * LIES.len(), "each was refused twice");
}

#[tokio::test]
async fn another_shops_products_are_refused_by_id_and_by_link() {
    let model = ScriptedModel::new("scripted:liar");
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    aura.add_tenant("other").await;
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/catalogs/lindgruen_shopify.csv"));
    let bytes = Bytes::from(std::fs::read(path).expect("the sample catalogue is in the repository"));
    let query = api::ImportQuery { source: "csv".into(), ..api::ImportQuery::default() };
    aura.client().import("other", &query, stream::iter([Ok(bytes)])).await.expect("the sample can be read");

    let key = ProductKey("leinenhemd-fjord".into());
    let named = Draft { messages: vec!["I'd take this one.".into()], products: vec![key.clone()], ..Draft::default() };
    let plays = [
        Play::shows("I'd take this one:", &["leinenhemd-fjord"]),
        Play::Draft(named),
        Play::says("Leinenhemd Fjord: https://lindgruen.example/products/leinenhemd-fjord"),
        Play::says("The Leinenhemd Fjord costs 54,90 €."),
    ];
    for (number, play) in plays.into_iter().enumerate() {
        model.plays([play.clone(), play]);
        let name = format!("ana-{number}");
        aura.sim.shopper(&name).writes(ACCOUNT, QUESTION);
        aura.until_replies(&name, 1).await;
        aura.until_idle().await;
        let said = aura.sim.replies_to(&name).concat();
        assert!(!said.to_lowercase().contains("fjord") && !said.contains("54,90"), "{said}");
        let evidence = &aura.conversation(&name).await.turns[0].evidence;
        assert!(!evidence.contains(&key.0), "{evidence:?}");
    }
    assert!(model.asked().iter().all(|asked| !asked.products.contains(&key)), "it is never even shown to the model");
}

#[tokio::test]
async fn a_model_that_is_down_or_hangs_leaves_the_shopper_an_honest_answer() {
    let down = || WriteError::Unavailable { reason: "the provider answered 503".into() };
    for play in [Play::Fail(down()), Play::Hang] {
        let model = ScriptedModel::new("scripted:broken");
        model.plays([play]);
        let setup = TestAura::setup().catalog(CATALOG).model(&model);
        let aura = setup.config(|config| config.models.timeout_ms = 200).start().await;
        aura.sim.shopper("ana").writes(ACCOUNT, QUESTION);
        aura.until_replies("ana", 1).await;
        aura.until_idle().await;
        assert!(aura.sim.replies_to("ana").concat().contains("$58.00"));
        assert_eq!(aura.conversation("ana").await.turns[0].model.as_deref(), Some("builtin"));
        assert!(aura.app().metrics.render().expect("it renders").contains("aura_writer_failures_total"));
    }
}

const OVERSHIRT: &str = "And the Ledger Linen Overshirt?";

fn draft(play: Play) -> Draft {
    match play {
        Play::Draft(draft) => draft,
        other => panic!("no draft: {other:?}"),
    }
}

/// A burst of two questions of which the second is taken back while the model is at its `nth` draft; what it was asked
/// afterwards, and what was said.
async fn taken_back_during(nth: usize) -> (Vec<String>, String) {
    let model = ScriptedModel::new("scripted:slow");
    let both = || Play::shows("Here are both:", &["cove-linen-shirt", "ledger-linen-overshirt"]);
    // A draft with an invented price is refused, and by then the run has results that a crash must not lose.
    model.plays((1..nth).map(|_| Play::says("The Cove Linen Shirt costs $57.00.")));
    model.plays([Play::Wait(draft(both()))]);
    model.always(|_| Play::shows("Here it is:", &["cove-linen-shirt"]));
    let setup = TestAura::setup().catalog(CATALOG).model(&model).manual_clock();
    let aura = setup.config(|config| config.models.timeout_ms = 60_000).start().await;
    let ana = aura.sim.shopper("ana");
    ana.writes(ACCOUNT, QUESTION);
    let second = ana.writes(ACCOUNT, OVERSHIRT);
    aura.until_recorded().await;
    aura.advance(1_000);
    until("the model is asked", async || model.asked().len() == nth).await;
    assert_eq!(model.asked()[nth - 1].texts, [QUESTION, OVERSHIRT]);
    ana.unsends(ACCOUNT, &second);
    aura.until_recorded().await;
    model.go_on();
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    let detail = aura.conversation("ana").await;
    let outcomes: Vec<_> = detail.turns.iter().map(|turn| turn.outcome.as_deref()).collect();
    assert_eq!(outcomes, [Some("answered")], "both messages belong to the one turn that was answered");
    let asked = model.asked();
    assert!(asked.len() > nth, "the answer was made anew");
    (asked.last().expect("it was asked").texts.clone(), aura.sim.replies_to("ana").concat())
}

#[tokio::test]
async fn a_question_taken_back_while_its_answer_is_made_is_not_answered_and_the_other_one_is() {
    for nth in [1, 2] {
        let (asked, said) = taken_back_during(nth).await;
        assert_eq!(asked, [QUESTION], "draft {nth}");
        assert!(said.contains("Cove Linen Shirt") && !said.contains("Overshirt"), "draft {nth}: {said}");
    }
}

#[tokio::test]
async fn a_shopper_who_takes_everything_back_while_the_answer_is_made_gets_none() {
    let model = ScriptedModel::new("scripted:slow");
    model.plays([Play::Wait(draft(Play::shows("Here it is:", &["cove-linen-shirt"])))]);
    let setup = TestAura::setup().catalog(CATALOG).model(&model).manual_clock();
    let aura = setup.config(|config| config.models.timeout_ms = 60_000).start().await;
    let ana = aura.sim.shopper("ana");
    let mid = ana.writes(ACCOUNT, QUESTION);
    aura.until_recorded().await;
    aura.advance(1_000);
    until("the model is asked", async || model.asked().len() == 1).await;
    ana.unsends(ACCOUNT, &mid);
    aura.until_recorded().await;
    model.go_on();
    aura.until_idle().await;
    aura.until_looked("ben").await;
    assert!(aura.sim.replies_to("ana").is_empty(), "{:?}", aura.sim.replies_to("ana"));
    let turn = &aura.conversation("ana").await.turns[0];
    assert_eq!((turn.outcome.as_deref(), turn.reason.as_deref()), (Some("suppressed"), Some("unsent")));
}
