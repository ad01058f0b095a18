//! Tenants, voices, accounts, secrets.

use aura::{
    api::{Account, Languages, Persona, PersonaVersion, Secret, Spoken, Tenant, TenantDetail},
    terminal::one_line,
};

use super::{
    layout::{Grid, Look, count, or_dash},
    status::figures,
};

/// Widest a name is shown.
const NAME_COLUMNS: usize = 30;

pub fn tenants(tenants: &[Tenant], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["SLUG", "NAME", "STATE", "MODE", "CURRENCY", "LANGUAGE", "ADDED"])
        .whole(&[0])
        .folds(&[6, 5, 4]);
    for tenant in tenants {
        let Tenant { slug, name, state, mode, only_from, currency, language, created_at, .. } = tenant;
        let (name, mode) = (look.clip(name, NAME_COLUMNS), mode_for(mode, only_from.len() as u64));
        grid.row([slug, &name, state, &mode, currency, language, &look.ago(*created_at)]);
    }
    grid.finish()
}

/// `live`, `suggest, 3 shoppers`.
pub fn mode_for(mode: &str, shoppers: u64) -> String {
    match shoppers {
        0 => mode.to_owned(),
        _ if mode == "off" => mode.to_owned(),
        shoppers => format!("{mode}, {}", count(shoppers, "shopper", "shoppers")),
    }
}

/// For whom the mode is: as many lines as it takes.
fn mode_in_full(tenant: &Tenant) -> String {
    match tenant.only_from.as_slice() {
        [] => tenant.mode.clone(),
        chosen => format!("{}, only for\n{}", tenant.mode, chosen.join("\n")),
    }
}

pub fn tenant(detail: &TenantDetail, look: Look) -> String {
    let tenant = &detail.tenant;
    let about = look.pairs(&[
        ("slug", tenant.slug.clone()),
        ("name", tenant.name.clone()),
        ("state", tenant.state.clone()),
        ("mode", mode_in_full(tenant)),
        ("currency", tenant.currency.clone()),
        ("language", tenant.language.clone()),
        ("website", or_dash(tenant.website.as_deref()).into()),
        ("added", look.ago(tenant.created_at)),
        ("id", tenant.id.clone()),
    ]);
    let figures = detail.status.as_ref().map(|status| format!("\n\nFigures\n{}", figures(status, look)));
    format!("{about}{}\n\nVoice\n{}", figures.unwrap_or_default(), persona(&detail.persona, look))
}

pub fn persona(persona: &Persona, look: Look) -> String {
    let disclose = match persona.disclose {
        Some(false) => "no",
        Some(true) | None => "yes",
    };
    let own = look.pairs(&[
        ("assistant", or_dash(persona.name.as_deref()).into()),
        ("tone", or_dash(persona.tone.as_deref()).into()),
        ("language", languages(persona.language.as_ref())),
        ("emoji", persona.emoji.clone().unwrap_or_else(|| "as the tone has it".into())),
        ("greeting", or_dash(persona.greeting.as_deref()).into()),
        ("sign-off", or_dash(persona.sign_off.as_deref()).into()),
        ("tells it is an assistant", disclose.into()),
        ("in these words", persona.disclosure.clone().unwrap_or_else(|| "the built-in sentence".into())),
        ("people answer", spoken(persona.hours.as_ref())),
        ("people answer within", spoken(persona.reply_time.as_ref())),
    ]);
    let lists = [
        ("Do", &persona.dos),
        ("Do not", &persona.donts),
        ("Facts", &persona.facts),
        ("Goes to a person", &persona.escalate),
    ];
    let list = |(head, entries): (&str, &Vec<String>)| {
        let lines = entries.iter().zip(1..).map(|(entry, number)| format!("  {number}. {}", one_line(entry)));
        (!entries.is_empty()).then(|| format!("{head}\n{}", lines.collect::<Vec<_>>().join("\n")))
    };
    std::iter::once(own).chain(lists.into_iter().filter_map(list)).collect::<Vec<_>>().join("\n")
}

fn languages(rule: Option<&Languages>) -> String {
    match rule {
        None => "the shopper's".into(),
        Some(Languages::One(one)) => one.clone(),
        Some(Languages::These(these)) => these.join(", "),
    }
}

pub fn persona_versions(versions: &[PersonaVersion], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["VERSION", "SET", "NOTE"]).right(&[0]);
    for version in versions {
        let set = version.set_at.map_or_else(|| "never".into(), |at| look.ago(at));
        let restored = version.restored.map(|number| format!("version {number} again"));
        let note = version.current.then(|| "answers".to_owned()).into_iter().chain(restored);
        grid.row([version.version.to_string(), set, note.collect::<Vec<_>>().join(", ")]);
    }
    grid.finish()
}

/// `en: Mon–Fri, 9 am to 6 pm; de: Mo–Fr, 9–18 Uhr`
fn spoken(words: Option<&Spoken>) -> String {
    match words {
        None => "-".into(),
        Some(Spoken::Own(words)) => words.clone(),
        Some(Spoken::By(words)) => {
            words.iter().map(|(code, words)| format!("{code}: {words}")).collect::<Vec<_>>().join("; ")
        }
    }
}

pub fn accounts(rows: &[(String, Account)], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["TENANT", "CHANNEL", "ACCOUNT", "NAME", "STATE", "CONNECTED"])
        .whole(&[0, 2])
        .folds(&[1, 5, 3]);
    for (slug, account) in rows {
        let name = or_dash(account.username.as_deref());
        let connected = look.ago(account.connected_at);
        grid.row([
            slug,
            &account.channel,
            &account.account_id,
            &look.clip(name, NAME_COLUMNS),
            &account.state,
            &connected,
        ]);
    }
    grid.finish()
}

pub fn secrets(secrets: &[Secret], look: Look) -> String {
    let mut grid = Grid::new(look.width, &["NAME", "FINGERPRINT", "CHANGED"]).whole(&[0, 1]).folds(&[2]);
    for secret in secrets {
        grid.row([&secret.name, &secret.fingerprint, &look.ago(secret.changed_at)]);
    }
    grid.finish()
}
