//! Makes a whole answer of its pieces, the one way there is: whether a call streams or not, the answer is the same.

use super::{ChatAnswer, Content, Finish, Part, StreamEvent, ToolArgs, ToolCall, Usage};

/// An answer in the making.
#[derive(Debug, Default)]
pub struct Fold {
    parts: Vec<Part>,
    /// The part that the last event belongs to.
    current: Option<usize>,
    /// Whether the current part takes no more.
    closed: bool,
    /// Where each call stands in `parts`, by its index.
    calls: Vec<(u32, usize)>,
    served_model: Option<Box<str>>,
    id: Option<Box<str>>,
    usage: Option<Usage>,
    finish: Option<(Finish, Option<Box<str>>)>,
}

impl Fold {
    /// Takes the next piece. Pieces for calls that never began are dropped: adapters do not make them.
    pub fn push(&mut self, event: StreamEvent) {
        match event {
            StreamEvent::Start { served_model, id } => (self.served_model, self.id) = (served_model, id),
            StreamEvent::TextDelta(more) => match self.open() {
                Some(Content::Text(text)) => text.push_str(&more),
                _ => self.begin(Content::Text(more)),
            },
            StreamEvent::RefusalDelta(more) => match self.open() {
                Some(Content::Refusal(text)) => text.push_str(&more),
                _ => self.begin(Content::Refusal(more)),
            },
            StreamEvent::ReasoningDelta { text: more, summary: is_summary } => {
                if !matches!(self.open(), Some(Content::Reasoning { .. })) {
                    self.begin(Content::Reasoning { text: None, summary: None });
                }
                if let Some(Content::Reasoning { text, summary }) = self.open() {
                    let target = if is_summary { summary } else { text };
                    target.get_or_insert_default().push_str(&more);
                }
            }
            StreamEvent::ToolStart { index, id, provider_id, item_id, name } => {
                let args = ToolArgs::Malformed(Box::default());
                self.begin(Content::ToolCall(ToolCall { id, provider_id, item_id, name, args, index }));
                self.calls.push((index, self.parts.len() - 1));
            }
            StreamEvent::ToolArgsDelta { index, .. } => self.go_to_call(index),
            StreamEvent::ToolEnd { index, args: whole } => {
                self.go_to_call(index);
                if let Some(Content::ToolCall(call)) = self.current.map(|at| &mut self.parts[at].content) {
                    call.args = whole;
                }
            }
            StreamEvent::PartEnd => self.closed = true,
            StreamEvent::OpaqueAttach(opaque) => {
                if self.current.is_none() {
                    self.begin(Content::Text(String::new()));
                }
                if let Some(at) = self.current {
                    self.parts[at].opaque = Some(opaque);
                }
                self.closed = true;
            }
            StreamEvent::Usage(usage) => self.usage = Some(*usage),
            StreamEvent::Finish { reason, raw } => self.finish = Some((reason, raw)),
        }
    }

    /// The answer; `None` if its end never came.
    #[must_use]
    pub fn finish(self) -> Option<ChatAnswer> {
        let (finish, finish_raw) = self.finish?;
        let Self { parts, usage, served_model, id, .. } = self;
        Some(ChatAnswer { parts, finish, finish_raw, usage, served_model, id })
    }

    /// What was used up to here, also by an answer that never ended.
    #[must_use]
    pub const fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn open(&mut self) -> Option<&mut Content> {
        self.current.filter(|_| !self.closed).map(|at| &mut self.parts[at].content)
    }

    fn begin(&mut self, content: Content) {
        self.parts.push(Part::new(content));
        (self.current, self.closed) = (Some(self.parts.len() - 1), false);
    }

