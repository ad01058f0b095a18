//! One answer: drives the workflow of a turn, performs its effects, and keeps what a crash must not lose.
//!
//! The machine is pure; here its effects meet the catalogue and the agent. Nothing is sent and nothing committed here: the
//! caller stores the answer, the effects that ride with it, and the outbox rows in one transaction.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use super::{
    Error,
    find::Found,
    record::{Step, Trace},
    tools::Tools,
    write::{Writing, written},
};
use crate::{
    agent::{
        compose::{self, Findings},
        guard::{self, Limits, Rules},
        language, prompt,
        rounds::{Calling, Round, Steps},
        tools::{self, Offered},
        understand::understand,
        writer::{Authored, BuiltIn, WriteRequest, Wrote},
    },
    domain::{
        Currency, Language, Money,
        conversation::Side,
        evidence::{Citation, Evidence, SourceId},
        product::{Product, ProductKey},
        search::{Filters, Hit},
        turn::{Answer, TurnInput, TurnOutcome},
    },
    store::EffectRecord,
    workflow::{
        self, Asked, Cited, Effect, EffectResult, Ending, Intent, Limit, Next, Recording, Reference, Retrieved,
        RunError, Understanding, Workflow, Written,
    },
};

/// What an answer needs of the tenant's catalogue. Every call reads the store now.
pub trait Lookup: Sync {
    /// Finds products for words, under conditions that are set apart from them.
    fn find(
        &self,
        text: &str,
        filters: Filters,
        language: Language,
        limit: usize,
    ) -> impl Future<Output = Result<Found, Error>> + Send;

    /// Whether there are any products.
    fn has_products(&self) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Reads products again, in the order of the keys; those that are gone are left out.
    fn products_by_key(&self, keys: &[ProductKey]) -> impl Future<Output = Result<Vec<Product>, Error>> + Send;
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct AnswerRun {
    /// What is said.
    pub answer: Answer,
    /// Results that are not durable yet: they ride with the turn's commit.
    pub effects: Vec<EffectRecord>,
    /// How it came about, for people.
    pub steps: Vec<Step>,
}

/// Makes the answer of a turn with the built-in workflow.
///
/// `recorded` is what a run before a crash left, in order; it is replayed, not performed. `record` makes results durable
/// that must not be made twice; it gets them with everything before them that is not durable yet.
pub async fn answer<L, R, F>(
    lookup: &L,
    writing: Writing<'_>,
    input: &TurnInput,
    recorded: Vec<EffectRecord>,
    record: R,
) -> Result<AnswerRun, Error>
where
    L: Lookup,
    R: FnMut(Vec<EffectRecord>) -> F + Send,
    F: Future<Output = Result<(), Error>> + Send,
{
    answer_with(Workflow::built_in(), lookup, writing, input, recorded, record).await
}

/// The same with a workflow of the tenant's own.
pub async fn answer_with<L, R, F>(
    workflow: &Workflow,
    lookup: &L,
    writing: Writing<'_>,
    input: &TurnInput,
    recorded: Vec<EffectRecord>,
    record: R,
) -> Result<AnswerRun, Error>
where
    L: Lookup,
    R: FnMut(Vec<EffectRecord>) -> F + Send,
    F: Future<Output = Result<(), Error>> + Send,
{
    let mut turn = Turn {
        lookup,
        writing,
        input,
        understanding: None,
        findings: Findings::default(),
        written: None,
        drafts: 0,
        draft: Drafting::default(),
        rounds: 0,
        wants_person: false,
        trace: Trace::default(),
    };
    let mut log = Log { record, pending: Vec::new(), next_step: 0 };
    let mut recorded = recorded.into_iter();
    let (mut state, mut next) = workflow::start(workflow).map_err(unfit)?;
    loop {
        let effect = match next {
            Next::Perform(effect) => effect,
            Next::Finish(ending) => {
                let steps = std::mem::take(&mut turn.trace).steps;
                let answer = turn.finish(ending, state.guard_refusals());
                return Ok(AnswerRun { answer, effects: log.pending, steps });
            }
        };
        let result = match recorded.next() {
            Some(before) => {
                log.next_step += 1;
                let result = turn.replay(&before).await?;
                turn.trace.ended(&result, None);
                result
            }
            None => {
                let began = Instant::now();
                let result = turn.perform(&effect).await?;
                turn.trace.ended(&result, Some(began.elapsed()));
                log.keep(&result).await?;
                result
            }
        };
        (state, next) = workflow::resume(workflow, state, &result).map_err(unfit)?;
    }
}

fn unfit(error: RunError) -> Error {
    Error::Failed { message: "the turn's run cannot go on".into(), source: Some(Box::new(error)) }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Failed { message: "a recorded effect of the turn cannot be read".into(), source: Some(Box::new(error)) }
}

/// Results on their way to the store.
struct Log<R> {
    record: R,
    pending: Vec<EffectRecord>,
    next_step: u32,
}

impl<R, F> Log<R>
where
    R: FnMut(Vec<EffectRecord>) -> F,
    F: Future<Output = Result<(), Error>>,
{
    async fn keep(&mut self, result: &EffectResult) -> Result<(), Error> {
        let text = serde_json::to_string(result).map_err(unreadable)?;
        self.pending.push(EffectRecord { step: self.next_step, kind: result.kind().to_owned(), result: text });
        self.next_step += 1;
        match result.recording() {
            Recording::Ride => Ok(()),
            Recording::Own => (self.record)(std::mem::take(&mut self.pending)).await,
        }
    }
}

/// What the effects of a run have brought so far.
struct Turn<'a, L> {
    lookup: &'a L,
    writing: Writing<'a>,
    input: &'a TurnInput,
    understanding: Option<Understanding>,
    findings: Findings,
    written: Option<Written>,
    /// Drafts by whoever writes: from the second on they mend another.
    drafts: u32,
    /// The draft that is being written.
    draft: Drafting,
    /// Rounds of tools so far.
    rounds: usize,
    /// A tool has called a person.
    wants_person: bool,
    /// What is seen of the run.
    trace: Trace,
}

