//! Conversations by the beginning of their id, as far as it means one.

use std::str::FromStr;

use aura::{
    api::{self, ErrorKind, InboxLine, exit, exit_code_of},
    client::Client,
    domain::ConversationId,
    terminal::one_line,
};
use futures_util::TryStreamExt;

use crate::failure::Failure;

/// Candidates that a failure names.
const SHOWN_MAX: usize = 5;

/// A conversation's id, or how it begins; `conv_` may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationName {
    begins: String,
}

impl FromStr for ConversationName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_ascii_lowercase();
        let rest = text.strip_prefix(ConversationId::PREFIX).and_then(|rest| rest.strip_prefix('_')).unwrap_or(&text);
        let is_part = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
        if rest.is_empty() || rest.len() > 36 || !rest.chars().all(is_part) {
            return Err(format!(
                "`{text}` is not a conversation id, and no id begins so; it looks like `conv_0192f5c8-…`"
            ));
        }
        Ok(Self { begins: format!("{}_{rest}", ConversationId::PREFIX) })
    }
}

impl ConversationName {
    /// The whole id. A whole one is not looked for: whatever it is given to says whether it is there.
    ///
    /// # Errors
    /// When no conversation of the tenant (without one: of any) begins so, or several do.
    pub async fn find(&self, client: &Client, slug: Option<&str>) -> Result<String, Failure> {
        if self.begins.parse::<ConversationId>().is_ok() {
            return Ok(self.begins.clone());
        }
        let limit = Some(SHOWN_MAX as u32 + 1);
        let query = api::ConversationQuery { begins: Some(self.begins.clone()), limit, ..Default::default() };
        let found = match slug {
            Some(slug) => client.conversations(slug, &query).await?,
            None => {
                let lines: Vec<InboxLine> = client.inbox(&query).await?.try_collect().await?;
                let row = |line| if let InboxLine::Conversation(row) = line { Some(*row) } else { None };
                lines.into_iter().filter_map(row).collect()
            }
        };
        match found.as_slice() {
            [one] => Ok(one.id.clone()),
            [] => {
                let message = format!("no conversation's id begins with `{}`", self.begins);
                let of = slug.map(|slug| format!(" -t {slug}")).unwrap_or_default();
                Err(Failure::new(exit_code_of(ErrorKind::NotFound), "not_found", message)
                    .hint(format!("`aura conversation list{of}` shows them.")))
            }
            several => {
                let shown = several.iter().take(SHOWN_MAX).map(|row| {
                    let shopper = row.shopper_name.as_deref().unwrap_or(&row.shopper_id);
                    format!("{} ({})", row.id, one_line(shopper))
                });
                let more = if several.len() > SHOWN_MAX { ", …" } else { "" };
                let hint = format!("Say more of the one that is meant: {}{more}", shown.collect::<Vec<_>>().join(", "));
                let message = format!("the ids of several conversations begin with `{}`", self.begins);
                Err(Failure::new(exit::USAGE, "ambiguous_id", message).hint(hint))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_beginning_of_an_id_with_or_without_its_kind() {
        let begins = |text: &str| text.parse::<ConversationName>().map(|name| name.begins);
        for text in ["conv_0192f5c8", "0192F5C8", " 0192f5c8 "] {
            assert_eq!(begins(text).as_deref(), Ok("conv_0192f5c8"), "{text}");
        }
        let whole = "conv_0192f5c8-0000-7000-8000-000000000001";
        assert_eq!(begins(whole).as_deref(), Ok(whole));
        for wrong in ["", "conv_", "msg_0192", "layla", "conv_0192%", &"0".repeat(37)] {
            assert!(begins(wrong).is_err(), "{wrong}");
        }
    }
}
