//! Doors: from an upgrade request to a connection that the node serves.
//!
//! Owns the order of refusals, all before the upgrade unless the door's profile says that its clients
//! can only read a close code. Owns no dialect: a door carries its own.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use domain::node::{Door, Transport, Visitor};
use domain::words::{CloseReason, Code, Refusal, RoomRef};
use futures::FutureExt;

use crate::accept::Peer;
use crate::auth::{Denied, Refused};
use crate::gateway::Gateway;
use crate::handshake::Handshake;
use crate::problem::Problem;
use crate::telemetry::{self, Counted};

/// Lets a client in at `door`, or refuses it in the way that the door's clients understand.
/// `room`: the one that the request's path names.
pub(crate) async fn enter(
    gateway: &Gateway,
    door: Arc<Door>,
    room: Option<RoomRef>,
    mut request: Request,
) -> Response {
    if gateway.node.is_draining() {
        telemetry::refused("draining");
        return Problem::draining().into_response();
    }
    let handshake = match Handshake::read(&mut request) {
        Ok(handshake) => handshake,
        Err(problem) => {
            telemetry::refused("handshake");
            return problem.into_response();
        }
    };
    let Some(Peer(peer)) = request.extensions().get().copied() else {
        return Problem::of(Code::Internal, "this connection has no peer").into_response();
    };
    let (headers, uri) = (request.headers(), request.uri());
    let address = gateway.authenticator.address(headers, peer);
    if let Err(wait) = gateway.authenticator.take_handshake(address, door.profile.name) {
        return Problem::too_many_handshakes(wait).into_response();
    }
    match gateway.authenticator.identify(headers, uri, peer, door.profile.name).await {
        Ok(identity) => {
            let node = Arc::clone(&gateway.node);
            handshake.complete(gateway.node.limits(), move |socket| {
                let counted = Counted::at(&door.profile);
                let visitor = Visitor { room, address: Some(address), ..Visitor::new(identity) };
                // No block: one that awaited what it has taken in would have room for it twice.
                node.serve(socket, door, visitor).map(move |_| drop(counted))
            })
        }
        Err(Refused::Origin) => {
            Problem::of(Code::Forbidden, "this origin may not use the cookie").into_response()
        }
        Err(Refused::Token(denied)) => turn_away(gateway, &door, handshake, denied),
    }
}

fn turn_away(gateway: &Gateway, door: &Door, handshake: Handshake, denied: Denied) -> Response {
    match door.profile.refusal {
        Refusal::Unauthorized => Problem::unauthorized("a valid token is needed").into_response(),
        Refusal::Close { missing, bad } => {
            let words = if denied == Denied::Missing { missing } else { bad };
            handshake.complete(gateway.node.limits(), move |mut socket| async move {
                socket.close(CloseReason::BadToken(words)).await;
            })
        }
    }
}
