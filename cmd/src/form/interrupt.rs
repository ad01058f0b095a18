//! Ends the process on a signal that comes while an expression is computed: it may go on for ever, and lets nothing else run.
//!
//! Everything else that a command does hears signals by itself and ends in its own way. A computation has nothing to put
//! back: what the command changed is durable, and a data directory that it holds is let go of by the system.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::{failure::Failure, interrupted};

/// Whether an expression is computed.
static COMPUTING: AtomicBool = AtomicBool::new(false);
/// The exit code of the signal that has come; 0: none has.
static CAME: AtomicU8 = AtomicU8::new(0);

/// While it lives, a signal ends the process.
pub struct Computing;

/// Begins a computation that a signal ends.
pub fn computing() -> Computing {
    COMPUTING.store(true, Ordering::SeqCst);
    // One that came just before found nothing to end.
    end_if(CAME.load(Ordering::SeqCst));
    Computing
}

impl Drop for Computing {
    fn drop(&mut self) {
        COMPUTING.store(false, Ordering::SeqCst);
    }
}

/// Waits for a signal, on a thread that no computation holds up.
pub async fn watch() -> Result<(), Failure> {
    let code = interrupted().await?;
    CAME.store(code, Ordering::SeqCst);
    if COMPUTING.load(Ordering::SeqCst) {
        end_if(code);
    }
    Ok(())
}

fn end_if(code: u8) {
    if code != 0 {
        std::process::exit(code.into());
    }
}
