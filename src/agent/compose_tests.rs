//! Answers of the built-in composer, and the law that they pass the guard.

use proptest::prelude::*;

use super::*;
use crate::{
    agent::{
        choose::title_has,
        guard::{self, Limits, Rules},
        testing::{canvas_bag, linen_dress, linen_shirt, message, product, straw_hat, turn, variant},
        understand::understand,
    },
    domain::{
        persona::{Persona, Tone},
        product::{Stock, Variant},
    },
};

fn mia() -> Persona {
    Persona { name: "Mia".into(), tone: Tone::Warm, sign_off: Some("Your Noor team".into()), ..Persona::default() }
}

fn formal() -> Persona {
    Persona { tone: Tone::Formal, ..Persona::default() }
}

/// What the search of these tests finds: products whose title shares a stem with the words.
fn find(understanding: &Understanding) -> Findings {
    let all = [linen_shirt(), linen_dress(), straw_hat(), canvas_bag()];
    let hits = all
        .iter()
        .filter(|product| understanding.content.iter().any(|word| title_has(product, std::slice::from_ref(word))));
    Findings { hits: hits.cloned().collect(), ..Findings::default() }
}

/// Composes, holds the draft to the guard, and shows it.
fn answer(input: &TurnInput, findings: &Findings) -> String {
    let understanding = understand(input);
    let draft = compose(input, &understanding, findings);
    assert_eq!(violations(input, findings, &draft), Vec::<String>::new());
    draft.messages.join("\n=====\n")
}

fn violations(input: &TurnInput, findings: &Findings, draft: &Draft) -> Vec<String> {
    let evidence = findings.evidence(input.now);
    let (limits, own_words) = (findings.limits(), own_words(&input.persona, &input.tenant));
    let asked: Vec<&str> = input.open.iter().filter_map(|message| message.text.as_deref()).collect();
    let rules = Rules {
        evidence: &evidence,
        limits: Limits::Named(&limits),
        own_words: &own_words,
        asked: &asked,
        citations: &draft.citations,
        author: guard::Author::House,
    };
    let found = guard::check_draft(&draft.messages, &draft.products, &rules);
    found.iter().map(|violation| format!("{violation} in {:?}", draft.messages)).collect()
}

/// Asks in the middle of a conversation.
fn ask(text: &str, persona: Persona) -> String {
    let mut input = turn(&[text]);
    input.persona = persona;
    input.history = vec![message(Side::Shopper, "hi"), message(Side::Bot, "…")];
    let findings = find(&understand(&input));
    answer(&input, &findings)
}

fn ask_about(text: &str, meant: Vec<Product>) -> String {
    let mut input = turn(&[text]);
    input.history = vec![message(Side::Shopper, "hi"), message(Side::Bot, "…")];
    input.recalled = meant.iter().map(|product| product.key.clone()).collect();
    answer(&input, &Findings { meant, ..Findings::default() })
}

/// The same questions, for each voice.
const QUESTIONS: [&str; 14] = [
    "Do you have something in linen?",
    "How much is the canvas bag?",
    "Is the linen shirt in stock in M?",
    "What is the linen shirt made of?",
    "Do you have boots?",
    "Thanks!",
    "Was kostet das Linen Dress?",
    "Habt ihr das Linen Dress in blau in S?",
    "Vielen Dank!",
    "Combien coûte le Canvas Bag en noir ?",
    "Vous avez des bottes ?",
    "¿Está disponible el Straw Hat?",
    "Avete il Linen Shirt in XL?",
    "Avete il Linen Dress in bianco in S?",
];

fn transcript(persona: &Persona) -> String {
    QUESTIONS.map(|text| format!("> {text}\n{}", ask(text, persona.clone()))).join("\n\n")
}

