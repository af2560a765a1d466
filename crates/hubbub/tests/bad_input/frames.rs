//! Frames that are wrong: answered with their code, and the connection goes on.

use serde_json::json;

use super::Pair;
use super::support::client::{Client, End};

/// Cases for one connection: below the number of bad frames that ends it.
const PER_CONNECTION: usize = 9;

async fn all_are_refused(cases: &[(String, &str)]) {
    for cases in cases.chunks(PER_CONNECTION) {
        let mut pair = Pair::apart().await;
        for (frame, code) in cases {
            let shown: String = frame.chars().take(120).collect();
            println!("{code}: {shown}");
            pair.offender.text(frame.replace("ROOM", &pair.room)).await;
            pair.is_refused(code).await;
            pair.both_go_on().await;
        }
    }
}

fn cases<'a>(code: &'a str, frames: &[&str]) -> Vec<(String, &'a str)> {
    frames.iter().map(|frame| ((*frame).to_owned(), code)).collect()
}

#[tokio::test]
async fn what_is_no_json_object_is_an_invalid_message() {
    all_are_refused(&cases(
        "invalid_message",
        &[
            "",
            " ",
            "hello",
            "{",
            r#"{"type":"chat""#,
            r#"{"type":"chat","roomId":"ROOM","message":"a"} b"#,
            r#"{'type':'chat'}"#,
            "[]",
            r#"["chat","ROOM","a"]"#,
            r#""chat""#,
            "null",
            "true",
            "7",
            "\u{feff}{}",
        ],
    ))
    .await;
}

