//! Which of our languages a short chat text is written in, by its function words, cue phrases and letters.

use super::{
    cues::{Cues, Match},
    text::{Token, tokens},
};
use crate::domain::Language;

/// What a text shows of its language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Detected {
    /// One of ours.
    Known {
        /// Which.
        language: Language,
        /// How much speaks for it: about one a word that only this language uses.
        weight: f64,
    },
    /// A language that there is no wording for.
    Other,
    /// Too little to tell.
    Unsure,
}

/// A single unambiguous word tells a language, as long as nothing is known of the shopper.
const WEIGHT_MIN: f64 = 0.9;

/// A remembered language is given up for more than one stray word only: "ciao!" is said in German, too.
const WEIGHT_AGAINST_REMEMBERED: f64 = 1.6;

/// The winner must weigh this many times as much as the next.
const LEAD: f64 = 1.25;

/// A letter such as `ß` or `ñ` weighs as much as a word and a half.
const LETTER_WEIGHT: f64 = 1.5;

/// So much must speak for another language before a text is said to be in it: several words that no neighbour shares.
const WEIGHT_OF_ANOTHER: f64 = 4.0;

/// And so many times as much as for the one that was expected.
const LEAD_OF_ANOTHER: f64 = 4.0;

/// So many letters of other scripts must a text have, more than Latin ones.
const FOREIGN_LETTERS_MIN: u32 = 12;

/// Detects the language of a text.
#[must_use]
pub fn detect(text: &str) -> Detected {
    let mut tokens = tokens(text);
    Cues::get().unstretch(&mut tokens);
    detect_in(text, &tokens, &Cues::get().find(&tokens))
}

/// The language to answer in, and whether the text itself shows it.
///
/// Falls back to the language remembered of the shopper, then to the shop's; a language without wording to the shop's.
#[must_use]
pub fn choose(text: &str, remembered: Option<Language>, shop: Language) -> (Language, bool) {
    let needed = if remembered.is_some() { WEIGHT_AGAINST_REMEMBERED } else { WEIGHT_MIN };
    match detect(text) {
        Detected::Known { language, weight } if weight >= needed || remembered == Some(language) => (language, true),
        Detected::Other => (shop, false),
        Detected::Known { .. } | Detected::Unsure => (remembered.unwrap_or(shop), false),
    }
}

/// Whether a text is plainly in another language than the expected one. What could be either is not.
#[must_use]
pub fn is_plainly_another(text: &str, expected: Language) -> bool {
    let (latin, foreign) = scripts(text);
    if foreign > latin {
        return foreign >= FOREIGN_LETTERS_MIN;
    }
    let mut tokens = tokens(text);
    Cues::get().unstretch(&mut tokens);
    let (weights, other) = weigh(text, &tokens, &Cues::get().find(&tokens));
    let own = weights[expected as usize];
    let strongest = weights.into_iter().fold(other, f64::max);
    strongest >= WEIGHT_OF_ANOTHER && strongest >= own * LEAD_OF_ANOTHER
}

/// Latin letters, and all others.
fn scripts(text: &str) -> (u32, u32) {
    text.chars().filter(|letter| letter.is_alphabetic()).fold((0, 0), |(latin, foreign), letter| {
        if is_latin(letter) { (latin + 1, foreign) } else { (latin, foreign + 1) }
    })
}

fn detect_in(text: &str, tokens: &[Token], matches: &[Match]) -> Detected {
    let (latin, foreign) = scripts(text);
    if foreign > latin {
        return Detected::Other;
    }
    let (weights, other) = weigh(text, tokens, matches);
    let mut ranked: Vec<_> = Language::ALL.into_iter().zip(weights).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let ((language, weight), (_, next)) = (ranked[0], ranked[1]);
    if other >= WEIGHT_MIN && other > weight {
        Detected::Other
    } else if weight >= WEIGHT_MIN && weight >= next * LEAD {
        Detected::Known { language, weight }
    } else {
        Detected::Unsure
    }
}

