//! Watches the disk: says in time that it runs full, gives the ballast up when it has, and finds out by itself when there
//! is room again. Never decides about a delivery: whether one can be made durable is for the journal to say.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{App, Error, installation::on_thread};
use crate::{domain::chain, store::Room};

/// How often the room is measured.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often a full disk is tried again.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Runs until told to stop.
pub async fn run(app: App, stop: CancellationToken) {
    let mut full = app.store.disk().full;
    loop {
        if let Err(error) = app.look_at_disk().await {
            tracing::warn!(error = %chain(&error), "the disk could not be looked at");
        }
        let pause = if *full.borrow_and_update() { PROBE_EVERY } else { LOOK_EVERY };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = full.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl App {
    /// Whether the disk has room for more than what is there.
    #[must_use]
    pub fn disk_has_room(&self) -> bool {
        !*self.store.disk().full.borrow() && !self.live.disk_low.load(Ordering::Relaxed)
    }

    /// How much room the disk has; `None`: it cannot be asked for.
    pub(super) async fn room(&self) -> Option<Room> {
        match self.measure_room().await {
            Ok(room) => Some(room),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the room on the disk is not known");
                None
            }
        }
    }

    async fn measure_room(&self) -> Result<Room, Error> {
        let dir = Arc::clone(&self.installation.dir);
        on_thread(move || dir.room()).await?.map_err(failed)
    }

    async fn look_at_disk(&self) -> Result<(), Error> {
        let dir = Arc::clone(&self.installation.dir);
        if *self.store.disk().full.borrow() {
            if on_thread(move || dir.drop_ballast()).await?.map_err(failed)? {
                tracing::error!(
                    "the disk is full: the ballast is given up, deliveries are turned away until there is room"
                );
            }
            if self.store.journal().probe().await.is_ok() {
                tracing::info!("there is room on the disk again");
            }
            return Ok(());
        }
        let room = self.measure_room().await?;
        self.note_room(room);
        if !room.is_low() {
            let dir = Arc::clone(&self.installation.dir);
            on_thread(move || dir.take_ballast()).await?.map_err(failed)?;
        }
        Ok(())
    }

    fn note_room(&self, room: Room) {
        let was_low = self.live.disk_low.swap(room.is_low(), Ordering::Relaxed);
        let Room { free_bytes, low_bytes } = room;
        match (was_low, room.is_low()) {
            (false, true) => tracing::warn!(free_bytes, low_bytes, "the disk is nearly full"),
            (true, false) => tracing::info!(free_bytes, low_bytes, "the disk has room again"),
            (false, false) | (true, true) => {}
        }
    }
}

fn failed(source: std::io::Error) -> Error {
    Error::Failed { message: "the room on the disk is not known".into(), source: Some(Box::new(source)) }
}
