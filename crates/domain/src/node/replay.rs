//! Catching up with a room, piece by piece, at the client's pace. Subscribe first, look second.

use std::time::Duration;

use tokio::time::sleep;

use super::Session;
use super::history::Changes;
use super::session::Outcome;
use super::track::Step;
use crate::ports::PortError;
use crate::words::{Event, Join, Position, RoomId, RoomRef};

/// Pause before a failed look is repeated.
const PAUSE: Duration = Duration::from_millis(200);

/// How far one client's replay of one room has come.
pub(super) struct Catch {
    /// The room.
    pub(super) room: RoomRef,
    /// Everything up to here was shown.
    pub(super) at: Position,
    /// Where the replay ends and the live flow begins.
    pub(super) head: Position,
    /// What the client is told at the end; `None`: it did not ask, its live flow is being healed.
    pub(super) join: Option<Joining>,
    /// Edits and deletions that stand behind the first piece, once it is known that there are several.
    pub(super) later: Option<Box<Changes>>,
}

/// The answer that a join is owed.
pub(super) struct Joining {
    /// Whether the client resumed, and whether that is complete.
    pub(super) recovered: Option<bool>,
    /// Messages to show where it did not resume.
    pub(super) page: usize,
    /// Distinct users in the room.
    pub(super) members: u64,
    /// Where the replay began: as far as the client is known to have come.
    pub(super) start: Position,
    /// Whether it is kept that the client is in the room.
    pub(super) kept: bool,
}

impl Joining {
    fn resumes(&self) -> bool {
        self.recovered == Some(true)
    }
}

impl Catch {
    /// Whether the missed events belong into the answer as long as they are few.
    pub(super) fn is_inline(&self) -> bool {
        self.join.as_ref().is_some_and(Joining::resumes)
    }
}

impl Session {
    /// Plans a join's replay. The seat is taken already, so nothing behind `head` can be missed.
    /// `seen`: what this connection, if it is in the room already, has received of it.
    pub(super) async fn plan(
        &self,
        join: Join,
        members: u64,
        seen: Option<Position>,
    ) -> Result<Catch, PortError> {
        if !self.node.policies().of(join.room.id.namespace()).durable {
            // It has no order: whoever joins hears what comes next.
            let joining = Joining {
                recovered: join.since.map(|_| false),
                page: 0,
                members,
                start: Position::START,
                kept: false,
            };
            let (at, head) = (Position::START, Position::START);
            return Ok(Catch { room: join.room, at, head, join: Some(joining), later: None });
        }
        let head = self.head(&join, seen.is_some()).await?;
        let inlines = self.door.dialect.inlines_history();
        let page = if inlines { join.history.unwrap_or(self.node.limits().page) } else { 0 };
        let mut joining = Joining { recovered: None, page, members, start: head, kept: false };
        let mut at = head;
        if let Some(seq) = join.since {
            let near = head.seq.saturating_sub(seq) <= self.node.limits().max_replay as u64;
            let known = join.epoch.unwrap_or(head.epoch) == head.epoch && seq <= head.seq;
            joining.recovered = Some(known && near);
            if known && near {
                at = Position { epoch: head.epoch, seq };
            }
        }
        if let Some(seen) = seen {
            // What was received is not repeated; what is on its way is not skipped.
            at = if joining.resumes() { at.max(seen) } else { seen };
        }
        joining.start = at;
        Ok(Catch { room: join.room, at, head, join: Some(joining), later: None })
    }

    /// Where the room stands: for who comes in, as this node has cast it, unless the client has seen more, or another epoch. What
    /// is on its way here comes with the live flow.
    async fn head(&self, join: &Join, was_in: bool) -> Result<Position, PortError> {
        let covers = |place: &Position| {
            join.since.is_none_or(|seq| seq <= place.seq)
                && join.epoch.is_none_or(|epoch| epoch == place.epoch)
        };
        match self.node.hub().place(&join.room.id).filter(covers) {
            Some(place) if !was_in => Ok(place),
            Some(_) | None => self.node.reading().head(&join.room.id).await,
        }
    }

