//! What models would answer, on the wire.

use super::product_ref;
use crate::{
    api,
    app::models::{Previewed, Said},
};

pub(in crate::http) fn model_previewed(answers: Vec<Previewed>) -> api::ModelPreviewed {
    api::ModelPreviewed { answers: answers.into_iter().map(answer).collect() }
}

fn answer(previewed: Previewed) -> api::PreviewAnswer {
    let Previewed { model, said, used, took, error } = previewed;
    let of = |said: &Said| -> Vec<_> { said.evidence.iter().map(product_ref).collect() };
    let evidence = said.as_ref().map(of).unwrap_or_default();
    api::PreviewAnswer {
        model: model.to_string(),
        replies: said.as_ref().map(|said| replies(said, &evidence)).unwrap_or_default(),
        written_by: said.as_ref().map(|said| said.by.clone()),
        evidence,
        guard_refusals: said.as_ref().map_or(0, |said| said.guard_refusals),
        usage: api::Usage {
            input_tokens: used.input_tokens,
            output_tokens: used.output_tokens,
            cost_usd: used.cost.to_string(),
        },
        handoff: said.and_then(|said| said.handoff).map(Into::into),
        elapsed_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        error,
    }
}

fn replies(said: &Said, evidence: &[api::ProductRef]) -> Vec<api::ChatReply> {
    let known =
        |key: &crate::domain::product::ProductKey| evidence.iter().find(|product| product.product_id == key.0).cloned();
    let products: Vec<_> = said.products.iter().filter_map(known).collect();
    said.messages.iter().map(|text| api::ChatReply { text: text.clone(), products: products.clone() }).collect()
}
