//! Every key and channel in Redis. All keys of one shard carry its hash tag, so that every script is legal on a cluster.
//!
//! Scripts build some of them from the shard's base themselves, and two are theirs alone: `seats:ROOM`, a set of a room's seats
//! (`node NUL user`), and `slotted:NODE`, a set of the slots that a node holds in the shard (`user NUL connection`).

use domain::{ClientId, NodeId, RoomId, UserId};

/// One shard: a slice of the rooms with its own journal, counters and leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shard(pub(super) u16);

/// Names everything below one prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
    shards: u16,
}

impl Keys {
    pub(super) fn new(prefix: &str, shards: u16) -> Self {
        Self { prefix: prefix.to_owned(), shards }
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = Shard> + use<> {
        (0..self.shards).map(Shard)
    }

    /// The shard of a room. The same in every process and version: it decides where history is numbered.
    pub(super) fn shard_of_room(&self, room: &RoomId) -> Shard {
        self.hash(room.key())
    }

    /// The shard that counts a user's connections.
    pub(super) fn shard_of_user(&self, user: &UserId) -> Shard {
        self.hash(user.as_str())
    }

    fn hash(&self, text: &str) -> Shard {
        // FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        // The low bits of FNV alone are weak for short keys.
        let folded = hash ^ (hash >> 32);
        Shard(u16::try_from(folded % u64::from(self.shards)).expect("below the number of shards"))
    }

    /// What every key of a shard begins with.
    pub(super) fn base(&self, shard: Shard) -> String {
        format!("{}:{{s{:02}}}:", self.prefix, shard.0)
    }

    /// How many shards this deployment was started with.
    pub(super) fn shard_count(&self) -> String {
        format!("{}:shards", self.prefix)
    }

    /// Hash: epoch, floor, instance.
    pub(super) fn meta(&self, shard: Shard) -> String {
        self.base(shard) + "shard"
    }

    /// Stream: what is not committed yet.
    pub(super) fn journal(&self, shard: Shard) -> String {
        self.base(shard) + "journal"
    }

    /// Stream: what can never be written, with its reason.
    pub(super) fn dead_letters(&self, shard: Shard) -> String {
        self.base(shard) + "dead"
    }

    /// Hash: which worker may write the shard, its fence, and until when.
    pub(super) fn writer(&self, shard: Shard) -> String {
        self.base(shard) + "writer"
    }

    /// Hash: a room's epoch and seq.
    pub(super) fn room(&self, shard: Shard, room: &RoomId) -> String {
        self.base(shard) + "room:" + room.key()
    }

    /// Stream: a room's newest entries; their ids are their positions.
    pub(super) fn hot_log(&self, shard: Shard, room: &RoomId) -> String {
        self.base(shard) + "hot:" + room.key()
    }

    /// Sorted set: entries of the hot log that are shown without their body, by seq.
    pub(super) fn erased(&self, shard: Shard, room: &RoomId) -> String {
        self.base(shard) + "erased:" + room.key()
    }

    /// Sharded channel: what happens in a room.
    pub(super) fn channel(&self, shard: Shard, room: &RoomId) -> String {
        self.base(shard) + "say:" + room.key()
    }

    /// The room that a channel is of. The prefix holds no `}`, so the first one ends the shard's tag.
    pub(super) fn room_of_channel(channel: &str) -> Option<RoomId> {
        let (_, key) = channel.split_once("}:say:")?;
        RoomId::parse(key).ok()
    }

    /// String: the first position and id of a (user, room, clientId). The user's length makes it unambiguous.
    pub(super) fn dedupe(&self, shard: Shard, room: &RoomId, user: &UserId, client: &ClientId) -> String {
        let (base, user) = (self.base(shard), user.as_str());
        format!("{base}once:{}|{}|{user}|{}", room.key(), user.len(), client.as_str())
    }

    /// Sharded channel: a node talking to itself, to prove that deliveries arrive; and others telling it to let a
    /// connection go.
    pub(super) fn probe(&self, shard: Shard, node: &str) -> String {
        self.base(shard) + "probe:" + node
    }

    /// Sorted set: live nodes by the end of their lease.
    pub(super) fn nodes(&self, shard: Shard) -> String {
        self.base(shard) + "nodes"
    }

    /// Hash: how many seats each user has in a room.
    pub(super) fn people(&self, shard: Shard, room: &RoomId) -> String {
        self.base(shard) + "people:" + room.key()
    }

    /// Hash: how each user in a room is shown.
    pub(super) fn names(&self, shard: Shard, room: &RoomId) -> String {
        self.base(shard) + "names:" + room.key()
    }

    /// Set: the seats that a node holds in this shard, `room NUL user`.
    pub(super) fn held(&self, shard: Shard, node: &NodeId) -> String {
        self.base(shard) + "held:" + node.as_str()
    }

    /// Sorted set: a user's connection slots by age, `node NUL connection`.
    pub(super) fn slots(&self, shard: Shard, user: &UserId) -> String {
        self.base(shard) + "slots:" + user.as_str()
    }

    /// Hash: who of the shard's users is online, and how they are shown.
    pub(super) fn online(&self, shard: Shard) -> String {
        self.base(shard) + "online"
    }

    /// Sorted set: online users without a slot, by the end of their grace.
    pub(super) fn leaving(&self, shard: Shard) -> String {
        self.base(shard) + "leaving"
    }

    /// String: how many slots there are in the shard.
    pub(super) fn connected(&self, shard: Shard) -> String {
        self.base(shard) + "connected"
    }

    /// Sorted set: users with a slot, by when they came (microseconds).
    pub(super) fn present(&self, shard: Shard) -> String {
        self.base(shard) + "present"
    }

    /// String: when a user's bucket is full again (microseconds).
    pub(super) fn budget(&self, shard: Shard, user: &UserId) -> String {
        self.base(shard) + "budget:" + user.as_str()
    }

    /// String: a note. Outside the shards: notes spread over a whole cluster.
    pub(super) fn note(&self, key: &str) -> String {
        format!("{}:note:{key}", self.prefix)
    }

    /// Sorted set: live persisters by the end of their announcement.
    pub(super) fn workers(&self) -> String {
        format!("{}:workers", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Namespace;

    #[test]
    fn a_room_stays_in_its_shard_for_ever() {
        let keys = Keys::new("hubbub", 16);
        let shard = |name: &str| keys.shard_of_room(&RoomId::new(Namespace::Room, name).unwrap()).0;
        // Changing these numbers splits the history of existing deployments.
        assert_eq!([shard("1"), shard("2"), shard("general"), shard("a:b")], [7, 2, 14, 2]);
    }

    #[test]
    fn rooms_spread_over_the_shards() {
        let keys = Keys::new("hubbub", 16);
        let mut counts = [0; 16];
        for name in 0..1600 {
            let room = RoomId::new(Namespace::Room, &name.to_string()).unwrap();
            counts[usize::from(keys.shard_of_room(&room).0)] += 1;
        }
        assert!(counts.iter().all(|count| (50..=160).contains(count)), "{counts:?}");
    }

    #[test]
    fn users_and_client_ids_cannot_be_confused_in_a_dedupe_key() {
        let keys = Keys::new("hubbub", 16);
        let room = RoomId::new(Namespace::Room, "r").unwrap();
        let key = |user: &str, client: &str| {
            keys.dedupe(Shard(0), &room, &UserId::text(user).unwrap(), &ClientId::parse(client).unwrap())
        };
        assert_ne!(key("a|b", "c"), key("a", "b|c"));
    }
}
