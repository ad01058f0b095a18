//! `--jq`: an expression over the document, as jq reads it. Strings are printed as they are, anything else as JSON.

use jaq_core::{
    Compiler, Ctx, Filter, Vars,
    data::JustLut,
    load::{self, Arena, File, Loader},
    unwrap_valr,
};
use jaq_json::{Val, read};

use super::interrupt;
use crate::failure::Failure;

/// An expression that makes sense.
pub struct Jq {
    filter: Filter<JustLut<Val>>,
}

impl std::fmt::Debug for Jq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jq").finish_non_exhaustive()
    }
}

impl Jq {
    /// Reads an expression; says where it makes no sense.
    pub fn new(expression: &str) -> Result<Self, Failure> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code: expression, path: () })
            .map_err(|errors| refused(expression, first_of(&errors)))?;
        let filter = Compiler::default().with_funs(functions).compile(modules).map_err(|errors| {
            let first = errors.first().and_then(|(file, errors)| Some((file.code, errors.first()?)));
            let (part, what) = match first {
                Some((_, (part, undefined))) => (*part, format!("there is no {} `{part}`", undefined.as_str())),
                None => (expression, "it makes no sense".to_owned()),
            };
            refused(expression, (part, what))
        })?;
        Ok(Self { filter })
    }

    /// The results, a line each.
    pub fn run(&self, json: &str) -> Result<Vec<String>, Failure> {
        let input = read::parse_single(json.as_bytes())
            .map_err(|error| Failure::new(1, "failed", format!("the result is not JSON: {error}")))?;
        let _computing = interrupt::computing();
        let context = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let results = self.filter.id.run((context, input)).map(unwrap_valr);
        let line = |result| match result {
            Ok(Val::TStr(text) | Val::BStr(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
            Ok(value) => Ok(value.to_string()),
            Err(error) => Err(Failure::new(2, "jq_failed", format!("`--jq` does not fit the result: {error}"))
                .hint("Print the whole result with `--json` to see what is in it.")),
        };
        results.map(line).collect()
    }
}

/// What is wrong first, and the part of the expression that it is about.
fn first_of<'a>(errors: &load::Errors<&'a str, ()>) -> (&'a str, String) {
    use load::Error::{Io, Lex, Parse};
    let Some((file, error)) = errors.first() else { return ("", "it makes no sense".into()) };
    let found = match error {
        Io(errors) => errors.first().map(|(part, why)| (*part, why.clone())),
        Lex(errors) => errors.first().map(|(expected, part)| (*part, format!("expected {}", expected.as_str()))),
        Parse(errors) => errors.first().map(|(expected, part)| (*part, format!("expected {}", expected.as_str()))),
    };
    found.unwrap_or((file.code, "it makes no sense".into()))
}

fn refused(expression: &str, (part, what): (&str, String)) -> Failure {
    let at = load::span(expression, part).start.min(expression.len());
    let at = (0..=at).rev().find(|at| expression.is_char_boundary(*at)).unwrap_or_default();
    super::template::pointed("--jq", expression, at, &what)
        .hint("Quote the expression for the shell: --jq '.items[].slug'. See `aura help formatting`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(expression: &str, json: &str) -> Vec<String> {
        Jq::new(expression).and_then(|jq| jq.run(json)).expect("it runs")
    }

    #[test]
    fn strings_come_as_they_are_and_the_rest_as_json() {
        let json = r#"{"items":[{"slug":"noor","n":1},{"slug":"hafen","n":2.50}]}"#;
        assert_eq!(results(".items[].slug", json), ["noor", "hafen"]);
        assert_eq!(results(".items[0]", json), [r#"{"slug":"noor","n":1}"#]);
        assert_eq!(results("[.items[] | select(.n > 1) | .slug | ascii_upcase]", json), [r#"["HAFEN"]"#]);
        assert_eq!(results("empty", json), [""; 0]);
    }

    #[test]
    fn what_makes_no_sense_is_pointed_at() {
        let refused = |expression| Jq::new(expression).expect_err("it makes no sense");
        insta::assert_snapshot!(refused(".items[.slug").message, @r"
        `--jq`: expected closing bracket
          .items[.slug
                      ^
        ");
        insta::assert_snapshot!(refused(".items | sluggify").message, @r"
        `--jq`: there is no filter `sluggify`
          .items | sluggify
                   ^
        ");
        insta::assert_snapshot!(refused("if . then 1 els 2").message, @r"
        `--jq`: expected else or end
          if . then 1 els 2
                      ^
        ");
        assert_eq!(refused("|").exit, 2);
        let failed = Jq::new(".items[]").and_then(|jq| jq.run("{}")).expect_err("null has no items");
        assert_eq!((failed.exit, failed.code.as_str()), (2, "jq_failed"));
    }
}
