//! A tenant's workflow in YAML. Refused with a bounded message, or every run of it ends and nothing goes out that the
//! guard has not passed since it was written.
#![no_main]

use aura::{
    domain::turn::TurnOutcome,
    workflow::{
        Consulted, EFFECTS_MAX, Effect, EffectResult, Next, Retrieved, RunError, Understanding, Workflow, Written, resume,
        start,
    },
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Per problem a line; a file of 100 KiB has no more than so many.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Runs of each workflow.
const RUNS: u8 = 6;

fuzz_target!(|text: &str| {
    let workflow = match Workflow::parse(text) {
        Ok(workflow) => workflow,
        Err(error) => {
            let message = error.to_string();
            assert!(!message.is_empty() && message.len() <= MESSAGE_BYTES_MAX, "{} bytes", message.len());
            return;
        }
    };
    // The runs differ by what the shopper wants, what is found, and what the guard says.
    let mut dice = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
        | 1;
    for _ in 0..RUNS {
        run(&workflow, &mut dice);
    }
});

fn below(dice: &mut u64, end: u64) -> u64 {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    (*dice >> 11) % end
}

fn run(workflow: &Workflow, dice: &mut u64) {
    let (mut state, mut next) = start(workflow).expect("a checked workflow starts");
    let mut passed = false;
    for _ in 0..=EFFECTS_MAX {
        let effect = match next {
            Next::Finish(ending) => {
                assert!(!ending.with_draft || passed, "a draft goes out that the guard has not passed");
                assert!(!matches!(ending.outcome, TurnOutcome::Suppressed(_)) || !ending.with_draft);
                return;
            }
            Next::Perform(effect) => effect,
        };
        let result = result(&effect, dice);
        match &result {
            EffectResult::Compose(_) | EffectResult::Cards(_) => passed = false,
            EffectResult::Guard(violations) => passed = violations.is_empty(),
            EffectResult::Understand(_) | EffectResult::Retrieve(_) | EffectResult::Consult(_) => {}
        }
        // As it is kept and read after a crash.
        let kept = serde_json::to_string(&(&state, &result)).expect("plain data");
        let (state_again, result_again) = serde_json::from_str(&kept).expect("what was written is read");
        assert_eq!((&state, &result), (&state_again, &result_again));
        (state, next) = match resume(workflow, state_again, &result_again) {
            Ok(resumed) => resumed,
            Err(RunError::TooLong { .. }) => return,
            Err(error) => panic!("a checked workflow runs: {error}"),
        };
    }
    panic!("more effects than allowed");
}

fn result(effect: &Effect, dice: &mut u64) -> EffectResult {
    let hands_over = below(dice, 2) == 1;
    let written = || Written {
        by: Written::BUILTIN.into(),
        messages: vec!["Hello".into()],
        products: Vec::new(),
        citations: Vec::new(),
        hands_over,
    };
    match effect {
        Effect::Understand => {
            let intents = ["greeting", "product", "policy", "order", "person", "anger", "thanks", "unclear", "media"];
            let languages = ["en", "de"];
            let asks = ["search", "price", "stock", "about"];
            let besides = [None, Some("policy")];
            let mut one_of = |end: usize| below(dice, end as u64) as usize;
            let understanding: Understanding = serde_json::from_value(json!({
                "language": (languages[one_of(2)]), "language_certain": true, "intent": (intents[one_of(9)]),
                "ask": (asks[one_of(4)]), "explicit": (one_of(2) == 1), "greets": false, "search": "coat",
                "content": [], "reference": null, "wants": {}, "beside": (besides[one_of(2)]),
                "repeated": (one_of(2) == 1),
            }))
            .expect("an understanding");
            EffectResult::Understand(understanding)
        }
        Effect::Retrieve { limit } => {
            assert!(*limit >= 1);
            let some = |yes: bool| if yes { vec!["coat".to_owned()] } else { Vec::new() };
            let hits = some(below(dice, 2) == 1);
            EffectResult::Retrieve(Retrieved { hits, near: some(below(dice, 2) == 1), ..Retrieved::default() })
        }
        Effect::Compose { .. } if below(dice, 4) == 1 => {
            EffectResult::Consult(Consulted { by: "x:y".into(), said: Vec::new(), gave: Vec::new() })
        }
        Effect::Compose { .. } => EffectResult::Compose(written()),
        Effect::Cards => EffectResult::Cards(written()),
        Effect::Guard => EffectResult::Guard(if below(dice, 2) == 1 { vec!["price".into()] } else { Vec::new() }),
    }
}
