//! What a definition must satisfy beyond its syntax: every run of it ends, and nothing goes out unguarded.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    definition::{Placed, StepName, Workflow},
    error::Problem,
    nodes::{RETRIEVE_LIMIT_MAX, Step},
};

/// Everything wrong with a workflow, in the order of its lines.
pub(super) fn problems(workflow: &Workflow, start_line: u64) -> Vec<Problem> {
    let mut problems = Vec::new();
    if workflow.step(workflow.start()).is_none() {
        let message = format!("`start` names a step that does not exist: `{}`", workflow.start());
        return vec![Problem { line: start_line, step: None, message }];
    }
    for (name, placed) in workflow.placed() {
        problems.extend(in_itself(workflow, name, placed));
    }
    // The walks below need every target to exist.
    if problems.is_empty() {
        problems.extend(unreachable(workflow));
        problems.extend(switch_cycles(workflow));
        problems.extend(unguarded(workflow));
    }
    problems.sort_by(|a, b| (a.line, &a.message).cmp(&(b.line, &b.message)));
    problems
}

fn problem(workflow: &Workflow, name: &StepName, message: String) -> Problem {
    let line = workflow.placed().get(name).map_or(0, |placed| placed.line);
    Problem { line, step: Some(name.to_string()), message }
}

fn in_itself(workflow: &Workflow, name: &StepName, placed: &Placed) -> Vec<Problem> {
    let mut problems: Vec<_> = placed
        .step
        .targets()
        .into_iter()
        .filter(|(_, target)| workflow.step(target).is_none())
        .map(|(field, target)| {
            problem(workflow, name, format!("`{field}` names a step that does not exist: `{target}`"))
        })
        .collect();
    if let Step::Switch(switch) = &placed.step {
        let variable = switch.on.as_str();
        let known = switch.on.labels().join(", ");
        problems.extend(
            switch
                .impossible_labels()
                .into_iter()
                .map(|label| problem(workflow, name, format!("`{variable}` is never `{label}`; it is one of {known}"))),
        );
    }
    if let Step::Retrieve(retrieve) = &placed.step
        && !(1..=RETRIEVE_LIMIT_MAX).contains(&retrieve.limit)
    {
        let message = format!("`limit` must be between 1 and {}", RETRIEVE_LIMIT_MAX);
        problems.push(problem(workflow, name, message));
    }
    problems
}

fn unreachable(workflow: &Workflow) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![workflow.start()];
    while let Some(name) = waiting.pop() {
        if seen.insert(name)
            && let Some(step) = workflow.step(name)
        {
            waiting.extend(step.targets().into_iter().map(|(_, target)| target));
        }
    }
    let unseen = workflow.placed().keys().filter(|name| !seen.contains(name));
    unseen.map(|name| problem(workflow, name, "no way leads to it from `start`".to_owned())).collect()
}

/// A circle of switches would turn for ever without an effect in between.
fn switch_cycles(workflow: &Workflow) -> Vec<Problem> {
    let switches: BTreeMap<&StepName, Vec<&StepName>> = workflow
        .placed()
        .iter()
        .filter(|(_, placed)| matches!(placed.step, Step::Switch(_)))
        .map(|(name, placed)| (name, placed.step.targets().into_iter().map(|(_, target)| target).collect()))
        .collect();
    let returns = |start: &StepName| {
        let mut seen = BTreeSet::new();
        let mut waiting = switches.get(start).cloned().unwrap_or_default();
        while let Some(name) = waiting.pop() {
            if name == start {
                return true;
            }
            if seen.insert(name) {
                waiting.extend(switches.get(name).into_iter().flatten().copied());
            }
        }
        false
    };
    let cyclic = switches.keys().filter(|name| returns(name));
    cyclic.map(|name| problem(workflow, name, "it leads back to itself without any effect".to_owned())).collect()
}

/// What a run can know when it enters a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Known {
    understood: bool,
    retrieved: bool,
    draft: Draft,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Draft {
    None,
    Unchecked,
    Passed,
}

/// Walks every way through the workflow together with what is known on it.
fn unguarded(workflow: &Workflow) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    let mut waiting = vec![(workflow.start(), Known { understood: false, retrieved: false, draft: Draft::None })];
    while let Some((name, known)) = waiting.pop() {
        let Some(step) = workflow.step(name) else { continue };
        if !seen.insert((name, known)) {
            continue;
        }
        found.extend(missing(step, known).map(|message| (name, message)));
        waiting.extend(ways(step, known));
    }
    found.into_iter().map(|(name, message)| problem(workflow, name, message.to_owned())).collect()
}

/// What a step needs and a way into it does not bring.
fn missing(step: &Step, known: Known) -> Option<&'static str> {
    match step {
        Step::Switch(_) | Step::Retrieve(_) | Step::Compose(_) | Step::Cards(_) if !known.understood => {
            Some("a way leads to it on which nothing was understood; put an `understand` before it")
        }
        Step::Switch(switch) if switch.on.needs_retrieval() && !known.retrieved => {
            Some("a way leads to it on which nothing was retrieved; put a `retrieve` before it")
        }
        Step::Guard(_) if known.draft == Draft::None => Some("a way leads to it without a draft to check"),
        Step::Reply(_) if known.draft == Draft::None => Some("a way leads to it without a draft to send"),
        Step::Reply(_) if known.draft == Draft::Unchecked => Some("a way leads to it past every guard"),
        Step::Understand(_)
        | Step::Switch(_)
        | Step::Retrieve(_)
        | Step::Compose(_)
        | Step::Cards(_)
        | Step::Guard(_)
        | Step::Reply(_)
        | Step::HandOver(_)
        | Step::Suppress(_)
        | Step::Park(_) => None,
    }
}

