//! The document of the socket doors: that it is the committed one, and that it is true of what is read and written.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "../properties/anything.rs"]
mod anything;
#[path = "../../examples/asyncapi/document/mod.rs"]
mod document;

mod checker;
mod clients;
mod frames;
mod references;
mod server;

const COMMITTED: &str = include_str!("../../../../docs/asyncapi.json");

#[test]
fn the_committed_document_is_what_the_code_says() {
    let same = COMMITTED == document::text();
    let regenerate = "cargo run -p wire --example asyncapi > docs/asyncapi.json";
    assert!(same, "docs/asyncapi.json is not what the code describes; run: {regenerate}");
}
