//! Takes a signed delivery: nothing happens before it is durable but the check of its signature.

use bytes::Bytes;
use secrecy::ExposeSecret;

use super::App;
use crate::{
    channel::instagram::signature,
    domain::{RequestId, TenantId},
    fault,
    store::AppendError,
};

/// Why a delivery was turned away. None of these leaves a trace in the journal.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// No signature, a malformed one, or one that none of our secrets made.
    #[error("the signature is missing or wrong")]
    BadSignature,
    /// There is nothing to check a signature with.
    #[error("no app secret is set, so no delivery can be trusted")]
    NoSecret,
    /// It could not be made durable; the sender should try again.
    #[error(transparent)]
    NotDurable(#[from] AppendError),
}

impl App {
    /// Accepts a delivery signed by the installation's secrets (`scope` none) or by a tenant's own. When this returns
    /// `Ok`, it will be answered or visibly parked, whatever happens to the process.
    /// `request` is what everything done about it can be found by.
    pub async fn accept(
        &self,
        scope: Option<TenantId>,
        request: RequestId,
        signed_by: Option<&str>,
        body: Bytes,
    ) -> Result<(), Rejected> {
        self.authenticate(scope, signed_by, &body).await?;
        self.store.journal().append(scope, Some(request), body, self.clock.now()).await?;
        fault::point("before_200");
        Ok(())
    }

    /// The check of the signature alone: nothing is stored.
    pub(crate) async fn authenticate(
        &self,
        scope: Option<TenantId>,
        signed_by: Option<&str>,
        body: &[u8],
    ) -> Result<(), Rejected> {
        let secrets = self.signing_secrets(scope).await;
        if secrets.is_empty() {
            return Err(Rejected::NoSecret);
        }
        let keys: Vec<&[u8]> = secrets.iter().map(|secret| secret.expose_secret().as_bytes()).collect();
        signature::verify(signed_by, body, &keys).map_err(|_| Rejected::BadSignature)
    }
}
