//! What models cost: money set aside before a call, settled after it, and counted by day and model.
//!
//! Setting aside is one transaction of the file's one writer, so that calls made at the same time cannot pass a limit
//! together. A call that lost its caller to a crash counts with all that was set aside for it.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{
    Error, TenantStore, event,
    row::{parsed, parsed_opt},
};
use crate::domain::{
    CallId, ConversationId, Timestamp, TurnId,
    chat::ModelRef,
    cost::{Budget, BudgetSpan, PicoDollars},
    event::{EventKind, NewEvent},
    model::ModelRole,
    spend::{NewReservation, OverBudget, Reserved, Settlement, SpendRow, Spent, Used},
};

const DAY_MS: i64 = 86_400_000;
/// The outcome of a call that lost its caller.
const LOST: &str = "lost";

impl TenantStore {
    /// Sets aside what a call may cost at most, if every limit has so much left.
    ///
    /// # Errors
    /// [`Error::Conflict`] when something is set aside for this call already.
    pub async fn reserve_spend(&self, wanted: NewReservation, budget: Budget) -> Result<Reserved, Error> {
        self.write("set money aside for a model", move |tx| {
            count_lost(tx, wanted.now)?;
            reserve(tx, &wanted, &budget)
        })
        .await
    }

    /// Replaces what was set aside for a call by what it cost; `false` when nothing is set aside for it (any more).
    pub async fn settle_spend(&self, settlement: Settlement) -> Result<bool, Error> {
        self.write("settle what a model cost", move |tx| settle(tx, &settlement)).await
    }

    /// What was spent up to this moment.
    pub async fn spent(&self, now: Timestamp) -> Result<Spent, Error> {
        self.read("read what models cost", move |tx| spent(tx, now).map_err(Error::sql("read what models cost"))).await
    }

    /// What the calls of a conversation that ended since a moment used and cost.
    pub async fn spent_in(&self, conversation: ConversationId, since: Timestamp) -> Result<Used, Error> {
        const ACTION: &str = "read what an answer cost";
        const SQL: &str = "
            SELECT sum(payload ->> 'input_tokens') AS input, sum(payload ->> 'output_tokens') AS output,
                   sum(payload ->> 'cost_pico') AS cost
            FROM event
            WHERE at_ms >= :since AND kind = :kind AND payload ->> 'conversation' = :conversation";
        self.read(ACTION, move |tx| {
            let row = named_params! {
                ":since": since.0, ":kind": EventKind::ModelCalled.as_str(), ":conversation": conversation.to_string(),
            };
            let used = |row: &Row<'_>| {
                let figure = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<u64>>(column)?.unwrap_or_default());
                Ok(Used {
                    input_tokens: figure("input")?,
                    output_tokens: figure("output")?,
                    cost: PicoDollars::new(figure("cost")?),
                })
            };
            tx.prepare_cached(SQL).and_then(|mut select| select.query_row(row, used)).map_err(Error::sql(ACTION))
        })
        .await
    }

    /// What was spent from one moment's day to another's, by day, role and model, the newest day first.
    pub async fn spend_rows(&self, from: Timestamp, until: Timestamp) -> Result<Vec<SpendRow>, Error> {
        const SQL: &str = "
            SELECT * FROM spend WHERE day BETWEEN :from AND :until ORDER BY day DESC, cost_pico DESC, role, model";
        self.read("read what models cost", move |tx| {
            let list = || -> rusqlite::Result<Vec<SpendRow>> {
                tx.prepare_cached(SQL)?
                    .query_map(named_params! { ":from": day(from), ":until": day(until) }, spend_row)?
                    .collect()
            };
            list().map_err(Error::sql("read what models cost"))
        })
        .await
    }
}

const fn day(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY_MS)
}

fn pico(row: &Row<'_>, column: &str) -> rusqlite::Result<PicoDollars> {
    Ok(PicoDollars::new(row.get::<_, u64>(column)?))
}

const fn stored(amount: PicoDollars) -> i64 {
    amount.units().cast_signed()
}

