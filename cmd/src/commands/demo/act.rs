//! Plays the script on the stage and compares what happens with what it expects.

use std::{io::IsTerminal, time::Duration};

use aura::{
    api::{ConversationDetail, Status},
    sim::Verdict,
};

use super::{
    check::{Checks, median, missing},
    screen::Row,
    script::{Ask, SCRIPT, SHOPPERS, Shopper, Step},
    shops::{SHOPS, Shop},
    stage::{Stage, Stuck, Thread},
};
use crate::failure::Failure;

/// How long people get to read; zero where nobody watches. Nothing is correct because of it.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    step: Duration,
    burst: Duration,
}

impl Pace {
    /// For people on a terminal, faster when they only want the outcome, or for nobody.
    pub fn new(json: bool, once: bool) -> Self {
        let watched = !json && std::io::stdout().is_terminal();
        let step = match (watched, once) {
            (false, _) => Duration::ZERO,
            (true, true) => Duration::from_millis(500),
            (true, false) => Duration::from_millis(1_100),
        };
        Self { step, burst: step / 5 }
    }
}

/// Plays the script.
pub struct Act<'a> {
    stage: &'a mut Stage,
    pace: Pace,
    checks: Checks,
    waits: Vec<(&'static Shop, i64)>,
    /// What the assistant had said to a shopper when a person took over.
    silent_since: Vec<(&'static Shopper, usize)>,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// One row a shop, and one for both.
    pub rows: Vec<Row>,
    /// Everything that was compared.
    pub checks: Checks,
}

const fn thread(who: &'static Shopper) -> Thread<'static> {
    Thread { shop: who.shop, shopper: who.name }
}

impl<'a> Act<'a> {
    /// Before the first step.
    pub fn new(stage: &'a mut Stage, pace: Pace) -> Self {
        Self { stage, pace, checks: Checks::default(), waits: Vec::new(), silent_since: Vec::new() }
    }

    /// Plays all steps. A step that does not end is a failed check, and the last one.
    pub async fn play(mut self) -> Result<Outcome, Failure> {
        for step in SCRIPT {
            self.stage.linger(self.pace.step).await?;
            let played = match step {
                Step::Asks(asks) => self.asks(asks).await,
                Step::Person(who, text) => self.person(who, text).await,
                Step::ToPerson(who, text) => self.asks_person(who, text).await,
                Step::Release(who) => self.release(who).await,
            };
            match played {
                Ok(()) => {}
                Err(Stuck::Late(what)) => {
                    self.checks.that("the script is played to its end", false, || what);
                    break;
                }
                Err(Stuck::Failed(failure)) => return Err(failure),
            }
        }
        let status = match self.stage.until_idle().await {
            Ok(status) => status,
            Err(Stuck::Late(what)) => {
                self.checks.that("everything comes to rest", false, || what);
                self.stage.client.status().await?
            }
            Err(Stuck::Failed(failure)) => return Err(failure),
        };
        self.finish(&status).await
    }

    /// Everybody writes; then each answer is awaited and compared.
    async fn asks(&mut self, asks: &'static [Ask]) -> Result<(), Stuck> {
        let before: Vec<usize> =
            asks.iter().map(|ask| thread(ask.who).replies(&self.stage.sim.world()).len()).collect();
        for (index, ask) in asks.iter().enumerate() {
            if index > 0 {
                self.stage.linger(self.pace.step).await?;
            }
            for (index, text) in ask.says.iter().enumerate() {
                if index > 0 {
                    self.stage.linger(self.pace.burst).await?;
                }
                self.stage.writes(thread(ask.who), text);
                self.stage.show()?;
            }
        }
        for (ask, before) in asks.iter().zip(before) {
            let thread = thread(ask.who);
            let what = format!("{thread} is answered");
            self.stage.until(&what, |world| thread.replies(world).len() > before).await?;
            let detail = self.stage.until_settled(thread).await?;
            self.compare(ask, before, &detail)?;
        }
        Ok(())
    }

    fn compare(&mut self, ask: &'static Ask, before: usize, detail: &ConversationDetail) -> Result<(), Failure> {
        let (thread, expects) = (thread(ask.who), &ask.expects);
        let world = self.stage.sim.world();
        let replies = thread.replies(&world);
        let new = replies.get(before..).unwrap_or_default();
        let reply = new.iter().filter_map(|seen| seen.text.as_deref()).collect::<Vec<_>>().join("\n");
        let question = ask.says.last().copied().unwrap_or_default();
        self.checks.none_wrong(format!("{thread}: answer to \"{question}\""), &missing(expects, &reply));
        if let (Some(first), Some(asked)) = (new.first(), asked_at(ask, &thread.seen(&world))) {
            self.waits.push((ask.who.shop, first.at.since_ms(asked)));
        }
        let outcome = detail.turns.last().and_then(|turn| turn.outcome.clone()).unwrap_or_default();
        self.checks.that(
            format!("{thread}: \"{question}\" is {}", expects.outcome),
            outcome == expects.outcome,
            || format!("it is {outcome}"),
        );
        if before == 0 {
            let tells = reply.to_lowercase().contains("assist");
            self.checks.that(format!("{thread}: the first answer says that an assistant writes"), tells, || {
                "it does not".into()
            });
        }
        if expects.outcome == "handed_over" {
            let asked = detail.conversation.takeover.as_ref().is_some_and(|takeover| takeover.cause == "asked");
            self.checks.that(format!("{thread}: a person has the conversation"), asked, || {
                format!("it is with the {}", detail.conversation.state)
            });
            if asked {
                let note = "handed over: a person is wanted, aura says nothing more";
                self.stage.screen.note(ask.who.shop, ask.who.name, note)?;
            }
        }
        Ok(())
    }

    async fn person(&mut self, who: &'static Shopper, text: &str) -> Result<(), Stuck> {
        let thread = thread(who);
        if !self.silent_since.iter().any(|(silent, _)| silent.name == who.name) {
            self.silent_since.push((who, thread.replies(&self.stage.sim.world()).len()));
        }
        self.stage.person_writes(thread, text).await
    }

    async fn asks_person(&mut self, who: &'static Shopper, text: &'static str) -> Result<(), Stuck> {
        self.stage.writes(thread(who), text);
        self.stage.show()?;
        self.stage.until_settled(thread(who)).await.map(drop)
    }

    async fn release(&mut self, who: &'static Shopper) -> Result<(), Stuck> {
        let thread = thread(who);
        let said = thread.replies(&self.stage.sim.world()).len();
        let before =
            self.silent_since.iter().find(|(silent, _)| silent.name == who.name).map_or(said, |(_, said)| *said);
        self.checks.that(format!("{thread}: aura is silent while a person answers"), said == before, || {
            format!("it said {} things", said - before)
        });
        self.stage.release(thread).await?;
        let state = self.stage.conversation(thread).await?.map(|conversation| conversation.state).unwrap_or_default();
        self.checks.that(format!("{thread}: aura has the conversation again"), state == "bot", || {
            format!("it is with the {state}")
        });
        let note = format!("{} gives the conversation back: aura conversation release", who.shop.person);
        Ok(self.stage.screen.note(who.shop, who.name, &note)?)
    }

    /// What has to be so when everything is at rest.
    async fn finish(mut self, status: &Status) -> Result<Outcome, Failure> {
        let mut rows = Vec::new();
        for shop in SHOPS {
            let Some(tenant) = status.tenants.iter().find(|tenant| tenant.slug == shop.slug) else { continue };
            let outbox = &tenant.outbox;
            let odd = outbox.pending + outbox.sending + outbox.unknown + outbox.failed + outbox.held;
            self.checks.that(format!("{}: everything that was to go out has arrived", shop.name), odd == 0, || {
                format!("{outbox:?}")
            });
            let (mut answered, mut handed_over) = (0, 0);
            for who in SHOPPERS.into_iter().filter(|who| who.shop == shop) {
                let (answers, hand_overs) = self.shopper(who).await?;
                answered += answers;
                handed_over += hand_overs;
            }
            let waits: Vec<i64> = self.waits.iter().filter(|(of, _)| *of == shop).map(|&(_, ms)| ms).collect();
            rows.push(Row {
                shop: shop.slug.into(),
                name: shop.name.into(),
                conversations: tenant.conversations,
                answered,
                handed_over,
                median_ms: median(&waits),
                products: tenant.products,
            });
        }
        let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum();
        let all = Row {
            shop: "all".into(),
            name: "both".into(),
            conversations: sum(|row| row.conversations),
            answered: sum(|row| row.answered),
            handed_over: sum(|row| row.handed_over),
            median_ms: median(&self.waits.iter().map(|&(_, ms)| ms).collect::<Vec<_>>()),
            products: sum(|row| row.products),
        };
        rows.push(all);
        self.instagram();
        Ok(Outcome { rows, checks: self.checks })
    }

    /// What one shopper saw, against what Aura has on record; answers and hand-overs.
    async fn shopper(&mut self, who: &'static Shopper) -> Result<(u64, u64), Failure> {
        let thread = thread(who);
        let replies = thread.replies(&self.stage.sim.world());
        self.checks.that(format!("{thread}: gets an answer"), !replies.is_empty(), || "got none".into());
        let Some(conversation) = self.stage.conversation(thread).await? else { return Ok((0, 0)) };
        let detail = self.stage.client.conversation(who.shop.slug, &conversation.id).await?;
        let sent = detail.outbox.iter().filter(|row| row.state == "sent").count();
        let mut texts: Vec<_> = replies.iter().map(|seen| seen.text.as_deref().unwrap_or_default()).collect();
        texts.sort_unstable();
        let seen = texts.len();
        texts.dedup();
        self.checks.that(format!("{thread}: no reply comes twice"), sent == seen && texts.len() == seen, || {
            format!("saw {seen} replies, {} different ones; {sent} were sent", texts.len())
        });
        let language = detail.conversation.language.as_deref().unwrap_or("none");
        self.checks.that(
            format!("{thread}: is understood to write {}", who.language),
            language == who.language,
            || format!("it is taken for {language}"),
        );
        let turns = |outcome: &str| detail.turns.iter().filter(|turn| turn.outcome.as_deref() == Some(outcome)).count();
        let (answered, handed_over) = (turns("answered"), turns("handed_over"));
        let asks = SCRIPT.iter().flat_map(|step| if let Step::Asks(asks) = step { *asks } else { &[] });
        let asks = asks.filter(|ask| ask.who.name == who.name).count();
        self.checks.that(
            format!("{thread}: one answer to each burst of messages"),
            answered + handed_over == asks,
            || format!("{} answers to {asks} bursts", answered + handed_over),
        );
        Ok((answered as u64, handed_over as u64))
    }

    /// The simulated Instagram's own view.
    fn instagram(&mut self) {
        let world = self.stage.sim.world();
        let refused = world.sends.iter().filter(|send| send.verdict != Verdict::Accepted).count();
        self.checks.that("Instagram takes every message", refused == 0, || format!("{refused} were refused"));
        let tagged = world.sends.iter().filter(|send| send.tag.is_some()).count();
        self.checks.that("no message carries a tag", tagged == 0, || format!("{tagged} do"));
        let failed = world.deliveries.iter().filter(|delivery| delivery.status != Some(200)).count();
        self.checks.that("every webhook is answered with 200 at once", failed == 0, || format!("{failed} were not"));
        let leaked = world.tokens_in_urls;
        self.checks.that("no token stands in an address", leaked == 0, || format!("{leaked} calls had one"));
    }
}

/// When the first message of the ask was written.
fn asked_at(ask: &Ask, seen: &[aura::sim::Seen]) -> Option<aura::domain::Timestamp> {
    let first = ask.says.first()?;
    seen.iter().rev().find(|message| message.text.as_deref() == Some(*first)).map(|message| message.at)
}
