//! Reads a room's history over HTTP, backwards, page by page, until it meets what the member already has.

use std::time::Duration;

use reqwest::{Client, header};

use crate::{
    run::course::SwarmError,
    wire::message::{Heard, Page, Run},
};

const PAGE: u32 = 100;
const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct History {
    client: Client,
    addresses: Vec<String>,
    run: Run,
}

/// One stretch of one room, wanted by one member.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    pub(crate) room: String,
    pub(crate) token: String,
    /// Numbers above this one …
    pub(crate) after: u64,
    /// … up to this one.
    pub(crate) upto: u64,
}

/// The error code of the report.
pub(crate) type HistoryError = String;

impl History {
    pub(crate) fn new(addresses: &[String], run: Run) -> Result<Self, SwarmError> {
        // The HTTP client wants a TLS provider even for plain HTTP; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tcp_nodelay(true).timeout(DEADLINE).build()?;
        Ok(Self { client, addresses: addresses.to_vec(), run })
    }

    /// Everything that the server has of a stretch, newest page first. `turn` chooses the target.
    pub(crate) async fn walk(&self, stretch: &Stretch, turn: usize) -> Result<Vec<Heard>, HistoryError> {
        let address = &self.addresses[turn % self.addresses.len()];
        let mut found = Vec::new();
        let mut before = stretch.upto + 1;
        loop {
            let page = self.page(address, stretch, before).await?;
            let lowest = page.messages.iter().map(|heard| heard.seq).min();
            found
                .extend(page.messages.iter().filter(|heard| heard.seq > stretch.after && heard.seq < before));
            match page.next_before {
                Some(next) if next < before && lowest.is_some_and(|lowest| lowest > stretch.after + 1) => {
                    before = next;
                }
                Some(_) | None => return Ok(found),
            }
        }
    }

    /// The newest page of a stretch.
    pub(crate) async fn newest(&self, stretch: &Stretch, turn: usize) -> Result<Page, HistoryError> {
        self.page(&self.addresses[turn % self.addresses.len()], stretch, stretch.upto + 1).await
    }

    async fn page(&self, address: &str, stretch: &Stretch, before: u64) -> Result<Page, HistoryError> {
        let url = format!(
            "http://{address}/api/rooms/room%3A{}/messages?before={before}&limit={PAGE}",
            stretch.room
        );
        let request = self.client.get(url).header(header::AUTHORIZATION, format!("Bearer {}", stretch.token));
        let response = request.send().await.map_err(|_| "history unreachable".to_owned())?;
        if !response.status().is_success() {
            return Err(format!("history {}", response.status().as_u16()));
        }
        let body = response.bytes().await.map_err(|_| "history unreachable".to_owned())?;
        self.run.page(&body).map_err(|_| "history unreadable".to_owned())
    }
}
