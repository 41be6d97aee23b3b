//! Who is compared, and how each is started.

use std::{path::Path, process::Command, sync::Arc};

use anyhow::Context as _;

use watchroom::load::Speech;

use super::child::Server;

/// The argument with which this program is the floor.
pub(crate) const FLOOR: &str = "--floor";
/// Our server's settings: one open namespace, and nothing else to do.
const CONFIG: &str = "collect_host = false\n\n[[channel.namespaces]]\nname = \"bench\"\n\
                      allow_subscribe_for_client = true\nallow_publish_for_subscriber = true\n";

/// A server that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// watchroom.
    Ours,
    /// A bare loop of writes.
    Floor,
    /// npm `ws`.
    Ws,
    /// npm `socket.io`.
    SocketIo,
}

impl Peer {
    /// Its name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Floor => "floor",
            Self::Ws => "npm ws",
            Self::SocketIo => "Socket.IO",
        }
    }

    /// What clients say to it.
    pub(crate) fn speech(self) -> Speech {
        match self {
            Self::Ours => Speech::Centrifugo(Arc::default()),
            Self::Floor | Self::Ws => Speech::Plain,
            Self::SocketIo => Speech::SocketIo,
        }
    }

    /// Starts it on a free port.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) fn start(self) -> anyhow::Result<Server> {
        match self {
            Self::Ours => Server::ours(CONFIG, tempfile::tempdir()?),
            Self::Floor => {
                let this = std::env::current_exe()?;
                Server::start(this.to_str().context("a path of text")?, &[FLOOR], None)
            }
            Self::Ws => Server::start("node", &[&script("ws.mjs")], None),
            Self::SocketIo => Server::start("node", &[&script("socketio.mjs")], None),
        }
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers"))
}

fn script(name: &str) -> String {
    folder().join(name).to_string_lossy().into_owned()
}

/// All who can be compared here; says who cannot, and why.
pub(crate) fn all() -> Vec<Peer> {
    let mut peers = vec![Peer::Ours, Peer::Floor];
    let node = Command::new("node").arg("--version").output();
    if !node.is_ok_and(|output| output.status.success()) {
        println!("npm ws and Socket.IO are left out: there is no node here");
    } else if !folder().join("node_modules/socket.io").is_dir() {
        println!("npm ws and Socket.IO are left out: run `npm ci` in benches/peers, or `make bench`");
    } else {
        peers.extend([Peer::Ws, Peer::SocketIo]);
    }
    peers
}
