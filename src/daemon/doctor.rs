//! A check-up of a data directory that does not open: that is a finding too.

use std::path::Path;

pub use crate::app::doctor::Check;
use crate::{api::DoctorReport, app::doctor, config::Environment};

/// What can be said of it. `error` is why it does not open, with what to do. Blocking.
#[must_use]
pub fn without(path: &Path, error: (String, Option<String>), only: &[Check], fix: bool) -> DoctorReport {
    let environment = Environment::of_process();
    DoctorReport::of(doctor::without(path, error, only, fix, environment.get("HOME")))
}
