//! What was said about models, for the installation and for single tenants.

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{Control, Error, audit, rows};
use crate::{
    domain::{
        audit::{Act, NewAudit},
        cost::{Budget, BudgetSpan, PicoDollars},
        model::{Allowed, AllowedEntry, Model, ModelChoice, ModelRole, ModelSettings},
        secret::SecretScope,
    },
    store::row::json_strings,
};

const READ: &str = "read the choice of models";

impl Control {
    /// What was said about models for this scope alone.
    pub async fn model_settings(&self, scope: SecretScope) -> Result<ModelSettings, Error> {
        self.database.read(READ, move |tx| read(tx, scope)).await
    }

    /// Chooses the models of a role; `None`: whoever stands behind decides again. `false` if it was so already.
    pub async fn choose_model(
        &self,
        scope: SecretScope,
        role: ModelRole,
        choice: Option<ModelChoice>,
        act: Act,
    ) -> Result<bool, Error> {
        const ACTION: &str = "choose a model";
        const SET: &str = "
            INSERT INTO model_choice (scope, role, model, fallbacks) VALUES (:scope, :role, :model, :fallbacks)
            ON CONFLICT (scope, role) DO UPDATE SET model = excluded.model, fallbacks = excluded.fallbacks";
        const CLEAR: &str = "DELETE FROM model_choice WHERE scope = :scope AND role = :role";
        self.database
            .write(ACTION, move |tx| {
                if read(tx, scope)?.choice(role) == choice.as_ref() {
                    return Ok(false);
                }
                let scope_text = scope.to_string();
                let written = match &choice {
                    Some(choice) => tx.execute(
                        SET,
                        named_params! {
                            ":scope": scope_text, ":role": role.as_str(), ":model": choice.model.to_string(),
                            ":fallbacks": json_strings(choice.fallbacks.iter().map(Model::to_string)),
                        },
                    ),
                    None => tx.execute(CLEAR, named_params! { ":scope": scope_text, ":role": role.as_str() }),
                };
                written.map_err(Error::sql(ACTION))?;
                let model = choice.map_or_else(|| "default".to_owned(), |choice| choice.model.to_string());
                let entry = NewAudit::new("model.chosen", tenant(scope)).word("role", role.as_str()).id("model", model);
                audit::append(tx, act, &entry)?;
                Ok(true)
            })
            .await
    }

    /// Says where data may go and what it may cost; `None` leaves a thing to whoever stands behind. `false` if it was so
    /// already.
    pub async fn limit_models(
        &self,
        scope: SecretScope,
        allowed: Option<Allowed>,
        budget: Budget,
        act: Act,
    ) -> Result<bool, Error> {
        const ACTION: &str = "limit models";
        const SET: &str = "
            INSERT INTO model_limit (scope, allowed, day_pico, month_pico, conversation_pico)
            VALUES (:scope, :allowed, :day, :month, :conversation)
            ON CONFLICT (scope) DO UPDATE SET
                allowed = excluded.allowed, day_pico = excluded.day_pico, month_pico = excluded.month_pico,
                conversation_pico = excluded.conversation_pico";
        self.database
            .write(ACTION, move |tx| {
                let before = read(tx, scope)?;
                if (&before.allowed, before.budget) == (&allowed, budget) {
                    return Ok(false);
                }
                let entries = match &allowed {
                    Some(Allowed::Only(entries)) => Some(json_strings(entries.iter().map(AllowedEntry::to_string))),
                    Some(Allowed::All) | None => None,
                };
                let stored = |span| budget.of(span).map(|limit| limit.units().cast_signed());
                tx.execute(
                    SET,
                    named_params! {
                        ":scope": scope.to_string(), ":allowed": entries, ":day": stored(BudgetSpan::Day),
                        ":month": stored(BudgetSpan::Month), ":conversation": stored(BudgetSpan::Conversation),
                    },
                )
                .map_err(Error::sql(ACTION))?;
                let mut entry = NewAudit::new("model.limited", tenant(scope));
                if let Some(Allowed::Only(entries)) = &allowed {
                    entry = entry.number("allowed", entries.len() as i64);
                }
                for span in BudgetSpan::OF_TENANTS {
                    entry = stored(span).into_iter().fold(entry, |entry, limit| entry.number(span.as_str(), limit));
                }
                audit::append(tx, act, &entry)?;
                Ok(true)
            })
            .await
    }
}

/// Forgets what was said for a scope that is removed.
pub(super) fn forget(tx: &Transaction<'_>, scope: &str) -> rusqlite::Result<()> {
    for sql in ["DELETE FROM model_choice WHERE scope = :scope", "DELETE FROM model_limit WHERE scope = :scope"] {
        tx.execute(sql, named_params! { ":scope": scope })?;
    }
    Ok(())
}

const fn tenant(scope: SecretScope) -> Option<crate::domain::TenantId> {
    match scope {
        SecretScope::Installation => None,
        SecretScope::Tenant(tenant) => Some(tenant),
    }
}

