//! A shop's voice as a YAML file has it: read, checked, and refused with the line and the key at fault.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use super::Error;
use crate::{
    agent::persona,
    api,
    domain::{
        Language,
        persona::{EmojiRule, LanguageRule, Persona, Tone},
    },
};

/// The file, each value with its place.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    name: Option<Spanned<String>>,
    tone: Option<Spanned<String>>,
    language: Option<Spanned<api::Languages>>,
    emoji: Option<Spanned<String>>,
    greeting: Option<Spanned<String>>,
    sign_off: Option<Spanned<String>>,
    disclose: Option<bool>,
    disclosure: Option<Spanned<String>>,
    hours: Option<Spanned<api::Spoken>>,
    reply_time: Option<Spanned<api::Spoken>>,
    #[serde(rename = "do")]
    dos: Option<Vec<Spanned<String>>>,
    #[serde(rename = "dont")]
    donts: Option<Vec<Spanned<String>>>,
    facts: Option<Vec<Spanned<String>>>,
    escalate: Option<Vec<Spanned<String>>>,
}

/// Reads a voice from YAML, and with it JSON. `language`: the shop's own, which words without one are in.
pub(super) fn read(yaml: &str, language: Language) -> Result<Persona, Error> {
    let file: File = serde_saphyr::from_str(yaml).map_err(|error| Error::invalid(what_is_wrong(&error)))?;
    file.parse(language)
}

impl From<api::Persona> for File {
    fn from(shape: api::Persona) -> Self {
        fn placeless<T>(value: T) -> Spanned<T> {
            Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
        }
        let all = |values: Vec<String>| Some(values.into_iter().map(placeless).collect());
        Self {
            name: shape.name.map(placeless),
            tone: shape.tone.map(placeless),
            language: shape.language.map(placeless),
            emoji: shape.emoji.map(placeless),
            greeting: shape.greeting.map(placeless),
            sign_off: shape.sign_off.map(placeless),
            disclose: shape.disclose,
            disclosure: shape.disclosure.map(placeless),
            hours: shape.hours.map(placeless),
            reply_time: shape.reply_time.map(placeless),
            dos: all(shape.dos),
            donts: all(shape.donts),
            facts: all(shape.facts),
            escalate: all(shape.escalate),
        }
    }
}

impl File {
    /// Checks every value. `own`: the shop's language.
    pub(super) fn parse(self, own: Language) -> Result<Persona, Error> {
        let tone = self.tone.map(|tone| {
            let known = Tone::ALL.map(Tone::as_str).join(", ");
            Tone::parse(&tone.value)
                .ok_or_else(|| at(&tone, &format!("tone: `{}` is not a tone: {known}", shown(&tone.value))))
        });
        let emoji = self.emoji.map(|rule| {
            let known = EmojiRule::ALL.map(EmojiRule::as_str).join(", ");
            EmojiRule::parse(&rule.value)
                .ok_or_else(|| at(&rule, &format!("emoji: `{}` is none of {known}", shown(&rule.value))))
        });
        let emoji = emoji.transpose()?;
        let plain = |key: &str, words: Option<Spanned<String>>| {
            let Some(words) = filled(key, words, Persona::WORDS_CHARS_MAX)? else { return Ok(None) };
            if emoji == Some(EmojiRule::Never) && persona::has_emoji(&words.value) {
                return Err(at(&words, &format!("{key} has an emoji, and `emoji` is `none`")));
            }
            Ok(Some(words.value))
        };
        let name = filled("name", self.name, Persona::NAME_CHARS_MAX)?;
        Ok(Persona {
            name: name.map(|name| one_line("name", name)).transpose()?.unwrap_or_default(),
            tone: tone.transpose()?.unwrap_or_default(),
            language: self.language.map_or(Ok(LanguageRule::Shopper), languages)?,
            emoji,
            greeting: plain("greeting", self.greeting)?,
            sign_off: plain("sign_off", self.sign_off)?,
            disclose: self.disclose.unwrap_or(Persona::default().disclose),
            disclosure: plain("disclosure", self.disclosure)?,
            hours: spoken("hours", self.hours, own)?,
            reply_time: spoken("reply_time", self.reply_time, own)?,
            dos: lines("do", self.dos, Persona::RULES_MAX, Persona::RULE_CHARS_MAX)?,
            donts: lines("dont", self.donts, Persona::RULES_MAX, Persona::RULE_CHARS_MAX)?,
            facts: facts(self.facts)?,
            escalate: topics(self.escalate)?,
        })
    }
}

