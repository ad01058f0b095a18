//! The two shops of the demo, and how they come to be: through the typed client, as a user's would.

use aura::{
    api::{Connect, ImportQuery, NewSecret, NewTenant, Persona, exit},
    client::Client,
    sim::Sim,
};
use bytes::Bytes;
use futures_util::stream;

use crate::failure::Failure;

/// Signs the simulated Instagram's webhooks. It guards nothing but made-up messages on this machine.
pub const APP_SECRET: &str = "the-demo-app-secret";
/// What the simulated Instagram repeats in its handshake.
pub const VERIFY_TOKEN: &str = "the-demo-verify-token";
/// Bytes of a catalogue that are sent at a time, as `aura catalog import` does.
const CHUNK_BYTES: usize = 64 * 1024;

/// A sample shop; its products are those of `testdata/catalogs`.
#[derive(Debug)]
pub struct Shop {
    /// How it is addressed.
    pub slug: &'static str,
    /// Its own name.
    pub name: &'static str,
    /// Its site.
    pub website: &'static str,
    /// Language and tone, for people.
    pub voice: &'static str,
    /// Who answers for it when a person is wanted.
    pub person: &'static str,
    /// Its Instagram account.
    pub account: &'static str,
    username: &'static str,
    token: &'static str,
    currency: &'static str,
    language: &'static str,
    persona: &'static str,
    file: &'static str,
    catalogue: &'static [u8],
}

/// Linen from Germany.
pub static LINDGRUEN: Shop = Shop {
    slug: "lindgruen",
    name: "Lindgrün",
    website: "https://lindgruen.example",
    voice: "German, warm",
    person: "Henrike",
    account: "17841400000000001",
    username: "lindgruen.leinen",
    token: "IGAA-demo-lindgruen",
    currency: "EUR",
    language: "de",
    persona: "\
name: Linde
tone: warm
greeting: Hallo und willkommen bei Lindgrün!
sign_off: Liebe Grüße, dein Lindgrün-Team
disclose: true
",
    file: "lindgruen_shopify.csv",
    catalogue: include_bytes!("../../../../testdata/catalogs/lindgruen_shopify.csv"),
};

/// Things for home and trail from the States.
pub static HARBOR: Shop = Shop {
    slug: "harbor-and-pine",
    name: "Harbor & Pine",
    website: "https://harborandpine.example",
    voice: "English, crisp",
    person: "Layla",
    account: "17841400000000002",
    username: "harborandpine",
    token: "IGAA-demo-harbor-and-pine",
    currency: "USD",
    language: "en",
    persona: "\
name: Piper
tone: crisp
greeting: Hi, this is Harbor & Pine.
sign_off: Harbor & Pine
disclose: true
",
    file: "harbor_and_pine.jsonl",
    catalogue: include_bytes!("../../../../testdata/catalogs/harbor_and_pine.jsonl"),
};

/// Both.
pub static SHOPS: [&Shop; 2] = [&LINDGRUEN, &HARBOR];

impl Shop {
    /// The shop of an account.
    pub fn of_account(account: &str) -> Option<&'static Self> {
        SHOPS.into_iter().find(|shop| shop.account == account)
    }

    /// The shop that a person means: its slug, or how it begins.
    pub fn named(text: &str) -> Option<&'static Self> {
        let text = text.to_lowercase();
        SHOPS.into_iter().find(|shop| !text.is_empty() && shop.slug.starts_with(text.as_str()))
    }

    /// Adds the tenant, sets its voice, connects its account, imports its catalogue; the products that shoppers may be
    /// shown.
    pub async fn open(&self, sim: &Sim, client: &Client) -> Result<u64, Failure> {
        sim.account(self.account, self.username, self.token);
        let new = NewTenant {
            slug: self.slug.into(),
            name: self.name.into(),
            currency: Some(self.currency.into()),
            language: Some(self.language.into()),
            website: Some(self.website.into()),
            mode: None,
            persona: Persona::default(),
        };
        client.add_tenant(&new).await?;
        client.set_persona(self.slug, Bytes::from_static(self.persona.as_bytes())).await?;
        let account =
            Connect { channel: "instagram".into(), account_id: self.account.into(), token: Some(self.token.into()) };
        client.connect(self.slug, &account).await?;
        let query = ImportQuery { source: self.file.into(), ..ImportQuery::default() };
        let chunks = self.catalogue.chunks(CHUNK_BYTES).map(|chunk| Ok(Bytes::from_static(chunk)));
        let report = client.import(self.slug, &query, stream::iter(chunks)).await?;
        if let Some(skipped) = report.skipped.first() {
            let message = format!("{}, {}: {}", self.file, skipped.at, skipped.reason);
            return Err(Failure::new(exit::FAILED, "catalogue_unreadable", message));
        }
        Ok(client.catalog(self.slug).await?.visible)
    }
}

/// Stores what an installation needs to believe webhooks, then lets the simulated Instagram check the address as Meta
/// would, and deliver to it.
pub async fn subscribe(sim: &Sim, client: &Client, webhook: &str) -> Result<(), Failure> {
    for (name, value) in [("meta.instagram_app_secret", APP_SECRET), ("meta.verify_token", VERIFY_TOKEN)] {
        client.set_secret(None, name, &NewSecret { value: value.into() }).await?;
    }
    let refused = |why: String| {
        Failure::new(exit::FAILED, "handshake_failed", format!("{webhook} did not pass the check: {why}"))
    };
    match sim.handshake(webhook, VERIFY_TOKEN).await {
        Ok(true) => sim.deliver_to(webhook),
        Ok(false) => return Err(refused("the challenge did not come back".into())),
        Err(error) => return Err(refused(error.to_string())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_found_by_its_account_and_by_how_its_name_begins() {
        let slug = |shop: Option<&Shop>| shop.map(|shop| shop.slug);
        assert_eq!(slug(Shop::of_account("17841400000000002")), Some("harbor-and-pine"));
        assert_eq!(slug(Shop::named("Lind")), Some("lindgruen"));
        assert_eq!(slug(Shop::named("harbor-and-pine")), Some("harbor-and-pine"));
        assert_eq!((slug(Shop::named("")), slug(Shop::named("noor"))), (None, None));
    }
}