fn read(tx: &Transaction<'_>, scope: SecretScope) -> Result<ModelSettings, Error> {
    const CHOICES: &str = "SELECT role, model, fallbacks FROM model_choice WHERE scope = :scope";
    const LIMITS: &str = "
        SELECT allowed, day_pico, month_pico, conversation_pico FROM model_limit WHERE scope = :scope";
    let scope = scope.to_string();
    let choices = rows(tx, READ, CHOICES, named_params! { ":scope": scope }, read_choice)?;
    let limits = tx
        .prepare_cached(LIMITS)
        .and_then(|mut select| {
            select.query_row(named_params! { ":scope": scope }, |row| Ok(read_limits(row))).optional()
        })
        .map_err(Error::sql(READ))?;
    let (allowed, budget) = limits.transpose()?.unwrap_or_default();
    Ok(ModelSettings { choices, allowed, budget })
}

fn unreadable(what: &'static str, value: &str) -> Error {
    Error::Unreadable { what, value: value.to_owned() }
}

fn read_choice(row: &Row<'_>) -> rusqlite::Result<Result<(ModelRole, ModelChoice), Error>> {
    let (role, model, fallbacks): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let name = |text: &str| Model::parse(text).map_err(|_| unreadable("a model", text));
    let read = || {
        let listed: Vec<String> =
            serde_json::from_str(&fallbacks).map_err(|_| unreadable("the models behind a model", &fallbacks))?;
        let fallbacks = listed.iter().map(|text| name(text)).collect::<Result<_, _>>()?;
        let role = ModelRole::parse(&role).ok_or_else(|| unreadable("the role of a model", &role))?;
        Ok((role, ModelChoice { model: name(&model)?, fallbacks }))
    };
    Ok(read())
}

fn read_limits(row: &Row<'_>) -> Result<(Option<Allowed>, Budget), Error> {
    let limit = |column: &str| -> Result<Option<PicoDollars>, Error> {
        Ok(row.get::<_, Option<u64>>(column).map_err(Error::sql(READ))?.map(PicoDollars::new))
    };
    let entry = |text: &String| AllowedEntry::parse(text).map_err(|_| unreadable("an allowed model", text));
    let listed: Option<String> = row.get("allowed").map_err(Error::sql(READ))?;
    let allowed = match listed {
        None => None,
        Some(text) => {
            let listed: Vec<String> =
                serde_json::from_str(&text).map_err(|_| unreadable("the allowed models", &text))?;
            Some(Allowed::Only(listed.iter().map(entry).collect::<Result<_, _>>()?))
        }
    };
    let budget = Budget {
        day: limit("day_pico")?,
        month: limit("month_pico")?,
        conversation: limit("conversation_pico")?,
        turn: None,
    };
    Ok((allowed, budget))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Timestamp, secret::Sealed},
        store::control::{tenants::tests::tenant, tests::fresh},
    };

    const ACT: Act = Act::operator(Timestamp(7));

    fn choice(model: &str, fallbacks: &[&str]) -> ModelChoice {
        let name = |text: &str| Model::parse(text).expect(text);
        ModelChoice { model: name(model), fallbacks: fallbacks.iter().map(|text| name(text)).collect() }
    }

    #[tokio::test]
    async fn a_choice_is_read_as_it_was_made_and_given_back() {
        let (_folder, control) = fresh().await;
        let scope = SecretScope::Installation;
        let chosen = choice("ollama:qwen3.5:9b", &["gemini:flash", "builtin"]);
        assert!(control.choose_model(scope, ModelRole::Chat, Some(chosen.clone()), ACT).await.expect("chosen"));
        assert!(!control.choose_model(scope, ModelRole::Chat, Some(chosen.clone()), ACT).await.expect("as it was"));
        let settings = control.model_settings(scope).await.expect("read");
        assert_eq!((settings.choice(ModelRole::Chat), settings.choice(ModelRole::Embed)), (Some(&chosen), None));
        assert!(control.choose_model(scope, ModelRole::Chat, None, ACT).await.expect("given back"));
        assert_eq!(control.model_settings(scope).await.expect("read"), ModelSettings::default());
    }

    #[tokio::test]
    async fn limits_are_kept_by_scope_and_go_with_their_tenant() {
        let (_folder, control) = fresh().await;
        let shop = tenant(1, "noor");
        let mine = SecretScope::Tenant(shop.id);
        control.add_tenant(shop.clone(), Sealed(vec![1]), ACT).await.expect("added");
        let budget = Budget { day: PicoDollars::parse("2.5").ok(), ..Budget::default() };
        let entries = ["ollama", "gemini:flash"].map(|text| AllowedEntry::parse(text).expect(text));
        let allowed = Some(Allowed::Only(entries.into()));
        assert!(control.limit_models(mine, allowed.clone(), budget, ACT).await.expect("limited"));
        assert!(!control.limit_models(mine, allowed.clone(), budget, ACT).await.expect("as it was"));
        control.choose_model(mine, ModelRole::Chat, Some(choice("gemini:flash", &[])), ACT).await.expect("chosen");
        let settings = control.model_settings(mine).await.expect("read");
        assert_eq!((&settings.allowed, settings.budget), (&allowed, budget));
        let behind = control.model_settings(SecretScope::Installation).await.expect("read");
        assert_eq!(behind, ModelSettings::default());
        control.remove_tenant(shop.id, ACT).await.expect("removed");
        assert_eq!(control.model_settings(mine).await.expect("read"), ModelSettings::default());
    }
}
