//! JSON as text on its way to the wire and back, unchanged to the byte.

use std::fmt;

use serde::{
    Serialize, Serializer,
    de::{self, Deserialize as _, Deserializer, IgnoredAny},
    ser::Error as _,
};
use serde_json::value::RawValue;

use crate::domain::chat::{ChatRequest, Content, Json, ToolArgs};

/// Writes text as the JSON it is. Fails where it is none.
#[derive(Clone, Copy, Debug)]
pub(in crate::provider) struct Raw<'a>(pub(in crate::provider) &'a str);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The parser's own words could quote what it read.
        let raw: &RawValue = serde_json::from_str(self.0).map_err(|_| S::Error::custom("no JSON"))?;
        raw.serialize(serializer)
    }
}

/// What a model wants to call a tool with. Nothing at all is the empty object: servers write so for tools without
/// parameters.
pub(in crate::provider) fn tool_args(text: &str) -> ToolArgs {
    let trimmed = text.trim();
    match trimmed {
        "" | "null" => ToolArgs::Object(Json::empty_object()),
        object if object.starts_with('{') && is_json(object) => ToolArgs::Object(Json::from_text(object)),
        _ => ToolArgs::Malformed(text.into()),
    }
}

/// As [`tool_args`], where arguments may also come as an object itself or as a text that holds one.
pub(in crate::provider) fn tool_args_of_value(value: Option<&RawValue>) -> ToolArgs {
    let text = value.map_or("", RawValue::get);
    match serde_json::from_str::<String>(text) {
        Ok(inner) => tool_args(&inner),
        Err(_) => tool_args(text),
    }
}

/// Whether `text` is one JSON document.
pub(in crate::provider) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The id of a call that the provider gave none: unlike any other in the conversation, and the same whenever the same
/// conversation is asked again.
#[derive(Clone, Copy, Debug)]
pub(in crate::provider) struct OwnIds {
    earlier_calls: usize,
}

impl OwnIds {
    pub(in crate::provider) fn after(request: &ChatRequest) -> Self {
        let parts = request.messages.iter().flat_map(|message| &message.parts);
        Self { earlier_calls: parts.filter(|part| matches!(part.content, Content::ToolCall(_))).count() }
    }

    pub(in crate::provider) fn id(self, index: u32) -> Box<str> {
        let number = self.earlier_calls.saturating_add(usize::try_from(index).unwrap_or(usize::MAX));
        format!("aura_call_{number}").into()
    }
}

/// Takes `null` for a missing list, a missing list for an empty one.
pub(in crate::provider) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: de::Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A count: an integer, a whole number written otherwise, or anything else, which counts as unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::provider) struct Count(pub(in crate::provider) Option<i64>);

impl Count {
    /// The number, zero where there is none.
    pub(in crate::provider) fn or_zero(self) -> i64 {
        self.0.unwrap_or_default()
    }
}

impl<'de> de::Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        // `as` saturates, and no count comes near.
        fn whole(value: f64) -> Option<i64> {
            (value >= 0.0 && value.fract() == 0.0).then_some(value as i64)
        }
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Count, E> {
                Ok(Count(Some(value).filter(|value| *value >= 0)))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Count, E> {
                Ok(Count(i64::try_from(value).ok()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Count, E> {
                Ok(Count(whole(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Count, E> {
                Ok(Count(value.trim().parse().ok().filter(|value: &i64| *value >= 0)))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::{Message, Part, Role, ToolCall};

    #[test]
    fn arguments_are_kept_to_the_byte_when_they_are_an_object() {
        for (text, expected) in [
            ("{\"b\": 1,  \"a\":\"سلام\"}", ToolArgs::Object(Json::from_text("{\"b\": 1,  \"a\":\"سلام\"}"))),
            ("", ToolArgs::Object(Json::empty_object())),
            ("null", ToolArgs::Object(Json::empty_object())),
            ("{\"a\":", ToolArgs::Malformed("{\"a\":".into())),
            ("{} {}", ToolArgs::Malformed("{} {}".into())),
            ("[1]", ToolArgs::Malformed("[1]".into())),
            ("red dress", ToolArgs::Malformed("red dress".into())),
        ] {
            assert_eq!(tool_args(text), expected, "{text}");
        }
    }

    #[test]
    fn arguments_may_be_an_object_or_a_text_that_holds_one() {
        let of = |text: &str| tool_args_of_value(serde_json::from_str(text).ok());
        assert_eq!(of("{\"q\":1}"), ToolArgs::Object(Json::from_text("{\"q\":1}")));
        assert_eq!(of("\"{\\\"q\\\":1}\""), ToolArgs::Object(Json::from_text("{\"q\":1}")));
        assert_eq!(of("\"red\""), ToolArgs::Malformed("red".into()));
        assert_eq!(of("7"), ToolArgs::Malformed("7".into()));
    }

    #[test]
    fn json_goes_out_as_it_is_and_nothing_else_goes_out() {
        let written = serde_json::to_string(&Raw("{\"b\": 1}")).expect("JSON");
        assert_eq!(written, "{\"b\": 1}");
        let error = serde_json::to_string(&Raw("secret")).expect_err("no JSON");
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn own_ids_repeat_none_of_the_conversation() {
        let ids = OwnIds::after(&ChatRequest::new("m", Vec::new()));
        let call = ToolCall {
            id: ids.id(0),
            provider_id: None,
            item_id: None,
            name: "f".into(),
            args: tool_args(""),
            index: 0,
        };
        let part = Part::new(Content::ToolCall(call));
        let later = OwnIds::after(&ChatRequest::new("m", vec![Message::new(Role::Assistant, [part])]));
        assert_eq!([&*ids.id(0), &*ids.id(1), &*later.id(0)], ["aura_call_0", "aura_call_1", "aura_call_1"]);
    }

    #[test]
    fn what_is_no_count_is_unknown_and_fails_nothing() {
        let of = |text: &str| serde_json::from_str::<Count>(text).expect("any JSON").0;
        for (text, count) in [
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("\"7\"", Some(7)),
            ("7.5", None),
            ("-1", None),
            ("null", None),
            ("true", None),
            ("{\"a\":[1]}", None),
            ("[1]", None),
            ("18446744073709551615", None),
        ] {
            assert_eq!(of(text), count, "{text}");
        }
    }
}