#[tokio::test]
async fn wrong_and_missing_types_are_named() {
    let mut all = cases(
        "invalid_message",
        &["{}", r#"{"type":null}"#, r#"{"type":7}"#, r#"{"type":["chat"]}"#, r#"{"type":{"a":"chat"}}"#],
    );
    all.extend(cases("unknown_type", &[r#"{"type":"dance"}"#, r#"{"type":""}"#, r#"{"type":"CHAT"}"#]));
    all_are_refused(&all).await;
}

#[tokio::test]
async fn fields_that_are_missing_or_of_a_wrong_type_are_invalid_messages() {
    let join = |field: &str| format!(r#"{{"type":"join_room","roomId":"ROOM",{field}}}"#);
    let chat = |field: &str| format!(r#"{{"type":"chat","roomId":"ROOM",{field}}}"#);
    let mut all = cases(
        "invalid_message",
        &[
            r#"{"type":"join_room"}"#,
            r#"{"type":"join_room","roomId":null}"#,
            r#"{"type":"join_room","roomId":true}"#,
            r#"{"type":"join_room","roomId":["ROOM"]}"#,
            r#"{"type":"join_room","roomId":{"id":"ROOM"}}"#,
            r#"{"type":"leave_room"}"#,
            r#"{"type":"chat","message":"a"}"#,
            r#"{"type":"chat","roomId":"ROOM"}"#,
        ],
    );
    let joins = [r#""since":-1"#, r#""since":"5""#, r#""since":1.5"#, r#""epoch":0"#, r#""epoch":"1""#];
    let pages = [r#""history":101"#, r#""history":-1"#, r#""history":"10""#];
    all.extend(joins.iter().chain(&pages).map(|field| (join(field), "invalid_message")));
    let texts = [r#""message":null"#, r#""message":7"#, r#""message":["a"]"#, r#""message":{"text":"a"}"#];
    all.extend(texts.iter().map(|field| (chat(field), "invalid_message")));
    let id = |id: &str| (chat(&format!(r#""message":"a","clientId":{id}"#)), "invalid_message");
    all.extend(["7", "\"\"", &format!("\"{}\"", "x".repeat(65))].map(id));
    all.push((chat(r#""message":"a","message":"b""#), "invalid_message"));
    all_are_refused(&all).await;
}

#[tokio::test]
async fn text_that_is_empty_or_has_nul_or_half_a_character_is_an_invalid_message() {
    let texts =
        ["", " ", r"\n\t \r", "\u{a0}\u{2003}\u{3000}", r"a\u0000b", "a\u{0}b", r"\ud800", r"a\udc00"];
    let frame = |text: &str| format!(r#"{{"type":"chat","roomId":"ROOM","message":"{text}"}}"#);
    all_are_refused(&texts.map(|text| (frame(text), "invalid_message"))).await;
}

#[tokio::test]
async fn a_name_that_is_not_legal_is_an_invalid_room() {
    let too_long = format!("\"{}\"", "x".repeat(129));
    let rooms = [
        r#""""#,
        r#"" ""#,
        r#""a b""#,
        r#""a/b""#,
        r#""ä""#,
        r#""a\u0000""#,
        r#""a\n""#,
        "-1",
        "7.5",
        "9007199254740992",
        "1e300",
        &too_long,
    ];
    let mut all = Vec::new();
    for room in rooms {
        all.push((format!(r#"{{"type":"join_room","roomId":{room}}}"#), "invalid_room"));
    }
    all.push((r#"{"type":"chat","roomId":"a b","message":"a"}"#.to_owned(), "invalid_room"));
    all.push((r#"{"type":"leave_room","room":"a b"}"#.to_owned(), "invalid_room"));
    all_are_refused(&all).await;
}

#[tokio::test]
async fn deep_nesting_is_an_invalid_message() {
    let inside = |value: String| {
        (format!(r#"{{"type":"chat","roomId":"ROOM","message":"a","more":{value}}}"#), "invalid_message")
    };
    let (lists, objects) = (30_000, 10_000);
    all_are_refused(&[
        ("[".repeat(60_000), "invalid_message"),
        (r#"{"a":"#.repeat(objects), "invalid_message"),
        inside("[".repeat(lists) + &"]".repeat(lists)),
        inside(r#"{"a":"#.repeat(objects) + "1" + &"}".repeat(objects)),
        (format!(r#"{{"type":{}"#, "[".repeat(lists)), "invalid_message"),
    ])
    .await;
}

#[tokio::test]
async fn who_has_not_joined_or_has_left_cannot_speak() {
    let mut pair = Pair::apart().await;
    pair.offender.say("somewhere-else", "let me in").await;
    pair.is_refused("not_in_room").await;
    pair.both_go_on().await;
    let room = pair.room.clone();
    pair.offender.send(&json!({ "type": "leave_room", "room": room })).await;
    assert_eq!(pair.offender.next().await, json!({ "type": "left", "roomId": room }));
    pair.offender.say(&room, "and yet I speak").await;
    pair.is_refused("not_in_room").await;
    pair.bystander_goes_on().await;
    // Leaving twice is fine, and none of this counts as a bad frame.
    pair.offender.send(&json!({ "type": "leave_room", "roomId": room })).await;
    assert_eq!(pair.offender.next().await["type"], "left");
}

#[tokio::test]
async fn binary_that_is_no_utf8_is_refused_and_text_that_is_none_is_closed_with_1007() {
    let mut pair = Pair::apart().await;
    for bytes in [&b"\xff\xfe"[..], b"{\"type\":\"chat\",\"message\":\"\xc3\"}", b"\xed\xa0\x80", b""] {
        pair.offender.binary(bytes).await;
        pair.is_refused("invalid_message").await;
        pair.both_go_on().await;
    }
    pair.offender.unchecked_text(b"{\"type\":\"chat\",\"message\":\"\xc3\x28\"}").await;
    let (frames, end) = pair.offender.end().await;
    assert!(frames.is_empty() && matches!(end, End::Closed(1007, _)), "{frames:?} {end:?}");
    pair.bystander_goes_on().await;
}

#[tokio::test]
async fn a_binary_frame_of_good_json_is_a_command_like_any_other() {
    let gateways = super::gateways().await;
    let mut client = Client::of(&super::fresh("binary"), gateways.gateways[0].public).await;
    client.binary(br#"{"type":"join_room","roomId":7,"history":0}"#).await;
    assert_eq!(client.next().await["roomId"], 7);
}
