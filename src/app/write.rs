//! Has a draft written: by whoever writes for this installation, and by the built-in composer when that one fails.

use std::time::Duration;

use super::record::Trace;
use crate::{
    agent::{
        compose,
        writer::{Authored, BuiltIn, WriteError, WriteRequest, Writer, Wrote},
    },
    domain::{chain, evidence::Citation, reply::Draft},
    fault,
    telemetry::Metrics,
    workflow::{Cited, Written},
};

/// Bytes of text in one draft: more is no chat reply, and would be cut into a dozen messages.
const DRAFT_BYTES_MAX: usize = 6_000;

/// Who writes, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Writing<'a> {
    /// Writes drafts.
    pub writer: &'a dyn Writer,
    /// How long one draft may take, its tools included.
    pub limit: Duration,
    /// Counts its failures.
    pub metrics: &'a Metrics,
}

impl Writing<'_> {
    /// One draft, or calls of tools that it wants first. A writer that fails, hangs or writes nothing readable is stood
    /// in for by the built-in composer, so that a shopper is answered whatever happens to it.
    /// What was missed on the way is left in `trace`.
    pub(super) async fn draft(&self, request: WriteRequest<'_>, trace: &mut Trace) -> Wrote {
        fault::point("before_llm");
        // Who has no time left is not asked: a call that is given up at once is paid all the same.
        let wrote = match request.within {
            Duration::ZERO => None,
            within => tokio::time::timeout(within, self.writer.write(request)).await.ok(),
        };
        fault::point("after_llm");
        let wrote = match wrote {
            Some(wrote) => wrote.and_then(|wrote| readable(wrote, request)),
            None => Err(WriteError::TimedOut { limit_ms: u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX) }),
        };
        trace.missed.extend(self.writer.missed());
        wrote.unwrap_or_else(|error| {
            trace.stood_in = Some(error.code());
            self.metrics.writer_failures.with_label_values(&[error.code()]).inc();
            tracing::warn!(
                turn.id = %request.input.turn, reason = error.code(), error = %chain(&error),
                "no draft; the built-in composer writes"
            );
            Wrote::Draft(BuiltIn::draft(request))
        })
    }

    /// What code adds to a draft: the disclosure, and the cards of products that this turn has brought by now.
    pub(super) fn finished(request: WriteRequest<'_>, authored: Authored) -> Written {
        let Authored { mut draft, by, hands_over } = authored;
        if by != Written::BUILTIN {
            draft = compose::mannered(request, draft);
        }
        Written { hands_over, ..written(by, compose::with_cards(request, draft)) }
    }
}

/// A draft as it is recorded.
pub(super) fn written(by: String, draft: Draft) -> Written {
    let cited = |citation: Citation| Cited { source: citation.source.to_string(), words: citation.words };
    Written {
        by,
        messages: draft.messages,
        products: draft.products.into_iter().map(|key| key.0).collect(),
        citations: draft.citations.into_iter().map(cited).collect(),
        hands_over: false,
        in_another_language: false,
    }
}

/// Whether there is a draft in it at all, or calls where calls may be.
pub(super) fn readable(wrote: Wrote, request: WriteRequest<'_>) -> Result<Wrote, WriteError> {
    let draft = match &wrote {
        Wrote::Draft(authored) => &authored.draft,
        Wrote::Calls(calling) if request.steps.left > 0 && calling.said.tool_calls().next().is_some() => {
            return Ok(wrote);
        }
        Wrote::Calls(_) => return Err(WriteError::Unreadable { reason: "it calls tools where it may not".into() }),
    };
    let bytes: usize = draft.messages.iter().map(String::len).sum();
    let says_nothing = draft.cards.is_empty() && draft.messages.iter().all(|message| message.trim().is_empty());
    let wrong = if says_nothing {
        Some("it says nothing".to_owned())
    } else if bytes > DRAFT_BYTES_MAX {
        Some(format!("it has {bytes} bytes, more than {DRAFT_BYTES_MAX}"))
    } else {
        None
    };
    match wrong {
        Some(reason) => Err(WriteError::Unreadable { reason }),
        None => Ok(wrote),
    }
}
