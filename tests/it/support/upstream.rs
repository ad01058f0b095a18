//! A provider of models that a test has in its hand.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

/// What a request was.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its path.
    pub path: String,
    /// The key that came with it, in whatever header.
    pub key: String,
    /// Its body.
    pub body: Value,
}

#[derive(Default)]
struct Shared {
    asked: Vec<Asked>,
    /// Status and body of the next answers; the last one again and again.
    answers: Vec<(u16, String)>,
    /// What it answers when it is to take notes of a conversation; `None`: as to everything else.
    notes: Option<(u16, String)>,
    /// Whether it never answers when it is to take notes.
    keeps_notes: bool,
}

impl Asked {
    /// Whether notes of a conversation were wanted, and no draft.
    pub fn is_for_notes(&self) -> bool {
        self.body["systemInstruction"].to_string().contains("You keep notes")
    }
}

/// A server that answers as it is told, as a provider of models does.
#[derive(Clone, Default)]
pub struct Upstream(Arc<Mutex<Shared>>);

impl Upstream {
    /// Starts it with what it answers, the last again and again. Also: where it is.
    pub async fn answering(answers: &[(u16, String)]) -> (Self, String) {
        let fake = Self::default();
        fake.answers(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let router = Router::new().fallback(Self::answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (fake, url)
    }

    /// What it answers from now on.
    pub fn answers(&self, answers: &[(u16, String)]) {
        self.0.lock().expect("free").answers = answers.to_vec();
    }

    /// What it answers from now on when it is to take notes of a conversation.
    pub fn notes(&self, answer: (u16, String)) {
        let mut shared = self.0.lock().expect("free");
        (shared.notes, shared.keeps_notes) = (Some(answer), false);
    }

    /// It never answers from now on when it is to take notes of a conversation.
    pub fn keeps_notes(&self) {
        self.0.lock().expect("free").keeps_notes = true;
    }

    /// What it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.lock().expect("free").asked.clone()
    }

    async fn answer(State(fake): State<Self>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
        let header = |name: &str| headers.get(name).map(|key| key.to_str().unwrap_or("?"));
        let bearer = header("authorization").map(|key| key.trim_start_matches("Bearer "));
        let key = header("x-goog-api-key").or(bearer).unwrap_or_default().to_owned();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let asked = Asked { path: uri.path().to_owned(), key, body };
        let answer = {
            let mut shared = fake.0.lock().expect("free");
            let (for_notes, kept) = (asked.is_for_notes(), shared.keeps_notes);
            shared.asked.push(asked);
            match shared.notes.clone().filter(|_| for_notes) {
                _ if for_notes && kept => None,
                Some(notes) => Some(notes),
                None if shared.answers.len() > 1 => Some(shared.answers.remove(0)),
                None => Some(shared.answers[0].clone()),
            }
        };
        let Some((status, text)) = answer else { return std::future::pending().await };
        let kind = if status == 200 { "text/event-stream" } else { "application/json" };
        (StatusCode::from_u16(status).expect("a status"), [(header::CONTENT_TYPE, kind)], text).into_response()
    }
}
