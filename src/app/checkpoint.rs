//! Checkpoints: a signed list of where every chain ends, written to the data directory every hour and given to whoever
//! keeps a copy elsewhere. What a checkpoint has seen cannot be changed, cut off or replaced unnoticed.
//!
//! The form is that of a C2SP checkpoint, for which the audit log is a chain and not a tree: origin, entries and hash of
//! the audit log, then a line for the time and one for each tenant's event log.

use std::{
    fmt::Write as _,
    sync::{Arc, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{App, Error, installation::on_thread};
use crate::{
    domain::{
        TenantId, Timestamp,
        audit::{Act, NewAudit},
        proof::Position,
    },
    secret::{NotSigned, Signer},
    store,
};

/// What the audit log calls a checkpoint that was taken.
pub(super) const TAKEN: &str = "checkpoint.taken";

/// Where every chain ended at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The audit log.
    pub audit: Position,
    /// When.
    pub at: Timestamp,
    /// The event logs.
    pub tenants: Vec<(TenantId, Position)>,
}

/// A checkpoint as it is given away.
#[derive(Clone, Debug)]
pub struct Note {
    /// The signed text.
    pub text: String,
    /// With this key anyone can check it.
    pub public_key: String,
    /// What it says.
    pub checkpoint: Checkpoint,
}

/// Why a text is no checkpoint of this installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCheckpoint {
    /// It is not signed by us.
    #[error(transparent)]
    Signature(#[from] NotSigned),
    /// It is signed, and still no checkpoint.
    #[error("its line {0} is not that of a checkpoint")]
    Line(usize),
}

impl Checkpoint {
    fn text(&self, origin: &str) -> String {
        let hash = STANDARD.encode(self.audit.hash);
        let mut text = format!("{origin}\n{}\n{hash}\nat_ms {}\n", self.audit.seq, self.at.0);
        for (tenant, end) in &self.tenants {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "tenant {tenant} {} {}", end.seq, STANDARD.encode(end.hash));
        }
        text
    }

    /// Reads a signed note.
    ///
    /// # Errors
    /// [`NotCheckpoint`] says why it is not believed.
    pub fn open(note: &str, signer: &Signer) -> Result<Self, NotCheckpoint> {
        let text = signer.open(note)?;
        let mut lines = (1..).zip(text.lines());
        let mut next = || lines.next().unwrap_or((0, ""));
        let (at, origin) = next();
        if origin != signer.name() {
            return Err(NotCheckpoint::Line(at));
        }
        let ((seq_at, seq), (hash_at, hash), (time_at, time)) = (next(), next(), next());
        let audit = Position {
            seq: seq.parse().map_err(|_| NotCheckpoint::Line(seq_at))?,
            hash: parse_hash(hash).ok_or(NotCheckpoint::Line(hash_at))?,
        };
        let at_ms = time.strip_prefix("at_ms ").and_then(|text| text.parse().ok());
        let at = Timestamp(at_ms.ok_or(NotCheckpoint::Line(time_at))?);
        let tenants =
            lines.map(|(at, line)| parse_tenant(line).ok_or(NotCheckpoint::Line(at))).collect::<Result<_, _>>()?;
        Ok(Self { audit, at, tenants })
    }

    /// What it knows of a tenant.
    #[must_use]
    pub fn of(&self, tenant: TenantId) -> Option<Position> {
        self.tenants.iter().find(|(known, _)| *known == tenant).map(|(_, end)| *end)
    }
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn parse_tenant(line: &str) -> Option<(TenantId, Position)> {
    let mut words = line.strip_prefix("tenant ")?.split(' ');
    let tenant = words.next()?.parse().ok()?;
    let end = Position { seq: words.next()?.parse().ok()?, hash: parse_hash(words.next()?)? };
    words.next().is_none().then_some((tenant, end))
}

/// What the audit log knows a note by.
pub(super) fn digest(note: &str) -> String {
    hex::encode(Sha256::digest(note.as_bytes()))
}

impl App {
    /// Who signs for this installation.
    pub(super) async fn signer(&self) -> Result<Signer, Error> {
        let id = self.store.control().installation_id(self.ids.next()).await?;
        self.secrets.signer(format!("aura/{id}")).await
    }

    /// Takes a checkpoint, keeps it in the data directory and gives it.
    pub async fn take_checkpoint(&self, act: Act) -> Result<Note, Error> {
        // One at a time: each takes the place of the one before.
        let _one = self.live.checkpointing.lock().await;
        let tenants = self.ends().await?;
        self.seal(tenants, act).await
    }

    /// Takes a checkpoint if anything has been appended since the last; `false`: nothing has.
    pub(super) async fn checkpoint_if_changed(&self) -> Result<bool, Error> {
        let _one = self.live.checkpointing.lock().await;
        let (tenants, audit) = (self.ends().await?, self.store.audit_end().await?);
        let unchanged = self.last_checkpoint().is_some_and(|last| {
            // Taking one appends an entry of its own to the audit log.
            last.tenants == tenants && last.audit.seq + 1 == audit.seq
        });
        if unchanged {
            return Ok(false);
        }
        self.seal(tenants, Act::system(self.clock.now())).await?;
        Ok(true)
    }

    fn last_checkpoint(&self) -> Option<Checkpoint> {
        self.live.checkpoint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where every tenant's chain ends. One whose file cannot be read is left out: its last checkpoint still knows it.
    async fn ends(&self) -> Result<Vec<(TenantId, Position)>, Error> {
        let mut ends = Vec::new();
        for tenant in self.store.control().tenants().await? {
            match self.store.event_end(tenant.id).await {
                Ok(end) => ends.push((tenant.id, end)),
                Err(store::Error::NotFound { .. }) => {}
                Err(error) => {
                    tracing::error!(
                        tenant.id = %tenant.id, error = %crate::domain::chain(&error),
                        "the end of a tenant's event log cannot be read"
                    );
                    let last = self.last_checkpoint().and_then(|last| last.of(tenant.id));
                    ends.extend(last.map(|end| (tenant.id, end)));
                }
            }
        }
        Ok(ends)
    }

    async fn seal(&self, tenants: Vec<(TenantId, Position)>, act: Act) -> Result<Note, Error> {
        let signer = self.signer().await?;
        let checkpoint = Checkpoint { audit: self.store.audit_end().await?, at: act.at, tenants };
        let text = signer.sign(&checkpoint.text(signer.name()));
        let (dir, staged) = (Arc::clone(&self.installation.dir), text.clone());
        on_thread(move || dir.stage_checkpoint(&staged)).await??;
        let entry = NewAudit::new(TAKEN, None)
            .number("entries", checkpoint.audit.seq)
            .number("tenants", checkpoint.tenants.len() as i64)
            .id("digest", digest(&text));
        self.store.control().append_audit(act, entry).await?;
        let dir = Arc::clone(&self.installation.dir);
        on_thread(move || dir.publish_checkpoint()).await??;
        self.metrics.audit_last_checkpoint.set(act.at.0 as f64 / 1_000.0);
        tracing::info!(
            audit.entries = checkpoint.audit.seq,
            tenants = checkpoint.tenants.len(),
            actor = act.actor,
            "checkpoint taken"
        );
        *self.live.checkpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(checkpoint.clone());
        Ok(Note { public_key: signer.public_key(), text, checkpoint })
    }
}
