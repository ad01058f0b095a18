//! From what use cases return to JSON shapes. The only place where a domain type meets the wire.

mod conversation;
mod model_health;
mod model_preview;
mod system;
mod turn;

use std::collections::BTreeMap;

pub(super) use conversation::{Reader, conversation, conversation_detail, inbox_line, outbox_row};
pub(super) use model_health::model_health;
pub(super) use model_preview::model_previewed;
pub(super) use system::system;
pub(super) use turn::turn_detail;

use super::handlers::backups::last_backup;
use crate::{
    api,
    app::{
        self,
        audit::{ChainOf, Checked},
        chat::{ChatAnswer, ChatReply},
        checkpoint::Note,
        events::EventView,
        models::{ModelReport, Skill, Trial, Tried, TryOutcome, Usage},
        notify::AddedTarget,
        problem::{Problem, Weight},
        status::{AccountStatus, Status, TenantStatus, Unreadable},
    },
    config::Providers,
    domain::{
        Language, Money,
        account::Account,
        catalog::CatalogStatus,
        chat::ModelRef,
        cost::{Budget, BudgetSpan, PicoDollars},
        model::{Allowed, ModelChoice, ModelRole},
        notify::{LastNotification, Target, TargetState},
        outbox::OutboxState,
        persona::{LanguageRule, Persona, PersonaVersion},
        product::{Product, ProductKey, ProductStatus, Stock, Variant},
        proof::Fault,
        search::{Hit, Met},
        secret::SecretInfo,
        spend::SpendRow,
        tenant::{Tenant, TenantState},
    },
    provider::{ollama::LocalModel, price::Prices},
    store::{self, Conservation},
};

pub(super) fn list<T, U>(items: Vec<T>, one: impl Fn(T) -> U) -> api::List<U> {
    api::List { items: items.into_iter().map(one).collect() }
}

pub(super) fn tenant(tenant: Tenant) -> api::Tenant {
    let state = tenant_state(tenant.state);
    api::Tenant {
        id: tenant.id.to_string(),
        slug: tenant.slug.to_string(),
        name: tenant.name,
        currency: tenant.currency.code().into(),
        language: tenant.language.code().into(),
        website: tenant.website,
        state: state.into(),
        mode: tenant.standing.reach.mode.as_str().into(),
        only_from: tenant.standing.reach.only_from.iter().map(ToString::to_string).collect(),
        created_at: tenant.created_at.into(),
    }
}

const fn tenant_state(state: TenantState) -> &'static str {
    match state {
        TenantState::Active => "active",
        TenantState::Paused => "paused",
    }
}

pub(super) fn persona(persona: Persona) -> api::Persona {
    api::Persona {
        name: Some(persona.name).filter(|name| !name.is_empty()),
        tone: Some(persona.tone.as_str().into()),
        greeting: persona.greeting,
        sign_off: persona.sign_off,
        disclose: Some(persona.disclose),
        disclosure: persona.disclosure,
        hours: spoken(persona.hours),
        reply_time: spoken(persona.reply_time),
        language: match persona.language {
            LanguageRule::Shopper => None,
            LanguageRule::Only(these) => {
                Some(api::Languages::These(these.iter().map(|language| language.code().to_owned()).collect()))
            }
        },
        emoji: persona.emoji.map(|rule| rule.as_str().to_owned()),
        dos: persona.dos,
        donts: persona.donts,
        facts: persona.facts,
        escalate: persona.escalate,
    }
}

/// The versions of a voice, the newest first.
pub(super) fn persona_versions(versions: Vec<PersonaVersion>) -> api::List<api::PersonaVersion> {
    let newest = versions.first().map(|version| version.number);
    list(versions, |version| persona_version(&version, newest))
}

pub(super) fn persona_version(version: &PersonaVersion, newest: Option<u32>) -> api::PersonaVersion {
    api::PersonaVersion {
        version: version.number,
        set_at: version.set_at.map(Into::into),
        restored: version.restored,
        current: newest == Some(version.number),
    }
}

