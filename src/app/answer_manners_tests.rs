//! Manners: closings, repeated questions, wishes for a person, and what is no customer matter, over whole conversations.

use proptest::prelude::*;

use super::{tests::Shop, *};
use crate::{
    agent::testing::{euros, media, message, turn},
    domain::{
        TurnId,
        conversation::{Label, Message},
        inbound::AttachmentKind,
        persona::{Persona, Tone},
        turn::{HandOverReason, SuppressReason},
    },
};

/// A conversation with the shop Noor, from its beginning.
struct Talk {
    shop: Shop,
    input: TurnInput,
    turns: u128,
}

impl Talk {
    fn new() -> Self {
        Self { shop: Shop::new(), input: turn(&[]), turns: 0 }
    }

    /// In the middle of a conversation, after a product was found.
    async fn under_way() -> Self {
        let mut talk = Self::new();
        talk.says("Do you have a linen shirt?").await;
        talk
    }

    fn tone(mut self, tone: Tone) -> Self {
        self.input.persona = Persona { tone, ..Persona::default() };
        self
    }

    async fn says(&mut self, text: &str) -> Answer {
        self.sends(vec![message(Side::Shopper, text)]).await
    }

    async fn sends(&mut self, open: Vec<Message>) -> Answer {
        self.turns += 1;
        self.input.turn = TurnId(uuid::Uuid::from_u128(self.turns.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        self.input.open = open;
        let answer = super::tests::run(&self.shop, &self.input).await.answer;
        self.note(&answer);
        answer
    }

    fn note(&mut self, answer: &Answer) {
        self.input.history.append(&mut self.input.open);
        self.input.history.extend(answer.messages.iter().map(|text| message(Side::Bot, text)));
        if !answer.products.is_empty() {
            self.input.recalled.clone_from(&answer.products);
        }
        self.input.language = Some(answer.language);
    }
}

const WELCOME: &str = "You're very welcome! 😊|Any time! 💛|My pleasure!";

#[tokio::test]
async fn a_closing_gets_one_short_reply_and_the_next_one_none() {
    for text in [
        "thanks!",
        "Thankssss!!",
        "thank you so much 😊",
        "thanks for the quick answer",
        "Thanks! You saved my day",
        "ok",
        "okkkk",
        "Perfect!",
        "great, thanks, bye",
        "got it 👍",
        "no thanks",
        "that's all",
        "bye",
        "have a nice weekend!",
        "love it 😍",
        "Danke!",
        "Daaaanke dir 🙏",
        "super, vielen dank und schönen abend",
        "alles klar",
        "nein danke",
        "tschüss",
        "Danke für die schnelle Lieferung!",
        "merci beaucoup",
        "merciii 😘",
        "parfait, bonne journée",
        "d'accord",
        "non merci",
        "gracias",
        "muchas gracias!!",
        "vale, perfecto",
        "hasta luego",
        "no gracias",
        "grazie mille",
        "ok perfetto",
        "va bene",
        "arrivederci",
        "no grazie",
        "my parcel arrived today, thank you!",
    ] {
        let mut talk = Talk::under_way().await;
        let first = talk.says(text).await;
        assert_eq!((first.outcome, first.messages.len()), (TurnOutcome::Answered, 1), "{text}: {first:?}");
        let said = &first.messages[0];
        assert!(said.chars().count() < 40 && !said.contains("://") && !said.contains('\n'), "{text}: {said}");
        assert!(first.products.is_empty() && !said.contains("Linen") && !said.contains('?'), "{text}: {said}");
        for more in [text, "bye", "❤️"] {
            let second = talk.says(more).await;
            assert_eq!(second.outcome, TurnOutcome::Suppressed(SuppressReason::NothingToSay), "{text}, {more}");
            assert!(second.messages.is_empty());
        }
    }
}

#[tokio::test]
async fn the_reply_fits_the_closing_in_every_language() {
    let mut said = Vec::new();
    for (language, texts) in [
        ("en", ["thanks!", "ok", "bye", "so beautiful"]),
        ("de", ["danke!", "alles klar", "tschüss", "wunderschön"]),
        ("fr", ["merci !", "ça marche", "au revoir", "trop beau"]),
        ("es", ["gracias", "entendido", "hasta luego", "me encanta"]),
        ("it", ["grazie", "va bene", "arrivederci", "bellissimo"]),
    ] {
        for text in texts {
            let mut talk = Talk::under_way().await;
            talk.input.language = None;
            let answer = talk.says(text).await;
            assert_eq!(answer.language.code(), language, "{text}");
            said.push(format!("{text} -> {}", answer.messages.join(" / ")));
        }
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    thanks! -> Any time! 💛
    ok -> Perfect 😊
    bye -> Bye, take care! 👋
    so beautiful -> So glad to hear that! 😊
    danke! -> Immer gern! 💛
    alles klar -> Super 😊
    tschüss -> Bis bald! 👋
    wunderschön -> Wie schön, das zu hören! 😊
    merci ! -> De rien ! 💛
    ça marche -> Parfait 😊
    au revoir -> À bientôt ! 👋
    trop beau -> Merci, ça fait chaud au cœur ! 😊
    gracias -> ¡De nada! 💛
    entendido -> ¡Genial! 😊
    hasta luego -> ¡Hasta pronto! 👋
    me encanta -> ¡Qué alegría leer eso! 😊
    grazie -> Di niente! 💛
    va bene -> Va benissimo! 😊
    arrivederci -> Ciao, alla prossima! 👋
    bellissimo -> Che bello leggerlo! 😊
    ");
}

#[tokio::test]
async fn a_closing_without_words_needs_none() {
    for text in ["👍", "👍🏼", "❤️❤️❤️", "🙏", "😍😍", "🔥", "😂"] {
        let answer = Talk::under_way().await.says(text).await;
        assert_eq!(answer.outcome, TurnOutcome::Suppressed(SuppressReason::NothingToSay), "{text}");
        let first = Talk::new().says(text).await;
        assert_eq!(first.outcome, TurnOutcome::Suppressed(SuppressReason::NothingToSay), "{text} at the start");
    }
    let sticker = Talk::under_way().await.sends(vec![media(AttachmentKind::Sticker)]).await;
    assert_eq!(sticker.outcome, TurnOutcome::Suppressed(SuppressReason::NothingToSay));
}

#[tokio::test]
async fn a_question_beside_thanks_is_answered() {
    for (text, product) in [
        ("thanks! how much is the straw hat?", "straw-hat"),
        ("thanks, and the straw hat?", "straw-hat"),
        ("ok but do you have the straw hat?", "straw-hat"),
        ("perfect. is the canvas bag in stock?", "canvas-bag"),
        ("danke! was kostet die canvas bag?", "canvas-bag"),
        ("merci, et le straw hat ?", "straw-hat"),
        ("gracias! cuánto cuesta el straw hat?", "straw-hat"),
        ("grazie, e la canvas bag?", "canvas-bag"),
        ("no thanks, do you have the canvas bag?", "canvas-bag"),
    ] {
        let answer = Talk::under_way().await.says(text).await;
        assert_eq!(answer.outcome, TurnOutcome::Answered, "{text}");
        assert_eq!(answer.products, [ProductKey(product.into())], "{text}: {:?}", answer.messages);
    }
    let blue = Talk::under_way().await.says("ok but do you have it in blue?").await;
    assert!(blue.messages.concat().contains("Linen Dress"), "{:?}", blue.messages);
    let order = Talk::under_way().await.says("thanks, but my parcel has not arrived").await;
    assert_eq!(order.outcome, TurnOutcome::HandedOver(HandOverReason::Order));
}

#[tokio::test]
async fn an_ok_after_our_own_question_is_an_answer_not_a_closing() {
    for text in ["ok", "👍", "yes", "perfect", "vale", "alles klar"] {
        let mut talk = Talk::new();
        talk.says("hi").await;
        assert!(talk.input.history[1].text.as_ref().is_some_and(|said| said.contains('?')));
        let answer = talk.says(text).await;
        assert!(answer.messages.concat().contains('?'), "{text}: {:?}", answer.messages);
    }
    let mut talk = Talk::new();
    talk.says("hi").await;
    let answer = talk.says("no thanks, bye").await;
    assert!(answer.messages.len() == 1 && !answer.messages[0].contains('?'), "{:?}", answer.messages);
}

#[tokio::test]
async fn thanks_after_a_hand_over_or_to_a_person_is_left_to_the_person() {
    let mut talk = Talk::new();
    let handed = talk.says("do you ship to Austria?").await;
    assert_eq!(handed.outcome, TurnOutcome::HandedOver(HandOverReason::Policy));
    assert_eq!(talk.says("thanks!").await.outcome, TurnOutcome::Suppressed(SuppressReason::NothingToSay));
    let mut talk = Talk::new();
    talk.input.history = vec![message(Side::Shopper, "hi"), message(Side::Person, "Mia here, all done.")];
    assert_eq!(talk.says("thank you, Mia!").await.outcome, TurnOutcome::Suppressed(SuppressReason::NothingToSay));
}

#[tokio::test]
async fn thanks_as_the_first_message_gets_no_greeting_and_no_signature() {
    let mut talk = Talk::new();
    talk.input.persona.sign_off = Some("Your Noor team".into());
    talk.input.persona.greeting = Some("Welcome to Noor!".into());
    let answer = talk.says("thank you!").await;
    assert_eq!(answer.messages.len(), 1);
    assert!(WELCOME.split('|').any(|line| answer.messages[0] == line), "{:?}", answer.messages);
    let mut talk = Talk::new();
    talk.input.disclose = true;
    let answer = talk.says("thank you!").await;
    assert!(answer.disclosed && answer.messages[0].starts_with("I'm the digital assistant of Noor."));
}

#[tokio::test]
async fn a_question_asked_again_is_answered_in_other_words_and_the_third_time_what_is_missing_is_asked() {
    let mut talk = Talk::new();
    let mut said = Vec::new();
    for text in [
        "How much is the linen shirt?",
        "how much is the linen shirt",
        "HOW MUCH IS THE LINEN SHIRT?!",
        "how much is the linen shirt?",
    ] {
        let answer = talk.says(text).await;
        said.push(format!("> {text}\n{} ({})", answer.messages.join("\n=====\n"), answer.outcome.as_str()));
    }
    insta::assert_snapshot!(said.join("\n\n"), @r"
    > How much is the linen shirt?
    Hello! 😊

    Linen Shirt is €49.00.
    https://noor.example/products/linen-shirt (answered)

    > how much is the linen shirt
    I've just looked again, and nothing has changed:

    Linen Shirt costs €49.00 😊
    https://noor.example/products/linen-shirt (answered)

    > HOW MUCH IS THE LINEN SHIRT?!
    I feel I'm missing your point, sorry! What exactly should I find out for you? (answered)

    > how much is the linen shirt?
    I don't want to keep asking, so a colleague will take over here. (handed_over)
    ");
}

#[tokio::test]
async fn what_has_changed_since_the_question_was_asked_is_said_even_the_third_time() {
    let mut talk = Talk::under_way().await;
    talk.says("Is the linen shirt in stock in S?").await;
    talk.shop.change(|product| product.variants.iter_mut().for_each(|form| form.price = Some(euros(5500))));
    let second = talk.says("is the linen shirt in stock in S").await.messages.concat();
    assert!(second.contains("new:") || second.contains("has changed since"), "{second}");
    assert!(second.contains("€55.00"), "{second}");
    talk.shop.change(|product| {
        product.variants.iter_mut().for_each(|form| form.stock = crate::domain::product::Stock::Stated(false));
    });
    let third = talk.says("is the linen shirt in stock in S?").await.messages.concat();
    assert!(third.contains("not available"), "{third}");
    assert!(third.contains("new:") || third.contains("has changed since"), "{third}");
    let fourth = talk.says("is the linen shirt in stock in S?").await.messages.concat();
    assert!(fourth.contains('?') && !fourth.contains("€"), "{fourth}");
}

#[tokio::test]
async fn the_same_words_about_another_product_are_another_question() {
    let mut talk = Talk::new();
    for (product, price) in [("linen shirt", "€49.00"), ("straw hat", "€25.00")] {
        talk.says(&format!("do you have the {product}?")).await;
        let answer = talk.says("how much is it?").await.messages.concat();
        assert!(answer.contains(price) && !answer.contains(':') | answer.contains("https:"), "{answer}");
        assert!(!answer.contains("again") && !answer.contains("changed") && !answer.contains("once more"), "{answer}");
    }
}

#[tokio::test]
async fn greetings_clarifications_and_hand_overs_are_not_repeated_word_for_word() {
    let mut talk = Talk::new();
    let mut said: Vec<String> = Vec::new();
    for text in ["hi", "hi", "Hi!!", "hello"] {
        let answer = talk.says(text).await;
        assert!(!said.contains(&answer.messages.concat()), "{answer:?}");
        said.push(answer.messages.concat());
    }
    let last = talk.says("hi").await;
    assert_eq!(last.outcome, TurnOutcome::HandedOver(HandOverReason::NotUnderstood), "nobody greets five times");
    for question in ["do you ship to Austria?", "where is my order?", "do you have boots?", "is it available?"] {
        let mut talk = Talk::new().tone(Tone::Crisp);
        let (first, second) = (talk.says(question).await, talk.says(question).await);
        assert_ne!(first.messages, second.messages, "{question}");
    }
}

#[tokio::test]
async fn a_model_that_repeats_itself_is_not_let_through() {
    use crate::{
        agent::writer::{WriteError, Writer, Wrote},
        domain::reply::Draft,
    };
    /// Says the same whatever is asked.
    #[derive(Debug)]
    struct Parrot;
    impl Writer for Parrot {
        fn write<'a>(&'a self, _: WriteRequest<'a>) -> futures_util::future::BoxFuture<'a, Result<Wrote, WriteError>> {
            let draft = Draft { messages: vec!["Let me see.".into()], ..Draft::default() };
            let authored = Authored { draft, by: "test:parrot".into(), hands_over: false };
            Box::pin(std::future::ready(Ok(Wrote::Draft(authored))))
        }
    }
    let mut talk = Talk::new();
    let mut texts = Vec::new();
    for text in ["how much is the straw hat?", "How much is the straw hat", "thanks!"] {
        talk.input.open = vec![message(Side::Shopper, text)];
        let run = answer(&talk.shop, super::tests::written_by(&Parrot), &talk.input, Vec::new(), |_| async { Ok(()) });
        let answer = run.await.expect("the shop is in memory").answer;
        talk.note(&answer);
        texts.push((answer.messages.concat(), answer.model));
    }
    assert_eq!(texts[0], ("Let me see.".into(), "test:parrot".into()));
    assert!(texts[1].0.contains("€25.00"), "{texts:?}");
    assert!(WELCOME.contains(&texts[2].0), "a model is not asked how to take leave: {texts:?}");
}

#[tokio::test]
async fn a_wish_for_a_person_gets_one_message_that_says_when() {
    let mut talk = Talk::new();
    talk.input.persona.hours = [(Language::En, "Mon–Fri, 9 am to 6 pm".into())].into();
    talk.input.persona.reply_time =
        [(Language::En, "within two hours".into()), (Language::De, "innerhalb von zwei Stunden".into())].into();
    let mut said = Vec::new();
    for texts in [
        &["can I talk to a human?"][..],
        &["how much is the linen shirt?", "and can I speak to someone from your team please"],
        &["Kann ich bitte mit einem Menschen sprechen?"],
        &["Je voudrais parler à quelqu'un"],
        &["Quiero hablar con una persona"],
        &["Posso parlare con un operatore?"],
    ] {
        (talk.input.history, talk.input.language) = (vec![message(Side::Shopper, "x"), message(Side::Bot, "…")], None);
        let answer = talk.sends(texts.iter().map(|text| message(Side::Shopper, text)).collect()).await;
        assert_eq!(answer.outcome, TurnOutcome::HandedOver(HandOverReason::Asked), "{texts:?}");
        assert_eq!((answer.messages.len(), answer.products.len()), (1, 0), "{texts:?}");
        said.push(answer.messages.concat());
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    Sure, I'm handing over to a person from the team. Our team is here Mon–Fri, 9 am to 6 pm. You'll usually hear from us within two hours.
    Of course! I've told the team that you'd like to talk to someone. Our team is here Mon–Fri, 9 am to 6 pm. You'll usually hear from us within two hours.
    Klar, ich übergebe an jemanden aus dem Team. Die Antwort kommt meist innerhalb von zwei Stunden.
    Bien sûr ! J'ai prévenu l'équipe que tu aimerais parler à quelqu'un. Dès que quelqu'un est là, on te répond ici.
    ¡Claro! He avisado al equipo de que quieres hablar con alguien. En cuanto haya alguien, te escribe por aquí.
    Certo! Ho detto al team che vorresti parlare con qualcuno. Appena c'è qualcuno, ti rispondiamo qui.
    ");
}

#[tokio::test]
async fn a_shop_s_long_greeting_makes_no_second_message_of_it() {
    let mut talk = Talk::new();
    talk.input.persona.greeting = Some("Welcome! ".repeat(108));
    assert_eq!(talk.says("I want to talk to a human").await.messages.len(), 1);
}

#[tokio::test]
async fn what_is_no_customer_matter_is_parked_and_who_means_well_gets_one_sentence() {
    for (text, label, answered) in [
        ("Promote it on @style.hub", Label::Spam, false),
        ("Your account will be suspended, verify here: http://meta.example", Label::Phishing, false),
        ("you idiots", Label::Insult, false),
        ("Hi! I'm an influencer and would love to collaborate with your brand", Label::Collaboration, true),
        ("Sucht ihr Mitarbeiter?", Label::Job, true),
        ("Somos fabricantes y nos gustaría ser vuestro proveedor", Label::Business, true),
    ] {
        let mut talk = Talk::new();
        let answer = talk.says(text).await;
        assert_eq!(
            (answer.outcome, answer.messages.len()),
            (TurnOutcome::Parked(label), usize::from(answered)),
            "{text}"
        );
        assert!(answer.products.is_empty());
        for more in [text, "??", "any news?", "👍"] {
            let more = talk.says(more).await;
            assert!(more.messages.is_empty(), "{text}: {more:?}");
        }
        let question = talk.says("how much is the straw hat?").await;
        assert_eq!(question.products, [ProductKey("straw-hat".into())], "a later question is a customer's: {text}");
    }
}

#[tokio::test]
async fn an_angry_customer_is_handed_over_not_parked() {
    let mut talk = Talk::new();
    let angry = talk.says("where is my damn order, you idiots").await;
    assert_eq!(angry.outcome, TurnOutcome::HandedOver(HandOverReason::Anger));
    let more = talk.says("idiots!!").await;
    assert_eq!(more.outcome, TurnOutcome::HandedOver(HandOverReason::Anger), "the matter is still open");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In every tone and language a second answer is another text, and it passes the guard.
    #[test]
    fn no_answer_is_given_twice_word_for_word(
        question in prop::sample::select(vec![
            "How much is the linen shirt?", "Do you have linen shirts?", "Is the straw hat in stock?", "do you have boots?",
            "what is the linen shirt made of?", "is the linen dress available in blue?", "hi", "hm", "is it available?",
            "do you ship to Rome?", "where is my order?", "can I talk to a human?", "this is a scam!",
            "Was kostet das Linen Dress?", "Habt ihr Stiefel?", "Hallo", "Wo bleibt meine Bestellung?",
            "Combien coûte le Canvas Bag ?", "bonjour", "vous livrez en Suisse ?", "¿Está disponible el Straw Hat?", "hola",
            "¿hacéis envíos a Canarias?", "Quanto costa la Canvas Bag?", "buongiorno", "spedite in Svizzera?",
            "do you have a dress under 60€?",
        ]),
        tone in prop::sample::select(Tone::ALL.to_vec()),
        between in prop::sample::select(vec![None, Some("how much is the canvas bag?")]),
        start in 0_u32..1_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut talk = Talk::new().tone(tone);
            talk.turns = start.into();
            talk.says("do you have a linen shirt?").await;
            let first = talk.says(question).await;
            if let Some(between) = between {
                talk.says(between).await;
            }
            let second = talk.says(&question.to_uppercase()).await;
            prop_assert_eq!(first.guard_refusals + second.guard_refusals, 0);
            prop_assert!(!second.messages.is_empty());
            prop_assert!( first.messages != second.messages, "{:?}", second.messages);
            Ok(())
        })?;
    }
}
