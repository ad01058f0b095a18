//! A voice as the YAML file that a person edits: what is set as it stands, what is not as a comment that says what it would do.

use aura::api::Persona;
use serde_json::{Map, Value};

/// Every key in the order of docs/persona.md, with what stands for it while it is not set.
const KEYS: [(&str, &str); 14] = [
    ("name", "Mira                   # what the assistant calls itself when it is asked"),
    ("tone", "warm                   # warm, crisp, formal"),
    ("language", "shopper            # theirs; or always one (de); or only these ([de, en])"),
    ("emoji", "some                  # none, some (one in an answer at most), many"),
    ("greeting", "Welcome to our shop!   # opens the first answer of a conversation"),
    ("sign_off", "Your team              # ends it"),
    ("disclose", "true                   # say at the start that an assistant answers"),
    ("disclosure", "This is our automatic assistant."),
    ("hours", "{en: \"Mon–Fri, 9 am to 6 pm\"}   # when people answer"),
    ("reply_time", "{en: within two hours}       # how soon"),
    ("do", "[Ask for the size when it is missing.]        # rules for models"),
    ("dont", "[Never talk about other shops.]"),
    ("facts", "[Delivery takes 2 to 4 working days.]      # answers may say these, word for word"),
    ("escalate", "[wholesale, allerg*]                     # words on which a person answers"),
];

/// The file for the voice of `slug`. Reading it gives the same voice again.
pub fn persona_file(slug: &str, persona: &Persona) -> String {
    let set = match serde_json::to_value(persona) {
        Ok(Value::Object(set)) => set,
        other => unreachable!("a voice is a JSON object: {other:?}"),
    };
    let head = format!(
        "# The voice of {slug}. Every key is optional, and what is left out takes its default.\n\
         # Save it and close the editor to set it; as it is, nothing changes. docs/persona.md explains each key.\n\n"
    );
    KEYS.iter().map(|(key, otherwise)| line(&set, key, otherwise)).fold(head, |text, line| text + &line)
}

fn line(set: &Map<String, Value>, key: &str, otherwise: &str) -> String {
    match set.get(key) {
        None | Some(Value::Null) => format!("# {key}: {otherwise}\n"),
        Some(value) => {
            let one = Map::from_iter([(key.to_owned(), value.clone())]);
            serde_saphyr::to_string(&one).expect("text, lists and maps of text can be written as YAML")
        }
    }
}

#[cfg(test)]
mod tests {
    use aura::api::{Languages, Spoken};

    use super::*;

    /// Every key, with what YAML is known to stumble over.
    fn full() -> Persona {
        let text = |text: &str| Some(text.to_owned());
        let list = |entries: &[&str]| entries.iter().map(|&entry| entry.to_owned()).collect();
        Persona {
            name: text("No"),
            tone: text("crisp"),
            language: Some(Languages::These(list(&["de", "no"]))),
            emoji: text("none"),
            greeting: text("# Hi: \"you\" & 'all' 🌲\nwelcome"),
            sign_off: text("- yours, {team}: *\u{2029}1e3"),
            disclose: Some(false),
            disclosure: text("سلام, true"),
            hours: Some(Spoken::By([("en".into(), "9:00: always".into())].into())),
            reply_time: Some(Spoken::By([("de".into(), "~".into())].into())),
            dos: list(&["Say: yes", "007", "%"]),
            donts: list(&["null"]),
            facts: list(&[
                "Delivery takes 2 to 4 working days, which is a rather long line for a fact, and it has to stay one.",
            ]),
            escalate: list(&["allerg*", "&anchor", "!tag"]),
        }
    }

    #[test]
    fn what_is_written_reads_as_the_same_voice() {
        for persona in [full(), Persona::default()] {
            let file = persona_file("noor", &persona);
            let read: Persona = serde_saphyr::from_str(&file).unwrap_or_else(|error| panic!("{error}: {file}"));
            assert_eq!(read, persona, "{file}");
        }
    }

    #[test]
    fn every_key_of_a_voice_has_its_place_in_the_file() {
        let Ok(Value::Object(set)) = serde_json::to_value(full()) else { panic!("an object") };
        let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
        assert!(set.values().all(|value| !value.is_null()), "this voice sets every key: {set:?}");
        for key in set.keys() {
            assert!(known.contains(&key.as_str()), "`{key}` would be lost by editing");
        }
    }

    #[test]
    fn what_is_not_set_can_be_set_by_taking_its_mark_away() {
        let file = persona_file("noor", &Persona::default());
        let open: String = file.lines().skip(3).map(|line| line.trim_start_matches("# ").to_owned() + "\n").collect();
        let read: Persona = serde_saphyr::from_str(&open).unwrap_or_else(|error| panic!("{error}: {open}"));
        let Ok(Value::Object(set)) = serde_json::to_value(read) else { panic!("an object") };
        assert_eq!(set.len(), KEYS.len(), "{open}");
        assert!(set.values().all(|value| !value.is_null()), "{set:?}");
    }
}
