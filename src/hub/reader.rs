//! The task of one connection: reads commands, writes what waits, ends in order.

use std::{
    future::poll_fn,
    io::{self, Read as _},
    net::Shutdown,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use socket2::SockRef;
use tokio::{
    io::Interest,
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};

use super::{Hub, connection::Connection, outbox::Delivery, session::Session};
use crate::wire::centrifugo::is_pong;
use crate::wire::websocket::{Decoded, Decoder, Message, Opcode};
use crate::wire::{Close, Frame, Framing};

/// How long a closing connection may take to read what waits for it.
pub(super) const CLOSE_MAX: Duration = Duration::from_secs(2);
/// How long a client may take to end after the close frame.
const LINGER_MAX: Duration = Duration::from_secs(1);
/// Bytes read at once. The buffer is on the stack of the poll, so an idle connection has none.
const READ_BYTES: usize = 8 * 1024;

/// Serves a connection until it ends, and takes it off the hub.
pub(super) async fn run(hub: &Hub, connection: Arc<Connection>, is_page: bool, leftover: Bytes) {
    hub.begin(&connection).await;
    let mut session = Session::new(hub.clone(), Arc::clone(&connection), is_page, None);
    let options = hub.options();
    let limits = (options.stale_close_delay, options.transports.message_size_limit);
    if let Some(socket) = connection.socket() {
        serve(&connection, socket, &mut session, leftover, limits).await;
    }
    // In a box: with a place for what it is given the task of each connection would be half as large again.
    Box::pin(hub.finish(&connection, session)).await;
}

async fn serve(
    connection: &Connection,
    socket: &TcpStream,
    session: &mut Session,
    leftover: Bytes,
    (stale, message_bytes_max): (Duration, usize),
) {
    let inflates = matches!(connection.dialect.framing, Framing::Deflated { .. });
    let mut decoder = Decoder::new(message_bytes_max, inflates);
    let mut deadline: Option<Pin<Box<Sleep>>> = Some(Box::pin(sleep(stale)));
    let mut was_closing = false;
    if !leftover.is_empty() && !take(connection, session, decoder.feed(&leftover)).await {
        return;
    }
    drop(leftover);
    // Kept over the turns, and polled by hand: to wait anew for each message would be four more locks for each pong.
    let mut asked = pin!(connection.wake().notified());
    loop {
        // In this order: who closes has queued its last frame by the time that it says so.
        let is_closing = connection.is_closing();
        let waiting = connection.has_waiting();
        if is_closing {
            if !waiting {
                Box::pin(linger(socket)).await;
                return;
            }
            if !was_closing {
                was_closing = true;
                deadline = Some(Box::pin(sleep(CLOSE_MAX)));
            }
        } else if session.is_connected() {
            deadline = None;
        }
        let woken = poll_fn(|cx| {
            if asked.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Woken::Asked);
            }
            if waiting && let Poll::Ready(ready) = socket.poll_write_ready(cx) {
                return Poll::Ready(ready.map_or(Woken::Gone, |()| Woken::Writable));
            }
            if let Poll::Ready(ready) = socket.poll_read_ready(cx) {
                return Poll::Ready(ready.map_or(Woken::Gone, |()| Woken::Readable));
            }
            match &mut deadline {
                Some(deadline) => deadline.as_mut().poll(cx).map(|()| Woken::Late),
                None => Poll::Pending,
            }
        });
        match woken.await {
            Woken::Asked => {
                asked.set(connection.wake().notified());
                Box::pin(session.controls()).await;
            }
            Woken::Writable => {
                if connection.flush().is_err() {
                    return;
                }
            }
            Woken::Readable => match read(socket, &mut decoder) {
                Ok(Some(decoded)) => {
                    if !take(connection, session, decoded).await {
                        return;
                    }
                }
                Ok(None) => {}
                Err(_) => return,
            },
            Woken::Late if was_closing => return,
            Woken::Late => connection.close(&Close::Stale),
            Woken::Gone => return,
        }
    }
}

/// What the task of a connection is woken for.
enum Woken {
    Asked,
    Writable,
    Readable,
    /// The deadline has passed.
    Late,
    /// The runtime ends.
    Gone,
}

/// Says that nothing more comes, and reads what the client still sends until it ends, too: a socket that is closed with
/// unread bytes takes the close frame back.
async fn linger(socket: &TcpStream) {
    // A peer that is gone has nothing to be told.
    if SockRef::from(socket).shutdown(Shutdown::Write).is_err() {
        return;
    }
    let drain = async { while socket.readable().await.is_ok() && discard(socket) {} };
    // It has had its time.
    drop(timeout(LINGER_MAX, drain).await);
}

/// Reads once, for nothing; tells whether more may come. Apart from the task, of which its buffer would be a part.
fn discard(socket: &TcpStream) -> bool {
    let mut buffer = [0_u8; READ_BYTES];
    match socket.try_read(&mut buffer) {
        Ok(length) => 0 < length,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// Reads once; nothing if the socket had nothing.
///
/// A read that does not fill the buffer has emptied the socket, and what comes later wakes the task again: to take it for one
/// that would block saves the second read that would only say so.
fn read(socket: &TcpStream, decoder: &mut Decoder) -> io::Result<Option<Decoded>> {
    let mut buffer = [0_u8; READ_BYTES];
    let mut taken = None;
    let read = socket.try_io(Interest::READABLE, || {
        let length = (&*SockRef::from(socket)).read(&mut buffer)?;
        taken = Some(length);
        if (1..READ_BYTES).contains(&length) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    match (taken, read) {
        (Some(0), _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (Some(length), _) => Ok(Some(decoder.feed(&buffer[..length]))),
        (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        (None, _) => Ok(None),
    }
}

/// Acts on messages; false ends the connection at once.
async fn take(connection: &Connection, session: &mut Session, decoded: Decoded) -> bool {
    for message in decoded.messages {
        if connection.is_closing() {
            // What comes after a close is not read.
            return true;
        }
        match message {
            Message::Text(text) => obey(connection, session, text.as_bytes()).await,
            Message::Binary(bytes) => obey(connection, session, &bytes).await,
            Message::Ping(payload) => {
                connection.send(&Frame::control(Opcode::Pong, &payload), Delivery::Event);
            }
            // One that nobody expects says only that the client is there.
            Message::Pong if connection.has_frame_pings() => drop(connection.ponged()),
            Message::Pong => {}
            Message::Close(code) => {
                connection.close_with(&Frame::close_code(code));
            }
        }
    }
    if let Some(error) = decoded.broken {
        tracing::debug!(connection.number = connection.number, error = %error, "protocol error");
        connection.close_with(&Frame::close_code(error.code()));
    }
    true
}

/// Acts on a message of commands. A pong that is expected, most of what idle clients say, goes a shorter way.
async fn obey(connection: &Connection, session: &mut Session, message: &[u8]) {
    let is_pong = is_pong(connection.dialect.protocol, message) && session.is_connected();
    if !(is_pong && connection.ponged()) {
        Box::pin(session.take(message)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the future that a function gives.
    fn future_bytes<A, B, C, D, F: Future>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_connection_is_small() {
        // With what the allocator adds to round them up: ten thousand stand on 30 MB together with what the kernel does
        // not count.
        let task = future_bytes(|hub: &'static Hub, connection, is_page, leftover| {
            run(hub, connection, is_page, leftover)
        });
        assert!(task <= 1_200, "{task} bytes for a task");
        let connection = size_of::<Connection>();
        assert!(connection <= 384 - 2 * size_of::<usize>(), "{connection} bytes for a connection, in an Arc");
    }
}