/// A draft that is being written.
#[derive(Default)]
struct Drafting {
    /// What was looked up for it.
    rounds: Vec<Round>,
    /// When it must be there.
    until: Option<Instant>,
    /// What may be called.
    offered: Offered,
}

impl<L: Lookup> Turn<'_, L> {
    async fn perform(&mut self, effect: &Effect) -> Result<EffectResult, Error> {
        Ok(match effect {
            Effect::Understand => {
                let understanding = understand(self.input);
                self.understanding = Some(understanding.clone());
                EffectResult::Understand(understanding)
            }
            Effect::Retrieve { limit } => EffectResult::Retrieve(self.retrieve(*limit).await?),
            Effect::Compose { refused } => self.write(refused).await?,
            Effect::Guard => EffectResult::Guard(self.guard()),
            Effect::Cards => EffectResult::Cards(self.write_cards()),
        })
    }

    /// Takes in what a run before the crash recorded. Products are read again: an answer speaks of now.
    async fn replay(&mut self, recorded: &EffectRecord) -> Result<EffectResult, Error> {
        let result: EffectResult = serde_json::from_str(&recorded.result).map_err(unreadable)?;
        match &result {
            EffectResult::Understand(understanding) => self.understanding = Some(understanding.clone()),
            EffectResult::Retrieve(retrieved) => self.findings = self.read_again(retrieved).await?,
            EffectResult::Consult(consulted) => {
                let products = self.visible(&Round::keys_of(consulted)).await?;
                self.take_in(Round::read(consulted, &products));
            }
            EffectResult::Compose(written) => {
                self.end_rounds();
                self.written = Some(written.clone());
            }
            EffectResult::Cards(written) => self.written = Some(written.clone()),
            // What passed then passes now, and leaves out what it left out.
            EffectResult::Guard(_) => drop(self.guard()),
        }
        Ok(result)
    }

    fn language(&self) -> Language {
        self.understanding.as_ref().map_or_else(
            || {
                let own = self.input.tenant.language;
                self.input.persona.language.settle(language::choose("", self.input.language, own).0, own)
            },
            |understanding| understanding.language,
        )
    }

    async fn retrieve(&mut self, limit: usize) -> Result<Retrieved, Error> {
        let Some(understanding) = self.understanding.clone() else { return Ok(Retrieved::default()) };
        let meant = meant_keys(&understanding, &self.input.recalled);
        let meant = if meant.is_empty() { Vec::new() } else { self.visible(&meant).await? };
        let looked_up = self.looked_up_again().await?;
        let findings = if !meant.is_empty() {
            Findings { meant, ..Findings::default() }
        } else if understanding.search.trim().is_empty() {
            Findings::default()
        } else {
            let written_in = understanding.written_in.unwrap_or(understanding.language);
            findings(self.lookup.find(&understanding.search, Filters::default(), written_in, limit).await?)
        };
        self.findings = Findings { looked_up, ..findings };
        Ok(retrieved(&self.findings))
    }

    async fn visible(&self, keys: &[ProductKey]) -> Result<Vec<Product>, Error> {
        let products = self.lookup.products_by_key(keys).await?;
        Ok(products.into_iter().filter(Product::visible).collect())
    }

    /// What tools brought for drafts before, as it is now.
    async fn looked_up_again(&self) -> Result<Vec<Product>, Error> {
        match self.findings.looked_up.as_slice() {
            [] => Ok(Vec::new()),
            known => self.visible(&known.iter().map(|product| product.key.clone()).collect::<Vec<_>>()).await,
        }
    }

    async fn read_again(&self, retrieved: &Retrieved) -> Result<Findings, Error> {
        Ok(Findings {
            meant: self.visible(&keys(&retrieved.meant)).await?,
            hits: self.visible(&keys(&retrieved.hits)).await?,
            near: self.visible(&keys(&retrieved.near)).await?,
            looked_up: self.looked_up_again().await?,
            price_max: retrieved.price_max.as_ref().and_then(money),
            price_min: retrieved.price_min.as_ref().and_then(money),
        })
    }

    /// The check of the definition proves that an `understand` came before a draft.
    fn understood(&self) -> Understanding {
        self.understanding.clone().unwrap_or_else(|| understand(self.input))
    }

    async fn write(&mut self, refused: &[String]) -> Result<EffectResult, Error> {
        let understanding = self.understood();
        // Manners are no matter of taste: who takes leave, or offers work, gets the one sentence that the house has for it.
        let by_the_house = matches!(understanding.intent, Intent::Thanks | Intent::NoCustomer);
        let authored = if by_the_house {
            None
        } else {
            let within = self.begin_draft().await?;
            let mut trace = std::mem::take(&mut self.trace);
            let wrote = self.writing.draft(self.request(&understanding, refused, within), &mut trace).await;
            self.trace = trace;
            match wrote {
                Wrote::Draft(authored) => Some(authored),
                Wrote::Calls(calling) => return self.consult(calling, understanding.language).await,
            }
        };
        self.end_rounds();
        let in_another_language =
            authored.as_ref().is_some_and(|authored| self.misses(understanding.language, authored));
        let request = self.request(&understanding, refused, Duration::ZERO);
        let drafted = authored.map(|authored| Written { in_another_language, ..Writing::finished(request, authored) });
        // Whoever wrote it: a question that is asked again is not answered with the identical text.
        let fit = drafted.filter(|written| understanding.asked == Asked::First || !self.said_before(written));
        let written = fit.unwrap_or_else(|| {
            let Authored { draft, by, .. } = BuiltIn::draft(request);
            written(by, draft)
        });
        let written = Written { hands_over: written.hands_over || self.wants_person, ..written };
        self.written = Some(written.clone());
        Ok(EffectResult::Compose(written))
    }

    /// Whether a draft is plainly not in the language of the answer. Asked of a model's first draft alone: an answer in another
    /// language is better than none.
    fn misses(&self, language: Language, authored: &Authored) -> bool {
        let own_words = compose::own_words(&self.input.persona, &self.input.tenant);
        self.drafts == 1
            && guard::Author::named(&authored.by) == guard::Author::Model
            && guard::is_in_another_language(&authored.draft, language, &self.evidence(), &own_words)
    }

    fn request<'r>(
        &'r self,
        understanding: &'r Understanding,
        refused: &'r [String],
        within: Duration,
    ) -> WriteRequest<'r> {
        let steps = Steps {
            offered: self.draft.offered,
            rounds: &self.draft.rounds,
            left: tools::ROUNDS_MAX.saturating_sub(self.rounds),
        };
        WriteRequest { input: self.input, understanding, findings: &self.findings, refused, steps, within }
    }

    /// How long the draft may still take. Its first call sets its end, and finds out what may be called for it.
    async fn begin_draft(&mut self) -> Result<Duration, Error> {
        let now = Instant::now();
        if let Some(until) = self.draft.until {
            return Ok(until.saturating_duration_since(now));
        }
        self.draft.until = Some(now + self.writing.limit);
        if self.writing.writer.calls_tools() {
            self.draft.offered = Offered { products: self.lookup.has_products().await?, people: true };
        }
        Ok(self.writing.limit)
    }

    /// Performs what a writer calls. It is asked again with what came of it.
    async fn consult(&mut self, calling: Calling, language: Language) -> Result<EffectResult, Error> {
        let tools = Tools {
            lookup: self.lookup,
            offered: self.draft.offered,
            language,
            currency: self.input.tenant.currency,
            metrics: self.writing.metrics,
        };
        let (round, took) = tools.perform(calling).await?;
        self.trace.tools = took;
        let recorded = round.recorded();
        self.take_in(round);
        Ok(EffectResult::Consult(recorded))
    }

    fn take_in(&mut self, round: Round) {
        self.rounds += 1;
        self.wants_person |= round.wants_person();
        self.draft.rounds.push(round);
    }

    /// A draft is there: what was looked up for it is evidence from now on, as it was read last.
    fn end_rounds(&mut self) {
        self.drafts += 1;
        for round in std::mem::take(&mut self.draft).rounds {
            round.products().for_each(|product| self.findings.look_up(product));
        }
    }

    /// Whether every message of a draft stands in the conversation already, word for word.
    fn said_before(&self, written: &Written) -> bool {
        let by_bot = || self.input.history.iter().filter(|message| message.side == Side::Bot);
        let said = |text: &String| by_bot().any(|message| message.text.as_deref().map(str::trim) == Some(text.trim()));
        written.messages.iter().all(said)
    }

    fn write_cards(&mut self) -> Written {
        let draft = compose::cards(self.input, &self.understood(), &self.findings);
        let written = written(Written::BUILTIN.to_owned(), draft);
        self.written = Some(written.clone());
        written
    }

    fn evidence(&self) -> Evidence {
        Evidence { facts: self.input.persona.facts.clone(), ..self.findings.evidence(self.input.now) }
    }

    /// What is wrong with the draft. One that shows products loses talk that nothing accounts for: it is not worth a second
    /// draft. A repaired one loses all that nothing accounts for, if it stands without: a third draft would not know more, and
    /// cards alone say less.
    fn guard(&mut self) -> Vec<String> {
        let (evidence, limits, language) = (self.evidence(), self.findings.limits(), self.language());
        let own_words = compose::own_words(&self.input.persona, &self.input.tenant);
        let Some(written) = &self.written else { return Vec::new() };
        let asked: Vec<&str> = self.input.open.iter().filter_map(|message| message.text.as_deref()).collect();
        let citations = citations(written);
        let rules = Rules {
            evidence: &evidence,
            limits: Limits::Named(&limits),
            own_words: &own_words,
            asked: &asked,
            citations: &citations,
            author: guard::Author::named(&written.by),
        };
        let (messages, products) = (&written.messages, keys(&written.products));
        let mut violations: Vec<String> =
            guard::check_draft(messages, &products, &rules).iter().map(ToString::to_string).collect();
        if written.in_another_language {
            violations.push(prompt::wrong_language(language));
            return violations;
        }
        if violations.is_empty() {
            return violations;
        }
        let leave = if self.drafts > 1 { guard::Leave::Unproven } else { guard::Leave::Talk };
        let pruned = guard::prune(messages, &products, leave, &rules);
        match (pruned, &mut self.written) {
            (Some(pruned), Some(written)) => {
                written.messages = pruned;
                Vec::new()
            }
            _ => violations,
        }
    }

    fn finish(self, ending: Ending, guard_refusals: u32) -> Answer {
        let (language, evidence) = (self.language(), self.evidence());
        let draft = self.written.filter(|_| ending.with_draft);
        let model = draft.as_ref().map_or_else(|| Written::BUILTIN.to_owned(), |draft| draft.by.clone());
        let (mut messages, products) = draft.map_or_else(Default::default, |draft| (draft.messages, draft.products));
        if let TurnOutcome::HandedOver(reason) = ending.outcome {
            messages.extend(compose::hand_over(self.input, language, reason, ending.with_draft));
        }
        Answer {
            outcome: ending.outcome,
            disclosed: self.input.disclose && !messages.is_empty(),
            messages,
            products: keys(&products),
            evidence,
            language,
            model,
            guard_refusals,
        }
    }
}

