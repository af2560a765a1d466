//! One WebSocket connection of the fake server.

use std::sync::atomic::Ordering::Relaxed;

use futures::{SinkExt, StreamExt};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::CloseFrame,
    },
};
use uuid::Uuid;

use super::{
    SECRET, Shared,
    room::{Member, Said},
    socketio,
};

struct Connection<'a> {
    shared: &'a Shared,
    number: u64,
    user: String,
    frames: mpsc::Sender<String>,
    socketio: bool,
}

pub async fn serve(stream: TcpStream, shared: &Shared) {
    let (mut token, mut socketio) = (String::new(), false);
    #[allow(clippy::result_large_err)] // the library's signature
    let keep_token = |request: &Request, response: Response| {
        socketio = request.uri().path() == "/socket.io/";
        token = request.uri().query().unwrap_or_default().trim_start_matches("token=").to_owned();
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async(stream, keep_token).await else { return };
    if socketio {
        let Some(said) = socketio::welcome(&mut socket).await else { return };
        token = said;
    }
    let Some(user) = user_of(&token) else { return close(&mut socket, 1008).await };
    let (frames, mut outgoing) = mpsc::channel(10_000);
    let number = shared.connections.fetch_add(1, Relaxed);
    let connection = Connection { shared, number, user, frames, socketio };
    loop {
        tokio::select! {
            frame = outgoing.recv() => {
                let Some(frame) = frame else { break };
                let packets = if socketio { socketio::packets(&frame, &shared.habits) } else { vec![frame] };
                for packet in packets {
                    if socket.feed(Message::text(packet)).await.is_err() { break }
                }
                if socket.flush().await.is_err() { break }
            }
            message = socket.next() => {
                let Some(Ok(Message::Text(text))) = message else { break };
                let command = if socketio { socketio::command(&text) } else { text.to_string() };
                if let Some(code) = connection.take(&command).await {
                    connection.leave();
                    if socketio && code >= 4500 {
                        let _ = socket.send(Message::text("41")).await;
                    }
                    return close(&mut socket, code).await;
                }
            }
        }
    }
    connection.leave();
}

fn accepted(said: &Said, command: &Value) -> Value {
    json!({"type": "accepted", "id": said.id, "seq": said.seq, "epoch": said.epoch, "ref": command["ref"]})
}

async fn close(socket: &mut WebSocketStream<TcpStream>, code: u16) {
    let _ = socket.close(Some(CloseFrame { code: code.into(), reason: "".into() })).await;
    while let Some(Ok(_)) = socket.next().await {}
}

pub fn user_of(token: &str) -> Option<String> {
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let claims = jsonwebtoken::decode::<Value>(token, &key, &Validation::new(Algorithm::HS256)).ok()?;
    claims.claims["sub"].as_str().map(str::to_owned)
}

impl Connection<'_> {
    /// Takes a command; the answer is a code to close with.
    async fn take(&self, text: &str) -> Option<u16> {
        let command: Value = serde_json::from_str(text).unwrap();
        let room = command["roomId"].as_str().unwrap().to_owned();
        match command["type"].as_str().unwrap() {
            "join_room" => {
                self.join(&room, &command);
                None
            }
            "leave_room" => {
                self.leave_room(&room);
                self.answer(&json!({"type": "left", "roomId": room, "ref": command["ref"]}));
                None
            }
            "chat" => self.chat(&room, &command).await,
            other => panic!("the swarm sent {other}"),
        }
    }

    fn answer(&self, frame: &Value) {
        self.frames.try_send(frame.to_string()).expect("the tests never fill this queue");
    }

    fn join(&self, name: &str, command: &Value) {
        let habits = &self.shared.habits;
        let mut rooms = self.shared.rooms.lock().unwrap();
        let room = rooms.entry(name.to_owned()).or_default();
        let mut joined = json!({"type": "joined", "roomId": name, "seq": room.head, "epoch": room.epoch(),
                                "members": 1, "history": [], "ref": command["ref"]});
        if let Some(since) = command["since"].as_u64() {
            let same_epoch = command["epoch"].as_u64() == Some(room.epoch());
            let recovered = same_epoch && !habits.forgets;
            let missed = room.log.iter().filter(|said| said.seq > since).map(|said| said.frame(name));
            let page: Vec<Value> = match (recovered, habits.lies) {
                (true, true) => Vec::new(),
                (true, false) => missed.collect(),
                (false, _) => room.log.last().map(|said| said.frame(name)).into_iter().collect(),
            };
            joined["recovered"] = recovered.into();
            if habits.replays_as_frames && recovered {
                page.iter().for_each(|frame| self.answer(frame));
            } else {
                joined["history"] = page.into();
            }
        }
        self.answer(&joined);
        let member = Member { connection: self.number, user: self.user.clone(), frames: self.frames.clone() };
        room.members.push(member);
    }

    async fn chat(&self, name: &str, command: &Value) -> Option<u16> {
        let habits = &self.shared.habits;
        let count = self.shared.next_chat();
        if self.shared.is_turn(count, habits.refuses_every) {
            self.answer(&json!({"type": "error", "code": "overloaded", "message": "later",
                                "retryAfterMs": 20, "ref": command["ref"]}));
            return None;
        }
        if let Some(said) = self.accept(name, command) {
            self.store(name, &said).await;
        }
        let (every, code) = habits.closes_every?;
        self.shared.is_turn(count, Some(every)).then_some(code)
    }

    /// A new message, told to everyone; or the first one's frame for a repeated client id.
    fn accept(&self, name: &str, command: &Value) -> Option<Said> {
        let text = command["message"].as_str().unwrap();
        // Without a client id every message is new.
        let unnamed = Uuid::now_v7().to_string();
        let client_id = command["clientId"].as_str().unwrap_or(&unnamed);
        let mut rooms = self.shared.rooms.lock().unwrap();
        let room = rooms.get_mut(name).unwrap();
        match room.known(&self.user, client_id) {
            Some(said) if !self.shared.habits.doubles => {
                let answer = if self.socketio { accepted(said, command) } else { said.frame(name) };
                self.answer(&answer);
                None
            }
            Some(_) | None => {
                let said = room.say(name, &self.user, client_id, text, &self.shared.habits);
                self.acknowledge(&said, command);
                Some(said)
            }
        }
    }

    /// The acknowledgement of a message that was new.
    fn acknowledge(&self, said: &Said, command: &Value) {
        let habits = &self.shared.habits;
        if !self.socketio || habits.swallows_ack == Some(said.seq) {
            return;
        }
        if habits.contradicts_ack == Some(said.seq) {
            return self.answer(&accepted(&Said { id: Uuid::now_v7(), ..said.clone() }, command));
        }
        (0..=u8::from(habits.doubles_acks)).for_each(|_| self.answer(&accepted(said, command)));
    }

    async fn store(&self, name: &str, said: &Said) {
        let Some(database) = &self.shared.database else { return };
        let habits = &self.shared.habits;
        let times = match Some(said.seq) {
            seq if seq == habits.loses_row => 0,
            seq if seq == habits.doubles_row => 2,
            _ => 1,
        };
        for _ in 0..times {
            sqlx::query("INSERT INTO messages (id, room, epoch, seq, user_id, client_id, kind) VALUES ($1, $2, $3, $4, $5, $6, 'message')")
                .bind(said.id.as_bytes().to_vec())
                .bind(format!("room:{name}"))
                .bind(said.epoch as i64)
                .bind(said.seq as i64)
                .bind(&said.user)
                .bind(&said.client_id)
                .execute(database)
                .await
                .unwrap();
        }
    }

    fn leave_room(&self, name: &str) {
        if let Some(room) = self.shared.rooms.lock().unwrap().get_mut(name) {
            room.members.retain(|member| member.connection != self.number);
        }
    }

    fn leave(&self) {
        for room in self.shared.rooms.lock().unwrap().values_mut() {
            room.members.retain(|member| member.connection != self.number);
        }
    }
}
