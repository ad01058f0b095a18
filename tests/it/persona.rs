//! The voice of a shop: what it changes in answers, who keeps it, its versions, and trying one out.

use aura::{
    api,
    domain::{evidence::Citation, evidence::SourceId, reply::Draft},
    sim::{Play, ScriptedModel},
};

use crate::{
    provider::{self, MODEL, choose, draft},
    support::{SHOP, TestAura},
};

const CATALOG: &str = "harbor_and_pine.jsonl";
const WARM: &str = "\
name: Mira
tone: warm
emoji: many
disclose: false
greeting: Ahoy from Harbor & Pine 🌲
sign_off: Love, Mira
dont: [Never mention the weather.]
facts:
  - Delivery within Germany takes 2 to 4 working days.
  - You can return everything within 30 days.
";
const FORMAL: &str = "\
tone: formal
emoji: none
disclose: false
greeting: Good day and welcome.
sign_off: Yours sincerely, Harbor & Pine
do: [Offer to take measurements.]
language: [de, en]
";
const QUESTIONS: [&str; 4] =
    ["Hello!", "How much is the Cove Linen Shirt?", "Do you have linen shirts?", "Is the Cove Linen Shirt available?"];

fn has_emoji(text: &str) -> bool {
    text.chars().any(|letter| matches!(letter, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}'))
}

/// Says this as a shopper nobody knows yet, with a voice to try.
async fn tries(aura: &TestAura, session: &str, text: &str, persona: Option<&str>) -> api::ChatAnswer {
    let question =
        api::ChatQuestion { session: session.into(), text: text.into(), persona: persona.map(str::to_owned) };
    aura.client().chat(SHOP, &question).await.expect("an answer")
}

fn text(answer: &api::ChatAnswer) -> String {
    answer.replies.iter().map(|reply| reply.text.as_str()).collect::<Vec<_>>().join("\n\n")
}

/// Further answers in which a warm voice has to show an emoji.
const TRIES_MAX: usize = 100;

#[tokio::test]
async fn two_voices_answer_the_same_questions_each_in_its_own_way() {
    let aura = TestAura::setup().catalog(CATALOG).start().await;
    let (mut warm_emoji, mut warm, mut formal) = (false, String::new(), String::new());
    for (at, question) in QUESTIONS.into_iter().enumerate() {
        let friendly = text(&tries(&aura, &format!("warm-{at}"), question, Some(WARM)).await);
        let stiff = text(&tries(&aura, &format!("formal-{at}"), question, Some(FORMAL)).await);
        assert!(friendly.starts_with("Ahoy from Harbor & Pine 🌲") && friendly.ends_with("Love, Mira"), "{friendly}");
        assert!(
            stiff.starts_with("Good day and welcome.") && stiff.ends_with("Yours sincerely, Harbor & Pine"),
            "{stiff}"
        );
        assert!(!has_emoji(&stiff), "{stiff}");
        warm_emoji |= has_emoji(friendly.trim_start_matches("Ahoy from Harbor & Pine 🌲"));
        (warm, formal) = (warm + &friendly, formal + &stiff);
        let again = text(&tries(&aura, &format!("warm-{at}"), "How much is the Fisherman Beanie?", Some(WARM)).await);
        assert!(!again.contains("Ahoy") && !again.contains("Love, Mira"), "only the first answer: {again}");
    }
    // Which of its wordings a voice takes hangs on the turn's id, and not all have one.
    for at in 0..TRIES_MAX {
        if warm_emoji {
            break;
        }
        let friendly = text(&tries(&aura, &format!("more-{at}"), QUESTIONS[at % QUESTIONS.len()], Some(WARM)).await);
        warm_emoji = has_emoji(friendly.trim_start_matches("Ahoy from Harbor & Pine 🌲"));
        warm += &friendly;
    }
    assert!(warm_emoji && warm != formal, "{warm}");
    let versions = aura.client().persona_versions(SHOP).await.expect("read");
    assert_eq!((versions.len(), versions[0].version), (1, 0), "trying a voice sets none");
    let own = text(&tries(&aura, "own", "Hello!", None).await);
    assert!(!own.contains("Ahoy") && !own.contains("Good day and welcome."), "{own}");
}

#[tokio::test]
async fn a_models_instructions_hold_each_voice_for_the_same_questions() {
    let (aura, fake) = provider::aura(&[draft(&["Here it is."], &["cove-linen-shirt"])]).await;
    choose(&aura, MODEL).await;
    let common = ["begins with", "ends with"];
    let warm = [
        "Mira",
        "Friendly and personal",
        "Emoji are welcome",
        "Ahoy from Harbor",
        "Love, Mira",
        "Never mention",
        "fact:2",
    ];
    let formal =
        ["Polite and formal", "No emoji", "German or English", "Good day", "Yours sincerely", "take measurements"];
    for (voice, holds, lacks) in [(WARM, warm.as_slice(), formal.as_slice()), (FORMAL, &formal, &warm)] {
        for (at, question) in QUESTIONS.into_iter().enumerate() {
            let said = text(&tries(&aura, &format!("{}-{at}", holds[0].len()), question, Some(voice)).await);
            let system = fake.asked().last().expect("asked").body["systemInstruction"].to_string();
            for words in common.iter().chain(holds) {
                assert!(system.contains(words), "{words}: {system}");
            }
            assert!(lacks.iter().all(|words| !system.contains(words)), "{system}");
            let (opening, ending) = if voice == WARM { ("Ahoy", "Love, Mira") } else { ("Good day", "Harbor & Pine") };
            assert!(said.starts_with(opening) && said.contains(ending), "code adds what the model left out: {said}");
        }
    }
}

#[tokio::test]
async fn code_takes_emoji_out_of_a_models_draft_and_adds_the_greeting_once() {
    let model = ScriptedModel::new("scripted:cheerful");
    model.always(|_| Play::says("Good day and welcome. How can I help? 😊🎉"));
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    let said = text(&tries(&aura, "a", "Do you have linen shirts?", Some(FORMAL)).await);
    assert_eq!(said, "Good day and welcome. How can I help?\n\nYours sincerely, Harbor & Pine");
    let sparing = "emoji: some\ndisclose: false\n";
    let said = text(&tries(&aura, "b", "Do you have linen shirts?", Some(sparing)).await);
    assert_eq!(said.chars().filter(|letter| "😊🎉".contains(*letter)).count(), 1, "{said}");
}

#[tokio::test]
async fn a_topic_of_the_shop_goes_to_a_person_whoever_writes_the_answers() {
    let model = ScriptedModel::new("scripted:eager");
    model.always(|_| Play::says("Happy to help."));
    let voice = "escalate: [wholesale, allerg*]\ndisclose: false\n";
    for model in [None, Some(&model)] {
        let setup = TestAura::setup().catalog(CATALOG);
        let aura = match model {
            Some(model) => setup.model(model).start().await,
            None => setup.start().await,
        };
        aura.client().set_persona(SHOP, voice.into()).await.expect("set");
        for (at, asked) in ["Do you have linen shirts at WHOLESALE prices?", "I am allergic to wool"].iter().enumerate()
        {
            let answer = tries(&aura, &format!("s-{at}"), asked, None).await;
            assert_eq!(answer.handoff.as_deref(), Some("topic"), "{answer:?}");
            assert!(!text(&answer).contains("Happy to help"), "{answer:?}");
        }
    }
    assert!(model.asked().is_empty(), "the model is not even asked");
}

#[tokio::test]
async fn the_shop_answers_in_no_language_but_its_own() {
    let aura = TestAura::setup().catalog(CATALOG).start().await;
    let ask = "Habt ihr Leinenhemden?";
    let free = text(&tries(&aura, "a", ask, Some("disclose: false")).await);
    let english = text(&tries(&aura, "b", ask, Some("disclose: false\nlanguage: en")).await);
    let french = text(&tries(&aura, "c", ask, Some("disclose: false\nlanguage: [fr, it]")).await);
    assert!(free.to_lowercase().contains("verfügbar"), "{free}");
    assert!(english.contains("vailable") && !english.contains("erfügbar"), "{english}");
    assert!(french.contains("isponible") && !french.contains("erfügbar"), "{french}");
    assert!(english.contains("Linen Shirt"), "a German question finds products all the same: {english}");
}

#[tokio::test]
async fn what_the_shop_states_answers_policy_questions_word_for_word_and_once() {
    let aura = TestAura::setup().catalog(CATALOG).start().await;
    let question = "How long does delivery take?";
    let without = tries(&aura, "a", question, Some("disclose: false")).await;
    assert_eq!(without.handoff.as_deref(), Some("policy"), "{without:?}");
    let told = tries(&aura, "b", question, Some(WARM)).await;
    assert!(
        told.handoff.is_none() && text(&told).contains("Delivery within Germany takes 2 to 4 working days."),
        "{told:?}"
    );
    let again = tries(&aura, "b", question, Some(WARM)).await;
    assert_eq!(again.handoff.as_deref(), Some("policy"), "{again:?}");
}

#[tokio::test]
async fn a_model_may_say_what_the_shop_states_and_nothing_beside_it() {
    let model = ScriptedModel::new("scripted:teller");
    let says = |text: &'static str| {
        let words = "Delivery within Germany takes 2 to 4 working days.".to_owned();
        let citations = vec![Citation { source: SourceId::Fact(1), words }];
        Play::Draft(Draft { messages: vec![text.to_owned()], citations, ..Draft::default() })
    };
    let aura = TestAura::setup().catalog(CATALOG).model(&model).start().await;
    for (at, (draft, goes)) in [
        ("Delivery within Germany takes 2 to 4 working days.", true),
        ("delivery within Germany takes 2 to 4 working days!", true),
        ("Delivery within Germany takes 2 working days.", false),
        ("Delivery within Germany and Austria takes 2 to 4 working days.", false),
        ("The Cove Linen Shirt: delivery within Germany takes 2 to 4 working days.", false),
        ("You can return everything within 60 days.", false),
    ]
    .into_iter()
    .enumerate()
    {
        model.always(move |_| says(draft));
        let answer = tries(&aura, &format!("s-{at}"), "How long does delivery take?", Some(WARM)).await;
        let said = text(&answer);
        assert_eq!(said.contains(draft), goes, "{draft}: {answer:?}");
    }
}

