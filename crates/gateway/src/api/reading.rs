//! Who may read which room over HTTP.

use domain::words::{Code, Identity, Namespace, RoomId};

use super::away;
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Refuses whoever may not read the room. Only for chats the directory is asked; while it is away they are refused.
pub(super) async fn may_read(gateway: &Gateway, identity: &Identity, room: &RoomId) -> Result<(), Problem> {
    match room.namespace() {
        // Whatever a token lists, everybody hears the lobby.
        Namespace::Lobby if room.name() == "main" => Ok(()),
        Namespace::Lobby | Namespace::Event | Namespace::User | Namespace::Cluster => {
            Err(Problem::of(Code::NotFound, "this room cannot be read"))
        }
        Namespace::Room | Namespace::Chat if !identity.may_enter(room) => Err(narrow()),
        Namespace::Room => Ok(()),
        Namespace::Chat => {
            let users = std::slice::from_ref(&identity.user);
            let found = gateway.node.directory().participants_among(room, users).await;
            // Whoever takes no part does not learn either whether the chat exists.
            if found.map_err(|error| away(&error))?.is_empty() { Err(outsider()) } else { Ok(()) }
        }
    }
}

/// Refuses a token for a list of rooms: what is asked for reaches beyond any list.
pub(super) fn unlisted(identity: &Identity) -> Result<(), Problem> {
    if identity.rooms.is_none() { Ok(()) } else { Err(narrow()) }
}

/// The token's list of rooms does not name this one.
pub(super) fn narrow() -> Problem {
    Problem::of(Code::Forbidden, "this token is not for this room")
}

/// The chat is not the caller's.
pub(super) fn outsider() -> Problem {
    Problem::of(Code::NotAParticipant, "only participants may do this")
}
