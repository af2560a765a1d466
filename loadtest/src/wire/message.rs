//! Messages as the swarm knows them, whatever the dialect, and what it hides inside them: the author in the client id and
//! in the text, the time stamps in the text. Reads pages of the history, which are the same for all dialects.

use std::borrow::Cow;

use serde::Deserialize;

/// Who wrote a message: the user's index and the number of the message among theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Author {
    pub(crate) user: u32,
    pub(crate) number: u32,
}

/// When a message should have left and when it first did, in microseconds of the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) intended: u64,
    pub(crate) sent: u64,
}

/// One message as a member hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) seq: u64,
    pub(crate) id: u128,
    /// Absent for messages that this run did not write, and for what names nobody: a change, and the place of a
    /// message that was withdrawn.
    pub(crate) author: Option<Author>,
    pub(crate) stamp: Option<Stamp>,
}

/// How one run marks its messages.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// What all marks begin with.
    pub(crate) id: String,
    /// Messages carry client ids; the mark in the text is then not looked at.
    pub(crate) client_ids: bool,
}

/// Borrowed where the text has no escapes, owned where it has.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A message's fields as the wire has them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item<'a> {
    pub(crate) seq: u64,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) client_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) message: Option<Text<'a>>,
}

/// A page of `GET /api/rooms/{key}/messages`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageBody<'a> {
    #[serde(borrow)]
    messages: Vec<Item<'a>>,
    next_before: Option<u64>,
}

/// A history page, read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Heard>,
    pub(crate) next_before: Option<u64>,
}

/// Text that is no frame or page, or lacks a field that its type must have.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl Run {
    /// The client id that a message is sent with.
    pub(crate) fn client_id(&self, author: Author) -> Option<String> {
        self.client_ids.then(|| self.mark(author))
    }

    fn mark(&self, author: Author) -> String {
        format!("{}-{}-{}", self.id, author.user, author.number)
    }

    /// The author inside a mark of this run.
    pub(crate) fn author(&self, mark: &str) -> Option<Author> {
        let rest = mark.strip_prefix(&*self.id)?.strip_prefix('-')?;
        let (user, number) = rest.split_once('-')?;
        Some(Author { user: user.parse().ok()?, number: number.parse().ok()? })
    }

    pub(crate) fn page(&self, body: &[u8]) -> Result<Page, Unreadable> {
        let page: PageBody<'_> = serde_json::from_slice(body).map_err(|_| Unreadable)?;
        let messages = self.heard_all(&page.messages).ok_or(Unreadable)?;
        Ok(Page { messages, next_before: page.next_before })
    }

    pub(crate) fn heard_all(&self, items: &[Item<'_>]) -> Option<Vec<Heard>> {
        items.iter().map(|item| self.heard(item)).collect()
    }

    pub(crate) fn heard(&self, item: &Item<'_>) -> Option<Heard> {
        let (author, stamp) = self.marks(item.client_id.as_ref(), item.message.as_ref());
        Some(Heard { seq: item.seq, id: id(&item.id.0)?, author, stamp })
    }

    /// Who wrote a message and when, as far as this run did.
    pub(crate) fn marks(
        &self,
        client_id: Option<&Text<'_>>,
        text: Option<&Text<'_>>,
    ) -> (Option<Author>, Option<Stamp>) {
        let mark = if self.client_ids {
            client_id.map(|id| &*id.0)
        } else {
            text.and_then(|text| text.0.split(' ').nth(2))
        };
        let author = mark.and_then(|mark| self.author(mark));
        (author, text.filter(|_| author.is_some()).and_then(|text| stamp(&text.0)))
    }

    /// The text of a message: its marks, padded to `bytes`.
    pub(crate) fn text(&self, author: Author, stamp: Stamp, bytes: usize) -> String {
        let mut text = format!("{} {} {} ", stamp.intended, stamp.sent, self.mark(author));
        let missing = bytes.saturating_sub(text.len());
        text.extend(std::iter::repeat_n('x', missing));
        text.truncate(text.trim_end().len());
        text
    }
}

/// A message's id.
pub(crate) fn id(text: &str) -> Option<u128> {
    uuid::Uuid::try_parse(text).ok().map(|id| id.as_u128())
}

/// The stamp inside a text.
fn stamp(text: &str) -> Option<Stamp> {
    let mut words = text.split(' ');
    Some(Stamp { intended: words.next()?.parse().ok()?, sent: words.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_hides_in_a_message_is_found_again() {
        let (author, stamp) = (Author { user: 3, number: 9 }, Stamp { intended: 12, sent: 34 });
        for client_ids in [true, false] {
            let run = Run { id: "abc".into(), client_ids };
            let id = run.client_id(author).map(|id| Text(id.into()));
            assert_eq!(id.is_some(), client_ids);
            for (bytes, length) in [(100, 100), (0, 13)] {
                let text = run.text(author, stamp, bytes);
                assert_eq!(text.len(), length);
                let found = run.marks(id.as_ref(), Some(&Text(text.into())));
                assert_eq!(found, (Some(author), Some(stamp)));
            }
        }
    }

    #[test]
    fn a_foreign_client_id_has_no_author() {
        for foreign in ["", "abc", "abd-1-1", "abc-1", "abc-x-1", "abc1-1"] {
            let run = Run { id: "abc".into(), client_ids: true };
            assert_eq!(run.author(foreign), None, "{foreign}");
        }
    }
}
