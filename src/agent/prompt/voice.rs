//! The shop's voice and what it states of itself, as instructions. The same for every turn of a shop.
//!
//! What code can see to, code sees to as well: greeting, sign-off, disclosure, the number of emoji, the topics that are left
//! to people. It is said here so that a draft fits what is put around it.

use super::{language_name, quoted};
use crate::domain::{
    Language,
    evidence::SourceId,
    persona::{EmojiRule, LanguageRule, Persona, Tone},
};

/// The lines of the voice. `own`: the shop's language, which its own words are in.
pub(super) fn voice(persona: &Persona, own: Language) -> Vec<String> {
    let mut lines = Vec::new();
    if !persona.name.trim().is_empty() {
        lines.push(format!("- Your name is {}. Use it only when you are asked.", quoted(&persona.name)));
    }
    lines.push(match persona.tone {
        Tone::Warm => "- Friendly and personal.".into(),
        Tone::Crisp => "- Short and matter-of-fact. No exclamation marks.".into(),
        Tone::Formal => "- Polite and formal (Sie, vous, usted, Lei).".into(),
    });
    lines.push(match persona.emoji_rule() {
        EmojiRule::Never => "- No emoji.".into(),
        EmojiRule::Sparing => "- At most one emoji in an answer.".into(),
        EmojiRule::Free => "- Emoji are welcome.".into(),
    });
    if let LanguageRule::Only(these) = &persona.language {
        let names: Vec<&str> = these.iter().copied().map(language_name).collect();
        lines.push(format!(
            "- Answer in no other language than {}, whatever the shopper writes in.",
            names.join(" or ")
        ));
    }
    let first = format!("- The first answer of a conversation in {}", language_name(own));
    if let Some(greeting) = &persona.greeting {
        lines.push(format!("{first} begins with: {}", quoted(greeting)));
    }
    if let Some(sign_off) = &persona.sign_off {
        lines.push(format!("{first} ends with: {}", quoted(sign_off)));
    }
    lines.extend(persona.dos.iter().map(|rule| format!("- Do: {}", quoted(rule))));
    lines.extend(persona.donts.iter().map(|rule| format!("- Do not: {}", quoted(rule))));
    lines
}

/// What the shop states of itself, with the sources to cite; nothing where it states nothing.
pub(super) fn facts(persona: &Persona) -> Vec<String> {
    if persona.facts.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        "# What the shop states of itself".into(),
        "- Say such a statement whole and word for word, and cite its source; do not shorten, translate or combine it."
            .into(),
    ];
    let fact = |(number, fact): (usize, &String)| format!("- {}: {}", SourceId::Fact(number), quoted(fact));
    lines.extend((1..).zip(&persona.facts).map(fact));
    lines.push(String::new());
    lines
}