/// The weight of each of our languages, in the order of [`Language::ALL`], and that of all others together.
fn weigh(text: &str, tokens: &[Token], matches: &[Match]) -> ([f64; 5], f64) {
    let cues = Cues::get();
    let mut weights = [0.0; 5];
    let mut other = 0.0;
    for (at, token) in tokens.iter().enumerate() {
        let mut languages = cues.languages_of(token).to_vec();
        let here = matches.iter().filter(|found| found.covers(at));
        for language in here.map(|found| Some(found.sign.1)) {
            if !languages.contains(&language) {
                languages.push(language);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "at most six languages share a word")]
        let share = 1.0 / languages.len().max(1) as f64;
        for language in languages {
            match language {
                Some(language) => weights[language as usize] += share,
                None => other += share,
            }
        }
    }
    for letter in text.chars().flat_map(char::to_lowercase) {
        if let Some(language) = cues.language_of_letter(letter) {
            weights[language as usize] += LETTER_WEIGHT;
        }
    }
    (weights, other)
}

const fn is_latin(letter: char) -> bool {
    matches!(letter, 'a'..='z' | 'A'..='Z' | '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_chat_texts_show_their_language() {
        for (text, code) in [
            ("hi do you have linen shirts?", "en"),
            ("how much is it", "en"),
            ("is the blue one available in M?", "en"),
            ("Thanks!", "en"),
            ("Habt ihr das auch in blau?", "de"),
            ("was kostet die Tasche", "de"),
            ("gibts das in größe m", "de"),
            ("Ist der noch da?", "de"),
            ("vous avez cette robe en rouge ?", "fr"),
            ("c'est combien ?", "fr"),
            ("bonjour", "fr"),
            ("je cherche un cadeau", "fr"),
            ("¿tenéis camisas de lino?", "es"),
            ("cuanto cuesta el segundo", "es"),
            ("hola, hay algo por menos de 50 euros?", "es"),
            ("avete questa borsa in nero?", "it"),
            ("quanto costa la seconda", "it"),
            ("è ancora disponibile?", "it"),
            ("Vorrei una camicia di lino", "it"),
        ] {
            match detect(text) {
                Detected::Known { language, .. } => assert_eq!(language.code(), code, "{text}"),
                unsure => panic!("{text}: {unsure:?}"),
            }
        }
    }

    #[test]
    fn other_languages_are_not_taken_for_ours() {
        for text in [
            "Hebben jullie dit ook in het blauw?",
            "Você tem esse vestido?",
            "سلام قیمت این چنده؟",
            "Привет, сколько стоит?",
        ] {
            assert_eq!(detect(text), Detected::Other, "{text}");
        }
    }

    #[test]
    fn only_what_is_plainly_another_language_is_taken_for_one() {
        for (text, expected, another) in [
            ("Hallo! Kann ich dir noch bei etwas helfen? Welche Größe trägst du?", Language::En, true),
            ("Hallo! Kann ich dir noch bei etwas helfen? Welche Größe trägst du?", Language::De, false),
            ("Hello! Is there anything else that I can do for you today?", Language::Fr, true),
            ("Hebben jullie dit ook in het blauw voor mij, en wat kost het dan?", Language::De, true),
            ("Да, конечно, вот она!", Language::En, true),
            ("Да!", Language::En, false),
            ("Voilà!", Language::En, false),
            ("Ciao! Here it is, I hope that you like it.", Language::En, false),
        ] {
            assert_eq!(is_plainly_another(text, expected), another, "{text}");
        }
    }

    #[test]
    fn too_little_falls_back_to_the_remembered_language_then_to_the_shops() {
        assert_eq!(choose("M?", Some(Language::Fr), Language::De), (Language::Fr, false));
        assert_eq!(choose("M?", None, Language::De), (Language::De, false));
        assert_eq!(choose("ciao", Some(Language::De), Language::En), (Language::De, false));
        assert_eq!(choose("ciao", None, Language::En), (Language::It, true));
        assert_eq!(
            choose("Hebben jullie dit ook in het blauw?", Some(Language::Fr), Language::De),
            (Language::De, false)
        );
        assert_eq!(choose("do you have this one in blue?", Some(Language::De), Language::De), (Language::En, true));
    }
}
