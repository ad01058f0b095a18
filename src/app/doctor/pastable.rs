//! What may be pasted where strangers read it.

/// A run of so many digits is an id of Meta's.
const DIGITS_MIN: usize = 10;
/// Characters of an id that tell it from the few others in one report.
const KEPT: usize = 4;
/// A word of ours with a UUID behind it has at least so many characters.
const ID_MIN: usize = 36;

/// The text with ids cut short and the home directory as `~`.
pub(super) fn pastable(text: &str, home: Option<&str>) -> String {
    let text = match home.map(|home| home.trim_end_matches('/')).filter(|home| home.len() > 1) {
        Some(home) => text.replace(home, "~"),
        None => text.to_owned(),
    };
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let mut fit = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|character| !is_part(character)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        fit.push_str(before);
        fit.push_str(&short(word));
        rest = after;
    }
    fit + rest
}

fn short(word: &str) -> String {
    let is_number = word.len() >= DIGITS_MIN && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return format!("{}…", &word[..KEPT]);
    }
    match word.split_once('_') {
        Some((kind, id)) if word.len() >= ID_MIN && id.contains('-') => format!("{kind}_{}…", &id[..KEPT]),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_short_and_the_home_directory_has_no_name() {
        let text = "account 17841460012345678 of ten_0192f5c8-0000-7000-8000-00000000dead in /home/ana/.local/aura/tenants, \
                    12 of 2026-11-22";
        let fit = pastable(text, Some("/home/ana/"));
        assert_eq!(fit, "account 1784… of ten_0192… in ~/.local/aura/tenants, 12 of 2026-11-22");
        assert_eq!(pastable("/data/aura", Some("/")), "/data/aura");
        assert_eq!(pastable("schön – 9 €", None), "schön – 9 €");
    }
}
