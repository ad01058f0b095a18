//! One question to several models: what each would answer, by the rules of a turn, and nothing of it kept or sent.

use aura::api::{self, ModelPreview, ModelPreviewed, PreviewAnswer};

use crate::{
    provider::{MODEL, QUESTION, aura, aura_with, draft, failure},
    support::{SHOP, TestAura},
};

const OTHER: &str = "gemini:gemini-3.5-pro";

fn wanted(models: &[&str]) -> ModelPreview {
    ModelPreview { question: QUESTION.into(), models: models.iter().map(|model| (*model).to_owned()).collect() }
}

async fn preview(aura: &TestAura, models: &[&str]) -> Vec<PreviewAnswer> {
    let previewed = aura.client().preview_models(SHOP, &wanted(models)).await.expect("they are asked");
    assert_eq!(previewed.answers.iter().map(|answer| answer.model.as_str()).collect::<Vec<_>>(), models);
    previewed.answers
}

fn said(answer: &PreviewAnswer) -> String {
    answer.replies.iter().map(|reply| reply.text.as_str()).collect()
}

async fn usage(aura: &TestAura) -> api::UsageReport {
    aura.client().usage(SHOP, &api::UsageQuery::default()).await.expect("read")
}

#[tokio::test]
async fn each_model_answers_as_the_assistant_would_and_nothing_is_kept_but_what_it_cost() {
    let (aura, fake) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    let answers = preview(&aura, &["builtin", MODEL]).await;
    let [own, model] = answers.as_slice() else { panic!("{answers:?}") };
    assert!(said(own).contains("$58.00") && said(model).contains("Here it is:"), "{answers:?}");
    assert!(said(model).contains("Cove Linen Shirt – $58.00"), "code writes the price: {answers:?}");
    assert_eq!((own.written_by.as_deref(), model.written_by.as_deref()), (Some("builtin"), Some(MODEL)));
    assert!(model.evidence.iter().any(|product| product.product_id == "cove-linen-shirt"), "{model:?}");
    assert_eq!((own.usage.input_tokens, own.usage.cost_usd.as_str()), (0, "0"));
    assert_eq!((model.usage.input_tokens, model.usage.output_tokens), (900, 160));
    assert_eq!(model.usage.cost_usd, "0.00053176");
    assert!(answers.iter().all(|answer| answer.error.is_none() && answer.handoff.is_none()), "{answers:?}");
    assert_eq!(fake.asked().len(), 1);

    let usage = usage(&aura).await;
    assert_eq!((usage.today_usd.as_str(), usage.reserved_usd.as_str()), ("0.00053176", "0"));
    let all = api::ConversationQuery::default();
    assert_eq!(aura.client().conversations(SHOP, &all).await.expect("listed"), []);
    assert_eq!(aura.sim.sent(), "");
    aura.until_idle().await;
    assert_eq!(aura.sim.sent(), "");
}

#[tokio::test]
async fn a_model_that_fails_lies_or_may_not_be_asked_costs_no_other_its_answer() {
    let (aura, fake) = aura(&[failure(403, "PERMISSION_DENIED")]).await;
    let answers = preview(&aura, &[MODEL, "nobody:x", "builtin"]).await;
    let [refused, unknown, own] = answers.as_slice() else { panic!("{answers:?}") };
    let why = refused.error.as_deref().expect("it gave no draft");
    assert!(why.contains("rejected the API key"), "{why}");
    assert_eq!(refused.written_by.as_deref(), Some("builtin"), "as in a turn, the built-in one stands in");
    assert!(said(refused).contains("$58.00"));
    assert_eq!(unknown.error.as_deref(), Some("no provider `nobody` is configured"));
    assert!(unknown.replies.is_empty() && unknown.written_by.is_none());
    assert!(own.error.is_none() && said(own).contains("$58.00"), "{own:?}");

    fake.answers(&[draft(&["The Cove Linen Shirt is only $19.00 today."], &[])]);
    let answers = preview(&aura, &[OTHER]).await;
    assert!(!said(&answers[0]).contains("19") && said(&answers[0]).contains("$58.00"), "{answers:?}");
    assert_eq!((answers[0].guard_refusals, answers[0].written_by.as_deref()), (2, Some("builtin")));
}

#[tokio::test]
async fn what_is_not_allowed_is_not_asked_and_a_turn_costs_no_more_than_it_may_over_all_its_calls() {
    // A call that was dearer than all that a turn may cost, with a lie in it that a repair would follow.
    let (status, text) = draft(&["The Cove Linen Shirt is only $19.00 today."], &[]);
    let dear = (status, text.replace(r#""promptTokenCount":900"#, r#""promptTokenCount":9000000"#));
    let (aura, fake) = aura_with(&[dear], |config| config.models.allowed = vec![MODEL.into()]).await;
    let answers = preview(&aura, &[OTHER, MODEL]).await;
    assert!(answers[0].error.as_deref().is_some_and(|why| why.contains("not among the models that are allowed")));
    assert_eq!(fake.asked().len(), 1, "the other was not asked, and this one not again");
    assert!(answers[1].error.as_deref().is_some_and(|why| why.contains("budget")), "{answers:?}");
    assert!(!said(&answers[1]).contains("19") && said(&answers[1]).contains("$58.00"), "{answers:?}");
    assert_eq!(answers[1].usage.cost_usd, usage(&aura).await.today_usd);

    // Nothing at all fits: nobody is asked.
    let budget = api::Budget { conversation_usd: Some("0.000001".into()), ..api::Budget::default() };
    aura.client().limit_models(Some(SHOP), &budget).await.expect("set");
    let answers = preview(&aura, &[MODEL]).await;
    assert_eq!(fake.asked().len(), 1);
    assert!(answers[0].error.as_deref().is_some_and(|why| why.contains("budget")), "{answers:?}");
    assert_eq!(answers[0].usage.cost_usd, "0");
}

#[tokio::test]
async fn a_preview_of_nothing_of_too_much_or_of_one_model_twice_is_refused() {
    let aura = TestAura::setup().start().await;
    let five = ["builtin", "gemini:a", "gemini:b", "gemini:c", "gemini:d"];
    for models in [&[][..], &five, &["builtin", "builtin"], &["Gemini"]] {
        let refused = aura.client().preview_models(SHOP, &wanted(models)).await.expect_err("refused");
        assert_eq!(refused.exit_code(), api::exit::USAGE, "{models:?}: {refused}");
    }
    let empty = ModelPreview { question: " ".into(), ..wanted(&["builtin"]) };
    aura.client().preview_models(SHOP, &empty).await.expect_err("nothing is asked");
}

#[tokio::test]
async fn the_command_shows_both_answers() {
    let (aura, _fake) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    let shown = aura.run(&["model", "compare", "builtin", MODEL, QUESTION, "-t", SHOP]).await;
    assert!(shown.contains("Here it is:") && shown.contains(MODEL) && shown.contains("builtin"), "{shown}");
    let printed = aura.run(&["model", "compare", "builtin", QUESTION, "-t", SHOP, "--json"]).await;
    let read: ModelPreviewed = serde_json::from_str(&printed).expect("what the client reads");
    assert!(said(&read.answers[0]).contains("$58.00"));
    let told = aura.said(&["model", "compare", "nobody:x", QUESTION, "-t", SHOP], 8).await;
    assert!(told.contains("no model gave an answer") && told.contains("hint:"), "{told}");
}