fn spend_row(row: &Row<'_>) -> rusqlite::Result<SpendRow> {
    Ok(SpendRow {
        day: Timestamp(row.get::<_, i64>("day")? * DAY_MS),
        role: parsed(row, "role", ModelRole::parse)?,
        model: row.get("model")?,
        calls: row.get("calls")?,
        failures: row.get("failures")?,
        input_tokens: row.get("input_tokens")?,
        cached_tokens: row.get("cached_tokens")?,
        output_tokens: row.get("output_tokens")?,
        cost: pico(row, "cost_pico")?,
        estimated: pico(row, "estimated_pico")?,
        latency_ms: row.get("latency_ms")?,
    })
}

/// SQLite's integers hold 9.2 million dollars, and `sum` fails beyond them instead of being wrong.
fn sum(tx: &Transaction<'_>, sql: &str, named: &[(&str, &dyn rusqlite::ToSql)]) -> rusqlite::Result<PicoDollars> {
    tx.prepare_cached(sql)?.query_row(named, |row| Ok(PicoDollars::new(row.get::<_, Option<u64>>(0)?.unwrap_or(0))))
}

fn spent(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<Spent> {
    const TODAY: &str = "SELECT sum(cost_pico) FROM spend WHERE day = :today";
    const MONTH: &str = "
        SELECT sum(cost_pico) FROM spend
        WHERE day BETWEEN unixepoch(:today * 86400, 'unixepoch', 'start of month') / 86400 AND :today";
    const RESERVED: &str = "SELECT sum(amount_pico) FROM spend_reservation";
    let today = day(now);
    Ok(Spent {
        day: sum(tx, TODAY, named_params! { ":today": today })?,
        month: sum(tx, MONTH, named_params! { ":today": today })?,
        reserved: sum(tx, RESERVED, &[])?,
    })
}

/// What is spent or set aside in a conversation.
fn used_in(tx: &Transaction<'_>, conversation: ConversationId) -> rusqlite::Result<PicoDollars> {
    const SPENT: &str = "SELECT cost_pico FROM conversation WHERE id = :conversation";
    const RESERVED: &str = "SELECT sum(amount_pico) FROM spend_reservation WHERE conversation_id = :conversation";
    let id = conversation.to_string();
    let spent = tx
        .prepare_cached(SPENT)?
        .query_row(named_params! { ":conversation": id }, |row| pico(row, "cost_pico"))
        .optional()?;
    Ok(spent.unwrap_or_default() + sum(tx, RESERVED, named_params! { ":conversation": id })?)
}

/// What is spent or set aside in a turn. A conversation has one at a time, and remembers what its newest one cost.
fn used_in_turn(tx: &Transaction<'_>, turn: TurnId) -> rusqlite::Result<PicoDollars> {
    const SPENT: &str = "SELECT sum(turn_cost_pico) FROM conversation WHERE cost_turn_id = :turn";
    const RESERVED: &str = "SELECT sum(amount_pico) FROM spend_reservation WHERE turn_id = :turn";
    let turn = turn.to_string();
    Ok(sum(tx, SPENT, named_params! { ":turn": turn })? + sum(tx, RESERVED, named_params! { ":turn": turn })?)
}

fn reserve(tx: &Transaction<'_>, wanted: &NewReservation, budget: &Budget) -> Result<Reserved, Error> {
    const ACTION: &str = "set money aside for a model";
    const INSERT: &str = "
        INSERT INTO spend_reservation
            (id, conversation_id, turn_id, correlation, role, model, amount_pico, reserved_at_ms, expires_at_ms)
        VALUES (:id, :conversation, :turn, :correlation, :role, :model, :amount, :now, :expires)
        ON CONFLICT (id) DO NOTHING";
    let limited = || -> rusqlite::Result<Option<OverBudget>> {
        // First what ends a loop, then what a tenant may spend at all.
        if let (Some(limit), Some(turn)) = (budget.turn, wanted.turn) {
            let used = used_in_turn(tx, turn)?;
            if used + wanted.amount > limit {
                return Ok(Some(OverBudget { span: BudgetSpan::Turn, limit, used, wanted: wanted.amount }));
            }
        }
        if budget.is_open() {
            return Ok(None);
        }
        let spent = spent(tx, wanted.now)?;
        for span in BudgetSpan::OF_TENANTS {
            let Some(limit) = budget.of(span) else { continue };
            let used = match (span, wanted.conversation) {
                (BudgetSpan::Day, _) => spent.day + spent.reserved,
                (BudgetSpan::Month, _) => spent.month + spent.reserved,
                (BudgetSpan::Conversation, Some(conversation)) => used_in(tx, conversation)?,
                (BudgetSpan::Conversation, None) | (BudgetSpan::Turn, _) => continue,
            };
            if used + wanted.amount > limit {
                return Ok(Some(OverBudget { span, limit, used, wanted: wanted.amount }));
            }
        }
        Ok(None)
    };
    if let Some(over) = limited().map_err(Error::sql(ACTION))? {
        return Ok(Reserved::OverBudget(over));
    }
    let insert = || -> rusqlite::Result<usize> {
        tx.prepare_cached(INSERT)?.execute(named_params! {
            ":id": wanted.call.to_string(), ":conversation": wanted.conversation.map(|id| id.to_string()),
            ":turn": wanted.turn.map(|id| id.to_string()), ":correlation": wanted.correlation, ":role": wanted.role.as_str(),
            ":model": wanted.model.to_string(), ":amount": stored(wanted.amount), ":now": wanted.now.0,
            ":expires": wanted.expires_at.0,
        })
    };
    match insert().map_err(Error::sql(ACTION))? {
        0 => Err(Error::Conflict("money is set aside for this call already".into())),
        _ => Ok(Reserved::Held),
    }
}

/// What was set aside for one call.
struct Reservation {
    call: String,
    conversation: Option<ConversationId>,
    turn: Option<TurnId>,
    correlation: Option<String>,
    role: ModelRole,
    model: String,
    amount: PicoDollars,
    reserved_at: Timestamp,
}

fn reservation(row: &Row<'_>) -> rusqlite::Result<Reservation> {
    Ok(Reservation {
        call: row.get("id")?,
        conversation: parsed_opt(row, "conversation_id", |text| text.parse().ok())?,
        turn: parsed_opt(row, "turn_id", |text| text.parse().ok())?,
        correlation: row.get("correlation")?,
        role: parsed(row, "role", ModelRole::parse)?,
        model: row.get("model")?,
        amount: pico(row, "amount_pico")?,
        reserved_at: Timestamp(row.get("reserved_at_ms")?),
    })
}

fn settle(tx: &Transaction<'_>, settlement: &Settlement) -> Result<bool, Error> {
    const TAKE: &str = "DELETE FROM spend_reservation WHERE id = :id RETURNING *";
    let taken = tx
        .prepare_cached(TAKE)
        .and_then(|mut take| {
            take.query_row(named_params! { ":id": settlement.call.to_string() }, reservation).optional()
        })
        .map_err(Error::sql("settle what a model cost"))?;
    let Some(reserved) = taken else { return Ok(false) };
    let served = settlement.served.as_ref().map_or_else(|| reserved.model.clone(), ModelRef::to_string);
    count(tx, &reserved, &served, settlement)?;
    Ok(true)
}

/// Counts what has lost its caller with all that was set aside for it.
fn count_lost(tx: &Transaction<'_>, now: Timestamp) -> Result<(), Error> {
    const TAKE: &str = "DELETE FROM spend_reservation WHERE expires_at_ms <= :now RETURNING *";
    let take = || -> rusqlite::Result<Vec<Reservation>> {
        tx.prepare_cached(TAKE)?.query_map(named_params! { ":now": now.0 }, reservation)?.collect()
    };
    for lost in take().map_err(Error::sql("count a model call that was lost"))? {
        let Ok(call) = lost.call.parse::<CallId>() else {
            return Err(Error::Unreadable { what: "the id of a model call", value: lost.call });
        };
        let settlement = Settlement {
            call,
            served: None,
            cost: lost.amount,
            estimated: true,
            input_tokens: 0,
            cached_tokens: 0,
            output_tokens: 0,
            outcome: LOST,
            latency_ms: 0,
            first_token_ms: None,
            // The day on which it was made.
            now: lost.reserved_at,
        };
        let model = lost.model.clone();
        count(tx, &lost, &model, &settlement)?;
    }
    Ok(())
}

fn count(tx: &Transaction<'_>, reserved: &Reservation, served: &str, settled: &Settlement) -> Result<(), Error> {
    const COUNT: &str = "
        INSERT INTO spend (day, role, model, calls, failures, input_tokens, cached_tokens, output_tokens,
                           cost_pico, estimated_pico, latency_ms)
        VALUES (:day, :role, :model, 1, :failures, :input, :cached, :output, :cost, :estimated, :latency)
        ON CONFLICT (day, role, model) DO UPDATE SET
            calls = calls + 1, failures = failures + excluded.failures,
            input_tokens = input_tokens + excluded.input_tokens,
            cached_tokens = cached_tokens + excluded.cached_tokens,
            output_tokens = output_tokens + excluded.output_tokens,
            cost_pico = cost_pico + excluded.cost_pico, estimated_pico = estimated_pico + excluded.estimated_pico,
            latency_ms = latency_ms + excluded.latency_ms";
    const CONVERSATION: &str = "UPDATE conversation SET cost_pico = cost_pico + :cost WHERE id = :conversation";
    const TURN: &str = "
        UPDATE conversation SET turn_cost_pico = :cost + CASE WHEN cost_turn_id = :turn THEN turn_cost_pico ELSE 0 END,
            cost_turn_id = :turn
        WHERE id = :conversation AND (cost_turn_id IS NULL OR cost_turn_id <= :turn)";
    let cost = stored(settled.cost);
    let estimated = if settled.estimated { cost } else { 0 };
    let write = || -> rusqlite::Result<()> {
        tx.prepare_cached(COUNT)?.execute(named_params! {
            ":day": day(settled.now), ":role": reserved.role.as_str(), ":model": served,
            ":failures": settled.outcome != Settlement::OK, ":input": settled.input_tokens,
            ":cached": settled.cached_tokens, ":output": settled.output_tokens, ":cost": cost,
            ":estimated": estimated, ":latency": settled.latency_ms,
        })?;
        if let Some(conversation) = reserved.conversation {
            tx.prepare_cached(CONVERSATION)?
                .execute(named_params! { ":cost": cost, ":conversation": conversation.to_string() })?;
            if let Some(turn) = reserved.turn {
                tx.prepare_cached(TURN)?.execute(named_params! {
                    ":cost": cost, ":turn": turn.to_string(), ":conversation": conversation.to_string(),
                })?;
            }
        }
        Ok(())
    };
    write().map_err(Error::sql("count what a model cost"))?;
    let number = |figure: u64| i64::try_from(figure).unwrap_or(i64::MAX);
    let mut told = NewEvent::new(EventKind::ModelCalled, "bot")
        .id("call", &reserved.call)
        .id("model", served)
        .word("role", reserved.role.as_str())
        .word("outcome", settled.outcome)
        .number("input_tokens", number(settled.input_tokens))
        .number("cached_tokens", number(settled.cached_tokens))
        .number("output_tokens", number(settled.output_tokens))
        .number("cost_pico", cost)
        .flag("estimated", settled.estimated)
        .number("latency_ms", number(settled.latency_ms));
    if let Some(conversation) = reserved.conversation {
        told = told.id("conversation", conversation);
    }
    if let Some(turn) = reserved.turn {
        told = told.id("turn", turn);
    }
    if let Some(first_token) = settled.first_token_ms {
        told = told.number("first_token_ms", number(first_token));
    }
    told.correlation.clone_from(&reserved.correlation);
    event::append(tx, settled.now, &told).map(drop)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{domain::event::Wanted, store::life_tests::Shop};

    /// 2026-11-21, 00:00 UTC.
    const TODAY: i64 = 1_795_219_200_000;

    fn dollars(text: &str) -> PicoDollars {
        PicoDollars::parse(text).expect(text)
    }

    fn gemini() -> ModelRef {
        ModelRef::new("gemini", "flash")
    }

    fn call(number: u128) -> CallId {
        CallId(Uuid::from_u128(number))
    }

    fn wanted(number: u128, amount: &str, at: i64) -> NewReservation {
        NewReservation {
            call: call(number),
            conversation: None,
            turn: None,
            correlation: Some("req_1".into()),
            role: ModelRole::Chat,
            model: gemini(),
            amount: dollars(amount),
            now: Timestamp(at),
            expires_at: Timestamp(at + 60_000),
        }
    }

    fn settlement(number: u128, cost: &str, at: i64) -> Settlement {
        Settlement {
            call: call(number),
            served: None,
            cost: dollars(cost),
            estimated: false,
            input_tokens: 900,
            cached_tokens: 512,
            output_tokens: 160,
            outcome: Settlement::OK,
            latency_ms: 700,
            first_token_ms: Some(30),
            now: Timestamp(at),
        }
    }

    fn budget(day: Option<&str>, month: Option<&str>, conversation: Option<&str>) -> Budget {
        Budget { day: day.map(dollars), month: month.map(dollars), conversation: conversation.map(dollars), turn: None }
    }

    impl Shop {
        async fn reserve(&self, wanted: NewReservation, budget: Budget) -> Reserved {
            self.store.reserve_spend(wanted, budget).await.expect("written")
        }

        async fn spent(&self, at: i64) -> (String, String, String) {
            let spent = self.store.spent(Timestamp(at)).await.expect("read");
            (spent.day.to_string(), spent.month.to_string(), spent.reserved.to_string())
        }
    }

    fn texts(spent: (&str, &str, &str)) -> (String, String, String) {
        (spent.0.to_owned(), spent.1.to_owned(), spent.2.to_owned())
    }

    #[tokio::test]
    async fn what_is_set_aside_counts_until_the_true_cost_takes_its_place() {
        let shop = Shop::open();
        let limit = budget(Some("1"), None, None);
        assert_eq!(shop.reserve(wanted(1, "0.6", TODAY), limit).await, Reserved::Held);
        let refused =
            OverBudget { span: BudgetSpan::Day, limit: dollars("1"), used: dollars("0.6"), wanted: dollars("0.5") };
        assert_eq!(shop.reserve(wanted(2, "0.5", TODAY), limit).await, Reserved::OverBudget(refused));
        assert!(shop.store.settle_spend(settlement(1, "0.1", TODAY + 1)).await.expect("settled"));
        assert!(!shop.store.settle_spend(settlement(1, "0.1", TODAY + 1)).await.expect("nothing is left to settle"));
        assert_eq!(shop.spent(TODAY + 2).await, texts(("0.1", "0.1", "0")));
        assert_eq!(shop.reserve(wanted(2, "0.5", TODAY + 2), limit).await, Reserved::Held);
    }

    #[tokio::test]
    async fn a_turn_has_a_ceiling_of_its_own_which_is_no_budget() {
        let shop = Shop::open();
        shop.writes(TODAY, "m1", "hi").await;
        let conversation = shop.conversation().await;
        let limit = Budget { turn: Some(dollars("1")), ..Budget::default() };
        assert!(limit.is_open());
        let turn = |number: u128| Some(TurnId(Uuid::from_u128(number)));
        let of = |number, of, amount| NewReservation {
            conversation: Some(conversation),
            turn: turn(of),
            ..wanted(number, amount, TODAY)
        };
        assert_eq!(shop.reserve(of(1, 7, "0.9"), limit).await, Reserved::Held);
        let refused =
            OverBudget { span: BudgetSpan::Turn, limit: dollars("1"), used: dollars("0.9"), wanted: dollars("0.2") };
        assert_eq!(shop.reserve(of(2, 7, "0.2"), limit).await, Reserved::OverBudget(refused));
        assert!(shop.store.settle_spend(settlement(1, "0.5", TODAY)).await.expect("settled"));
        assert_eq!(shop.reserve(of(3, 7, "0.4"), limit).await, Reserved::Held);
        assert!(shop.store.settle_spend(settlement(3, "0.4", TODAY)).await.expect("settled"));
        let over = shop.reserve(of(4, 7, "0.2"), limit).await;
        assert!(matches!(over, Reserved::OverBudget(over) if over.used == dollars("0.9")), "{over:?}");
        assert_eq!(shop.reserve(of(5, 8, "1"), limit).await, Reserved::Held, "another turn");
        assert_eq!(shop.reserve(wanted(6, "9", TODAY), limit).await, Reserved::Held, "no turn");
    }

    #[tokio::test]
    async fn days_and_months_begin_anew_in_utc() {
        let shop = Shop::open();
        let at = |days: i64| TODAY + days * DAY_MS;
        for (number, day) in [(1, -21), (2, -20), (3, 0)] {
            shop.reserve(wanted(number, "1", at(day)), Budget::default()).await;
            assert!(shop.store.settle_spend(settlement(number, "1", at(day))).await.expect("settled"));
        }
        assert_eq!(shop.spent(at(0)).await, texts(("1", "2", "0")), "the 31st of October is another month");
        let limit = budget(None, Some("2.5"), None);
        assert!(
            matches!(shop.reserve(wanted(4, "1", at(0)), limit).await, Reserved::OverBudget(over) if over.span == BudgetSpan::Month)
        );
        assert_eq!(shop.reserve(wanted(4, "1", at(10)), limit).await, Reserved::Held, "December has begun");
    }

    #[tokio::test]
    async fn a_conversation_has_a_limit_of_its_own() {
        let shop = Shop::open();
        shop.writes(TODAY, "m1", "hello").await;
        let conversation = Some(shop.conversation().await);
        let limit = budget(None, None, Some("0.3"));
        let here = |number| NewReservation { conversation, ..wanted(number, "0.2", TODAY) };
        assert_eq!(shop.reserve(here(1), limit).await, Reserved::Held);
        assert!(
            matches!(shop.reserve(here(2), limit).await, Reserved::OverBudget(over) if over.span == BudgetSpan::Conversation)
        );
        assert_eq!(shop.reserve(wanted(3, "9", TODAY), limit).await, Reserved::Held, "no conversation, no limit");
        assert!(shop.store.settle_spend(settlement(1, "0.2", TODAY)).await.expect("settled"));
        assert!(matches!(shop.reserve(here(2), limit).await, Reserved::OverBudget(_)), "what it cost stays");
    }

    #[tokio::test]
    async fn a_call_that_lost_its_caller_counts_in_full_on_the_day_it_was_made() {
        let shop = Shop::open();
        shop.reserve(wanted(1, "0.7", TODAY - 1), Budget::default()).await;
        assert_eq!(shop.spent(TODAY).await, texts(("0", "0", "0.7")));
        shop.reserve(wanted(2, "0.1", TODAY + 60_000), Budget::default()).await;
        assert_eq!(shop.spent(TODAY + 60_000).await, texts(("0", "0.7", "0.1")));
        let rows = shop.store.spend_rows(Timestamp(TODAY - DAY_MS), Timestamp(TODAY)).await.expect("read");
        assert_eq!((rows.len(), rows[0].failures, rows[0].estimated), (1, 1, dollars("0.7")));
        assert!(!shop.store.settle_spend(settlement(1, "0.1", TODAY)).await.expect("it comes too late"));
    }

    #[tokio::test]
    async fn calls_made_at_once_never_pass_a_limit_together() {
        let shop = Shop::open();
        let limit = budget(Some("0.5"), None, None);
        let calls = (0..200).map(|number| shop.store.reserve_spend(wanted(number, "0.01", TODAY), limit));
        let held = futures_util::future::join_all(calls).await;
        let held = held.into_iter().filter(|reserved| matches!(reserved, Ok(Reserved::Held))).count();
        assert_eq!(held, 50);
    }

    #[tokio::test]
    async fn rows_tell_what_each_model_did_and_events_tell_each_call() {
        let shop = Shop::open();
        for number in [1, 2] {
            shop.reserve(wanted(number, "1", TODAY), Budget::default()).await;
        }
        let other = Some(ModelRef::new("gemini", "flash-002"));
        shop.store.settle_spend(settlement(1, "0.25", TODAY)).await.expect("settled");
        let failed = Settlement { outcome: "overloaded", served: other, ..settlement(2, "0", TODAY) };
        shop.store.settle_spend(failed).await.expect("settled");
        let rows = shop.store.spend_rows(Timestamp(TODAY), Timestamp(TODAY)).await.expect("read");
        let told: Vec<_> = rows.iter().map(|row| (row.model.as_str(), row.calls, row.failures, row.cost)).collect();
        assert_eq!(told, [("gemini:flash", 1, 0, dollars("0.25")), ("gemini:flash-002", 1, 1, PicoDollars::ZERO)]);
        assert_eq!((rows[0].input_tokens, rows[0].cached_tokens, rows[0].output_tokens), (900, 512, 160));
        let wanted = Wanted { kinds: vec![EventKind::ModelCalled], ..Wanted::default() };
        let events = shop.store.events_after(0, wanted, 10).await.expect("read").events;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].correlation.as_deref(), Some("req_1"));
        assert!(events[0].payload.contains("250000000000"), "{}", events[0].payload);
    }
}
