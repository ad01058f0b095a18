//! Two shops that share every id and every word that two shops can share, each with canaries of its own.

use aura::{
    api,
    daemon::SystemClock,
    domain::{Clock, ConversationId},
    sim::payload::{self, Of},
};
use sha2::{Digest, Sha256};

use crate::shop::{House, holds};

/// A person with the same id for both shops, which Instagram never gives, writes a message with the same id.
pub const SHARED_SHOPPER: &str = "1000000000000042";
const SHARED_MID: &str = "aWdfZAG1faXRlbTox-shared";
/// The same trial in both shops.
pub const SESSION: &str = "trial";
/// The same product in both shops.
pub const PRODUCT: &str = "linen-shirt";
/// A notify target of both shops, at which nobody listens.
pub const PAGER: &str = "pager";
/// A draft in both shops.
pub const HIDDEN: &str = "hidden";

/// Where canaries stand.
const PLACES: &[&str] = &[
    "title",
    "description",
    "link",
    "tag",
    "draft",
    "message",
    "shared",
    "person",
    "trial",
    "greeting",
    "sign_off",
    "disclosure",
    "secret",
];

/// One shop with what only it may show.
pub struct Shop {
    pub slug: &'static str,
    pub account: &'static str,
    pub tenant: api::Tenant,
    /// A conversation on Instagram, answered.
    pub conversation: ConversationId,
    /// The first message in it; it has no picture.
    pub message: String,
    /// The turn that answered there.
    pub turn: String,
    /// The one that shares its shopper and its message's id.
    pub shared: ConversationId,
    /// A conversation that a person has.
    pub taken_over: ConversationId,
    /// The key of a product that only this shop has.
    pub own_product: String,
    /// Not secret for the operator, but no other shop's answer has a reason to hold it.
    private: Vec<String>,
}

/// The two shops in a running daemon. Everything is asked as alder; birch must not show.
pub struct Stage {
    pub house: House,
    pub alder: Shop,
    pub birch: Shop,
}

/// A shop's canary for a place: 128 bits that stand nowhere else.
pub fn canary(slug: &str, place: &str) -> String {
    let digest = Sha256::digest(format!("{slug}/{place}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Stage {
    pub async fn set() -> Self {
        let house = House::open().await;
        // One after the other in every step, so that ids are as near to each other as they can be.
        let shops = [("alder", "17841400000000001"), ("birch", "17841400000000002")];
        let mut tenants = Vec::new();
        for (slug, account) in shops {
            tenants.push(house.tenant(slug, account).await);
        }
        for (slug, account) in shops {
            furnish(&house, slug).await;
            write_in(&house, slug, account);
        }
        house.settle(&["alder", "birch"]).await;
        for (slug, _) in shops {
            let text = format!("Is the blue linen shirt {} there in M?", canary(slug, "trial"));
            let question = api::ChatQuestion { session: SESSION.into(), text, persona: None };
            house.client().chat(slug, &question).await.expect("a trial is answered");
        }
        let [alder, birch] = shops;
        let (second, first) = (tenants.pop().expect("two"), tenants.pop().expect("two"));
        let alder = Shop::of(&house, alder, first).await;
        let birch = Shop::of(&house, birch, second).await;
        Self { house, alder, birch }
    }

    /// Everything that can be seen of birch, to compare it later.
    pub async fn birch_as_it_is(&self) -> String {
        let (client, slug) = (self.house.client(), self.birch.slug);
        let mut birch = client.tenant(slug).await.expect("shown");
        // The installation's limit holds for every shop that has none of its own; the operator may set that.
        if let Some(status) = &mut birch.status {
            status.budget_day_usd = None;
        }
        let mut seen = format!(
            "{birch:?}\n{:?}\n{:?}\n{:?}\n",
            client.accounts(slug).await.expect("listed"),
            client.secrets(Some(slug)).await.expect("listed"),
            client.catalog(slug).await.expect("counted"),
        );
        for id in [self.birch.conversation, self.birch.shared, self.birch.taken_over] {
            seen += &format!("{:?}\n", client.conversation(slug, &id.to_string()).await.expect("shown"));
        }
        for key in [PRODUCT, &self.birch.own_product] {
            seen += &format!("{:?}\n", client.product(slug, key).await.expect("shown"));
        }
        seen
    }
}

impl Shop {
    async fn of(house: &House, (slug, account): (&'static str, &'static str), tenant: api::Tenant) -> Self {
        let client = house.client();
        let all = client.conversations(slug, &api::ConversationQuery::default()).await.expect("listed");
        let with = |shopper: String| {
            let found = all.iter().find(|conversation| conversation.shopper_id == shopper);
            found.unwrap_or_else(|| panic!("{slug} has no conversation with {shopper}")).id.parse().expect("an id")
        };
        let fingerprints =
            client.secrets(Some(slug)).await.expect("listed").into_iter().map(|secret| secret.fingerprint);
        let conversation: ConversationId = with(house.sim.shopper("ana").id(account));
        let detail = client.conversation(slug, &conversation.to_string()).await.expect("shown");
        Self {
            message: detail.messages[0].id.clone(),
            turn: detail.turns.last().expect("it was answered").id.clone(),
            conversation,
            shared: with(SHARED_SHOPPER.into()),
            taken_over: with(house.sim.shopper("ben").id(account)),
            own_product: own_product(slug),
            private: fingerprints.chain([account.to_owned(), tenant.id.clone()]).collect(),
            slug,
            account,
            tenant,
        }
    }

    /// The places whose canaries stand in `bytes`.
    pub fn canaries_in(&self, bytes: &[u8]) -> Vec<&'static str> {
        PLACES.iter().copied().filter(|place| holds(bytes, &canary(self.slug, place))).collect()
    }

    /// What of this shop's stands in an answer to another, other than what the question itself held.
    pub fn traces_in(&self, answer: &str, question: &str) -> Vec<String> {
        let private = self.private.iter().filter(|text| answer.contains(*text) && !question.contains(*text)).cloned();
        self.canaries_beyond(answer, question).into_iter().map(str::to_owned).chain(private).collect()
    }

    /// The places whose canaries stand in an answer, other than those that the question itself held.
    pub fn canaries_beyond(&self, answer: &str, question: &str) -> Vec<&'static str> {
        let mut found = self.canaries_in(answer.as_bytes());
        found.retain(|place| !question.contains(&canary(self.slug, place)));
        found
    }
}

