//! The AsyncAPI document of every socket door: client messages from the tables that the doors read by, server messages
//! from tables of their own.
//!
//! Owns what the document says and in which order. It is no part of the product: a test holds it against the readers,
//! and against what is really written.

mod circumstances;
mod client;
mod doors;
mod ordered;
mod server;
mod shapes;
mod shared;

use serde_json::{Map, Value, json};

use client::Ask;
use doors::Door;
use server::Tell;

/// The document as it is committed: indented, always in the same order.
pub(crate) fn text() -> String {
    let document = document();
    serde_json::to_string_pretty(&ordered::Ordered(&document)).expect("JSON is written") + "\n"
}

/// The document.
pub(crate) fn document() -> Value {
    let doors = doors::all();
    json!({
        "asyncapi": "3.0.0",
        "info": circumstances::info(),
        "servers": circumstances::servers(),
        "defaultContentType": "application/json",
        "channels": each(&doors, |door| [(door.name.to_owned(), channel(door))]),
        "operations": each(&doors, operations),
        "components": {
            "messages": each(&doors, messages),
            "schemas": schemas(&doors),
            "securitySchemes": circumstances::security_schemes(),
            "correlationIds": circumstances::correlation_ids(),
        },
        "x-error-codes": circumstances::error_codes(),
        "x-close-codes": circumstances::close_codes(),
    })
}

/// One object of what every door has to add.
fn each<E: IntoIterator<Item = (String, Value)>>(doors: &[Door], entries: impl Fn(&Door) -> E) -> Value {
    doors.iter().flat_map(entries).collect::<Map<_, _>>().into()
}

fn channel(door: &Door) -> Value {
    let messages: Map<_, _> = keys(door)
        .map(|key| (key.clone(), reference(&format!("components/messages/{}.{key}", door.name))))
        .collect();
    json!({
        "address": door.address,
        "title": door.title,
        "description": door.description,
        "parameters": door.parameters,
        "messages": messages,
        "bindings": { "ws": {
            "method": "GET",
            "query": { "type": "object", "properties": door.query },
            "bindingVersion": "0.1.0",
        }},
    })
}

fn keys(door: &Door) -> impl Iterator<Item = String> {
    door.asks.iter().map(Ask::key).chain(door.tells.iter().map(Tell::key))
}

fn messages(door: &Door) -> Vec<(String, Value)> {
    let asks = door.asks.iter().map(|ask| (ask.key(), ask.message(door)));
    let tells = door.tells.iter().map(|tell| (tell.key(), tell.message(door)));
    asks.chain(tells).map(|(key, message)| (format!("{}.{key}", door.name), message)).collect()
}

fn schemas(doors: &[Door]) -> Value {
    let shared = shared::shared().into_iter().map(|(name, shape)| (name.to_owned(), shape));
    let told = doors.iter().flat_map(|door| {
        door.tells.iter().map(|tell| (format!("{}.{}", door.name, tell.key()), tell.payload(door)))
    });
    shared.chain(told).collect::<Map<_, _>>().into()
}

/// One operation for each message of a client, with its answers, and one for all that is told unasked.
fn operations(door: &Door) -> Vec<(String, Value)> {
    let in_channel = |key: &str| reference(&format!("channels/{}/messages/{key}", door.name));
    let channel = reference(&format!("channels/{}", door.name));
    let mut operations: Vec<_> = Vec::new();
    for ask in &door.asks {
        let answers: Vec<_> = ask.answers.iter().map(|key| in_channel(&format!("tell.{key}"))).collect();
        let operation = json!({
            "action": "receive",
            "channel": channel,
            "summary": ask.summary,
            "messages": [in_channel(&ask.key())],
            "reply": { "channel": channel, "messages": answers },
        });
        operations.push((format!("{}.{}", door.name, ask.key()), operation));
    }
    let unasked = door.tells.iter().filter(|tell| tell.unasked);
    let told: Vec<_> = unasked.map(|tell| in_channel(&tell.key())).collect();
    let summary = "What the server tells without being asked by this client.";
    let tell = json!({ "action": "send", "channel": channel, "summary": summary, "messages": told });
    operations.push((format!("{}.tell", door.name), tell));
    operations
}

/// A reference to a place in the document.
pub(super) fn reference(place: &str) -> Value {
    json!({ "$ref": format!("#/{place}") })
}
