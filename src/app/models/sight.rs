//! Having shoppers' pictures looked at for a writer that does not see them: by the models of the vision role, once a picture.
//!
//! Where nobody looks, or looking fails, nothing is known of a picture, and the answer says so.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    ask::{Asker, Matter},
    pictures::{PICTURES_MAX, Sent},
};
use crate::{
    agent::{sight, understand::understand},
    app::{App, Error},
    config::Providers,
    domain::{
        MessageId, Timestamp, chain, chat::ModelRef, conversation::Sight, model::ModelRole, secret::SecretScope,
        turn::TurnInput,
    },
    store::TenantStore,
};

/// What looking takes of the time of a draft at most: a shopper waits for both.
const SHARE_OF_DRAFT: f64 = 0.5;
/// So long what an Ollama says of a model holds; after it has not answered, so long it is not asked again.
const TOLD_MS: i64 = 60 * 60_000;
const UNTOLD_MS: i64 = 60_000;
/// Models of an Ollama that are remembered.
const TOLD_MAX: usize = 256;

/// What an Ollama has said of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    sees: bool,
    until: Timestamp,
}

impl App {
    /// Whether a model looks at pictures: as the list and the settings say, else as its Ollama does. Of whom nobody says it,
    /// it is not believed: a model that sees nothing guesses.
    pub(super) async fn sees(&self, model: &ModelRef) -> bool {
        match self.models.known.of(model).sees {
            Some(sees) => sees,
            None if &*model.provider == Providers::OLLAMA => self.local_sees(&model.model).await,
            None => false,
        }
    }

    /// Whether every model of a route does: whoever of them answers was shown the same.
    pub(super) async fn all_see(&self, route: &[ModelRef]) -> bool {
        for model in route {
            if !self.sees(model).await {
                return false;
            }
        }
        true
    }

    async fn local_sees(&self, model: &str) -> bool {
        let now = self.clock.now();
        let known = self.models.told().get(model).copied();
        if let Some(told) = known.filter(|told| told.until > now) {
            return told.sees;
        }
        let told = match self.local_model(model).await {
            Ok(details) => {
                let sees = details.capabilities.iter().any(|capability| capability == "vision");
                Told { sees, until: now.plus_ms(TOLD_MS) }
            }
            Err(error) => {
                tracing::info!(model, error = %chain(&error), "Ollama does not say whether a model sees");
                Told { sees: false, until: now.plus_ms(UNTOLD_MS) }
            }
        };
        let mut all = self.models.told();
        if all.len() >= TOLD_MAX {
            all.clear();
        }
        all.insert(model.into(), told);
        told.sees
    }

    /// The turn with what its pictures show, where its writer does not see them and somebody who does has looked.
    ///
    /// # Errors
    /// When the settings cannot be read, or what was seen cannot be kept: it was paid for, and is not made twice.
    pub(in crate::app) async fn look_at_pictures(
        &self,
        store: &TenantStore,
        mut input: TurnInput,
        correlation: &str,
    ) -> Result<TurnInput, Error> {
        let sent: Vec<Sent> = Sent::all(&input.open).filter(|sent| !sent.is_described).collect();
        if sent.is_empty() || self.writer.is_some() {
            return Ok(input);
        }
        let settings = self.models_of(SecretScope::Tenant(input.tenant.id)).await?;
        let writers = settings.route(ModelRole::Chat);
        let mut route = Vec::new();
        for model in settings.route(ModelRole::Vision) {
            if self.sees(&model).await {
                route.push(model);
            }
        }
        let needed = writers.is_empty() || !self.all_see(&writers).await;
        if route.is_empty() || !needed || !sight::helps(&understand(&input), !writers.is_empty()) {
            return Ok(input);
        }
        let began = Instant::now();
        let newest = &sent[sent.len().saturating_sub(PICTURES_MAX)..];
        let fetched = self.pictures.fetch(input.tenant.id, newest).await;
        let (shown, images): (Vec<&Sent>, Vec<_>) =
            newest.iter().zip(fetched).filter_map(|(sent, image)| Some((sent, image?))).unzip();
        if images.is_empty() {
            return Ok(input);
        }
        let canary = self.models.canary(input.tenant.id);
        let request = sight::request(&images, input.tenant.language, &canary);
        let within = Duration::from_millis(self.config.models.timeout_ms.into()).mul_f64(SHARE_OF_DRAFT);
        let asker = Asker {
            app: self,
            store,
            tenant: input.tenant.id,
            budget: settings.budget,
            correlation: Some(correlation.to_owned()),
            tally: None,
        };
        let matter = Matter { role: ModelRole::Vision, conversation: Some(input.conversation), turn: Some(input.turn) };
        let asked = asker.ask(matter, &route, &request, within).await;
        self.metrics.stage("look", began.elapsed());
        let answered = match asked {
            Ok(answered) => answered,
            Err(error) => {
                tracing::warn!(turn.id = %input.turn, error = %chain(&error), "nobody has looked at the pictures");
                return Ok(input);
            }
        };
        let made_by = answered.model.to_string();
        let seen: Vec<(MessageId, Sight)> = sight::read(&answered.answer, shown.len(), &canary)
            .into_iter()
            .map(|sight::Seen { at, shows, product }| {
                let Sent { message, picture, .. } = *shown[at];
                (message, Sight { picture, shows, product, made_by: made_by.clone() })
            })
            .collect();
        if seen.is_empty() {
            tracing::warn!(turn.id = %input.turn, model = made_by, "what was said of the pictures cannot be used");
            return Ok(input);
        }
        store.keep_sights(seen.clone()).await?;
        for (id, sight) in seen {
            input.open.iter_mut().filter(|message| message.id == id).for_each(|it| it.sights.push(sight.clone()));
        }
        Ok(input)
    }
}
