//! Runs one turn: what is open goes in, one durable result comes out.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    App, Error,
    answer::{self, AnswerRun, Lookup},
    attend::Attended,
    drafts::held_until,
    find::{self, Found},
    models::Answered,
    record,
};
use crate::{
    agent::compose,
    channel::split,
    domain::{
        ConversationId, Language, Timestamp, chain,
        channel::ChannelRules,
        conversation::Conversation,
        evidence::Evidence,
        outbox::Author,
        persona::Persona,
        policy,
        product::{Product, ProductKey},
        reach::Allowed,
        search::Filters,
        tenant::Tenant,
        turn::{Answer, HandOverReason, SuppressReason, TurnInput, TurnOutcome},
    },
    fault,
    store::{BegunTurn, Committed, Covered, EffectRecord, TenantStore, TurnCommit},
    workflow::Written,
};

/// How long an answer waits for the courtesies that go before it; a call of the channel is given up after 15 s only.
const COURTESIES_MAX: Duration = Duration::from_secs(2);
/// After so long a silence the disclosure is due again.
const DISCLOSE_AGAIN_MS: i64 = 7 * 24 * 3_600_000;

impl App {
    /// Runs the conversation's next turn; `false` if none is due.
    pub(super) async fn run_turn(&self, attended: &Attended, conversation: ConversationId) -> Result<bool, Error> {
        let store = &attended.store;
        let started_at = self.clock.now();
        let began = Instant::now();
        let Some((mut begun, own)) = store.begin_turn(conversation, started_at).await? else { return Ok(false) };
        let persona = attended.preview.clone().unwrap_or(own);
        fault::point("after_claim");
        self.metrics.stage("begin", began.elapsed());
        self.learn_name(attended, &mut begun.conversation).await?;
        let allowed = self.allowed(&attended.tenant, &begun.conversation, begun.written_at()).await?;
        if let Allowed::Nothing(reason) = allowed {
            self.leave_to_people(attended, conversation, reason).await?;
            return Ok(true);
        }
        if let Some(reason) = self.silent(&begun, started_at) {
            store.park_open(conversation, reason, started_at).await?;
            self.metrics.turn("suppressed");
            tracing::info!(
                tenant.id = %attended.tenant.id, conversation.id = %conversation, turn.id = %begun.turn,
                correlation = begun.correlation, outcome = "suppressed", reason = reason.as_str(),
                messages = begun.open.len(), "turn finished"
            );
            return Ok(true);
        }
        let input = turn_input(attended, &begun, persona, started_at);
        // The answer is durable as soon as it is made; only its sending waits for the courtesies. A draft may never be
        // sent, so nobody is shown that it is written.
        let courtesies = async {
            if allowed == Allowed::Answer {
                self.show_typing(attended, &begun.conversation).await;
            }
        };
        let (_, answered) = tokio::join!(courtesies, self.answer_and_commit(attended, &begun, input, started_at));
        answered.map(|()| true)
    }

    async fn answer_and_commit(
        &self,
        attended: &Attended,
        begun: &BegunTurn,
        input: TurnInput,
        started_at: Timestamp,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let input = self.look_at_pictures(&attended.store, input, &begun.correlation).await?;
        let (answer, record) = match self.answer(attended, begun, &input).await {
            Ok(run) => {
                let kept = record::kept(&run.answer.evidence, &run.answer.products, &run.steps);
                let kept = kept.map_err(|source| Error::Failed {
                    message: "how an answer came about cannot be written".into(),
                    source: Some(source.into()),
                })?;
                (run.answer, Some(kept))
            }
            // The run itself cannot go on, and never will: a person has to. Whatever may pass is tried again.
            Err(error @ Error::Failed { .. }) => {
                tracing::error!(
                    tenant.id = %attended.tenant.id, turn.id = %begun.turn, correlation = begun.correlation,
                    error = %chain(&error), "no answer could be made");
                (given_up(&input), None)
            }
            Err(error) => return Err(error),
        };
        self.metrics.stage("answer", began.elapsed());
        // The run may have taken long: what holds now decides.
        let Some(tenant) = self.tenant_now(&attended.tenant).await? else { return Ok(()) };
        let held_until = match self.allowed(&tenant, &begun.conversation, begun.written_at()).await? {
            Allowed::Answer => None,
            Allowed::Suggest => Some(held_until(begun.conversation.key.channel, begun.conversation.last_shopper_at)),
            Allowed::Nothing(reason) => return self.leave_to_people(attended, begun.conversation.id, reason).await,
        };
        let commit = TurnCommit { held_until, record, ..commit(begun, answer, started_at, self.clock.now()) };
        let (outcome, by_model) = (commit.outcome, commit.model != Written::BUILTIN);
        let covered = commit.covered.messages.len();
        let began = Instant::now();
        let committed = attended.store.commit_turn(commit).await?;
        fault::point("after_turn_commit");
        self.metrics.stage("commit", began.elapsed());
        match committed {
            Committed::Done => {
                self.metrics.turn(outcome.as_str());
                tracing::info!(
                    tenant.id = %attended.tenant.id, conversation.id = %begun.conversation.id, turn.id = %begun.turn,
                    correlation = begun.correlation, outcome = outcome.as_str(), reason = outcome.reason(), messages = covered,
                    elapsed_ms = self.clock.now().since_ms(started_at), "turn finished"
                );
                if by_model {
                    self.offer_notes(Answered {
                        tenant: attended.tenant.id,
                        conversation: begun.conversation.id,
                        correlation: begun.correlation.clone(),
                    });
                }
            }
            Committed::Superseded => {
                self.metrics.turn("superseded");
                tracing::debug!(
                    tenant.id = %attended.tenant.id, conversation.id = %begun.conversation.id, turn.id = %begun.turn,
                    correlation = begun.correlation, "turn superseded"
                );
            }
        }
        Ok(())
    }

