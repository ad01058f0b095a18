//! Tenants and their voices.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Deserialize;

use crate::{
    api,
    app::{
        ReachChange,
        tenants::{self, NewTenant},
    },
    domain::{
        Currency, Language,
        persona::{Persona, Tone},
        reach::{Chosen, Mode},
        tenant::TenantSlug,
    },
    http::{
        Edge, Error,
        caller::{Asking, Scope},
        extract::{Params, Payload, Raw},
        map,
    },
};

pub async fn list(State(edge): State<Edge>, Asking(caller): Asking) -> Result<Json<api::List<api::Tenant>>, Error> {
    let tenants = tenants::list(&caller, edge.app.store.control()).await?;
    Ok(Json(map::list(tenants, map::tenant)))
}

pub async fn add(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Payload(new): Payload<api::NewTenant>,
) -> Result<Json<api::Tenant>, Error> {
    let language = new.language.as_deref().map_or(Ok(Language::En), str::parse).map_err(invalid)?;
    let persona = parse_persona(new.persona, language)?;
    let new = NewTenant {
        slug: TenantSlug::parse(&new.slug).map_err(invalid)?,
        name: new.name,
        currency: new.currency.map_or(Ok(Currency::EUR), |code| Currency::parse(&code)).map_err(invalid)?,
        language,
        website: new.website,
        mode: new.mode.as_deref().map_or(Ok(Mode::Live), parse_mode)?,
    };
    Ok(Json(map::tenant(edge.app.tenant_add(&caller, new, persona).await?)))
}

pub async fn show(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::TenantDetail>, Error> {
    let persona = edge.app.persona_show(&tenant).await?;
    Ok(Json(api::TenantDetail { tenant: map::tenant(tenant.tenant().clone()), persona: map::persona(persona) }))
}

pub async fn edit(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Payload(edit): Payload<api::TenantEdit>,
) -> Result<Json<api::Tenant>, Error> {
    let chosen = |listed: Vec<String>| listed.iter().map(|text| Chosen::parse(text).map_err(invalid)).collect();
    let change = ReachChange {
        mode: edit.mode.as_deref().map(parse_mode).transpose()?,
        only_from: edit.only_from.map(chosen).transpose()?,
    };
    Ok(Json(map::tenant(edge.app.tenant_edit(&tenant, change).await?)))
}

fn parse_mode(word: &str) -> Result<Mode, Error> {
    let known = Mode::ALL.map(Mode::as_str).join(", ");
    Mode::parse(word).ok_or_else(|| Error::invalid(format!("`{word}` is not a mode: {known}")))
}

pub async fn pause(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::Tenant>, Error> {
    Ok(Json(map::tenant(edge.app.tenant_pause(&tenant).await?)))
}

pub async fn resume(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::Tenant>, Error> {
    Ok(Json(map::tenant(edge.app.tenant_resume(&tenant).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    confirm: String,
}

pub async fn remove(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Params(sure): Params<Confirm>,
) -> Result<Json<api::Removed>, Error> {
    Ok(Json(map::removed(edge.app.tenant_remove(tenant, &sure.confirm).await?)))
}

pub async fn persona(State(edge): State<Edge>, Scope(tenant): Scope) -> Result<Json<api::Persona>, Error> {
    Ok(Json(map::persona(edge.app.persona_show(&tenant).await?)))
}

/// Takes YAML, and with it JSON.
pub async fn set_persona(
    State(edge): State<Edge>,
    Scope(tenant): Scope,
    Raw(body): Raw,
) -> Result<Json<api::Persona>, Error> {
    let text = std::str::from_utf8(&body).map_err(|_| Error::invalid("the persona is not UTF-8 text"))?;
    let shape: api::Persona = serde_saphyr::from_str(text).map_err(|error| Error::invalid(what_is_wrong(&error)))?;
    let persona = edge.app.persona_set(&tenant, parse_persona(shape, tenant.tenant().language)?).await?;
    Ok(Json(map::persona(persona)))
}

/// `language`: the shop's own, which words without one are in.
fn parse_persona(shape: api::Persona, language: Language) -> Result<Persona, Error> {
    let api::Persona { name, tone, greeting, sign_off, disclose, disclosure, hours, reply_time } = shape;
    let tone = tone.map(|word| {
        let known = Tone::ALL.map(Tone::as_str).join(", ");
        Tone::parse(&word).ok_or_else(|| Error::invalid(format!("`{word}` is not a tone: {known}")))
    });
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    Ok(Persona {
        name: filled(name).unwrap_or_default(),
        tone: tone.transpose()?.unwrap_or_default(),
        greeting: filled(greeting),
        sign_off: filled(sign_off),
        disclose: disclose.unwrap_or(Persona::default().disclose),
        disclosure: filled(disclosure),
        hours: parse_spoken("hours", hours, language)?,
        reply_time: parse_spoken("reply_time", reply_time, language)?,
    })
}

/// One short line for each language; what is empty is left out.
fn parse_spoken(key: &str, spoken: Option<api::Spoken>, own: Language) -> Result<BTreeMap<Language, String>, Error> {
    const CHARS_MAX: usize = Persona::TIME_CHARS_MAX;
    let by_code: Vec<(Option<String>, String)> = match spoken {
        None => Vec::new(),
        Some(api::Spoken::Own(words)) => vec![(None, words)],
        Some(api::Spoken::By(words)) => words.into_iter().map(|(code, words)| (Some(code), words)).collect(),
    };
    let mut parsed = BTreeMap::new();
    for (code, words) in by_code {
        let place = code.as_ref().map_or_else(|| key.to_owned(), |code| format!("{key}.{code}"));
        let language = code.map_or(Ok(own), |code| code.parse());
        let language = language.map_err(|error| Error::invalid(format!("{place}: {error}")))?;
        let words = words.trim().trim_end_matches('.');
        if words.chars().any(char::is_control) {
            return Err(Error::invalid(format!("{place} is more than one line")));
        }
        if words.chars().count() > CHARS_MAX {
            return Err(Error::invalid(format!("{place} has more than {CHARS_MAX} characters")));
        }
        if !words.is_empty() && parsed.insert(language, words.to_owned()).is_some() {
            return Err(Error::invalid(format!("{key} has words for {language} twice")));
        }
    }
    Ok(parsed)
}

/// The first line says what and where; the lines after it draw the place.
fn what_is_wrong(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    format!("the persona cannot be read: {}", line.trim_start_matches("error: "))
}

fn invalid(error: impl std::error::Error) -> Error {
    Error::invalid(error.to_string())
}
