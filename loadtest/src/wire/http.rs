//! Just enough HTTP/1.1 to poll: one request after the other on a kept connection.
//!
//! Owns requests as bytes and answers as text. Knows nothing of sessions. Whoever asks sets the deadline; an answer
//! larger than `LARGEST_ANSWER` is an error.

use std::io::{Error, ErrorKind, Result};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::wire::road::Road;

/// A page of history is at most 256 KiB; anything far above that is a server gone wrong.
pub(super) const LARGEST_ANSWER: usize = 1024 * 1024;
const HEADERS: usize = 64;

/// A connection between two requests, or with one under way.
pub(super) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What a server said, and the line where it stays open.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    /// `name=value` of every cookie that the server wants to see again.
    pub(super) cookies: Vec<String>,
    pub(super) line: Option<Line>,
}

struct Head {
    length: usize,
    status: u16,
    body: Body,
    keeps: bool,
    cookies: Vec<String>,
}

enum Body {
    Sized(usize),
    Chunked,
}

impl Line {
    pub(super) async fn open(road: &Road) -> Result<Self> {
        Ok(Self { stream: road.connect().await?, buffer: Vec::new() })
    }

    /// Writes a request. A kept line that the server has closed meanwhile is replaced first.
    pub(super) async fn write(kept: Option<Self>, road: &Road, request: &[u8]) -> Result<Self> {
        let mut line = match kept.filter(|line| !line.is_over()) {
            Some(line) => line,
            None => Self::open(road).await?,
        };
        line.stream.write_all(request).await?;
        Ok(line)
    }

    /// Between two requests there is nothing to read but the end.
    fn is_over(&self) -> bool {
        let looked = self.stream.try_read(&mut [0]);
        !looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    pub(super) async fn answer(mut self) -> Result<Answer> {
        let head = loop {
            match head(&self.buffer)? {
                Some(head) => break head,
                None => self.more().await?,
            }
        };
        self.buffer.drain(..head.length);
        let body = match head.body {
            Body::Sized(length) => self.take(length).await?,
            Body::Chunked => self.chunks().await?,
        };
        let body = String::from_utf8(body).map_err(Error::other)?;
        let Head { status, cookies, keeps, .. } = head;
        // What an idle line needs is nothing: thousands of them wait at once.
        self.buffer = Vec::new();
        Ok(Answer { status, body, cookies, line: keeps.then_some(self) })
    }

    async fn more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ if self.buffer.len() > LARGEST_ANSWER => Err(ErrorKind::FileTooLarge.into()),
            _ => Ok(()),
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = loop {
                match httparse::parse_chunk_size(&self.buffer).map_err(|_| ErrorKind::InvalidData)? {
                    httparse::Status::Complete((line, size)) => {
                        self.buffer.drain(..line);
                        break size;
                    }
                    httparse::Status::Partial => self.more().await?,
                }
            };
            let size = usize::try_from(size).map_err(Error::other)?;
            let mut chunk = self.take(size.saturating_add(2)).await?;
            chunk.truncate(size);
            body.append(&mut chunk);
            match size {
                0 => return Ok(body),
                _ if body.len() > LARGEST_ANSWER => return Err(ErrorKind::FileTooLarge.into()),
                _ => {}
            }
        }
    }
}

/// The head of an answer, once it is whole.
fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(Error::other)?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    let mut head = Head {
        length,
        status: response.code.ok_or(ErrorKind::InvalidData)?,
        body: Body::Sized(0),
        keeps: response.version == Some(1),
        cookies: Vec::new(),
    };
    for header in response.headers {
        let value = std::str::from_utf8(header.value).map_err(Error::other)?.trim();
        match header.name.to_ascii_lowercase().as_str() {
            "content-length" => head.body = Body::Sized(value.parse().map_err(Error::other)?),
            "transfer-encoding" => head.body = Body::Chunked,
            "connection" => head.keeps &= !value.eq_ignore_ascii_case("close"),
            "set-cookie" => head.cookies.extend(value.split(';').next().map(str::to_owned)),
            _ => {}
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What the swarm makes of an answer that arrives in the pieces given.
    async fn answer(pieces: &[&str]) -> Result<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let road = Road { address: listener.local_addr().unwrap().to_string(), source: None };
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            stream
        };
        let client = async { Line::write(None, &road, b"GET / HTTP/1.1\r\n\r\n").await?.answer().await };
        let (answer, _stream) = tokio::join!(client, server);
        answer
    }

    #[tokio::test]
    async fn an_answer_is_read_whatever_its_pieces() {
        let sized =
            ["HTTP/1.1 200 OK\r\nSet-Cookie: io=1; Path=/\r\nContent-", "Length: 5\r\n\r\n2\u{1e}6", "xy"];
        let chunked = [
            "HTTP/1.1 200 OK\r\nset-cookie: io=1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n2\u{1e}",
            "6\r\n2\r\n",
            "xy\r\n0\r\n\r\n",
        ];
        for pieces in [sized, chunked] {
            let answer = answer(&pieces).await.unwrap();
            assert_eq!((answer.status, &*answer.body), (200, "2\u{1e}6xy"));
            assert_eq!(answer.cookies, ["io=1"]);
            assert!(answer.line.is_some());
        }
    }

    #[tokio::test]
    async fn a_line_that_the_server_closes_is_not_kept() {
        let closing = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        let answer = answer(&[closing]).await.unwrap();
        assert!(answer.status == 400 && answer.line.is_none());
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error() {
        for piece in ["SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"] {
            assert!(answer(&[piece]).await.is_err(), "{piece}");
        }
    }
}
