//! The running demo: the simulated Instagram on one side, the daemon's control socket on the other. Shows what happens,
//! acts for shoppers and people, and waits for conditions, never for a duration.

use std::{collections::HashSet, fmt, time::Duration};

use aura::{
    api::{Conversation, ConversationDetail, ConversationQuery, Status},
    client::Client,
    sim::{By, Seen, Sim, World},
};
use tokio::time::{Instant, sleep};

use super::{
    screen::{Line, Screen, Voice},
    shops::Shop,
};
use crate::failure::Failure;

/// No step takes longer; an answer needs about the debounce.
const DEADLINE: Duration = Duration::from_secs(15);
/// Between two looks at what only the control API knows.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Why a step did not end.
#[derive(Debug)]
pub enum Stuck {
    /// It did not come true in time.
    Late(String),
    /// The demo itself failed.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stuck {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// One shopper's thread with one shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread<'a> {
    /// The shop.
    pub shop: &'static Shop,
    /// The shopper's name.
    pub shopper: &'a str,
}

impl PartialEq for Shop {
    fn eq(&self, other: &Self) -> bool {
        self.slug == other.slug
    }
}

impl Eq for Shop {}

impl fmt::Display for Thread<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.shopper, self.shop.name)
    }
}

impl Thread<'_> {
    /// What was said in it, oldest first.
    pub fn seen(self, world: &World) -> Vec<Seen> {
        let mut seen = world.seen_by(self.shopper);
        seen.retain(|message| message.account == self.shop.account);
        seen
    }

    /// What the assistant said in it.
    pub fn replies(self, world: &World) -> Vec<Seen> {
        self.seen(world).into_iter().filter(|message| message.by == By::Bot).collect()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Stage {
    /// The simulated Instagram.
    pub sim: Sim,
    /// The daemon's control API.
    pub client: Client,
    /// Where it is shown.
    pub screen: Screen,
    shown: HashSet<String>,
}

impl Stage {
    /// An empty stage.
    pub fn new(sim: Sim, client: Client, screen: Screen) -> Self {
        Self { sim, client, screen, shown: HashSet::new() }
    }

    /// A shopper writes.
    pub fn writes(&self, thread: Thread<'_>, text: &str) -> String {
        self.sim.shopper(thread.shopper).writes(thread.shop.account, text)
    }

    /// A person of the shop writes in the Instagram app; ends when Aura knows.
    pub async fn person_writes(&mut self, thread: Thread<'_>, text: &str) -> Result<(), Stuck> {
        self.sim.person_writes(thread.shop.account, thread.shopper, text);
        self.until_api(thread, "Aura sees that a person has the conversation", |detail| {
            detail.conversation.state == "person"
                && detail
                    .messages
                    .iter()
                    .any(|message| message.side == "person" && message.text.as_deref() == Some(text))
        })
        .await
        .map(drop)
    }

    /// The assistant may answer again.
    pub async fn release(&mut self, thread: Thread<'_>) -> Result<(), Stuck> {
        let conversation = self.conversation(thread).await?;
        if let Some(conversation) = conversation {
            self.client.release(thread.shop.slug, &conversation.id).await?;
        }
        Ok(())
    }

    /// Does not show a message that stands on the screen already.
    pub fn hide(&mut self, mid: String) {
        self.shown.insert(mid);
    }

    /// Shows what was said since the last time.
    pub fn show(&mut self) -> Result<(), Failure> {
        let world = self.sim.world();
        let mut new: Vec<_> = world
            .threads
            .values()
            .flat_map(|thread| thread.messages.iter().map(|message| (thread.name.as_str(), message)))
            .filter(|(_, message)| !self.shown.contains(&message.mid))
            .collect();
        // Ids grow with each message, so that what was said in one millisecond keeps its order.
        new.sort_by(|(_, left), (_, right)| (left.at, &left.mid).cmp(&(right.at, &right.mid)));
        for (shopper, message) in new {
            self.shown.insert(message.mid.clone());
            let Some(shop) = Shop::of_account(&message.account) else { continue };
            let voice = match message.by {
                By::Shopper => Voice::Shopper,
                By::Bot => Voice::Aura,
                By::Person | By::OtherTool => Voice::Person,
            };
            let text = message.text.as_deref().unwrap_or("(no words)");
            self.screen.message(&Line { at: message.at.into(), shop, shopper, voice, text })?;
        }
        Ok(())
    }

    /// Shows for a while what is said: for the eyes only.
    pub async fn linger(&mut self, pause: Duration) -> Result<(), Failure> {
        let end = Instant::now() + pause;
        loop {
            self.show()?;
            let shown = self.shown.len();
            let left = end.saturating_duration_since(Instant::now());
            if self.sim.until(|world| said(world) > shown, left).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Waits until `holds` is true of the simulated Instagram, and shows what is said meanwhile.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&World) -> bool) -> Result<(), Stuck> {
        let end = Instant::now() + DEADLINE;
        loop {
            self.show()?;
            if holds(&self.sim.world()) {
                return Ok(());
            }
            let shown = self.shown.len();
            let moved = |world: &World| holds(world) || said(world) > shown;
            let left = end.saturating_duration_since(Instant::now());
            self.sim.until(moved, left).await.map_err(|_| late(what))?;
        }
    }

    /// Waits until `holds` is true of the conversation as Aura has it.
    pub async fn until_api(
        &mut self,
        thread: Thread<'_>,
        what: &str,
        holds: impl Fn(&ConversationDetail) -> bool,
    ) -> Result<ConversationDetail, Stuck> {
        let end = Instant::now() + DEADLINE;
        let mut id = None;
        loop {
            self.show()?;
            if id.is_none() {
                id = self.conversation(thread).await?.map(|conversation| conversation.id);
            }
            if let Some(id) = &id {
                let detail = self.client.conversation(thread.shop.slug, id).await?;
                if holds(&detail) {
                    self.show()?;
                    return Ok(detail);
                }
            }
            if Instant::now() > end {
                return Err(late(&format!("{thread}: {what}")));
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until Aura has everything that the shopper wrote, and has answered it or left it to a person.
    pub async fn until_settled(&mut self, thread: Thread<'_>) -> Result<ConversationDetail, Stuck> {
        let written = thread.seen(&self.sim.world()).iter().filter(|message| message.by == By::Shopper).count();
        self.until_api(thread, "everything is answered", move |detail| {
            let conversation = &detail.conversation;
            let received = detail.messages.iter().filter(|message| message.side == "shopper").count();
            let on_its_way = |state: &str| matches!(state, "pending" | "sending" | "unknown");
            received >= written
                && (conversation.open_messages == 0 || conversation.takeover.is_some())
                && !detail.outbox.iter().any(|row| on_its_way(&row.state))
        })
        .await
    }

    /// Waits until nothing is under way anywhere.
    pub async fn until_idle(&mut self) -> Result<Status, Stuck> {
        let end = Instant::now() + DEADLINE;
        loop {
            self.show()?;
            let status = self.client.status().await?;
            let idle = status.tenants.iter().all(|tenant| {
                tenant.open_messages == 0 && tenant.outbox.pending + tenant.outbox.sending + tenant.outbox.unknown == 0
            });
            if idle && status.journal.backlog == 0 && self.sim.world().webhooks_waiting == 0 {
                self.show()?;
                return Ok(status);
            }
            if Instant::now() > end {
                return Err(late("everything comes to rest"));
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// The conversation of a thread, once Aura has it.
    pub async fn conversation(&self, thread: Thread<'_>) -> Result<Option<Conversation>, Failure> {
        let shopper = self.sim.shopper(thread.shopper).id(thread.shop.account);
        let all = self.client.conversations(thread.shop.slug, &ConversationQuery::default()).await?;
        Ok(all.into_iter().find(|it| it.channel == "instagram" && it.shopper_id == shopper))
    }
}

/// How many messages there are.
fn said(world: &World) -> usize {
    world.threads.values().map(|thread| thread.messages.len()).sum()
}

fn late(what: &str) -> Stuck {
    Stuck::Late(format!("not within {} s: {what}", DEADLINE.as_secs()))
}