fn spoken(words: BTreeMap<Language, String>) -> Option<api::Spoken> {
    let by_code = words.into_iter().map(|(language, words)| (language.code().to_owned(), words));
    Some(by_code.collect::<BTreeMap<_, _>>()).filter(|words| !words.is_empty()).map(api::Spoken::By)
}

pub(super) fn removed(removed: app::tenants::Removed) -> api::Removed {
    api::Removed {
        slug: removed.tenant.slug.to_string(),
        accounts: removed.accounts.into_iter().map(|account| account.0).collect(),
        secrets: removed.secrets,
        files: removed.files,
        bytes: removed.bytes,
        key_overwritten: removed.key_overwritten,
    }
}

pub(super) fn account(account: Account) -> api::Account {
    api::Account {
        channel: account.channel.to_string(),
        account_id: account.id.0,
        username: account.username,
        state: account.state.as_str().into(),
        connected_at: account.connected_at.into(),
    }
}

pub(super) fn catalog_status(status: CatalogStatus) -> api::CatalogStatus {
    api::CatalogStatus {
        products: status.products,
        visible: status.visible,
        variants: status.variants,
        active: status.active,
        unlisted: status.unlisted,
        draft: status.draft,
        archived: status.archived,
        source: status.last_import.as_ref().map(|import| import.source.clone()),
        format: status.last_import.as_ref().map(|import| import.format.clone()),
        imported_at: status.last_import.map(|import| import.started_at.into()),
    }
}

pub(super) fn import_report(report: app::ImportReport, dry_run: bool) -> api::ImportReport {
    let skipped = report.skipped.into_iter().map(|skipped| api::Skipped { at: skipped.at, reason: skipped.reason });
    api::ImportReport {
        source: report.source,
        format: report.format,
        products: report.products,
        variants: report.variants,
        added: report.added,
        updated: report.updated,
        unchanged: report.unchanged,
        removed: report.removed,
        skipped: skipped.collect(),
        skipped_more: report.skipped_more,
        dry_run,
        elapsed_ms: u64::try_from(report.elapsed_ms).unwrap_or(0),
    }
}

fn price(money: Money) -> api::Price {
    api::Price { amount: money.decimal(), currency: money.currency.code().into() }
}

fn product_ref(product: &Product) -> api::ProductRef {
    api::ProductRef {
        product_id: product.key.0.clone(),
        title: product.title.clone(),
        url: product.url.clone(),
        price: product.price_range().map(|(lowest, _)| price(lowest)),
        available: product.available(),
    }
}

pub(super) fn hit(hit: Hit) -> api::SearchHit {
    let met = |met: Met| api::MetWord { word: met.word, at: met.place.map(|place| place.as_str().into()) };
    let words = hit.words.into_iter().map(met).collect();
    api::SearchHit { product: product_ref(&hit.product), score: hit.score, words }
}

pub(super) fn product(product: Product) -> api::Product {
    let (brief, visible) = (product_ref(&product), product.visible());
    let status = match product.status {
        ProductStatus::Active => "active",
        ProductStatus::Unlisted => "unlisted",
        ProductStatus::Draft => "draft",
        ProductStatus::Archived => "archived",
    };
    api::Product {
        brief,
        brand: product.brand,
        category: product.category,
        tags: product.tags,
        description: product.description,
        images: product.images.into_iter().map(|image| image.url).collect(),
        status: status.into(),
        visible,
        variants: product.variants.into_iter().map(variant).collect(),
    }
}

fn variant(variant: Variant) -> api::Variant {
    let quantity = match variant.stock {
        Stock::Counted { quantity, .. } => Some(quantity),
        Stock::Untracked | Stock::Stated(_) => None,
    };
    api::Variant {
        key: variant.key,
        sku: variant.sku,
        options: variant.options.into_iter().map(|option| (option.name, option.value)).collect(),
        price: variant.price.map(price),
        compare_at: variant.compare_at.map(price),
        available: variant.stock.available(),
        quantity,
    }
}