fn own_product(slug: &str) -> String {
    format!("only-{}", &canary(slug, "own product")[..8])
}

/// A shop's catalogue: the same keys, titles that begin with the same words.
pub fn catalogue(slug: &str) -> String {
    let product = |id: &str, status: &str, title: &str| {
        let line = serde_json::json!({
            "id": id, "title": format!("Blue Linen Shirt {}", canary(slug, title)), "brand": "The Brand", "category": "Shirts",
            "tags": ["linen", canary(slug, "tag")], "status": status, "currency": "EUR",
            "description": format!("A soft blue shirt. {}", canary(slug, "description")),
            "url": format!("https://shop.example/{}", canary(slug, "link")),
            "variants": [{"id": "1", "sku": "LS-1", "options": {"Size": "M", "Color": "Blue"}, "price": "49.00", "quantity": 3}],
        });
        format!("{line}\n")
    };
    [
        product(PRODUCT, "active", "title"),
        product(&own_product(slug), "active", "title"),
        product(HIDDEN, "draft", "draft"),
    ]
    .concat()
}

/// A shop's voice.
pub fn persona(slug: &str) -> String {
    let of = |place| canary(slug, place);
    format!(
        "name: Robin\ntone: warm\ngreeting: Hello {}\nsign_off: Bye {}\ndisclosure: I am a machine {}\n",
        of("greeting"),
        of("sign_off"),
        of("disclosure")
    )
}

/// Products, voice, secret.
async fn furnish(house: &House, slug: &str) {
    let client = house.client();
    client.set_persona(slug, persona(slug).into()).await.expect("a voice");
    let secret = api::NewSecret { value: canary(slug, "secret") };
    client.set_secret(Some(slug), "meta.app_secret", &secret).await.expect("a secret");
    let pager = api::NewNotifyTarget {
        via: "webhook".into(),
        name: Some(PAGER.into()),
        address: format!("http://127.0.0.1:9/{}", canary(slug, "secret")),
        ..api::NewNotifyTarget::default()
    };
    client.add_notify_target(slug, &pager).await.expect("a target");
    let lines = futures_util::stream::iter([Ok(catalogue(slug).into())]);
    let query = api::ImportQuery { source: "catalogue.jsonl".into(), ..api::ImportQuery::default() };
    let report = client.import(slug, &query, lines).await.expect("a catalogue");
    assert_eq!((report.added, report.skipped.len()), (3, 0), "{report:?}");
}

/// Three shoppers write; one of them hears from a person of the shop.
fn write_in(house: &House, slug: &str, account: &str) {
    let said = |place| format!("Do you have the blue linen shirt? {}", canary(slug, place));
    house.sim.shopper("ana").writes(account, &said("message"));
    let of = Of { account, shopper: SHARED_SHOPPER, at: SystemClock.now() };
    house.sim.report(account, payload::text(of, SHARED_MID, &said("shared")));
    house.sim.shopper("ben").writes(account, "Hello?");
    house.sim.person_writes(account, "ben", &said("person"));
}
