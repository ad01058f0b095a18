//! Everything that crosses a module, in one binary, one file a feature.

mod demo;
mod catalog;
mod isolation;
mod secrets;
mod shop;
mod tidy;
mod webhooks;
