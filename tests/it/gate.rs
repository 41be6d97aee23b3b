//! A way to Redis on which answers can be held up.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// The way.
pub(crate) struct Gate {
    pub(crate) url: String,
    is_open: watch::Sender<bool>,
    /// What was asked.
    asked: Arc<Mutex<Vec<u8>>>,
    _ways: JoinSet<()>,
}

impl Gate {
    /// Listens before a server of this port.
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}/", listener.local_addr().unwrap());
        let (is_open, gate) = watch::channel(true);
        let asked = Arc::default();
        let (mut ways, all) = (JoinSet::new(), Arc::clone(&asked));
        ways.spawn(async move {
            let mut own = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (read, write) = client.into_split();
                let (from, to) = TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
                own.spawn(there(read, to, Arc::clone(&all)));
                own.spawn(back(from, write, gate.clone()));
            }
        });
        Self { url, is_open, asked, _ways: ways }
    }

    /// Holds answers up from now on, or lets them go.
    pub(crate) fn open(&self, is_open: bool) {
        self.asked.lock().unwrap().clear();
        self.is_open.send_replace(is_open);
    }

    /// Whether this was asked since then.
    pub(crate) fn was_asked(&self, text: &str) -> bool {
        memchr::memmem::find(&self.asked.lock().unwrap(), text.as_bytes()).is_some()
    }
}

async fn there(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, asked: Arc<Mutex<Vec<u8>>>) {
    let mut bytes = vec![0; 4_096];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        asked.lock().unwrap().extend_from_slice(&bytes[..read]);
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut gate: watch::Receiver<bool>) {
    let mut bytes = vec![0; 4_096];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if gate.wait_for(|is_open| *is_open).await.is_err() || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
