//! Figures, the budgets they are held against, and how both are shown.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{failure::Failure, render::Grid, ui::Ui};

/// Durations in order, to ask for percentiles.
#[derive(Clone, Debug, Default)]
pub struct Percentiles(Vec<Duration>);

impl Percentiles {
    pub fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self(took)
    }

    /// The percentile `share` (0.5: the median) in ms; not a number when nothing was measured.
    pub fn ms(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.0.get(at).map_or(f64::NAN, |took| took.as_secs_f64() * 1_000.0)
    }
}

/// One figure. A script gets each as a line of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    #[serde(default, skip_serializing_if = "str::is_empty")]
    measurement: Cow<'static, str>,
    name: String,
    #[serde(deserialize_with = "null_is_no_number")]
    value: f64,
    unit: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
}

/// JSON has no word for what is not a number.
fn null_is_no_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// What the figure should be, and whether it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Budget {
    limit: f64,
    /// `at_least` or `at_most`.
    kind: Cow<'static, str>,
    met: bool,
}

impl Figure {
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { measurement: "".into(), name: name.into(), value, unit: unit.into(), budget: None }
    }

    /// What it belongs to.
    pub fn of(self, measurement: String) -> Self {
        Self { measurement: measurement.into(), ..self }
    }

    /// Good from `limit` up.
    pub fn at_least(self, limit: f64) -> Self {
        let met = self.value >= limit;
        Self { budget: Some(Budget { limit, kind: "at_least".into(), met }), ..self }
    }

    /// Good up to `limit`.
    pub fn at_most(self, limit: f64) -> Self {
        let met = self.value <= limit;
        Self { budget: Some(Budget { limit, kind: "at_most".into(), met }), ..self }
    }

    fn cells(&self) -> [String; 4] {
        let (budget, verdict) = match &self.budget {
            None => (String::new(), ""),
            Some(budget) => {
                let sign = if budget.kind == "at_least" { ">=" } else { "<=" };
                (format!("{sign} {}", number(budget.limit)), if budget.met { "met" } else { "missed" })
            }
        };
        [self.name.clone(), format!("{} {}", number(self.value), self.unit), budget, verdict.into()]
    }
}

/// Shows the figures of one measurement as they are complete.
#[derive(Debug)]
pub struct Report {
    ui: Ui,
    measurement: &'static str,
}

impl Report {
    /// Of one measurement.
    pub const fn new(ui: Ui, measurement: &'static str) -> Self {
        Self { ui, measurement }
    }

    /// Where it shows.
    pub const fn ui(&self) -> Ui {
        self.ui
    }

    /// Takes figures that are complete.
    pub fn add(&self, figures: impl IntoIterator<Item = Figure>) -> Result<(), Failure> {
        let figures = figures.into_iter().map(|figure| Figure { measurement: self.measurement.into(), ..figure });
        let figures: Vec<Figure> = figures.collect();
        if self.ui.json {
            return figures.iter().try_for_each(|figure| self.ui.json_line(figure));
        }
        self.ui.text(&format!("\n{}", table(self.ui, &figures, false)))
    }
}

/// Shows the figures of many measurements, and counts the budgets that are met.
pub fn summarise(ui: Ui, figures: &[Figure]) -> Result<(), Failure> {
    let budgets: Vec<bool> = figures.iter().filter_map(|figure| Some(figure.budget.as_ref()?.met)).collect();
    let met = budgets.iter().filter(|met| **met).count();
    let table = table(ui, figures, true);
    ui.text(&format!("\n{table}\n\n{met} of {} budgets met", budgets.len()))
}

fn table(ui: Ui, figures: &[Figure], with_measurement: bool) -> String {
    let head: &[&str] = &["MEASUREMENT", "FIGURE", "MEASURED", "BUDGET", ""];
    let skip = usize::from(!with_measurement);
    let mut grid = Grid::new(ui.width(), &head[skip..]).right(&[2 - skip, 3 - skip]);
    let mut last = "";
    for figure in figures {
        let [name, measured, budget, verdict] = figure.cells();
        let shown = if figure.measurement == last { "" } else { &*figure.measurement };
        last = &figure.measurement;
        grid.row([shown, &name, &measured, &budget, &verdict].into_iter().skip(skip));
    }
    grid.finish()
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Three figures that say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_in_order() {
        let took = Percentiles::of((0..=100).rev().map(Duration::from_millis).collect());
        assert_eq!((took.ms(0.5), took.ms(0.99), took.ms(1.0)), (50.0, 99.0, 100.0));
        assert!(Percentiles::default().ms(0.5).is_nan());
    }

    #[test]
    fn a_budget_is_met_or_missed_and_nothing_measured_misses_it() {
        let cells = |figure: Figure| figure.cells().join("|");
        assert_eq!(cells(Figure::new("rate", 41_000.0, "/s").at_least(40_000.0)), "rate|41000 /s|>= 40000|met");
        assert_eq!(cells(Figure::new("p99", 12.34, "ms").at_most(10.0)), "p99|12.3 ms|<= 10.0|missed");
        assert_eq!(cells(Figure::new("p99", f64::NAN, "ms").at_most(10.0)), "p99|NaN ms|<= 10.0|missed");
    }

    #[test]
    fn a_figure_is_read_as_it_is_written() {
        let lacking = Figure::new("p99", f64::NAN, "ms").at_most(10.0);
        let read: Figure =
            serde_json::to_string(&lacking).and_then(|line| serde_json::from_str(&line)).expect("a figure");
        assert_eq!(read.cells(), lacking.cells());
    }

    #[test]
    fn the_median_of_three_is_the_middle_one() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
