//! How an answer came about and what it rests on, as people see it afterwards.

use aura::api::{self, TurnDetail};
use serde_json::json;

use crate::{
    modes::{shop, writes},
    provider::{self, MODEL, ask, choose, draft, failure},
    support::{ACCOUNT, SHOP, TestAura},
    tools::{calls, search},
};

const TOTE: &str = "waxed-canvas-tote";

/// The newest turn of the conversation of `name`.
async fn turn(aura: &TestAura, name: &str) -> TurnDetail {
    let conversation = aura.conversation(name).await;
    let id = &conversation.turns.last().expect("it was answered").id;
    aura.client().turn(SHOP, &conversation.conversation.id, id).await.expect("shown")
}

fn kinds(turn: &TurnDetail) -> Vec<&str> {
    turn.steps.iter().map(|step| step.kind.as_str()).collect()
}

#[tokio::test]
async fn an_answer_shows_the_products_at_the_price_that_was_read_and_the_steps_to_it() {
    let aura = shop().await;
    writes(&aura, "ana", "Do you have a blue linen shirt?").await;
    let asked_at = aura.now();
    let before = turn(&aura, "ana").await;
    assert_eq!(before.turn.outcome.as_deref(), Some("answered"));
    let shirt = before.products.iter().find(|product| product.named).expect("a product is named");
    let (price, title) = (shirt.price.clone().expect("it has a price"), shirt.title.clone());
    let said = aura.sim.replies_to("ana").concat();
    assert!(said.contains(&title) && said.contains(price.amount.trim_end_matches(".00")), "{shirt:?} {said}");
    assert_eq!(before.read_at.map(|at| at.0), Some(asked_at.0));
    assert_eq!(kinds(&before), ["understand", "retrieve", "compose", "guard"]);
    assert_eq!(before.steps[0].intent.as_deref(), Some("product"));
    assert!(before.steps.iter().all(|step| step.elapsed_ms.is_some()));
    assert_eq!((before.calls.len(), before.cost_usd.as_str(), before.covers.len()), (0, "0", 1));

    // What a later import says changes nothing of what was read then.
    aura.import_changed("harbor_and_pine.jsonl", |text| text.replace(&price.amount, "1.00")).await;
    assert_eq!(turn(&aura, "ana").await, before);
    let conversation = aura.conversation("ana").await.conversation.id;
    let shown = aura.run(&["conversation", "show", "-t", SHOP, &conversation, "--turn", &before.turn.id]).await;
    assert!(shown.contains(&title) && shown.contains("retrieve") && shown.contains("passed"), "{shown}");
}

#[tokio::test]
async fn tools_models_and_refusals_are_told_with_their_reasons_and_their_times() {
    let wrong = ("get_product", json!({ "id": "no-such-thing" }));
    let answers = [
        failure(503, "UNAVAILABLE"),
        calls(&[search("canvas tote"), wrong]),
        draft(&["It costs $1.00 only!"], &[TOTE]),
        draft(&["Have a look at this one:"], &[TOTE]),
    ];
    let (aura, _fake) = provider::aura(&answers).await;
    choose(&aura, MODEL).await;
    ask(&aura, "ana").await;
    let turn = turn(&aura, "ana").await;
    assert_eq!(kinds(&turn), ["understand", "retrieve", "consult", "compose", "guard", "retrieve", "compose", "guard"]);
    let consulted = &turn.steps[2];
    assert_eq!(consulted.by.as_deref(), Some(MODEL));
    let missed: Vec<_> = consulted.missed.iter().map(|it| (it.model.as_str(), it.reason.as_str())).collect();
    assert_eq!(missed, [(MODEL, "overloaded")]);
    let [found, refused] = &consulted.tools[..] else { panic!("{consulted:?}") };
    assert_eq!(found.name, "search_products");
    assert!(found.arguments.contains("canvas tote") && found.results > Some(0) && found.refused.is_none());
    assert_eq!((refused.name.as_str(), refused.results), ("get_product", None));
    assert!(refused.refused.as_deref().is_some_and(|why| !why.is_empty()), "{refused:?}");
    assert!(turn.steps[4].refused.iter().any(|why| why.contains("1.00")), "{:?}", turn.steps[4]);
    assert!(turn.steps[7].refused.is_empty());
    let calls: Vec<_> = turn.calls.iter().map(|call| (call.model.as_str(), call.outcome.as_str())).collect();
    assert_eq!(calls, [(MODEL, "overloaded"), (MODEL, "ok"), (MODEL, "ok"), (MODEL, "ok")]);
    assert!(turn.calls[1..].iter().all(|call| call.first_token_ms.is_some() && call.input_tokens > 0));
    assert_eq!(turn.output_tokens, turn.calls.iter().map(|call| call.output_tokens).sum::<u64>());
    let usage = aura.client().usage(SHOP, &api::UsageQuery::default()).await.expect("read");
    assert_eq!(turn.cost_usd, usage.today_usd);
    let conversation = aura.conversation("ana").await.conversation;
    assert_eq!(conversation.cost_usd, turn.cost_usd);
    let shown = aura.run(&["conversation", "show", "-t", SHOP, &conversation.id, "--turn", &turn.turn.id]).await;
    for words in ["search_products {", "not done:", "passed over", "overloaded", "refused"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[tokio::test]
async fn what_is_taken_back_is_forgotten_by_the_steps_that_may_repeat_it() {
    let aura = shop().await;
    writes(&aura, "ana", "Do you have a blue linen shirt?").await;
    let before = turn(&aura, "ana").await;
    aura.advance(1_000);
    let mid = writes(&aura, "ana", "And a secret-word scarf?").await;
    let search = turn(&aura, "ana").await.steps.into_iter().find_map(|step| step.search);
    assert!(search.is_some_and(|words| words.contains("secret")), "else there is nothing to forget");
    aura.sim.shopper("ana").unsends(ACCOUNT, &mid);
    aura.until_recorded().await;
    let conversation = aura.conversation("ana").await;
    let mut forgotten = 0;
    for known in &conversation.turns {
        let turn = aura.client().turn(SHOP, &conversation.conversation.id, &known.id).await.expect("shown");
        if turn.turn.id == before.turn.id {
            assert_eq!(turn.steps, before.steps, "what came before it is untouched");
        } else {
            assert_eq!(turn.steps, [], "{turn:?}");
            forgotten += usize::from(turn.read_at.is_some());
        }
    }
    assert_eq!(forgotten, 1, "what was read of the catalogue stays");
}
