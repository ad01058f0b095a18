//! How models fare, as work shows it: breakers, failures, latencies, spend over all tenants, and who uses which.

use std::fs;

use aura::api::{self, ModelChoice, ModelFigures, ModelHealth};

use crate::{
    provider::{MODEL, ask, aura, choose, draft, failure},
    shop::{House, files},
    support::{SHOP, TestAura},
};

async fn health(aura: &TestAura) -> ModelHealth {
    aura.client().model_health().await.expect("it answers")
}

fn of<'a>(health: &'a ModelHealth, model: &str) -> &'a ModelFigures {
    health.models.iter().find(|figures| figures.model == model).unwrap_or_else(|| panic!("no {model} in {health:?}"))
}

fn role(health: &ModelHealth, tenant: &str, role: &str) -> ModelChoice {
    let tenant = health.tenants.iter().find(|known| known.tenant == tenant).expect("every tenant is there");
    tenant.roles.iter().find(|choice| choice.role == role).expect("every role is there").clone()
}

#[tokio::test]
async fn calls_latencies_and_spend_are_shown_as_work_is_done_and_after_a_restart_the_spend_of_the_day_is() {
    let (aura, fake) = aura(&[draft(&["Here it is:"], &["cove-linen-shirt"])]).await;
    let before = health(&aura).await;
    assert_eq!((before.models.len(), before.window_s), (0, 900));
    choose(&aura, MODEL).await;
    let chosen = health(&aura).await;
    assert_eq!((of(&chosen, MODEL).calls, of(&chosen, MODEL).spent_today_usd.as_str()), (0, "0"));
    assert_eq!(of(&chosen, MODEL).total_ms, None, "nothing was measured");
    for name in ["ana", "ben"] {
        ask(&aura, name).await;
    }
    let after = health(&aura).await;
    let figures = of(&after, MODEL);
    assert_eq!((figures.calls, figures.failures.len(), figures.breaker.as_str()), (2, 0, "closed"));
    let (first, total) = (figures.first_token_ms.expect("measured"), figures.total_ms.expect("measured"));
    assert!(first.p50 <= first.p95 && total.p50 <= total.p95 && first.p50 <= total.p95, "{figures:?}");
    assert_eq!(figures.spent_today_usd, "0.00106352");
    assert_eq!(fake.asked().len(), 2, "nobody is asked how it is");
    let shown = aura.run(&["model", "status"]).await;
    assert!(shown.contains(MODEL) && shown.contains("0.00106352"), "{shown}");
    let printed = aura.run(&["model", "status", "-t", SHOP, "--json"]).await;
    let printed: ModelHealth = serde_json::from_str(&printed).expect("what the client reads");
    assert_eq!((of(&printed, MODEL).calls, printed.tenants.len()), (2, 1));
    let told = aura.said(&["model", "status", "-t", "nobody"], 3).await;
    assert!(told.contains("nobody"), "{told}");

    let aura = aura.restart().await;
    let restarted = health(&aura).await;
    let figures = of(&restarted, MODEL);
    assert_eq!((figures.calls, figures.spent_today_usd.as_str()), (0, "0.00106352"));
}

#[tokio::test]
async fn a_refused_key_opens_the_breaker_and_says_until_when_and_the_failure_is_named() {
    let (aura, _fake) = aura(&[failure(403, "PERMISSION_DENIED")]).await;
    choose(&aura, MODEL).await;
    let (_, by) = ask(&aura, "ana").await;
    assert_eq!(by.as_deref(), Some("builtin"));
    let now = health(&aura).await;
    let figures = of(&now, MODEL);
    assert_eq!((figures.breaker.as_str(), figures.keys_left_alone), ("open", 1));
    let until = figures.open_until.expect("it is known");
    assert!(until > now.at && until.0 - now.at.0 <= 300_000, "{figures:?}");
    assert_eq!((figures.calls, figures.failures.get("auth")), (1, Some(&1)));
    let shown = aura.run(&["model", "status"]).await;
    assert!(shown.contains("open ") && shown.contains("1 auth"), "{shown}");
}

#[tokio::test]
async fn every_tenants_models_are_those_that_would_be_asked_and_a_damaged_file_is_named() {
    let house = House::open().await;
    for slug in ["alder", "birch"] {
        let new = api::NewTenant { slug: slug.into(), name: slug.into(), ..api::NewTenant::default() };
        house.client().add_tenant(&new).await.expect("added");
    }
    let client = house.client();
    let choice = |model: &str, fallbacks: &[&str]| api::UseModel {
        model: model.into(),
        fallbacks: fallbacks.iter().map(|name| (*name).to_owned()).collect(),
    };
    client.use_model(None, "chat", &choice("openai:gpt-6-luna", &[])).await.expect("chosen");
    client.use_model(Some("birch"), "chat", &choice(MODEL, &["openai:gpt-6-luna", "builtin"])).await.expect("chosen");
    let seen = client.model_health().await.expect("it answers");
    let route = |tenant: &str, name: &str| {
        let ModelChoice { model, fallbacks, .. } = role(&seen, tenant, name);
        [vec![model], fallbacks].concat()
    };
    assert_eq!(route("alder", "chat"), ["openai:gpt-6-luna", "builtin"], "what all use that chose nothing");
    assert_eq!(route("birch", "chat"), [MODEL, "openai:gpt-6-luna", "builtin"]);
    assert_eq!((route("birch", "vision"), route("birch", "embed")), (vec!["builtin".into()], vec!["builtin".into()]));
    assert!(seen.unread_tenants.is_empty() && of(&seen, MODEL).calls == 0);

    let torn = client.tenants().await.expect("listed").remove(0);
    let folder = house.tenant_folder(&torn);
    let (_folder, data_dir) = house.close().await;
    for (path, _) in files(&folder) {
        fs::write(path, "not a database, whatever it was").expect("written");
    }
    let ran = crate::shop::aura(&data_dir, &["model", "status", "--json"], "").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen: ModelHealth = serde_json::from_str(&ran.stdout).expect("what the client reads");
    assert_eq!((seen.unread_tenants, seen.tenants.len()), (vec!["alder".to_owned()], 2));
}
