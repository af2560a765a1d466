//! The refusals as the document shows them: which statuses there are, and with which codes.
//!
//! Invariant: one table; an operation names groups of its rows.

use std::collections::BTreeMap;

use domain::words::Code;
use serde::Serialize;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{
    AllOfBuilder, Components, ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response,
    ResponseBuilder, Schema,
};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "a shape for the document; problem.rs writes it")]
struct Problem {
    /// Always `about:blank`: the code says more.
    #[schema(example = "about:blank")]
    r#type: String,
    /// The status in words.
    title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// For people.
    detail: String,
    /// For programs.
    code: String,
    /// When it is worth trying again, in milliseconds.
    #[schema(required = false, nullable = false)]
    retry_after_ms: Option<u64>,
}

/// One status that a refusal can have.
struct Refusal {
    status: u16,
    name: &'static str,
    description: &'static str,
    codes: &'static [Code],
    /// A header that the answer may have, and what it is for.
    header: Option<(&'static str, &'static str)>,
}

const RETRY: Option<(&str, &str)> = Some(("Retry-After", "Seconds after which it is worth trying again"));

const fn refusal(
    status: u16,
    name: &'static str,
    codes: &'static [Code],
    description: &'static str,
) -> Refusal {
    Refusal { status, name, description, codes, header: None }
}

const TABLE: [Refusal; 11] = [
    refusal(400, "Malformed", &[Code::InvalidMessage], "A body that is not JSON, or a bad query parameter"),
    Refusal {
        header: Some(("WWW-Authenticate", "The scheme that is understood")),
        ..refusal(
            401,
            "Unauthorized",
            &[Code::Unauthorized],
            "No token, a bad one, or a user who may not come in",
        )
    },
    refusal(
        403,
        "Forbidden",
        &[Code::Forbidden, Code::NotAParticipant],
        "This user, this token or this page's origin may not do this",
    ),
    refusal(404, "NotFound", &[Code::NotFound], "There is no such thing"),
    refusal(408, "Late", &[Code::InvalidMessage], "The body did not arrive within 10 s"),
    refusal(409, "Conflict", &[Code::Conflict, Code::SoldOut], "It contradicts what is there"),
    refusal(413, "TooLarge", &[Code::TooLarge], "The body, or a text in it, is above the limit"),
    refusal(
        422,
        "Unprocessable",
        &[Code::InvalidMessage, Code::InvalidRoom],
        "JSON that breaks a rule, and which field; or not a room key",
    ),
    Refusal { header: RETRY, ..refusal(429, "RateLimited", &[Code::RateLimited], "Too many tries") },
    refusal(500, "Internal", &[Code::Internal], "The server's own fault; it is in its log"),
    Refusal {
        header: RETRY,
        ..refusal(
            503,
            "Unavailable",
            &[Code::Overloaded, Code::Internal],
            "The broker or the database cannot answer now, or there is too much to do",
        )
    },
];

/// Writes the table into the document, once for all operations.
pub(super) fn describe(components: &mut Components) {
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    for refusal in &TABLE {
        components.responses.insert(refusal.name.to_owned(), RefOr::T(response(refusal)));
    }
}

fn response(refusal: &Refusal) -> Response {
    let status =
        ObjectBuilder::new().schema_type(SchemaType::new(Type::Integer)).enum_values(Some([refusal.status]));
    let codes = refusal.codes.iter().map(|code| code.as_str());
    let code = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(codes));
    let own = ObjectBuilder::new().property("status", status).property("code", code);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(Problem::name())).item(own).build();
    let content = ContentBuilder::new().schema(Some(RefOr::T(Schema::AllOf(schema)))).build();
    let answer =
        ResponseBuilder::new().description(refusal.description).content("application/problem+json", content);
    match refusal.header {
        Some((name, what)) => {
            let kind = if name == "Retry-After" { Type::Integer } else { Type::String };
            let kind = ObjectBuilder::new().schema_type(SchemaType::new(kind));
            answer
                .header(name, HeaderBuilder::new().schema(Some(kind)).description(Some(what)).build())
                .build()
        }
        None => answer.build(),
    }
}

/// The rows of these statuses, by reference.
fn rows(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let named = TABLE.iter().filter(|refusal| statuses.contains(&refusal.status));
    named.map(|row| (row.status.to_string(), RefOr::Ref(Ref::from_response_name(row.name)))).collect()
}

macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident: $statuses:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                rows(&$statuses)
            }
        }
    )*};
}

groups! {
    /// What every operation can answer that asks who one is.
    Guarded: [401, 403, 500, 503];
    /// What an operation can answer that takes a cookie away or sets one: who one is plays no part.
    Sent: [403, 500, 503];
    /// What every operation can answer that takes a body.
    WithBody: [400, 408, 413, 422];
    /// A query parameter or a header that breaks its rule.
    Malformed: [400];
    /// What is asked for is not there.
    Missing: [404];
    /// It contradicts what is there.
    Clash: [409];
    /// JSON, a room key or an id that breaks a rule.
    Unprocessable: [422];
    /// It can be asked for too often.
    Paced: [429];
}
