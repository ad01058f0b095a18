//! What notifications say, in the languages of tenants.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::domain::Language;

/// Every phrase in every language.
static WORDING: LazyLock<BTreeMap<String, BTreeMap<String, String>>> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("wording.yaml")).expect("a test reads the embedded file"));

/// The phrase in a language; `None`: there is no such phrase.
pub(super) fn find(key: &str, language: Language) -> Option<&'static str> {
    WORDING.get(key)?.get(language.code()).map(String::as_str)
}

/// The phrase with its holes filled.
pub(super) fn say(key: &str, language: Language, holes: &[(&str, &str)]) -> String {
    let mut said = String::new();
    let mut rest = find(key, language).unwrap_or_default();
    // What is filled in is not looked at for holes again.
    while let Some((before, hole)) = rest.split_once('{') {
        let (name, after) = hole.split_once('}').unwrap_or((hole, ""));
        said.push_str(before);
        said.push_str(holes.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = after;
    }
    said.push_str(rest);
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::turn::HandOverReason;

    #[test]
    fn every_phrase_is_there_in_every_language_with_the_same_holes() {
        let holes = |text: &str| {
            let mut found: Vec<_> =
                text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default().to_owned()).collect();
            found.sort();
            found
        };
        for (key, languages) in WORDING.iter() {
            assert_eq!(languages.len(), Language::ALL.len(), "{key}");
            let english = holes(&languages["en"]);
            for language in Language::ALL {
                let text = languages.get(language.code()).unwrap_or_else(|| panic!("{key} has no {language}"));
                assert_eq!(holes(text), english, "{key} {language}");
                assert!(!text.trim().is_empty() && text.trim() == text, "{key} {language}");
            }
        }
    }

    #[test]
    fn every_reason_has_a_sentence() {
        let hand_over = HandOverReason::ALL.map(|reason| format!("hand_over.{}", reason.as_str()));
        let parked = [
            "window_closed",
            "too_old",
            "held",
            "refused",
            "account_not_connected",
            "guard",
            "collaboration",
            "business",
            "job",
            "other",
        ];
        let others = ["draft.waiting", "account.refused", "account.restored", "silent.silent", "silent.heard"];
        let all = hand_over.into_iter().chain(parked.map(|reason| format!("parked.{reason}")));
        for key in all.chain(others.map(str::to_owned)) {
            assert!(WORDING.contains_key(&key), "{key}");
        }
    }

    #[test]
    fn what_is_filled_in_is_never_a_hole() {
        let said = say("waits_since", Language::En, &[("time", "{account}"), ("account", "x")]);
        assert!(said.contains("{account}"), "{said}");
    }
}
