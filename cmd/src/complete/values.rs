//! Names that only a running Aura knows.

use std::collections::HashMap;

use aura::{api, client::Client};

use super::{CANDIDATES_MAX, Candidate, patience};
use crate::{
    cli::Global,
    context::Context,
    failure::Failure,
    ui::{Manner, Ui},
};

/// What kind of thing a value names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tenant's slug.
    Tenant,
    /// A conversation of the tenant.
    Conversation,
    /// `builtin`, or PROVIDER:MODEL.
    Model,
    /// A product of the tenant.
    Product,
    /// One of the staff.
    Staff,
    /// Somebody who can be responsible.
    Assignee,
    /// The same, or nobody.
    AnyAssignee,
    /// A target of the tenant's notifications.
    NotifyTarget,
    /// A code that `aura explain` knows.
    Code,
}

impl Kind {
    /// Every kind.
    #[cfg(test)]
    pub const ALL: [Self; 9] = [
        Self::Tenant,
        Self::Conversation,
        Self::Model,
        Self::Product,
        Self::Staff,
        Self::Assignee,
        Self::AnyAssignee,
        Self::NotifyTarget,
        Self::Code,
    ];

    /// What an argument of a command (`conversation show`) names. What has to be written out on purpose, such as what
    /// `--confirm` repeats, is none of them.
    pub fn of(command: &str, argument: &str) -> Option<Self> {
        Some(match (command, argument) {
            ("tenant add", "slug") => return None,
            (_, "slug" | "tenants") => Self::Tenant,
            (_, "conversation") => Self::Conversation,
            (_, "model" | "models" | "fallbacks") => Self::Model,
            ("catalog show", "product") => Self::Product,
            ("staff edit" | "staff remove", "name") => Self::Staff,
            ("conversation assign", "name") => Self::Assignee,
            ("conversation list", "assignee") => Self::AnyAssignee,
            ("notify remove" | "notify test", "name") => Self::NotifyTarget,
            ("explain", "code") => Self::Code,
            _ => return None,
        })
    }
}

/// The names of this kind that can stand for `word`; none when nobody answers in time.
pub fn ask(kind: Kind, word: &str, given: &HashMap<String, String>) -> Vec<Candidate> {
    if kind == Kind::Code {
        return api::explained().into_iter().map(|row| Candidate::new(row.code, row.means)).collect();
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let slug = given.get("slug").or_else(|| given.get("tenants")).cloned().or_else(|| set("AURA_TENANT"));
    let global = Global {
        data_dir: given.get("data_dir").map(Into::into),
        config: given.get("config").map(Into::into),
        key_file: given.get("key_file").map(Into::into),
        ..Global::default()
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    runtime.block_on(async {
        let asked = async {
            let context = Context::new(Ui::new(Manner { quiet: true, ..Manner::default() }), global);
            of(&context.daemon().await?, kind, word, slug.as_deref()).await
        };
        // Without a daemon, without leave, too late: nothing is offered, and nothing is said in the middle of a line.
        tokio::time::timeout(patience(), asked).await.ok().and_then(Result::ok).unwrap_or_default()
    })
}

async fn of(client: &Client, kind: Kind, word: &str, slug: Option<&str>) -> Result<Vec<Candidate>, Failure> {
    let limit = Some(CANDIDATES_MAX as u32);
    let fixed = |words: &[(&str, &str)]| words.iter().map(|(value, about)| Candidate::new(*value, *about)).collect();
    Ok(match (kind, slug) {
        (Kind::Tenant, _) => {
            client.tenants().await?.into_iter().map(|tenant| Candidate::new(tenant.slug, tenant.name)).collect()
        }
        (Kind::Conversation, Some(slug)) => {
            let begins = Some(word.to_owned()).filter(|word| !word.is_empty());
            let query = api::ConversationQuery { begins, limit, ..api::ConversationQuery::default() };
            let about = |row: &api::Conversation| {
                let said = row.preview.as_ref().and_then(|preview| preview.text.as_deref()).unwrap_or_default();
                format!("{}: {said}", row.shopper_name.as_deref().unwrap_or(&row.shopper_id))
            };
            let rows = client.conversations(slug, &query).await?;
            rows.into_iter().map(|row| Candidate::new(row.id.clone(), about(&row))).collect()
        }
        (Kind::Product, Some(slug)) => {
            let query = api::ProductQuery { begins: Some(word.to_owned()), limit: Some(100) };
            let found = client.products(slug, &query).await?;
            found.into_iter().map(|product| Candidate::new(product.product_id, product.title)).collect()
        }
        (Kind::NotifyTarget, Some(slug)) => {
            let targets = client.notify_targets(slug).await?;
            targets.into_iter().map(|target| Candidate::new(target.name, target.via)).collect()
        }
        (Kind::Conversation | Kind::Product | Kind::NotifyTarget, None) | (Kind::Code, _) => Vec::new(),
        (Kind::Model, slug) => models(client, slug).await?,
        (Kind::Staff, _) => people(client).await?,
        (Kind::Assignee, _) => {
            let mut found: Vec<_> = fixed(&[("me", "whoever asks"), ("operator", "whoever runs this Aura")]);
            // The list of the staff is the operator's.
            found.extend(people(client).await.unwrap_or_default());
            found
        }
        (Kind::AnyAssignee, _) => {
            let words = [("me", "whoever asks"), ("nobody", "nobody"), ("operator", "whoever runs this Aura")];
            let mut found: Vec<_> = fixed(&words);
            found.extend(people(client).await.unwrap_or_default());
            found
        }
    })
}

async fn people(client: &Client) -> Result<Vec<Candidate>, Failure> {
    Ok(client.staff().await?.into_iter().map(|person| Candidate::new(person.name, person.role)).collect())
}

/// What Ollama has, and what a price is known of, as far as its provider can be asked.
async fn models(client: &Client, slug: Option<&str>) -> Result<Vec<Candidate>, Failure> {
    let mut found = vec![Candidate::new("builtin", "needs no key and no network")];
    let priced = client.model_prices().await?;
    // It asks Ollama, which may not be there: the others do not wait for that.
    let known = tokio::time::timeout(patience() / 2, client.models(slug)).await.ok().and_then(Result::ok);
    let is_ready =
        |name: &str| known.as_ref().is_none_or(|known| known.providers.iter().any(|one| one.name == name && one.ready));
    let local = known.iter().flat_map(|known| known.local.iter().flatten());
    found.extend(local.map(|local| Candidate::new(local.model.clone(), "on this Ollama's disk")));
    let of_ready = priced.into_iter().filter(|price| price.model.split(':').next().is_some_and(is_ready));
    found.extend(of_ready.map(|price| Candidate::new(price.model, "")));
    Ok(found)
}
