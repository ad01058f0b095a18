//! Checking that nothing was changed or lost: every hash chain against itself and against the checkpoints, and every
//! accepted message against the law that none is lost. Reads only; works beside a running daemon.

use std::{collections::HashMap, sync::Arc};

use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio::sync::mpsc;

use super::{
    App, Error, TenantCtx,
    checkpoint::{Checkpoint, NotCheckpoint, TAKEN, digest},
    installation::on_thread,
};
use crate::{
    domain::{
        TenantId, chain,
        proof::{Fault, Mark, Position, Walked},
        tenant::Tenant,
    },
    store::{self, Conservation, Progress},
};

/// What the audit log calls a removed tenant.
const REMOVED: &str = "tenant.removed";
/// What the audit log will call it when retention has removed the old end of a tenant's event log.
const CUT: &str = "events.cut";
/// Lines of an answer that may wait for their reader.
const WAITING_MAX: usize = 64;
/// What the checkpoint of the data directory is called in sentences.
const OWN: &str = "the checkpoint in the data directory";
/// What a checkpoint that the caller brought is called.
const GIVEN: &str = "the given checkpoint";

/// Whose chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainOf {
    /// The installation's audit log.
    Installation,
    /// A tenant's event log.
    Tenant(Tenant),
}

/// One step of a check, in order.
#[derive(Clone, Debug)]
pub enum Checked {
    /// So many entries of a long chain have been read.
    Progress {
        /// Whose chain.
        of: ChainOf,
        /// Entries so far.
        entries: u64,
    },
    /// A chain has been checked.
    Chain(ChainReport),
}

/// What was found of one chain.
#[derive(Clone, Debug)]
pub struct ChainReport {
    /// Whose chain.
    pub of: ChainOf,
    /// Its file, from the data directory.
    pub file: String,
    /// What the walk came to.
    pub walked: Walked,
    /// How many checkpoints it was compared with.
    pub checkpoints: usize,
    /// Where a tenant's accepted messages are; `None` where that cannot be counted.
    pub conservation: Option<Conservation>,
}

impl ChainReport {
    /// Writes what is wrong to the log; returns 1 if anything is.
    fn say(&self) -> u64 {
        for fault in &self.walked.faults {
            tracing::error!(file = %self.file, seq = fault.seq(), fault = %fault, "a log does not hold");
        }
        u64::from(!self.walked.faults.is_empty() || self.conservation.is_some_and(|found| found.lost > 0))
    }
}

