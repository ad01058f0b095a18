//! Whole numbers below a thousand in words, as people say them in our languages.

use crate::domain::Language;

/// The words for a number below 1000; digits for anything larger.
pub(super) fn in_words(number: u64, language: Language) -> String {
    match language {
        _ if number >= 1000 => number.to_string(),
        Language::En => english(number),
        Language::De => german(number),
        Language::Fr => french(number),
        Language::Es => spanish(number),
        Language::It => italian(number),
    }
}

fn at(words: &str, index: u64) -> &str {
    usize::try_from(index).ok().and_then(|index| words.split(' ').nth(index)).unwrap_or_default()
}

fn english(number: u64) -> String {
    const SMALL: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen";
    const TENS: &str = "- - twenty thirty forty fifty sixty seventy eighty ninety";
    match (number / 100, number % 100) {
        (0, rest @ 0..20) => at(SMALL, rest).to_owned(),
        (0, rest) if rest % 10 == 0 => at(TENS, rest / 10).to_owned(),
        (0, rest) => format!("{}-{}", at(TENS, rest / 10), at(SMALL, rest % 10)),
        (hundreds, 0) => format!("{} hundred", at(SMALL, hundreds)),
        (hundreds, rest) => format!("{} hundred and {}", at(SMALL, hundreds), english(rest)),
    }
}

fn german(number: u64) -> String {
    const SMALL: &str = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn";
    const UNITS: &str = "- ein zwei drei vier fünf sechs sieben acht neun";
    const TENS: &str = "- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig";
    match (number / 100, number % 100) {
        (0, rest @ 0..20) => at(SMALL, rest).to_owned(),
        (0, rest) if rest % 10 == 0 => at(TENS, rest / 10).to_owned(),
        (0, rest) => format!("{}und{}", at(UNITS, rest % 10), at(TENS, rest / 10)),
        (hundreds, 0) => format!("{}hundert", at(UNITS, hundreds)),
        (hundreds, rest) => format!("{}hundert{}", at(UNITS, hundreds), german(rest)),
    }
}

fn french(number: u64) -> String {
    const SMALL: &str = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf";
    const TENS: &str = "- - vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt";
    match (number / 100, number % 100) {
        (0, rest @ 0..20) => at(SMALL, rest).to_owned(),
        (0, 71) => "soixante et onze".to_owned(),
        (0, 80) => "quatre-vingts".to_owned(),
        (0, rest @ (70..80 | 90..100)) => format!("{}-{}", at(TENS, rest / 10), at(SMALL, rest % 10 + 10)),
        (0, rest) if rest % 10 == 0 => at(TENS, rest / 10).to_owned(),
        (0, rest) if rest % 10 == 1 && rest < 80 => format!("{} et un", at(TENS, rest / 10)),
        (0, rest) => format!("{}-{}", at(TENS, rest / 10), at(SMALL, rest % 10)),
        (1, 0) => "cent".to_owned(),
        (1, rest) => format!("cent {}", french(rest)),
        (hundreds, 0) => format!("{} cents", at(SMALL, hundreds)),
        (hundreds, rest) => format!("{} cent {}", at(SMALL, hundreds), french(rest)),
    }
}

fn spanish(number: u64) -> String {
    const SMALL: &str = "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve";
    const TENS: &str = "- - veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa";
    const HUNDREDS: &str =
        "- ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos";
    match (number / 100, number % 100) {
        (0, rest @ 0..30) => at(SMALL, rest).to_owned(),
        (0, rest) if rest % 10 == 0 => at(TENS, rest / 10).to_owned(),
        (0, rest) => format!("{} y {}", at(TENS, rest / 10), at(SMALL, rest % 10)),
        (1, 0) => "cien".to_owned(),
        (hundreds, 0) => at(HUNDREDS, hundreds).to_owned(),
        (hundreds, rest) => format!("{} {}", at(HUNDREDS, hundreds), spanish(rest)),
    }
}

fn italian(number: u64) -> String {
    const SMALL: &str = "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove";
    const TENS: &str = "- - venti trenta quaranta cinquanta sessanta settanta ottanta novanta";
    match (number / 100, number % 100) {
        (0, rest @ 0..20) => at(SMALL, rest).to_owned(),
        (0, rest) => {
            let (tens, unit) = (at(TENS, rest / 10), rest % 10);
            // `ventuno`, `ventotto`: the vowel before a vowel goes.
            let stem = if matches!(unit, 1 | 8) { &tens[..tens.len() - 1] } else { tens };
            if unit == 0 { tens.to_owned() } else { format!("{stem}{}", at(SMALL, unit)) }
        }
        (1, 0) => "cento".to_owned(),
        (1, rest) => format!("cento{}", italian(rest)),
        (hundreds, 0) => format!("{}cento", at(SMALL, hundreds)),
        (hundreds, rest) => format!("{}cento{}", at(SMALL, hundreds), italian(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (number, words) in [
            (49, ["forty-nine", "neunundvierzig", "quarante-neuf", "cuarenta y nueve", "quarantanove"]),
            (91, ["ninety-one", "einundneunzig", "quatre-vingt-onze", "noventa y uno", "novantuno"]),
            (120, ["one hundred and twenty", "einhundertzwanzig", "cent vingt", "ciento veinte", "centoventi"]),
        ] {
            assert_eq!(Language::ALL.map(|language| in_words(number, language)), words);
        }
    }
}
