//! What happens in the demo, and what every answer has to say: a table, and the words it is made of.

use super::shops::{HARBOR, LINDGRUEN, Shop};

/// Somebody who writes to a shop.
#[derive(Debug)]
pub struct Shopper {
    /// What the shopper is called.
    pub name: &'static str,
    /// The shop that is written to.
    pub shop: &'static Shop,
    /// The language that Aura has to recognise.
    pub language: &'static str,
}

/// A product of a shop, as its catalogue has it.
#[derive(Debug)]
pub struct Product {
    /// Its name.
    pub title: &'static str,
    /// A decimal number, in the shop's currency.
    pub price: &'static str,
    /// Where to buy it.
    pub url: &'static str,
}

/// One thing that happens. Steps come one after the other; what is in one step happens at the same time.
#[derive(Debug)]
pub enum Step {
    /// Shoppers write, and the assistant answers each.
    Asks(&'static [Ask]),
    /// A shopper writes to a person of the shop: the assistant says nothing.
    ToPerson(&'static Shopper, &'static str),
    /// A person of the shop answers in the Instagram app.
    Person(&'static Shopper, &'static str),
    /// The person lets the assistant answer again.
    Release(&'static Shopper),
}

/// Messages of one shopper that get one answer.
#[derive(Debug)]
pub struct Ask {
    /// Who.
    pub who: &'static Shopper,
    /// What, in one go: shoppers write in bursts.
    pub says: &'static [&'static str],
    /// What the answer has to be.
    pub expects: Expect,
}

/// What an answer has to be. Everything named holds; words are compared without regard to case.
#[derive(Debug)]
pub struct Expect {
    /// `answered` or `handed_over`.
    pub outcome: &'static str,
    /// Named by its title.
    pub product: Option<&'static Product>,
    /// Its price is told.
    pub price: bool,
    /// Its page is linked.
    pub link: bool,
    /// Of each group at least one.
    pub says: &'static [&'static [&'static str]],
    /// None of these.
    pub never: &'static [&'static str],
}

impl Expect {
    const ANSWER: Self = Self { outcome: "answered", product: None, price: false, link: false, says: &[], never: &[] };

    /// Shows the product: title, price and link.
    const fn shows(product: &'static Product) -> Self {
        Self { product: Some(product), price: true, link: true, ..Self::ANSWER }
    }

    /// Names the product and its price.
    const fn prices(product: &'static Product) -> Self {
        Self { product: Some(product), price: true, ..Self::ANSWER }
    }

    /// Names the product and says this about its stock.
    const fn stock(product: &'static Product, says: &'static [&'static [&'static str]]) -> Self {
        Self { product: Some(product), says, ..Self::ANSWER }
    }

    const fn never(self, never: &'static [&'static str]) -> Self {
        Self { never, ..self }
    }
}

static ANA: Shopper = Shopper { name: "Ana", shop: &HARBOR, language: "en" };
static BEN: Shopper = Shopper { name: "Ben", shop: &HARBOR, language: "en" };
static MARA: Shopper = Shopper { name: "Mara", shop: &HARBOR, language: "en" };
static JONAS: Shopper = Shopper { name: "Jonas", shop: &LINDGRUEN, language: "de" };
static CHLOE: Shopper = Shopper { name: "Chloé", shop: &LINDGRUEN, language: "fr" };

/// Everybody who writes.
pub static SHOPPERS: [&Shopper; 5] = [&ANA, &BEN, &MARA, &JONAS, &CHLOE];

static COVE: Product = Product {
    title: "Cove Linen Shirt",
    price: "58.00",
    url: "https://harborandpine.example/products/cove-linen-shirt",
};
static LANTERN: Product =
    Product { title: "Beacon Lantern", price: "64.00", url: "https://harborandpine.example/products/beacon-lantern" };
static JUNIPER: Product = Product {
    title: "Juniper Shirt Dress",
    price: "112.00",
    url: "https://harborandpine.example/products/juniper-shirt-dress",
};
static TEA_TOWELS: Product = Product {
    title: "Linen Tea Towels, Set of 3",
    price: "42.00",
    url: "https://harborandpine.example/products/linen-tea-towels-set-of-3",
};
static NAPKINS: Product = Product {
    title: "Linen Napkins, Set of 4",
    price: "48.00",
    url: "https://harborandpine.example/products/linen-napkins-set-of-4",
};
static HAFEN: Product =
    Product { title: "Leinenhemd Hafen", price: "89.00", url: "https://lindgruen.example/products/leinenhemd-hafen" };
