//! A model that plays a script: for tests of whatever asks models. Sends nothing anywhere.
//!
//! It keeps the promises of [`ChatModel`] as an adapter does: events in order, a failure last, deadlines kept. Where it
//! pauses is up to the test: for a time, for ever, or until the test opens a gate.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::{self, BoxStream},
};
use tokio::{sync::Notify, time::Instant};

use super::{Access, ChatModel, Deadlines, ErrorClass, ProviderError, TimeoutKind, collect, wire::tool_args};
use crate::domain::chat::{ChatAnswer, ChatRequest, Finish, StreamEvent, Usage};

/// One thing that happens in an answer.
#[derive(Clone, Debug)]
enum Beat {
    Event(StreamEvent),
    Fail(ProviderError),
    Wait(Pause),
}

/// How long nothing happens.
#[derive(Clone, Debug)]
enum Pause {
    For(Duration),
    ForEver,
    /// Until the test says so.
    Gate(Arc<Notify>),
}

impl Pause {
    async fn over(self) {
        match self {
            Self::For(wait) => tokio::time::sleep(wait).await,
            Self::ForEver => pending().await,
            Self::Gate(gate) => gate.notified().await,
        }
    }
}

/// How one call goes. Without a failure or a stall it ends well by itself.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    beats: Vec<Beat>,
    calls: u32,
    finish: Option<Finish>,
}

impl Scene {
    /// A scene in which nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An answer of one text.
    #[must_use]
    pub fn says(text: &str) -> Self {
        Self::new().then_says(text)
    }

    /// An answer that calls tools, each with its name and arguments as the model writes them, JSON or not.
    #[must_use]
    pub fn calls<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        calls.into_iter().fold(Self::new(), |scene, (name, args)| scene.then_calls(name, args))
    }

    /// A call that fails.
    #[must_use]
    pub fn fails(error: ProviderError) -> Self {
        Self::new().then_fails(error)
    }

    /// Then more text.
    #[must_use]
    pub fn then_says(self, text: &str) -> Self {
        self.then(Beat::Event(StreamEvent::TextDelta(text.into())))
    }

    /// Then a call of a tool.
    #[must_use]
    pub fn then_calls(mut self, name: &str, args: &str) -> Self {
        let index = self.calls;
        self.calls += 1;
        let start =
            StreamEvent::ToolStart { index, id: Box::default(), provider_id: None, item_id: None, name: name.into() };
        let end = StreamEvent::ToolEnd { index, args: tool_args(args) };
        self.then(Beat::Event(start)).then(Beat::Event(end))
    }

    /// Then this.
    #[must_use]
    pub fn then_event(self, event: StreamEvent) -> Self {
        self.then(Beat::Event(event))
    }

    /// Then nothing for a while.
    #[must_use]
    pub fn then_waits(self, wait: Duration) -> Self {
        self.then(Beat::Wait(Pause::For(wait)))
    }

    /// Then nothing ever again.
    #[must_use]
    pub fn then_stalls(self) -> Self {
        self.then(Beat::Wait(Pause::ForEver))
    }

    /// Then nothing until `gate` is notified: the test decides what happens meanwhile, without a clock.
    #[must_use]
    pub fn then_waits_for(self, gate: Arc<Notify>) -> Self {
        self.then(Beat::Wait(Pause::Gate(gate)))
    }

    /// Then a failure.
    #[must_use]
    pub fn then_fails(self, error: ProviderError) -> Self {
        self.then(Beat::Fail(error))
    }

    /// What it uses, so far.
    #[must_use]
    pub fn then_uses(self, usage: Usage) -> Self {
        self.then(Beat::Event(StreamEvent::Usage(Box::new(usage))))
    }

    /// Ends for this reason instead of the obvious one.
    #[must_use]
    pub fn finishing(mut self, reason: Finish) -> Self {
        self.finish = Some(reason);
        self
    }

    fn then(mut self, beat: Beat) -> Self {
        self.beats.push(beat);
        self
    }

    /// The beats of one call: with a beginning, an end, and ids that no other call of this model has.
    fn played(self, model: &str, number: usize) -> VecDeque<Beat> {
        let usual = if self.calls > 0 { Finish::ToolCalls } else { Finish::Stop };
        let reason = self.finish.unwrap_or(usual);
        let start = StreamEvent::Start { served_model: Some(model.into()), id: Some(format!("scene_{number}").into()) };
        let end = StreamEvent::Finish { raw: Some(reason.code().into()), reason };
        let named = |beat| match beat {
            Beat::Event(StreamEvent::ToolStart { index, provider_id, item_id, name, .. }) => {
                let id = format!("call_{number}_{index}").into();
                Beat::Event(StreamEvent::ToolStart { index, id, provider_id, item_id, name })
            }
            other => other,
        };
        let middle = self.beats.into_iter().map(named);
        [Beat::Event(start)].into_iter().chain(middle).chain([Beat::Event(end)]).collect()
    }
}

