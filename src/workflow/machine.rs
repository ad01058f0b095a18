//! The step machine: a state and a result in, the next effect out. Pure, so a replay of results repeats a run.

use serde::{Deserialize, Serialize};

use super::{
    definition::{StepName, Workflow},
    effect::{Effect, EffectResult},
    error::RunError,
    nodes::{Entered, Step},
    vocabulary::Variables,
};
use crate::domain::turn::TurnOutcome;

/// Effects in one run. The default workflow needs at most 9, and one for each time that tools are called; a tenant's own may loop, but not for ever.
pub const EFFECTS_MAX: u32 = 64;

/// Where a run stands. Belongs to the workflow that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    step: StepName,
    effects: u32,
    draft: Draft,
    pub(super) variables: Variables,
    /// What the guard had against the last draft.
    pub(super) refused: Vec<String>,
    guard_refusals: u32,
}

/// What is known of the draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Draft {
    None,
    Unchecked,
    Passed,
}

impl State {
    /// How many drafts the guard has refused.
    #[must_use]
    pub const fn guard_refusals(&self) -> u32 {
        self.guard_refusals
    }

    /// The step that waits for its effect's result, or that ended the run.
    #[must_use]
    pub const fn step(&self) -> &StepName {
        &self.step
    }
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The driver performs this and resumes with its result.
    Perform(Effect),
    /// The run is over.
    Finish(Ending),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What became of the turn.
    pub outcome: TurnOutcome,
    /// Whether the last draft passed the guard and goes out. A hand-over adds its notice after it.
    pub with_draft: bool,
}

/// Begins a run.
pub fn start(workflow: &Workflow) -> Result<(State, Next), RunError> {
    let state = State {
        step: workflow.start().clone(),
        effects: 0,
        draft: Draft::None,
        variables: Variables::default(),
        refused: Vec::new(),
        guard_refusals: 0,
    };
    advance(workflow, state)
}

/// Goes on with the result of the effect that the state waits for.
pub fn resume(workflow: &Workflow, mut state: State, result: &EffectResult) -> Result<(State, Next), RunError> {
    let step = workflow.step(&state.step).ok_or_else(|| RunError::NoStep(state.step.to_string()))?;
    let next = match (step, result) {
        (Step::Understand(node), EffectResult::Understand(it)) => node.next(it, &mut state.variables),
        (Step::Retrieve(node), EffectResult::Retrieve(it)) => node.next(it, &mut state.variables),
        (Step::Compose(node), EffectResult::Compose(written)) => {
            state.variables.write(written.hands_over);
            state.draft = Draft::Unchecked;
            &node.next
        }
        // Nothing is written yet: the same step goes on with what the tools gave.
        (Step::Compose(_), EffectResult::Consult(_)) => return advance(workflow, state),
        (Step::Cards(node), EffectResult::Cards(_)) => {
            state.variables.write(false);
            state.draft = Draft::Unchecked;
            &node.next
        }
        (Step::Guard(node), EffectResult::Guard(violations)) => {
            state.take_verdict(violations);
            node.next(violations)
        }
        (
            Step::Understand(_)
            | Step::Retrieve(_)
            | Step::Compose(_)
            | Step::Cards(_)
            | Step::Guard(_)
            | Step::Switch(_)
            | Step::Reply(_)
            | Step::HandOver(_)
            | Step::Suppress(_)
            | Step::Park(_),
            got,
        ) => return Err(RunError::Unexpected { step: state.step.to_string(), got: got.kind() }),
    };
    state.step = next.clone();
    advance(workflow, state)
}

impl State {
    fn take_verdict(&mut self, violations: &[String]) {
        self.refused = violations.to_vec();
        self.draft = if violations.is_empty() { Draft::Passed } else { Draft::None };
        self.guard_refusals += u32::from(!violations.is_empty());
    }
}