/// `shopper`, one code, or codes.
fn languages(rule: Spanned<api::Languages>) -> Result<LanguageRule, Error> {
    let codes = match &rule.value {
        api::Languages::One(word) if word.trim() == LanguageRule::SHOPPER => return Ok(LanguageRule::Shopper),
        api::Languages::One(code) => std::slice::from_ref(code),
        api::Languages::These(codes) => codes.as_slice(),
    };
    let mut these = Vec::new();
    for code in codes {
        let language: Language =
            code.parse().map_err(|error| at(&rule, &format!("language: {error}, or `{}`", LanguageRule::SHOPPER)))?;
        if !these.contains(&language) {
            these.push(language);
        }
    }
    if these.is_empty() {
        return Err(at(&rule, "language names none"));
    }
    Ok(LanguageRule::Only(these))
}

/// Statements that hold by themselves, each on one line.
fn facts(given: Option<Vec<Spanned<String>>>) -> Result<Vec<String>, Error> {
    const WORDS_MIN: usize = Persona::FACT_WORDS_MIN;
    let places: Vec<Location> = given.iter().flatten().map(|fact| fact.referenced).collect();
    let facts = lines("facts", given, Persona::FACTS_MAX, Persona::FACT_CHARS_MAX)?;
    let short = facts.iter().zip(1..).zip(places).find(|((fact, _), _)| fact.split_whitespace().count() < WORDS_MIN);
    match short {
        Some(((_, number), place)) => {
            let wrong = format!("facts: number {number} is no statement: it has fewer than {WORDS_MIN} words");
            Err(at(&Spanned::new((), place, place), &wrong))
        }
        None => Ok(facts),
    }
}

/// Words to be found in what shoppers write.
fn topics(given: Option<Vec<Spanned<String>>>) -> Result<Vec<String>, Error> {
    let places: Vec<Location> = given.iter().flatten().map(|topic| topic.referenced).collect();
    let topics = lines("escalate", given, Persona::TOPICS_MAX, Persona::TOPIC_CHARS_MAX)?;
    for ((topic, number), place) in topics.iter().zip(1..).zip(places) {
        let stem = topic.strip_suffix('*').unwrap_or(topic);
        if stem.contains('*') || !stem.chars().any(char::is_alphanumeric) {
            let wrong = format!("escalate: number {number} is no word, nor words with `*` at their end");
            return Err(at(&Spanned::new((), place, place), &wrong));
        }
    }
    Ok(topics)
}

/// Entries of a list, each one line that is not empty.
fn lines(key: &str, given: Option<Vec<Spanned<String>>>, most: usize, chars_max: usize) -> Result<Vec<String>, Error> {
    let given = given.unwrap_or_default();
    if let Some(extra) = given.get(most) {
        return Err(at(extra, &format!("{key} has more than {most} entries")));
    }
    let line = |(entry, number): (Spanned<String>, usize)| {
        let place = format!("{key}: number {number}");
        let empty = at(&entry, &format!("{place} is empty"));
        one_line(&place, filled(&place, Some(entry), chars_max)?.ok_or(empty)?)
    };
    given.into_iter().zip(1..).map(line).collect()
}

/// Trimmed; nothing where it is empty.
fn filled(key: &str, given: Option<Spanned<String>>, chars_max: usize) -> Result<Option<Spanned<String>>, Error> {
    let Some(mut given) = given else { return Ok(None) };
    given.value = given.value.trim().to_owned();
    if given.value.chars().count() > chars_max {
        return Err(at(&given, &format!("{key} has more than {chars_max} characters")));
    }
    if given.value.chars().any(|letter| letter.is_control() && letter != '\n') || persona::hides(&given.value) {
        return Err(at(&given, &format!("{key} has characters that nobody sees")));
    }
    Ok(Some(given).filter(|given| !given.value.is_empty()))
}

fn one_line(key: &str, given: Spanned<String>) -> Result<String, Error> {
    if given.value.contains('\n') {
        return Err(at(&given, &format!("{key} is more than one line")));
    }
    Ok(given.value)
}

/// One short line for each language; what is empty is left out.
fn spoken(key: &str, given: Option<Spanned<api::Spoken>>, own: Language) -> Result<BTreeMap<Language, String>, Error> {
    const CHARS_MAX: usize = Persona::TIME_CHARS_MAX;
    let Some(given) = given else { return Ok(BTreeMap::new()) };
    let by_code: Vec<(Option<&String>, &String)> = match &given.value {
        api::Spoken::Own(words) => vec![(None, words)],
        api::Spoken::By(words) => words.iter().map(|(code, words)| (Some(code), words)).collect(),
    };
    let mut parsed = BTreeMap::new();
    for (code, words) in by_code {
        let place = code.map_or_else(|| key.to_owned(), |code| format!("{key}.{code}"));
        let language = code.map_or(Ok(own), |code| code.parse());
        let language = language.map_err(|error| at(&given, &format!("{place}: {error}")))?;
        let words = words.trim().trim_end_matches('.');
        if words.chars().any(char::is_control) {
            return Err(at(&given, &format!("{place} is more than one line")));
        }
        if words.chars().count() > CHARS_MAX {
            return Err(at(&given, &format!("{place} has more than {CHARS_MAX} characters")));
        }
        if !words.is_empty() && parsed.insert(language, words.to_owned()).is_some() {
            return Err(at(&given, &format!("{key} has words for {language} twice")));
        }
    }
    Ok(parsed)
}

