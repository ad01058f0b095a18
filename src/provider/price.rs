//! What a call costs: prices as data (`prices.yaml`), with the dates from which they hold.
//!
//! Money is exact: whole pico-dollars a token, multiplied by whole tokens. What is unknown is never taken for free: a
//! model without a price has no cost here, and whoever keeps a budget decides what that means.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::known::exactness;
use crate::domain::{
    Timestamp,
    chat::{Modality, ModelRef, Usage},
    cost::PicoDollars,
};

/// Tokens that a price list counts by.
const MILLION: u64 = 1_000_000;
/// Factors are kept in thousandths.
const THOUSAND: u64 = 1_000;

/// Dollars per million tokens, kept per token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(PicoDollars);

impl Rate {
    /// Reads dollars per million tokens, such as `0.30`: at most six decimals, so that a token's price is whole.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(per_million: &str) -> Result<Self, String> {
        let amount = PicoDollars::parse(per_million).map_err(|error| error.to_string())?;
        if amount.units() % MILLION != 0 {
            return Err(format!("`{per_million}` has more than six decimals"));
        }
        Ok(Self(PicoDollars::new(amount.units() / MILLION)))
    }

    /// What one token costs.
    #[must_use]
    pub const fn per_token(self) -> PicoDollars {
        self.0
    }

    /// What a million tokens cost.
    #[must_use]
    pub const fn per_million(self) -> PicoDollars {
        self.0.times(MILLION)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// What the kinds of tokens cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Input that nothing else is said about.
    pub input: Rate,
    /// Input read from a cache.
    pub cached: Rate,
    /// Input written to a cache of 30 minutes.
    pub write_30m: Rate,
    /// Input written to a cache of 12 hours.
    pub write_12h: Rate,
    /// Everything that comes out, reasoning included.
    pub output: Rate,
}

/// The price of a model from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The model as its provider names it; with `*` at its end, all whose names begin so.
    pub model: String,
    /// When it begins to hold; `None`: it always has.
    pub from: Option<Timestamp>,
    /// What tokens cost.
    pub rates: Rates,
    /// What input costs that is sound, where that differs.
    pub audio: Option<Rate>,
    /// What input costs that is pictures, where that differs.
    pub image: Option<Rate>,
    /// More input tokens than this, and all of the request costs what stands beside it.
    pub above: Option<(u64, Rates)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesRow {
    tokens: u64,
    input: Rate,
    cached: Option<Rate>,
    write_30m: Option<Rate>,
    write_12h: Option<Rate>,
    output: Rate,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    model: String,
    #[serde(default, deserialize_with = "midnight")]
    from: Option<Timestamp>,
    input: Rate,
    cached: Option<Rate>,
    write_30m: Option<Rate>,
    write_12h: Option<Rate>,
    output: Rate,
    audio: Option<Rate>,
    image: Option<Rate>,
    above: Option<RatesRow>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    #[serde(default)]
    tiers: BTreeMap<String, f64>,
    models: Vec<Row>,
}

/// The first moment of a day (UTC), such as `2026-12-01`.
fn midnight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let date: jiff::civil::Date = String::deserialize(deserializer)?.parse().map_err(D::Error::custom)?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(D::Error::custom)?;
    Ok(Some(Timestamp(at.timestamp().as_millisecond())))
}

fn rates(input: Rate, cached: Option<Rate>, write_30m: Option<Rate>, write_12h: Option<Rate>, output: Rate) -> Rates {
    let write_30m = write_30m.unwrap_or(input);
    Rates { input, cached: cached.unwrap_or(input), write_30m, write_12h: write_12h.unwrap_or(write_30m), output }
}

impl From<Row> for Price {
    fn from(row: Row) -> Self {
        Self {
            model: row.model,
            from: row.from,
            rates: rates(row.input, row.cached, row.write_30m, row.write_12h, row.output),
            audio: row.audio,
            image: row.image,
            above: row.above.map(|above| {
                (above.tokens, rates(above.input, above.cached, above.write_30m, above.write_12h, above.output))
            }),
        }
    }
}

/// What one provider takes.
#[derive(Clone, Debug, Default)]
struct Provider {
    /// Thousandths of the standard price, by tier.
    tiers: BTreeMap<String, u64>,
    prices: Vec<Price>,
}

