//! What `hubbub dev` prints when it is up: links to try it in a browser, and how to go on.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::command::token::fresh_name;
use crate::config::Secret;
use crate::exit::Exit;

/// Life of the demo users' tokens.
const DEMO: Duration = Duration::hours(24);

/// Prints the links of every node, one demo user per line.
pub fn print(nodes: &[SocketAddr], admin: SocketAddr, secret: &Secret, data: &Path) -> Result<(), Exit> {
    let expires = (OffsetDateTime::now_utc() + DEMO).unix_timestamp();
    let mut text = String::from("\nHubbub is up. Open a link per person (tokens live 24 hours):\n\n");
    for (index, name) in ["Alice", "Bob"].into_iter().enumerate() {
        let user = name.to_lowercase();
        let token = token(&user, name, expires, secret)?;
        let node = nodes[index % nodes.len()];
        text += &format!("  {name:<6} http://{node}/?token={token}\n");
    }
    let first = nodes[0];
    text += &format!(
        "\n  Hub        ws://{first}/ws?token=TOKEN\n  \
           Rooms      ws://{first}/?token=TOKEN\n  \
           Bookings   ws://{first}/ws/events/1?token=TOKEN\n  \
           Socket.IO  http://{first}  with auth: {{ token: TOKEN }}\n  \
           History    http://{first}/api/rooms/room:lounge/messages\n  \
           Internal   http://{admin}/metrics\n  \
           Data       {}\n\n\
         A token of your own:  hubbub token mint --user carol --username Carol -q --data {}\n\
         Stop with Ctrl-C; the history stays.\n\n",
        data.display(),
        data.display(),
    );
    // Nobody may be reading; that is no reason to stop serving.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    Ok(())
}

fn token(user: &str, name: &str, expires: i64, secret: &Secret) -> Result<String, Exit> {
    let issued = expires - DEMO.whole_seconds();
    let claims = json!({ "sub": user, "username": name, "jti": fresh_name(), "iat": issued, "exp": expires });
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.expose().as_bytes()))
        .map_err(|error| Exit::failure("cannot sign a demo token", error))
}
