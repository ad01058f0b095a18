//! Sizes in one spelling: `M`, `medium` and `Medium (38)` all hold `m`.

use super::analyze::fold;

/// What an option of sizes is called, folded; names are looked at for these beginnings.
const NAMES: [&str; 11] =
    ["size", "gross", "groess", "taille", "talla", "tamano", "taglia", "misura", "pointure", "schuhgr", "konfektion"];

/// Whether an option of this name holds sizes.
#[must_use]
pub fn is_size_name(name: &str) -> bool {
    super::analyze::words(name).iter().any(|word| NAMES.iter().any(|known| word.starts_with(known)))
}

/// The sizes that an option value stands for; empty when it is not about size.
#[must_use]
pub fn of_option(name: &str, value: &str) -> Vec<String> {
    if !is_size_name(name) {
        // `Variant: M` is a size too, `Material: M` is unlikely enough.
        return letters(&compact(value)).map(str::to_owned).into_iter().collect();
    }
    if let Some(whole) = letters(&compact(value)).or_else(|| spoken(&compact(value))) {
        return vec![whole.to_owned()];
    }
    let parts = value.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == ','));
    let mut sizes: Vec<String> = parts.filter_map(one).collect();
    sizes.dedup();
    sizes
}

/// One written size in our spelling: letters, a number, a number with a half, trouser sizes such as `w32`.
#[must_use]
pub fn one(text: &str) -> Option<String> {
    let folded = compact_keeping_point(text);
    if let Some(size) = letters(&folded).or_else(|| spoken(&folded)) {
        return Some(size.to_owned());
    }
    let digits = folded.strip_prefix(['w', 'l']).unwrap_or(&folded);
    let (whole, half) = digits.split_once('.').unwrap_or((digits, ""));
    let number = |text: &str, most: usize| text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    (!whole.is_empty() && number(whole, 3) && number(half, 1)).then_some(folded)
}

/// A size in letters, in our spelling.
#[must_use]
pub fn letters(folded: &str) -> Option<&'static str> {
    Some(match folded {
        "xxxs" | "3xs" => "3xs",
        "xxs" | "2xs" => "2xs",
        "xs" => "xs",
        "s" => "s",
        "m" => "m",
        "l" => "l",
        "xl" => "xl",
        "xxl" | "2xl" => "2xl",
        "xxxl" | "3xl" => "3xl",
        "xxxxl" | "4xl" => "4xl",
        "5xl" => "5xl",
        _ => return None,
    })
}

/// A size in words, in our spelling. Only where it is clear that a size is meant: a `small table` is none.
#[must_use]
pub fn spoken(folded: &str) -> Option<&'static str> {
    Some(match folded {
        "extrasmall" | "xsmall" => "xs",
        "small" | "klein" | "petit" | "petite" | "pequeno" | "pequena" | "piccolo" | "piccola" => "s",
        "medium" | "mittel" | "moyen" | "moyenne" | "mediano" | "mediana" | "medio" | "media" => "m",
        "large" | "gross" | "grand" | "grande" => "l",
        "extralarge" | "xlarge" => "xl",
        "xxlarge" => "2xl",
        "onesize" | "einheitsgrosse" | "tailleunique" | "tallaunica" | "tagliaunica" | "unica" | "unique" => "onesize",
        _ => return None,
    })
}

fn compact(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn compact_keeping_point(text: &str) -> String {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    text.split(['.', ',']).map(compact).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_values_become_sizes() {
        for (name, value, expected) in [
            ("Size", "Medium", &["m"][..]),
            ("Größe", "XXL", &["2xl"]),
            ("Taille", "M (38-40)", &["m", "38", "40"]),
            ("Shoe size", "EU 42,5", &["42.5"]),
            ("Talla", "X-Large", &["xl"]),
            ("Size", "W32/L34", &["w32", "l34"]),
            ("Colour", "Red", &[]),
            ("Variant", "M", &["m"]),
            ("Finish", "42", &[]),
            ("Taglia", "Unica", &["onesize"]),
        ] {
            assert_eq!(of_option(name, value), expected, "{name}: {value}");
        }
    }
}
