//! Conversations with what was said, what goes out, and what it rests on.

use crate::{
    api,
    app::{App, inbox::OfTenant},
    domain::{
        conversation::{Label, Overview, Sight},
        tenant::Tenant,
    },
    http::Error,
    store::{OutboxRow, Said, Thread, TurnSummary},
};

pub(in crate::http) fn conversation(app: &App, tenant: &Tenant, overview: Overview) -> api::Conversation {
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
            ends_at: app.bot_returns_at(&takeover).map(Into::into),
        }),
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

/// What a list over all tenants says of one of them.
pub(in crate::http) fn inbox_line(app: &App, of: OfTenant) -> Vec<api::InboxLine> {
    let OfTenant { tenant, found } = of;
    match found {
        Ok(rows) => {
            let row = |row| api::InboxLine::Conversation(Box::new(conversation(app, &tenant, row)));
            rows.into_iter().map(row).collect()
        }
        Err(error) => {
            let skipped = Error::from(error).into_problem();
            vec![api::InboxLine::Skipped(api::SkippedTenant { tenant: tenant.slug.to_string(), skipped })]
        }
    }
}

pub(in crate::http) fn conversation_detail(app: &App, tenant: &Tenant, thread: Thread) -> api::ConversationDetail {
    api::ConversationDetail {
        conversation: conversation(app, tenant, thread.overview),
        messages: thread.messages.into_iter().map(message).collect(),
        has_more: thread.has_more,
        outbox: thread.outbox.into_iter().map(outbox_row).collect(),
        turns: thread.turns.into_iter().map(turn).collect(),
    }
}

fn message(Said { message, turn }: Said) -> api::Message {
    let seen = |sight: Sight| api::Seen { picture: sight.picture as u32, shows: sight.shows, made_by: sight.made_by };
    api::Message {
        id: message.id.to_string(),
        side: message.side.as_str().into(),
        text: message.text,
        attachments: message.attachments.iter().map(|kind| kind.as_str().to_owned()).collect(),
        at: message.at.into(),
        unsent: message.unsent,
        turn: turn.map(|turn| turn.to_string()),
        pictures: message.pictures.len() as u32,
        seen: message.sights.into_iter().map(seen).collect(),
    }
}

pub(in crate::http) fn outbox_row(row: OutboxRow) -> api::OutboxRow {
    api::OutboxRow {
        id: row.id.to_string(),
        turn: row.turn.map(|turn| turn.to_string()),
        author: row.author.as_str().into(),
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
