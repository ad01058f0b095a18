//! Every route of the control API, asked for one tenant with its own ids and with another's.

use aura::http::{ROUTES, Route};
use serde_json::Value;

use super::stage::{PAGER, PRODUCT, SESSION, Stage, canary, catalogue, persona};

/// One request, and what must be true of its answer. Whatever is asked, nothing of the other tenant may be in it.
enum Probe {
    /// The tenant's own: this status, and these of its own canaries, so that an empty answer proves nothing.
    Own { target: String, body: String, status: u16, shows: &'static [&'static str] },
    /// Another tenant's thing under this tenant's slug: not found, and told from a made-up one by nothing.
    Foreign { theirs: String, made_up: String, body: String },
    /// The operator's, over all tenants, and to be read by nobody without the key that it was asked for.
    Sealed { target: String, body: String },
    /// For the operator, over all tenants, and rightly with the words of all.
    OfAll { target: String },
}

const MADE_UP_MESSAGE: &str = "msg_0192f5c8-0000-7000-8000-00000000dead";
const MADE_UP_TURN: &str = "turn_0192f5c8-0000-7000-8000-00000000dead";
const MADE_UP_CONVERSATION: &str = "conv_0192f5c8-0000-7000-8000-00000000dead";

/// The probes of a route; `None`: nobody has thought about it yet.
fn probes(stage: &Stage, route: &Route) -> Option<Vec<Probe>> {
    let (alder, birch) = (&stage.alder, &stage.birch);
    let at = |path: &str| route.path.replace("{slug}", alder.slug) + path;
    let own = |query: &str, body: &str, status, shows| {
        vec![Probe::Own { target: at(query), body: body.into(), status, shows }]
    };
    let in_conversations = |body: &str, status, shows| {
        let to = |id: &str| route.path.replace("{slug}", alder.slug).replace("{id}", id);
        let foreign = [birch.conversation, birch.shared, birch.taken_over].map(|id| Probe::Foreign {
            theirs: to(&id.to_string()),
            made_up: to(MADE_UP_CONVERSATION),
            body: body.into(),
        });
        let own = Probe::Own { target: to(&alder.conversation.to_string()), body: body.into(), status, shows };
        foreign.into_iter().chain([own]).collect()
    };
    let named = |name: &str, body: &str, status| {
        let target = route.path.replace("{slug}", alder.slug).replace("{name}", name);
        vec![Probe::Own { target, body: body.into(), status, shows: &[] }]
    };
    let short = route.path.strip_prefix("/api/v1").unwrap_or(route.path);
    Some(match (route.method.as_str(), short) {
        ("GET", "/version" | "/status" | "/system" | "/secrets" | "/tenants") => own("", "", 200, &[]),
        ("POST", "/master-key/change" | "/audit/verify" | "/audit/checkpoint" | "/tenants/{slug}/audit/verify") => {
            own("", "", 200, &[])
        }
        ("POST", "/master-key/recovery-copy") => {
            let public = age::x25519::Identity::generate().to_public();
            own("", &format!(r#"{{"recipients":["{public}"]}}"#), 200, &[])
        }
        ("GET", "/doctor") | ("POST", "/doctor") => own("", "", 200, &[]),
        ("POST", "/backup") => {
            let public = age::x25519::Identity::generate().to_public();
            vec![Probe::Sealed { target: at(""), body: format!(r#"{{"recipients":["{public}"]}}"#) }]
        }
        // Nobody has made one of that digest.
        ("POST", "/backup/kept") => own("", r#"{"sha256":"00","bytes":1}"#, 409, &[]),
        // Kept would be a copy of another key.
        ("POST", "/master-key/recovery-copy/kept") => own("", r#"{"fingerprint":"00000000"}"#, 409, &[]),
        ("GET", "/conversations") => vec![Probe::OfAll { target: at("") }],
        ("GET", "/events") => vec![Probe::OfAll { target: at("?since=1970-01-01T00:00:00Z") }],
        ("GET", "/staff") => own("", "", 200, &[]),
        ("POST", "/staff") => own("", r#"{"name":"ana","key":true,"tenants":["alder"]}"#, 200, &[]),
        ("PATCH", "/staff/{name}") => named("ana", r#"{"role":"viewer"}"#, 200),
        ("DELETE", "/staff/{name}") => named("ana", "", 200),
        ("POST", "/events") => vec![Probe::OfAll { target: at("") }],
        ("PUT", "/secrets/{name}" | "/tenants/{slug}/secrets/{name}") => {
            named("meta.verify_token", r#"{"value":"a-verify-token"}"#, 200)
        }
        ("DELETE", "/secrets/{name}" | "/tenants/{slug}/secrets/{name}") => named("meta.verify_token", "", 204),
        ("POST", "/tenants") => own("", r#"{"slug":"cedar","name":"Cedar"}"#, 200, &[]),
        ("GET", "/tenants/{slug}") => own("", "", 200, &["greeting", "sign_off", "disclosure"]),
        // Confirmed by the other's slug, it removes neither; that it removes at all is shown elsewhere.
        ("DELETE", "/tenants/{slug}") => own("?confirm=birch", "", 400, &[]),
        ("PATCH", "/tenants/{slug}") => own("", r#"{"mode":"live","only_from":[]}"#, 200, &[]),
        ("POST", "/tenants/{slug}/pause" | "/tenants/{slug}/resume") => own("", "", 200, &[]),
        ("GET", "/tenants/{slug}/persona") => own("", "", 200, &["greeting", "sign_off", "disclosure"]),
        ("GET", "/tenants/{slug}/persona/versions") => own("", "", 200, &[]),
        ("POST", "/tenants/{slug}/persona/restore") => own("", r#"{"version":1}"#, 200, &["greeting"]),
        ("PUT", "/tenants/{slug}/persona") => own("", &persona(alder.slug), 200, &["greeting"]),
        ("GET", "/tenants/{slug}/accounts") => own("", "", 200, &[]),
        ("POST", "/tenants/{slug}/accounts") => {
            let connect = |account: &str, token: &str, status| {
                let body = format!(r#"{{"channel":"instagram","account_id":"{account}","token":"token-of-{token}"}}"#);
                Probe::Own { target: at(""), body, status, shows: &[] }
            };
            vec![
                connect(alder.account, alder.account, 200),
                connect(birch.account, alder.account, 401),
                connect(birch.account, birch.account, 409),
            ]
        }
        ("GET", "/tenants/{slug}/catalog") => own("", "", 200, &[]),
        ("POST", "/tenants/{slug}/catalog/import") => own("?source=again", &catalogue(alder.slug), 200, &[]),
        ("GET", "/tenants/{slug}/catalog/search") => {
            let theirs = format!("?limit=100&q={}", canary(birch.slug, "title"));
            let mut probes = own("?limit=100&q=blue%20linen%20shirt", "", 200, &["title", "link"]);
            // The answer repeats the question, so it is asked without the canary itself being looked for.
            probes.push(Probe::Own { target: at(&theirs), body: String::new(), status: 200, shows: &[] });
            probes
        }
        ("GET", "/tenants/{slug}/catalog/products") => own("", "", 200, &["title"]),
        ("GET", "/tenants/{slug}/catalog/products/{key}") => {
            let to = |key: &str| route.path.replace("{slug}", alder.slug).replace("{key}", key);
            vec![
                Probe::Own { target: to(PRODUCT), body: String::new(), status: 200, shows: &["title", "description"] },
                Probe::Foreign { theirs: to(&birch.own_product), made_up: to("only-00000000"), body: String::new() },
            ]
        }
        ("POST", "/tenants/{slug}/chat") => {
            let say = |text: &str| serde_json::json!({"session": SESSION, "text": text}).to_string();
            let mut probes = own("", &say("Do you have the blue linen shirt in M?"), 200, &[]);
            probes.extend(own("", &say("What did I say before, and what did others ask?"), 200, &[]));
            probes
        }
        ("GET", "/tenants/{slug}/conversations") => own("", "", 200, &[]),
        ("GET", "/tenants/{slug}/conversations/{id}") => in_conversations("", 200, &["message"]),
        ("GET", "/tenants/{slug}/conversations/{id}/messages/{message}/pictures/{n}") => {
            let to = |id: &str, message: &str| {
                let path = route.path.replace("{slug}", alder.slug).replace("{id}", id);
                path.replace("{message}", message).replace("{n}", "0")
            };
            let (own, theirs) = (alder.conversation.to_string(), birch.conversation.to_string());
            vec![
                // That one is shown where there is one, is shown elsewhere.
                Probe::Own { target: to(&own, &alder.message), body: String::new(), status: 404, shows: &[] },
                Probe::Foreign {
                    theirs: to(&theirs, &birch.message),
                    made_up: to(MADE_UP_CONVERSATION, &birch.message),
                    body: String::new(),
                },
                Probe::Foreign {
                    theirs: to(&own, &birch.message),
                    made_up: to(&own, MADE_UP_MESSAGE),
                    body: String::new(),
                },
            ]
        }
        ("GET", "/tenants/{slug}/conversations/{id}/turns/{turn}") => {
            let to = |id: &str, turn: &str| {
                route.path.replace("{slug}", alder.slug).replace("{id}", id).replace("{turn}", turn)
            };
            let (own, theirs) = (alder.conversation.to_string(), birch.conversation.to_string());
            vec![
                Probe::Own { target: to(&own, &alder.turn), body: String::new(), status: 200, shows: &["title"] },
                Probe::Foreign {
                    theirs: to(&theirs, &birch.turn),
                    made_up: to(MADE_UP_CONVERSATION, &birch.turn),
                    body: String::new(),
                },
                Probe::Foreign { theirs: to(&own, &birch.turn), made_up: to(&own, MADE_UP_TURN), body: String::new() },
            ]
        }
        ("POST", "/tenants/{slug}/conversations/{id}/takeover") => in_conversations("", 200, &[]),
        ("PUT", "/tenants/{slug}/conversations/{id}/assignee") => in_conversations(r#"{"assignee":"me"}"#, 200, &[]),
        // Confirmed as whatever is named, a foreign one is not there; its own is confirmed wrongly, since others need it.
        ("DELETE", "/tenants/{slug}/conversations/{id}") => {
            let to = |id: &str, confirm: &str| {
                route.path.replace("{slug}", alder.slug).replace("{id}", id) + "?confirm=" + confirm
            };
            let foreign = [birch.conversation, birch.shared, birch.taken_over].map(|id| Probe::Foreign {
                theirs: to(&id.to_string(), &id.to_string()),
                made_up: to(MADE_UP_CONVERSATION, MADE_UP_CONVERSATION),
                body: String::new(),
            });
            let target = to(&alder.conversation.to_string(), "another");
            let own = Probe::Own { target, body: String::new(), status: 400, shows: &[] };
            foreign.into_iter().chain([own]).collect()
        }
        ("PUT", "/tenants/{slug}/conversations/{id}/label") => in_conversations(r#"{"label":"spam"}"#, 200, &[]),
        ("POST", "/tenants/{slug}/conversations/{id}/release") => in_conversations("", 200, &[]),
        // No draft waits in alder's; that one does go out is shown elsewhere.
        (
            "POST",
            "/tenants/{slug}/conversations/{id}/draft/approve" | "/tenants/{slug}/conversations/{id}/draft/reject",
        ) => in_conversations("{}", 409, &[]),
        ("POST", "/tenants/{slug}/conversations/{id}/draft/edit") => {
            in_conversations(r#"{"text":"From a person"}"#, 409, &[])
        }
        ("POST", "/tenants/{slug}/conversations/{id}/messages") => {
            in_conversations(r#"{"text":"From a person"}"#, 200, &[])
        }
        ("GET", "/tenants/{slug}/events") => own("?since=1970-01-01T00:00:00Z", "", 200, &["message"]),
        // A place in the other's log is of no use under this one's slug.
        ("POST", "/tenants/{slug}/events") => {
            let from = serde_json::json!({"since": "1970-01-01T00:00:00Z", "after": {birch.tenant.id.as_str(): 0}});
            own("", &from.to_string(), 200, &["message"])
        }
        // It names the models of all tenants and what they cost together.
        ("GET", "/models/health") => own("", "", 200, &[]),
        ("POST", "/tenants/{slug}/models/preview") => {
            own("", r#"{"question":"Do you have the blue linen shirt in M?","models":["builtin"]}"#, 200, &["title"])
        }
        ("GET", "/tenants/{slug}/notify") => own("", "", 200, &[]),
        ("POST", "/tenants/{slug}/notify") => {
            own("", r#"{"via":"webhook","address":"http://127.0.0.1:9/hook"}"#, 200, &[])
        }
        ("DELETE", "/tenants/{slug}/notify/{name}") => named("webhook", "", 204),
        ("POST", "/tenants/{slug}/notify/{name}/test") => named(PAGER, "", 200),
        ("GET", "/models" | "/model-prices" | "/tenants/{slug}/models" | "/tenants/{slug}/usage") => {
            own("", "", 200, &[])
        }
        // Nothing was chosen, so there is nothing to try; nobody listens on Ollama's port.
        ("POST", "/models/test" | "/tenants/{slug}/models/test") => own("", "{}", 400, &[]),
        ("POST", "/models/pull") => own("", r#"{"model":"ollama:nothing"}"#, 503, &[]),
        ("PUT", "/models/{name}" | "/tenants/{slug}/models/{name}") => named("chat", r#"{"model":"builtin"}"#, 200),
        ("PUT", "/model-budget" | "/tenants/{slug}/model-budget") => own("", r#"{"day_usd":"1"}"#, 200, &[]),
        ("GET", "/tenants/{slug}/secrets") => own("", "", 200, &[]),
        ("POST", "/tenants/{slug}/trigger") => {
            let entry = serde_json::json!({"object": "instagram", "entry": [{"id": birch.account, "time": 1, "messaging": []}]});
            own("", &entry.to_string(), 200, &[])
        }
        _ => return None,
    })
}

/// Asks every route; returns what is wrong.
pub async fn complaints(stage: &Stage) -> Vec<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the client of `net` speaks TCP; this one speaks to the control socket"
    )]
    let builder = reqwest::Client::builder();
    aura::net::fixed_client().expect("installs the TLS provider");
    let http = builder.unix_socket(stage.house.socket()).no_proxy().build().expect("a client");
    let mut found = Vec::new();
    for route in ROUTES {
        let name = format!("{} {}", route.method, route.path);
        let Some(probes) = probes(stage, route) else {
            found.push(format!("{name}: has no probe here; say what it may show"));
            continue;
        };
        let takes_ids = route.path.contains("{id}") || route.path.contains("{key}");
        if takes_ids && !probes.iter().any(|probe| matches!(probe, Probe::Foreign { .. })) {
            found.push(format!("{name}: is not asked with another tenant's id"));
        }
        for probe in probes {
            let asked = Asked { http: &http, route, stage };
            found.extend(asked.check(probe).await.into_iter().map(|complaint| format!("{name}: {complaint}")));
        }
    }
    found
}

struct Asked<'a> {
    http: &'a reqwest::Client,
    route: &'a Route,
    stage: &'a Stage,
}

impl Asked<'_> {
    async fn check(&self, probe: Probe) -> Vec<String> {
        match probe {
            Probe::Own { target, body, status, shows } => {
                let (answered, text) = self.send(&target, &body).await;
                let mut found = self.leaks(&text, &format!("{target} {body}"));
                if answered != status {
                    found.push(format!("{target}: answers {answered}, not {status}: {text}"));
                }
                let shown = self.stage.alder.canaries_in(text.as_bytes());
                found.extend(
                    shows
                        .iter()
                        .filter(|place| !shown.contains(place))
                        .map(|place| format!("does not show its own {place}: {text}")),
                );
                found.extend(shown.contains(&"secret").then(|| format!("shows its own secret: {text}")));
                found
            }
            Probe::Foreign { theirs, made_up, body } => {
                let (theirs, made_up) = (self.refusal(&theirs, &body).await, self.refusal(&made_up, &body).await);
                let mut found = Vec::new();
                if theirs.0 != 404 || theirs != made_up {
                    found.push(format!("another tenant's is answered {theirs:?}, a made-up one {made_up:?}"));
                }
                found
            }
            Probe::Sealed { target, body } => {
                let (status, bytes) = self.fetch(&target, &body).await;
                let shops = [&self.stage.alder, &self.stage.birch];
                let shown: Vec<_> = shops.iter().flat_map(|shop| shop.canaries_in(&bytes)).collect();
                let wrong = self.route.tenant_scoped || status != 200 || !shown.is_empty();
                wrong.then(|| format!("{status}: is not for all tenants, or shows {shown:?}")).into_iter().collect()
            }
            Probe::OfAll { target } => {
                let body = if self.route.method == "POST" { "{}" } else { "" };
                let (status, text) = self.send(&target, body).await;
                let secrets = [&self.stage.alder, &self.stage.birch].map(|shop| canary(shop.slug, "secret"));
                let wrong =
                    self.route.tenant_scoped || status != 200 || secrets.iter().any(|secret| text.contains(secret));
                wrong
                    .then(|| format!("{status}: is not for all tenants, or shows a secret: {text}"))
                    .into_iter()
                    .collect()
            }
        }
    }

    async fn fetch(&self, target: &str, body: &str) -> (u16, Vec<u8>) {
        let request =
            self.http.request(self.route.method.clone(), format!("http://aura{target}")).body(body.to_owned());
        let answer = request.header("content-type", "application/json").send().await.expect("the daemon answers");
        (answer.status().as_u16(), answer.bytes().await.expect("the answer is whole").to_vec())
    }

    async fn send(&self, target: &str, body: &str) -> (u16, String) {
        let (status, bytes) = self.fetch(target, body).await;
        (status, String::from_utf8(bytes).expect("the answer is text"))
    }

    /// Status and body of a refusal, without what differs between any two: the id asked for and the request's own.
    async fn refusal(&self, target: &str, body: &str) -> (u16, String) {
        let (status, text) = self.send(target, body).await;
        let mut answer: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if let Some(error) = answer["error"].as_object_mut() {
            error.remove("request_id");
        }
        let is_id = |part: &&str| ["conv_", "turn_", "msg_", "only-"].iter().any(|kind| part.starts_with(kind));
        let told = target.split(['/', '?']).filter(is_id).fold(answer.to_string(), |told, id| told.replace(id, "ID"));
        (status, told)
    }

    fn leaks(&self, answer: &str, question: &str) -> Vec<String> {
        let birch = &self.stage.birch;
        // The operator's own lists name every tenant and its accounts.
        let found = match self.route.tenant_scoped {
            true => birch.traces_in(answer, question),
            false => birch.canaries_beyond(answer, question).into_iter().map(str::to_owned).collect(),
        };
        found.into_iter().map(|trace| format!("shows birch's {trace}: {answer}")).collect()
    }
}