#[tokio::test]
async fn every_setting_is_a_version_to_look_at_and_to_go_back_to() {
    let aura = TestAura::setup().start().await;
    let client = aura.client();
    client.set_persona(SHOP, WARM.into()).await.expect("set");
    client.set_persona(SHOP, WARM.into()).await.expect("the same again");
    client.set_persona(SHOP, FORMAL.into()).await.expect("set");
    assert_eq!(client.persona_versions(SHOP).await.expect("read").len(), 2, "the same is no new version");
    let shown = aura.run(&["persona", "show", "-t", SHOP, "--version", "1"]).await;
    assert!(shown.contains("Ahoy") && shown.contains("2. You can return everything within 30 days."), "{shown}");
    let back = aura.run(&["persona", "set", "-t", SHOP, "--version", "1"]).await;
    assert!(back.contains("Ahoy"), "{back}");
    let history = aura.run(&["persona", "history", "-t", SHOP]).await;
    assert!(history.contains("answers, version 1 again"), "{history}");
    let versions = client.persona_versions(SHOP).await.expect("read");
    let numbers: Vec<_> = versions.iter().map(|version| (version.version, version.current)).collect();
    assert_eq!(numbers, [(3, true), (2, false), (1, false)]);
    for args in [&["show", "-t", SHOP, "--version", "9"], &["set", "-t", SHOP, "--version", "9"]] {
        let said = aura.said(&[&["persona"][..], args].concat(), 3).await;
        assert!(said.contains("no version of the persona `9`") && said.contains("persona history"), "{said}");
    }
    let events = aura.run(&["tail", "-t", SHOP, "--no-follow", "--kind", "persona.changed", "--json"]).await;
    assert_eq!(events.lines().count(), 3, "{events}");
    assert!(events.contains("\"version\":3") && events.contains("\"restored\":1"), "{events}");
    let json = aura.run(&["persona", "show", "-t", SHOP, "--json"]).await;
    client.set_persona(SHOP, json.into()).await.expect("what is shown can be set");
    assert_eq!(client.persona_versions(SHOP).await.expect("read").len(), 3, "and is the same");
}

#[tokio::test]
async fn a_mistake_in_a_voice_is_named_with_its_line_and_key() {
    let aura = TestAura::setup().start().await;
    let client = aura.client();
    for (yaml, wrong) in [
        ("name: Mira\ntone: loud\n", "line 2: tone: `loud`"),
        ("name: Mira\nfacts:\n  - Short.\n", "line 3: facts: number 1 is no statement"),
        ("tone: warm\ngreting: Hi\n", "greting"),
    ] {
        let refused = client.set_persona(SHOP, yaml.into()).await.expect_err(yaml).to_string();
        assert!(refused.contains(wrong), "{refused}");
        let question = api::ChatQuestion { session: "s".into(), text: "Hi".into(), persona: Some(yaml.into()) };
        let refused = client.chat(SHOP, &question).await.expect_err(yaml).to_string();
        assert!(refused.contains(wrong), "{refused}");
    }
}