/// A fault with its line, as far as the text has lines.
fn at<T>(value: &Spanned<T>, wrong: &str) -> Error {
    Error::invalid(match value.referenced.line() {
        0 => wrong.to_owned(),
        line => format!("line {line}: {wrong}"),
    })
}

/// What was given, short enough for an error.
fn shown(given: &str) -> String {
    const SHOWN_MAX: usize = 40;
    given.chars().filter(|letter| !letter.is_control()).take(SHOWN_MAX).collect()
}

/// The first line says what and where; the lines after it draw the place.
fn what_is_wrong(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    format!("the persona cannot be read: {}", line.trim_start_matches("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(yaml: &str) -> String {
        format!("{:?}", read(yaml, Language::En).expect_err(yaml))
    }

    #[test]
    fn a_whole_file_is_read() {
        let yaml = "\
name: Mira
tone: crisp
language: [de, en]
emoji: none
greeting: Moin!
sign_off: Dein Noor-Team
disclose: false
disclosure: Hier schreibt ein Assistent.
hours: {de: 'Mo-Fr, 9 bis 18 Uhr.'}
reply_time: within two hours
do: [Ask for the size.]
dont:
  - Never talk about other shops.
facts:
  - Delivery within Germany takes 2 to 4 working days.
  - >
    Our showroom in Berlin
    is open Monday to Saturday.
escalate: [allerg*, bridal fitting]
";
        let persona = read(yaml, Language::En).expect("a voice");
        assert_eq!(persona.language, LanguageRule::Only(vec![Language::De, Language::En]));
        assert_eq!((persona.emoji, persona.tone, persona.disclose), (Some(EmojiRule::Never), Tone::Crisp, false));
        assert_eq!(persona.facts[1], "Our showroom in Berlin is open Monday to Saturday.");
        assert_eq!(persona.hours[&Language::De], "Mo-Fr, 9 bis 18 Uhr");
        assert_eq!((persona.dos.len(), persona.donts.len(), persona.escalate.len()), (1, 1, 2));
        assert_eq!(read("", Language::En).expect("nothing is the default"), Persona::default());
        assert_eq!(read("language: shopper", Language::En).expect("a word").language, LanguageRule::Shopper);
    }

    #[test]
    fn a_fault_is_named_with_its_line_and_its_key() {
        let long = "x".repeat(401);
        for (yaml, wrong) in [
            ("name: Mira\ntone: loud\n", "line 2: tone: `loud` is not a tone: warm, crisp, formal"),
            ("emoji: lots", "line 1: emoji: `lots` is none of none, some, many"),
            ("\n\nlanguage: nl", "line 3: language: `nl` is not one of"),
            ("language: []", "line 1: language names none"),
            ("emoji: none\ngreeting: Hi 😊", "line 2: greeting has an emoji"),
            ("facts:\n  - Delivery takes 2 days.\n  - Yes!\n", "line 3: facts: number 2 is no statement"),
            ("facts:\n  - ''\n", "line 2: facts: number 1 is empty"),
            (&format!("do:\n  - {long}\n"), "line 2: do: number 1 has more than 200 characters"),
            (&format!("facts: [a b c, {long}]"), "line 1: facts: number 2 has more than 400 characters"),
            (&format!("greeting: {long}"), "line 1: greeting has more than 300 characters"),
            ("escalate:\n  - ok\n  - '*'\n", "line 3: escalate: number 2 is no word"),
            ("escalate: ['a*b']", "line 1: escalate: number 1 is no word"),
            (&format!("dont: [{}]", "x, ".repeat(21)), "line 1: dont has more than 20 entries"),
            ("name: \"a\\u200bb\"", "line 1: name has characters that nobody sees"),
            ("name: \"a\\nb\"", "line 1: name is more than one line"),
        ] {
            let said = refused(yaml);
            assert!(said.contains(wrong), "{yaml}: {said}");
        }
        for (yaml, key) in [("name: x\ntoen: warm", "toen"), ("facts: just one", "facts"), ("do: 3", "do")] {
            let said = refused(yaml);
            assert!(said.contains("line") && (said.contains(key) || key != "toen"), "{yaml}: {said}");
        }
    }
}
