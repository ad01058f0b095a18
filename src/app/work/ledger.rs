//! Deficit round robin: how much of the workers' time each tenant may still take before the others have had theirs.
//!
//! A turn costs a quantum when it begins, because nobody knows better yet, and the difference to its real time when it
//! ends. Who is in debt sits out rounds until it is paid, wherever it was meanwhile. Knows no queue and reads no clock.

use std::{collections::HashMap, time::Duration};

use crate::domain::TenantId;

/// What a tenant is given in each round: about a turn of the built-in composer on a busy machine.
const QUANTUM_US: i64 = 20_000;
/// A turn never costs more: one that hung must not shut a shop out for minutes.
const COST_MAX_US: i64 = 30_000_000;
/// Accounts that are even are looked for every so many rounds.
const TIDY_ROUNDS: u64 = 64;

/// The accounts. Who has none is even: a quantum in hand, as at the beginning of a round.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    round: u64,
    tidied: u64,
    accounts: HashMap<TenantId, Account>,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    credit_us: i64,
    /// The round up to which quanta have been given.
    round: u64,
}

impl Account {
    fn at(self, round: u64) -> Self {
        let given = i64::try_from(round - self.round).unwrap_or(i64::MAX).saturating_mul(QUANTUM_US);
        // Nothing is saved up: who asks for nothing for a while has no claim to a flood afterwards.
        Self { credit_us: self.credit_us.saturating_add(given).min(QUANTUM_US), round }
    }
}

impl Ledger {
    fn account(&self, tenant: TenantId) -> Account {
        let even = Account { credit_us: QUANTUM_US, round: self.round };
        self.accounts.get(&tenant).map_or(even, |account| account.at(self.round))
    }

    fn charge(&mut self, tenant: TenantId, cost_us: i64) {
        let account = self.account(tenant);
        self.accounts.insert(tenant, Account { credit_us: account.credit_us.saturating_sub(cost_us), ..account });
    }

    /// Rounds that the tenant has to sit out; 0: its turn may begin.
    pub(super) fn rounds_short(&self, tenant: TenantId) -> u64 {
        let credit_us = self.account(tenant).credit_us;
        if credit_us > 0 { 0 } else { credit_us.unsigned_abs() / QUANTUM_US.unsigned_abs() + 1 }
    }

    /// A turn begins.
    pub(super) fn begin(&mut self, tenant: TenantId) {
        self.charge(tenant, QUANTUM_US);
    }

    /// A turn has ended and took so long.
    pub(super) fn end(&mut self, tenant: TenantId, took: Duration) {
        let cost_us = i64::try_from(took.as_micros()).unwrap_or(i64::MAX).min(COST_MAX_US);
        self.charge(tenant, cost_us - QUANTUM_US);
    }

    /// Everyone has had a turn or sat out: so many rounds go by.
    pub(super) fn pass(&mut self, rounds: u64) {
        self.round += rounds;
        if self.round - self.tidied >= TIDY_ROUNDS {
            self.tidied = self.round;
            let round = self.round;
            self.accounts.retain(|_, account| account.at(round).credit_us < QUANTUM_US);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    fn took(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_long_turn_is_sat_out_and_a_debt_survives_an_absence() {
        let mut ledger = Ledger::default();
        ledger.begin(tenant(1));
        assert_eq!(ledger.rounds_short(tenant(1)), 1, "one turn a round while nobody knows what it costs");
        ledger.end(tenant(1), took(100));
        assert_eq!(ledger.rounds_short(tenant(1)), 5);
        assert_eq!(ledger.rounds_short(tenant(2)), 0);
        ledger.pass(4);
        assert_eq!(ledger.rounds_short(tenant(1)), 1);
        ledger.pass(TIDY_ROUNDS);
        assert!(ledger.accounts.is_empty(), "who is even needs no account");
    }

    #[test]
    fn a_short_turn_gives_the_rest_back_and_nothing_is_saved_up() {
        let mut ledger = Ledger::default();
        ledger.begin(tenant(1));
        ledger.end(tenant(1), took(5));
        assert_eq!(ledger.rounds_short(tenant(1)), 0);
        ledger.pass(10);
        ledger.begin(tenant(1));
        assert_eq!(ledger.rounds_short(tenant(1)), 1);
    }

    #[test]
    fn a_turn_that_hung_for_an_hour_costs_half_a_minute() {
        let mut ledger = Ledger::default();
        ledger.begin(tenant(1));
        ledger.end(tenant(1), took(3_600_000));
        assert_eq!(ledger.rounds_short(tenant(1)), 1_500);
    }
}