/// The prices of all providers.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    providers: BTreeMap<String, Provider>,
}

static BUILT_IN: LazyLock<Prices> =
    LazyLock::new(|| Prices::read(include_str!("prices.yaml")).expect("a test reads the embedded file"));

impl Prices {
    /// Those that Aura knows.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    fn read(yaml: &str) -> Result<Self, serde_saphyr::Error> {
        let listed: BTreeMap<String, Listed> = serde_saphyr::from_str(yaml)?;
        let provider = |listed: Listed| Provider {
            tiers: listed.tiers.into_iter().map(|(tier, factor)| (tier, thousandths(factor))).collect(),
            prices: listed.models.into_iter().map(Price::from).collect(),
        };
        Ok(Self { providers: listed.into_iter().map(|(name, listed)| (name, provider(listed))).collect() })
    }

    /// Sets one price for every model of a provider, in place of what was known of it: who says what a server takes
    /// knows better than a list.
    pub fn set_all(&mut self, provider: &str, input: Rate, output: Rate) {
        let known = self.providers.entry(provider.to_owned()).or_default();
        *known = Provider::default();
        known.prices.push(Price {
            model: "*".into(),
            from: None,
            rates: rates(input, None, None, None, output),
            audio: None,
            image: None,
            above: None,
        });
    }

    /// Gives a provider the prices of another one; of one that no list knows it has none.
    pub fn set_like(&mut self, provider: &str, other: &str) {
        if let Some(known) = self.providers.get(other).cloned() {
            self.providers.insert(provider.to_owned(), known);
        }
    }

    /// Every price, by provider.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Price)> {
        self.providers
            .iter()
            .flat_map(|(name, provider)| provider.prices.iter().map(move |price| (name.as_str(), price)))
    }

    /// The price that holds for a model at a moment; `None` when none is known.
    ///
    /// A model's own row goes before one with `*`; dated names of a model cost what the model costs.
    #[must_use]
    pub fn price(&self, model: &ModelRef, at: Timestamp) -> Option<&Price> {
        let provider = self.providers.get(&*model.provider)?;
        provider
            .prices
            .iter()
            .filter(|price| price.from.is_none_or(|from| from <= at))
            .filter_map(|price| Some((exactness(&price.model, &model.model)?, price.from, price)))
            .max_by_key(|(exactness, from, _)| (*exactness, *from))
            .map(|(_, _, price)| price)
    }

    /// What a call cost that used so much; `None` when no price is known. What the provider itself says goes first.
    #[must_use]
    pub fn cost(&self, asked: &ModelRef, usage: &Usage, at: Timestamp) -> Option<PicoDollars> {
        if let Some(told) = usage.provider_cost_pico_usd {
            return Some(PicoDollars::new(tokens(told)));
        }
        let served = usage.served_model.as_deref().map(|name| ModelRef::new(asked.provider.clone(), name));
        // A name of the served model that no list knows is an alias of the one that was asked.
        let price = served.and_then(|served| self.price(&served, at)).or_else(|| self.price(asked, at))?;
        let input = tokens(usage.input_total);
        let rates = match &price.above {
            Some((limit, dearer)) if input > *limit => dearer,
            _ => &price.rates,
        };
        let [cached, write_30m, write_12h] =
            [usage.input_cached, usage.input_cache_write_30m, usage.input_cache_write_12h].map(tokens);
        let fresh = input.saturating_sub(cached).saturating_sub(write_30m).saturating_sub(write_12h);
        let base: PicoDollars = [
            (rates.input, fresh),
            (rates.cached, cached),
            (rates.write_30m, write_30m),
            (rates.write_12h, write_12h),
            (rates.output, tokens(usage.output_total)),
        ]
        .into_iter()
        .map(|(rate, count)| rate.per_token().times(count))
        .sum();
        let surcharge: PicoDollars = usage
            .by_modality
            .iter()
            .filter(|part| part.is_input)
            .filter_map(|part| Some((price.of(part.modality)?, tokens(part.tokens))))
            .map(|(rate, count)| rate.per_token().less(rates.input.per_token()).times(count))
            .sum();
        Some(self.tiered(asked, usage.service_tier.as_deref(), base + surcharge))
    }

    /// The most that a call can cost which reads at most so many tokens and writes at most so many, at the standard
    /// tier; `None` when no price is known.
    #[must_use]
    pub fn most(&self, model: &ModelRef, input: u64, output: u64, at: Timestamp) -> Option<PicoDollars> {
        let price = self.price(model, at)?;
        let rates = match &price.above {
            Some((limit, dearer)) if input > *limit => dearer,
            _ => &price.rates,
        };
        let dearest_input = [Some(rates.input), Some(rates.write_30m), Some(rates.write_12h), price.audio, price.image];
        let input_rate = dearest_input.into_iter().flatten().max().unwrap_or(rates.input);
        Some(input_rate.per_token().times(input) + rates.output.per_token().times(output))
    }

    fn tiered(&self, model: &ModelRef, tier: Option<&str>, amount: PicoDollars) -> PicoDollars {
        let factor = tier
            .and_then(|tier| self.providers.get(&*model.provider)?.tiers.get(&tier.to_ascii_lowercase()))
            .copied()
            .unwrap_or(THOUSAND);
        PicoDollars::new(amount.times(factor).units().div_ceil(THOUSAND))
    }
}

