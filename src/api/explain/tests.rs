//! The table and the sources of codes say the same.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;

/// Words in quotes that can be codes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let is_code =
        |word: &&str| word.len() > 3 && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    text.split('"').skip(1).step_by(2).filter(is_code)
}

/// The body of `fn code`, up to its end.
fn of_errors(source: &str) -> BTreeSet<String> {
    let body = source.split("fn code(").nth(1).unwrap_or_default();
    quoted(body.split("\n    }\n").next().unwrap_or_default()).map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").map(|entry| entry.expect("an entry")) {
        match entry.path() {
            path if path.is_dir() => sources(&path, found),
            path if path.extension().is_some_and(|extension| extension == "rs") => {
                found.push(fs::read_to_string(path).expect("a source"));
            }
            _ => {}
        }
    }
}

#[test]
fn every_code_that_can_leave_is_explained_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join("src").join(path)).expect(path);
    let mut codes = BTreeSet::new();
    for path in [
        "config/error.rs",
        "daemon/error.rs",
        "app/error.rs",
        "secret/error.rs",
        "store/datadir.rs",
        "store/error.rs",
        "client/error.rs",
    ] {
        let of_file = of_errors(&read(path));
        assert!(!of_file.is_empty(), "{path} has no codes any more");
        codes.extend(of_file);
    }
    // The table of problems: the first quoted word behind each `add(`.
    codes
        .extend(read("app/problem.rs").split("add(").skip(1).filter_map(|call| quoted(call).next().map(str::to_owned)));
    let http = read("http/error.rs");
    codes.extend(http.split("ErrorKind::").skip(1).filter_map(|call| {
        let (_, rest) = call.split_once(", \"")?;
        quoted(&format!("\"{}", rest.lines().next()?)).next().map(str::to_owned)
    }));
    codes.insert("too_large".into());
    let mut commands = Vec::new();
    sources(&root.join("cmd/src"), &mut commands);
    let product = commands.iter().filter_map(|source| source.split("mod tests {").next());
    let calls = product.flat_map(|source| source.split("Failure::new(").skip(1));
    codes.extend(calls.filter_map(|call| quoted(call.split([';', '}']).next()?).next().map(str::to_owned)));
    codes.extend(["usage", "file_not_found", "file_failed"].map(str::to_owned));
    // Not told to anybody: the reader has gone.
    codes.remove("pipe_closed");
    let known: BTreeSet<String> = rows().map(|row| row.0.to_owned()).collect();
    let missing: Vec<_> = codes.difference(&known).collect();
    assert!(missing.is_empty(), "not explained in src/api/explain/: {missing:?}");
    let idle: Vec<_> = known.difference(&codes).collect();
    assert!(idle.is_empty(), "explained, but no longer anywhere: {idle:?}");
    assert!(rows().is_sorted_by_key(|row| row.0), "in the order of the alphabet");
    for (code, means, why, remedy) in rows() {
        assert!([means, why, remedy].iter().all(|text| text.ends_with('.')), "{code}: sentences");
    }
}
