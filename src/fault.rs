//! Faults on request: named points at which a test ends the process, and commits that a test has fail.
//!
//! Exists in builds with the feature `failpoints` alone, which only the tests of this workspace have; in a release every
//! function here is empty. Decides nothing: what a fault means is for whoever meets it.

use std::path::Path;

/// What a test wants of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitFault {
    /// SQLite's extended result code that is reported.
    pub code: i32,
    /// Whether the commit happens all the same: a failed sync does not tell.
    pub kept: bool,
}

/// Ends the process here, as a crash would, if a test has armed the point.
#[inline]
pub fn point(name: &'static str) {
    #[cfg(feature = "failpoints")]
    armed::point(name);
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

/// What shall come of the commit that is about to be made in `file`.
#[inline]
#[must_use]
pub fn commit(file: &Path) -> Option<CommitFault> {
    #[cfg(feature = "failpoints")]
    return armed::commit(file);
    #[cfg(not(feature = "failpoints"))]
    {
        let _ = file;
        None
    }
}

/// Whether `file` shall be found locked by another process when a transaction begins.
#[inline]
#[must_use]
pub fn locked(file: &Path) -> bool {
    #[cfg(feature = "failpoints")]
    return armed::locked(file);
    #[cfg(not(feature = "failpoints"))]
    {
        let _ = file;
        false
    }
}

/// Arms the points that the variable `FAILPOINTS` names: `after_claim=2*off->return` ends the process when the point is
/// reached for the third time.
#[inline]
pub fn arm_from_environment() {
    #[cfg(feature = "failpoints")]
    armed::from_environment();
}

#[cfg(feature = "failpoints")]
pub use armed::{What, arm, struck};

#[cfg(feature = "failpoints")]
mod armed {
    use std::{
        collections::HashMap,
        path::Path,
        sync::{Mutex, MutexGuard, PoisonError},
    };

    use super::CommitFault;

    /// What can be made to fail in one data directory.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum What {
        /// A commit, by a word of [`CODES`].
        Commit(&'static str),
        /// The begin of a transaction: the file is locked.
        Begin,
    }

    impl What {
        const fn name(self) -> &'static str {
            match self {
                Self::Commit(_) => "commit",
                Self::Begin => "begin",
            }
        }
    }

    /// The words for a commit's fault: SQLite's extended result code, and whether it is durable all the same.
    const CODES: &[(&str, CommitFault)] = &[
        // SQLITE_IOERR_FSYNC: what the disk has nobody knows.
        ("sync_lost", CommitFault { code: 1_034, kept: false }),
        ("sync_kept", CommitFault { code: 1_034, kept: true }),
        // SQLITE_FULL, and SQLITE_IOERR_WRITE as a file at its size limit gives it.
        ("full", CommitFault { code: 13, kept: false }),
        ("too_large", CommitFault { code: 778, kept: false }),
        // SQLITE_CORRUPT
        ("damaged", CommitFault { code: 11, kept: false }),
    ];

    /// How often each armed fault has struck.
    static STRUCK: Mutex<Option<HashMap<String, u64>>> = Mutex::new(None);

    fn counts() -> MutexGuard<'static, Option<HashMap<String, u64>>> {
        STRUCK.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next `times` of something in a data directory (or a file) fail, after letting `skip` through.
    pub fn arm(what: What, place: &Path, skip: u64, times: u64) {
        let word = if let What::Commit(word) = what { word } else { "" };
        let name = name(what.name(), place);
        counts().get_or_insert_default().insert(name.clone(), 0);
        fail::cfg(name, &format!("{skip}*off->{times}*return({word})->off")).expect("the actions are well formed");
    }

    /// How often it has struck since it was armed.
    #[must_use]
    pub fn struck(what: What, place: &Path) -> u64 {
        counts().as_ref().and_then(|counts| counts.get(&name(what.name(), place)).copied()).unwrap_or_default()
    }

    fn name(what: &str, place: &Path) -> String {
        format!("{what} {}", place.display())
    }

    /// The word of the fault that is due for `file` or a folder around it.
    fn strike(what: &str, file: &Path) -> Option<String> {
        if counts().is_none() {
            return None;
        }
        file.ancestors().find_map(|place| {
            let name = name(what, place);
            let word = fail::eval(&name, Option::unwrap_or_default)?;
            *counts().get_or_insert_default().entry(name).or_default() += 1;
            Some(word)
        })
    }

    pub(super) fn point(name: &'static str) {
        let _: Option<()> = fail::eval(name, |_| {
            // The test tells by this line which point it was. Nothing is flushed, closed or unwound after it.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("failpoint {name}\n").as_bytes());
            std::process::abort()
        });
    }

    pub(super) fn commit(file: &Path) -> Option<CommitFault> {
        let word = strike("commit", file)?;
        CODES.iter().find(|(known, _)| *known == word).map(|(_, fault)| *fault)
    }

    pub(super) fn locked(file: &Path) -> bool {
        strike("begin", file).is_some()
    }

    pub(super) fn from_environment() {
        // Never torn down: the points stay armed until the process ends.
        std::mem::forget(fail::FailScenario::setup());
    }
}
