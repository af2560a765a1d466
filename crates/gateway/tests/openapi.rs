//! The description of the HTTP API: that it is the committed one, that it is true of the routes, and its page.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::collections::HashSet;

use common::edge::{Answer, Edge, Plan, request};
use serde_json::{Map, Value};

const COMMITTED: &str = include_str!("../../../docs/openapi.json");
const REGENERATE: &str = "make describe";

/// Each operation: path, method, description.
fn operations() -> Vec<(String, String, Map<String, Value>)> {
    let document: Value = serde_json::from_str(COMMITTED).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let each = |(path, methods): (String, Value)| {
        let methods = methods.as_object().unwrap().clone();
        methods.into_iter().map(move |(method, operation)| {
            (path.clone(), method.to_uppercase(), operation.as_object().unwrap().clone())
        })
    };
    paths.into_iter().flat_map(each).collect()
}

/// The path with something in the place of each parameter.
fn filled(path: &str) -> String {
    path.replace("{room}", "room:a").replace(|c| "{}".contains(c), "")
}

#[test]
fn the_committed_document_is_what_the_code_says() {
    let same = COMMITTED == gateway::openapi_json();
    assert!(same, "docs/openapi.json is not what the code describes; run: {REGENERATE}");
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_who_may_and_what_can_go_wrong() {
    let mut names = HashSet::new();
    for (path, method, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name.clone()), "two operations are called {name}");
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
        let asks = operation["security"].as_array().unwrap().iter().any(|way| way != &serde_json::json!({}));
        let mut statuses = Vec::new();
        if asks {
            statuses.extend(["401", "403", "500", "503"]);
        }
        if operation.contains_key("requestBody") {
            statuses.extend(["400", "408", "413", "422"]);
        }
        for status in statuses {
            assert!(
                operation["responses"].get(status).is_some(),
                "{method} {path} does not describe {status}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_described_is_routed_and_nothing_else_of_those_paths_is() {
    let edge = Edge::start(Plan::default()).await;
    let described = operations();
    for (path, method, operation) in &described {
        let answer = request(edge.address, method, &filled(path), &[("Content-Length", "0")]).await;
        let known = operation["responses"].get(answer.status.to_string()).is_some();
        assert!(known, "{method} {path} answers {}: {}", answer.status, answer.body);
        assert!(!answer.body.contains("there is nothing here"), "{method} {path} is not routed");
    }
    for (path, _, _) in &described {
        let answer = request(edge.address, "TRACE", &filled(path), &[]).await;
        assert_eq!(answer.problem(), (405, "invalid_message".to_owned()), "{path}");
        let allowed: HashSet<String> =
            answer.header("allow").unwrap().split(',').map(str::to_owned).collect();
        let mut expected: HashSet<String> =
            described.iter().filter(|other| other.0 == *path).map(|other| other.1.clone()).collect();
        if expected.contains("GET") {
            expected.insert("HEAD".to_owned());
        }
        assert_eq!(allowed, expected, "{path}");
    }
}

#[tokio::test]
async fn the_document_is_for_everybody() {
    let edge = Edge::start(Plan::default()).await;
    let answer = edge.get("/api/openapi.json", &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.body, COMMITTED);
}

#[tokio::test]
async fn the_page_and_all_that_it_asks_for_come_from_here() {
    let edge = Edge::start(Plan::default()).await;
    for path in ["/api/docs", "/api/docs/"] {
        let page = edge.get(path, &[]).await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(policy(&page).contains("script-src 'self'; "), "{}", policy(&page));
        for (attribute, kind) in [("src=\"", "javascript"), ("stylesheet\" href=\"", "text/css")] {
            for place in page.body.split(attribute).skip(1) {
                let place = place.split('"').next().unwrap();
                let file = edge.get(place, &[]).await;
                assert_eq!(file.status, 200, "{place}");
                assert!(file.header("content-type").unwrap().contains(kind), "{place}");
            }
        }
    }
    let missing = edge.get("/api/docs/nothing.js", &[]).await;
    assert_eq!(missing.problem(), (404, "not_found".to_owned()));
    let other = edge.get("/api/openapi.json", &[]).await;
    assert_eq!(policy(&other), "default-src 'none'; frame-ancestors 'none'", "only the page needs more");
}

fn policy(answer: &Answer) -> &str {
    answer.header("content-security-policy").unwrap()
}
