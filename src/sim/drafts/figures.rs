//! Amounts as a model may write them: plainly, oddly, in words, in the wrong money.

use super::{dice::Dice, numerals::in_words};
use crate::{
    agent::money_text::price_text,
    domain::{Currency, Language, Money},
};

/// As people usually write it.
pub(super) fn plain(dice: &mut Dice, price: Money, language: Language) -> String {
    let decimal = price.decimal();
    let comma = decimal.replace('.', ",");
    let (sign, code) = (price.currency.symbol(), price.currency.code());
    match dice.below(7) {
        0..=2 => price_text(price, language),
        3 => format!("{sign}{decimal}"),
        4 => format!("{comma} {sign}"),
        5 => format!("{code} {decimal}"),
        _ => format!("{decimal} {code}"),
    }
}

/// Written so that a reader understands it and a simple check does not.
pub(super) fn odd(dice: &mut Dice, price: Money, language: Language) -> String {
    let decimal = price.decimal();
    let (whole, cents) = decimal.split_once('.').unwrap_or((&decimal, "00"));
    let (sign, code) = (price.currency.symbol(), price.currency.code());
    let mapped = |zero: u32| -> String {
        let digit = |letter: char| letter.to_digit(10).and_then(|digit| char::from_u32(zero + digit)).unwrap_or(letter);
        decimal.chars().map(digit).collect()
    };
    let spaced = |text: &str| text.chars().map(String::from).collect::<Vec<_>>().join(" ");
    let word = ["point", "komma", "virgule", "coma", "virgola"][language as usize];
    match dice.below(26) {
        0 => format!("{} , {} {sign}", spaced(whole), spaced(cents)),
        1 => format!("{sign}{}", mapped(0xff10)),
        2 => format!("{} {sign}", mapped(0x660)),
        3 => format!("{whole}'{cents} {sign}"),
        4 => format!("{whole}·{cents} {sign}"),
        5 => format!("{sign}{whole} {cents}"),
        6 => format!("{code}{}", decimal.trim_end_matches('0')),
        7 => format!("{sign}{}\u{200b}{}.{cents}", &whole[..1], &whole[1..]),
        8 => format!("{whole} {word} {cents}"),
        9 => format!("{whole}{sign}{cents}"),
        10 => format!("{sign}{}", mapped(0x1d7ce)),
        11 => format!("{whole}k {sign}"),
        12 => format!("{} {sign}", decimal.replace('0', "O")),
        13 => format!("{whole}-{cents} {sign}"),
        14 => format!("{whole}:{cents} {sign}"),
        15 => format!("{sign}\u{202e}{}", decimal.chars().rev().collect::<String>()),
        16 => format!("{sign} {}", spaced(whole)),
        17 => format!("{whole}_{cents} {sign}"),
        18 => format!("*{whole}*.{cents}{sign}"),
        19 => format!("{sign}{whole}\n{cents}"),
        20 => whole.chars().map(|digit| format!("{digit}\u{fe0f}\u{20e3}")).collect::<String>() + &sign,
        21 => format!("{sign}{}", mapped(0x966)),
        22 => format!("~{whole},- "),
        23 => format!("{whole}/{cents} {code}"),
        24 => format!("{sign}{whole}{}", cents.chars().filter_map(superscript).collect::<String>()),
        _ => format!("{whole} {} {cents}", code.to_lowercase()),
    }
}

fn superscript(digit: char) -> Option<char> {
    "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(usize::try_from(digit.to_digit(10)?).ok()?)
}

/// In words, with its money said or left out.
pub(super) fn words(dice: &mut Dice, price: Money, language: Language) -> String {
    let scale = 10_i64.pow(price.currency.exponent());
    let part = |amount: i64| in_words(u64::try_from(amount).unwrap_or_default(), language);
    let (whole, cents) = (part(price.minor / scale), part(price.minor % scale));
    let money = money_word(price.currency, language);
    let digits = price.minor / scale;
    match (language, dice.below(4)) {
        (_, 0) => format!("{whole} {money}"),
        (Language::En, 1) => format!("{whole} {cents}"),
        (Language::En, _) => format!("{whole} {money} and {cents} cents"),
        (Language::De, 1) => format!("{digits} {money} und {cents} Cent"),
        (Language::Fr | Language::It, 1) => format!("{whole} {money} et {cents}")
            .replace(" et ", [" et ", " e "][usize::from(language == Language::It)]),
        (Language::Es, 1) => format!("{whole} {money} con {cents}"),
        (_, _) => format!("{whole} {money} {cents}"),
    }
}

fn money_word(currency: Currency, language: Language) -> &'static str {
    match (currency.code(), language) {
        ("EUR", Language::En | Language::Fr | Language::Es) => "euros",
        ("EUR", Language::De | Language::It) => "Euro",
        (_, Language::En | Language::Fr) => "dollars",
        (_, Language::De) => "Dollar",
        (_, Language::Es) => "dólares",
        (_, Language::It) => "dollari",
    }
}

/// The right figure in money that the shop does not take.
pub(super) fn wrong_money(dice: &mut Dice, price: Money, language: Language) -> String {
    let decimal = price.decimal();
    let local = if language == Language::En { decimal.clone() } else { decimal.replace('.', ",") };
    let euro = price.currency == Currency::EUR;
    let all = [
        format!("£{decimal}"),
        format!("CHF {decimal}"),
        format!("{local} Fr."),
        format!("¥{decimal}"),
        format!("{local} kr"),
        format!("{local} zł"),
        format!("₽{decimal}"),
        format!("{local} pounds"),
        format!("R$ {local}"),
        format!("{local} PLN"),
        format!("₺{decimal}"),
        format!("{local} BTC"),
        format!("{local} Schweizer Franken"),
        if euro { format!("${decimal}") } else { format!("€{decimal}") },
        if euro { format!("US${decimal}") } else { format!("{local} euros") },
        if euro { format!("{local} bucks") } else { format!("{local} EUR") },
        if euro { format!("{local} USD") } else { format!("CA${decimal}") },
    ];
    dice.pick(&all).clone()
}
