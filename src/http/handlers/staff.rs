//! People whom the operator lets in.

use axum::{Json, extract::State};
use secrecy::ExposeSecret;

use crate::{
    api,
    app::staff::{AddedStaff, NewStaff, StaffChange},
    domain::{
        staff::{Role, Staff, StaffName},
        tenant::{Tenant, TenantSlug},
    },
    http::{
        Edge, Error,
        caller::Asking,
        extract::{Named, Payload},
        map,
    },
};

pub async fn list(State(edge): State<Edge>, _: Asking) -> Result<Json<api::List<api::Staff>>, Error> {
    let tenants = tenants(&edge).await?;
    Ok(Json(map::list(edge.app.staff_list().await?, |staff| shown(staff, &tenants))))
}

pub async fn add(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Payload(new): Payload<api::NewStaff>,
) -> Result<Json<api::Staff>, Error> {
    let new = NewStaff {
        name: name(&new.name)?,
        role: new.role.as_deref().map_or(Ok(Role::Agent), role)?,
        tenants: slugs(&new.tenants)?,
        uid: new.uid,
        key: new.key,
    };
    let added = edge.app.staff_add(&caller, new).await?;
    with_key(&edge, added).await
}

pub async fn edit(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Named(named): Named,
    Payload(edit): Payload<api::StaffEdit>,
) -> Result<Json<api::Staff>, Error> {
    let change = StaffChange {
        role: edit.role.as_deref().map(role).transpose()?,
        tenants: edit.tenants.as_deref().map(slugs).transpose()?,
        uid: edit.uid,
        key: edit.key,
    };
    let edited = edge.app.staff_edit(&caller, &name(&named)?, change).await?;
    with_key(&edge, edited).await
}

pub async fn remove(
    State(edge): State<Edge>,
    Asking(caller): Asking,
    Named(named): Named,
) -> Result<Json<api::Staff>, Error> {
    let removed = edge.app.staff_remove(&caller, &name(&named)?).await?;
    Ok(Json(shown(removed, &tenants(&edge).await?)))
}

async fn with_key(edge: &Edge, added: AddedStaff) -> Result<Json<api::Staff>, Error> {
    let shown = shown(added.staff, &tenants(edge).await?);
    Ok(Json(api::Staff { key: added.key.map(|key| key.expose_secret().to_owned()), ..shown }))
}

async fn tenants(edge: &Edge) -> Result<Vec<Tenant>, Error> {
    Ok(edge.app.store.control().tenants().await.map_err(crate::app::Error::from)?)
}

fn shown(staff: Staff, tenants: &[Tenant]) -> api::Staff {
    let slug = |id| tenants.iter().find(|tenant| tenant.id == id).map(|tenant| tenant.slug.to_string());
    api::Staff {
        id: staff.id.to_string(),
        name: staff.name.to_string(),
        role: staff.role.as_str().into(),
        // One that was removed is nobody's any more, but the limit stays.
        tenants: staff.tenants.into_iter().map(|id| slug(id).unwrap_or_else(|| id.to_string())).collect(),
        uid: staff.uid,
        has_key: staff.has_key,
        created_at: staff.created_at.into(),
        key: None,
    }
}

fn name(text: &str) -> Result<StaffName, Error> {
    text.parse().map_err(|error: crate::domain::staff::InvalidStaffName| Error::invalid(error.to_string()))
}

fn role(word: &str) -> Result<Role, Error> {
    let known = || Role::ALL.map(Role::as_str).join(", ");
    Role::parse(word).ok_or_else(|| Error::invalid(format!("`{word}` is not a role: {}", known())))
}

fn slugs(texts: &[String]) -> Result<Vec<TenantSlug>, Error> {
    texts.iter().map(|text| TenantSlug::parse(text).map_err(|error| Error::invalid(error.to_string()))).collect()
}
