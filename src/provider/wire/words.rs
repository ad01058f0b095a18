//! Names, ids and results in forms that every provider takes.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::json::is_json;
use crate::domain::chat::{Image, ImageSource, ResultPart, ToolArgs, ToolResult};

/// The longest name of a tool and the longest id of a call (OpenAI, the narrowest).
const NAME_BYTES_MAX: usize = 64;

/// A tool's name as every provider takes it. Ours pass unchanged; what a model made up in earlier turns is made to fit,
/// because one bad name in the history fails the whole request.
pub(in crate::provider) fn tool_name(name: &str) -> Cow<'_, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if begins && name.len() <= NAME_BYTES_MAX && name.bytes().all(fits) {
        return Cow::Borrowed(name);
    }
    let begin = if begins { "" } else { "_" };
    let rest = name.chars().map(|c| if c.is_ascii() && fits(c as u8) { c } else { '_' });
    Cow::Owned(begin.chars().chain(rest).take(NAME_BYTES_MAX).collect())
}

/// A call's id as every provider takes it; the same id always gives the same.
pub(in crate::provider) fn call_id(id: &str) -> Cow<'_, str> {
    let fits = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if fits && (1..=NAME_BYTES_MAX).contains(&id.len()) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(format!("call_{}", hex::encode(&Sha256::digest(id.as_bytes())[..12])))
}

/// Arguments as the text of a JSON object, whatever the model wrote: servers parse them, and fail on what is none.
pub(in crate::provider) fn args_text(args: &ToolArgs) -> Cow<'_, str> {
    match args {
        ToolArgs::Object(json) => Cow::Borrowed(json.as_str()),
        ToolArgs::Malformed(text) => Cow::Owned(json!({"malformed": &**text}).to_string()),
    }
}

/// What a tool gave, as one text, without its pictures. A failure says so inside.
pub(in crate::provider) fn result_text(result: &ToolResult) -> String {
    let texts = result.parts.iter().filter_map(|part| match part {
        ResultPart::Text(text) => Some(text.as_str()),
        ResultPart::Json(json) => Some(json.as_str()),
        ResultPart::Image(_) => None,
    });
    let text = texts.collect::<Vec<_>>().join("\n");
    if !result.is_error {
        return text;
    }
    let error = if is_json(&text) { serde_json::from_str(&text).unwrap_or(Value::Null) } else { Value::String(text) };
    json!({ "error": error }).to_string()
}

/// The pictures that a tool gave.
pub(in crate::provider) fn result_images(result: &ToolResult) -> impl Iterator<Item = &Image> {
    result.parts.iter().filter_map(|part| match part {
        ResultPart::Image(image) => Some(image),
        ResultPart::Text(_) | ResultPart::Json(_) => None,
    })
}

/// The address of a picture: its own, or one that holds it. `None` for one that only a name at some provider has.
pub(in crate::provider) fn image_url(image: &Image) -> Option<String> {
    match &image.source {
        ImageSource::Bytes(bytes) => Some(format!("data:{};base64,{}", image.mime, STANDARD.encode(bytes))),
        ImageSource::Url(url) => Some(url.to_string()),
        ImageSource::FileRef(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::Json;

    #[test]
    fn names_that_fit_pass_and_others_are_made_to_fit() {
        assert!(matches!(tool_name("search_products"), Cow::Borrowed(_)));
        assert_eq!(tool_name("default_api.find product"), "default_api_find_product");
        assert_eq!(tool_name("поиск"), "______");
        assert_eq!(tool_name("7up"), "_7up");
        assert_eq!(tool_name(""), "_");
        assert_eq!(tool_name(&"a".repeat(99)).len(), 64);
    }

    #[test]
    fn ids_that_fit_pass_and_others_become_ids_that_do() {
        assert!(matches!(call_id("call_1"), Cow::Borrowed(_)));
        let long = "x".repeat(65);
        assert_eq!(call_id(&long), call_id(&long));
        assert_ne!(call_id(&long), call_id(&"x".repeat(66)));
        assert!(call_id("a b").len() <= 64 && call_id("").len() <= 64);
    }

    #[test]
    fn a_failure_of_a_tool_says_so_whatever_form_it_has() {
        let result = |part, is_error| ToolResult { call_id: "c".into(), name: "f".into(), parts: vec![part], is_error };
        let text = |text: &str| ResultPart::Text(text.into());
        assert_eq!(result_text(&result(text("no such order"), true)), r#"{"error":"no such order"}"#);
        let json = ResultPart::Json(Json::from_text(r#"{"at":"id"}"#));
        assert_eq!(result_text(&result(json, true)), r#"{"error":{"at":"id"}}"#);
        assert_eq!(result_text(&result(text("3 left"), false)), "3 left");
    }

    #[test]
    fn arguments_that_are_none_are_shown_to_their_author_inside_json() {
        assert_eq!(args_text(&ToolArgs::Malformed("{\"q\":".into())), r#"{"malformed":"{\"q\":"}"#);
    }
}
