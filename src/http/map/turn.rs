//! How an answer came about.

use super::conversation::turn;
use crate::{
    api,
    app::{
        conversations::TurnView,
        record::{MissedModel, Price, ProductRead, Step, ToolCalled},
    },
    domain::{Timestamp, cost::PicoDollars},
    store::{ModelCall, RecordedTurn},
};

pub(in crate::http) fn turn_detail(view: TurnView) -> api::TurnDetail {
    let TurnView { recorded: RecordedTurn { summary, covers, calls, .. }, basis, steps } = view;
    let sum = |figure: fn(&ModelCall) -> u64| calls.iter().map(figure).sum();
    let elapsed = summary.finished_at.map(|end| end.since_ms(summary.started_at));
    let cited = |step: &Step| (!step.citations.is_empty()).then(|| step.citations.clone());
    let citations = steps.iter().rev().find_map(cited).unwrap_or_default();
    api::TurnDetail {
        finished_at: summary.finished_at.map(Into::into),
        elapsed_ms: elapsed.map(|ms| u64::try_from(ms).unwrap_or(0)),
        turn: turn(summary),
        covers: covers.iter().map(ToString::to_string).collect(),
        read_at: basis.as_ref().map(|basis| Timestamp(basis.read_at_ms).into()),
        products: basis.into_iter().flat_map(|basis| basis.products).map(product).collect(),
        citations: citations.into_iter().map(|it| api::Citation { source: it.source, words: it.words }).collect(),
        steps: steps.into_iter().map(step).collect(),
        input_tokens: sum(|call| call.input_tokens),
        cached_tokens: sum(|call| call.cached_tokens),
        output_tokens: sum(|call| call.output_tokens),
        cost_usd: calls.iter().map(|call| call.cost).sum::<PicoDollars>().to_string(),
        calls: calls.into_iter().map(model_call).collect(),
    }
}

fn product(read: ProductRead) -> api::ProductRead {
    let price = |price: Price| api::Price { amount: price.amount, currency: price.currency };
    api::ProductRead {
        product_id: read.key,
        title: read.title,
        url: read.url,
        price: read.price.map(price),
        compare_at: read.compare_at.map(price),
        available: read.available,
        named: read.named,
    }
}

fn step(step: Step) -> api::Step {
    let missed = |it: MissedModel| api::MissedModel { model: it.model, reason: it.reason };
    let tool = |it: ToolCalled| api::ToolCalled {
        name: it.name,
        arguments: it.arguments,
        results: it.results,
        near: it.near,
        refused: it.refused,
        elapsed_ms: it.elapsed_ms,
    };
    api::Step {
        kind: step.kind,
        elapsed_ms: step.elapsed_ms,
        intent: step.intent,
        search: step.search,
        found: step.found,
        by: step.by,
        tools: step.tools.into_iter().map(tool).collect(),
        refused: step.refused,
        missed: step.missed.into_iter().map(missed).collect(),
        stood_in: step.stood_in,
    }
}

fn model_call(call: ModelCall) -> api::ModelCall {
    api::ModelCall {
        model: call.model,
        role: call.role.as_str().into(),
        outcome: call.outcome,
        input_tokens: call.input_tokens,
        cached_tokens: call.cached_tokens,
        output_tokens: call.output_tokens,
        cost_usd: call.cost.to_string(),
        estimated: call.estimated,
        latency_ms: call.latency_ms,
        first_token_ms: call.first_token_ms,
        ended_at: call.ended_at.into(),
    }
}
