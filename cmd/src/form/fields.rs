//! Which fields the document of a command has, and the choice of some of them.

use std::collections::BTreeMap;

use schemars::Schema;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value as Json;

use super::shapes;
use crate::failure::Failure;

/// A name that is less like the one that was given is no suggestion.
const LIKE_ENOUGH: f64 = 0.75;
/// Deeper than this no document goes.
const DEPTH_MAX: usize = 6;
/// Widest a field's name is shown beside what it is.
const NAME_COLUMNS: usize = 24;

/// The known name that is most like `given`, if one is like it.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let like = |name: &&str| strsim::jaro_winkler(&given.to_lowercase(), &name.to_lowercase());
    let best = known.into_iter().max_by(|a, b| like(a).total_cmp(&like(b)));
    best.filter(|name| like(name) >= LIKE_ENOUGH)
}

/// The fields of a document, of each thing of a list, or of each line of a stream.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    known: BTreeMap<String, Field>,
    /// Names are data here: any may be there.
    open: bool,
}

#[derive(Clone, Debug, Default)]
struct Field {
    about: String,
    inner: Fields,
}

impl Fields {
    /// Of the document that `command` prints.
    pub fn of(command: &str) -> Result<Self, Failure> {
        let schema = shapes::of(command).ok_or_else(|| {
            Failure::usage(format!("`aura {command}` prints no JSON with fields"))
                .hint("`--json` alone prints what there is.")
        })?;
        Ok(Self::of_schema(&schema))
    }

    fn of_schema(schema: &Schema) -> Self {
        let root = schema.as_value();
        let whole = Self::read(root, root, 0);
        // A list has its fields on each of its things.
        match whole.known.get("items") {
            Some(items) => items.inner.clone(),
            None => whole,
        }
    }

    fn read(schema: &Json, root: &Json, depth: usize) -> Self {
        let deeper =
            |schema: &Json| if depth < DEPTH_MAX { Self::read(schema, root, depth + 1) } else { Self::default() };
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            return target.map(deeper).unwrap_or_default();
        }
        if schema == &Json::Bool(true) {
            return Self { open: true, ..Self::default() };
        }
        let mut found = Self { open: schema["additionalProperties"] == Json::Bool(true), ..Self::default() };
        for (name, of) in schema["properties"].as_object().into_iter().flatten() {
            let about = of["description"].as_str().unwrap_or_default();
            let about = about.lines().next().unwrap_or_default().trim_end_matches('.').replace(['`', '[', ']'], "");
            found.known.insert(name.clone(), Field { about, inner: deeper(of) });
        }
        for alternative in ["anyOf", "oneOf", "allOf"] {
            for one in schema[alternative].as_array().into_iter().flatten() {
                found.add(deeper(one));
            }
        }
        if schema["items"].is_object() {
            found.add(deeper(&schema["items"]));
        }
        if schema["additionalProperties"].is_object() {
            found.open = true;
        }
        found
    }

    /// Whether nothing can be chosen.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && !self.open
    }

    fn add(&mut self, other: Self) {
        self.open |= other.open;
        self.known.extend(other.known);
    }

    /// What a person reads who asks which fields there are.
    pub fn help(&self, command: &str) -> String {
        let mut lines = vec![format!("Fields of `aura {command}`:")];
        self.list("", &mut lines);
        if self.open {
            lines.push("  and whatever names the document has".into());
        }
        let first = self.known.keys().take(2).map(String::as_str).collect::<Vec<_>>().join(",");
        lines.push(format!("\nChoose with `--json={first}`; `--json` alone prints everything."));
        lines.join("\n")
    }

    fn list(&self, prefix: &str, lines: &mut Vec<String>) {
        for (name, field) in &self.known {
            let name = format!("{prefix}{name}");
            lines.push(format!("  {name:NAME_COLUMNS$}  {}", field.about).trim_end().to_owned());
            field.inner.list(&format!("{name}."), lines);
        }
    }

    fn names(&self, prefix: &str, names: &mut Vec<String>) {
        for (name, field) in &self.known {
            let name = format!("{prefix}{name}");
            field.inner.names(&format!("{name}."), names);
            names.push(name);
        }
    }

    /// The tree of what is chosen, in the order of the names.
    pub fn choose(&self, command: &str, names: &[String]) -> Result<Tree, Failure> {
        let mut tree = Tree::default();
        for name in names {
            if !self.has(name) {
                return Err(self.unknown(command, name));
            }
            match self.known.contains_key(name) || self.open {
                true => tree.add([name.as_str()].into_iter()),
                false => tree.add(name.split('.')),
            }
        }
        Ok(tree)
    }

    fn has(&self, name: &str) -> bool {
        if self.open && !name.is_empty() || self.known.contains_key(name) {
            return true;
        }
        let Some((first, rest)) = name.split_once('.') else { return false };
        self.known.get(first).is_some_and(|field| field.inner.has(rest))
    }

    fn unknown(&self, command: &str, name: &str) -> Failure {
        let mut names = Vec::new();
        self.names("", &mut names);
        let meant = nearest(name, names.iter().map(String::as_str));
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        let top = self.known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        Failure::usage(format!("`aura {command}` has no field `{name}`{meant}"))
            .hint(format!("Its fields: {top}. `--json=help` says what each one is."))
    }
}

