//! What a person sees: pure functions from API shapes to text. No colour, no terminal, no clock.

mod audit;
mod catalog;
mod compare;
mod conversation;
mod doctor;
mod explain;
mod health;
mod layout;
mod model;
mod notify;
mod persona_file;
mod staff;
mod status;
mod system;
mod tenant;
mod turn;

pub use audit::audit;
pub use catalog::{catalog_status, chat_cost, chat_reply, import_report, product, search_results};
pub use compare::compared;
pub use conversation::{conversation, conversations, event};
pub use doctor::{finding, finding_notes};
pub use explain::{code, codes};
pub use health::model_health;
pub use layout::{Grid, Look, count};
pub use model::{budget, model_test, models, prices, usage};
pub use notify::{notify_targets, notify_tests};
pub use persona_file::persona_file;
pub use staff::staff_list;
pub use status::{Detail, status};
pub use system::system;
pub use tenant::{accounts, persona, persona_versions, secrets, tenant, tenants};
pub use turn::turn;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod width_tests;
