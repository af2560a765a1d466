//! Handing a request on, plain or to be upgraded, and its answer back.
//!
//! Long polls wait as long as the session's node lets them; a socket that was upgraded is spliced byte by byte, and the
//! accept loop owns the splice.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Card, Peers, ROUTE, SECRET};
use crate::accept::Hold;
use crate::telemetry;

/// Time to reach another node, which is near.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest wait for an answer; longer than any poll.
const ANSWER: Duration = Duration::from_secs(120);

/// Why a request could not be handed on.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("no such node")]
    Unknown,
    #[error("the other node cannot be reached")]
    Unreachable,
    #[error("{0}")]
    Http(#[from] hyper::Error),
}

/// Hands a request on to the node `name`, and its answer back; `None`: that node is gone, and its sessions with it.
pub(crate) async fn hand_on(peers: &Peers, name: &str, request: Request) -> Option<Response> {
    match try_hand_on(peers, name, request).await {
        Ok(response) => {
            telemetry::handed_on("done");
            Some(response)
        }
        Err(failed) => {
            peers.doubt(name);
            telemetry::handed_on("failed");
            tracing::debug!(node.name = name, reason = %failed, "a request could not be handed on");
            None
        }
    }
}

async fn try_hand_on(peers: &Peers, name: &str, mut request: Request) -> Result<Response, Failed> {
    let card = peers.find(name).await.ok().flatten().ok_or(Failed::Unknown)?;
    let hold = request.extensions_mut().remove::<Hold>().ok_or(Failed::Unknown)?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    address(&card, &mut request).ok_or(Failed::Unreachable)?;
    let stream = timeout(CONNECT, TcpStream::connect(&card.address)).await;
    let stream = stream.ok().and_then(Result::ok).ok_or(Failed::Unreachable)?;
    if stream.set_nodelay(true).is_err() {
        return Err(Failed::Unreachable);
    }
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    hold.clone().keep_through(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection between nodes ended early");
        }
    });
    let answer = timeout(ANSWER, sender.send_request(request)).await.map_err(|_| Failed::Unreachable)?;
    let mut response = answer?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let there = hyper::upgrade::on(&mut response);
        if let Some(here) = upgrade {
            hold.keep_through(splice(here, there));
        }
    }
    Ok(response.map(Body::new))
}

/// Readdresses the request; everything else in it stays as it came.
fn address(card: &Card, request: &mut Request) -> Option<()> {
    let query = request.uri().query().unwrap_or_default();
    *request.uri_mut() = format!("{ROUTE}?{query}").parse::<Uri>().ok()?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_str(&card.address).ok()?);
    headers.insert(SECRET, HeaderValue::from_str(&card.secret).ok()?);
    Some(())
}

async fn splice(here: OnUpgrade, there: OnUpgrade) {
    if let (Ok(here), Ok(there)) = tokio::join!(here, there) {
        // Either side's end ends the other; what went wrong is the sockets' own affair.
        let _ = copy_bidirectional(&mut TokioIo::new(here), &mut TokioIo::new(there)).await;
    }
}
