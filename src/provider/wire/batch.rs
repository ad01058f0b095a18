//! Cuts what is to be embedded into calls of a size that the provider takes.

use crate::domain::{chat::Usage, embedding::EmbeddingInput};

/// How much there is, or may be, in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider) struct Load {
    /// Things to embed.
    pub(in crate::provider) inputs: usize,
    /// Pictures in them.
    pub(in crate::provider) images: usize,
    /// Text and pictures together.
    pub(in crate::provider) bytes: usize,
}

impl Load {
    const NOTHING: Self = Self { inputs: 0, images: 0, bytes: 0 };

    /// One thing that is sent with `text`.
    pub(in crate::provider) fn of(input: &EmbeddingInput, text: Option<&str>) -> Self {
        let image_bytes = input.images.iter().map(|image| match &image.source {
            crate::domain::chat::ImageSource::Bytes(bytes) => bytes.len(),
            crate::domain::chat::ImageSource::Url(_) | crate::domain::chat::ImageSource::FileRef(_) => 0,
        });
        let bytes = text.map_or(0, str::len).saturating_add(image_bytes.sum());
        Self { inputs: 1, images: input.images.len(), bytes }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            inputs: self.inputs.saturating_add(other.inputs),
            images: self.images.saturating_add(other.images),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    const fn fits(self, limit: Self) -> bool {
        self.inputs <= limit.inputs && self.images <= limit.images && self.bytes <= limit.bytes
    }
}

/// Cuts `items` into runs of which each stays within `limit`; one that is too large by itself stands alone, and the
/// provider says so.
pub(in crate::provider) fn batches<T>(items: &[T], load: impl Fn(&T) -> Load, limit: Load) -> Vec<&[T]> {
    let mut found = Vec::new();
    let (mut start, mut sum) = (0, Load::NOTHING);
    for (at, item) in items.iter().enumerate() {
        let more = sum.plus(load(item));
        if at > start && !more.fits(limit) {
            found.push(&items[start..at]);
            (start, sum) = (at, load(item));
        } else {
            sum = more;
        }
    }
    if start < items.len() {
        found.push(&items[start..]);
    }
    found
}

/// What several calls used together; what the last one says holds for what cannot be added. `None` if none of them said
/// anything.
pub(in crate::provider) fn add_usage(sum: Option<Usage>, more: Option<Usage>) -> Option<Usage> {
    let (Some(sum), Some(more)) = (sum.clone(), more.clone()) else { return sum.or(more) };
    Some(Usage {
        input_total: sum.input_total.saturating_add(more.input_total),
        input_cached: sum.input_cached.saturating_add(more.input_cached),
        input_cache_write_30m: sum.input_cache_write_30m.saturating_add(more.input_cache_write_30m),
        input_cache_write_12h: sum.input_cache_write_12h.saturating_add(more.input_cache_write_12h),
        tool_prompt: sum.tool_prompt.saturating_add(more.tool_prompt),
        output_total: sum.output_total.saturating_add(more.output_total),
        output_reasoning: sum.output_reasoning.saturating_add(more.output_reasoning),
        by_modality: sum.by_modality.into_iter().chain(more.by_modality).collect(),
        provider_cost_pico_usd: match (sum.provider_cost_pico_usd, more.provider_cost_pico_usd) {
            (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
            (sum, more) => sum.or(more),
        },
        estimated: sum.estimated || more.estimated,
        served_model: more.served_model,
        service_tier: more.service_tier,
        raw: more.raw,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(items: &[usize]) -> Vec<usize> {
        let limit = Load { inputs: 3, images: 6, bytes: 10 };
        batches(items, |bytes| Load { inputs: 1, images: 2, bytes: *bytes }, limit)
            .iter()
            .map(|run| run.len())
            .collect()
    }

    #[test]
    fn runs_keep_to_every_limit_and_lose_nothing() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; 7]), [3, 3, 1]);
        assert_eq!(sizes(&[5, 5, 5, 1]), [2, 2]);
        assert_eq!(sizes(&[99, 1, 99]), [1, 1, 1]);
    }

    #[test]
    fn usage_is_the_sum_of_the_calls() {
        let used = |input_total| Some(Usage { input_total, ..Usage::default() });
        assert_eq!(add_usage(used(3), used(4)), used(7));
        assert_eq!(add_usage(None, used(4)), used(4));
        assert_eq!(add_usage(used(3), None), used(3));
        assert_eq!(add_usage(None, None), None);
    }
}