pub(super) fn chat_answer(answer: ChatAnswer, elapsed_ms: u64) -> api::ChatAnswer {
    let evidence: Vec<_> = answer.evidence.products.iter().map(product_ref).collect();
    let named = |keys: Vec<ProductKey>| {
        let find = |key: ProductKey| evidence.iter().find(|product| product.product_id == key.0).cloned();
        keys.into_iter().filter_map(find).collect()
    };
    let reply = |reply: ChatReply| api::ChatReply { text: reply.text, products: named(reply.products) };
    api::ChatAnswer {
        replies: answer.replies.into_iter().map(reply).collect(),
        model: answer.model.unwrap_or_default(),
        usage: api::Usage {
            input_tokens: answer.used.input_tokens,
            output_tokens: answer.used.output_tokens,
            cost_usd: answer.used.cost.to_string(),
        },
        handoff: answer.handoff,
        elapsed_ms,
        evidence,
    }
}

/// The payload in the log is an object that Aura itself wrote; anything else shows as no fields.
pub(super) fn audit_line(step: Checked) -> api::AuditLine {
    let name = |of: &ChainOf| match of {
        ChainOf::Installation => "installation".to_owned(),
        ChainOf::Tenant(tenant) => tenant.slug.to_string(),
    };
    match step {
        Checked::Progress { of, entries } => api::AuditLine { chain: name(&of), entries, result: None },
        Checked::Chain(report) => {
            let fault = |fault: &Fault| api::AuditFault { seq: fault.seq(), what: fault.to_string() };
            let mut faults: Vec<_> = report.walked.faults.iter().map(fault).collect();
            if let Some(Conservation { lost: lost @ 1.., first_lost: Some(first), .. }) = report.conservation {
                let what = format!("{lost} accepted messages are lost: nobody would answer {first} or any of them");
                faults.push(api::AuditFault { seq: None, what });
            }
            let result = api::ChainResult {
                ok: faults.is_empty(),
                file: report.file,
                seq: report.walked.end.seq,
                hash: hex::encode(report.walked.end.hash),
                checkpoints: report.checkpoints as u64,
                faults,
                messages: report.conservation.map(|found| api::Messages {
                    accepted: found.accepted,
                    answered: found.answered,
                    handed_over: found.handed_over,
                    suppressed: found.suppressed,
                    pending: found.pending,
                    with_person: found.with_person,
                    lost: found.lost,
                }),
            };
            api::AuditLine { chain: name(&report.of), entries: report.walked.entries, result: Some(result) }
        }
    }
}

pub(super) fn checkpoint(note: Note) -> api::Checkpoint {
    api::Checkpoint {
        text: note.text,
        public_key: note.public_key,
        at: note.checkpoint.at.into(),
        entries: note.checkpoint.audit.seq,
        tenants: note.checkpoint.tenants.len() as u64,
    }
}

pub(super) fn event(view: EventView) -> api::Event {
    let EventView { tenant, event, text, who, named } = view;
    api::Event {
        tenant: tenant.slug.to_string(),
        tenant_id: tenant.id.to_string(),
        seq: event.seq,
        kind: event.kind,
        at: event.at.into(),
        actor: who.map_or(event.actor, |name| format!("staff:{name}")),
        correlation: event.correlation,
        fields: serde_json::from_str(&event.payload).unwrap_or_default(),
        names: named.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
        text,
    }
}

pub(super) fn notify_target(state: TargetState) -> api::NotifyTarget {
    let Target { name, via, shown, kinds, include_text, zone, quiet, created_at, .. } = state.target;
    api::NotifyTarget {
        name: name.to_string(),
        via: via.as_str().into(),
        address: shown,
        on: kinds.iter().map(ToString::to_string).collect(),
        include_text,
        time_zone: zone.to_string(),
        quiet: quiet.map(|quiet| quiet.to_string()),
        created_at: created_at.into(),
        waiting: state.waiting,
        next_at: state.due_at.map(Into::into),
        given_up: state.given_up,
        last: state.last.map(last_notification),
    }
}

fn last_notification(last: LastNotification) -> api::LastNotification {
    api::LastNotification {
        state: last.state.as_str().into(),
        attempts: last.attempts,
        created_at: last.created_at.into(),
        finished_at: last.finished_at.map(Into::into),
        error: last.error,
    }
}

