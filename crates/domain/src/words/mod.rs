//! The words of the domain: ids parsed at the edge and trusted inside, and the things said with them.

mod account;
mod booking;
mod close;
mod command;
mod content;
mod entry;
mod event;
mod fault;
mod identity;
mod ids;
mod limits;
mod passing;
mod policy;
mod position;
mod room;
mod time;

pub use account::{Account, Chat, NewAccount, NewChat, Part, Participant};
pub use booking::{BookableEvent, BookingId, EventId, SeatChange, SeatChangeKind};
pub use close::CloseReason;
pub use command::{Amend, Call, Change, Command, Custom, Join, Say, Scope};
pub use content::{Attachment, Content, MessageType};
pub use entry::{Author, Draft, Entry, Kind, Sealed};
pub use event::{Amendment, Event, Message, Unreadable};
pub use fault::{Code, Fault};
pub use identity::{Identity, Role, Token};
pub use ids::{ClientId, ConnectionId, InvalidId, KeyId, MessageId, NodeId, UserId};
pub use limits::Limits;
pub use passing::{Announcement, Audience, Passing, Sign, Signal, SignalKind, Whisper};
pub use policy::{Joins, Policies, Profile, Refusal, RoomPolicy};
pub use position::Position;
pub use room::{Form, Namespace, RoomId, RoomRef};
pub use time::Timestamp;
