//! The history endpoint of the fake server: one request per connection, just enough HTTP.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Shared, socket::user_of};

pub async fn answer(mut stream: TcpStream, shared: &Shared) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let request = String::from_utf8(request).unwrap();
    let (status, body) = match page(&request, shared) {
        Some(body) => ("200 OK", body.to_string()),
        None => ("401 Unauthorized", String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

/// Pages of three messages, so that walking is needed.
fn page(request: &str, shared: &Shared) -> Option<Value> {
    let bearer = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer "))?;
    user_of(bearer)?;
    let path = request.split(' ').nth(1)?.strip_prefix("/api/rooms/room%3A")?;
    let (room, query) = path.split_once("/messages?before=")?;
    let before: u64 = query.strip_suffix("&limit=100")?.parse().ok()?;
    let rooms = shared.rooms.lock().unwrap();
    let older: Vec<Value> =
        rooms.get(room)?.log.iter().filter(|said| said.seq < before).map(|said| said.frame(room)).collect();
    let page = &older[older.len().saturating_sub(3)..];
    let mut body = json!({"messages": page});
    if older.len() > page.len() {
        body["nextBefore"] = page[0]["seq"].clone();
    }
    Some(body)
}
