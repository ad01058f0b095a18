//! Adapters against real sockets, and what messages say.

use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        ConversationId, Language, NotificationId, TargetId,
        channel::{AccountId, ChannelKind},
        notify::{About, Notice, NoticeKind, Notification, Said, Target, Via, Zone},
    },
    sim::{self, Hook, HookAnswer},
};

const DEADLINE: Duration = Duration::from_secs(5);
const NOW: Timestamp = Timestamp(1_795_253_405_123);

/// One that may call the hooks of these tests.
fn sender(timeout: Duration) -> Sender {
    let rules = net::Rules { allow: vec!["127.0.0.1".parse().expect("an entry")], ..net::Rules::default() };
    Sender::new(Guarded::new(rules).expect("a client"), timeout)
}

fn target(via: Via) -> Target {
    Target {
        id: TargetId(Uuid::from_u128(2)),
        name: "staff".parse().expect("a name"),
        via,
        shown: "shown".into(),
        kinds: NoticeKind::ALL.to_vec(),
        include_text: true,
        zone: "Europe/Berlin".parse::<Zone>().expect("a zone"),
        quiet: None,
        created_at: NOW,
    }
}

fn hand_over(n: u128, said: Option<Said>) -> Notice {
    Notice {
        kind: NoticeKind::HandOver,
        reason: "asked".into(),
        at: NOW,
        repeats: 0,
        about: About::Conversation {
            id: ConversationId(Uuid::from_u128(n)),
            channel: ChannelKind::Instagram,
            account: AccountId("178".into()),
            waiting_since: Some(NOW.plus_ms(-5_000)),
            said,
        },
    }
}

fn notification(notices: Vec<Notice>, counts: Vec<(NoticeKind, u32)>) -> Notification {
    Notification { id: NotificationId(Uuid::from_u128(9)), created_at: NOW, notices, counts }
}

fn shop(language: Language) -> Shop {
    Shop { slug: "noor".into(), name: "Noor Ätelier".into(), language }
}

fn a_message() -> Message {
    let said = Said { shopper: Some("Ana\u{202e}".into()), text: Some("Wo ist\nmein Mantel?".into()) };
    let one = notification(vec![hand_over(1, Some(said))], vec![(NoticeKind::HandOver, 1)]);
    compose(&shop(Language::De), &target(Via::Smtp), &one)
}

