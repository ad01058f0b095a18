//! What `tail` and `listen` have in common: which events, and following them over lost connections.

use aura::{
    api::{Event, EventQuery},
    client::{Client, Watched},
    domain::{cost::PicoDollars, event::EventKind, tenant::TenantSlug},
    terminal::{Since, parse_since},
};
use futures_util::{StreamExt, pin_mut};

use super::named::ConversationName;
use crate::{failure::Failure, time::now, ui::Ui};

/// Which events
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Only this tenant; all when left out
    #[arg(short = 't', long = "tenant", value_name = "SLUG", env = "AURA_TENANT", hide_env_values = true)]
    slug: Option<TenantSlug>,
    /// Start this far back: 90s, 15m, 1h, 2d, or a UTC time
    #[arg(long, value_name = "AGE", value_parser = parse_since)]
    since: Option<Since>,
    /// Only events of this kind, or of a family of them (message.*); may be given again
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kind: Vec<String>,
    /// Only events of this conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<ConversationName>,
    /// Only what this one did: shopper, bot, operator, system, …
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// Only calls of models that cost so much or more
    #[arg(long, value_name = "USD", value_parser = PicoDollars::parse)]
    min_cost: Option<PicoDollars>,
}

fn kind(word: &str) -> Result<String, String> {
    if EventKind::matching(word).is_empty() {
        let known: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        return Err(format!("there are {}, and families such as message.*", known.join(", ")));
    }
    Ok(word.to_owned())
}

impl Which {
    /// Whose events; `None`: everybody's.
    pub fn tenant(&self) -> Option<&str> {
        self.slug.as_ref().map(TenantSlug::as_str)
    }

    /// As the daemon is asked.
    pub async fn query(&self, client: &Client) -> Result<EventQuery, Failure> {
        let conversation = match &self.conversation {
            Some(name) => Some(name.find(client, self.tenant()).await?),
            None => None,
        };
        Ok(EventQuery {
            since: self.since.as_ref().map(|since| since.moment(now())),
            kinds: Some(self.kind.join(",")).filter(|kinds| !kinds.is_empty()),
            conversation,
            actor: self.actor.clone(),
            min_cost_usd: self.min_cost.map(|cost| cost.to_string()),
            ..EventQuery::default()
        })
    }

    /// Follows them until Ctrl-C, over restarts of the daemon; says once that it is gone, and that it is back.
    pub async fn follow(
        &self,
        ui: Ui,
        client: &Client,
        mut take: impl AsyncFnMut(Event) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let watched = client.watch(self.tenant(), self.query(client).await?);
        pin_mut!(watched);
        let mut lost = false;
        while let Some(seen) = watched.next().await {
            match seen? {
                Watched::Event(event) => take(event).await?,
                Watched::Connected if lost => {
                    ui.say("connected again");
                    lost = false;
                }
                Watched::Connected => {}
                Watched::Lost { error, .. } if !lost => {
                    ui.say(format!("connection lost: {error}; trying again until Ctrl-C"));
                    lost = true;
                }
                Watched::Lost { .. } => {}
            }
        }
        Ok(())
    }
}
