//! Trying a model: four small questions, each paid for as every call is, and what they show that it can do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::{Value, json};

use super::{keys::Keys, purse::TenantPurse};
use crate::{
    app::{App, Error, secrets::Owner},
    domain::{
        CallId, Clock, Ids,
        chat::{
            ChatAnswer, ChatRequest, Content, Image, ImageDetail, ImageSource, Json, Message, ModelRef, Part,
            ResponseSchema, Role, ToolSpec,
        },
        cost::{BudgetSpan, PicoDollars},
        model::{Model, ModelRole},
        secret::SecretScope,
        spend::OverBudget,
    },
    provider::{
        gateway::{Bound, NoMoney, Purse, Spent, Timing, Wish},
        price::Prices,
    },
};

/// How long one question may take: a local model may have to be loaded first.
const WITHIN: Duration = Duration::from_secs(60);
/// What a model may write to one question: thinking models think before they say a word.
const OUTPUT_TOKENS_MAX: i64 = 1_024;
/// What questions may cost that are asked for no tenant, together: nobody's budget limits them.
const COST_MAX: PicoDollars = PicoDollars::new(250_000_000_000);
/// What ties the calls of a trial to it.
const CORRELATION: &str = "model_test";
/// The left half is green, the right half purple: nobody guesses that.
const PICTURE: &[u8] = include_bytes!("two_colours.png");

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skill {
    /// Answering at all.
    Text,
    /// Calling a tool.
    Tool,
    /// Seeing a picture.
    Image,
    /// Keeping to a JSON schema.
    Schema,
}

impl Skill {
    /// Every one, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::Text, Self::Tool, Self::Image, Self::Schema];

    /// The word on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Tool => "tool",
            Self::Image => "image",
            Self::Schema => "schema",
        }
    }

    fn request(self, model: &ModelRef) -> ChatRequest {
        let ask = |text: &str| ChatRequest::new(model.model.clone(), vec![Message::text(Role::User, text)]);
        let request = match self {
            Self::Text => ask("This is a connection test. Answer with the single word: ready"),
            Self::Tool => ChatRequest {
                tools: vec![ToolSpec {
                    name: "get_stock".into(),
                    description: "Tells how many pieces of a product are in stock.".into(),
                    parameters: schema(&json!({ "product": { "type": "string" } })),
                    strict: true,
                }],
                ..ask("How many pieces of product A-17 are in stock? Use the tool.")
            },
            Self::Image => {
                let source = ImageSource::Bytes(Arc::from(PICTURE));
                let image = Image { source, mime: "image/png".into(), detail: ImageDetail::Low };
                let text = "This picture has two halves. Name the colour of the left one and of the right one.";
                let parts = [Part::text(text), Part::new(Content::Image(image))];
                ChatRequest::new(model.model.clone(), vec![Message::new(Role::User, parts)])
            }
            Self::Schema => ChatRequest {
                response_schema: Some(ResponseSchema {
                    name: "product".into(),
                    schema: schema(&json!({ "material": { "type": "string" }, "pieces": { "type": "integer" } })),
                    strict: true,
                }),
                ..ask("Seven pieces of linen. Give the material and the number of pieces as JSON.")
            },
        };
        ChatRequest { max_output_tokens: Some(OUTPUT_TOKENS_MAX), ..request }
    }

    /// What is wrong with the answer; `None`: it shows that the model can.
    fn complaint(self, answer: &ChatAnswer) -> Option<&'static str> {
        let text = answer.text();
        let lower = text.to_lowercase();
        match self {
            Self::Text => text.trim().is_empty().then_some("it said nothing"),
            Self::Tool => {
                let args = answer.tool_calls().find(|call| &*call.name == "get_stock").map(|call| &call.args);
                match args {
                    None => Some("it did not call the tool"),
                    Some(args) if !args.raw().contains("A-17") => Some("it called the tool without the product"),
                    Some(_) => None,
                }
            }
            Self::Image => {
                let sees =
                    lower.contains("green") && ["purple", "violet", "magenta"].iter().any(|it| lower.contains(it));
                (!sees).then_some("it did not see the colours")
            }
            Self::Schema => {
                let read: Option<Value> = serde_json::from_str(text.trim()).ok();
                let fits = read.is_some_and(|read| read["material"].is_string() && read["pieces"] == 7);
                (!fits).then_some("it did not keep to the schema")
            }
        }
    }
}

fn schema(properties: &Value) -> Json {
    let required: Vec<&String> = properties.as_object().map(|map| map.keys().collect()).unwrap_or_default();
    let schema = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    Json::from_text(schema.to_string())
}

/// What one question came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// What was tried.
    pub skill: Skill,
    /// How it went.
    pub outcome: TryOutcome,
    /// How long the call took; zero when none was answered.
    pub timing: Timing,
    /// Tokens that went in.
    pub input_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// What it cost; `None` when nobody knows a price.
    pub cost: Option<PicoDollars>,
}

/// How a trial went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryOutcome {
    /// The model can.
    Able,
    /// It answered, and cannot; why.
    Unable(String),
    /// There was no answer; why.
    Failed(String),
    /// It was not asked, because it does not answer at all.
    Skipped,
}

/// What a model was found to be able to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Which.
    pub model: ModelRef,
    /// Question by question.
    pub tried: Vec<Tried>,
}