#[test]
fn a_warm_shop_answers() {
    insta::assert_snapshot!(transcript(&mia()), @r"
    > Do you have something in linen?
    I'd show you these:

    Linen Shirt – €49.00
    Available in S, L
    https://noor.example/products/linen-shirt

    Linen Dress – €89.00 (instead of €119.00)
    Available in Blue, White · S, M
    https://noor.example/products/linen-dress

    > How much is the canvas bag?
    Canvas Bag starts from €35.00, depending on the version you choose.
    https://noor.example/products/canvas-bag

    > Is the linen shirt in stock in M?
    Oh no, Linen Shirt is not available in M at the moment. Available right now: S, L.
    €49.00
    https://noor.example/products/linen-shirt

    > What is the linen shirt made of?
    Linen Shirt: Breathable shirt made of 100% European linen. Machine wash at 30 degrees.
    Linen Shirt is €49.00.
    https://noor.example/products/linen-shirt

    > Do you have boots?
    I looked, but I couldn't find that in our shop, sorry!

    > Thanks!
    You're very welcome! 😊

    > Was kostet das Linen Dress?
    Linen Dress kostet 89,00 € (statt 119,00 €).
    https://noor.example/products/linen-dress

    > Habt ihr das Linen Dress in blau in S?
    Gute Nachricht: Linen Dress ist in S, Blue verfügbar.
    89,00 €
    https://noor.example/products/linen-dress

    > Vielen Dank!
    Sehr gern! 😊

    > Combien coûte le Canvas Bag en noir ?
    Canvas Bag en Black est à 39,00 € 😊
    https://noor.example/products/canvas-bag

    > Vous avez des bottes ?
    J'ai regardé, mais je ne trouve pas ça chez nous, désolé !

    > ¿Está disponible el Straw Hat?
    Lo siento, Straw Hat no está disponible ahora mismo.
    25,00 €
    https://noor.example/products/straw-hat

    > Avete il Linen Shirt in XL?
    Non vedo XL tra le opzioni di Linen Shirt, mi dispiace. Disponibile ora: S, L.
    49,00 €
    https://noor.example/products/linen-shirt

    > Avete il Linen Dress in bianco in S?
    Peccato, Linen Dress non è disponibile in S, White ora. Disponibile ora: Blue / S, White / M.
    89,00 € (invece di 119,00 €)
    https://noor.example/products/linen-dress
    ");
}

#[test]
fn a_formal_shop_answers_the_same_questions() {
    insta::assert_snapshot!(transcript(&formal()), @r"
    > Do you have something in linen?
    I may suggest the following:

    Linen Shirt – €49.00
    Available in S, L
    https://noor.example/products/linen-shirt

    Linen Dress – €89.00 (instead of €119.00)
    Available in Blue, White · S, M
    https://noor.example/products/linen-dress

    > How much is the canvas bag?
    Canvas Bag is priced from €35.00, depending on the version.
    https://noor.example/products/canvas-bag

    > Is the linen shirt in stock in M?
    I regret that Linen Shirt is not available in M at the moment. Available right now: S, L.
    €49.00
    https://noor.example/products/linen-shirt

    > What is the linen shirt made of?
    Linen Shirt: Breathable shirt made of 100% European linen. Machine wash at 30 degrees.
    Linen Shirt costs €49.00.
    https://noor.example/products/linen-shirt

    > Do you have boots?
    I regret that I found nothing that matches your request.

    > Thanks!
    It was a pleasure.

    > Was kostet das Linen Dress?
    Linen Dress kostet 89,00 € (statt 119,00 €).
    https://noor.example/products/linen-dress

    > Habt ihr das Linen Dress in blau in S?
    Ja, Linen Dress ist derzeit in S, Blue verfügbar.
    89,00 €
    https://noor.example/products/linen-dress

    > Vielen Dank!
    Es war mir eine Freude.

    > Combien coûte le Canvas Bag en noir ?
    Canvas Bag en Black coûte 39,00 €.
    https://noor.example/products/canvas-bag

    > Vous avez des bottes ?
    Je n'ai malheureusement rien trouvé qui corresponde à votre demande.

    > ¿Está disponible el Straw Hat?
    Lamento decirle que Straw Hat no está disponible en este momento.
    25,00 €
    https://noor.example/products/straw-hat

    > Avete il Linen Shirt in XL?
    Purtroppo XL non figura tra le opzioni di Linen Shirt. Disponibile ora: S, L.
    49,00 €
    https://noor.example/products/linen-shirt

    > Avete il Linen Dress in bianco in S?
    Mi rincresce, Linen Dress non è al momento disponibile in S, White. Disponibile ora: Blue / S, White / M.
    89,00 € (invece di 119,00 €)
    https://noor.example/products/linen-dress
    ");
}

#[test]
fn a_conversation_opens_with_greeting_disclosure_and_sign_off() {
    let mut input = turn(&["Hi!", "Do you have a linen shirt?"]);
    (input.persona, input.disclose) = (mia(), true);
    insta::assert_snapshot!(answer(&input, &Findings { hits: vec![linen_shirt()], ..Findings::default() }), @"
    Hi, lovely to hear from you! I'm Mia, the digital assistant of Noor.

    This could be just right for you:

    Linen Shirt – €49.00
    Available in S, L
    https://noor.example/products/linen-shirt

    Your Noor team
    ");
    input.persona.greeting = Some("Welcome to Noor, where shipping is free!".into());
    input.persona.disclosure = Some("(A bot answers here.)".into());
    input.persona.tone = Tone::Crisp;
    insta::assert_snapshot!(answer(&input, &Findings { hits: vec![straw_hat()], ..Findings::default() }), @"
    Welcome to Noor, where shipping is free! (A bot answers here.)

    Found:

    Straw Hat – €25.00
    Not available right now
    https://noor.example/products/straw-hat

    Your Noor team
    ");
}

#[test]
fn a_mere_greeting_is_greeted_back() {
    let mut input = turn(&["Hallo!"]);
    input.persona = formal();
    insta::assert_snapshot!(answer(&input, &Findings::default()), @"
    Guten Tag.

    Wie kann ich Ihnen helfen?
    ");
}

#[test]
fn a_reference_is_answered_about_that_product() {
    insta::assert_snapshot!(ask_about("how much is it in black?", vec![canvas_bag()]), @"
    Canvas Bag in Black costs €39.00 😊
    https://noor.example/products/canvas-bag
    ");
    insta::assert_snapshot!(ask_about("der blaue?", vec![linen_dress(), straw_hat()]), @r"
    Gute Nachricht: Linen Dress ist in Blue verfügbar.
    89,00 €
    https://noor.example/products/linen-dress
    ");
    insta::assert_snapshot!(ask_about("where can I buy it?", vec![linen_shirt()]), @"
    Linen Shirt – €49.00
    Available in S, L
    https://noor.example/products/linen-shirt
    ");
    insta::assert_snapshot!(ask_about("¿está disponible?", Vec::new()), @"¿A qué producto te refieres?");
}

#[test]
fn nothing_under_a_limit_is_said_so_with_what_comes_close() {
    let input = turn(&["Do you have linen dresses under 60€?"]);
    let limit = crate::agent::testing::euros(6000);
    let findings = Findings { near: vec![linen_dress()], price_max: Some(limit), ..Findings::default() };
    insta::assert_snapshot!(answer(&input, &findings), @"
    Hi, lovely to hear from you!

    Under €60.00 I found nothing, I'm afraid.

    This comes closest:

    Linen Dress – €89.00 (instead of €119.00)
    Available in Blue, White · S, M
    https://noor.example/products/linen-dress
    ");
}

#[test]
fn media_is_admitted_not_guessed() {
    let mut input = turn(&[]);
    input.open = vec![crate::agent::testing::media(crate::domain::inbound::AttachmentKind::Image)];
    insta::assert_snapshot!(answer(&input, &Findings::default()), @"
    Hi, lovely to hear from you!

    Thanks for sharing! I can't look at pictures or listen to voice messages yet. Can you tell me in words what you're looking for?
    ");
}

#[test]
fn a_person_is_announced_in_fitting_words() {
    let mut input = turn(&["x"]);
    input.disclose = true;
    let said = |input: &TurnInput, language, reason, after| hand_over(input, language, reason, after).join("\n=====\n");
    insta::assert_snapshot!(said(&input, Language::En, HandOverReason::Asked, false), @"
    Hi, lovely to hear from you! I'm the digital assistant of Noor.

    Sure, I'm handing over to a person from the team. You'll get a message right here as soon as someone is in.
    ");
    insta::assert_snapshot!(said(&input, Language::De, HandOverReason::Anger, false), @"
    Ich bin der digitale Assistent von Noor.

    Das tut mir wirklich leid. Ich gebe es sofort an jemanden aus dem Team weiter, die Antwort kommt hier.
    ");
    input.persona = formal();
    insta::assert_snapshot!(said(&input, Language::Fr, HandOverReason::Order, false), @"
    Bonjour. L'assistant numérique de Noor vous répond.

    Je n'ai pas accès aux commandes. Une personne de notre équipe va vérifier la vôtre et vous répondra ici.
    ");
    insta::assert_snapshot!(said(&input, Language::It, HandOverReason::Policy, true), @"Una persona del nostro team risponderà qui alla Sua altra domanda.");
}

#[test]
fn cards_say_only_what_is_certain() {
    let input = turn(&["How much is the canvas bag?"]);
    let understanding = understand(&input);
    let findings = Findings { hits: vec![canvas_bag(), straw_hat()], ..Findings::default() };
    let draft = cards(&input, &understanding, &findings);
    assert_eq!(violations(&input, &findings, &draft), Vec::<String>::new());
    insta::assert_snapshot!(draft.messages.join("\n=====\n"), @"
    Hi, lovely to hear from you!

    Here is what I can tell you for certain:

    Canvas Bag – from €35.00
    Available in Sand, Black
    https://noor.example/products/canvas-bag

    Straw Hat – €25.00
    Not available right now
    https://noor.example/products/straw-hat
    ");
}

#[test]
fn a_long_answer_is_cut_between_products() {
    let long = |number: usize| {
        product(&format!("Shirt {number} {}", "very ".repeat(70)), vec![variant(&[], 900, Stock::Untracked)])
    };
    let input = turn(&["Do you have shirts?"]);
    let findings = Findings { hits: (1..=3).map(long).collect(), ..Findings::default() };
    let draft = compose(&input, &understand(&input), &findings);
    assert_eq!(draft.messages.len(), 3);
    assert!(draft.messages.iter().all(|message| message.len() <= ReplyText::MAX_BYTES));
    assert_eq!(violations(&input, &findings, &draft), Vec::<String>::new());
}

#[test]
fn a_hidden_product_is_never_spoken_of() {
    let hidden = Product { published: false, ..linen_shirt() };
    let input = turn(&["how much is the linen shirt?"]);
    let findings = Findings { hits: vec![hidden], ..Findings::default() };
    let draft = compose(&input, &understand(&input), &findings);
    assert!(draft.products.is_empty() && !draft.messages.concat().contains("Linen Shirt"));
}

/// Words that shops use in titles and values, the awkward ones too.
fn any_title() -> impl Strategy<Value = String> {
    let words = [
        "Linen",
        "Shirt",
        "Dress",
        "Free",
        "100%",
        "Cotton",
        "Sale",
        "Blue",
        "M",
        "Nº5",
        "€9",
        "Été",
        "Größe",
        "2-in-1",
        "(new)",
        "Hat",
        "Bag",
        "XL",
        "Available",
        "No.",
        "50/50",
        "L'Amour",
        "🌸",
        "Noor",
        "\u{202e}odd",
        "Set",
        "3pcs",
        "v2.0",
        "Out",
        "of",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 2..5).prop_map(|words| words.join(" "))
}

fn any_variant() -> impl Strategy<Value = Variant> {
    let sizes = ["S", "M", "L", "XL", "38", "40", "One Size", "M/L", "50 €", "sold out", "Medium"];
    let colours = ["Blue", "Light Blue", "Schwarz", "Walnut", "Écru", "100% red", "in stock", "Yes"];
    let stock = prop_oneof![
        Just(Stock::Untracked),
        any::<bool>().prop_map(Stock::Stated),
        (-1_i64..3, any::<bool>()).prop_map(|(quantity, oversell)| Stock::Counted { quantity, oversell }),
    ];
    let price = prop::option::of(prop::sample::select(vec![500_i64, 4900, 8900, 129_900, 1_234_567]));
    let compare_at = prop::option::of(prop::sample::select(vec![9900_i64, 200_000]));
    (prop::sample::select(sizes.to_vec()), prop::sample::select(colours.to_vec()), stock, price, compare_at).prop_map(
        |(size, colour, stock, price, compare_at)| {
            let mut form = variant(&[("Size", size), ("Colour", colour)], price.unwrap_or(1), stock);
            form.price = price.map(crate::agent::testing::euros);
            form.compare_at = compare_at
                .map(crate::agent::testing::euros)
                .filter(|before| form.price.is_some_and(|now| before.minor > now.minor));
            form
        },
    )
}

fn any_product() -> impl Strategy<Value = Product> {
    let description = prop::sample::select(vec![
        "",
        "Soft and light. Made of 80% cotton. Ships free tomorrow!",
        "Only €5 today. See www.noor.example",
        "A shirt for warm days. In stock in M.",
    ]);
    (any_title(), prop::collection::vec(any_variant(), 1..6), any::<bool>(), description, any::<bool>()).prop_map(
        |(title, mut variants, plain, description, linked)| {
            if plain {
                variants.truncate(1);
                variants.iter_mut().for_each(|form| form.options.clear());
            }
            // No shop has both words for one size: which of them "in M?" means, nobody could say.
            let (word, other) = if linked { ("Medium", "M") } else { ("M", "Medium") };
            let options = variants.iter_mut().flat_map(|form| &mut form.options);
            options.filter(|option| option.value == other).for_each(|option| option.value = word.into());
            let mut product = product(&title, variants);
            product.url = linked.then(|| format!("https://noor.example/p/{}", product.key.0.len()));
            product.description = description.into();
            product
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the catalogue holds and whatever is asked in whatever voice, the composer passes the guard.
    #[test]
    fn honest_answers_always_pass_the_guard(
        mut products in prop::collection::vec(any_product(), 0..5),
        question in prop::sample::select(vec![
            "Do you have shirts in M?", "how much is it in blue?", "Is the linen shirt available in M?", "what is it made of?",
            "the second one in size 38?", "Was kostet das in blau?", "Ist das noch verfügbar?", "Habt ihr Kleider unter 60€?",
            "combien coûte la robe ?", "c'est disponible en M ?", "¿cuánto cuesta la segunda?", "¿tenéis vestidos azules?",
            "quanto costa?", "è disponibile in L?", "where can I buy it?", "hi", "thanks", "hm", "der blaue in XL",
        ]),
        tone in prop::sample::select(Tone::ALL.to_vec()),
        seed in any::<u128>(),
        place in 0..3_u8,
        limit in any::<bool>(),
        disclose in any::<bool>(),
    ) {
        for (number, product) in products.iter_mut().enumerate() {
            product.key = ProductKey(number.to_string());
        }
        let mut input = turn(&[question]);
        input.persona = Persona { tone, ..mia() };
        input.turn = crate::domain::TurnId(uuid::Uuid::from_u128(seed));
        input.disclose = disclose;
        let mut findings = Findings { price_max: limit.then(|| crate::agent::testing::euros(6000)), ..Findings::default() };
        match place {
            0 => findings.meant = products,
            1 => findings.hits = products,
            _ => findings.near = products,
        }
        let understanding = understand(&input);
        for draft in [compose(&input, &understanding, &findings), cards(&input, &understanding, &findings)] {
            prop_assert_eq!(violations(&input, &findings, &draft), Vec::<String>::new());
            prop_assert!(draft.messages.iter().all(|message| !message.trim().is_empty()));
            prop_assert!(!draft.messages.is_empty());
        }
        for reason in HandOverReason::ALL {
            for after in [false, true] {
                let messages = hand_over(&input, understanding.language, reason, after);
                // "Of course! I'm getting a colleague" says yes to nothing that was asked of the shop.
                input.open.clear();
                prop_assert_eq!(violations(&input, &findings, &Draft { messages, ..Draft::default() }), Vec::<String>::new());
            }
        }
    }
}
