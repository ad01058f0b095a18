//! One sentence of a draft: its pieces, its claims, and which product each part of it speaks of.

use super::{
    lexicon::{Claim, Lexicon},
    sheet::{Piece, Sheet},
};
use crate::{agent::phrases::Match, domain::product::Product};

/// A sentence or line.
pub(super) struct Sentence<'s> {
    pub(super) pieces: &'s [Piece],
    pub(super) words: Vec<&'s str>,
    pub(super) claims: Vec<Match<Claim>>,
    pub(super) products: &'s [Product],
    pub(super) question: bool,
    focus: &'s [usize],
}

/// Cuts pieces into sentences, each with its closing break.
pub(super) fn sentences(pieces: &[Piece]) -> impl Iterator<Item = &[Piece]> {
    pieces.split_inclusive(|piece| matches!(piece, Piece::Break { .. }))
}

impl<'s> Sentence<'s> {
    pub(super) fn new(pieces: &'s [Piece], products: &'s [Product], focus: &'s [usize]) -> Self {
        let words = Sheet::words(pieces);
        let claims = Lexicon::get().phrases().find(&words);
        let question = matches!(pieces.last(), Some(Piece::Break { question: true }));
        Self { pieces, words, claims, products, question, focus }
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