impl Price {
    const fn of(&self, modality: Modality) -> Option<Rate> {
        match modality {
            Modality::Audio => self.audio,
            Modality::Image => self.image,
            Modality::Text | Modality::Video | Modality::Document => None,
        }
    }
}

fn thousandths(factor: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "factors of the file are between 0 and 10"
    )]
    let thousandths = (factor * 1_000.0).round() as u64;
    thousandths
}

/// A count that a provider sent; nonsense below zero is none.
fn tokens(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::ModalityTokens;

    /// 2026-11-21 and 2026-12-01, 00:00 UTC.
    const NOVEMBER: Timestamp = Timestamp(1_795_219_200_000);
    const DECEMBER: Timestamp = Timestamp(1_796_083_200_000);

    fn model(text: &str) -> ModelRef {
        text.parse().expect(text)
    }

    fn used(input: i64, cached: i64, output: i64) -> Usage {
        Usage { input_total: input, input_cached: cached, output_total: output, ..Usage::default() }
    }

    fn cost(name: &str, usage: &Usage, at: Timestamp) -> String {
        Prices::built_in().cost(&model(name), usage, at).map_or_else(|| "unknown".into(), |cost| cost.to_string())
    }

    #[test]
    fn a_token_costs_what_the_list_says_to_the_last_digit() {
        assert_eq!(cost("gemini:gemini-3.5-flash-lite", &used(1_000_000, 0, 0), NOVEMBER), "0.3");
        assert_eq!(cost("gemini:gemini-3.5-flash-lite", &used(900, 512, 160), NOVEMBER), "0.00053176");
        assert_eq!(cost("openai:gpt-6-luna", &used(1, 0, 0), NOVEMBER), "0.0000001");
        assert_eq!(cost("ollama:qwen3.5:9b", &used(9_000, 0, 900), NOVEMBER), "0");
        assert_eq!(cost("gemini:gemini-99", &used(1, 0, 0), NOVEMBER), "unknown");
        assert_eq!(cost("nobody:x", &used(1, 0, 0), NOVEMBER), "unknown");
    }

    #[test]
    fn a_price_holds_from_its_day_on() {
        let million = used(1_000_000, 0, 0);
        assert_eq!(cost("gemini:gemini-4-carbon", &million, Timestamp(DECEMBER.0 - 1)), "2");
        assert_eq!(cost("gemini:gemini-4-carbon", &million, DECEMBER), "4");
    }

    #[test]
    fn a_long_request_costs_more_as_a_whole() {
        let million = |input| used(input, 0, 1_000_000);
        assert_eq!(cost("openai:gpt-6.2-sol", &million(272_000), NOVEMBER), "10.544");
        assert_eq!(cost("openai:gpt-6.2-sol", &million(272_001), NOVEMBER), "16.088004");
    }

    #[test]
    fn cache_writes_tiers_and_sound_have_prices_of_their_own() {
        let written = Usage { input_cache_write_30m: 100_000, ..used(200_000, 0, 0) };
        assert_eq!(cost("openai:gpt-6-sol", &written, NOVEMBER), "0.45");
        let flex = Usage { service_tier: Some("flex".into()), ..used(100_000, 0, 0) };
        assert_eq!(cost("openai:gpt-6-sol", &flex, NOVEMBER), "0.1");
        let priority = Usage { service_tier: Some("PRIORITY".into()), ..used(1_000_000, 0, 0) };
        assert_eq!(cost("gemini:gemini-3.5-flash-lite", &priority, NOVEMBER), "0.54");
        let audio = ModalityTokens { modality: Modality::Audio, is_input: true, tokens: 400_000 };
        let heard = Usage { by_modality: vec![audio], ..used(1_000_000, 0, 0) };
        assert_eq!(cost("gemini:gemini-2.5-flash", &heard, NOVEMBER), "0.58");
    }

    #[test]
    fn the_model_that_served_is_paid_and_a_dated_name_is_the_model() {
        let served = |name: &str| Usage { served_model: Some(name.into()), ..used(100_000, 0, 0) };
        assert_eq!(cost("gemini:gemini-flash-latest", &served("gemini-3.5-flash"), NOVEMBER), "0.15");
        assert_eq!(cost("openai:gpt-6-luna", &served("gpt-6-luna-2026-10-01"), NOVEMBER), "0.01");
        assert_eq!(cost("openai:gpt-6-luna", &served("something-else"), NOVEMBER), "0.01");
        assert_eq!(cost("openai:gpt-6-luna-mini", &used(1, 0, 0), NOVEMBER), "unknown");
    }

    #[test]
    fn what_the_provider_says_it_cost_goes_before_every_list() {
        let told = Usage { provider_cost_pico_usd: Some(123), ..used(1_000_000, 0, 0) };
        assert_eq!(cost("router:anything", &told, NOVEMBER), "0.000000000123");
    }

    #[test]
    fn no_use_within_its_bounds_costs_more_than_the_most() {
        for (provider, price) in Prices::built_in().all() {
            let name = ModelRef::new(provider, price.model.as_str());
            for input in [1_i64, 5_000, 272_000, 272_001, 900_000] {
                let most = Prices::built_in().most(&name, input.unsigned_abs(), 700, NOVEMBER);
                let whole = |usage: Usage| Usage { input_total: input, output_total: 700, ..usage };
                let audio = ModalityTokens { modality: Modality::Audio, is_input: true, tokens: input };
                for usage in [
                    Usage::default(),
                    Usage { input_cached: input, ..Usage::default() },
                    Usage { input_cache_write_30m: input, ..Usage::default() },
                    Usage { input_cache_write_12h: input, ..Usage::default() },
                    Usage { by_modality: vec![audio], ..Usage::default() },
                ] {
                    let cost = Prices::built_in().cost(&name, &whole(usage), NOVEMBER);
                    assert!(cost.is_some() && cost <= most, "{name}: {cost:?} of {most:?}");
                }
            }
        }
    }

    #[test]
    fn a_servers_own_price_holds_for_all_its_models() {
        let mut prices = Prices::built_in().clone();
        let rate = |text| Rate::parse(text).expect(text);
        prices.set_all("mine", rate("0.5"), rate("1"));
        let cost = prices.cost(&model("mine:anything"), &used(1_000_000, 0, 1_000_000), NOVEMBER);
        assert_eq!(cost, PicoDollars::parse("1.5").ok());
        prices.set_all("groq", rate("0.5"), rate("1"));
        let cost = prices.cost(&model("groq:openai/gpt-oss-20b"), &used(1_000_000, 0, 0), NOVEMBER);
        assert_eq!(cost, PicoDollars::parse("0.5").ok());
    }

    #[test]
    fn a_server_known_by_another_name_costs_what_that_one_costs() {
        let mut prices = Prices::built_in().clone();
        prices.set_like("fast", "groq");
        prices.set_like("unknown", "vllm");
        let cost = |name| prices.cost(&model(name), &used(1_000_000, 0, 0), NOVEMBER);
        assert_eq!(cost("fast:openai/gpt-oss-20b"), PicoDollars::parse("0.075").ok());
        assert_eq!((cost("fast:nobody/knows"), cost("unknown:x")), (None, None));
    }

    #[test]
    fn a_rate_finer_than_a_token_can_tell_is_refused() {
        assert!(Rate::parse("0.0000001").is_err() && Rate::parse("-1").is_err() && Rate::parse("").is_err());
        assert_eq!(Rate::parse("0.0375").expect("a rate").per_million().to_string(), "0.0375");
    }
}
