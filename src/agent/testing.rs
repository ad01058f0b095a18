//! Shops, products and conversations for the tests of this room and of `app::answer`.

use uuid::Uuid;

use crate::domain::{
    ConversationId, Currency, Language, MessageId, Money, TenantId, Timestamp, TurnId,
    chat::{ChatAnswer, Finish, Part},
    conversation::{Message, Side},
    inbound::AttachmentKind,
    persona::Persona,
    product::{OptionValue, Product, ProductKey, ProductStatus, Stock, Variant},
    tenant::{Tenant, TenantSlug, TenantState},
    turn::TurnInput,
};

pub(crate) fn euros(minor: i64) -> Money {
    Money { minor, currency: Currency::EUR }
}

/// A model's whole answer.
pub(crate) fn answer(text: &str) -> ChatAnswer {
    ChatAnswer {
        parts: vec![Part::text(text)],
        finish: Finish::Stop,
        finish_raw: None,
        usage: None,
        served_model: None,
        id: None,
    }
}

pub(crate) fn message(side: Side, text: &str) -> Message {
    Message {
        id: MessageId(Uuid::from_u128(1)),
        side,
        text: Some(text.to_owned()),
        payload: None,
        attachments: Vec::new(),
        pictures: Vec::new(),
        sights: Vec::new(),
        at: Timestamp(0),
        unsent: false,
    }
}

pub(crate) fn media(kind: AttachmentKind) -> Message {
    Message { text: None, attachments: vec![kind], ..message(Side::Shopper, "") }
}

/// A turn of the shop Noor, whose conversation begins with these messages.
pub(crate) fn turn(texts: &[&str]) -> TurnInput {
    TurnInput {
        turn: TurnId(Uuid::from_u128(7)),
        conversation: ConversationId(Uuid::from_u128(2)),
        tenant: Tenant {
            id: TenantId(Uuid::from_u128(3)),
            slug: TenantSlug::parse("noor").expect("a slug"),
            name: "Noor".into(),
            currency: Currency::EUR,
            language: Language::En,
            website: Some("https://noor.example".into()),
            state: TenantState::Active,
            standing: Default::default(),
            created_at: Timestamp(0),
        },
        persona: Persona::default(),
        open: texts.iter().map(|text| message(Side::Shopper, text)).collect(),
        history: Vec::new(),
        memory: None,
        recalled: Vec::new(),
        language: None,
        disclose: false,
        now: Timestamp(1_000),
    }
}

pub(crate) fn variant(options: &[(&str, &str)], minor: i64, stock: Stock) -> Variant {
    Variant {
        key: options.iter().map(|(_, value)| *value).collect::<Vec<_>>().join("/"),
        sku: None,
        barcode: None,
        options: options
            .iter()
            .map(|(name, value)| OptionValue { name: (*name).into(), value: (*value).into() })
            .collect(),
        price: Some(euros(minor)),
        compare_at: None,
        stock,
    }
}

pub(crate) fn product(title: &str, variants: Vec<Variant>) -> Product {
    let handle = title.to_lowercase().replace(' ', "-");
    Product {
        key: ProductKey(handle.clone()),
        title: title.into(),
        brand: None,
        category: None,
        tags: Vec::new(),
        description: String::new(),
        url: Some(format!("https://noor.example/products/{handle}")),
        images: Vec::new(),
        variants,
        status: ProductStatus::Active,
        published: true,
        gift_card: false,
    }
}

const fn counted(quantity: i64) -> Stock {
    Stock::Counted { quantity, oversell: false }
}

/// S and L can be had, M cannot; 49 euros.
pub(crate) fn linen_shirt() -> Product {
    let sizes = [("S", 3), ("M", 0), ("L", 2)];
    let variants = sizes.map(|(size, left)| variant(&[("Size", size)], 4900, counted(left))).to_vec();
    let description = "Breathable shirt made of 100% European linen. Machine wash at 30 degrees.".into();
    Product { description, ..product("Linen Shirt", variants) }
}

/// Blue in S and M, White in M only; 89 euros, reduced from 119.
pub(crate) fn linen_dress() -> Product {
    let forms = [("Blue", "S", 1), ("Blue", "M", 1), ("White", "S", 0), ("White", "M", 4)];
    let reduced = |(colour, size, left)| Variant {
        compare_at: Some(euros(11_900)),
        ..variant(&[("Colour", colour), ("Size", size)], 8900, counted(left))
    };
    product("Linen Dress", forms.map(reduced).to_vec())
}

/// No options; sold out; 25 euros.
pub(crate) fn straw_hat() -> Product {
    product("Straw Hat", vec![variant(&[], 2500, Stock::Stated(false))])
}

/// No options, never counted; 35 euros in Sand, 39 in Black.
pub(crate) fn canvas_bag() -> Product {
    let variants = [("Sand", 3500), ("Black", 3900)]
        .map(|(colour, price)| variant(&[("Colour", colour)], price, Stock::Untracked));
    product("Canvas Bag", variants.to_vec())
}
