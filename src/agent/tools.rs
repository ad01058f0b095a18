//! The tools that a model may call while it writes: their schemas, and how a call is read. Pure; `app` performs them.
//!
//! Nothing in a call says whose data is meant: a tool sees the shop of the turn, and no argument widens that. A call that
//! cannot be read is no failure: it gets a result that says how to mend it.

use serde::{Deserialize, de::DeserializeOwned};

use super::text::{one_line, visible};
use crate::domain::{
    Currency, Money,
    chat::{Json, ToolArgs, ToolCall, ToolSpec},
    product::ProductKey,
    search::Filters,
};

/// Times in one turn that a model may call tools before it has to write: a shopper waits, and each costs a call.
pub const ROUNDS_MAX: usize = 4;
/// Calls in one answer of a model that are performed; the rest is told so.
pub const CALLS_MAX: usize = 4;
/// Products that one search brings at most.
pub const FOUND_MAX: usize = 6;
/// Letters of a search that are read.
const QUERY_CHARS_MAX: usize = 200;
/// Letters of the reason why a call cannot be read.
const REASON_CHARS_MAX: usize = 240;

/// The tools behind which something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// There is a catalogue to look into.
    pub products: bool,
    /// There are people to hand over to.
    pub people: bool,
}

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Finds products.
    SearchProducts,
    /// Reads one product as it is now.
    GetProduct,
    /// Has a person go on after the answer.
    HandOver,
}

/// Why a person is to go on, as the tool's caller says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The shopper asked for a person.
    Asked,
    /// The shopper is angry.
    Anger,
    /// About an order.
    Order,
    /// About a policy of the shop.
    Policy,
    /// The answer is not known.
    Unknown,
}

impl Reason {
    /// The word in the schema and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Anger => "anger",
            Self::Order => "order",
            Self::Policy => "policy",
            Self::Unknown => "unknown",
        }
    }
}

/// A call that can be performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Find products.
    Search {
        /// In these words; may be empty where a filter is set.
        query: String,
        /// Under these conditions.
        filters: Filters,
    },
    /// Read this product now.
    Get(ProductKey),
    /// Have a person go on.
    HandOver(Reason),
}

/// Why a call cannot be performed, in words for the model that made it: they say how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

impl Tool {
    /// Every tool.
    pub const ALL: [Self; 3] = [Self::SearchProducts, Self::GetProduct, Self::HandOver];

    /// The name that models call it by, and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SearchProducts => "search_products",
            Self::GetProduct => "get_product",
            Self::HandOver => "hand_over",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    const fn is_offered(self, offered: Offered) -> bool {
        match self {
            Self::SearchProducts | Self::GetProduct => offered.products,
            Self::HandOver => offered.people,
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::SearchProducts => {
                "Searches the shop's products that are for sale. Call it when the data of this turn does not hold what the shopper asks for, or holds too little to compare."
            }
            Self::GetProduct => "Reads one product as it is now, with all its variants, prices and stock.",
            Self::HandOver => {
                "Has a person of the shop go on after your answer. Call it when you cannot help; then write the answer."
            }
        }
    }

    /// JSON Schema of the arguments. Strict schemas want every property required (OpenAI); what may be left unsaid is
    /// `null`.
    const fn parameters(self) -> &'static str {
        match self {
            Self::SearchProducts => {
                r#"{"type":"object","additionalProperties":false,"required":["query","price_min","price_max","in_stock"],"properties":{"query":{"type":"string","description":"What to look for in the shop's words: kind, colour, size, material. Without prices."},"price_min":{"type":["number","null"],"description":"Lowest price in the shop's currency."},"price_max":{"type":["number","null"],"description":"Highest price in the shop's currency."},"in_stock":{"type":["boolean","null"],"description":"True: only what can be bought now."}}}"#
            }
            Self::GetProduct => {
                r#"{"type":"object","additionalProperties":false,"required":["id"],"properties":{"id":{"type":"string","description":"A product's id as the data has it."}}}"#
            }
            Self::HandOver => {
                r#"{"type":"object","additionalProperties":false,"required":["reason"],"properties":{"reason":{"type":"string","enum":["asked","anger","order","policy","unknown"],"description":"Why: the shopper asked for a person, is angry, asks about an order or a policy, or you do not know the answer."}}}"#
            }
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::SearchProducts => r#"{"query":"blue linen shirt","price_min":null,"price_max":60,"in_stock":true}"#,
            Self::GetProduct => r#"{"id":"linen-shirt"}"#,
            Self::HandOver => r#"{"reason":"unknown"}"#,
        }
    }
}

