//! A message type of one's own, in one file: the whole of Hubbub, whose hub understands `roll` as well.
//!
//! ```text
//! cargo run -p hubbub --example dice -- dev
//! C> {"type":"roll","sides":6,"ref":1}
//! S> {"type":"rolled","value":4,"ref":1}
//! ```
//!
//! With a `roomId`, a bare name of a room that the client has joined, the number is said there too, by the same rules as
//! everything that the client says: who is not in the room is refused, and the message is kept and delivered everywhere.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use domain::task::{Client, Reply, Task};
use domain::words::{Code, Content, Fault, Namespace, RoomId};
use serde_json::{Value, json};
use wire::types::{CustomHandler, Field, Object};

fn main() -> ExitCode {
    // `for_role(Role::Moderator)` would keep others from it. A roll costs as much as two other commands.
    hubbub::run(vec![CustomHandler::custom("roll", FIELDS, read).costing(2)])
}

/// For the documentation of the sockets.
const FIELDS: &[Field] = &[
    Field::required("sides", "how many sides the die has, 2 to 100"),
    Field::optional("roomId", "the name of a room in which the number is said as well"),
];

/// What a frame of this type asks for, read and checked.
#[derive(Debug)]
struct Roll {
    sides: u64,
    room: Option<RoomId>,
}

/// Checks the fields. No waiting here: that is what the task is for.
fn read(fields: &Object) -> Result<Arc<dyn Task>, Fault> {
    let sides = fields.get("sides").and_then(Value::as_u64).filter(|sides| (2..=100).contains(sides));
    let sides =
        sides.ok_or_else(|| Fault::new(Code::InvalidMessage, "sides must be a number from 2 to 100"))?;
    let room = match fields.get("roomId") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(room(name)?),
        Some(_) => return Err(Fault::new(Code::InvalidMessage, "roomId must be a string")),
    };
    Ok(Arc::new(Roll { sides, room }))
}

fn room(name: &str) -> Result<RoomId, Fault> {
    RoomId::new(Namespace::Room, name).map_err(|_| Fault::new(Code::InvalidRoom, "no room has this name"))
}

#[async_trait]
impl Task for Roll {
    async fn run(&self, client: &dyn Client) -> Result<Reply, Fault> {
        let value = rand::random_range(1..=self.sides);
        if let Some(room) = &self.room {
            client.say(room, Content::text(format!("rolled {value} of {}", self.sides)), None).await?;
        }
        Ok(Reply::Text(json!({ "type": "rolled", "value": value }).to_string().into()))
    }
}