/// Walks through steps that need nothing from outside, up to the next effect or the end.
fn advance(workflow: &Workflow, mut state: State) -> Result<(State, Next), RunError> {
    loop {
        let step = workflow.step(&state.step).ok_or_else(|| RunError::NoStep(state.step.to_string()))?;
        match step.enter(&state) {
            // The check of the definition refuses cycles of switches, so this loop ends.
            Entered::Goto(next) => state.step = next.clone(),
            Entered::Perform(_) if state.effects >= EFFECTS_MAX => return Err(RunError::TooLong { max: EFFECTS_MAX }),
            Entered::Perform(effect) => {
                state.effects += 1;
                return Ok((state, Next::Perform(effect)));
            }
            Entered::Finish(outcome) => {
                let with_draft = state.draft == Draft::Passed && !matches!(outcome, TurnOutcome::Suppressed(_));
                return Ok((state, Next::Finish(Ending { outcome, with_draft })));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{
            Language,
            turn::{HandOverReason, SuppressReason},
        },
        workflow::{Ask, Asked, Consulted, Intent, Retrieved, Understanding, Wants, Written},
    };

    fn understanding(intent: Intent) -> Understanding {
        Understanding {
            language: Language::En,
            language_certain: true,
            intent,
            ask: Ask::Search,
            explicit: true,
            greets: false,
            search: String::new(),
            content: Vec::new(),
            reference: None,
            wants: Wants::default(),
            beside: None,
            repeated: false,
            closing: None,
            asked: Asked::First,
            label: None,
            written_in: None,
            escalates: false,
            told: Vec::new(),
        }
    }

    fn written() -> Written {
        Written {
            by: Written::BUILTIN.into(),
            messages: vec!["Hello".into()],
            products: Vec::new(),
            citations: Vec::new(),
            hands_over: false,
            in_another_language: false,
        }
    }

    /// Answers effects from a script of choices; the guard refuses as often as told.
    struct Driver {
        understanding: Understanding,
        retrieved: Retrieved,
        refusals: u32,
    }

    impl Driver {
        fn perform(&mut self, effect: &Effect) -> EffectResult {
            match effect {
                Effect::Understand => EffectResult::Understand(self.understanding.clone()),
                Effect::Retrieve { .. } => EffectResult::Retrieve(self.retrieved.clone()),
                Effect::Compose { .. } => EffectResult::Compose(written()),
                Effect::Cards => EffectResult::Cards(written()),
                Effect::Guard if self.refusals > 0 => {
                    self.refusals -= 1;
                    EffectResult::Guard(vec!["a price from nowhere".into()])
                }
                Effect::Guard => EffectResult::Guard(Vec::new()),
            }
        }
    }

    /// Runs to the end: every effect with its result, and the end.
    fn run(driver: &mut Driver) -> (Vec<(Effect, EffectResult)>, State, Ending) {
        let workflow = Workflow::built_in();
        let (mut state, mut next) = start(workflow).expect("a valid workflow starts");
        let mut done = Vec::new();
        loop {
            match next {
                Next::Finish(ending) => return (done, state, ending),
                Next::Perform(effect) => {
                    let result = driver.perform(&effect);
                    (state, next) = resume(workflow, state, &result).expect("the result fits");
                    done.push((effect, result));
                }
            }
        }
    }

    fn kinds(intent: Intent, refusals: u32) -> (String, Ending) {
        let retrieved = Retrieved { hits: vec!["shirt".into()], ..Retrieved::default() };
        let (done, _, ending) = run(&mut Driver { understanding: understanding(intent), retrieved, refusals });
        (done.iter().map(|(_, result)| result.kind()).collect::<Vec<_>>().join(" "), ending)
    }

    #[test]
    fn a_product_question_is_looked_up_written_and_guarded() {
        let (effects, ending) = kinds(Intent::Product, 0);
        assert_eq!(effects, "understand retrieve compose guard");
        assert_eq!(ending, Ending { outcome: TurnOutcome::Answered, with_draft: true });
    }

    #[test]
    fn a_refused_draft_is_repaired_then_replaced_by_cards_then_given_up() {
        let (effects, ending) = kinds(Intent::Product, 1);
        assert_eq!(effects, "understand retrieve compose guard retrieve compose guard");
        assert!(ending.with_draft);
        let (effects, ending) = kinds(Intent::Product, 2);
        assert_eq!(effects, "understand retrieve compose guard retrieve compose guard cards guard");
        assert!(ending.with_draft);
        let (_, ending) = kinds(Intent::Product, 3);
        let given_up = TurnOutcome::HandedOver(HandOverReason::Guard);
        assert_eq!(ending, Ending { outcome: given_up, with_draft: false });
    }

    #[test]
    fn a_draft_that_calls_tools_first_is_asked_for_again_and_not_for_ever() {
        let workflow = Workflow::built_in();
        let consulted = Consulted { by: "x:y".into(), said: Vec::new(), gave: Vec::new() };
        let (mut state, mut next) = start(workflow).expect("a valid workflow starts");
        let mut driver = Driver {
            understanding: understanding(Intent::Product),
            retrieved: Retrieved { hits: vec!["shirt".into()], ..Retrieved::default() },
            refusals: 0,
        };
        let mut asked = 0;
        let ended = loop {
            let Next::Perform(effect) = next else { panic!("nothing is written, and it ends: {next:?}") };
            let result = match effect {
                Effect::Compose { .. } => {
                    asked += 1;
                    EffectResult::Consult(consulted.clone())
                }
                other => driver.perform(&other),
            };
            match resume(workflow, state, &result) {
                Ok(resumed) => (state, next) = resumed,
                Err(error) => break error,
            }
        };
        assert!(matches!(ended, RunError::TooLong { .. }) && asked == EFFECTS_MAX - 2, "{ended:?} after {asked}");
    }

    #[test]
    fn a_repair_is_told_what_was_wrong() {
        let mut driver = Driver {
            understanding: understanding(Intent::Product),
            retrieved: Retrieved { hits: vec!["shirt".into()], ..Retrieved::default() },
            refusals: 1,
        };
        let (done, state, _) = run(&mut driver);
        assert_eq!(done[5].0, Effect::Compose { refused: vec!["a price from nowhere".into()] });
        assert_eq!(state.guard_refusals(), 1);
    }

    #[test]
    fn requests_for_a_person_orders_and_anger_need_no_draft() {
        for (intent, reason) in [
            (Intent::Person, HandOverReason::Asked),
            (Intent::Anger, HandOverReason::Anger),
            (Intent::Order, HandOverReason::Order),
            (Intent::Policy, HandOverReason::Policy),
        ] {
            let (effects, ending) = kinds(intent, 0);
            assert_eq!(effects, "understand", "{intent:?}");
            assert_eq!(ending, Ending { outcome: TurnOutcome::HandedOver(reason), with_draft: false });
        }
    }

    #[test]
    fn a_second_unclear_message_goes_to_a_person_and_a_second_thanks_needs_no_words() {
        let again = |intent| {
            let understanding = Understanding { repeated: true, ..understanding(intent) };
            run(&mut Driver { understanding, retrieved: Retrieved::default(), refusals: 0 }).2.outcome
        };
        assert_eq!(again(Intent::Unclear), TurnOutcome::HandedOver(HandOverReason::NotUnderstood));
        assert_eq!(again(Intent::Media), TurnOutcome::HandedOver(HandOverReason::Media));
        assert_eq!(again(Intent::Thanks), TurnOutcome::Suppressed(SuppressReason::NothingToSay));
    }

    #[test]
    fn a_policy_question_beside_a_product_keeps_the_answer_and_calls_a_person() {
        let understanding = Understanding { beside: Some(Intent::Policy), ..understanding(Intent::Product) };
        let retrieved = Retrieved { hits: vec!["shirt".into()], ..Retrieved::default() };
        let (_, _, ending) = run(&mut Driver { understanding, retrieved, refusals: 0 });
        assert_eq!(ending, Ending { outcome: TurnOutcome::HandedOver(HandOverReason::Policy), with_draft: true });
    }

    #[test]
    fn a_result_that_nobody_waits_for_is_refused() {
        let (state, _) = start(Workflow::built_in()).expect("starts");
        let error = resume(Workflow::built_in(), state, &EffectResult::Guard(Vec::new())).expect_err("not awaited");
        assert_eq!(error.to_string(), "step `understand` waits for another result than `guard`");
    }

    #[test]
    fn a_workflow_that_turns_in_a_circle_is_stopped() {
        let yaml = "version: 1\nname: circle\nstart: a\nsteps:\n  a: {kind: understand, next: b}\n  \
                    b: {kind: retrieve, next: b}\n";
        let workflow = Workflow::parse(yaml).expect("a circle with an effect is allowed");
        let (mut state, _) = start(&workflow).expect("starts");
        (state, _) =
            resume(&workflow, state, &EffectResult::Understand(understanding(Intent::Product))).expect("goes on");
        let error = loop {
            match resume(&workflow, state, &EffectResult::Retrieve(Retrieved::default())) {
                Ok((after, _)) => state = after,
                Err(error) => break error,
            }
        };
        assert_eq!(error, RunError::TooLong { max: EFFECTS_MAX });
    }

    fn any_understanding() -> impl Strategy<Value = Understanding> {
        let intents = [
            Intent::Greeting,
            Intent::Product,
            Intent::Policy,
            Intent::Order,
            Intent::Person,
            Intent::Anger,
            Intent::Thanks,
            Intent::Unclear,
            Intent::Media,
            Intent::NoCustomer,
        ];
        (prop::sample::select(intents.to_vec()), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(intent, explicit, repeated, beside)| Understanding {
                explicit,
                repeated,
                beside: beside.then_some(Intent::Policy),
                ..understanding(intent)
            },
        )
    }

    fn any_retrieved() -> impl Strategy<Value = Retrieved> {
        let keys = || prop::collection::vec("[a-z]{1,4}", 0..3);
        (keys(), keys()).prop_map(|(hits, near)| Retrieved { hits, near, ..Retrieved::default() })
    }

    proptest! {
        /// Cutting a run after any effect and replaying the records gives the same effects and the same end.
        #[test]
        fn resume_equals_run(understanding in any_understanding(), retrieved in any_retrieved(), refusals in 0_u32..4) {
            let workflow = Workflow::built_in();
            let (done, last, ending) = run(&mut Driver { understanding, retrieved, refusals });
            let (mut state, mut next) = start(workflow).expect("starts");
            for (effect, result) in &done {
                prop_assert_eq!(&next, &Next::Perform(effect.clone()));
                // What a crash leaves: the result as text, and a parked run's state as text.
                let recorded = serde_json::to_string(result).expect("results are plain data");
                let replayed: EffectResult = serde_json::from_str(&recorded).expect("a record can be read");
                prop_assert_eq!(&replayed, result);
                let parked = serde_json::to_string(&state).expect("a state is plain data");
                state = serde_json::from_str(&parked).expect("a state can be read");
                (state, next) = resume(workflow, state, &replayed).expect("the record fits");
            }
            prop_assert_eq!(next, Next::Finish(ending));
            prop_assert_eq!(state, last);
        }
    }
}