/// Chosen fields, and within each the ones of it; nothing chosen within one is all of it.
#[derive(Debug, Default)]
pub struct Tree(Vec<(String, Self)>);

impl Tree {
    fn add<'a>(&mut self, mut path: impl Iterator<Item = &'a str>) {
        let Some(first) = path.next() else {
            self.0.clear();
            return;
        };
        let at = self.0.iter().position(|(name, _)| name == first);
        match at {
            // All of it was chosen already.
            Some(at) if self.0[at].1.0.is_empty() => {}
            Some(at) => self.0[at].1.add(path),
            None => {
                let mut inner = Self::default();
                inner.add(path);
                self.0.push((first.to_owned(), inner));
            }
        }
    }
}

/// What was chosen of a value, as it is written.
pub struct Picked<'a> {
    value: &'a Json,
    tree: &'a Tree,
}

impl<'a> Picked<'a> {
    /// Of a whole document: of each of its things if it is a list.
    pub fn of(document: &'a Json, tree: &'a Tree) -> Whole<'a> {
        match document.as_object().filter(|document| document.get("items").is_some_and(Json::is_array)) {
            Some(list) => Whole::List { list, tree },
            None => Whole::One(Self { value: document, tree }),
        }
    }
}

/// What was chosen of a document. What stands beside the things of a list stays: it says what is missing there.
pub enum Whole<'a> {
    List { list: &'a serde_json::Map<String, Json>, tree: &'a Tree },
    One(Picked<'a>),
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (list, tree) = match self {
            Self::One(picked) => return picked.serialize(serializer),
            Self::List { list, tree } => (list, tree),
        };
        let mut map = serializer.serialize_map(Some(list.len()))?;
        for (name, value) in *list {
            match name.as_str() {
                "items" => map.serialize_entry(name, &Picked { value, tree })?,
                _ => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

impl Serialize for Picked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, tree } = self;
        match value {
            Json::Array(items) => serializer.collect_seq(items.iter().map(|value| Picked { value, tree })),
            Json::Object(entries) if !tree.0.is_empty() => {
                let mut map = serializer.serialize_map(Some(tree.0.len()))?;
                for (name, inner) in &tree.0 {
                    // What a document leaves out is nothing, and a script finds the name all the same.
                    let value = entries.get(name).unwrap_or(&Json::Null);
                    map.serialize_entry(name, &Picked { value, tree: inner })?;
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(command: &str, names: &[&str], document: &str) -> String {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let tree = Fields::of(command).and_then(|fields| fields.choose(command, &names)).expect("known names");
        let document: Json = serde_json::from_str(document).expect("JSON");
        serde_json::to_string(&Picked::of(&document, &tree)).expect("JSON")
    }

    #[test]
    fn fields_come_in_the_order_of_the_asking() {
        let shops = r#"{"items":[{"slug":"noor","name":"Noor","mode":"live"},{"slug":"hafen","mode":"off"}]}"#;
        assert_eq!(
            chosen("tenant list", &["name", "slug"], shops),
            r#"{"items":[{"name":"Noor","slug":"noor"},{"name":null,"slug":"hafen"}]}"#
        );
        assert_eq!(chosen("tenant list", &["slug"], r#"{"items":[]}"#), r#"{"items":[]}"#);
    }

    #[test]
    fn a_dot_leads_inside_lists_and_things() {
        let found = r#"{"query":"q","results":[{"product_id":"a","price":{"amount":"1","currency":"EUR"}}]}"#;
        assert_eq!(
            chosen("catalog search", &["results.price.amount", "results.product_id"], found),
            r#"{"results":[{"price":{"amount":"1"},"product_id":"a"}]}"#
        );
        // The whole and a part of it is the whole.
        assert_eq!(
            chosen("catalog search", &["results.price", "results.price.amount"], found),
            r#"{"results":[{"price":{"amount":"1","currency":"EUR"}}]}"#
        );
    }

    #[test]
    fn an_unknown_field_is_answered_with_the_nearest() {
        let fields = Fields::of("tenant list").expect("it has fields");
        let failure = fields.choose("tenant list", &["slgu".into()]).expect_err("no such field");
        assert_eq!(failure.exit, 2);
        insta::assert_snapshot!(failure.text(false), @r"
        error: `aura tenant list` has no field `slgu`; did you mean `slug`?
        hint: Its fields: created_at, currency, id, language, mode, name, only_from, slug, state, website. `--json=help` says what each one is.
        ");
        assert!(fields.choose("tenant list", &[String::new()]).is_err());
    }

    #[test]
    fn help_lists_the_fields_with_what_they_are() {
        let fields = Fields::of("secret list").expect("it has fields");
        insta::assert_snapshot!(fields.help("secret list"), @r"
        Fields of `aura secret list`:
          changed_at                When it was last set
          fingerprint               Tells one value from another without telling the value
          name                      Its name, such as meta.app_secret

        Choose with `--json=changed_at,fingerprint`; `--json` alone prints everything.
        ");
    }
}