    /// Fragments of several calls may alternate (Chat Completions joins them by index).
    fn go_to_call(&mut self, index: u32) {
        if let Some((_, at)) = self.calls.iter().rev().find(|(known, _)| *known == index) {
            (self.current, self.closed) = (Some(*at), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Json, ModelRef, Opaque},
        *,
    };

    fn fold(events: impl IntoIterator<Item = StreamEvent>) -> Option<ChatAnswer> {
        let mut fold = Fold::default();
        events.into_iter().for_each(|event| fold.push(event));
        fold.finish()
    }

    fn text(text: &str) -> StreamEvent {
        StreamEvent::TextDelta(text.into())
    }

    fn signature(data: &str) -> Opaque {
        let model = ModelRef::new("gemini", "m");
        Opaque { model, endpoint: "generate".into(), kind: "signature".into(), data: data.into() }
    }

    fn start(index: u32, name: &str) -> StreamEvent {
        let id = format!("call_{index}").into();
        StreamEvent::ToolStart { index, id, provider_id: None, item_id: None, name: name.into() }
    }

    fn args(text: &str) -> ToolArgs {
        ToolArgs::Object(Json::from_text(text))
    }

    const END: StreamEvent = StreamEvent::Finish { reason: Finish::Stop, raw: None };

    #[test]
    fn text_that_arrives_in_pieces_is_one_part() {
        let answer = fold([text("سل"), text("ام "), text("👋"), END]).expect("an end");
        assert_eq!(answer.parts, [Part::text("سلام 👋")]);
        assert_eq!(answer.finish, Finish::Stop);
    }

    #[test]
    fn an_answer_without_its_end_is_none_but_its_usage_counts() {
        let mut cut = Fold::default();
        cut.push(text("Hel"));
        cut.push(StreamEvent::Usage(Box::new(Usage { input_total: 5, ..Usage::default() })));
        assert_eq!(cut.usage().map(|usage| usage.input_total), Some(5));
        assert!(cut.finish().is_none());
    }

    #[test]
    fn a_part_with_something_attached_takes_no_more_text_and_keeps_it() {
        let attach = StreamEvent::OpaqueAttach(signature("a"));
        let answer = fold([text("one"), attach, text("two"), END]).expect("an end");
        assert_eq!(answer.parts, [Part { opaque: Some(signature("a")), ..Part::text("one") }, Part::text("two")]);
    }

    #[test]
    fn an_empty_text_may_carry_what_is_attached_to_it_alone() {
        let attach = StreamEvent::OpaqueAttach(signature("a"));
        let answer = fold([text("one"), StreamEvent::PartEnd, text(""), attach, END]).expect("an end");
        assert_eq!(answer.parts, [Part::text("one"), Part { opaque: Some(signature("a")), ..Part::text("") }]);
    }

    #[test]
    fn fragments_of_two_calls_that_alternate_each_reach_their_own() {
        let answer = fold([
            start(0, "find"),
            start(1, "price"),
            StreamEvent::ToolArgsDelta { index: 1, text: "{".into() },
            StreamEvent::ToolArgsDelta { index: 0, text: "{}".into() },
            StreamEvent::ToolEnd { index: 1, args: args("{\"id\":1}") },
            StreamEvent::ToolEnd { index: 0, args: args("{}") },
            StreamEvent::OpaqueAttach(signature("first")),
            END,
        ])
        .expect("an end");
        let calls: Vec<_> = answer.tool_calls().map(|call| (&*call.name, call.args.raw())).collect();
        assert_eq!(calls, [("find", "{}"), ("price", "{\"id\":1}")]);
        assert_eq!(answer.parts[0].opaque, Some(signature("first")));
        assert_eq!(answer.parts[1].opaque, None);
    }

    #[test]
    fn a_call_whose_arguments_never_came_whole_is_malformed() {
        let answer = fold([start(0, "find"), END]).expect("an end");
        let call = answer.tool_calls().next().expect("a call");
        assert_eq!(call.args, ToolArgs::Malformed("".into()));
    }

    #[test]
    fn thoughts_and_their_summary_are_one_part_beside_the_text() {
        let think = |text: &str, summary| StreamEvent::ReasoningDelta { text: text.into(), summary };
        let answer = fold([think("hm", false), think("short", true), text("Hi"), END]).expect("an end");
        let thoughts = Content::Reasoning { text: Some("hm".into()), summary: Some("short".into()) };
        assert_eq!(answer.parts, [Part::new(thoughts), Part::text("Hi")]);
        assert_eq!(answer.text(), "Hi");
    }

    #[test]
    fn the_last_usage_counts() {
        let used = |output_total| StreamEvent::Usage(Box::new(Usage { output_total, ..Usage::default() }));
        let answer = fold([used(1), text("a"), used(7), END]).expect("an end");
        assert_eq!(answer.usage.map(|usage| usage.output_total), Some(7));
    }
}
