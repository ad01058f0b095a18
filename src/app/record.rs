//! What a finished turn leaves for people: what its answer rested on, as that was then, and how the answer came about.
//!
//! Kept as JSON beside the turn, written in its commit. What a model wrote when it called tools may repeat the shopper's words,
//! so the steps are forgotten with a message that is taken back; what was read of the catalogue is the shop's own and stays.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    agent::writer::Missed,
    domain::{
        Money,
        evidence::Evidence,
        product::{Product, ProductKey, Variant},
    },
    store,
    workflow::{Cited, Consulted, EffectResult, Gave, GaveWhat, SaidWhat, Written},
};

/// Bytes of a text of others that are kept, such as the arguments of a call.
const TEXT_BYTES_MAX: usize = 2_000;

/// What an answer rested on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Basis {
    /// When it was read.
    pub read_at_ms: i64,
    /// The products, as they were.
    pub products: Vec<ProductRead>,
}

/// A product as a turn has read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRead {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Where it is shown.
    pub url: Option<String>,
    /// The lowest price.
    pub price: Option<Price>,
    /// What the cheapest variant cost before.
    pub compare_at: Option<Price>,
    /// Whether any variant could be bought.
    pub available: bool,
    /// Whether the answer names it.
    pub named: bool,
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// As a decimal number.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// One step of the workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// `understand`, `retrieve`, `consult`, `compose`, `guard` or `cards`.
    pub kind: String,
    /// How long it took; unknown of one that a run before a crash made.
    pub elapsed_ms: Option<u64>,
    /// What the shopper's messages were taken for.
    pub intent: Option<String>,
    /// The words that were searched by.
    pub search: Option<String>,
    /// How many products were found, or are named.
    pub found: Option<u32>,
    /// Who wrote or called: `builtin`, or `PROVIDER:MODEL`.
    pub by: Option<String>,
    /// The tools that were called.
    pub tools: Vec<ToolCalled>,
    /// The words of the shop that a draft cites.
    pub citations: Vec<CitedWords>,
    /// What the guard had against a draft.
    pub refused: Vec<String>,
    /// The models that were tried before and gave nothing.
    pub missed: Vec<MissedModel>,
    /// Why the built-in composer stood in for a model.
    pub stood_in: Option<String>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCalled {
    /// The tool, as the model wrote it.
    pub name: String,
    /// The arguments, as the model wrote them.
    pub arguments: String,
    /// How many results it had; `None` where it has none to count.
    pub results: Option<u32>,
    /// Whether none of them meets every condition.
    pub near: bool,
    /// Why nothing was done.
    pub refused: Option<String>,
    /// How long it took.
    pub elapsed_ms: Option<u64>,
}

/// Words of a source that a draft cites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitedWords {
    /// The source: `fact:2`, `product:KEY`.
    pub source: String,
    /// Its words.
    pub words: String,
}

/// A try of a model that gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedModel {
    /// `PROVIDER:MODEL`.
    pub model: String,
    /// `breaker_open`, `no_key`, `over_budget`, or the class of its failure.
    pub reason: String,
}

/// What is seen of a run while it goes on.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The steps so far.
    pub steps: Vec<Step>,
    /// Of the step under way: how long each tool took.
    pub tools: Vec<Duration>,
    /// The models that gave nothing.
    pub missed: Vec<Missed>,
    /// Why the built-in composer stands in.
    pub stood_in: Option<&'static str>,
}

impl Trace {
    /// A step has ended.
    pub fn ended(&mut self, result: &EffectResult, took: Option<Duration>) {
        let missed = std::mem::take(&mut self.missed);
        let step = Step { kind: result.kind().to_owned(), elapsed_ms: took.map(ms), ..Step::default() };
        let step = match result {
            EffectResult::Understand(understanding) => Step {
                intent: Some(understanding.intent.as_str().to_owned()),
                search: Some(cut(&understanding.search)).filter(|words| !words.is_empty()),
                ..step
            },
            EffectResult::Retrieve(retrieved) => {
                let found = retrieved.meant.len() + retrieved.hits.len() + retrieved.near.len();
                Step { found: Some(found as u32), ..step }
            }
            EffectResult::Consult(consulted) => Step {
                by: Some(consulted.by.clone()),
                tools: called(consulted, &std::mem::take(&mut self.tools)),
                missed: missed.into_iter().map(Into::into).collect(),
                ..step
            },
            EffectResult::Compose(written) => Step {
                missed: missed.into_iter().map(Into::into).collect(),
                stood_in: self.stood_in.take().map(Into::into),
                ..drafted(step, written)
            },
            EffectResult::Cards(written) => drafted(step, written),
            EffectResult::Guard(refused) => Step { refused: refused.iter().map(|why| cut(why)).collect(), ..step },
        };
        self.steps.push(step);
    }
}

impl From<Missed> for MissedModel {
    fn from(missed: Missed) -> Self {
        Self { model: missed.model, reason: missed.why.to_owned() }
    }
}

fn drafted(step: Step, written: &Written) -> Step {
    let cited = |cited: &Cited| CitedWords { source: cited.source.clone(), words: cut(&cited.words) };
    Step {
        by: Some(written.by.clone()),
        found: Some(written.products.len() as u32),
        citations: written.citations.iter().map(cited).collect(),
        ..step
    }
}

/// The calls of a round with what each gave, in their order.
fn called(consulted: &Consulted, took: &[Duration]) -> Vec<ToolCalled> {
    let calls = consulted.said.iter().filter_map(|said| match &said.what {
        SaidWhat::Call { name, args, .. } => Some((name, args)),
        _ => None,
    });
    let of = |(place, ((name, args), gave)): (usize, ((&String, &String), &Gave))| {
        let (results, near, refused) = match &gave.what {
            GaveWhat::Products { keys, near } => (Some(keys.len() as u32), *near, None),
            GaveWhat::Person => (None, false, None),
            GaveWhat::Wrong(why) => (None, false, Some(cut(why))),
        };
        ToolCalled {
            name: cut(name),
            arguments: cut(args),
            results,
            near,
            refused,
            elapsed_ms: took.get(place).copied().map(ms),
        }
    };
    calls.zip(&consulted.gave).enumerate().map(of).collect()
}

/// What is kept of a run.
pub fn kept(evidence: &Evidence, named: &[ProductKey], steps: &[Step]) -> Result<store::TurnRecord, serde_json::Error> {
    let basis = Basis {
        read_at_ms: evidence.read_at.0,
        products: evidence.products.iter().map(|product| read(product, named.contains(&product.key))).collect(),
    };
    Ok(store::TurnRecord { basis: serde_json::to_string(&basis)?, steps: Some(serde_json::to_string(steps)?) })
}

fn read(product: &Product, named: bool) -> ProductRead {
    let lowest = product.price_range().map(|(lowest, _)| lowest);
    let cheapest = product.variants.iter().find(|variant| variant.price == lowest);
    let before = cheapest.and_then(|variant: &Variant| variant.compare_at);
    ProductRead {
        key: product.key.0.clone(),
        title: product.title.clone(),
        url: product.url.clone(),
        price: lowest.map(price),
        compare_at: before.map(price),
        available: product.available(),
        named,
    }
}

fn price(money: Money) -> Price {
    Price { amount: money.decimal(), currency: money.currency.code().to_owned() }
}

fn ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// The beginning of a text that others wrote.
fn cut(text: &str) -> String {
    match text.len() {
        0..=TEXT_BYTES_MAX => text.to_owned(),
        _ => format!("{}…", &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]),
    }
}
