//! What a channel told us, in one shape for every channel.

use super::{
    Timestamp,
    channel::{AccountId, ShopperId},
};

/// One event of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundEvent {
    /// The account it happened on. It may be one we do not know.
    pub account: AccountId,
    /// The person it concerns, where the event says.
    pub shopper: Option<ShopperId>,
    /// When it happened, by the channel's clock (or receipt time where it gave none).
    pub at: Timestamp,
    /// Equal for two deliveries of the same event, unique within (account, kind).
    pub dedupe_key: String,
    /// What happened.
    pub kind: InboundKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboundKind {
    /// The shopper wrote or sent something.
    Message(InboundMessage),
    /// The shopper tapped an ice breaker, a menu item or a template's button.
    Postback {
        /// The channel's message id; ice breakers have none.
        mid: Option<String>,
        /// What the button said.
        title: String,
        /// What the button means to us; absent on standby.
        payload: Option<String>,
        /// Where the tap came from.
        referral: Option<Referral>,
    },
    /// Something was sent from the account's side: by us, another tool or a person.
    Echo {
        /// The channel's message id.
        mid: String,
        /// Its text.
        text: Option<String>,
        /// The sending app, where the channel says; not to be relied on.
        app_id: Option<String>,
        /// Whether it carried anything but text.
        attachments: Vec<Attachment>,
    },
    /// The shopper took a message back.
    Unsend {
        /// Which.
        mid: String,
    },
    /// The shopper has read up to a message.
    Read {
        /// Which.
        mid: String,
    },
    /// The shopper reacted to a message, or took it back.
    Reaction {
        /// To which.
        mid: String,
        /// With what; `None`: taken back.
        reaction: Option<String>,
    },
    /// The shopper changed a message.
    Edit {
        /// Which.
        mid: String,
        /// What it says now.
        text: String,
    },
    /// An edit event without sender and text: a sign of missing webhook access, not an edit.
    IncompleteEdit {
        /// Of which message.
        mid: String,
    },
    /// The shopper opened the thread through a link; there is nothing to answer.
    Referral(Referral),
    /// Control of the thread moved.
    ThreadControl {
        /// To whom; `None`: nobody, or the event does not say.
        new_owner_app_id: Option<String>,
        /// `pass_thread_control`, `take_thread_control`, `request_thread_control` or `app_roles`.
        action: String,
    },
    /// A message in a thread that another app owns: recorded, never answered.
    Standby(InboundMessage),
    /// An opt-in; recorded only.
    OptIn,
    /// A comment under the shop's content.
    Comment {
        /// Its id.
        comment_id: String,
        /// Its text.
        text: String,
        /// Whether the account itself wrote it.
        own: bool,
        /// The comment it replies to.
        parent_id: Option<String>,
        /// What it stands under.
        media_id: Option<String>,
    },
    /// A change report that is no conversation (mentions, story insights, …).
    Change {
        /// Which field changed.
        field: String,
    },
    /// The dashboard's test button.
    DashboardTest {
        /// Which field it tested.
        field: String,
    },
    /// An item that no rule here knows.
    Unknown {
        /// What made it unknown, without any of its text: key names only.
        keys: String,
    },
    /// An item too broken to read.
    Malformed {
        /// What is wrong with it, without any of its text.
        reason: &'static str,
    },
}

impl InboundKind {
    /// A stable word for the store, logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Postback { .. } => "postback",
            Self::Echo { .. } => "echo",
            Self::Unsend { .. } => "unsend",
            Self::Read { .. } => "read",
            Self::Reaction { .. } => "reaction",
            Self::Edit { .. } => "edit",
            Self::IncompleteEdit { .. } => "incomplete_edit",
            Self::Referral(_) => "referral",
            Self::ThreadControl { .. } => "thread_control",
            Self::Standby(_) => "standby",
            Self::OptIn => "opt_in",
            Self::Comment { .. } => "comment",
            Self::Change { .. } => "change",
            Self::DashboardTest { .. } => "dashboard_test",
            Self::Unknown { .. } => "unknown",
            Self::Malformed { .. } => "malformed",
        }
    }

    /// Whether the shopper waits for an answer to this.
    ///
    /// Words, taps, shares and media do, also media that the channel will not show us: a short "please describe it in
    /// words" is better than silence. A bare story mention does not (thanking for it is a choice of the shop), nor an
    /// edit (its original may still be open), a comment, or anything from the shop's side or another app's thread.
    #[must_use]
    pub fn answerable(&self) -> bool {
        match self {
            Self::Message(message) => !message.is_story_mention(),
            Self::Postback { .. } => true,
            Self::Echo { .. }
            | Self::Unsend { .. }
            | Self::Read { .. }
            | Self::Reaction { .. }
            | Self::Edit { .. }
            | Self::IncompleteEdit { .. }
            | Self::Referral(_)
            | Self::ThreadControl { .. }
            | Self::Standby(_)
            | Self::OptIn
            | Self::Comment { .. }
            | Self::Change { .. }
            | Self::DashboardTest { .. }
            | Self::Unknown { .. }
            | Self::Malformed { .. } => false,
        }
    }
}

