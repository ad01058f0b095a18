//! What became of calls lately, model by model: kept as they end, in memory alone, and bounded.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Timing;
use crate::domain::chat::ModelRef;

/// Calls are counted in cells of this length.
const CELL: Duration = Duration::from_secs(60);
/// Answers of one model whose times are kept.
const TIMES_MAX: usize = 1_024;
/// Models that are remembered. Those that nobody has called lately are forgotten first.
const MODELS_MAX: usize = 512;
/// A call whose caller did not wait for its end.
const GIVEN_UP: &str = "given_up";

/// The newest calls of all models.
#[derive(Debug, Default)]
pub struct Record {
    known: Mutex<HashMap<ModelRef, Calls>>,
}

/// What became of the calls of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls that were made.
    pub calls: u64,
    /// Of these, those without an answer that could be used, by the class of the error.
    pub failures: BTreeMap<&'static str, u64>,
    /// From a call's start to the first piece of its answer.
    pub first_token: Option<Quantiles>,
    /// From its start to its end.
    pub total: Option<Quantiles>,
}

/// Half of all took no longer than the one, and 19 of 20 no longer than the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// The median.
    pub p50: Duration,
    /// The 95th percentile.
    pub p95: Duration,
}

#[derive(Debug, Default)]
struct Calls {
    cells: VecDeque<Cell>,
    times: VecDeque<(Instant, Timing)>,
}

#[derive(Debug)]
struct Cell {
    began: Instant,
    calls: u64,
    failures: BTreeMap<&'static str, u64>,
}

/// A call under way. Dropped without an end, it was given up.
#[derive(Debug)]
pub(super) struct Call<'a> {
    record: &'a Record,
    model: &'a ModelRef,
    ended: bool,
}

impl Record {
    /// Figures are of so long.
    pub const WINDOW: Duration = Duration::from_secs(15 * 60);

    /// A call begins.
    pub(super) const fn begin<'a>(&'a self, model: &'a ModelRef) -> Call<'a> {
        Call { record: self, model, ended: false }
    }

    /// What became of the calls of every model that was called within the window.
    #[must_use]
    pub fn figures(&self) -> Vec<(ModelRef, Figures)> {
        let now = Instant::now();
        let mut known = self.known();
        known.retain(|_, calls| calls.forget_old(now));
        known.iter().map(|(model, calls)| (model.clone(), calls.figures())).collect()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ModelRef, Calls>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, model: &ModelRef, ended: Result<Timing, &'static str>) {
        let now = Instant::now();
        let mut known = self.known();
        if known.len() >= MODELS_MAX && !known.contains_key(model) {
            known.retain(|_, calls| calls.forget_old(now));
        }
        if known.len() >= MODELS_MAX && !known.contains_key(model) {
            known.clear();
        }
        known.entry(model.clone()).or_default().note(ended, now);
    }
}

impl Call<'_> {
    /// It gave an answer.
    pub(super) fn answered(mut self, timing: Timing) {
        self.ended = true;
        self.record.note(self.model, Ok(timing));
    }

    /// It gave none that can be used.
    pub(super) fn failed(mut self, class: &'static str) {
        self.ended = true;
        self.record.note(self.model, Err(class));
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.record.note(self.model, Err(GIVEN_UP));
        }
    }
}

impl Calls {
    fn note(&mut self, ended: Result<Timing, &'static str>, now: Instant) {
        self.forget_old(now);
        if self.cells.back().is_none_or(|cell| now - cell.began >= CELL) {
            self.cells.push_back(Cell { began: now, calls: 0, failures: BTreeMap::new() });
        }
        let Some(cell) = self.cells.back_mut() else { return };
        cell.calls += 1;
        match ended {
            Err(class) => *cell.failures.entry(class).or_default() += 1,
            Ok(timing) => {
                if self.times.len() >= TIMES_MAX {
                    self.times.pop_front();
                }
                self.times.push_back((now, timing));
            }
        }
    }

    /// Drops what is older than the window; whether anything is left.
    fn forget_old(&mut self, now: Instant) -> bool {
        self.cells.retain(|cell| now - cell.began < Record::WINDOW);
        while self.times.front().is_some_and(|(at, _)| now - *at >= Record::WINDOW) {
            self.times.pop_front();
        }
        !self.cells.is_empty()
    }

    fn figures(&self) -> Figures {
        let mut failures = BTreeMap::new();
        for (class, count) in self.cells.iter().flat_map(|cell| &cell.failures) {
            *failures.entry(*class).or_default() += count;
        }
        Figures {
            calls: self.cells.iter().map(|cell| cell.calls).sum(),
            failures,
            first_token: Quantiles::of(self.times.iter().filter_map(|(_, timing)| timing.first_token)),
            total: Quantiles::of(self.times.iter().map(|(_, timing)| timing.total)),
        }
    }
}

impl Quantiles {
    fn of(times: impl Iterator<Item = Duration>) -> Option<Self> {
        let mut times: Vec<Duration> = times.collect();
        times.sort_unstable();
        // The nearest rank: the smallest that so many percent do not exceed.
        let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { p50: at(50)?, p95: at(95)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn of(record: &Record) -> Figures {
        record.figures().pop().map(|(_, figures)| figures).unwrap_or_default()
    }

    #[tokio::test(start_paused = true)]
    async fn figures_are_of_the_window_and_a_call_that_is_dropped_was_given_up() {
        let (record, model) = (Record::default(), ModelRef::new("gemini", "flash"));
        for n in 1..=100 {
            let first_token = (n % 2 == 0).then(|| ms(n));
            record.begin(&model).answered(Timing { first_token, total: ms(10 * n) });
        }
        record.begin(&model).failed("auth");
        drop(record.begin(&model));
        let figures = of(&record);
        assert_eq!((figures.calls, figures.failures), (102, BTreeMap::from([("auth", 1), (GIVEN_UP, 1)])));
        assert_eq!(figures.total, Some(Quantiles { p50: ms(500), p95: ms(950) }));
        assert_eq!(figures.first_token, Some(Quantiles { p50: ms(50), p95: ms(96) }));

        tokio::time::advance(Record::WINDOW - CELL).await;
        record.begin(&model).answered(Timing { first_token: None, total: ms(7) });
        assert_eq!(of(&record).calls, 103);
        tokio::time::advance(CELL).await;
        let late = Figures { calls: 1, total: Some(Quantiles { p50: ms(7), p95: ms(7) }), ..Figures::default() };
        assert_eq!(of(&record), late);
        tokio::time::advance(Record::WINDOW).await;
        assert!(record.figures().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let (record, model) = (Record::default(), ModelRef::new("gemini", "flash"));
        for n in 0..2 * TIMES_MAX as u64 {
            record.begin(&model).answered(Timing { first_token: None, total: ms(n) });
        }
        let figures = of(&record);
        assert_eq!(figures.calls, 2 * TIMES_MAX as u64, "all are counted");
        assert!(figures.total.is_some_and(|total| total.p50 >= ms(TIMES_MAX as u64)), "the newest are timed");
        for n in 0..2 * MODELS_MAX {
            record.begin(&ModelRef::new("gemini", format!("flash-{n}"))).failed("auth");
        }
        assert!(record.figures().len() <= MODELS_MAX);
    }
}
