//! Plays Meta: signs a payload with the secret that the tenant's deliveries are signed with and delivers it.

use bytes::Bytes;
use secrecy::ExposeSecret;

use super::{App, Error, Rejected, TenantCtx};
use crate::{channel::instagram::signature, domain::RequestId};

impl App {
    /// Signs `payload` for a tenant and accepts it as if it had come from outside. The secret never leaves this process.
    pub async fn trigger(&self, tenant: &TenantCtx, request: RequestId, payload: Bytes) -> Result<(), Error> {
        let id = tenant.tenant().id;
        let own = self.signing_secrets(Some(id)).await;
        let (scope, secrets) = if own.is_empty() { (None, self.signing_secrets(None).await) } else { (Some(id), own) };
        let Some(secret) = secrets.first() else {
            return Err(Error::Invalid {
                message: "no app secret is set, so nothing can be signed".into(),
                hint: Some("Set one with `aura secret set meta.app_secret`.".into()),
            });
        };
        let signed = signature::sign(&payload, secret.expose_secret().as_bytes());
        match self.accept(scope, request, Some(&signed), payload).await {
            Ok(()) => Ok(()),
            Err(rejected @ Rejected::NotDurable(_)) => {
                Err(Error::Temporary { message: "the delivery was not accepted".into(), source: Some(rejected.into()) })
            }
            Err(rejected @ (Rejected::BadSignature | Rejected::NoSecret)) => {
                Err(Error::Failed { message: "the delivery was rejected".into(), source: Some(rejected.into()) })
            }
        }
    }
}
