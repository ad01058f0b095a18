//! Citations: whether words of the shop's own data, read in this turn, carry what a sentence claims.
//!
//! A citation only points; what it points at is read from the evidence. It carries a sentence when the cited text is that of
//! the very product spoken of, and has every idea of the sentence with the same negation, and the same numbers of the same
//! units. The whole sentence around the cited words counts, so that no condition or negation can be cut off.
//!
//! A fact of the shop speaks of no product. It carries a sentence that names none and has all of its words in their order: who
//! leaves any out leaves out a condition, or speaks of something else.

use super::{
    lexicon::{Claim, Lexicon},
    numeral,
    plain::Plain,
    sentence::{Row, Sentence, sentences},
    sheet::{Piece, Sheet},
    topic::{Topic, TopicKind, Topics},
};
use crate::{
    agent::{phrases::Match, text::words},
    domain::evidence::{Citation, Evidence, SourceId},
};

/// Fewer cited words point at nothing in particular.
const WORDS_MIN: usize = 2;

/// Pieces between a number and what it counts: "3 to 5 working days".
const UNIT_REACH: usize = 4;

/// What a text says beyond price, stock and link.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    /// Each idea, and whether it is denied.
    ideas: Vec<(Topic, bool)>,
    /// Each number and what it counts.
    numbers: Vec<(String, Option<Topic>)>,
}

/// What a source speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// A product, by its place in the evidence.
    Product(usize),
    /// The shop.
    Shop,
}

/// A source that is cited, with what its cited sentences say.
struct Carrier {
    about: About,
    facts: Facts,
    /// The words of those sentences.
    words: Vec<String>,
    /// Whether they deny anything.
    denies: bool,
}

/// Everything that the draft cites and that stands where it says.
pub(super) struct Carriers(Vec<Carrier>);

impl Carriers {
    /// Reads the citations. One whose source this turn did not bring, or whose words do not stand there, is left out.
    pub(super) fn of_citations(citations: &[Citation], evidence: &Evidence) -> Self {
        Self(citations.iter().filter_map(|citation| carrier(citation, evidence)).collect())
    }

    /// Whether anything is cited at all.
    pub(super) const fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether one of them has these words of a sentence, in this order, denied where it denies them and with whatever it makes
    /// them depend on.
    pub(super) fn have(&self, sentence: &Sentence<'_>, at: &[usize]) -> bool {
        let wanted: Vec<String> = at.iter().flat_map(|at| words(sentence.words[*at])).collect();
        let said: Vec<String> = sentence.words.iter().flat_map(|word| words(word)).collect();
        let in_order = |carrier: &Carrier| {
            let mut rest = carrier.words.iter();
            wanted.iter().all(|word| rest.any(|known| known == word))
        };
        let depends =
            |carrier: &Carrier| carrier.words.iter().any(|it| Plain::get().is_condition(it) && !said.contains(it));
        let denied = sentence.has(Claim::Negator);
        self.0.iter().any(|carrier| {
            carrier.speaks_of(sentence) && carrier.denies == denied && in_order(carrier) && !depends(carrier)
        })
    }

    /// Every sentence of every source: for a text that passed with its citations before.
    pub(super) fn of_everything(evidence: &Evidence) -> Self {
        let whole = |source: SourceId| {
            let about = about(&source, evidence)?;
            let text = evidence.text_of(&source)?;
            let sheet = Sheet::of_value(&text);
            let all: Vec<Carrier> = sentences(&sheet.pieces)
                .map(|pieces| Carrier {
                    about,
                    facts: facts(pieces),
                    words: plain_words(pieces),
                    denies: denies(pieces),
                })
                .collect();
            Some(all)
        };
        Self(evidence.sources().filter_map(whole).flatten().collect())
    }

    /// Whether one of them carries everything that the sentence says.
    pub(super) fn carry(&self, sentence: &Sentence<'_>, priced: &[usize]) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let said = facts_without(sentence.pieces, priced);
        let denied = sentence.has(Claim::Negator);
        self.0.iter().any(|carrier| {
            let as_the_shop = carrier.about != About::Shop || carrier.denies == denied;
            carrier.speaks_of(sentence) && as_the_shop && carrier.facts.hold(&said)
        })
    }
}

/// Words around a place that must stand in the source as they do in the draft.
const QUOTED_MIN: usize = 3;

