//! What has happened in the simulated Instagram: the truth that tests compare Aura with.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::fault::Fault;
use crate::domain::Timestamp;

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The shopper.
    Shopper,
    /// Whoever holds the account's token: Aura.
    Bot,
    /// A person of the shop, in the Instagram app.
    Person,
    /// Another tool of the shop.
    OtherTool,
}

/// One message as the shopper sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub mid: String,
    /// The account's side of the thread.
    pub account: String,
    /// Who wrote it.
    pub by: By,
    /// Its words.
    pub text: Option<String>,
    /// Links of what is attached.
    pub media: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// Taken back by the shopper.
    pub unsent: bool,
}

/// The thread of one shopper with one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The conversation's id in the API.
    pub id: String,
    /// The account.
    pub account: String,
    /// The shopper's id for this account.
    pub shopper: String,
    /// The shopper's name.
    pub name: String,
    /// Oldest first.
    pub messages: Vec<Seen>,
    /// What opens the 24-hour window.
    pub last_shopper_at: Option<Timestamp>,
    /// The shopper blocks the account: sends fail with 551.
    pub blocked: bool,
}

impl Thread {
    pub(super) fn updated_at(&self) -> Timestamp {
        self.messages.last().map_or(Timestamp::default(), |message| message.at)
    }
}

/// What came of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The shopper has it, and the caller was told so.
    Accepted,
    /// A rule of the platform refused it with this code and subcode.
    Refused(i64, Option<i64>),
    /// A planned fault.
    Faulted(Fault),
}

/// One text that somebody tried to send through the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// From.
    pub account: String,
    /// To, as the request named it.
    pub shopper: String,
    /// The text.
    pub text: String,
    /// `HUMAN_AGENT` or none.
    pub tag: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub verdict: Verdict,
    /// Its id, if the shopper has it.
    pub mid: Option<String>,
}

/// `mark_seen`, `typing_on`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// From.
    pub account: String,
    /// To.
    pub shopper: String,
    /// The word.
    pub action: String,
    /// When.
    pub at: Timestamp,
}

/// One call of the Conversations API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Whose token.
    pub account: String,
    /// When.
    pub at: Timestamp,
}

/// One attempt to deliver a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How many events it carried.
    pub events: usize,
    /// From 1.
    pub attempt: u32,
    /// The answer's status; `None`: no answer.
    pub status: Option<u16>,
    /// When the attempt ended.
    pub at: Timestamp,
}

/// A professional account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id in webhooks.
    pub id: String,
    /// Its id for this app only.
    pub app_scoped_id: String,
    /// Its name.
    pub username: String,
    /// The token that works.
    pub token: String,
    /// Whether its webhooks are on.
    pub subscribed: bool,
    /// How often `subscribed_apps` was called.
    pub subscriptions: usize,
}

/// Everything that has happened. Tests get it read-only.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// By id.
    pub accounts: BTreeMap<String, Account>,
    /// By account and shopper id.
    pub threads: BTreeMap<(String, String), Thread>,
    /// In order.
    pub sends: Vec<Send>,
    /// In order.
    pub actions: Vec<Shown>,
    /// Every attempt, in order.
    pub deliveries: Vec<Delivery>,
    /// Webhook events and deliveries that are queued, held or waiting for another attempt.
    pub webhooks_waiting: usize,
    /// Webhook events that were lost on purpose.
    pub webhooks_lost: usize,
    /// Deliveries given up after too many attempts.
    pub webhooks_given_up: usize,
    /// Calls of the Conversations API, in order.
    pub reads: Vec<Read>,
    /// Calls that carried their token in the URL, where logs would show it.
    pub tokens_in_urls: usize,
}

impl World {
    /// The thread of a shopper, made if there is none.
    pub(super) fn thread(&mut self, account: &str, name: &str) -> &mut Thread {
        let shopper = shopper_id(account, name);
        self.threads.entry((account.to_owned(), shopper.clone())).or_insert_with(|| Thread {
            id: format!("aWdfZAG06{}", digits(&["conversation", account, name], 24)),
            account: account.to_owned(),
            shopper,
            name: name.to_owned(),
            messages: Vec::new(),
            last_shopper_at: None,
            blocked: false,
        })
    }

    /// Everything in the threads of the shopper called `name`, in time order.
    #[must_use]
    pub fn seen_by(&self, name: &str) -> Vec<Seen> {
        let threads = self.threads.values().filter(|thread| thread.name == name);
        let mut seen: Vec<Seen> = threads.flat_map(|thread| thread.messages.iter().cloned()).collect();
        seen.sort_by_key(|message| message.at);
        seen
    }

    /// What the bot has said to the shopper called `name`, in order.
    #[must_use]
    pub fn replies_to(&self, name: &str) -> Vec<String> {
        let from_bot = self.seen_by(name).into_iter().filter(|message| message.by == By::Bot);
        from_bot.filter_map(|message| message.text).collect()
    }

    /// What reached shoppers through the API, as `to NAME: TEXT` lines in order.
    #[must_use]
    pub fn sent(&self) -> String {
        let reached = self.sends.iter().filter(|send| send.mid.is_some());
        let line = |send: &Send| {
            let thread = self.threads.get(&(send.account.clone(), send.shopper.clone()));
            format!("to {}: {}", thread.map_or(send.shopper.as_str(), |thread| &thread.name), send.text)
        };
        reached.map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The id by which an account knows a person: another one for every account.
pub(super) fn shopper_id(account: &str, name: &str) -> String {
    format!("1{}", digits(&["shopper", account, name], 15))
}

/// So many decimal digits that follow from the parts.
pub(super) fn digits(parts: &[&str], count: usize) -> String {
    let digest = Sha256::digest(parts.join("\u{0}").as_bytes());
    digest.iter().cycle().take(count).map(|byte| char::from(b'0' + byte % 10)).collect()
}
