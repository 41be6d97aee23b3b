//! Clients whose commands come in requests of their own, while what they are told goes out in one long response.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use rustc_hash::FxHashMap;
use tokio::{
    sync::mpsc::{self, Sender},
    time::{Instant, sleep_until},
};

use super::{Hub, connection::Connection, reader, session::Session};
use crate::wire::Close;

/// Requests of one client that wait to be carried out.
const REQUESTS_MAX: usize = 64;
/// How long a request may wait for its place.
const HAND_MAX: Duration = Duration::from_secs(5);

/// By their names: the number of the connection, and where its commands go.
type ByName = FxHashMap<Box<str>, (u64, Sender<Bytes>)>;

/// The sessions of this node.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<ByName>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, ByName> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the connection of a session.
    pub(super) fn number(&self, session: &str) -> Option<u64> {
        self.lock().get(session).map(|(number, _)| *number)
    }

    /// Hands commands to a session; tells whether it took them.
    pub(super) async fn hand(&self, session: &str, commands: Bytes) -> bool {
        let Some((_, sender)) = self.lock().get(session).cloned() else { return false };
        sender.send_timeout(commands, HAND_MAX).await.is_ok()
    }
}

/// Serves a client until it ends; `first` is what came with the request, `body` takes what it is told.
pub(super) async fn run(
    hub: &Hub,
    connection: Arc<Connection>,
    is_page: bool,
    first: Bytes,
    body: Sender<Bytes>,
) {
    hub.begin(&connection).await;
    let number = connection.number;
    let name: Box<str> = super::entry::client_id().into();
    let (sender, requests) = mpsc::channel(REQUESTS_MAX);
    hub.0.sessions.lock().insert(name.clone(), (number, sender));
    let mut session = Session::new(hub.clone(), Arc::clone(&connection), is_page, Some(name.clone()));
    let stale = Instant::now() + hub.options().stale_close_delay;
    writing(&connection, &body, Box::pin(session.take(&first))).await;
    drop(first);
    serve(&connection, &mut session, requests, &body, stale).await;
    hub.0.sessions.lock().remove(&name);
    hub.finish(&connection, session).await;
}

async fn serve(
    connection: &Connection,
    session: &mut Session,
    mut requests: mpsc::Receiver<Bytes>,
    body: &Sender<Bytes>,
    stale: Instant,
) {
    let mut closing: Option<Instant> = None;
    loop {
        if connection.is_closing() {
            closing.get_or_insert_with(|| Instant::now() + reader::CLOSE_MAX);
            if !connection.has_waiting() {
                return;
            }
        }
        let deadline = closing.or_else(|| (!session.is_connected()).then_some(stale));
        tokio::select! {
            biased;
            () = body.closed() => return,
            place = body.reserve(), if connection.has_waiting() => {
                let Ok(place) = place else { return };
                place.send(chunk(connection));
            }
            () = connection.wake().notified() => Box::pin(session.controls()).await,
            Some(commands) = requests.recv(), if closing.is_none() => {
                writing(connection, body, Box::pin(session.take(&commands))).await;
            }
            () = sleep_until(deadline.unwrap_or(stale)), if deadline.is_some() => {
                if closing.is_some() {
                    return;
                }
                connection.close(&Close::Stale);
            }
        }
    }
}

/// Writes what waits while the session is at work, which may wait for that. The work comes to its end in any case: half done,
/// it would leave behind what nobody takes back.
async fn writing(
    connection: &Connection,
    body: &Sender<Bytes>,
    mut work: Pin<Box<impl Future<Output = ()>>>,
) {
    let (mut was_woken, mut is_over) = (false, false);
    loop {
        if !is_over && body.is_closed() {
            is_over = true;
            connection.end();
        }
        let waits = connection.has_waiting();
        tokio::select! {
            biased;
            () = &mut work => break,
            () = body.closed(), if !is_over => {}
            Ok(place) = body.reserve(), if waits && !is_over => place.send(chunk(connection)),
            () = connection.wake().notified(), if !waits => was_woken = true,
        }
    }
    if was_woken {
        // Who woke it may have asked the session for something.
        connection.wake().notify_one();
    }
}

/// Some of what waits.
fn chunk(connection: &Connection) -> Bytes {
    let mut chunk = BytesMut::new();
    for bytes in connection.take() {
        chunk.extend_from_slice(&bytes);
    }
    chunk.freeze()
}