impl Carriers {
    /// Whether the piece at an index is quoted word by word, with its neighbours, from a source about the product spoken of.
    pub(super) fn quote(&self, sentence: &Sentence<'_>, at: usize) -> bool {
        let subject = sentence.subject(at);
        let before = sentence.words[..at].iter().rev().take_while(|word| !word.is_empty()).take(1);
        let after = sentence.words[at..].iter().take_while(|word| !word.is_empty()).take(QUOTED_MIN);
        let quoted: Vec<String> = before.chain(after).flat_map(|word| words(word)).collect();
        let holds = |carrier: &Carrier| {
            matches!(carrier.about, About::Product(product) if subject.contains(&product))
                && carrier.words.windows(quoted.len().max(1)).any(|window| window == quoted.as_slice())
        };
        quoted.len() >= QUOTED_MIN && self.0.iter().any(holds)
    }
}

impl Carrier {
    /// Whether a sentence is about the same.
    fn speaks_of(&self, sentence: &Sentence<'_>) -> bool {
        match self.about {
            About::Product(product) => {
                let subjects = sentence.subjects(0, sentence.pieces.len());
                !subjects.is_empty() && subjects.iter().all(|bearers| bearers.contains(&product))
            }
            About::Shop => {
                let mut said = sentence.words.iter().flat_map(|word| words(word));
                sentence.names().next().is_none() && self.words.iter().all(|word| said.any(|it| it == *word))
            }
        }
    }
}

/// What a source speaks of; `None` if this turn did not bring it.
fn about(source: &SourceId, evidence: &Evidence) -> Option<About> {
    match source {
        SourceId::Product(key) => evidence.products.iter().position(|product| product.key == *key).map(About::Product),
        SourceId::Fact(_) => evidence.text_of(source).map(|_| About::Shop),
    }
}

fn carrier(citation: &Citation, evidence: &Evidence) -> Option<Carrier> {
    let about = about(&citation.source, evidence)?;
    let text = evidence.text_of(&citation.source)?;
    let wanted = words(&citation.words);
    if wanted.len() < WORDS_MIN {
        return None;
    }
    let sheet = Sheet::of_value(&text);
    let spans: Vec<(&[Piece], Vec<String>)> =
        sentences(&sheet.pieces).map(|pieces| (pieces, plain_words(pieces))).collect();
    // A fact of several sentences is said whole or not at all: one of them may be the condition of another.
    if about == About::Shop && spans.len() > 1 {
        return None;
    }
    let all: Vec<&String> = spans.iter().flat_map(|(_, words)| words).collect();
    let first = all.windows(wanted.len()).position(|window| window.iter().copied().eq(wanted.iter()))?;
    let end = first + wanted.len();
    let mut at = 0;
    let mut found = Facts::default();
    let mut quoted = Vec::new();
    let mut denied = false;
    for (pieces, words) in &spans {
        let (from, to) = (at, at + words.len());
        at = to;
        if from < end && first < to {
            found.add(facts(pieces));
            quoted.extend(words.iter().cloned());
            denied |= denies(pieces);
        }
    }
    Some(Carrier { about, facts: found, words: quoted, denies: denied })
}

fn denies(pieces: &[Piece]) -> bool {
    let row = Sheet::words(pieces);
    let found = Lexicon::get().phrases().find(&Row::of(pieces, &row).words);
    found.iter().any(|it| it.sign == Claim::Negator)
}