#[test]
fn one_notice_says_what_who_since_when_and_how_to_look() {
    let message = a_message();
    insta::assert_snapshot!(format!("{}\n\n{}", message.title, message.body), @"
    Noor Ätelier: Eine Kundin oder ein Kunde möchte mit einem Menschen sprechen

    Eine Kundin oder ein Kunde möchte mit einem Menschen sprechen.
    Passiert: 2026-11-21 10:30 Europe/Berlin
    Wartet seit: 2026-11-21 10:30 Europe/Berlin
    > Ana: Wo ist mein Mantel?
    Ansehen: aura conversation show -t noor conv_00000000-0000-0000-0000-000000000001
    ");
}

#[test]
fn many_notices_are_counted_and_the_first_are_spelled_out() {
    let notices = (1..=10).map(|n| hand_over(n, None)).collect();
    let many = notification(notices, vec![(NoticeKind::HandOver, 11), (NoticeKind::Parked, 1)]);
    let message = compose(&shop(Language::En), &target(Via::Smtp), &many);
    assert_eq!(message.title, "Noor Ätelier: 11 hand-overs, 1 parked reply");
    assert!(
        message.body.ends_with("And 2 more.\nLook: aura conversation list -t noor --state waiting\n"),
        "{}",
        message.body
    );
    assert_eq!((message.priority, message.tags), (4, vec!["raising_hand", "inbox_tray"]));
}

#[test]
fn a_reason_that_has_no_sentence_yet_is_told_by_its_kind() {
    let odd = Notice { reason: "of_tomorrow".into(), ..hand_over(1, None) };
    let one = notification(vec![odd], vec![(NoticeKind::HandOver, 1)]);
    let message = compose(&shop(Language::En), &target(Via::Smtp), &one);
    assert_eq!(message.title, "Noor Ätelier: A conversation needs a person");
}

fn server(address: std::net::SocketAddr, tls: MailTls) -> MailServer {
    MailServer {
        host: address.ip().to_string(),
        port: address.port(),
        tls,
        username: Some("aura".into()),
        from: Mailboxes::parse("Aura <aura@mail.example>").expect("a mailbox"),
    }
}

fn mail_to(server: MailServer) -> Destination {
    let to = Mailboxes::parse("staff@shop.example, owner@shop.example").expect("two");
    Destination::Smtp { to, server, password: Some(SecretString::from("hunter2")) }
}

#[tokio::test]
async fn a_mail_is_plain_utf8_text_with_the_headers_that_machines_and_people_sort_by() {
    let post = sim::MailServer::start().await.expect("a free port");
    let sender = sender(DEADLINE);
    let destination = mail_to(server(post.address(), MailTls::None));
    for _ in 0..2 {
        assert_eq!(sender.send(&destination, &a_message(), NOW).await, NotifyOutcome::Sent);
    }
    let mails = post.until_mails(2, DEADLINE).await.expect("both arrive");
    let mail = &mails[0];
    assert_eq!(
        (mail.from.as_str(), &mail.to[..]),
        ("aura@mail.example", &["staff@shop.example".into(), "owner@shop.example".into()][..])
    );
    assert!(mail.login.is_some());
    for header in [
        "Message-ID: <ntf_00000000-0000-0000-0000-000000000009@mail.example>",
        "Auto-Submitted: auto-generated",
        "List-Id: <noor.notify.mail.example>",
        "Content-Type: text/plain; charset=utf-8",
        "Date: Sat, 21 Nov 2026 09:30:05 +0000",
        "Subject: Noor =?utf-8?b?",
    ] {
        assert!(mail.text.contains(header), "{header}: {}", mail.text);
    }
    assert_eq!(mails[0].text, mails[1].text, "a repetition is the same mail");
}

#[tokio::test]
async fn what_the_mail_server_answers_decides_whether_it_is_tried_again() {
    let post = sim::MailServer::start().await.expect("a free port");
    let sender = sender(DEADLINE);
    let destination = mail_to(server(post.address(), MailTls::None));
    for (code, refused) in [(451, false), (550, true)] {
        post.answer(code);
        let outcome = sender.send(&destination, &a_message(), NOW).await;
        assert_eq!(matches!(outcome, NotifyOutcome::Refused { .. }), refused, "{outcome:?}");
        assert_eq!(outcome.reason(), Some(format!("the mail server answers {code}").as_str()));
    }
}

#[tokio::test]
async fn no_password_goes_to_a_mail_server_without_the_tls_that_was_asked_for() {
    let post = sim::MailServer::start().await.expect("a free port");
    let sender = sender(Duration::from_secs(2));
    for tls in [MailTls::StartTls, MailTls::Implicit] {
        let outcome = sender.send(&mail_to(server(post.address(), tls)), &a_message(), NOW).await;
        assert_ne!(outcome, NotifyOutcome::Sent, "{tls:?}");
    }
    assert!(post.mails().is_empty());
}

#[tokio::test]
async fn a_push_has_title_priority_tags_a_link_and_the_token() {
    let hook = Hook::start().await.expect("a free port");
    let sender = sender(DEADLINE);
    let destination = Destination::Ntfy {
        server: hook.url().parse().expect("a URL"),
        topic: "noor-staff".into(),
        token: Some(SecretString::from("tk_secret")),
    };
    assert_eq!(sender.send(&destination, &a_message(), NOW).await, NotifyOutcome::Sent);
    let pushed = &hook.received()[0];
    let body = pushed.json();
    assert_eq!((pushed.path.as_str(), pushed.header("authorization")), ("/", "Bearer tk_secret"));
    assert_eq!((body["topic"].as_str(), body["priority"].as_u64()), (Some("noor-staff"), Some(4)));
    assert!(body["title"].as_str().is_some_and(|title| title.starts_with("Noor Ätelier: ")));
    assert_eq!((&body["tags"][0], body["click"].is_string()), (&"raising_hand".into(), true));
}

#[tokio::test]
async fn outcomes_say_what_was_met_and_never_where() {
    let hook = Hook::start().await.expect("a free port");
    let sender = sender(Duration::from_millis(300));
    let url = format!("{}/very-secret-path", hook.url());
    let key = SigningKey::generate().expect("random numbers");
    let destination = Destination::Webhook { url: url.parse().expect("a URL"), key: key.clone() };
    let plain = |reason: &str| NotifyOutcome::Failed { reason: reason.into(), retry_after_ms: None };
    for (answer, expected) in [
        (HookAnswer::Status(204), NotifyOutcome::Sent),
        (HookAnswer::Status(500), plain("it answers 500")),
        (
            HookAnswer::RetryAfter(7),
            NotifyOutcome::Failed { reason: "it answers 429".into(), retry_after_ms: Some(7_000) },
        ),
        (HookAnswer::Status(404), NotifyOutcome::Refused { reason: "it answers 404".into() }),
        (
            HookAnswer::Redirect,
            NotifyOutcome::Refused { reason: "it answers 302, and redirects are not followed".into() },
        ),
        (HookAnswer::Hang, plain("no answer within 0.3 s")),
    ] {
        hook.answer_always(answer);
        assert_eq!(sender.send(&destination, &a_message(), NOW).await, expected, "{answer:?}");
    }
    drop(hook);
    let outcome = sender.send(&destination, &a_message(), NOW).await;
    assert!(!format!("{outcome:?} {destination:?}").contains("very-secret"), "{outcome:?}");
    assert!(matches!(outcome, NotifyOutcome::Failed { .. }), "{outcome:?}");
}

#[tokio::test]
async fn an_address_that_leads_into_a_private_network_is_refused_without_being_named() {
    let hook = Hook::start().await.expect("a free port");
    let sender = Sender::new(Guarded::new(net::Rules::default()).expect("a client"), DEADLINE);
    let key = SigningKey::generate().expect("random numbers");
    for url in [format!("{}/very-secret-path", hook.url()), "https://[::ffff:10.0.0.1]/very-secret-path".into()] {
        let destination = Destination::Webhook { url: url.parse().expect("a URL"), key: key.clone() };
        let NotifyOutcome::Refused { reason } = sender.send(&destination, &a_message(), NOW).await else {
            panic!("{url} was called");
        };
        assert!(reason.contains("not public") && reason.contains("net.allow"), "{reason}");
        assert!(
            !reason.contains("very-secret") && !reason.contains("127.0.0.1") && !reason.contains("10.0"),
            "{reason}"
        );
    }
    assert!(hook.received().is_empty());
}
