//! Everything that crosses a module, in one binary, one file a feature.

mod catalog;
mod demo;
mod isolation;
mod secrets;
mod shop;
mod daemon;
mod dm;
mod kill;
mod support;
mod tidy;
mod webhooks;