/// The recalled products that a reference means.
fn meant_keys(understanding: &Understanding, recalled: &[ProductKey]) -> Vec<ProductKey> {
    let one = |key: Option<&ProductKey>| key.cloned().into_iter().collect();
    match understanding.reference {
        None => Vec::new(),
        Some(Reference::Last) => recalled.to_vec(),
        Some(Reference::Nth(nth)) => {
            let index = usize::try_from(nth).ok().and_then(|nth| nth.checked_sub(1));
            one(index.and_then(|index| recalled.get(index)))
        }
        Some(Reference::Final) => one(recalled.last()),
    }
}

fn findings(found: Found) -> Findings {
    let products = |hits: Vec<Hit>| hits.into_iter().map(|hit| hit.product).filter(Product::visible).collect();
    Findings {
        meant: Vec::new(),
        looked_up: Vec::new(),
        hits: products(found.hits),
        near: products(found.near),
        price_max: found.plan.price_max,
        price_min: found.plan.price_min,
    }
}

fn retrieved(findings: &Findings) -> Retrieved {
    let keys = |products: &[Product]| products.iter().map(|product| product.key.0.clone()).collect();
    let limit = |money: Money| Limit { minor: money.minor, currency: money.currency.code().to_owned() };
    Retrieved {
        meant: keys(&findings.meant),
        hits: keys(&findings.hits),
        near: keys(&findings.near),
        price_max: findings.price_max.map(limit),
        price_min: findings.price_min.map(limit),
    }
}

fn keys(texts: &[String]) -> Vec<ProductKey> {
    texts.iter().cloned().map(ProductKey).collect()
}

/// The citations of a draft. One whose source has no such name carries nothing, and is left out.
fn citations(written: &Written) -> Vec<Citation> {
    let read = |cited: &Cited| Some(Citation { source: SourceId::parse(&cited.source)?, words: cited.words.clone() });
    written.citations.iter().filter_map(read).collect()
}

fn money(limit: &Limit) -> Option<Money> {
    Currency::parse(&limit.currency).ok().map(|currency| Money { minor: limit.minor, currency })
}

#[cfg(test)]
#[path = "answer_tests.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "answer_manners_tests.rs"]
mod manners_tests;
