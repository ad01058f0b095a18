//! What was said before in the conversation: which question each answer belonged to, and whether one is asked again.

use super::{
    cues::{Cues, Sign},
    text::{Token, tokens},
};
use crate::domain::conversation::{Message, Side};

/// Words of politeness: with and without them it is the same question.
const POLITE: [&str; 6] = ["please", "pls", "plz", "bitte", "svp", "prego"];

/// Words this short are never taken for a typo of another: "M" is not "L", "red" is not "rot".
const TYPO_CHARS_MIN: usize = 4;

/// More typos than this are another question.
const TYPOS_MAX: usize = 2;

/// What the shopper wrote in one go, and what came back.
#[derive(Debug, Default)]
pub(super) struct Exchange<'a> {
    /// The shopper's messages, oldest first.
    pub(super) asked: Vec<&'a str>,
    /// The assistant's and people's, oldest first.
    pub(super) answered: Vec<&'a Message>,
}

impl<'a> Exchange<'a> {
    /// The words of the assistant's answer.
    pub(super) fn bot(&self) -> impl Iterator<Item = &'a str> {
        self.answered.iter().filter(|message| message.side == Side::Bot).filter_map(|message| message.text.as_deref())
    }
}

/// The history as questions with their answers, oldest first.
pub(super) fn exchanges(history: &[Message]) -> Vec<Exchange<'_>> {
    let mut exchanges: Vec<Exchange<'_>> = Vec::new();
    for message in history {
        match (message.side, exchanges.last_mut()) {
            (Side::Shopper, Some(last)) if last.answered.is_empty() => last.asked.extend(said(message)),
            (Side::Shopper, _) => {
                exchanges.push(Exchange { asked: said(message).into_iter().collect(), answered: Vec::new() });
            }
            (Side::Bot | Side::Person, Some(last)) => last.answered.push(message),
            (Side::Bot | Side::Person, None) => {
                exchanges.push(Exchange { asked: Vec::new(), answered: vec![message] });
            }
        }
    }
    exchanges
}

fn said(message: &Message) -> Option<&str> {
    message.text.as_deref().filter(|text| !message.unsent && !text.trim().is_empty())
}

/// How like an earlier question one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// The same but for a typo: it may yet be another ("shirt", "skirt").
    Near,
    /// The same words; case, punctuation and courtesies do not count.
    Same,
}

/// The earlier exchanges in which the same was asked as in these messages.
pub(super) fn same_question<'e, 'a>(
    asked: &[&str],
    exchanges: &'e [Exchange<'a>],
) -> Vec<(Likeness, &'e Exchange<'a>)> {
    let now = questions(asked);
    let alike = |exchange: &Exchange<'_>| {
        let before = questions(&exchange.asked);
        now.iter().flat_map(|now| before.iter().filter_map(|before| likeness(now, before))).max()
    };
    exchanges.iter().filter_map(|exchange| alike(exchange).map(|likeness| (likeness, exchange))).collect()
}

/// The words of each message, and of all together, without courtesies.
fn questions(asked: &[&str]) -> Vec<Vec<String>> {
    let mut questions: Vec<Vec<String>> = asked.iter().map(|text| question(text)).collect();
    if questions.len() > 1 {
        questions.push(questions.concat());
    }
    questions.retain(|words| !words.is_empty());
    questions
}

fn question(text: &str) -> Vec<String> {
    let cues = Cues::get();
    let mut tokens = tokens(text);
    cues.unstretch(&mut tokens);
    let matches = cues.find(&tokens);
    let courtesy = |at: usize| {
        let mut here = matches.iter().filter(|found| found.covers(at)).map(|found| found.sign.0).peekable();
        here.peek().is_some() && here.all(Sign::is_courtesy)
    };
    let kept =
        tokens.iter().enumerate().filter(|(at, token)| !courtesy(*at) && !POLITE.contains(&token.folded.as_str()));
    kept.map(|(_, Token { folded, .. })| folded.clone()).collect()
}

fn likeness(a: &[String], b: &[String]) -> Option<Likeness> {
    if a == b {
        return Some(Likeness::Same);
    }
    let typos = a.iter().zip(b).filter(|(a, b)| a != b);
    let near = a.len() == b.len() && typos.clone().count() <= TYPOS_MAX && typos.clone().all(|(a, b)| is_typo(a, b));
    near.then_some(Likeness::Near)
}

/// Whether one letter was left out, put in, changed, or swapped with its neighbour.
fn is_typo(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().min(b.len()) < TYPO_CHARS_MIN || a.iter().chain(&b).any(char::is_ascii_digit) {
        return false;
    }
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    match (a.len(), b.len()) {
        (longer, shorter) if longer == shorter + 1 => a[1..] == *b,
        (shorter, longer) if longer == shorter + 1 => b[1..] == *a,
        (left, right) if left == right && left > 0 => {
            a[1..] == b[1..] || (left > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::message;

    fn alike(before: &str, now: &str) -> Option<Likeness> {
        let history = [message(Side::Shopper, before), message(Side::Bot, "An answer.")];
        same_question(&[now], &exchanges(&history)).first().map(|(likeness, _)| *likeness)
    }

    #[test]
    fn case_punctuation_courtesies_and_stretched_letters_make_no_other_question() {
        for (before, now) in [
            ("How much is the linen shirt?", "how much is the linen shirt"),
            ("How much is the linen shirt?", "HOW MUCH IS THE LINEN SHIRT???"),
            ("Hi! How much is the linen shirt?", "how much is the linen shirt please"),
            ("Was kostet das Kleid", "hallooo, was kostet das Kleid?"),
        ] {
            assert_eq!(alike(before, now), Some(Likeness::Same), "{before} / {now}");
        }
    }

    #[test]
    fn a_typo_is_near_and_another_size_or_number_is_another_question() {
        for now in ["how much is the linnen shirt", "how mcuh is the linen shirt", "how much is the linen skirt"] {
            assert_eq!(alike("how much is the linen shirt", now), Some(Likeness::Near), "{now}");
        }
        for (before, now) in [
            ("linen shirt in M?", "linen shirt in L?"),
            ("the dress in 38?", "the dress in 39?"),
            ("the red one", "the bad one"),
            ("how much is the first", "how much is the second"),
            ("is it in stock", "how much is it"),
        ] {
            assert_eq!(alike(before, now), None, "{before} / {now}");
        }
    }

    #[test]
    fn a_question_is_found_within_a_burst() {
        let history = [
            message(Side::Shopper, "hi"),
            message(Side::Shopper, "do you ship to Austria?"),
            message(Side::Bot, "A colleague answers."),
        ];
        assert_eq!(same_question(&["Do you ship to Austria"], &exchanges(&history)).len(), 1);
        assert_eq!(same_question(&["hi"], &exchanges(&history)).len(), 0, "a greeting is no question");
    }
}