/// A model that plays its scenes one after another, one per call.
#[derive(Debug)]
pub struct Scripted {
    provider: Box<str>,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
struct Stage {
    scenes: VecDeque<Scene>,
    /// Played when there are no scenes left.
    encore: Option<Scene>,
    asked: Vec<ChatRequest>,
}

impl Scripted {
    /// A model `provider` that plays `scenes`, and fails with the code `script_over` when it is asked once more.
    pub fn new(provider: &str, scenes: impl IntoIterator<Item = Scene>) -> Self {
        let stage = Stage { scenes: scenes.into_iter().collect(), encore: None, asked: Vec::new() };
        Self { provider: provider.into(), stage: Mutex::new(stage) }
    }

    /// A model that plays `scene` whenever it is asked.
    #[must_use]
    pub fn always(provider: &str, scene: Scene) -> Self {
        let stage = Stage { scenes: VecDeque::new(), encore: Some(scene), asked: Vec::new() };
        Self { provider: provider.into(), stage: Mutex::new(stage) }
    }

    /// Adds a scene at the end.
    pub fn push(&self, scene: Scene) {
        self.stage().scenes.push_back(scene);
    }

    /// What it was asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<ChatRequest> {
        self.stage().asked.clone()
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        // Whoever panicked while it held this left a list that is whole.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next scene, for this request.
    fn take(&self, request: &ChatRequest) -> VecDeque<Beat> {
        let mut stage = self.stage();
        stage.asked.push(request.clone());
        let number = stage.asked.len();
        let over = || Scene::fails(ProviderError::new(&self.provider, ErrorClass::Protocol).with_code("script_over"));
        let scene = stage.scenes.pop_front().or_else(|| stage.encore.clone()).unwrap_or_else(over);
        scene.played(&request.model, number)
    }
}

/// A scene that is being played.
struct Play<'a> {
    provider: &'a str,
    beats: VecDeque<Beat>,
    deadlines: Deadlines,
    started: Instant,
    last_life: Instant,
    output_began: bool,
    streams: bool,
}

impl Play<'_> {
    async fn next(&mut self) -> Option<Result<StreamEvent, ProviderError>> {
        loop {
            match self.beats.pop_front()? {
                Beat::Event(event) => {
                    self.last_life = Instant::now();
                    self.output_began |= event.is_output();
                    return Some(Ok(event));
                }
                Beat::Fail(error) => {
                    self.beats.clear();
                    return Some(Err(ProviderError { output_began: self.output_began, ..error }));
                }
                Beat::Wait(pause) => {
                    let (until, kind) = self.limit();
                    if tokio::time::timeout_at(until, pause.over()).await.is_err() {
                        self.beats.clear();
                        let error = ProviderError::new(self.provider, ErrorClass::Timeout(kind));
                        return Some(Err(ProviderError { output_began: self.output_began, ..error }));
                    }
                }
            }
        }
    }

    /// The deadline that comes first.
    fn limit(&self) -> (Instant, TimeoutKind) {
        let total = (self.started + self.deadlines.total, TimeoutKind::Total);
        let other = match (self.streams, self.output_began) {
            (false, _) => return total,
            (true, false) => (self.started + self.deadlines.first_token, TimeoutKind::FirstToken),
            (true, true) => (self.last_life + self.deadlines.idle, TimeoutKind::Idle),
        };
        if other.0 < total.0 { other } else { total }
    }
}

impl Scripted {
    fn play<'a>(
        &'a self,
        request: &'a ChatRequest,
        access: Access<'a>,
        streams: bool,
    ) -> BoxStream<'a, Result<StreamEvent, ProviderError>> {
        // The scene is taken when somebody listens, as a call is made when it is polled.
        let begin = async move {
            let now = Instant::now();
            let play = Play {
                provider: &self.provider,
                beats: self.take(request),
                deadlines: access.deadlines,
                started: now,
                last_life: now,
                output_began: false,
                streams,
            };
            stream::unfold(play, |mut play| async move { play.next().await.map(|item| (item, play)) })
        };
        begin.flatten_stream().boxed()
    }
}