/// Something a shopper wrote or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboundMessage {
    /// The channel's message id.
    pub mid: String,
    /// Its words; for a quick reply the button's title.
    pub text: Option<String>,
    /// The payload of a quick reply.
    pub quick_reply: Option<String>,
    /// Pictures, voice notes, shares, …
    pub attachments: Vec<Attachment>,
    /// The message it answers.
    pub reply_to_mid: Option<String>,
    /// The story it answers.
    pub reply_to_story: Option<StoryRef>,
    /// The ad, link or product page it came from.
    pub referral: Option<Referral>,
    /// The channel will not show us what it is.
    pub unsupported: bool,
}

impl InboundMessage {
    /// Whether it is nothing but the notice that the shopper's story mentions the shop.
    #[must_use]
    pub fn is_story_mention(&self) -> bool {
        let mention = |attachment: &Attachment| attachment.kind == AttachmentKind::StoryMention;
        self.text.is_none() && !self.attachments.is_empty() && self.attachments.iter().all(mention)
    }
}

/// A story of the shop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoryRef {
    /// Its id.
    pub id: Option<String>,
    /// A short-lived link to it.
    pub url: Option<String>,
}

/// Where a shopper came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referral {
    /// The link's own label.
    pub reference: Option<String>,
    /// Free text of the channel: `ADS`, `SHORTLINK`, …
    pub source: Option<String>,
    /// The ad that was clicked.
    pub ad_id: Option<String>,
    /// The product shown in the ad or on the shop page.
    pub product_id: Option<String>,
}

/// What an attachment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A voice note.
    Audio,
    /// A document.
    File,
    /// A shared post.
    Post,
    /// A shared reel.
    Reel,
    /// A story that mentions the shop.
    StoryMention,
    /// A shared story.
    Story,
    /// A product card or other template.
    Template,
    /// View-once; has no content.
    Ephemeral,
    /// A sticker.
    Sticker,
    /// A link preview.
    Link,
    /// Anything else.
    Unsupported,
}

impl AttachmentKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Image,
        Self::Video,
        Self::Audio,
        Self::File,
        Self::Post,
        Self::Reel,
        Self::StoryMention,
        Self::Story,
        Self::Template,
        Self::Ephemeral,
        Self::Sticker,
        Self::Link,
        Self::Unsupported,
    ];

    /// A stable word for the store and the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::File => "file",
            Self::Post => "post",
            Self::Reel => "reel",
            Self::StoryMention => "story_mention",
            Self::Story => "story",
            Self::Template => "template",
            Self::Ephemeral => "ephemeral",
            Self::Sticker => "sticker",
            Self::Link => "link",
            Self::Unsupported => "unsupported",
        }
    }

    /// Reads the word; what is not known is unsupported.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or(Self::Unsupported)
    }
}

/// Something attached to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// What it is.
    pub kind: AttachmentKind,
    /// Where it is: a short-lived CDN link or a permalink.
    pub url: Option<String>,
    /// The channel's id of the shared media, reel or sticker.
    pub media_id: Option<String>,
    /// A caption or title.
    pub title: Option<String>,
    /// The shop's own product ids on a product card.
    pub retailer_ids: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kinds: &[AttachmentKind], text: Option<&str>) -> InboundKind {
        let attach = |&kind| Attachment { kind, url: None, media_id: None, title: None, retailer_ids: Vec::new() };
        let attachments = kinds.iter().map(attach).collect();
        InboundKind::Message(InboundMessage { attachments, text: text.map(str::to_owned), ..InboundMessage::default() })
    }

    #[test]
    fn media_that_nobody_can_read_still_wants_an_answer() {
        assert!(message(&[AttachmentKind::Ephemeral], None).answerable());
        assert!(message(&[], None).answerable());
    }

    #[test]
    fn a_bare_story_mention_wants_none_but_one_with_words_does() {
        assert!(!message(&[AttachmentKind::StoryMention], None).answerable());
        assert!(message(&[AttachmentKind::StoryMention], Some("is this yours?")).answerable());
        assert!(message(&[AttachmentKind::StoryMention, AttachmentKind::Image], None).answerable());
    }
}
