//! One connection to one server: requests, and the messages that it pushes.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, Pipeline, PushInfo, PushKind, RedisError,
    RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection, SendError},
};
use tokio::sync::mpsc;

use super::REQUEST_MAX;

/// How long making one connection may take.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Messages that wait to be read. The crate's reader must not block, so beyond it the connection counts as lost.
const PUSHES_MAX: usize = 16_384;
/// Bytes of messages that wait to be read.
const PUSHES_BYTES_MAX: usize = 32 << 20;

/// Which connection of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ConnectionId(u64);

impl ConnectionId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A connection that carries requests and subscriptions. A clone is the same one.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    /// Of the server, as the cluster names it.
    pub(super) address: Arc<str>,
    inner: MultiplexedConnection,
    waiting: Arc<Waiting>,
}

/// Messages between the crate's reader and ours.
#[derive(Debug)]
struct Waiting {
    /// None once the connection counts as lost: the queue ends behind what is in it.
    sender: Mutex<Option<mpsc::Sender<Message>>>,
    bytes: AtomicUsize,
    /// Answers may belong to other requests.
    astray: AtomicBool,
}

/// What came on a topic.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

impl Message {
    fn size(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

/// Messages of a connection in their order; then [`Pushed::Lost`], once.
#[derive(Debug)]
pub(super) struct Pushes {
    id: ConnectionId,
    queue: Option<mpsc::Receiver<Message>>,
    waiting: Arc<Waiting>,
}

/// What a connection pushed.
#[derive(Debug)]
pub(super) enum Pushed {
    /// A message.
    Message(ConnectionId, Message),
    /// The connection is lost; or it brought more than could be read, or ended a subscription by itself.
    Lost(ConnectionId),
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// What the crate says; within [`CONNECT_MAX`].
    pub(super) async fn open(address: &str, info: ConnectionInfo) -> RedisResult<(Self, Pushes)> {
        let id = ConnectionId::next();
        let (sender, queue) = mpsc::channel(PUSHES_MAX);
        let waiting = Arc::new(Waiting {
            sender: Mutex::new(Some(sender)),
            bytes: AtomicUsize::new(0),
            astray: AtomicBool::new(false),
        });
        let pushed = Arc::clone(&waiting);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(REQUEST_MAX))
            .set_push_sender(move |info| pushed.take(info));
        let inner = Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await?;
        let pushes = Pushes { id, queue: Some(queue), waiting: Arc::clone(&waiting) };
        Ok((Self { id, address: Arc::from(address), inner, waiting }, pushes))
    }

    /// Subscribes to topics of shards; one by one, as each has its slot.
    ///
    /// # Errors
    ///
    /// What Redis says, such as that one is not here.
    pub(super) async fn subscribe(&mut self, topics: &[String]) -> RedisResult<()> {
        let mut pipeline = redis::pipe();
        for topic in topics {
            pipeline.cmd("SSUBSCRIBE").arg(topic).ignore();
        }
        pipeline.exec_async(self).await
    }

    /// Takes no more messages, and ends when the last request has.
    pub(super) fn hang_up(&self) {
        self.waiting.end();
    }

    fn answered<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        if self.waiting.astray.load(Ordering::Acquire) {
            let error = (ErrorKind::Io, "the connection ended before the answer: a slot moved");
            return Err(RedisError::from(error));
        }
        answer
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let answer = self.inner.send_packed_command(cmd).await;
            self.answered(answer)
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let answer = self.inner.send_packed_commands(pipeline, offset, count).await;
            self.answered(answer)
        })
    }

    fn get_db(&self) -> i64 {
        self.inner.get_db()
    }
}

impl Waiting {
    /// Takes what the server pushed; called by the crate's reader before it goes on to the next answer.
    fn take(&self, info: PushInfo) -> Result<(), SendError> {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let open = sender.as_ref();
        let fits = match info.kind {
            PushKind::Message | PushKind::SMessage => {
                let mut data = VecDeque::from(info.data);
                let mut bytes = || match data.pop_front() {
                    Some(Value::BulkString(bytes)) => bytes,
                    // An empty message is skipped as damaged.
                    _ => Vec::new(),
                };
                let message = Message { topic: bytes(), payload: bytes() };
                let size = message.size();
                let before = self.bytes.fetch_add(size, Ordering::Relaxed);
                before + size <= PUSHES_BYTES_MAX && open.is_some_and(|open| open.try_send(message).is_ok())
            }
            // Nobody asked for it: the slot moved. The crate takes it for the answer to the oldest request, and every
            // later answer for that of the request before.
            PushKind::SUnsubscribe => {
                self.astray.store(true, Ordering::Release);
                false
            }
            PushKind::Disconnection => false,
            _ => true,
        };
        if fits {
            return Ok(());
        }
        if sender.take().is_some() { Ok(()) } else { Err(SendError) }
    }

    fn end(&self) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Stream for Pushes {
    type Item = Pushed;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Pushed>> {
        let Some(queue) = &mut self.queue else { return Poll::Ready(None) };
        match queue.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(message)) => {
                self.waiting.bytes.fetch_sub(message.size(), Ordering::Relaxed);
                Poll::Ready(Some(Pushed::Message(self.id, message)))
            }
            Poll::Ready(None) => {
                self.queue = None;
                Poll::Ready(Some(Pushed::Lost(self.id)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use redis::IntoConnectionInfo;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// Reads until `count` commands came that contain `name`.
    async fn commands(stream: &mut TcpStream, name: &str, count: usize) {
        let mut text = String::new();
        while text.matches(name).count() < count {
            let mut some = [0; 4_096];
            let read = stream.read(&mut some).await.unwrap();
            assert!(0 < read, "the client has gone");
            text.push_str(std::str::from_utf8(&some[..read]).unwrap());
        }
    }

    /// A server whose slot moves while two requests are under way.
    async fn slot_moves(listener: TcpListener) {
        let (mut stream, _) = listener.accept().await.unwrap();
        commands(&mut stream, "SETINFO", 2).await;
        stream.write_all(b"%1\r\n+server\r\n+redis\r\n+OK\r\n+OK\r\n").await.unwrap();
        commands(&mut stream, "GET", 2).await;
        let answers = b">3\r\n$12\r\nsunsubscribe\r\n$1\r\nt\r\n:0\r\n$1\r\nA\r\n$1\r\nB\r\n";
        stream.write_all(answers).await.unwrap();
        // Open until the client has seen it.
        drop(stream.read(&mut [0]).await);
    }

    #[tokio::test]
    async fn no_answer_is_taken_for_that_of_another_request() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let info = format!("redis://{address}").into_connection_info().unwrap();
        let settings = info.redis_settings().clone().set_protocol(redis::ProtocolVersion::RESP3);
        let client = async {
            let info = info.set_redis_settings(settings);
            let (connection, mut pushes) = Connection::open(&address, info).await.unwrap();
            let get = async |key: &str| -> RedisResult<String> {
                Cmd::get(key).query_async(&mut connection.clone()).await
            };
            let (a, b) = tokio::join!(get("a"), get("b"));
            assert!(a.is_err() && b.is_err(), "{a:?} {b:?}");
            assert!(matches!(pushes.next().await, Some(Pushed::Lost(id)) if id == connection.id));
            assert!(pushes.next().await.is_none());
        };
        tokio::join!(slot_moves(listener), client);
    }
}
