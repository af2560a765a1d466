//! The HTTP API of events and bookings, as one client of it speaks it.
//!
//! Owns the requests, their deadline and what the answers mean. An answer that did not come is `Unclear`: whoever asked
//! asks again under the same key.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;

const DEADLINE: Duration = Duration::from_secs(10);
/// Connections kept per target; more bookings than that at once open more.
const KEPT: usize = 256;

pub(super) struct Desk {
    client: Client,
    addresses: Vec<String>,
}

/// One request's place among the targets, and who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) token: &'a str,
    /// Chooses the target.
    pub(super) turn: usize,
}

/// What the desk says to a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Booked {
    Yes(Booking),
    SoldOut,
    Unclear(String),
}

/// What the desk says to a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cancelled {
    Yes {
        available: i64,
    },
    /// It is cancelled already: the answer to an earlier request was lost.
    Before,
    Unclear(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Booking {
    pub(super) booking_id: String,
    pub(super) available_seats: i64,
}

#[derive(Deserialize)]
struct Event {
    id: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seats {
    available_seats: i64,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

impl Desk {
    pub(super) fn new(addresses: &[String]) -> Result<Self, reqwest::Error> {
        // The HTTP client wants a TLS provider even for plain HTTP; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            Client::builder().no_proxy().tcp_nodelay(true).timeout(DEADLINE).pool_max_idle_per_host(KEPT);
        Ok(Self { client: client.build()?, addresses: addresses.to_vec() })
    }

    /// A new event; its number.
    pub(super) async fn create(&self, asker: Asker<'_>, title: &str, seats: u32) -> Result<u64, String> {
        let body = serde_json::json!({"title": title, "totalSeats": seats});
        let response = send(self.ask(asker, Client::post, "events").json(&body)).await?;
        match response.status() {
            StatusCode::CREATED => Ok(read::<Event>(response).await?.id),
            _ => Err(refusal(response).await),
        }
    }

    pub(super) async fn book(&self, asker: Asker<'_>, event: u64, key: &str) -> Booked {
        let body = serde_json::json!({"eventId": event});
        let request = self.ask(asker, Client::post, "bookings").header("idempotency-key", key).json(&body);
        let answer = async {
            let response = send(request).await?;
            match response.status() {
                StatusCode::CREATED => read(response).await.map(Booked::Yes),
                _ => match refusal(response).await.as_str() {
                    "sold_out" => Ok(Booked::SoldOut),
                    code => Err(code.to_owned()),
                },
            }
        };
        answer.await.unwrap_or_else(Booked::Unclear)
    }

    pub(super) async fn cancel(&self, asker: Asker<'_>, booking: &str) -> Cancelled {
        let request = self.ask(asker, Client::delete, &format!("bookings/{booking}"));
        let answer = async {
            let response = send(request).await?;
            match response.status() {
                StatusCode::OK => {
                    let Seats { available_seats } = read(response).await?;
                    Ok(Cancelled::Yes { available: available_seats })
                }
                StatusCode::NOT_FOUND => Ok(Cancelled::Before),
                _ => Err(refusal(response).await),
            }
        };
        answer.await.unwrap_or_else(Cancelled::Unclear)
    }

    /// The free seats of an event.
    pub(super) async fn left(&self, asker: Asker<'_>, event: u64) -> Result<i64, String> {
        let response = send(self.ask(asker, Client::get, &format!("events/{event}"))).await?;
        match response.status() {
            StatusCode::OK => Ok(read::<Seats>(response).await?.available_seats),
            _ => Err(refusal(response).await),
        }
    }

    fn ask(
        &self,
        Asker { token, turn }: Asker<'_>,
        method: impl Fn(&Client, String) -> RequestBuilder,
        path: &str,
    ) -> RequestBuilder {
        let address = &self.addresses[turn % self.addresses.len()];
        let request = method(&self.client, format!("http://{address}/api/{path}"));
        request.header(AUTHORIZATION, format!("Bearer {token}"))
    }
}

async fn send(request: RequestBuilder) -> Result<Response, String> {
    request.send().await.map_err(|_| "booking unreachable".to_owned())
}

async fn read<T: for<'a> Deserialize<'a>>(response: Response) -> Result<T, String> {
    response.json().await.map_err(|_| "booking unreadable".to_owned())
}

/// The code of a refusal, or its status.
async fn refusal(response: Response) -> String {
    let status = response.status().as_u16();
    match response.json().await {
        Ok(Problem { code }) => code,
        Err(_) => format!("booking {status}"),
    }
}