pub(super) fn notify_target_added(added: AddedTarget) -> api::NotifyTargetAdded {
    let state = TargetState { target: added.target, waiting: 0, given_up: 0, due_at: None, last: None };
    api::NotifyTargetAdded { target: notify_target(state), signing_key: added.key.map(|key| key.to_string()) }
}

pub(super) fn models(report: ModelReport) -> api::Models {
    let ModelReport { settings, providers, local } = report;
    let local_model = |local: LocalModel| api::LocalModel {
        model: ModelRef::new(Providers::OLLAMA, local.name).to_string(),
        size_bytes: local.size,
        capabilities: local.capabilities,
    };
    api::Models {
        local: local.map(|found| found.into_iter().map(local_model).collect()),
        choices: settings.choices.iter().map(|(role, choice)| model_choice(*role, choice)).collect(),
        allowed: match &settings.allowed {
            Some(Allowed::Only(entries)) => entries.iter().map(ToString::to_string).collect(),
            Some(Allowed::All) | None => vec!["*".into()],
        },
        budget: budget(settings.budget),
        providers: providers.into_iter().map(|(name, ready)| api::Provider { name, ready }).collect(),
    }
}

pub(super) fn model_test(trial: Trial) -> api::ModelTest {
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let cost = trial.tried.iter().map(|tried| tried.cost).sum::<Option<PicoDollars>>();
    let probe = |tried: Tried| {
        let (result, reason) = match tried.outcome {
            TryOutcome::Able => ("able", None),
            TryOutcome::Unable(why) => ("unable", Some(why)),
            TryOutcome::Failed(why) => ("failed", Some(why)),
            TryOutcome::Skipped => ("skipped", None),
        };
        api::ModelProbe {
            skill: tried.skill.as_str().into(),
            result: result.into(),
            reason,
            first_token_ms: tried.timing.first_token.map(ms),
            total_ms: ms(tried.timing.total),
            input_tokens: tried.input_tokens,
            output_tokens: tried.output_tokens,
            cost_usd: tried.cost.map(|cost| cost.to_string()),
        }
    };
    let answers = trial.tried.iter().any(|tried| tried.skill == Skill::Text && tried.outcome == TryOutcome::Able);
    api::ModelTest {
        model: trial.model.to_string(),
        answers,
        probes: trial.tried.into_iter().map(probe).collect(),
        cost_usd: cost.map(|cost| cost.to_string()),
    }
}

