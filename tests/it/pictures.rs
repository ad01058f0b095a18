//! Pictures of shoppers: fetched, cleaned and shown to models that see; where that fails, said so and nothing guessed.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{
    provider::{self, MODEL, choose, draft},
    support::{ACCOUNT, SHOP, TestAura, Upstream},
};

/// One pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// Hangs on behind the picture, as metadata and smuggled files do.
const BEHIND: &str = "canary-behind-the-picture";

/// A server as Instagram's for pictures is, and as others are.
#[derive(Clone, Default)]
pub(crate) struct Cdn(Arc<Mutex<Vec<String>>>);

impl Cdn {
    pub(crate) async fn start() -> (Self, String) {
        let cdn = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let router = Router::new().fallback(Self::answer).with_state(cdn.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (cdn, url)
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().expect("free").clone()
    }

    async fn answer(State(cdn): State<Self>, uri: Uri) -> Response {
        cdn.0.lock().expect("free").push(uri.path().to_owned());
        let png = BASE64_STANDARD.decode(PNG).expect("base64");
        match uri.path() {
            "/shirt.png" => {
                ([(header::CONTENT_TYPE, "image/png")], [png, BEHIND.as_bytes().to_vec()].concat()).into_response()
            }
            "/page.jpg" => ([(header::CONTENT_TYPE, "image/jpeg")], "<html>no picture</html>").into_response(),
            "/broken.png" => png[..40].to_vec().into_response(),
            "/large.png" => [png, vec![0; 9 << 20]].concat().into_response(),
            "/inside.png" => Redirect::temporary("http://169.254.169.254/latest/meta-data/").into_response(),
            _ => StatusCode::FORBIDDEN.into_response(),
        }
    }
}

async fn stage() -> (TestAura, Upstream, Cdn, String) {
    let (cdn, url) = Cdn::start().await;
    let allowed = "127.0.0.1".parse().expect("an address");
    let (aura, fake) = provider::aura_with(&[draft(&["Lovely! Which size do you need?"], &[])], |config| {
        config.net.allow = vec![allowed];
    })
    .await;
    choose(&aura, MODEL).await;
    (aura, fake, cdn, url)
}

/// The pictures in a request.
pub(crate) fn pictures(body: &Value) -> Vec<Vec<u8>> {
    let parts = body["contents"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|content| content["parts"].as_array().cloned().unwrap_or_default());
    let data = |part: Value| BASE64_STANDARD.decode(part["inlineData"]["data"].as_str()?).ok();
    parts.filter_map(data).collect()
}

#[tokio::test]
async fn a_picture_goes_to_a_model_that_sees_with_the_words_beside_it_and_without_what_hung_on_it() {
    let (aura, fake, cdn, url) = stage().await;
    aura.sim.shopper("ana").sends_images(ACCOUNT, Some("Do you have this shirt?"), &[&format!("{url}/shirt.png")]);
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    let asked = fake.asked();
    let shown = pictures(&asked.last().expect("asked").body);
    assert_eq!((shown.len(), cdn.asked().len()), (1, 1));
    assert!(shown[0].starts_with(&[0xff, 0xd8]) || shown[0].starts_with(b"\x89PNG"));
    assert!(!shown[0].windows(BEHIND.len()).any(|window| window == BEHIND.as_bytes()));
    let body = asked.last().expect("asked").body.to_string();
    assert!(body.contains("Do you have this shirt?") && !body.contains("shirt.png"), "no address goes to a provider");
    assert!(aura.sim.replies_to("ana").concat().contains("Which size do you need?"));
}

#[tokio::test]
async fn a_picture_that_cannot_be_had_is_admitted_and_nothing_is_guessed() {
    let (aura, fake, cdn, url) = stage().await;
    for (name, path) in [
        ("expired", "/expired.png"),
        ("page", "/page.jpg"),
        ("broken", "/broken.png"),
        ("large", "/large.png"),
        ("inside", "/inside.png"),
    ] {
        aura.sim.shopper(name).sends_images(ACCOUNT, None, &[&format!("{url}{path}")]);
        aura.until_replies(name, 1).await;
        aura.until_idle().await;
        let said = aura.sim.replies_to(name).concat();
        assert!(said.contains("picture") && !said.contains("Lovely"), "{name}: {said}");
        let turn = &aura.conversation(name).await.turns[0];
        assert_eq!((turn.outcome.as_deref(), turn.model.as_deref()), (Some("answered"), Some("builtin")), "{name}");
        assert!(cdn.asked().contains(&path.to_owned()));
    }
    assert!(fake.asked().is_empty(), "a model that sees nothing is not asked what it sees");
    aura.sim.shopper("refused").sends_images(ACCOUNT, None, &["http://169.254.169.254/shirt.png"]);
    aura.until_replies("refused", 1).await;
    assert!(aura.sim.replies_to("refused").concat().contains("picture"));
}

#[tokio::test]
async fn a_question_beside_a_lost_picture_is_answered_and_the_model_is_told() {
    let (aura, fake, _cdn, url) = stage().await;
    let question = "How much is the Cove Linen Shirt?";
    aura.sim.shopper("ana").sends_images(ACCOUNT, Some(question), &[&format!("{url}/expired.png")]);
    aura.until_replies("ana", 1).await;
    aura.until_idle().await;
    let body = fake.asked().last().expect("asked").body.clone();
    assert!(pictures(&body).is_empty() && body.to_string().contains("that you cannot see"), "{body}");
}

#[tokio::test]
async fn a_person_sees_a_picture_without_what_hung_on_it_or_learns_why_not() {
    let (aura, _fake, cdn, url) = stage().await;
    let at = |name: &str| format!("{url}/{name}");
    let sent = ["shirt.png", "expired.png", "page.jpg", "inside.png"].map(at);
    aura.sim.shopper("ana").sends_images(ACCOUNT, None, &sent.each_ref().map(String::as_str));
    aura.until_recorded().await;
    aura.until_idle().await;
    let conversation = aura.conversation("ana").await;
    let (id, message) = (&conversation.conversation.id, &conversation.messages[0]);
    assert_eq!(message.pictures, 4);
    let client = aura.client();
    let (kind, bytes) = client.picture(SHOP, id, &message.id, 0).await.expect("it is there");
    assert!(kind == "image/png" || kind == "image/jpeg", "{kind}");
    assert!(aura::media::Picture::read(&bytes).is_ok_and(|picture| picture.width == 1));
    assert!(!crate::shop::holds(&bytes, BEHIND), "it is written anew");
    let refused = async |number| {
        let error = client.picture(SHOP, id, &message.id, number).await.expect_err("refused");
        (error.code().to_owned(), error.exit_code(), error.hint().is_some())
    };
    assert_eq!(refused(1).await, ("gone".into(), 3, true), "its address has expired");
    assert_eq!(refused(2).await.0, "unfit", "it is no picture");
    assert_eq!(refused(3).await.0, "unfit", "it leads inside");
    assert_eq!(refused(4).await, ("not_found".into(), 3, true));
    assert!(!cdn.asked().iter().any(|path| path.contains("meta-data")));

    let file = aura.data_dir().join("ana.png");
    let to = file.to_str().expect("a path in UTF-8");
    let args = ["conversation", "picture", "-t", SHOP, id, &message.id, "--to", to];
    aura.run(&args).await;
    assert_eq!(std::fs::read(&file).expect("written"), bytes);
    assert!(aura.said(&args, 6).await.contains("is there already"));
    let shown = aura.run(&["conversation", "show", "-t", SHOP, id]).await;
    assert!(shown.contains(&message.id), "what the command takes is named: {shown}");
}
