//! People beside each other: who has a conversation, who is responsible for it, who wrote, and that a second one is told.

use aura::{api, client::Client};
use serde_json::Value;

use crate::{
    shop::{House, aura, command, until},
    staff::{house, let_in, staff_client},
};

const ACCOUNT: &str = "17841400000000001";

/// A shop with one conversation, answered; its id.
async fn written_to(house: &House, name: &str) -> String {
    house.sim.shopper(name).writes(ACCOUNT, "Do you have scarves?");
    house.settle(&["alder"]).await;
    let listed = house.client().conversations("alder", &api::ConversationQuery::default()).await.expect("listed");
    listed.into_iter().max_by_key(|row| row.last_message_at).expect("it is there").id
}

fn says(text: &str, anyway: bool) -> api::NewMessage {
    api::NewMessage { text: text.into(), anyway }
}

async fn conversation(client: &Client, id: &str) -> api::ConversationDetail {
    client.conversation("alder", id).await.expect("shown")
}

/// What the audit log holds of this action: who did it, and the fields.
async fn acts(house: &House, action: &str) -> Vec<(String, Value)> {
    let audit = house.app().store.control().audit_after(0, 1_000).await.expect("read");
    let of = audit.into_iter().filter(|entry| entry.action == action);
    of.map(|entry| (entry.actor, serde_json::from_str(&entry.payload).expect("JSON"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_person_is_told_who_has_the_conversation_and_goes_on_only_when_asked_to() {
    let house = house().await;
    let (ana_key, ben_key) =
        (let_in(&house, "ana", "agent", &["alder"]).await, let_in(&house, "ben", "agent", &["alder"]).await);
    let (ana, ben) = (staff_client(&house, &ana_key), staff_client(&house, &ben_key));
    let id = written_to(&house, "layla").await;

    let taken = ana.take_over("alder", &id).await.expect("nobody has it");
    let holder = taken.takeover.expect("taken over").holder.expect("known");
    assert_eq!((holder.person.name.as_deref(), holder.you), (Some("ana"), true));
    assert!(!conversation(&ben, &id).await.conversation.takeover.expect("taken").holder.expect("known").you);
    ana.take_over("alder", &id).await.expect("it is hers already");

    let moment = holder.since.to_string();
    let told = |error: aura::client::Error| {
        assert_eq!((error.code(), error.exit_code()), ("held_by_another", 6));
        assert_eq!(error.to_string(), format!("ana has this conversation since {moment}"));
        assert!(error.hint().is_some_and(|hint| hint.contains("--anyway")), "{:?}", error.hint());
    };
    told(ben.send("alder", &id, &says("Ben here", false)).await.expect_err("ana has it"));
    told(ben.take_over("alder", &id).await.expect_err("ana has it"));
    told(ben.approve_draft("alder", &id, &api::DraftDecision::default()).await.expect_err("ana has it"));
    let edit = api::DraftEdit { text: "Ben here".into(), ..api::DraftEdit::default() };
    told(ben.edit_draft("alder", &id, &edit).await.expect_err("ana has it"));
    told(house.client().send("alder", &id, &says("The owner here", false)).await.expect_err("the operator is another"));
    assert!(conversation(&ana, &id).await.outbox.iter().all(|row| row.author == "bot"), "nothing was written");
    assert!(acts(&house, "conversation.overruled").await.is_empty());

    let ran = aura(house.data_dir(), &["conversation", "send", "-t", "alder", &id, "Hello", "--json"], "").await;
    assert_eq!(ran.error(6)["code"], "held_by_another");
    let sent = ben.send("alder", &id, &says("Ben here", true)).await.expect("he was told");
    assert_eq!(sent[0].author_name.as_deref(), Some("ben"));
    let shown = conversation(&ben, &id).await.conversation.takeover.expect("still taken over");
    assert!(shown.holder.is_some_and(|holder| holder.you && holder.person.name.as_deref() == Some("ben")));
    let overruled = acts(&house, "conversation.overruled").await;
    let (actor, fields) = &overruled[0];
    assert_eq!((overruled.len(), actor.as_str(), &fields["deed"]), (1, "staff", &Value::from("send")));
    assert_eq!(fields["holder"], Value::from(holder.person.id.as_str()));
    let tail = aura(house.data_dir(), &["tail", "-t", "alder", "--no-follow", "--kind", "takeover.*"], "").await;
    assert!(tail.stdout.contains("takeover.passed") && tail.stdout.contains("from=ana"), "{tail:?}");
    ana.send("alder", &id, &says("Ana again", false)).await.expect_err("it is his now");

    // Released, it is nobody's, and nobody is in anybody's way.
    ben.release("alder", &id).await.expect("released");
    assert!(conversation(&ana, &id).await.conversation.takeover.is_none());
    ana.send("alder", &id, &says("Ana again", false)).await.expect("nobody has it");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_is_known_by_name_until_the_person_is_removed_and_by_an_id_afterwards() {
    let house = house().await;
    let key = let_in(&house, "ana", "agent", &["alder"]).await;
    let ana = staff_client(&house, &key);
    let id = written_to(&house, "layla").await;
    ana.send("alder", &id, &says("Ana here", false)).await.expect("sent");
    ana.assign("alder", &id, &api::NewAssignee { assignee: Some("me".into()) }).await.expect("assigned");
    house.settle(&["alder"]).await;
    let hers = async || {
        let detail = conversation(&house.client(), &id).await;
        detail.messages.into_iter().find(|message| message.side == "person")
    };
    until("the message is in the thread", async || hers().await.is_some()).await;
    let message = hers().await.expect("there");
    assert_eq!(message.author_name.as_deref(), Some("ana"));
    let shown = aura(house.data_dir(), &["conversation", "show", "-t", "alder", &id], "").await;
    assert!(shown.stdout.contains("ana (staff)") && shown.stdout.contains("  ana      Ana here"), "{}", shown.stdout);

    house.client().remove_staff("ana").await.expect("removed");
    let after = hers().await.expect("the words stay");
    assert_eq!((after.author_name, after.author_id), (None, message.author_id), "the id says nothing by itself");
    let detail = conversation(&house.client(), &id).await.conversation;
    assert_eq!(detail.assignee.as_ref().map(|person| person.name.as_deref()), Some(None));
    let json = serde_json::to_string(&detail).expect("JSON");
    assert!(!json.contains("\"ana\""), "{json}");
    let shown = aura(house.data_dir(), &["conversation", "show", "-t", "alder", &id], "").await;
    assert!(shown.stdout.contains("somebody who is gone"), "{}", shown.stdout);
    let refused = house.client().send("alder", &id, &says("The owner here", false)).await.expect_err("it was hers");
    assert!(refused.to_string().starts_with("somebody who is gone has this conversation"), "{refused}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_responsible_for_a_conversation_and_lists_find_it_by_that() {
    let house = house().await;
    let key = let_in(&house, "ana", "agent", &["alder"]).await;
    let_in(&house, "ben", "agent", &[]).await;
    let_in(&house, "vera", "viewer", &["alder"]).await;
    let_in(&house, "zoe", "agent", &["birch"]).await;
    let one = written_to(&house, "layla").await;
    let other = written_to(&house, "omar").await;

    let run = async |args: &[&str]| {
        let mut command = command(house.data_dir());
        command.env("AURA_KEY", &key).args(["conversation"]).args(args).args(["-t", "alder"]);
        let output = command.output().await.expect("it runs");
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("text"),
            String::from_utf8(output.stderr).expect("text"),
        )
    };
    let (code, _, said) = run(&["assign", &one, "me"]).await;
    assert!(code == Some(0) && said.contains("assigned to ana") && said.contains("next: "), "{said}");
    let (code, _, said) = run(&["assign", &other, "ben"]).await;
    assert!(code == Some(0) && said.contains("assigned to ben"), "{said}");
    for (wrong, exit, hint) in [
        ("anna", 3, "Did you mean `ana`?"),
        // Of whoever works for other shops alone nobody here hears.
        ("zoe", 3, "aura staff list"),
        ("vera", 2, "--role agent"),
        ("A na", 2, ""),
    ] {
        let (code, _, said) = run(&["assign", &one, wrong]).await;
        assert!(code == Some(exit) && said.contains(hint), "{wrong}: {said}");
    }

    let listed = async |who: &str| {
        let (code, out, said) = run(&["list", "--assignee", who, "--json"]).await;
        assert_eq!(code, Some(0), "{said}");
        let list: Value = serde_json::from_str(&out).expect("JSON");
        let ids = list["items"].as_array().expect("rows").iter().map(|row| row["id"].as_str().unwrap_or("").to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(listed("me").await, [one.as_str()]);
    assert_eq!(listed("ana").await, [one.as_str()]);
    assert_eq!(listed("ben").await, [other.as_str()]);
    assert!(listed("nobody").await.is_empty() && listed("operator").await.is_empty());

    // Whoever is gone is responsible for nothing; neither is nobody.
    house.client().remove_staff("ben").await.expect("removed");
    assert_eq!(listed("nobody").await, [other.as_str()]);
    let (code, _, said) = run(&["assign", &one, "--nobody"]).await;
    assert!(code == Some(0) && said.contains("nobody is responsible"), "{said}");
    assert_eq!(listed("nobody").await.len(), 2);

    let tail = aura(house.data_dir(), &["tail", "-t", "alder", "--no-follow", "--actor", "staff:ana"], "").await;
    assert!(tail.stdout.contains("conversation.assigned") && tail.stdout.contains("assignee=ana"), "{tail:?}");
    assert!(tail.stdout.contains("conversation.unassigned"), "{tail:?}");
    let assigned = acts(&house, "conversation.assigned").await;
    assert!(
        assigned.len() == 2
            && assigned.iter().all(|(actor, fields)| actor == "staff" && fields["assignee"].is_string())
    );
    assert_eq!(acts(&house, "conversation.unassigned").await.len(), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_have_a_name_that_means_something_else() {
    let house = house().await;
    for name in ["me", "nobody", "operator"] {
        let ran = aura(house.data_dir(), &["staff", "add", name, "--key"], "").await;
        assert!(ran.code == 2 && ran.stderr.contains("means something of its own"), "{ran:?}");
    }
    house.close().await;
}
