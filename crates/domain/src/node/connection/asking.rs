//! What the client says, and what it may ask.

use std::time::Duration;

use tokio::time::Instant;

use super::{Connection, Inbound, Underway, Work};
use crate::dialect::{Answer, Request};
use crate::node::Transport;
use crate::node::patience::Over;
use crate::words::{CloseReason, Code, Command, Fault, Join, Role, RoomId};

fn too_many(wait: Duration) -> Fault {
    Fault::retry(Code::RateLimited, "too many commands", wait)
}

impl<T: Transport> Connection<T> {
    pub(super) fn hear(&mut self, inbound: Inbound) -> Result<(), Over> {
        self.lifetime.heard();
        match inbound {
            Inbound::Alive => Ok(()),
            Inbound::Answered => {
                self.prove();
                Ok(())
            }
            Inbound::Gone => Err(Over(CloseReason::Normal)),
            Inbound::Goodbye => {
                self.says_goodbye = true;
                Err(Over(CloseReason::Normal))
            }
            Inbound::TooLarge => Err(Over(CloseReason::FrameTooLarge)),
            Inbound::Frame(frame) => {
                self.next = Some(self.session.door.dialect.decode(&frame));
                Ok(())
            }
        }
    }

    pub(super) fn has_next(&self) -> bool {
        let waits =
            self.next.is_some() || self.start.is_some() || !self.summons.is_empty() || self.seats.is_ailing();
        waits && self.underway.work.is_none()
    }

    /// Takes up what comes next, when no command is under way: the opening, then healing, then rooms that the user was
    /// added to, then the client's next command.
    pub(super) async fn go_on(&mut self) -> Result<(), Over> {
        if self.open_next() || self.heal_next() || self.enter_next() {
            return Ok(());
        }
        match self.next.take() {
            None => Ok(()),
            Some(Ok(request)) => self.ask(request).await,
            Some(Err(misread)) => {
                let fault = self.charge(misread.fault);
                self.refuse(fault, misread.reference.as_deref()).await
            }
        }
    }

    async fn ask(&mut self, request: Request) -> Result<(), Over> {
        let Request { command, reference, role, cost } = request;
        let marked = self.session.door.dialect.acknowledges(reference.as_deref());
        let begun = match self.bucket.take(cost, Instant::now()) {
            Ok(()) if self.session.identity.role < role => Err(self.deny(role)),
            Ok(()) => self.begin(command, marked),
            Err(wait) => Err(too_many(wait)),
        };
        match begun {
            Ok(work) => {
                let inline = self.session.door.dialect.inlines_history().then(Vec::new);
                self.underway = Underway { work: Some(work), reference, inline, inline_bytes: 0 };
                Ok(())
            }
            Err(fault) => self.refuse(fault, reference.as_deref()).await,
        }
    }

    /// What cannot be read costs as much as a command, unless it is counted as a bad frame: of those few are taken anyway.
    fn charge(&mut self, fault: Fault) -> Fault {
        if fault.code.is_bad_frame() && self.session.node.limits().bad_frames > 0 {
            return fault;
        }
        match self.bucket.take(1, Instant::now()) {
            Ok(()) => fault,
            Err(wait) => too_many(wait),
        }
    }

    fn deny(&self, least: Role) -> Fault {
        self.session.report("role_denied");
        Fault::new(Code::Forbidden, format!("this needs the role {}", least.as_str()))
    }

    fn begin(&mut self, command: Command, marked: bool) -> Result<Work, Fault> {
        let session = self.session.clone();
        Ok(match command {
            Command::Join(join) => return self.begin_join(join),
            Command::Leave(room) => {
                let writing = self.seats.begin_leave(&room.id);
                Box::pin(session.leave(room, writing))
            }
            Command::Say(say) => {
                let seated = self.is_seated(&say.room.id);
                Box::pin(session.say(say, seated, marked))
            }
            Command::Amend(amend) => {
                let seated = self.is_seated(&amend.room.id);
                Box::pin(session.amend(amend, seated, marked))
            }
            Command::Read { room, message } => {
                if !session.node.is_exclusive(&room.id) {
                    self.must_be_in(&room.id)?;
                } else if !session.identity.may_enter(&room.id) {
                    return Err(Fault::new(Code::Forbidden, "this token may not read this chat"));
                }
                Box::pin(session.read(room.id, message))
            }
            Command::Type { room, active } => {
                self.must_be_in(&room.id)?;
                self.seats.set_typing(&room.id, active);
                Box::pin(session.write(room.id, active))
            }
            Command::Call(call) => Box::pin(session.call(call)),
            Command::Refresh(token) => Box::pin(session.refresh(token)),
            Command::History { room, before, limit } => Box::pin(session.page(room, before, limit)),
            Command::Users => Box::pin(session.users()),
            Command::Stats => {
                let watched = self.seats.watched();
                Box::pin(session.stats(watched))
            }
            Command::Announce { scope, message } => Box::pin(session.announce(scope, message)),
            Command::Ping => Box::pin(session.pong()),
            Command::Custom(custom) => Box::pin(session.run(custom.0)),
        })
    }

    fn begin_join(&mut self, join: Join) -> Result<Work, Fault> {
        let session = self.session.clone();
        session.may_join(&join.room.id)?;
        let others = if join.alone { self.seats.begin_leave_others(&join.room.id) } else { Vec::new() };
        let seen = self.seats.take(&join.room, session.node.limits().rooms)?;
        Ok(Box::pin(session.join(join, seen, others)))
    }

    /// Whether the client is in the room. Where membership is exclusive the hub must have it there as well: whoever was
    /// put out a moment ago does not know it yet.
    fn is_seated(&self, room: &RoomId) -> bool {
        if self.session.node.is_exclusive(room) { self.is_in(room) } else { self.seats.contains(room) }
    }

    fn must_be_in(&self, room: &RoomId) -> Result<(), Fault> {
        if self.is_seated(room) {
            return Ok(());
        }
        if self.session.node.is_exclusive(room) {
            return Err(Fault::new(
                Code::NotAParticipant,
                "only participants who joined this chat may do this",
            ));
        }
        Err(Fault::new(Code::NotInRoom, "join the room first"))
    }

    /// Answers a "no", and ends the connection of a client that does not take it.
    pub(super) async fn refuse(&mut self, fault: Fault, reference: Option<&str>) -> Result<(), Over> {
        let (now, limits) = (Instant::now(), self.session.node.limits());
        let (bad_frames, refusals) = (limits.bad_frames, limits.rate_limited);
        let code = fault.code;
        metrics::counter!("hubbub_refused_commands_total", "code" => code.as_str()).increment(1);
        self.say(&Answer::Refused(fault), reference).await?;
        if code.is_bad_frame() && self.bad_frames.add(bad_frames, now) {
            self.session.report("bad_frames");
            return Err(Over(CloseReason::BadFrames));
        }
        if code == Code::RateLimited {
            if self.refusals.is_clear(now) {
                // Once a minute is enough for the log.
                self.session.report("rate_limited");
            }
            if self.refusals.add(refusals, now) {
                self.session.report("rate_abused");
                return Err(Over(CloseReason::RateAbused));
            }
        }
        Ok(())
    }
}
