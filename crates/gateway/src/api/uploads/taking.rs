//! A file on its way in: from the body to where uploads are kept, never faster than they are taken there.
//!
//! Invariant: the store has seen the end of a file only when the whole request is in order; until then it is told to forget.

use std::sync::Arc;
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use domain::ports::{Pieces, PortError, Stowed, Upload};
use domain::words::{Attachment, Code, Identity, RoomId};
use futures::StreamExt;
use futures::stream::unfold;
use multer::Field;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use super::form::{AROUND, Form, too_large};
use super::naming::{media_type, name};
use super::places::Place;
use crate::accept::Hold;
use crate::api::body::broken;
use crate::api::reading::may_read;
use crate::api::{away, room_of};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// How long the rest of a refused body is read, for nothing: closing with unread bytes would take the refusal with it.
const LINGER: Duration = Duration::from_secs(5);

/// Where the bytes of a file go.
type Sender = mpsc::Sender<Result<Bytes, PortError>>;

/// Who brings a file, where.
struct Taker {
    gateway: Arc<Gateway>,
    identity: Identity,
}

/// Takes the file of a request. It goes on by itself when the client is gone, so that what it has begun is forgotten.
pub(super) async fn take(
    gateway: Arc<Gateway>,
    identity: Identity,
    request: Request,
    hold: Hold,
) -> Result<Upload, Problem> {
    let Some(place) = Place::take(&identity.user) else {
        let busy = Problem::of(Code::Overloaded, "too many files come in at the moment");
        return Err(busy.after(Duration::from_secs(1)));
    };
    let (parts, body) = request.into_parts();
    let (answer, answered) = oneshot::channel();
    hold.keep_through(async move {
        let (_place, mut body) = (place, body.into_data_stream());
        let outcome = Taker { gateway, identity }.take(&parts.headers, &mut body).await;
        let refused = outcome.is_err();
        // A client that is gone needs no answer.
        let _ = answer.send(outcome);
        // Whoever asks before it sends was told in time.
        if refused && !parts.headers.contains_key(header::EXPECT) {
            let _ = timeout(LINGER, async { while let Some(Ok(_)) = body.next().await {} }).await;
        }
    });
    answered.await.unwrap_or_else(|_| Err(Problem::of(Code::Internal, "the server could not do this")))
}

impl Taker {
    async fn take(&self, headers: &HeaderMap, body: &mut BodyDataStream) -> Result<Upload, Problem> {
        let limit = self.gateway.node.limits().upload;
        let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        let said = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        if said.is_some_and(|said| said > limit.saturating_add(AROUND)) {
            return Err(too_large());
        }
        let mut form = Form::read(body, text(header::CONTENT_TYPE), limit.saturating_add(AROUND))?;
        let mut room = None;
        while let Some(field) = form.next().await? {
            if field.name() == Some("file") {
                return self.keep(form, field, room, limit).await;
            }
            self.note(&form, field, &mut room).await?;
        }
        Err(broken("file", "is needed"))
    }

    /// Reads a field that is not the file. The only one that means something is the room, and it is checked at once.
    async fn note<'r>(
        &self,
        form: &Form<'r>,
        mut field: Field<'r>,
        room: &mut Option<RoomId>,
    ) -> Result<(), Problem> {
        if field.name() != Some("room") {
            while form.chunk(&mut field).await?.is_some() {}
            return Ok(());
        }
        if room.is_some() {
            return Err(broken("room", "stands there once"));
        }
        let named = room_of(form.text(field).await?.as_deref())?;
        // Whoever may read such a room may also speak there: in an open one after joining it.
        may_read(&self.gateway, &self.identity, &named).await?;
        *room = Some(named);
        Ok(())
    }

    /// Keeps the file, unless something is wrong with it or with what follows it.
    async fn keep<'r>(
        &self,
        form: Form<'r>,
        file: Field<'r>,
        room: Option<RoomId>,
        limit: u64,
    ) -> Result<Upload, Problem> {
        let id = Uuid::new_v4();
        let kind = file.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let (name, media_type) = (name(file.file_name()), media_type(kind));
        // One chunk waits while one is written; then the body is not read.
        let (sender, receiver) = mpsc::channel(1);
        let uploads = self.gateway.node.uploads();
        let (read, stowed) =
            tokio::join!(self.pass_on(form, file, room, sender), uploads.stow(id, pieces(receiver), limit));
        let (room, size) = match (read, stowed) {
            (_, Ok(Stowed::TooLarge)) => return Err(too_large()),
            (Err(problem), _) => return Err(problem),
            (Ok(_), Err(error)) => return Err(away(&error)),
            (Ok(None), Ok(Stowed::Yes(_))) => {
                return Err(Problem::of(Code::Internal, "the file was not read"));
            }
            (Ok(Some(room)), Ok(Stowed::Yes(size))) => (room, size),
        };
        let attachment = Attachment { id, name, media_type, size };
        let upload = Upload { attachment, owner: self.identity.user.clone(), room, message: None };
        uploads.add(&upload).await.map_err(|error| away(&error))?;
        Ok(upload)
    }

    /// Hands the file over, and reads what follows it before the end is told. `None`: nobody wants the rest.
    async fn pass_on<'r>(
        &self,
        form: Form<'r>,
        file: Field<'r>,
        room: Option<RoomId>,
        sender: Sender,
    ) -> Result<Option<RoomId>, Problem> {
        let read = self.read(form, file, room, &sender).await;
        if read.is_err() {
            // Where nobody listens any more, nothing is kept either.
            let _ = sender.send(Err(PortError::Refused("the request is not in order".into()))).await;
        }
        read
    }

    async fn read<'r>(
        &self,
        mut form: Form<'r>,
        mut file: Field<'r>,
        mut room: Option<RoomId>,
        sender: &Sender,
    ) -> Result<Option<RoomId>, Problem> {
        while let Some(chunk) = form.chunk(&mut file).await? {
            if sender.send(Ok(chunk)).await.is_err() {
                return Ok(None);
            }
        }
        drop(file);
        while let Some(field) = form.next().await? {
            if field.name() == Some("file") {
                return Err(broken("file", "stands there once"));
            }
            self.note(&form, field, &mut room).await?;
        }
        room.map(Some).ok_or_else(|| broken("room", "is needed"))
    }
}

fn pieces(receiver: mpsc::Receiver<Result<Bytes, PortError>>) -> Pieces {
    unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|chunk| (chunk, receiver)) })
        .boxed()
}
