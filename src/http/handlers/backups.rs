//! Backups: made as a stream that is never held whole, and noted once somebody has one in hand.

use axum::{Extension, Json, body::Body, extract::State, http::header, response::IntoResponse};
use futures_util::StreamExt;

use super::secrets::whom;
use crate::{
    api,
    app::backup::{Backup, KeptBackup},
    http::{Edge, Error, Stopping, caller::Asking, extract::Payload},
};

/// What comes out opens with the passphrase or the keys that came in, and with nothing else.
pub async fn make(
    State(edge): State<Edge>,
    Asking(_): Asking,
    stopping: Option<Extension<Stopping>>,
    Payload(new): Payload<api::NewBackup>,
) -> Result<impl IntoResponse, Error> {
    let backup = edge.app.backup(whom(new, "a backup")?).await?;
    // A long one would hold up the daemon's shutdown; what has come out then is not whole, and shows it.
    let backup = backup.take_until(async move {
        match stopping {
            Some(Extension(stopping)) => stopping.wait().await,
            None => std::future::pending().await,
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from_stream(backup)))
}

pub async fn kept(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Payload(api::BackupKept { sha256, bytes }): Payload<api::BackupKept>,
) -> Result<Json<api::KeptBackup>, Error> {
    Ok(Json(kept_backup(edge.app.backup_kept(&sha256, bytes, caller.act(edge.app.clock.now())).await?)))
}

fn kept_backup(kept: KeptBackup) -> api::KeptBackup {
    let KeptBackup { backup: Backup { made_at, bytes, sha256 }, tenants, left_out, master_key } = kept;
    api::KeptBackup { made_at: made_at.into(), bytes, sha256, tenants, left_out, master_key }
}

/// For the state of the installation.
pub(in crate::http) fn last_backup(backup: Backup) -> api::LastBackup {
    let Backup { made_at, bytes, sha256 } = backup;
    api::LastBackup { made_at: made_at.into(), bytes, sha256 }
}
