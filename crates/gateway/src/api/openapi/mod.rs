//! The description of the HTTP API, in OpenAPI 3.1.
//!
//! Owns what no single operation says: the frame of the document, how one shows who one is, and the
//! refusals ([`refusals`]). What an operation takes and gives stands beside its handler. Invariant: an operation
//! that is routed is described, since one table makes both.

mod refusals;
mod shapes;

use std::sync::Arc;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Document};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use refusals::{Clash, Guarded, Malformed, Missing, Paced, Sent, Unprocessable, WithBody};
use shapes::NumericUserId;
pub(crate) use shapes::{AnyUserId, Health, Moment, RoomKey, TextUserId};

use crate::gateway::Gateway;
use crate::health;

/// The frame of the document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Hubbub",
        description = "The HTTP side of Hubbub: accounts, chats, history, events and bookings, and what other services \
            may ask of a running cluster. Messages themselves travel over sockets.\n\nEvery refusal is a problem \
            document (RFC 9457) with a `code` for programs. A token may also stand in the query parameter `token`. \
            A body is JSON whatever its content type says, and has at most 64 KiB, \
            except that of an upload.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "accounts", description = "Registering, logging in and out, and who one is"),
        (name = "chats", description = "Chats, and who takes part in them"),
        (name = "rooms", description = "What was said in a room, and who is there"),
        (name = "uploads", description = "Files for messages to show"),
        (name = "events", description = "Events with seats, and who booked them"),
        (name = "server", description = "What services and admins may ask of the whole cluster"),
        (name = "health", description = "For balancers and operators"),
    ),
    // Those that a parameter alone may refer to; all others come with the operations.
    components(schemas(AnyUserId, Moment, NumericUserId, RoomKey, TextUserId)),
    modifiers(&Common),
)]
struct Frame;

/// What the operations share.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Components::new);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let bearer = bearer.description(Some("A token from register or login, or of your own signing."));
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        let cookie =
            "What register and login set; its name can be configured. From a foreign page it is refused.";
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description("token", cookie));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
        refusals::describe(components);
    }
}

/// The whole document: the operations under `/api`, and what lies beside them.
fn document() -> Document {
    let beside = OpenApiRouter::<Arc<Gateway>>::with_openapi(Frame::openapi())
        .routes(routes!(health::alive))
        .routes(routes!(health::ready));
    beside.nest("/api", super::operations()).into_openapi()
}

/// The document as it is served and committed.
pub fn openapi_json() -> String {
    let mut text = document().to_pretty_json().expect("a document made of texts and lists always encodes");
    text.push('\n');
    text
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDescription", tag = "health", security(()),
    responses((status = 200, description = "The document", body = Object)))]
pub(super) async fn openapi() -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| openapi_json().into()).clone();
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
