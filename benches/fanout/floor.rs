//! The floor: as little as a server can do. One thread, and for each message one write to each client.

use std::io::{ErrorKind, Read, Write};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

use watchroom::load::frames::{self, TEXT};

const LISTENER: Token = Token(usize::MAX);
/// The answer to the one key that our clients send.
const ACCEPT: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: ";

struct Client {
    stream: TcpStream,
    upgraded: bool,
    /// What came and is not a whole request or frame yet.
    waiting: Vec<u8>,
}

/// Serves until it is killed.
pub(crate) fn serve() -> anyhow::Result<()> {
    let mut listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("the floor is at {}", listener.local_addr()?);
    let mut events = Events::with_capacity(1_024);
    let mut clients: Vec<Client> = Vec::new();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut clients)?;
            } else {
                hear(event.token().0, &mut clients)?;
            }
        }
    }
}

fn accept(listener: &TcpListener, poll: &Poll, clients: &mut Vec<Client>) -> std::io::Result<()> {
    while let Ok((mut stream, _)) = listener.accept() {
        stream.set_nodelay(true)?;
        poll.registry().register(&mut stream, Token(clients.len()), Interest::READABLE)?;
        clients.push(Client { stream, upgraded: false, waiting: Vec::new() });
    }
    Ok(())
}

fn hear(at: usize, clients: &mut [Client]) -> std::io::Result<()> {
    let client = &mut clients[at];
    let mut buffer = [0; 4_096];
    loop {
        match client.stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => client.waiting.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(_) => return Ok(()),
        }
    }
    if !client.upgraded {
        if client.waiting.ends_with(b"\r\n\r\n") {
            client.waiting.clear();
            client.upgraded = true;
            let answer = format!("{ACCEPT}{}\r\n\r\n", accept_key());
            client.stream.write_all(answer.as_bytes())?;
        }
        return Ok(());
    }
    let waiting = std::mem::take(&mut client.waiting);
    let mut bytes = &*waiting;
    while let Some((opcode, payload)) = take_masked(&mut bytes) {
        if opcode == TEXT {
            broadcast(&payload, clients);
        }
    }
    clients[at].waiting = bytes.to_vec();
    Ok(())
}

fn broadcast(payload: &[u8], clients: &mut [Client]) {
    let mut frame = vec![0x80 | TEXT];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        // Our clients send no such texts.
        (_, Err(_)) => return,
    }
    frame.extend_from_slice(payload);
    for client in clients {
        // A socket that takes nothing loses the message; the bench counts it.
        client.stream.write_all(&frame).ok();
    }
}

fn accept_key() -> String {
    use base64::Engine as _;
    use sha1::{Digest as _, Sha1};
    let mut hash = Sha1::new();
    hash.update(frames::KEY);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64::engine::general_purpose::STANDARD.encode(hash.finalize())
}

/// Takes the first masked frame of a client off the bytes; gives its payload without the mask.
fn take_masked(bytes: &mut &[u8]) -> Option<(u8, Vec<u8>)> {
    let [first, second, rest @ ..] = *bytes else { return None };
    let (length, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => return None,
        length => (usize::from(length), rest),
    };
    let (mask, rest) = rest.split_first_chunk::<4>()?;
    let (payload, rest) = rest.split_at_checked(length)?;
    let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    *bytes = rest;
    Some((first & 0x0f, payload))
}
