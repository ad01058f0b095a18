//! Numbers in words, in all our languages: what they mean, so that "two years" and "2 Jahre" are the same.

use std::{collections::HashMap, sync::LazyLock};

/// Below this a number in words is everyday talk: "two suggestions", "one moment".
pub(super) const TELLING_MIN: u64 = 11;

/// Words of one number, folded, all languages; compounds are taken apart.
const WORDS: &[(u64, &str)] = &[
    (0, "zero null cero"),
    (1, "one ein eins eine einen einem un une uno una"),
    (2, "two zwei deux dos due"),
    (3, "three drei trois tres tre"),
    (4, "four vier quatre cuatro quattro"),
    (5, "five funf cinq cinco cinque"),
    (6, "six sechs seis"),
    (7, "seven sieben sept siete sette"),
    (8, "eight acht huit ocho otto"),
    (9, "nine neun neuf nueve nove"),
    (10, "ten zehn dix diez dieci"),
    (11, "eleven onze undici"),
    (12, "twelve zwolf douze doce dodici"),
    (13, "thirteen dreizehn treize trece tredici"),
    (14, "fourteen vierzehn quatorze catorce quattordici"),
    (15, "fifteen funfzehn quinze quince quindici"),
    (16, "sixteen sechzehn seize dieciseis sedici"),
    (17, "seventeen siebzehn diecisiete diciassette"),
    (18, "eighteen achtzehn dieciocho diciotto"),
    (19, "nineteen neunzehn diecinueve diciannove"),
    (20, "twenty zwanzig vingt vingts veinte venti vent"),
    (21, "veintiuno veintiun"),
    (22, "veintidos"),
    (23, "veintitres"),
    (24, "veinticuatro"),
    (25, "veinticinco"),
    (26, "veintiseis"),
    (27, "veintisiete"),
    (28, "veintiocho"),
    (29, "veintinueve"),
    (30, "thirty dreissig trente treinta trenta trent"),
    (40, "forty vierzig quarante cuarenta quaranta quarant"),
    (50, "fifty funfzig cinquante cincuenta cinquanta cinquant"),
    (60, "sixty sechzig soixante sesenta sessanta sessant"),
    (70, "seventy siebzig septante setenta settanta settant"),
    (80, "eighty achtzig octante ochenta ottanta ottant"),
    (90, "ninety neunzig nonante noventa novanta novant"),
    (100, "hundred hundert einhundert cien ciento cento"),
    (200, "doscientos doscientas"),
    (300, "trescientos trescientas"),
    (400, "cuatrocientos cuatrocientas"),
    (500, "quinientos quinientas"),
    (600, "seiscientos seiscientas"),
    (700, "setecientos setecientas"),
    (800, "ochocientos ochocientas"),
    (900, "novecientos novecientas"),
    (1000, "thousand tausend eintausend mille mil"),
];

static VALUES: LazyLock<HashMap<&str, u64>> =
    LazyLock::new(|| WORDS.iter().flat_map(|(value, words)| words.split(' ').map(|word| (word, *value))).collect());

/// What a folded word means as a number; nothing for a word that is none.
pub(super) fn value(word: &str) -> Option<u64> {
    VALUES.get(word).copied().or_else(|| compound(word))
}

/// `neunundvierzig`, `einhundertzwanzig`, `quarantanove`, `centoventi`.
fn compound(word: &str) -> Option<u64> {
    let joined = word.match_indices("und").find_map(|(at, und)| {
        let simple = |part: &str| VALUES.get(part).copied();
        match (simple(&word[..at])?, simple(&word[at + und.len()..])?) {
            (units @ 1..=9, tens @ 20..=90) => Some(units + tens),
            _ => None,
        }
    });
    if joined.is_some() {
        return joined;
    }
    for (hundred, letters) in [("hundert", 7), ("cento", 5)] {
        if let Some(at) = word.find(hundred) {
            let (before, after) = (&word[..at], &word[at + letters..]);
            let hundreds = if before.is_empty() { 1 } else { value(before).filter(|units| *units < 10)? };
            let rest = if after.is_empty() { 0 } else { value(after).filter(|rest| *rest < 100)? };
            return Some(hundreds * 100 + rest);
        }
    }
    const ITALIAN_TENS: [(&str, u64); 8] = [
        ("vent", 20),
        ("trent", 30),
        ("quarant", 40),
        ("cinquant", 50),
        ("sessant", 60),
        ("settant", 70),
        ("ottant", 80),
        ("novant", 90),
    ];
    ITALIAN_TENS.iter().find_map(|(stem, tens)| {
        let rest = word.strip_prefix(stem)?;
        let units = rest.strip_prefix(['a', 'i']).unwrap_or(rest);
        value(units).filter(|units| (1..10).contains(units)).map(|units| tens + units)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_numbers() {
        for (word, number) in [
            ("neunundvierzig", Some(49)),
            ("einhundertzwanzig", Some(120)),
            ("quarantanove", Some(49)),
            ("ventuno", Some(21)),
            ("centoventi", Some(120)),
            ("forty", Some(40)),
            ("veintidos", Some(22)),
            ("wunderbar", None),
            ("und", None),
            ("hundertprozentig", None),
            ("trentino", None),
        ] {
            assert_eq!(value(word), number, "{word}");
        }
    }
}
