//! The route table. The router is built from it, and so are the tests that walk every route: none can be left out.

use axum::{
    http::Method,
    routing::{MethodRouter, delete, get, patch, post, put},
};

use super::{Edge, handlers::*};
use crate::{app::Least, domain::staff::Role};

/// How the body of a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing, or JSON (for a persona: YAML; for a trigger: a webhook body) of at most
    /// [`BODY_BYTES_MAX`](crate::api::BODY_BYTES_MAX).
    Json,
    /// A stream of any length that is never held whole.
    Stream,
}

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{slug}` for the tenant.
    pub path: &'static str,
    /// Whether it is about the one tenant that the path names.
    pub tenant_scoped: bool,
    /// Who may ask, at the least; nobody for a tenant that is not theirs.
    pub least: Least,
    /// How its body is read.
    pub body: Body,
    pub(super) handler: fn() -> MethodRouter<Edge>,
}

macro_rules! routes {
    ($($scope:ident $least:ident $body:ident $method:ident $verb:ident $path:literal => $handler:path,)*) => {
        /// Every route of `/api/v1`.
        pub static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: concat!("/api/v1", $path),
            tenant_scoped: routes!(@scope $scope),
            least: routes!(@least $least),
            body: Body::$body,
            handler: || $verb($handler),
        },)*];
    };
    (@scope tenant) => { true };
    (@scope all) => { false };
    (@least viewer) => { Least::Role(Role::Viewer) };
    (@least agent) => { Least::Role(Role::Agent) };
    (@least admin) => { Least::Role(Role::Admin) };
    (@least house) => { Least::AdminOfAll };
    (@least operator) => { Least::Operator };
}

routes! {
    all    viewer   Json   GET    get    "/version" => status::version,
    all    viewer   Json   GET    get    "/status" => status::status,
    all    house    Json   GET    get    "/system" => status::system,
    all    house    Stream POST   post   "/audit/verify" => audit::verify_all,
    all    house    Json   POST   post   "/audit/checkpoint" => audit::take_checkpoint,
    all    house    Json   GET    get    "/doctor" => doctor::look,
    all    operator Json   POST   post   "/doctor" => doctor::mend,
    all    operator Json   POST   post   "/backup" => backups::make,
    all    operator Json   POST   post   "/backup/kept" => backups::kept,
    all    viewer   Json   GET    get    "/events" => events::tail_all,
    all    viewer   Stream POST   post   "/events" => events::tail_all,
    all    viewer   Json   GET    get    "/conversations" => conversations::list_all,
    all    house    Json   GET    get    "/models" => models::show,
    all    house    Json   GET    get    "/models/health" => models::health,
    all    house    Json   POST   post   "/models/test" => models::test,
    all    house    Json   POST   post   "/models/pull" => models::pull,
    all    house    Json   PUT    put    "/models/{name}" => models::choose,
    all    house    Json   PUT    put    "/model-budget" => models::limit,
    all    house    Json   GET    get    "/model-prices" => models::prices,
    all    operator Json   GET    get    "/secrets" => secrets::list,
    all    operator Json   PUT    put    "/secrets/{name}" => secrets::set,
    all    operator Json   DELETE delete "/secrets/{name}" => secrets::remove,
    all    operator Json   POST   post   "/master-key/change" => secrets::change_master_key,
    all    operator Json   POST   post   "/master-key/recovery-copy" => secrets::recovery_copy,
    all    operator Json   POST   post   "/master-key/recovery-copy/kept" => secrets::recovery_copy_kept,
    all    operator Json   GET    get    "/staff" => staff::list,
    all    operator Json   POST   post   "/staff" => staff::add,
    all    operator Json   PATCH  patch  "/staff/{name}" => staff::edit,
    all    operator Json   DELETE delete "/staff/{name}" => staff::remove,
    all    viewer   Json   GET    get    "/tenants" => tenants::list,
    all    house    Json   POST   post   "/tenants" => tenants::add,
    tenant viewer   Json   GET    get    "/tenants/{slug}" => tenants::show,
    tenant admin    Json   PATCH  patch  "/tenants/{slug}" => tenants::edit,
    tenant admin    Json   DELETE delete "/tenants/{slug}" => tenants::remove,
    tenant admin    Json   POST   post   "/tenants/{slug}/pause" => tenants::pause,
    tenant admin    Json   POST   post   "/tenants/{slug}/resume" => tenants::resume,
    tenant viewer   Json   GET    get    "/tenants/{slug}/persona" => personas::show,
    tenant admin    Json   PUT    put    "/tenants/{slug}/persona" => personas::set,
    tenant viewer   Json   GET    get    "/tenants/{slug}/persona/versions" => personas::versions,
    tenant admin    Json   POST   post   "/tenants/{slug}/persona/restore" => personas::restore,
    tenant viewer   Json   GET    get    "/tenants/{slug}/accounts" => accounts::list,
    tenant admin    Json   POST   post   "/tenants/{slug}/accounts" => accounts::connect,
    tenant viewer   Json   GET    get    "/tenants/{slug}/catalog" => catalog::status,
    tenant admin    Stream POST   post   "/tenants/{slug}/catalog/import" => catalog::import,
    tenant viewer   Json   GET    get    "/tenants/{slug}/catalog/search" => catalog::search,
    tenant viewer   Json   GET    get    "/tenants/{slug}/catalog/products" => catalog::list,
    tenant viewer   Json   GET    get    "/tenants/{slug}/catalog/products/{key}" => catalog::show,
    tenant agent    Json   POST   post   "/tenants/{slug}/chat" => chat::chat,
    tenant viewer   Json   GET    get    "/tenants/{slug}/conversations" => conversations::list,
    tenant viewer   Json   GET    get    "/tenants/{slug}/conversations/{id}" => conversations::show,
    tenant admin    Json   DELETE delete "/tenants/{slug}/conversations/{id}" => conversations::erase,
    tenant viewer   Json   GET    get    "/tenants/{slug}/conversations/{id}/turns/{turn}" => conversations::turn,
    tenant viewer   Json   GET    get    "/tenants/{slug}/conversations/{id}/messages/{message}/pictures/{n}" => conversations::picture,
    tenant agent    Json   POST   post   "/tenants/{slug}/conversations/{id}/takeover" => conversations::takeover,
    tenant agent    Json   POST   post   "/tenants/{slug}/conversations/{id}/release" => conversations::release,
    tenant agent    Json   PUT    put    "/tenants/{slug}/conversations/{id}/assignee" => conversations::assign,
    tenant agent    Json   PUT    put    "/tenants/{slug}/conversations/{id}/label" => conversations::label,
    tenant agent    Json   POST   post   "/tenants/{slug}/conversations/{id}/messages" => conversations::send,
    tenant agent    Json   POST   post   "/tenants/{slug}/conversations/{id}/draft/approve" => conversations::approve,
    tenant agent    Json   POST   post   "/tenants/{slug}/conversations/{id}/draft/reject" => conversations::reject,
    tenant agent    Json   POST   post   "/tenants/{slug}/conversations/{id}/draft/edit" => conversations::edit,
    tenant admin    Stream POST   post   "/tenants/{slug}/audit/verify" => audit::verify,
    tenant viewer   Json   GET    get    "/tenants/{slug}/events" => events::tail,
    tenant viewer   Stream POST   post   "/tenants/{slug}/events" => events::tail,
    tenant viewer   Json   GET    get    "/tenants/{slug}/models" => models::show_of_tenant,
    tenant admin    Json   POST   post   "/tenants/{slug}/models/preview" => models::preview,
    tenant admin    Json   POST   post   "/tenants/{slug}/models/test" => models::test_for_tenant,
    tenant admin    Json   PUT    put    "/tenants/{slug}/models/{name}" => models::choose_for_tenant,
    tenant admin    Json   PUT    put    "/tenants/{slug}/model-budget" => models::limit_of_tenant,
    tenant viewer   Json   GET    get    "/tenants/{slug}/usage" => models::usage,
    tenant admin    Json   GET    get    "/tenants/{slug}/notify" => notify::list,
    tenant admin    Json   POST   post   "/tenants/{slug}/notify" => notify::add,
    tenant admin    Json   DELETE delete "/tenants/{slug}/notify/{name}" => notify::remove,
    tenant admin    Json   POST   post   "/tenants/{slug}/notify/{name}/test" => notify::test,
    tenant admin    Json   GET    get    "/tenants/{slug}/secrets" => secrets::list_of_tenant,
    tenant admin    Json   PUT    put    "/tenants/{slug}/secrets/{name}" => secrets::set_of_tenant,
    tenant admin    Json   DELETE delete "/tenants/{slug}/secrets/{name}" => secrets::remove_of_tenant,
    tenant admin    Json   POST   post   "/tenants/{slug}/trigger" => trigger::trigger,
}
