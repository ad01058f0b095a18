//! One sentence of a draft: its pieces, its claims, and which product each part of it speaks of.

use super::{
    lexicon::{Claim, Lexicon},
    sheet::{Piece, Sheet},
    topic::{Topic, Topics},
};
use crate::{agent::phrases::Match, domain::product::Product};

/// A sentence or line.
pub(super) struct Sentence<'s> {
    pub(super) pieces: &'s [Piece],
    pub(super) words: Vec<&'s str>,
    pub(super) claims: Vec<Match<Claim>>,
    pub(super) topics: Vec<Match<Topic>>,
    pub(super) products: &'s [Product],
    pub(super) question: bool,
    /// A shopper's question, whose "azul" is our "Light Blue"; a draft has to say it as the data does.
    pub(super) by_shopper: bool,
    focus: &'s [usize],
}

/// Cuts pieces into sentences, each with its closing break. After a link something new begins, with or without a full stop.
pub(super) fn sentences(pieces: &[Piece]) -> impl Iterator<Item = &[Piece]> {
    pieces.split_inclusive(|piece| matches!(piece, Piece::Break { .. } | Piece::Link(_)))
}

/// The words of pieces as they are spoken: the hyphens of `lave-vaisselle` are no pause in a phrase.
pub(super) struct Row<'s> {
    pub(super) words: Vec<&'s str>,
    /// Where each word stands among the pieces.
    at: Vec<usize>,
}

impl<'s> Row<'s> {
    pub(super) fn of(pieces: &[Piece], words: &[&'s str]) -> Self {
        let hyphen = |at: usize| {
            matches!(pieces[at], Piece::Dash) && matches!(pieces.get(at + 1), Some(Piece::Word { hyphened: true, .. }))
        };
        let at: Vec<usize> = (0..pieces.len()).filter(|at| !hyphen(*at)).collect();
        Self { words: at.iter().map(|at| words[*at]).collect(), at }
    }

    /// What was found among the words, by its place among the pieces.
    pub(super) fn places<S: Copy>(&self, found: Vec<Match<S>>) -> Vec<Match<S>> {
        let place = |found: Match<S>| {
            let (first, last) = (self.at[found.first], self.at[found.end() - 1]);
            Match { sign: found.sign, first, length: last + 1 - first }
        };
        found.into_iter().map(place).collect()
    }
}

impl<'s> Sentence<'s> {
    pub(super) fn new(pieces: &'s [Piece], products: &'s [Product], focus: &'s [usize]) -> Self {
        let words = Sheet::words(pieces);
        let row = Row::of(pieces, &words);
        let claims = row.places(Lexicon::get().phrases().find(&row.words));
        let topics = row.places(Topics::get().phrases().find(&row.words));
        let question = matches!(pieces.last(), Some(Piece::Break { question: true }));
        Self { pieces, words, claims, topics, products, question, by_shopper: false, focus }
    }

    /// Takes a question as if it were stated. `answered`: what is said of it was said in the data's own words, too.
    pub(super) const fn state(&mut self, answered: bool) {
        (self.question, self.by_shopper) = (false, answered);
    }

    /// Whether the sentence only asks. "It ships tomorrow, ok?" and "Did you know it is free?" state.
    pub(super) fn plain_question(&self) -> bool {
        let first = self.words.iter().position(|word| !word.is_empty()).unwrap_or_default();
        self.question
            && !self.has(Claim::Rhetorical)
            && self.all(Claim::Asks).any(|found| (first..first + 2).contains(&found.first))
    }

    /// The stretch around a piece that is said in one breath: no comma, dash or turn in between.
    pub(super) fn breath(&self, at: usize) -> (usize, usize) {
        let hyphen = |at: usize| matches!(self.pieces.get(at + 1), Some(Piece::Word { hyphened: true, .. }));
        let pause = |place: usize| match self.pieces[place] {
            Piece::Comma | Piece::Break { .. } => true,
            Piece::Dash => !hyphen(place),
            _ => self.all(Claim::Contrast).any(|found| found.first == place),
        };
        let from = (0..at).rev().find(|place| pause(*place)).map_or(0, |place| place + 1);
        let to = (at..self.pieces.len()).find(|place| pause(*place)).unwrap_or(self.pieces.len());
        (from, to)
    }

    /// Whether the breath around a piece makes a claim.
    pub(super) fn has_in_breath(&self, claim: Claim, at: usize) -> bool {
        let (from, to) = self.breath(at);
        self.all(claim).any(|found| from <= found.first && found.end() <= to)
    }

    /// Whether the sentence, or a part of it, makes a claim.
    pub(super) fn has(&self, claim: Claim) -> bool {
        self.claims.iter().any(|found| found.sign == claim)
    }

    /// Where it makes a claim.
    pub(super) fn all(&self, claim: Claim) -> impl Iterator<Item = &Match<Claim>> {
        self.claims.iter().filter(move |found| found.sign == claim)
    }

    /// Whether such a phrase ends at most `reach` pieces before an index.
    pub(super) fn shortly_before(&self, claim: Claim, at: usize, reach: usize) -> bool {
        self.all(claim).any(|found| found.end() <= at && at - found.end() <= reach)
    }

    /// The products named, with their places.
    pub(super) fn names(&self) -> impl DoubleEndedIterator<Item = (usize, &'s [usize])> + use<'s> {
        self.pieces.iter().enumerate().filter_map(|(at, piece)| match piece {
            Piece::Name(bearers) => Some((at, bearers.as_slice())),
            _ => None,
        })
    }

    /// The product that the piece at an index speaks of: the one named before it, else the one named next in the
    /// sentence, else the one spoken of before. Several only where products share a name; none: it cannot be told.
    pub(super) fn subject(&self, at: usize) -> &'s [usize] {
        let before = self.names().rev().find(|(place, _)| *place < at);
        before.or_else(|| self.names().next()).map_or(self.focus, |(_, bearers)| bearers)
    }

    /// Every product that a range of pieces speaks of, each as a group of bearers of one name.
    pub(super) fn subjects(&self, from: usize, to: usize) -> Vec<&'s [usize]> {
        let inside: Vec<&[usize]> =
            self.names().filter(|(at, _)| (from..to).contains(at)).map(|(_, bearers)| bearers).collect();
        match (inside.is_empty(), self.subject(from)) {
            (false, _) => inside,
            (true, []) => Vec::new(),
            (true, subject) => vec![subject],
        }
    }

    /// A readable form of a range of pieces, for whoever wrote the draft.
    pub(super) fn excerpt(&self, from: usize, to: usize) -> String {
        let shown = self.pieces[from.min(to)..to.min(self.pieces.len())].iter().filter_map(|piece| match piece {
            Piece::Word { folded, .. } => Some(folded.clone()),
            Piece::Number { text, .. } => Some(text.clone()),
            Piece::CurrencySign { sign, .. } => Some(sign.to_string()),
            Piece::PercentSign => Some("%".to_owned()),
            Piece::Dash => Some("–".to_owned()),
            Piece::Slash => Some("/".to_owned()),
            Piece::Comma => Some(",".to_owned()),
            Piece::Name(bearers) => bearers.first().map(|index| self.products[*index].title.clone()),
            Piece::Link(_) | Piece::Break { .. } => None,
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}
