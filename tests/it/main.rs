//! Everything that crosses a module, in one binary, one file a feature.

mod audit;
mod catalog;
mod daemon;
mod demo;
mod disk;
mod dm;
mod drafts;
mod failpoints;
mod fairness;
mod faults;
mod isolation;
mod kill;
mod leaks;
mod logged;
mod manners;
mod model;
mod modes;
mod notify;
mod overload;
mod provider;
mod secrets;
mod shop;
mod support;
mod tidy;
mod watched;
mod webhooks;