impl ChatModel for Scripted {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn answer<'a>(
        &'a self,
        request: &'a ChatRequest,
        access: Access<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ProviderError>> {
        collect(&self.provider, self.play(request, access, false)).boxed()
    }

    fn stream<'a>(
        &'a self,
        request: &'a ChatRequest,
        access: Access<'a>,
    ) -> BoxStream<'a, Result<StreamEvent, ProviderError>> {
        self.play(request, access, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::ToolArgs;

    fn question() -> ChatRequest {
        ChatRequest::new("m", Vec::new())
    }

    async fn failure(model: &Scripted) -> ProviderError {
        let request = question();
        let mut stream = model.stream(&request, Access::default());
        loop {
            match stream.next().await.expect("a failure comes first") {
                Ok(_) => {}
                Err(error) => {
                    assert!(stream.next().await.is_none(), "nothing comes after a failure");
                    return error;
                }
            }
        }
    }

    #[tokio::test]
    async fn scenes_are_played_in_order_and_requests_are_remembered() {
        let calls = Scene::calls([("find", "{\"q\":1}"), ("stock", "not json")]);
        let model = Scripted::new("s", [Scene::says("Hi").then_says(" there"), calls]);
        let request = question();
        let first = model.answer(&request, Access::default()).await.expect("an answer");
        assert_eq!((first.text().as_str(), &first.finish), ("Hi there", &Finish::Stop));
        let streamed = model.stream(&request, Access::default());
        let second = collect("s", streamed).await.expect("an answer");
        assert_eq!(second.finish, Finish::ToolCalls);
        let args: Vec<_> = second.tool_calls().map(|call| (&*call.id, call.args.clone())).collect();
        assert_eq!(args, [("call_2_0", tool_args("{\"q\":1}")), ("call_2_1", ToolArgs::Malformed("not json".into()))]);
        assert_eq!(model.asked(), [question(), question()]);
        assert_eq!(failure(&model).await.code.as_deref(), Some("script_over"));
    }

    #[tokio::test]
    async fn stalls_end_at_the_deadline_that_they_reach() {
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(10));
        let none = Deadlines { connect: long, first_token: long, idle: long, total: long };
        for (scene, deadlines, kind, output_began) in [
            (Scene::new().then_stalls(), Deadlines { first_token: short, ..none }, TimeoutKind::FirstToken, false),
            (Scene::says("Hi").then_stalls(), Deadlines { idle: short, ..none }, TimeoutKind::Idle, true),
            (Scene::says("Hi").then_stalls(), Deadlines { total: short, ..none }, TimeoutKind::Total, true),
        ] {
            let model = Scripted::new("s", [scene.clone(), scene]);
            let request = question();
            let access = Access { deadlines, ..Access::default() };
            let streamed = collect("s", model.stream(&request, access)).await.expect_err("it stalls");
            assert_eq!((streamed.class, streamed.output_began), (ErrorClass::Timeout(kind), output_began));
            // What is not streamed has no first piece to wait for.
            let total = Access { deadlines: Deadlines { total: short, ..deadlines }, ..Access::default() };
            let whole = model.answer(&request, total).await.expect_err("it stalls");
            assert_eq!(whole.class, ErrorClass::Timeout(TimeoutKind::Total));
        }
    }

    #[tokio::test]
    async fn a_gate_holds_an_answer_until_the_test_opens_it() {
        let gate = Arc::new(Notify::new());
        let model = Scripted::new("s", [Scene::says("one").then_waits_for(Arc::clone(&gate)).then_says(" two")]);
        let request = question();
        let mut stream = model.stream(&request, Access::default());
        assert!(matches!(stream.next().await, Some(Ok(StreamEvent::Start { .. }))));
        assert_eq!(stream.next().await, Some(Ok(StreamEvent::TextDelta("one".into()))));
        assert!(stream.next().now_or_never().is_none(), "the gate is closed");
        gate.notify_one();
        assert_eq!(stream.next().await, Some(Ok(StreamEvent::TextDelta(" two".into()))));
    }

    #[tokio::test]
    async fn a_failure_after_words_says_that_words_were_said() {
        let error = ProviderError::new("s", ErrorClass::Overloaded);
        let model = Scripted::new("s", [Scene::says("Hel").then_fails(error.clone()), Scene::fails(error)]);
        assert!(failure(&model).await.output_began);
        assert!(!failure(&model).await.output_began);
    }
}
