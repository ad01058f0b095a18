//! Conversations with what was said, what goes out, and what it rests on.

use crate::{
    api,
    app::{App, Names, inbox::OfTenant},
    domain::{
        conversation::{Holder, Label, Overview, Sight},
        staff::Doer,
        tenant::Tenant,
    },
    http::Error,
    store::{OutboxRow, Said, Thread, TurnSummary},
};

/// For whom something is shown.
pub(in crate::http) struct Reader {
    /// Who asks.
    pub(in crate::http) asking: Doer,
    /// What people are called.
    pub(in crate::http) names: Names,
}

pub(in crate::http) fn conversation(
    app: &App,
    tenant: &Tenant,
    reader: &Reader,
    overview: Overview,
) -> api::Conversation {
    let Overview { conversation, preview, messages, cost, handed_over } = overview;
    api::Conversation {
        id: conversation.id.to_string(),
        tenant: tenant.slug.to_string(),
        channel: conversation.key.channel.to_string(),
        account_id: conversation.key.account.0,
        shopper_id: conversation.key.shopper.0,
        shopper_name: conversation.shopper_name,
        state: if conversation.takeover.is_some() { "person" } else { "bot" }.into(),
        takeover: conversation.takeover.map(|takeover| api::Takeover {
            cause: takeover.cause.as_str().into(),
            since: takeover.since.into(),
            waiting_since: takeover.waiting_since.map(Into::into),
            holder: conversation.holder.map(|Holder { by, since }| api::Holder {
                person: person(by, reader),
                since: since.into(),
                you: by == reader.asking,
            }),
            ends_at: app.bot_returns_at(&takeover).map(Into::into),
        }),
        assignee: conversation.assignee.map(|assignee| person(assignee, reader)),
        draft: conversation.draft.map(|draft| api::Draft { id: draft.turn.to_string(), since: draft.since.into() }),
        parked: conversation
            .parked
            .map(|parked| api::Parked { reason: parked.reason.as_str().into(), since: parked.since.into() }),
        label: conversation.label.map(|label: Label| label.as_str().into()),
        open_messages: conversation.open_messages,
        last_shopper_at: conversation.last_shopper_at.map(Into::into),
        last_message_at: conversation.last_message_at.into(),
        language: conversation.language.map(|language| language.code().into()),
        preview: preview.map(|preview| api::Preview {
            side: preview.side.as_str().into(),
            text: preview.text,
            attachments: preview.attachments.iter().map(|kind| kind.as_str().to_owned()).collect(),
            unsent: preview.unsent,
        }),
        message_count: messages,
        cost_usd: cost.to_string(),
        handed_over: handed_over.map(|reason| reason.as_str().into()),
    }
}

fn person(doer: Doer, reader: &Reader) -> api::Person {
    api::Person { id: doer.to_string(), name: reader.names.of(doer).map(str::to_owned) }
}

/// What a list over all tenants says of one of them.
pub(in crate::http) fn inbox_line(app: &App, reader: &Reader, of: OfTenant) -> Vec<api::InboxLine> {
    let OfTenant { tenant, found } = of;
    match found {
        Ok(rows) => {
            let row = |row| api::InboxLine::Conversation(Box::new(conversation(app, &tenant, reader, row)));
            rows.into_iter().map(row).collect()
        }
        Err(error) => {
            let skipped = Error::from(error).into_problem();
            vec![api::InboxLine::Skipped(api::SkippedTenant { tenant: tenant.slug.to_string(), skipped })]
        }
    }
}

pub(in crate::http) fn conversation_detail(
    app: &App,
    tenant: &Tenant,
    reader: &Reader,
    thread: Thread,
) -> api::ConversationDetail {
    api::ConversationDetail {
        conversation: conversation(app, tenant, reader, thread.overview),
        messages: thread.messages.into_iter().map(|said| message(said, reader)).collect(),
        has_more: thread.has_more,
        outbox: thread.outbox.into_iter().map(|row| outbox_row(row, reader)).collect(),
        turns: thread.turns.into_iter().map(turn).collect(),
    }
}

fn message(Said { message, turn, written_by }: Said, reader: &Reader) -> api::Message {
    let seen = |sight: Sight| api::Seen { picture: sight.picture as u32, shows: sight.shows, made_by: sight.made_by };
    api::Message {
        id: message.id.to_string(),
        side: message.side.as_str().into(),
        author_id: written_by.map(|doer| doer.to_string()),
        author_name: written_by.and_then(|doer| reader.names.of(doer)).map(str::to_owned),
        text: message.text,
        attachments: message.attachments.iter().map(|kind| kind.as_str().to_owned()).collect(),
        at: message.at.into(),
        unsent: message.unsent,
        turn: turn.map(|turn| turn.to_string()),
        pictures: message.pictures.len() as u32,
        seen: message.sights.into_iter().map(seen).collect(),
    }
}

pub(in crate::http) fn outbox_row(row: OutboxRow, reader: &Reader) -> api::OutboxRow {
    api::OutboxRow {
        id: row.id.to_string(),
        turn: row.turn.map(|turn| turn.to_string()),
        author: row.author.as_str().into(),
        author_id: row.written_by.map(|doer| doer.to_string()),
        author_name: row.written_by.and_then(|doer| reader.names.of(doer)).map(str::to_owned),
        text: row.text,
        state: row.state.as_str().into(),
        reason: row.reason,
        held: row.held,
        queued_at: row.queued_at.into(),
        sent_at: row.sent_at.map(Into::into),
    }
}

pub(super) fn turn(turn: TurnSummary) -> api::Turn {
    api::Turn {
        id: turn.turn.to_string(),
        outcome: turn.outcome,
        reason: turn.reason,
        model: turn.model,
        evidence: turn.evidence.into_iter().map(|key| key.0).collect(),
        guard_refusals: turn.guard_refusals,
        started_at: turn.started_at.into(),
    }
}