/// What is offered, as it is put to a model. Always in the same order, so that a provider's cache finds it.
#[must_use]
pub fn specs(offered: Offered) -> Vec<ToolSpec> {
    let offered = Tool::ALL.into_iter().filter(|tool| tool.is_offered(offered));
    let spec = |tool: Tool| ToolSpec {
        name: tool.name().into(),
        description: tool.description().into(),
        parameters: Json::from_text(tool.parameters()),
        strict: true,
    };
    offered.map(spec).collect()
}

/// Reads a call. `currency`: what prices without one are in.
///
/// # Errors
/// How to mend it: another name, other arguments.
pub fn read(call: &ToolCall, offered: Offered, currency: Currency) -> Result<Call, Wrong> {
    let tool = Tool::named(&call.name).filter(|tool| tool.is_offered(offered)).ok_or_else(|| unknown(offered))?;
    match tool {
        Tool::SearchProducts => search(arguments(tool, &call.args)?, currency),
        Tool::GetProduct => {
            let GetProduct { id } = arguments(tool, &call.args)?;
            match id.trim() {
                "" => Err(Wrong::call(tool, "`id` is empty")),
                id => Ok(Call::Get(ProductKey(id.to_owned()))),
            }
        }
        Tool::HandOver => arguments(tool, &call.args).map(|HandOver { reason }| Call::HandOver(reason)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchProducts {
    query: String,
    #[serde(default)]
    price_min: Option<serde_json::Number>,
    #[serde(default)]
    price_max: Option<serde_json::Number>,
    #[serde(default)]
    in_stock: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GetProduct {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HandOver {
    reason: Reason,
}

fn search(args: SearchProducts, currency: Currency) -> Result<Call, Wrong> {
    let wrong = |reason: &str| Wrong::call(Tool::SearchProducts, reason);
    let price = |name: &str, number: Option<serde_json::Number>| {
        let read = |number: serde_json::Number| Money::parse_decimal(&number.to_string(), currency);
        number.map(read).transpose().map_err(|_| wrong(&format!("`{name}` is no price in {currency}")))
    };
    let filters = Filters {
        price_min: price("price_min", args.price_min)?,
        price_max: price("price_max", args.price_max)?,
        available_only: args.in_stock.unwrap_or_default(),
    };
    if let (Some(min), Some(max)) = (filters.price_min, filters.price_max)
        && min.minor > max.minor
    {
        return Err(wrong("`price_min` is above `price_max`"));
    }
    let query: String = visible(args.query.trim()).chars().take(QUERY_CHARS_MAX).collect();
    if query.is_empty() && filters == Filters::default() {
        return Err(wrong("`query` is empty"));
    }
    Ok(Call::Search { query, filters })
}

fn unknown(offered: Offered) -> Wrong {
    let names: Vec<&str> = Tool::ALL.into_iter().filter(|tool| tool.is_offered(offered)).map(Tool::name).collect();
    Wrong(match names.as_slice() {
        [] => "There are no tools. Write your answer.".into(),
        names => format!("There is no such tool. The tools are {}.", names.join(", ")),
    })
}

fn arguments<T: DeserializeOwned>(tool: Tool, args: &ToolArgs) -> Result<T, Wrong> {
    match args {
        ToolArgs::Malformed(_) => Err(Wrong::call(tool, "the arguments are no JSON object")),
        ToolArgs::Object(json) => {
            serde_json::from_str(json.as_str()).map_err(|error| Wrong::call(tool, &error.to_string()))
        }
    }
}

impl Wrong {
    /// `reason` may quote the call.
    fn call(tool: Tool, reason: &str) -> Self {
        let reason: String = one_line(&visible(reason)).chars().take(REASON_CHARS_MAX).collect();
        Self(format!("Not done: {reason}. Call {} as in {}", tool.name(), tool.example()))
    }

    /// One call too many.
    #[must_use]
    pub fn too_many() -> Self {
        Self(format!("Not done: at most {CALLS_MAX} calls at once. Call it again if you need it."))
    }

    /// There is no such product to be shown.
    #[must_use]
    pub fn no_such_product() -> Self {
        Self("There is no such product. Take an id from the data, or search.".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Offered = Offered { products: true, people: true };

    fn call(name: &str, args: ToolArgs) -> ToolCall {
        ToolCall { id: "c".into(), provider_id: None, item_id: None, name: name.into(), args, index: 0 }
    }

    fn object(name: &str, args: &str) -> Result<Call, Wrong> {
        read(&call(name, ToolArgs::Object(Json::from_text(args))), ALL, Currency::EUR)
    }

    fn wrong(name: &str, args: &str) -> String {
        object(name, args).expect_err(args).0
    }

    #[test]
    fn every_schema_takes_its_own_example_and_requires_all_it_has() {
        for tool in Tool::ALL {
            assert!(object(tool.name(), tool.example()).is_ok(), "{tool:?}");
            let schema: serde_json::Value = serde_json::from_str(tool.parameters()).expect("JSON");
            let properties = schema["properties"].as_object().expect("properties");
            let required = schema["required"].as_array().expect("a list");
            assert_eq!(properties.len(), required.len(), "{tool:?}");
            assert_eq!(schema["additionalProperties"], false, "{tool:?}");
        }
    }

    #[test]
    fn a_tool_is_offered_where_something_stands_behind_it() {
        let names = |offered| specs(offered).into_iter().map(|spec| spec.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(ALL), ["search_products", "get_product", "hand_over"]);
        assert_eq!(names(Offered { products: false, people: true }), ["hand_over"]);
        assert_eq!(names(Offered::default()), [""; 0]);
        let get = call("get_product", ToolArgs::Object(Json::from_text(r#"{"id":"x"}"#)));
        let refused = read(&get, Offered { products: false, people: true }, Currency::EUR).expect_err("not offered");
        assert!(refused.0.contains("hand_over") && !refused.0.contains("get_product"), "{refused:?}");
    }

    #[test]
    fn a_search_is_read_with_its_conditions_to_the_cent() {
        let euros = |minor| Some(Money { minor, currency: Currency::EUR });
        let query = "blue shirt".to_owned();
        for (args, filters) in [
            (r#"{"query":" blue shirt "}"#, Filters::default()),
            (r#"{"query":"blue shirt","price_min":null,"price_max":null,"in_stock":null}"#, Filters::default()),
            (
                r#"{"query":"blue shirt","price_min":20,"price_max":59.9,"in_stock":true}"#,
                Filters { price_min: euros(2_000), price_max: euros(5_990), available_only: true },
            ),
        ] {
            assert_eq!(object("search_products", args), Ok(Call::Search { query: query.clone(), filters }), "{args}");
        }
        let cheap = object("search_products", r#"{"query":"","price_max":30}"#);
        assert!(matches!(cheap, Ok(Call::Search { query, .. }) if query.is_empty()), "a limit alone is a question");
    }

    #[test]
    fn what_cannot_be_performed_says_how_to_mend_it() {
        for (name, args, told) in [
            ("search_product", "{}", "search_products, get_product, hand_over"),
            ("search_products", "{}", "missing field `query`"),
            ("search_products", r#"{"query":""}"#, "`query` is empty"),
            ("search_products", r#"{"query":"x","price_max":"60"}"#, "expected a JSON number"),
            ("search_products", r#"{"query":"x","price_max":-1}"#, "`price_max` is no price in EUR"),
            ("search_products", r#"{"query":"x","price_max":1e300}"#, "`price_max` is no price in EUR"),
            ("search_products", r#"{"query":"x","price_min":9,"price_max":8}"#, "above `price_max`"),
            ("search_products", r#"{"query":"x","tenant":"other"}"#, "unknown field `tenant`"),
            ("get_product", r#"{"id":7}"#, "expected a string"),
            ("get_product", r#"{"id":" "}"#, "`id` is empty"),
            ("hand_over", r#"{"reason":"bored"}"#, "unknown variant `bored`"),
            ("hand_over", "[]", "hand_over as in"),
        ] {
            let said = wrong(name, args);
            assert!(said.contains(told), "{name} {args}: {said}");
            assert!(!said.contains('\n'), "{said}");
        }
        let cut = call("get_product", ToolArgs::Malformed(r#"{"id":"linen"#.into()));
        let said = read(&cut, ALL, Currency::EUR).expect_err("cut off").0;
        assert!(said.contains("no JSON object") && said.contains(r#"{"id":"linen-shirt"}"#), "{said}");
    }

    #[test]
    fn a_reason_does_not_grow_with_the_call() {
        let long = format!(r#"{{"{}":1}}"#, "x".repeat(50_000));
        assert!(wrong("get_product", &long).len() < 600);
    }
}