impl App {
    /// Tries a model with the owner's key and money; without a name the one that the owner has chosen.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is nothing to try, when no such provider is configured, and when the owner may not
    /// use the model.
    pub async fn try_model(&self, owner: Owner<'_>, model: Option<ModelRef>) -> Result<Trial, Error> {
        let scope = owner.scope();
        let settings = self.models_of(scope).await?;
        let chosen = || settings.choice(ModelRole::Chat).and_then(|choice| choice.model.remote()).cloned();
        let model = model.or_else(chosen).ok_or_else(|| Error::Invalid {
            message: format!("`{}` answers here, which needs no trial", Model::BUILTIN),
            hint: Some("Name a model: `aura model test PROVIDER:MODEL`.".into()),
        })?;
        self.check_allowed(&settings, &model)?;
        let tenant = match scope {
            SecretScope::Installation => None,
            SecretScope::Tenant(id) => Some(id),
        };
        let keys = Keys { secrets: &self.secrets, providers: &self.config.providers, tenant };
        let tried = match owner {
            Owner::Tenant(ctx) => {
                let store = self.tenant_store(ctx).await?;
                let purse = TenantPurse {
                    store: &store,
                    budget: settings.budget,
                    tenant: ctx.id(),
                    prices: &self.models.prices,
                    spent_today: &self.models.spent_today,
                    clock: &*self.clock,
                    ids: &*self.ids,
                    role: ModelRole::Chat,
                    conversation: None,
                    turn: None,
                    correlation: Some(CORRELATION.into()),
                    tally: None,
                };
                self.try_skills(&model, &keys, &purse).await
            }
            Owner::Installation(_) => {
                let purse = OperatorPurse {
                    prices: &self.models.prices,
                    clock: &*self.clock,
                    ids: &*self.ids,
                    spent: AtomicU64::new(0),
                };
                let tried = self.try_skills(&model, &keys, &purse).await;
                let cost = purse.spent();
                tracing::info!(model = %model, cost_usd = %cost, "a model was tried for no tenant");
                tried
            }
        };
        Ok(Trial { model, tried })
    }

    async fn try_skills(&self, model: &ModelRef, keys: &Keys<'_>, purse: &dyn Purse) -> Vec<Tried> {
        let mut tried: Vec<Tried> = Vec::new();
        for skill in Skill::ALL {
            let answers = tried.first().is_none_or(|text| !matches!(text.outcome, TryOutcome::Failed(_)));
            tried.push(match answers {
                true => self.try_skill(skill, model, keys, purse).await,
                false => Tried::nothing(skill, TryOutcome::Skipped),
            });
        }
        tried
    }

    async fn try_skill(&self, skill: Skill, model: &ModelRef, keys: &Keys<'_>, purse: &dyn Purse) -> Tried {
        let request = skill.request(model);
        let route = std::slice::from_ref(model);
        let wish = Wish { route, request: &request, within: WITHIN, keys, purse };
        let answered = match self.models.gateway.answer(wish).await {
            Ok(answered) => answered,
            Err(none) => {
                let why = none
                    .missed
                    .last()
                    .map_or_else(|| none.to_string(), |last| crate::domain::chain(&last.miss).to_string());
                return Tried::nothing(skill, TryOutcome::Failed(why));
            }
        };
        let usage = answered.answer.usage.clone().unwrap_or_default();
        let cost =
            answered.answer.usage.as_ref().and_then(|usage| self.models.prices.cost(model, usage, self.clock.now()));
        let tokens = |count| u64::try_from(count).unwrap_or(0);
        Tried {
            skill,
            outcome: match skill.complaint(&answered.answer) {
                None => TryOutcome::Able,
                Some(complaint) => TryOutcome::Unable(complaint.into()),
            },
            timing: answered.timing,
            input_tokens: tokens(usage.input_total),
            output_tokens: tokens(usage.output_total),
            cost,
        }
    }
}

impl Tried {
    fn nothing(skill: Skill, outcome: TryOutcome) -> Self {
        let (input_tokens, output_tokens) = (0, 0);
        Self { skill, outcome, timing: Timing::default(), input_tokens, output_tokens, cost: Some(PicoDollars::ZERO) }
    }
}

/// Pays for what the operator tries for no tenant: out of no budget, and so within a limit of its own.
struct OperatorPurse<'a> {
    prices: &'a Prices,
    clock: &'a dyn Clock,
    ids: &'a dyn Ids,
    /// Pico-dollars. The calls are made one after the other, so what is spent is all that there is to know.
    spent: AtomicU64,
}

impl OperatorPurse<'_> {
    fn spent(&self) -> PicoDollars {
        PicoDollars::new(self.spent.load(Ordering::Relaxed))
    }

    fn most(&self, model: &ModelRef, bound: Bound) -> PicoDollars {
        self.prices.most(model, bound.input, bound.output, self.clock.now()).unwrap_or_default()
    }
}

impl Purse for OperatorPurse<'_> {
    fn reserve<'a>(&'a self, model: &'a ModelRef, bound: Bound) -> BoxFuture<'a, Result<CallId, NoMoney>> {
        async move {
            let (wanted, used) = (self.most(model, bound), self.spent());
            if used + wanted > COST_MAX {
                let over = OverBudget { span: BudgetSpan::Conversation, limit: COST_MAX, used, wanted };
                return Err(NoMoney::OverBudget(over));
            }
            Ok(CallId::next(self.ids))
        }
        .boxed()
    }

    fn settle<'a>(&'a self, _: CallId, model: &'a ModelRef, spent: Spent) -> BoxFuture<'a, ()> {
        async move {
            let told = spent.usage.as_ref().and_then(|usage| self.prices.cost(model, usage, self.clock.now()));
            let cost = told.unwrap_or_else(|| self.most(model, spent.at_most));
            self.spent.fetch_add(cost.units(), Ordering::Relaxed);
        }
        .boxed()
    }
}
