//! A picture that a shopper sent, for a person to look at: fetched by the guarded client and written anew, never as it came.

use super::{App, Error, TenantCtx, conversations, models::Unseen};
use crate::{
    domain::{ConversationId, MessageId},
    media::Picture,
    net,
};

impl App {
    /// One picture of a message, from 0.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the message has no such picture, [`Error::Gone`] when its address is no longer good,
    /// [`Error::Unfit`] when it must not be fetched or opened.
    pub async fn picture(
        &self,
        tenant: &TenantCtx,
        id: ConversationId,
        message: MessageId,
        number: usize,
    ) -> Result<Picture, Error> {
        let store = self.tenant_store(tenant).await?;
        conversations::find(&store, id).await?;
        let known = store.message_pictures(id, message).await?.ok_or_else(|| Error::NotFound {
            what: "message",
            name: message.to_string(),
            hint: Some(format!("`aura conversation show -t {} {id} --json` names its messages.", tenant.tenant().slug)),
        })?;
        let url = known.get(number).ok_or_else(|| Error::NotFound {
            what: "picture",
            name: format!("{} of {message}", number + 1),
            hint: Some(match known.len() {
                0 => "The message has none whose address is known.".into(),
                1 => "The message has one.".into(),
                more => format!("The message has {more}."),
            }),
        })?;
        self.pictures.open(tenant.id(), url).await.map_err(refused)
    }
}

fn refused(unseen: Unseen) -> Error {
    match unseen {
        // Instagram's addresses carry their end in themselves; what it answers then differs.
        Unseen::Net(error @ net::Error::Status { status: 400..=499, .. }) => Error::Gone {
            message: "the picture is no longer where it was: its address has expired".into(),
            hint: "Instagram keeps these addresses for some days; the picture is still in the app's own inbox.".into(),
            source: Box::new(error),
        },
        Unseen::Net(
            error @ (net::Error::NoAddress { .. }
            | net::Error::Unreachable { .. }
            | net::Error::Broken { .. }
            | net::Error::Late { .. }
            | net::Error::Status { .. }
            | net::Error::Quota { .. }),
        ) => Error::Temporary { message: "the picture could not be fetched".into(), source: Some(Box::new(error)) },
        Unseen::Late => Error::Temporary { message: "the picture could not be fetched in time".into(), source: None },
        Unseen::Net(error) => unfit(error),
        Unseen::Media(error) => unfit(error),
        Unseen::Panicked => Error::panicked(),
    }
}

fn unfit(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unfit { message: "the picture is not opened".into(), source: Box::new(source) }
}
