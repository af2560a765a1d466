//! A client that allocates nothing once it is in: one blocking socket, one buffer, frames taken apart by hand.
#![allow(dead_code, reason = "each binary uses its own part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::edge::{Speech, TEXT};

/// Everything that a test waits for must happen within this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// As many as are said at once at most.
pub(crate) const BURST: usize = 32;

/// The client.
pub(crate) struct Client {
    socket: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    /// Its messages, masked, in turn; more than a burst has.
    said: Vec<u8>,
    one: usize,
    next: usize,
}

impl Client {
    /// A client in the one room.
    pub(crate) fn enter(address: SocketAddr, speech: Speech, token: &str) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        let chats = speech.chats().map(|chat| masked(&chat));
        let one = chats[0].len();
        let said = chats.concat().repeat(BURST);
        let mut client = Self { socket, buffer: vec![0; 256 * 1024], filled: 0, said, one, next: 0 };
        client.upgrade(&speech.path(token));
        for (ask, answer) in speech.entrance(token) {
            client.write(&masked(&ask));
            client.until(answer.as_bytes());
        }
        client
    }

    fn upgrade(&mut self, path: &str) {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: edge\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.write(request.as_bytes());
        let end = b"\r\n\r\n";
        loop {
            self.fill();
            let heard = &self.buffer[..self.filled];
            if let Some(at) = heard.windows(end.len()).position(|part| part == end) {
                assert!(heard.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(heard));
                return self.pass(at + end.len());
            }
        }
    }

    /// Says so many messages at once.
    pub(crate) fn say(&mut self, messages: usize) {
        let begin = self.one * self.next;
        self.socket.write_all(&self.said[begin..begin + self.one * messages]).unwrap();
        self.next = (self.next + messages) % 2;
    }

    /// Reads until so many messages of the room have come.
    pub(crate) fn hear(&mut self, messages: usize) {
        (0..messages).for_each(|_| self.until(TEXT.as_bytes()));
    }

    /// Reads until a frame has come that contains this.
    pub(crate) fn until(&mut self, part: &[u8]) {
        loop {
            while let Some((start, end)) = frame(&self.buffer[..self.filled]) {
                assert_eq!(self.buffer[0] & 0x0f, 1, "a text, {:?}", &self.buffer[start..end]);
                let found = contains(&self.buffer[start..end], part);
                self.pass(end);
                if found {
                    return;
                }
            }
            self.fill();
        }
    }

    fn fill(&mut self) {
        let read = self.socket.read(&mut self.buffer[self.filled..]).expect("it is heard in time");
        assert!(read > 0, "the server is still there");
        self.filled += read;
    }

    fn pass(&mut self, bytes: usize) {
        self.buffer.copy_within(bytes..self.filled, 0);
        self.filled -= bytes;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }
}

/// Where the first whole frame's payload begins and ends.
fn frame(heard: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *heard.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes([*heard.get(2)?, *heard.get(3)?]))),
        length => (2, usize::from(length)),
    };
    (heard.len() >= start + length).then_some((start, start + length))
}

fn contains(frame: &[u8], part: &[u8]) -> bool {
    frame.windows(part.len()).any(|window| window == part)
}

/// A text frame as clients send it, under a mask of zeros.
fn masked(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}