fn ways(step: &Step, known: Known) -> Vec<(&StepName, Known)> {
    let all = |known| step.targets().into_iter().map(move |(_, target)| (target, known)).collect();
    match step {
        Step::Understand(_) => all(Known { understood: true, ..known }),
        Step::Retrieve(_) => all(Known { retrieved: true, ..known }),
        Step::Compose(_) | Step::Cards(_) => all(Known { draft: Draft::Unchecked, ..known }),
        Step::Guard(guard) => vec![
            (&guard.pass, Known { draft: Draft::Passed, ..known }),
            (&guard.fail, Known { draft: Draft::None, ..known }),
        ],
        Step::Switch(_) | Step::Reply(_) | Step::HandOver(_) | Step::Suppress(_) | Step::Park(_) => all(known),
    }
}

#[cfg(test)]
mod tests {
    use crate::workflow::{Error, Workflow};

    fn refused(steps: &str) -> String {
        let yaml =
            format!("version: 1\nname: x\nstart: begin\nsteps:\n  begin: {{kind: understand, next: a}}\n{steps}");
        match Workflow::parse(&yaml).expect_err("the definition is wrong") {
            error @ Error::Invalid(_) => error.to_string(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_unknown_target_is_named_with_its_line_and_field() {
        insta::assert_snapshot!(
            refused("  a:\n    kind: switch\n    on: intent\n    cases: {thanks: nowhere}\n    default: end\n  end: {kind: hand_over, reason: order}\n"),
            @"line 7: step `a`: `cases.thanks` names a step that does not exist: `nowhere`"
        );
    }

    #[test]
    fn a_missing_start_is_named() {
        let error = Workflow::parse("version: 1\nname: x\nstart: begin\nsteps: {}\n").expect_err("no steps");
        insta::assert_snapshot!(error, @"line 3: `start` names a step that does not exist: `begin`");
    }

    #[test]
    fn an_unreachable_step_is_named() {
        insta::assert_snapshot!(
            refused("  a: {kind: hand_over, reason: order}\n  lost: {kind: reply}\n"),
            @"line 7: step `lost`: no way leads to it from `start`"
        );
    }

    #[test]
    fn a_label_that_the_variable_never_takes_is_named() {
        insta::assert_snapshot!(
            refused("  a: {kind: switch, on: repeated, cases: {maybe: end}, default: end}\n  end: {kind: hand_over, reason: order}\n"),
            @"line 6: step `a`: `repeated` is never `maybe`; it is one of yes, no"
        );
    }

    #[test]
    fn a_circle_of_switches_is_named() {
        insta::assert_snapshot!(
            refused("  a: {kind: switch, on: intent, cases: {thanks: b}, default: end}\n  b: {kind: switch, on: ask, cases: {price: a}, default: end}\n  end: {kind: hand_over, reason: order}\n"),
            @"
        line 6: step `a`: it leads back to itself without any effect
        line 7: step `b`: it leads back to itself without any effect
        "
        );
    }

    #[test]
    fn a_way_to_reply_past_the_guard_is_named() {
        insta::assert_snapshot!(
            refused("  a: {kind: compose, next: b}\n  b: {kind: switch, on: intent, cases: {thanks: end}, default: guard}\n  guard: {kind: guard, pass: end, fail: rewrite}\n  rewrite: {kind: cards, next: end}\n  end: {kind: reply}\n"),
            @"line 10: step `end`: a way leads to it past every guard"
        );
    }

    #[test]
    fn a_reply_to_a_refused_or_missing_draft_is_named() {
        insta::assert_snapshot!(
            refused("  a: {kind: compose, next: guard}\n  guard: {kind: guard, pass: end, fail: end}\n  end: {kind: reply}\n"),
            @"line 8: step `end`: a way leads to it without a draft to send"
        );
        insta::assert_snapshot!(
            refused("  a: {kind: guard, pass: end, fail: person}\n  end: {kind: reply}\n  person: {kind: hand_over, reason: guard}\n"),
            @"line 6: step `a`: a way leads to it without a draft to check"
        );
    }

    #[test]
    fn asking_what_was_found_before_looking_is_named() {
        insta::assert_snapshot!(
            refused("  a: {kind: switch, on: found, cases: {none: end}, default: end}\n  end: {kind: hand_over, reason: order}\n"),
            @"line 6: step `a`: a way leads to it on which nothing was retrieved; put a `retrieve` before it"
        );
    }

    #[test]
    fn a_limit_out_of_range_and_a_reason_that_does_not_exist_are_refused() {
        let text = refused("  a: {kind: retrieve, limit: 0, next: end}\n  end: {kind: hand_over, reason: order}\n");
        assert!(text.contains("`limit` must be between 1 and 50"), "{text}");
        let yaml = "version: 1\nname: x\nstart: a\nsteps:\n  a: {kind: hand_over, reason: bored}\n";
        let error = Workflow::parse(yaml).expect_err("no such reason").to_string();
        assert!(error.contains("unknown reason `bored`") && error.contains("line 5"), "{error}");
    }
}