    /// Why a turn may not speak, if it may not.
    fn silent(&self, begun: &BegunTurn, now: Timestamp) -> Option<SuppressReason> {
        let conversation = &begun.conversation;
        let rules = ChannelRules::of(conversation.key.channel);
        if policy::may_send(rules, Author::Bot, conversation.last_shopper_at, now).is_err() {
            return Some(SuppressReason::WindowClosed);
        }
        let newest = begun.written_at();
        let age_max_ms = i64::from(self.config.conversation.max_reply_age_minutes) * 60_000;
        (now.since_ms(newest) > age_max_ms).then_some(SuppressReason::TooOld)
    }

    /// The effects that ride with the turn's commit are not kept: once it is durable, nobody resumes the run.
    async fn answer(&self, attended: &Attended, begun: &BegunTurn, input: &TurnInput) -> Result<AnswerRun, Error> {
        let lookup = Catalogue { store: &attended.store, tenant: &attended.tenant };
        let covered = Covered::of(&begun.open);
        let record = |effects: Vec<EffectRecord>| {
            let (store, covered, now) = (&attended.store, covered.clone(), self.clock.now());
            async move { Ok(store.record_effects(begun.turn, begun.conversation.id, covered, effects, now).await?) }
        };
        let writer = self.writer_for(&attended.tenant, &attended.store, &begun.correlation).await?;
        answer::answer(&lookup, self.writing(&*writer), input, begun.effects.clone(), record).await
    }

    /// Shows the shopper that somebody is at it. A courtesy: its failure changes nothing, and its delay little.
    async fn show_typing(&self, attended: &Attended, conversation: &Conversation) {
        let key = &conversation.key;
        if let Ok(Some(channel)) = self.channel(attended.tenant.id, key.channel, &key.account).await {
            match tokio::time::timeout(COURTESIES_MAX, channel.show_seen_and_typing(&key.shopper)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(conversation.id = %conversation.id, error = %chain(&error), "typing was not shown");
                }
                Err(_) => tracing::debug!(conversation.id = %conversation.id, "typing was not shown in time"),
            }
        }
    }
}

/// What is said when no answer can be made.
fn given_up(input: &TurnInput) -> Answer {
    let own = input.tenant.language;
    let language = input.persona.language.settle(input.language.unwrap_or(own), own);
    let reason = HandOverReason::Failure;
    Answer {
        outcome: TurnOutcome::HandedOver(reason),
        messages: compose::hand_over(input, language, reason, false),
        products: Vec::new(),
        evidence: Evidence { products: Vec::new(), facts: Vec::new(), read_at: input.now },
        language,
        disclosed: input.disclose,
        model: Written::BUILTIN.to_owned(),
        guard_refusals: 0,
    }
}

fn turn_input(attended: &Attended, begun: &BegunTurn, persona: Persona, now: Timestamp) -> TurnInput {
    let disclose = persona.disclose && disclosure_due(&begun.conversation, now);
    TurnInput {
        turn: begun.turn,
        conversation: begun.conversation.id,
        tenant: attended.tenant.clone(),
        persona,
        open: begun.open.clone(),
        history: begun.history.clone(),
        memory: begun.memory.clone(),
        recalled: begun.recalled.clone(),
        language: begun.conversation.language,
        disclose,
        now,
    }
}

fn disclosure_due(conversation: &Conversation, now: Timestamp) -> bool {
    conversation.disclosed_at.is_none_or(|at| now.since_ms(at) > DISCLOSE_AGAIN_MS)
}

fn commit(begun: &BegunTurn, answer: Answer, started_at: Timestamp, now: Timestamp) -> TurnCommit {
    let rules = ChannelRules::of(begun.conversation.key.channel);
    let parts = answer.messages.iter().flat_map(|text| split(text, rules.text_bytes_max)).collect();
    TurnCommit {
        turn: begun.turn,
        conversation: begun.conversation.id,
        covered: Covered::of(&begun.open),
        outcome: answer.outcome,
        parts,
        held_until: None,
        products: answer.products,
        evidence: answer.evidence.products.into_iter().map(|product| product.key).collect(),
        language: answer.language,
        disclosed: answer.disclosed,
        model: answer.model,
        guard_refusals: answer.guard_refusals,
        record: None,
        started_at,
        now,
    }
}

/// The tenant's catalogue, read now at every call.
pub(super) struct Catalogue<'a> {
    pub(super) store: &'a TenantStore,
    pub(super) tenant: &'a Tenant,
}

impl Lookup for Catalogue<'_> {
    async fn find(&self, text: &str, filters: Filters, language: Language, limit: usize) -> Result<Found, Error> {
        find::find(self.store, self.tenant, text, filters, Some(language), limit).await
    }

    async fn has_products(&self) -> Result<bool, Error> {
        Ok(self.store.look_into_catalogue(|catalogue| catalogue.vocabulary(Vec::new(), &[])).await?.products > 0)
    }

    async fn products_by_key(&self, keys: &[ProductKey]) -> Result<Vec<Product>, Error> {
        Ok(self.store.products_by_key(keys.to_vec()).await?)
    }
}