/// What the check goes by, found before the chains are read.
struct Known {
    checkpoints: Vec<(&'static str, Checkpoint)>,
    /// Faults of the installation's own that showed while looking.
    faults: Vec<Fault>,
    removed: Vec<TenantId>,
    cuts: HashMap<TenantId, Position>,
}

type Lines = mpsc::Sender<Result<Checked, Error>>;

impl App {
    /// Checks every chain, or one tenant's; `given`: a checkpoint that was kept elsewhere.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the given checkpoint is none of this installation's.
    pub async fn audit_verify(
        &self,
        only: Option<&TenantCtx>,
        given: Option<String>,
    ) -> Result<BoxStream<'static, Result<Checked, Error>>, Error> {
        let known = self.known(given).await?;
        let (app, only) = (self.clone(), only.map(|ctx| ctx.tenant().clone()));
        let (lines, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            if let Err(error) = app.check_all(only, known, &lines).await {
                // A reader that has gone away wants to know nothing more.
                let _ = lines.send(Err(error)).await;
            }
        });
        Ok(stream::unfold(receiver, |mut lines| async move { Some((lines.recv().await?, lines)) }).boxed())
    }

    /// The checkpoints, and what the audit log says about them and about tenants that are gone.
    async fn known(&self, given: Option<String>) -> Result<Known, Error> {
        let signer = self.signer().await?;
        let control = self.store.control();
        // None is taken meanwhile, so what the log names last is what lies in the directory.
        let _one = self.live.checkpointing.lock().await;
        let (mut checkpoints, mut faults) = (Vec::new(), Vec::new());
        if let Some(note) = given {
            checkpoints.push((GIVEN, Checkpoint::open(&note, &signer).map_err(refused)?));
        }
        let dir = Arc::clone(&self.installation.dir);
        let notes = on_thread(move || dir.checkpoints()).await??;
        let named = control.audit_newest(TAKEN, 1).await?;
        let digests: Vec<String> = named.iter().filter_map(|entry| field(&entry.payload, "digest")).collect();
        let mut found = false;
        for note in notes.iter().filter(|note| digests.contains(&digest(note))) {
            match Checkpoint::open(note, &signer) {
                Ok(checkpoint) => checkpoints.push((OWN, checkpoint)),
                Err(error) => faults.push(Fault::File { reason: format!("{OWN} is not believed: {error}") }),
            }
            found = true;
        }
        if !found {
            match (notes.is_empty(), digests.is_empty()) {
                // None was ever taken.
                (true, true) => {}
                (true, false) => {
                    faults.push(Fault::File { reason: format!("{OWN}, which the audit log names, is gone") })
                }
                (false, _) => {
                    let reason =
                        format!("{OWN} is not the one that the audit log names last: one of the two was replaced");
                    faults.push(Fault::File { reason });
                    // It may still be one of ours, and then it knows what the log has lost.
                    let ours = notes.iter().filter_map(|note| Checkpoint::open(note, &signer).ok());
                    checkpoints.extend(ours.map(|checkpoint| (OWN, checkpoint)));
                }
            }
        }
        let removed = control.audit_newest(REMOVED, u32::MAX).await?.into_iter().filter_map(|entry| entry.tenant);
        let cuts = control.audit_newest(CUT, u32::MAX).await?.into_iter().rev().filter_map(|entry| {
            let hash = hex::decode(field(&entry.payload, "hash")?).ok()?.try_into().ok()?;
            let seq = serde_json::from_str::<serde_json::Value>(&entry.payload).ok()?.get("seq")?.as_i64()?;
            Some((entry.tenant?, Position { seq, hash }))
        });
        Ok(Known { checkpoints, faults, removed: removed.collect(), cuts: cuts.collect() })
    }

    async fn check_all(&self, only: Option<Tenant>, known: Known, lines: &Lines) -> Result<(), Error> {
        let everything = only.is_none();
        let mut broken = 0;
        let tenants = match only {
            Some(tenant) => vec![tenant],
            None => {
                let tenants = self.store.control().tenants().await?;
                let mut report = self.check_audit(&known, lines).await;
                report.walked.faults.extend(known.faults.iter().cloned());
                report.walked.faults.extend(gone(&known, &tenants));
                broken += report.say();
                if lines.send(Ok(Checked::Chain(report))).await.is_err() {
                    return Ok(());
                }
                tenants
            }
        };
        for tenant in tenants {
            let report = self.check_events(tenant, &known, lines).await?;
            broken += report.say();
            // Nobody reads on: the rest is of no use to anyone.
            if lines.send(Ok(Checked::Chain(report))).await.is_err() {
                return Ok(());
            }
        }
        if everything {
            self.live.watch.checked(broken);
        }
        Ok(())
    }

    async fn check_audit(&self, known: &Known, lines: &Lines) -> ChainReport {
        let marks: Vec<_> = known.checkpoints.iter().map(|(source, it)| mark(source, it.audit)).collect();
        let checkpoints = marks.len();
        let walked = self.store.walk_audit(marks, progress(ChainOf::Installation, lines)).await;
        ChainReport {
            of: ChainOf::Installation,
            file: "control.db".into(),
            walked: walked.unwrap_or_else(|error| unopened(&error)),
            checkpoints,
            conservation: None,
        }
    }

    async fn check_events(&self, tenant: Tenant, known: &Known, lines: &Lines) -> Result<ChainReport, Error> {
        let id = tenant.id;
        let marks: Vec<_> =
            known.checkpoints.iter().filter_map(|(source, it)| Some(mark(source, it.of(id)?))).collect();
        let checkpoints = marks.len();
        let of = ChainOf::Tenant(tenant);
        let walk = self.store.walk_events(id, marks, known.cuts.get(&id).copied(), progress(of.clone(), lines)).await;
        let mut walked = walk.unwrap_or_else(|error| unopened(&error));
        let conservation = match self.store.visit_tenant(id).await {
            Ok(store) => match store.in_bulk().conservation().await {
                Ok(found) => Some(found),
                Err(error) => {
                    walked
                        .faults
                        .push(Fault::File { reason: format!("messages could not be counted: {}", chain(&error)) });
                    None
                }
            },
            // Said above, by the walk.
            Err(_) => None,
        };
        let file = format!("tenants/{id}/tenant.db");
        Ok(ChainReport { of, file, walked, checkpoints, conservation })
    }
}

/// Tenants that a checkpoint knows and that went without a word.
fn gone(known: &Known, tenants: &[Tenant]) -> Vec<Fault> {
    let there = |id: TenantId| tenants.iter().any(|tenant| tenant.id == id) || known.removed.contains(&id);
    let mut faults = Vec::new();
    for (source, checkpoint) in &known.checkpoints {
        for (id, _) in checkpoint.tenants.iter().filter(|(id, _)| !there(*id)) {
            let reason =
                format!("{source} knows {id}, which is gone, and the audit log does not say that it was removed");
            faults.push(Fault::File { reason });
        }
    }
    faults
}

fn mark(source: &str, position: Position) -> Mark {
    Mark { position, source: source.to_owned() }
}

fn progress(of: ChainOf, lines: &Lines) -> Progress {
    let lines = lines.clone();
    Arc::new(move |entries| {
        // One that finds no room is left out: the next says more.
        let _ = lines.try_send(Ok(Checked::Progress { of: of.clone(), entries }));
    })
}

fn unopened(error: &store::Error) -> Walked {
    Walked { entries: 0, end: Position::START, faults: vec![Fault::File { reason: chain(error) }] }
}

fn field(payload: &str, name: &str) -> Option<String> {
    let payload: serde_json::Value = serde_json::from_str(payload).ok()?;
    payload.get(name)?.as_str().map(ToOwned::to_owned)
}

fn refused(error: NotCheckpoint) -> Error {
    Error::Invalid {
        message: format!("the given checkpoint is not believed: {error}"),
        hint: Some("Give one that `aura audit checkpoint` of this installation has printed, unchanged.".into()),
    }
}
