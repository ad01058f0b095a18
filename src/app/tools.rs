//! Performs the tools that a model calls, on the shop of the turn: which shop that is stands in the lookup, never in a call.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::{Error, answer::Lookup, find::Found};
use crate::{
    agent::{
        rounds::{CallResult, Calling, Outcome, Round},
        tools::{self, CALLS_MAX, Call, FOUND_MAX, Offered, Tool, Wrong},
    },
    domain::{
        Currency, Language,
        chat::{ToolArgs, ToolCall},
        product::Product,
        search::Hit,
    },
    telemetry::Metrics,
};

/// What calls are performed on.
pub(super) struct Tools<'a, L> {
    pub(super) lookup: &'a L,
    pub(super) offered: Offered,
    pub(super) language: Language,
    pub(super) currency: Currency,
    pub(super) metrics: &'a Metrics,
}

impl<L: Lookup> Tools<'_, L> {
    /// Performs all calls of an answer at the same time. The same call twice is made once and answered twice; a wrong one
    /// is answered with how to mend it. Beside the round stands how long each call took.
    ///
    /// # Errors
    /// When the store cannot be read: what it does not say is not made up.
    pub(super) async fn perform(&self, calling: Calling) -> Result<(Round, Vec<Duration>), Error> {
        let calls: Vec<&ToolCall> = calling.said.tool_calls().collect();
        let mut distinct: Vec<&ToolCall> = Vec::new();
        let mut places: Vec<usize> = Vec::new();
        for call in &calls {
            let known = distinct.iter().position(|known| same(known, call));
            places.push(known.unwrap_or(distinct.len()));
            if known.is_none() {
                distinct.push(call);
            }
        }
        let timed = async |(place, call): (usize, &&ToolCall)| -> Result<_, Error> {
            let began = Instant::now();
            Ok((self.one(place, call).await?, began.elapsed()))
        };
        let outcomes = try_join_all(distinct.iter().enumerate().map(timed)).await?;
        let took = places.iter().map(|&place| outcomes[place].1).collect();
        let result = |(call, place): (&&ToolCall, usize)| CallResult {
            call: call.id.clone(),
            tool: call.name.clone(),
            outcome: outcomes[place].0.clone(),
        };
        let results = calls.iter().zip(places).map(result).collect();
        Ok((Round { calling, results }, took))
    }

    async fn one(&self, place: usize, call: &ToolCall) -> Result<Outcome, Error> {
        let read = match place {
            0..CALLS_MAX => tools::read(call, self.offered, self.currency),
            _ => Err(Wrong::too_many()),
        };
        let outcome = match read {
            Ok(Call::Search { query, filters }) => {
                found(self.lookup.find(&query, filters, self.language, FOUND_MAX).await?)
            }
            Ok(Call::Get(key)) => {
                let products = visible(self.lookup.products_by_key(&[key]).await?);
                match products.is_empty() {
                    true => Outcome::Wrong(Wrong::no_such_product()),
                    false => Outcome::Products { products, near: false },
                }
            }
            Ok(Call::HandOver(reason)) => {
                tracing::info!(reason = reason.as_str(), "the model wants a person to go on");
                Outcome::Person
            }
            Err(wrong) => Outcome::Wrong(wrong),
        };
        let performed = Tool::named(&call.name).filter(|_| !matches!(outcome, Outcome::Wrong(_)));
        self.metrics.tool_calls.with_label_values(&[performed.map_or("wrong", Tool::name)]).inc();
        Ok(outcome)
    }
}

fn same(one: &ToolCall, other: &ToolCall) -> bool {
    let args = |call: &ToolCall| (matches!(call.args, ToolArgs::Object(_)), call.args.raw().to_owned());
    one.name == other.name && args(one) == args(other)
}

fn visible(products: Vec<Product>) -> Vec<Product> {
    products.into_iter().filter(Product::visible).collect()
}

fn found(Found { hits, near, .. }: Found) -> Outcome {
    let products = |hits: Vec<Hit>| visible(hits.into_iter().map(|hit| hit.product).collect());
    let hits = products(hits);
    match hits.is_empty() {
        true => Outcome::Products { products: products(near), near: true },
        false => Outcome::Products { products: hits, near: false },
    }
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
