//! A model that lies, fails or hangs in real turns: nothing invented reaches the shopper, and the shopper is answered.

use aura::{
    agent::writer::WriteError,
    sim::{Play, ScriptedModel},
};

use crate::support::{ACCOUNT, TestAura};

const CATALOG: &str = "harbor_and_pine.jsonl";

#[tokio::test]
async fn a_lying_model_is_corrected_then_replaced_by_cards() {
    let model = ScriptedModel::new("scripted:liar");
    model.always(|_| {
        Play::says("The Cove Linen Shirt is only $19.00 today: https://harborandpine.example.evil.example/cove")
    });
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    aura.sim.shopper("ana").writes(ACCOUNT, "How much is the Cove Linen Shirt?");
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    let said = aura.sim.replies_to("ana").concat();
    assert!(said.contains("Cove Linen Shirt – $58.00"), "{said}");
    assert!(!said.contains("19") && !said.contains("evil"), "{said}");
    let asked = model.asked();
    assert_eq!(asked.len(), 2, "one draft, one repair");
    assert!(asked[1].refused.iter().any(|reason| reason.starts_with("price:")), "{asked:?}");
}

#[tokio::test]
async fn a_model_that_is_down_or_hangs_leaves_the_shopper_an_honest_answer() {
    let down = || WriteError::Unavailable { reason: "the provider answered 503".into() };
    for play in [Play::Fail(down()), Play::Hang] {
        let model = ScriptedModel::new("scripted:broken");
        model.plays([play]);
        let setup = TestAura::setup().catalog(CATALOG).model(&model);
        let aura = setup.config(|config| config.models.timeout_ms = 200).start().await;
        aura.sim.shopper("ana").writes(ACCOUNT, "How much is the Cove Linen Shirt?");
        aura.until_replies("ana", 1).await;
        aura.until_idle().await;
        assert!(aura.sim.replies_to("ana").concat().contains("$58.00"));
        assert_eq!(aura.conversation("ana").await.turns[0].model.as_deref(), Some("builtin"));
        assert!(aura.app().metrics.render().expect("it renders").contains("aura_writer_failures_total"));
    }
}
