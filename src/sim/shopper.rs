//! A person who writes to shops.

use serde_json::Value;

use super::{
    Sim,
    payload::{self, Of},
    webhook::What,
    world::{By, Seen, shopper_id},
};

/// A handle on one person; every account knows the person by another id.
#[derive(Clone, Debug)]
pub struct Shopper {
    sim: Sim,
    name: String,
}

impl Shopper {
    pub(super) fn new(sim: Sim, name: &str) -> Self {
        Self { sim, name: name.to_owned() }
    }

    /// The id by which `account` knows this person.
    #[must_use]
    pub fn id(&self, account: &str) -> String {
        shopper_id(account, &self.name)
    }

    /// Writes a text. Returns the message's id, as all of these do.
    pub fn writes(&self, account: &str, text: &str) -> String {
        self.says(account, Some(text), &[], |of, mid| payload::text(of, mid, text))
    }

    /// Answers an earlier message.
    pub fn replies(&self, account: &str, text: &str, to_mid: &str) -> String {
        self.says(account, Some(text), &[], |of, mid| payload::inline_reply(of, mid, text, to_mid))
    }

    /// Taps a quick reply.
    pub fn picks(&self, account: &str, title: &str, payload: &str) -> String {
        self.says(account, Some(title), &[], |of, mid| payload::quick_reply(of, mid, title, payload))
    }

    /// Taps a menu item or a template's button.
    pub fn taps(&self, account: &str, title: &str, payload: &str) -> String {
        self.says(account, Some(title), &[], |of, mid| payload::postback(of, Some(mid), title, payload))
    }

    /// Sends pictures, with or without words.
    pub fn sends_images(&self, account: &str, text: Option<&str>, urls: &[&str]) -> String {
        self.says(account, text, urls, |of, mid| payload::images(of, mid, text, urls))
    }

    /// Sends a voice note.
    pub fn sends_voice(&self, account: &str, url: &str) -> String {
        self.says(account, None, &[url], |of, mid| payload::voice(of, mid, url))
    }

    /// Shares a post.
    pub fn shares_post(&self, account: &str, media_id: &str, caption: &str, url: &str) -> String {
        self.says(account, None, &[url], |of, mid| payload::post_share(of, mid, media_id, caption, url))
    }

    /// Answers a story of the shop.
    pub fn replies_to_story(&self, account: &str, text: &str, story_id: &str) -> String {
        let url = format!("{}/story/{story_id}", self.sim.url());
        self.says(account, Some(text), &[], |of, mid| payload::story_reply(of, mid, text, story_id, &url))
    }

    /// Mentions the shop in a story.
    pub fn mentions_in_story(&self, account: &str, url: &str) -> String {
        self.says(account, None, &[url], |of, mid| payload::story_mention(of, mid, url))
    }

    /// Takes a message back.
    pub fn unsends(&self, account: &str, mid: &str) {
        self.reports(
            account,
            |of| payload::unsend(of, mid),
            |seen| {
                if seen.mid == mid {
                    seen.unsent = true;
                    seen.text = None;
                    seen.media.clear();
                }
            },
        );
    }

    /// Changes a message, for the first time.
    pub fn edits(&self, account: &str, mid: &str, text: &str) {
        self.reports(
            account,
            |of| payload::edit(of, mid, text, 1),
            |seen| {
                if seen.mid == mid {
                    seen.text = Some(text.to_owned());
                }
            },
        );
    }

    /// Has read up to a message.
    pub fn reads(&self, account: &str, mid: &str) {
        self.reports(account, |of| payload::read(of, mid), |_| {});
    }

    /// Reacts to a message, or takes the reaction back.
    pub fn reacts(&self, account: &str, mid: &str, emoji: Option<&str>) {
        self.reports(account, |of| payload::reaction(of, mid, emoji), |_| {});
    }

    /// Comments under a post. Returns the comment's id.
    pub fn comments(&self, account: &str, text: &str, media_id: &str) -> String {
        let at = self.sim.shared.clock.now();
        self.sim.change(|state| {
            state.made += 1;
            let comment_id = format!("18{:015}", state.made);
            let of = Of { account, shopper: &self.id(account), at };
            let entry = payload::comment(of, &comment_id, &self.name, text, media_id);
            state.report(account, What::Entry(entry));
            comment_id
        })
    }

    /// Blocks the account, or lets it write again: sends fail with 551 meanwhile.
    pub fn blocks(&self, account: &str, blocked: bool) {
        self.sim.change(|state| state.world.thread(account, &self.name).blocked = blocked);
    }

    /// Everything in this person's threads.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.sim.seen_by(&self.name)
    }

    /// Puts a message into the thread and reports it.
    fn says(
        &self,
        account: &str,
        text: Option<&str>,
        media: &[&str],
        item: impl FnOnce(Of<'_>, &str) -> Value,
    ) -> String {
        let at = self.sim.shared.clock.now();
        self.sim.change(|state| {
            let mid = state.next_mid();
            let thread = state.world.thread(account, &self.name);
            thread.last_shopper_at = Some(at);
            thread.messages.push(Seen {
                mid: mid.clone(),
                account: account.to_owned(),
                by: By::Shopper,
                text: text.map(str::to_owned),
                media: media.iter().map(|&url| url.to_owned()).collect(),
                at,
                unsent: false,
            });
            let item = item(Of { account, shopper: &self.id(account), at }, &mid);
            state.report(account, What::Item(item));
            mid
        })
    }

    /// Reports something that is no message, and changes what it changes.
    fn reports(&self, account: &str, item: impl FnOnce(Of<'_>) -> Value, change: impl FnMut(&mut Seen)) {
        let at = self.sim.shared.clock.now();
        self.sim.change(|state| {
            state.world.thread(account, &self.name).messages.iter_mut().for_each(change);
            let item = item(Of { account, shopper: &self.id(account), at });
            state.report(account, What::Item(item));
        });
    }
}