    /// Brings the next piece of what was missed.
    pub(super) async fn catch_up(&self, mut catch: Catch) -> Outcome {
        if catch.at >= catch.head {
            return self.caught_up(catch).await;
        }
        match self.node.reading().behind(&catch.room.id, catch.at).await {
            Ok(found) => {
                if self.is_out_of(&catch.room.id).await {
                    self.node.unseat(&catch.room.id, self.outbound.id(), &self.identity.user).await;
                    return Outcome::Expelled(catch.room, catch.join.is_some());
                }
                let steps = found.map_or_else(Vec::new, |(_, steps)| steps);
                let mut events = self.show(&mut catch, steps);
                if events.is_empty() {
                    return self.give_up(catch).await;
                }
                self.bring_up_to_date(&mut catch, &mut events).await;
                Outcome::Caught(catch, events)
            }
            Err(error) if catch.join.is_none() => {
                tracing::debug!(room.id = %catch.room.id, %error, "a live flow cannot be healed yet");
                sleep(PAUSE).await;
                // Nothing was shown: asked again from the same place.
                Outcome::Caught(catch, Vec::new())
            }
            Err(error) => {
                tracing::warn!(room.id = %catch.room.id, %error, "a replay could not be completed");
                self.give_up(catch).await
            }
        }
    }

    /// Whether the client takes no part in the room any more. Asked behind each look: what was said after a removal
    /// stands in the log before the removal is heard here. While the directory is away nobody is removed.
    async fn is_out_of(&self, room: &RoomId) -> bool {
        self.node.is_exclusive(room)
            && matches!(self.node.belongs(room, &self.identity.user).await, Ok(false))
    }

    /// The steps up to the replay's head as events; moves the replay onto the last one.
    fn show(&self, catch: &mut Catch, steps: Vec<Step>) -> Vec<Event> {
        let mut events = Vec::with_capacity(steps.len());
        for step in steps {
            let (position, event) = match step {
                Step::Entry(entry) => (entry.position, self.node.opener().event(entry)),
                Step::Resync(position) => (position, Event::Resync { room: catch.room.id.clone(), position }),
            };
            if position > catch.head {
                break;
            }
            catch.at = position;
            events.push(event);
        }
        events
    }

    /// Shows messages with their present text; what was done to them follows at its own place all the same.
    async fn bring_up_to_date(&self, catch: &mut Catch, events: &mut [Event]) {
        let mut changes = Changes::default();
        events.iter().for_each(|event| changes.note(event));
        if catch.at < catch.head && catch.later.is_none() {
            match self.node.reading().changes_behind(&catch.room.id, catch.at).await {
                Ok(later) => catch.later = Some(Box::new(later)),
                // The old text is shown, and then the edit.
                Err(error) => {
                    tracing::debug!(room.id = %catch.room.id, %error, "later edits cannot be read now")
                }
            }
        }
        for event in events {
            if let Event::Message(message) = event {
                changes.show_on(message);
                if let Some(later) = &catch.later {
                    later.show_on(message);
                }
            }
        }
    }

    /// Frames that waited behind the replay had to be dropped: it goes on to the present head.
    pub(super) async fn extend(&self, mut catch: Catch) -> Outcome {
        match self.node.reading().head(&catch.room.id).await {
            Ok(head) => {
                catch.head = head;
                self.catch_up(catch).await
            }
            Err(error) => {
                tracing::debug!(room.id = %catch.room.id, %error, "a replay waits for the broker");
                sleep(PAUSE).await;
                Outcome::Extend(catch)
            }
        }
    }

    /// Never a partial recovery called complete: what cannot be proven is answered with the newest page.
    async fn give_up(&self, mut catch: Catch) -> Outcome {
        match &mut catch.join {
            Some(Joining { recovered: Some(recovered), .. }) => *recovered = false,
            // Healing, or a second join that promised no gap: there is no way to say that something is missing.
            Some(Joining { recovered: None, .. }) | None => return Outcome::Lost,
        }
        catch.at = catch.head;
        self.caught_up(catch).await
    }

    async fn caught_up(&self, catch: Catch) -> Outcome {
        let page = match &catch.join {
            Some(joining) if !joining.resumes() && joining.page > 0 => {
                let below = Some(catch.head.seq + 1);
                let page = self.node.reading().newest_at_hand(&catch.room.id, below, joining.page).await;
                page.into_iter().map(Event::Message).collect()
            }
            Some(_) | None => Vec::new(),
        };
        Outcome::CaughtUp(catch, page)
    }
}
