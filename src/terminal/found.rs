//! Why a search found a product, in a line.

use crate::api::MetWord;

/// `title: linen shirt; text: blue; not there: kids`: the words that were looked for, by where the product has them.
/// Nothing where no word was looked for, as by an article number.
#[must_use]
pub fn found_by(words: &[MetWord]) -> String {
    let places = [Some("title"), Some("brand"), Some("text"), None];
    let part = |place: Option<&str>| {
        let here = words.iter().filter(|met| met.at.as_deref() == place).map(|met| met.word.as_str());
        let here: Vec<&str> = here.collect();
        (!here.is_empty()).then(|| format!("{}: {}", place.unwrap_or("not there"), here.join(" ")))
    };
    places.into_iter().filter_map(part).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_by_where_they_are() {
        let met = |word: &str, at: Option<&str>| MetWord { word: word.into(), at: at.map(str::to_owned) };
        let words =
            [met("blue", Some("text")), met("linen", Some("title")), met("kid", None), met("shirt", Some("title"))];
        assert_eq!(found_by(&words), "title: linen shirt; text: blue; not there: kid");
        assert_eq!(found_by(&[]), "");
    }
}
