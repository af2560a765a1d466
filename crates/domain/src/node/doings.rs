//! What a client does beside messages: reading, writing, calling, and going on with a fresh token.

use std::sync::Arc;

use super::Session;
use super::history::unavailable;
use super::session::Outcome;
use crate::dialect::Answer;
use crate::ports::{PortError, Touched};
use crate::words::{Call, Code, Fault, Kind, MessageId, RoomId, Sign, Signal, Whisper};

/// What a client that does something passing is told.
fn done(passed: Result<(), PortError>) -> Outcome {
    match passed {
        Ok(()) => Outcome::Answer(Answer::Done),
        Err(error) => Outcome::refused(unavailable(&error)),
    }
}

impl Session {
    /// Everything up to the message is read.
    pub(super) async fn read(self: Arc<Self>, room: RoomId, message: MessageId) -> Outcome {
        match self.move_cursor(&room, message).await {
            Err(fault) => Outcome::refused(fault),
            Ok(false) => Outcome::Answer(Answer::Done),
            Ok(true) => {
                let sign = Sign::Read { message, reader: self.identity.user.clone() };
                done(self.node.whisper(room, Some(self.outbound.id()), Whisper::Show(sign)).await)
            }
        }
    }

    /// Whether the reader's cursor moved.
    async fn move_cursor(&self, room: &RoomId, message: MessageId) -> Result<bool, Fault> {
        let away = |error: PortError| unavailable(&error);
        let found = self.node.reading().find(room, message).await.map_err(away)?;
        let Some(found) = found.filter(|found| found.kind == Kind::Message) else {
            return Err(Fault::new(Code::NotFound, "no such message"));
        };
        if !self.node.is_exclusive(room) {
            // Open rooms have no participants, hence no cursors: the receipt itself is all there is.
            return Ok(true);
        }
        let directory = self.node.directory();
        let touched =
            directory.touch(room, &self.identity.user, message, found.position, found.sent_at).await;
        match touched.map_err(away)? {
            Touched::Moved => Ok(true),
            Touched::Stood => Ok(false),
            Touched::NotThere => Err(Fault::new(Code::NotAParticipant, "only participants read here")),
        }
    }

    /// Begins or stops to write.
    pub(super) async fn write(self: Arc<Self>, room: RoomId, active: bool) -> Outcome {
        let sign = Sign::Typing { who: self.identity.author(), active };
        done(self.node.whisper(room, Some(self.outbound.id()), Whisper::Show(sign)).await)
    }

    /// The others do not see this client write any more; if they do not hear it, it ends by itself.
    pub(super) async fn stop_writing(&self, room: RoomId) {
        let sign = Sign::Typing { who: self.identity.author(), active: false };
        if let Err(error) = self.node.whisper(room, None, Whisper::Show(sign)).await {
            tracing::debug!(%error, "a stop could not be told");
        }
    }

    /// Sends a call signal to everybody on the other user's side.
    pub(super) async fn call(self: Arc<Self>, call: Call) -> Outcome {
        let Call { to, kind, data } = call;
        match self.node.directory().share_a_chat(&self.identity.user, &to).await {
            Err(error) => Outcome::refused(unavailable(&error)),
            Ok(false) => Outcome::refused(Fault::new(Code::Forbidden, "you share no chat with this user")),
            Ok(true) => {
                let signal = Signal { from: self.identity.user.clone(), kind, data };
                let whisper = Whisper::Show(Sign::Signal(signal));
                let room = RoomId::of_user(&to);
                done(self.node.whisper(room, Some(self.outbound.id()), whisper).await)
            }
        }
    }

    /// Goes on with a fresh token of the same user.
    pub(super) async fn refresh(self: Arc<Self>, token: Box<str>) -> Outcome {
        match self.node.tokens().verify(&token).await {
            None => Outcome::refused(Fault::new(Code::Unauthorized, "this token is not good")),
            Some(identity) if identity.user != self.identity.user => {
                Outcome::refused(Fault::new(Code::Forbidden, "this is another user's token"))
            }
            Some(identity) => match self.node.ruling_against(&identity) {
                Some(ruling) => {
                    self.report(ruling);
                    Outcome::refused(Fault::new(Code::Unauthorized, "this token is not good"))
                }
                None => Outcome::Refreshed(Box::new(identity)),
            },
        }
    }
}
