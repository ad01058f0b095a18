//! What a list is filtered by: `blue !spam ~nor tenant:noor state:waiting since:2h cost>0.01`.
//!
//! All terms must hold. A word is looked for without regard to case; `!` turns a term round, `~` looks roughly.

use std::cell::RefCell;

use aura::{
    api::Time,
    terminal::{Since, parse_since},
};

use crate::fuzzy::{Fuzzy, nearest};

/// What a row of a list says of itself.
pub trait Facts {
    /// All its words, in lower case.
    fn words(&self) -> &str;
    /// Its shop.
    fn tenant(&self) -> Option<&str>;
    /// Who is responsible for it; `None`: nobody.
    fn assignee(&self) -> Option<&str> {
        None
    }
    /// Whether it is in the state of this name.
    fn is(&self, state: &str) -> bool;
    /// When it last changed.
    fn at(&self) -> Option<Time>;
    /// What it has cost, in dollars.
    fn cost_usd(&self) -> Option<f64>;
}

/// A filter as it was written, and what it means.
#[derive(Default)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

struct Term {
    turned: bool,
    what: What,
}

enum What {
    Word(String),
    Roughly(RefCell<Fuzzy>),
    Tenant(String),
    State(String),
    Assignee(String),
    Since(Since),
    CostAbove(f64),
    CostBelow(f64),
}

/// Why a filter means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    /// No such key.
    #[error("there is no `{key}:`{}; there are tenant:, state:, assignee:, since:, cost> and cost<", near.map(|near| format!(" (did you mean `{near}:`?)")).unwrap_or_default())]
    Key {
        /// What was written.
        key: String,
        /// The nearest that there is.
        near: Option<&'static str>,
    },
    /// No age.
    #[error("since: {0}")]
    Since(String),
    /// No amount.
    #[error("cost: `{0}` is no amount of dollars such as 0.01")]
    Cost(String),
}

const KEYS: [&str; 5] = ["tenant", "state", "assignee", "since", "cost"];

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, InvalidFilter> {
        let terms = text.split_whitespace().filter_map(|word| term(word).transpose()).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim().to_owned(), terms })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything pass.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row that does not change may pass now and not later.
    #[must_use]
    pub fn reads_the_clock(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.what, What::Since(_)))
    }

    /// Whether `row` passes.
    #[must_use]
    pub fn passes(&self, row: &impl Facts, now: Time) -> bool {
        self.terms.iter().all(|term| term.what.holds(row, now) != term.turned)
    }
}

impl What {
    fn holds(&self, row: &impl Facts, now: Time) -> bool {
        match self {
            Self::Word(word) => row.words().contains(word.as_str()),
            Self::Roughly(fuzzy) => fuzzy.borrow_mut().score(row.words()).is_some(),
            Self::Tenant(slug) => row.tenant().is_some_and(|tenant| tenant.starts_with(slug.as_str())),
            Self::State(state) => row.is(state),
            Self::Assignee(name) => row.assignee().unwrap_or("nobody").starts_with(name.as_str()),
            Self::Since(since) => row.at().is_some_and(|at| at >= since.moment(now)),
            Self::CostAbove(least) => row.cost_usd().is_some_and(|cost| cost > *least),
            Self::CostBelow(most) => row.cost_usd().is_none_or(|cost| cost < *most),
        }
    }
}

/// One term; `None` while only its sign is written.
fn term(word: &str) -> Result<Option<Term>, InvalidFilter> {
    let (turned, rest) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
    let what = if let Some(rough) = rest.strip_prefix('~') {
        (!rough.is_empty()).then(|| What::Roughly(RefCell::new(Fuzzy::new(rough))))
    } else if let Some((_, amount)) = rest.split_once(['>', '<']).filter(|(key, _)| *key == "cost") {
        amount_term(rest.contains('>'), amount)?
    } else if let Some((key, value)) = rest.split_once(':') {
        keyed(key, value)?
    } else {
        (!rest.is_empty()).then(|| What::Word(rest.to_lowercase()))
    };
    Ok(what.map(|what| Term { turned, what }))
}

fn amount_term(above: bool, amount: &str) -> Result<Option<What>, InvalidFilter> {
    if amount.is_empty() {
        return Ok(None);
    }
    let dollars: f64 = amount.parse().map_err(|_| InvalidFilter::Cost(amount.to_owned()))?;
    Ok(Some(if above { What::CostAbove(dollars) } else { What::CostBelow(dollars) }))
}

fn keyed(key: &str, value: &str) -> Result<Option<What>, InvalidFilter> {
    let what = match key {
        "tenant" => What::Tenant(value.to_lowercase()),
        "state" => What::State(value.to_lowercase()),
        "assignee" => What::Assignee(value.to_lowercase()),
        "since" if value.is_empty() => return Ok(None),
        "since" => What::Since(parse_since(value).map_err(InvalidFilter::Since)?),
        // `10:30` and `https://…` are words.
        _ if !key.chars().all(|letter| letter.is_ascii_lowercase()) || value.starts_with("//") => {
            What::Word(format!("{key}:{value}").to_lowercase())
        }
        _ => return Err(InvalidFilter::Key { key: key.to_owned(), near: nearest(key, KEYS.into_iter()) }),
    };
    Ok(Some(what).filter(|_| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row;

    impl Facts for Row {
        fn words(&self) -> &str {
            "layla is the abaya blue? https://noor.example at 10:30"
        }
        fn tenant(&self) -> Option<&str> {
            Some("noor")
        }
        fn assignee(&self) -> Option<&str> {
            Some("ana")
        }
        fn is(&self, state: &str) -> bool {
            state == "waiting"
        }
        fn at(&self) -> Option<Time> {
            Some(Time(1_000_000))
        }
        fn cost_usd(&self) -> Option<f64> {
            Some(0.02)
        }
    }

    fn passes(text: &str) -> bool {
        Filter::parse(text).expect("a filter").passes(&Row, Time(1_060_000))
    }

    #[test]
    fn a_row_passes_when_every_term_holds() {
        for yes in [
            "",
            "BLUE",
            "!red",
            "~lyla",
            "tenant:noor",
            "tenant:no",
            "!tenant:zed",
            "state:waiting",
            "assignee:ana",
            "!assignee:nobody",
            "since:2m",
            "cost>0.01",
            "cost<1",
            "!cost>1",
            "blue tenant:noor state:waiting !red",
            "!",
            "~",
            "tenant:",
            "cost>",
            "10:30",
            "https://noor",
        ] {
            assert!(passes(yes), "{yes}");
        }
        for no in [
            "red",
            "!blue",
            "~zzz",
            "tenant:zed",
            "state:draft",
            "assignee:ben",
            "assignee:nobody",
            "since:30s",
            "cost>0.02",
            "blue red",
        ] {
            assert!(!passes(no), "{no}");
        }
    }

    #[test]
    fn what_means_nothing_is_named() {
        let error = |text| Filter::parse(text).err().expect("no filter").to_string();
        assert_eq!(
            error("tenat:noor"),
            "there is no `tenat:` (did you mean `tenant:`?); there are tenant:, state:, assignee:, since:, cost> and cost<"
        );
        assert_eq!(error("since:yesterday"), "since: an age such as 90s, 15m, 1h, 2d, or a UTC time");
        assert_eq!(error("cost>much"), "cost: `much` is no amount of dollars such as 0.01");
    }
}