static FJORD: Product =
    Product { title: "Leinenhemd Fjord", price: "54.90", url: "https://lindgruen.example/products/leinenhemd-fjord" };
static MARLENE: Product = Product {
    title: "Leinenkleid Marlene",
    price: "119.00",
    url: "https://lindgruen.example/products/leinenkleid-marlene",
};

/// What happens.
pub static SCRIPT: &[Step] = &[
    Step::Asks(&[
        Ask { who: &ANA, says: &["Hi! Do you have a blue linen shirt under 60?"], expects: Expect::shows(&COVE) },
        Ask { who: &JONAS, says: &["Moin! Was kostet das Leinenhemd Hafen?"], expects: Expect::prices(&HAFEN) },
    ]),
    Step::Asks(&[
        Ask {
            who: &CHLOE,
            says: &["Bonjour ! Vous avez une robe bleue en lin en taille 38 ?"],
            expects: Expect::shows(&MARLENE),
        },
        Ask {
            who: &ANA,
            says: &["Is the Cove one in stock in M?"],
            expects: Expect::stock(&COVE, &[&["available", "in stock"], &[" M"]]).never(&["not available"]),
        },
    ]),
    Step::Asks(&[
        Ask {
            who: &JONAS,
            says: &["Habt ihr auch ein blaues Leinenhemd unter 60 Euro?"],
            expects: Expect::shows(&FJORD),
        },
        Ask { who: &BEN, says: &["How much is the Beacon Lantern?"], expects: Expect::prices(&LANTERN) },
        Ask {
            who: &MARA,
            says: &["Hello", "Could I talk to a real person, please?"],
            expects: Expect { outcome: "handed_over", says: &[&["colleague", "person"]], ..Expect::ANSWER },
        },
    ]),
    Step::Person(&MARA, "Hi Mara, Layla here from the shop. What can I do for you?"),
    Step::ToPerson(&MARA, "One of the mugs I bought has a crack. Can I get another one?"),
    Step::Asks(&[
        Ask {
            who: &BEN,
            says: &["And do you have the Juniper Shirt Dress in M?"],
            expects: Expect::stock(&JUNIPER, &[&["not available", "sold out"]]),
        },
        Ask {
            who: &CHLOE,
            says: &["Et en taille 40 ?"],
            expects: Expect::stock(&MARLENE, &[&["disponible"], &["40"]]).never(&["pas disponible"]),
        },
        Ask {
            who: &JONAS,
            says: &["Gibt es einen Wollmantel unter 100 Euro?"],
            expects: Expect { says: &[&["nichts"], &["100"]], ..Expect::ANSWER },
        },
    ]),
    Step::Person(&MARA, "Oh no, I am sorry! A new one leaves the studio today."),
    Step::Release(&MARA),
    Step::Asks(&[
        Ask {
            who: &MARA,
            says: &["Thank you! One more thing: do you have linen napkins?"],
            expects: Expect::shows(&NAPKINS),
        },
        Ask { who: &ANA, says: &["Great!", "And linen tea towels?"], expects: Expect::shows(&TEA_TOWELS) },
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn asks() -> impl Iterator<Item = &'static Ask> {
        SCRIPT.iter().flat_map(|step| match step {
            Step::Asks(asks) => *asks,
            _ => &[],
        })
    }

    #[test]
    fn everybody_in_the_script_is_on_the_list_and_is_answered() {
        for shopper in SHOPPERS {
            assert!(asks().any(|ask| ask.who.name == shopper.name), "{}", shopper.name);
        }
        assert!(asks().all(|ask| SHOPPERS.iter().any(|shopper| shopper.name == ask.who.name)));
    }

    #[test]
    fn nobody_writes_twice_in_one_step() {
        for step in SCRIPT {
            let Step::Asks(asks) = step else { continue };
            let mut names: Vec<_> = asks.iter().map(|ask| ask.who.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), asks.len());
        }
    }

    #[test]
    fn expected_products_are_those_of_the_shop_that_is_asked() {
        for ask in asks() {
            let Some(product) = ask.expects.product else { continue };
            assert!(product.url.starts_with(ask.who.shop.website), "{}", product.title);
        }
    }
}
