//! Users as these clients read them.

use domain::ports::{Attendance, Attendee};
use domain::words::Author;
use serde::{Serialize, Serializer};

use crate::json::User;

/// What somebody takes beside their name, in bytes.
const PERSON: usize = 96;

/// Somebody.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person<'a> {
    user_id: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
}

impl<'a> From<&'a Author> for Person<'a> {
    fn from(Author { user, name }: &'a Author) -> Self {
        Self { user_id: User(user), username: name.as_deref() }
    }
}

/// Some people.
pub(super) struct People<'a>(pub(super) &'a [Author]);

impl People<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn size(&self) -> usize {
        self.0.iter().map(size).sum()
    }
}

impl Serialize for People<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Person::from))
    }
}

/// Who is online: `users`, `userCount` and, where there are more than are shown, `usersTruncated`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Online<'a> {
    users: Attendees<'a>,
    user_count: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    users_truncated: bool,
}

impl<'a> Online<'a> {
    pub(super) fn new(Attendance { users, tally }: &'a Attendance) -> Self {
        // Both are read one after the other, so the count may be behind what is shown.
        let shown = users.len() as u64;
        let user_count = tally.users.max(shown);
        Self { users: Attendees(users), user_count, users_truncated: user_count > shown }
    }

    pub(super) fn size(&self) -> usize {
        self.users.0.iter().map(|attendee| size(&attendee.who)).sum()
    }
}

struct Attendees<'a>(&'a [Attendee]);

impl Serialize for Attendees<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Present::from))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Present<'a> {
    user_id: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    connections: u64,
}

impl<'a> From<&'a Attendee> for Present<'a> {
    fn from(Attendee { who, connections }: &'a Attendee) -> Self {
        Self { user_id: User(&who.user), username: who.name.as_deref(), connections: *connections }
    }
}

fn size(who: &Author) -> usize {
    PERSON + who.user.as_str().len() + who.name.as_ref().map_or(0, |name| name.len())
}