/// The words of pieces, cut as [`words`] cuts them.
fn plain_words(pieces: &[Piece]) -> Vec<String> {
    let texts = pieces.iter().filter_map(|piece| match piece {
        Piece::Word { folded, .. } => Some(folded.as_str()),
        Piece::Number { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.flat_map(words).collect()
}

fn facts(pieces: &[Piece]) -> Facts {
    facts_without(pieces, &[])
}

fn facts_without(pieces: &[Piece], left_out: &[usize]) -> Facts {
    let row = Sheet::words(pieces);
    let spoken = Row::of(pieces, &row);
    let topics = spoken.places(Topics::get().phrases().find(&spoken.words));
    let claims = spoken.places(Lexicon::get().phrases().find(&spoken.words));
    let unit_of = |at: usize| {
        let units = topics.iter().filter(|found| found.sign.kind == TopicKind::Unit);
        // The longest unit that begins nearest: "working days" before "days".
        // "A 2-year warranty": an article counts only what follows at once.
        let reach = if numeral::value(row[at]) == Some(1) { 1 } else { UNIT_REACH };
        let near = units.filter(|found| found.first > at && found.first - at <= reach);
        near.min_by_key(|found| (found.first, usize::MAX - found.length)).map(|found| found.sign)
    };
    let mut numbers = Vec::new();
    for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| !left_out.contains(at)) {
        match piece {
            Piece::Number { text, .. } => numbers.push((text.clone(), unit_of(at))),
            Piece::PercentSign => numbers.push(("%".to_owned(), None)),
            Piece::Word { folded, .. } => {
                let digits = folded.len() - folded.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
                if digits > 0 {
                    numbers.push((folded.clone(), None));
                } else if let (Some(value), Some(unit)) = (numeral::value(folded), unit_of(at)) {
                    numbers.push((value.to_string(), Some(unit)));
                }
            }
            _ => {}
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    let spoken = topics.iter().filter(|found| found.sign.kind != TopicKind::Unit);
    let spoken = spoken.filter(|found| !is_freedom(pieces, &row, &topics, found));
    let ideas = spoken.map(|found| (found.sign, denied(pieces, &row, &claims, found))).collect();
    Facts { ideas, numbers }
}

/// Words that deny the ingredient right before them: `nut-free`.
const FREE_AFTER: [&str; 2] = ["free", "frei"];

/// Whether "free" only denies the ingredient before it.
pub(super) fn is_freedom(pieces: &[Piece], row: &[&str], topics: &[Match<Topic>], found: &Match<Topic>) -> bool {
    found.sign.kind == TopicKind::Free
        && row.get(found.first).is_some_and(|word| FREE_AFTER.contains(word))
        && (matches!(pieces[found.first], Piece::Word { hyphened: true, .. })
            || topics.iter().any(|other| other.sign.kind == TopicKind::Ingredients && other.end() == found.first)
            || row.get(found.first + 1) == Some(&"of") && row.get(found.first + 2) != Some(&"charge"))
}

/// Whether an idea is denied in the breath it is said in: "no nuts", "nut-free", "not waterproof".
fn denied(pieces: &[Piece], row: &[&str], claims: &[Match<Claim>], found: &Match<Topic>) -> bool {
    let hyphen = |at: usize| matches!(pieces.get(at + 1), Some(Piece::Word { hyphened: true, .. }));
    let pause = |at: usize| match pieces[at] {
        Piece::Comma | Piece::Break { .. } => true,
        Piece::Dash => !hyphen(at),
        _ => false,
    };
    let from = (0..found.first).rev().find(|at| pause(*at)).map_or(0, |at| at + 1);
    let to = (found.end()..pieces.len()).find(|at| pause(*at)).unwrap_or(pieces.len());
    // French `ne` only accompanies the denial, and `plus de` counts.
    let denies = |claim: &&Match<Claim>| {
        claim.sign == Claim::Negator && !matches!(row[claim.first], "n" | "ne" | "plus" | "isn" | "t" | "without any")
    };
    let clipped =
        row[from..found.first].iter().any(|word| matches!(*word, "isn" | "aren" | "doesn" | "don" | "won" | "can't"));
    let before = claims.iter().filter(denies).any(|claim| from <= claim.first && claim.end() <= found.first);
    let after = claims.iter().filter(denies).any(|claim| {
        found.end() <= claim.first
            && claim.end() <= to
            && matches!(row[claim.first], "nicht" | "not" | "kein" | "pas" | "non")
    });
    let freed_before = row[from..found.first]
        .iter()
        .any(|word| matches!(*word, "free" | "frei" | "libre" | "exempt" | "privo" | "priva"));
    let freed_after =
        [found.end(), found.end() + 1].into_iter().any(|at| row.get(at).is_some_and(|word| FREE_AFTER.contains(word)))
            || row[found.first].ends_with("frei")
            || row[found.first].ends_with("freie");
    (before || after || clipped) ^ (freed_before || freed_after)
}

impl Facts {
    fn add(&mut self, other: Self) {
        self.ideas.extend(other.ideas);
        self.numbers.extend(other.numbers);
        self.numbers.sort_unstable();
        self.numbers.dedup();
    }

    /// Whether they hold everything that is said, and nothing countable is left out of it.
    fn hold(&self, said: &Self) -> bool {
        let every_idea = said.ideas.iter().all(|idea| self.ideas.contains(idea));
        let every_number = said.numbers.iter().all(|number| self.numbers.contains(number));
        let no_condition_lost =
            self.numbers.iter().filter(|(_, unit)| unit.is_some()).all(|number| said.numbers.contains(number));
        every_idea && every_number && no_condition_lost
    }
}
