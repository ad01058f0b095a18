//! The route table. The router is built from it, and so are the tests that walk every route: none can be left out.

use axum::{
    http::Method,
    routing::{MethodRouter, delete, get, patch, post, put},
};

use super::{Edge, handlers::*};

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
    /// How its body is read.
    pub body: Body,
    pub(super) handler: fn() -> MethodRouter<Edge>,
}

macro_rules! routes {
    ($($scope:ident $body:ident $method:ident $verb:ident $path:literal => $handler:path,)*) => {
        /// Every route of `/api/v1`.
        pub static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: concat!("/api/v1", $path),
            tenant_scoped: routes!(@scope $scope),
            body: Body::$body,
            handler: || $verb($handler),
        },)*];
    };
    (@scope tenant) => { true };
    (@scope all) => { false };
}

routes! {
    all    Json   GET    get    "/version" => status::version,
    all    Json   GET    get    "/status" => status::status,
    all    Json   GET    get    "/system" => status::system,
    all    Stream POST   post   "/audit/verify" => audit::verify_all,
    all    Json   POST   post   "/audit/checkpoint" => audit::take_checkpoint,
    all    Json   GET    get    "/events" => events::tail_all,
    all    Stream POST   post   "/events" => events::resume_all,
    all    Json   GET    get    "/conversations" => conversations::list_all,
    all    Json   GET    get    "/models" => models::show,
    all    Json   POST   post   "/models/test" => models::test,
    all    Json   POST   post   "/models/pull" => models::pull,
    all    Json   PUT    put    "/models/{name}" => models::choose,
    all    Json   PUT    put    "/model-budget" => models::limit,
    all    Json   GET    get    "/model-prices" => models::prices,
    all    Json   GET    get    "/secrets" => secrets::list,
    all    Json   PUT    put    "/secrets/{name}" => secrets::set,
    all    Json   DELETE delete "/secrets/{name}" => secrets::remove,
    all    Json   POST   post   "/master-key/change" => secrets::change_master_key,
    all    Json   POST   post   "/master-key/recovery-copy" => secrets::recovery_copy,
    all    Json   POST   post   "/master-key/recovery-copy/kept" => secrets::recovery_copy_kept,
    all    Json   GET    get    "/tenants" => tenants::list,
    all    Json   POST   post   "/tenants" => tenants::add,
    tenant Json   GET    get    "/tenants/{slug}" => tenants::show,
    tenant Json   PATCH  patch  "/tenants/{slug}" => tenants::edit,
    tenant Json   DELETE delete "/tenants/{slug}" => tenants::remove,
    tenant Json   POST   post   "/tenants/{slug}/pause" => tenants::pause,
    tenant Json   POST   post   "/tenants/{slug}/resume" => tenants::resume,
    tenant Json   GET    get    "/tenants/{slug}/persona" => personas::show,
    tenant Json   PUT    put    "/tenants/{slug}/persona" => personas::set,
    tenant Json   GET    get    "/tenants/{slug}/persona/versions" => personas::versions,
    tenant Json   POST   post   "/tenants/{slug}/persona/restore" => personas::restore,
    tenant Json   GET    get    "/tenants/{slug}/accounts" => accounts::list,
    tenant Json   POST   post   "/tenants/{slug}/accounts" => accounts::connect,
    tenant Json   GET    get    "/tenants/{slug}/catalog" => catalog::status,
    tenant Stream POST   post   "/tenants/{slug}/catalog/import" => catalog::import,
    tenant Json   GET    get    "/tenants/{slug}/catalog/search" => catalog::search,
    tenant Json   GET    get    "/tenants/{slug}/catalog/products/{key}" => catalog::show,
    tenant Json   POST   post   "/tenants/{slug}/chat" => chat::chat,
    tenant Json   GET    get    "/tenants/{slug}/conversations" => conversations::list,
    tenant Json   GET    get    "/tenants/{slug}/conversations/{id}" => conversations::show,
    tenant Json   POST   post   "/tenants/{slug}/conversations/{id}/takeover" => conversations::takeover,
    tenant Json   POST   post   "/tenants/{slug}/conversations/{id}/release" => conversations::release,
    tenant Json   PUT    put    "/tenants/{slug}/conversations/{id}/label" => conversations::label,
    tenant Json   POST   post   "/tenants/{slug}/conversations/{id}/messages" => conversations::send,
    tenant Json   POST   post   "/tenants/{slug}/conversations/{id}/draft/approve" => conversations::approve,
    tenant Json   POST   post   "/tenants/{slug}/conversations/{id}/draft/reject" => conversations::reject,
    tenant Json   POST   post   "/tenants/{slug}/conversations/{id}/draft/edit" => conversations::edit,
    tenant Stream POST   post   "/tenants/{slug}/audit/verify" => audit::verify,
    tenant Json   GET    get    "/tenants/{slug}/events" => events::tail,
    tenant Stream POST   post   "/tenants/{slug}/events" => events::resume,
    tenant Json   GET    get    "/tenants/{slug}/models" => models::show_of_tenant,
    tenant Json   POST   post   "/tenants/{slug}/models/test" => models::test_for_tenant,
    tenant Json   PUT    put    "/tenants/{slug}/models/{name}" => models::choose_for_tenant,
    tenant Json   PUT    put    "/tenants/{slug}/model-budget" => models::limit_of_tenant,
    tenant Json   GET    get    "/tenants/{slug}/usage" => models::usage,
    tenant Json   GET    get    "/tenants/{slug}/notify" => notify::list,
    tenant Json   POST   post   "/tenants/{slug}/notify" => notify::add,
    tenant Json   DELETE delete "/tenants/{slug}/notify/{name}" => notify::remove,
    tenant Json   POST   post   "/tenants/{slug}/notify/{name}/test" => notify::test,
    tenant Json   GET    get    "/tenants/{slug}/secrets" => secrets::list_of_tenant,
    tenant Json   PUT    put    "/tenants/{slug}/secrets/{name}" => secrets::set_of_tenant,
    tenant Json   DELETE delete "/tenants/{slug}/secrets/{name}" => secrets::remove_of_tenant,
    tenant Json   POST   post   "/tenants/{slug}/trigger" => trigger::trigger,
}