pub(super) fn model_choice(role: ModelRole, choice: &ModelChoice) -> api::ModelChoice {
    api::ModelChoice {
        role: role.as_str().into(),
        model: choice.model.to_string(),
        fallbacks: choice.fallbacks.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn budget(budget: Budget) -> api::Budget {
    let shown = |limit: Option<PicoDollars>| limit.map(|limit| limit.to_string());
    api::Budget {
        day_usd: shown(budget.day),
        month_usd: shown(budget.month),
        conversation_usd: shown(budget.conversation),
    }
}

pub(super) fn prices(prices: &Prices) -> api::List<api::ModelPrice> {
    let items = prices.all().map(|(provider, price)| api::ModelPrice {
        model: format!("{provider}:{}", price.model),
        from: price.from.map(Into::into),
        input_usd: price.rates.input.per_million().to_string(),
        cached_usd: price.rates.cached.per_million().to_string(),
        output_usd: price.rates.output.per_million().to_string(),
        dearer_above_tokens: price.above.map(|(tokens, _)| tokens),
    });
    api::List { items: items.collect() }
}

/// Of a moment as it is shown, the date.
const DATE_CHARS: usize = 10;

pub(super) fn usage(usage: Usage) -> api::UsageReport {
    let row = |row: SpendRow| api::UsageRow {
        day: api::Time::from(row.day).to_string().chars().take(DATE_CHARS).collect(),
        role: row.role.as_str().into(),
        model: row.model,
        calls: row.calls,
        failures: row.failures,
        input_tokens: row.input_tokens,
        cached_tokens: row.cached_tokens,
        output_tokens: row.output_tokens,
        cost_usd: row.cost.to_string(),
        estimated_usd: row.estimated.to_string(),
    };
    api::UsageReport {
        today_usd: usage.spent.day.to_string(),
        month_usd: usage.spent.month.to_string(),
        reserved_usd: usage.spent.reserved.to_string(),
        rows: usage.rows.into_iter().map(row).collect(),
    }
}

pub(super) fn secret(secret: SecretInfo) -> api::Secret {
    api::Secret { name: secret.name.to_string(), fingerprint: secret.fingerprint.0, changed_at: secret.set_at.into() }
}

pub(super) fn status(status: Status, version: &str) -> api::Status {
    let (control, journal, tenant) = store::schema_versions();
    let damaged = status.tenants.iter().filter(|tenant| tenant.unreadable == Some(Unreadable::Damaged));
    api::Status {
        damaged_tenants: damaged.map(|tenant| tenant.tenant.slug.to_string()).collect(),
        version: version.into(),
        data_dir: status.data_dir,
        daemon: status.daemon,
        started_at: Some(status.started_at.into()),
        master_key: status.master_key,
        recovery_copy: status
            .recovery_copy
            .map(|kept| api::KeptCopy { written_at: kept.at.into(), current: kept.is_current }),
        last_backup: status.last_backup.map(last_backup),
        journal: api::Journal { backlog: status.journal_backlog },
        schemas: api::Versions { control, journal, tenant },
        ok: status.problems.iter().all(|problem| problem.weight == Weight::Note),
        problems: status.problems.into_iter().map(status_problem).collect(),
        disk_free_bytes: status.room.map(|room| room.free_bytes),
        tenants: status.tenants.into_iter().filter(|tenant| tenant.unreadable.is_none()).map(tenant_status).collect(),
    }
}

fn status_problem(problem: Problem) -> api::StatusProblem {
    let Problem { weight, tenant, code, what, hint } = problem;
    api::StatusProblem { weight: weight.as_str().into(), tenant, code: code.into(), what, hint }
}

pub(super) fn tenant_status(status: TenantStatus) -> api::TenantStatus {
    let budget = |span| status.models.budget.of(span).map(|limit| limit.to_string());
    let count = |state: OutboxState| status.counts.outbox.iter().filter(|row| row.0 == state).map(|row| row.1).sum();
    api::TenantStatus {
        slug: status.tenant.slug.to_string(),
        name: status.tenant.name,
        state: tenant_state(status.tenant.state).into(),
        mode: status.tenant.standing.reach.mode.as_str().into(),
        only_from: status.tenant.standing.reach.only_from.len() as u64,
        conversations: status.counts.conversations,
        with_person: status.counts.taken_over,
        waiting: status.counts.waiting,
        waiting_since: status.trouble.waiting_since.map(Into::into),
        drafts: status.counts.drafts,
        parked: status.counts.parked,
        labelled: status.counts.labelled,
        open_messages: status.counts.open_messages,
        received_today: status.accounts.iter().map(|account| account.traffic.received_lately).sum(),
        missing: status.accounts.iter().map(|account| account.traffic.recovered).sum(),
        turns_week: status.counts.lately.turns,
        handed_over_week: status.counts.lately.handed_over,
        products: status.products,
        model: status.models.chosen.to_string(),
        spent_today_usd: status.models.spent.day.to_string(),
        spent_month_usd: status.models.spent.month.to_string(),
        budget_day_usd: budget(BudgetSpan::Day),
        budget_month_usd: budget(BudgetSpan::Month),
        outbox: api::OutboxCounts {
            pending: count(OutboxState::Pending),
            sending: count(OutboxState::Sending),
            sent: count(OutboxState::Sent),
            unknown: count(OutboxState::Unknown),
            failed: count(OutboxState::Failed),
            cancelled: count(OutboxState::Cancelled),
            held: status.counts.held,
            drafts: status.counts.draft_rows,
        },
        accounts: status.accounts.into_iter().map(account_status).collect(),
    }
}

fn account_status(status: AccountStatus) -> api::AccountStatus {
    let account = account(status.account);
    api::AccountStatus {
        channel: account.channel,
        account_id: account.account_id,
        username: account.username,
        state: account.state,
        last_event_at: status.traffic.last_event_at.map(Into::into),
        received: status.traffic.received,
        received_today: status.traffic.received_lately,
        recovered: status.traffic.recovered,
    }
}
