//! What the adapters share: addresses and keys, calls against the clock, frames, refusals.
//!
//! To write an adapter: a [`Endpoint`], a `Decoder` that says what frames and bodies mean, and a function that writes the
//! request. `Call` does the rest, and keeps the promises of [`super::ChatModel`].

mod adapter;
mod batch;
mod call;
mod endpoint;
mod json;
mod lines;
mod refused;
mod sse;
mod words;

pub use endpoint::{Endpoint, InvalidEndpoint};
pub(in crate::provider) use {
    adapter::Adapter,
    batch::{Load, add_usage, batches},
    call::{Call, Decoder, Frame, Framing, ask},
    endpoint::key_mark,
    json::{Count, OwnIds, Raw, or_default, tool_args, tool_args_of_value},
    lines::{LINE_BYTES_MAX, LineEnd, Lines},
    refused::{Hints, Refused, class_of, code, protobuf_duration},
    words::{args_text, call_id, image_url, result_images, result_text, tool_name},
};
