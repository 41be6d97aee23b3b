//! Requests, each to the server that has its place.

use std::{sync::Arc, time::Duration};

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::time::{Instant, sleep};

use super::{
    BackendError, REQUEST_MAX, Shared, bounded,
    connection::{Connection, ConnectionId},
    place::Place,
    unreachable,
};

/// How long a request that was sent away waits before it asks again.
pub(super) const AGAIN: Duration = Duration::from_millis(20);

/// Who serves what.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    connections: Vec<Connection>,
    /// By place, which of the connections; none while its server is away.
    serves: Vec<Option<ConnectionId>>,
}

impl Table {
    /// Who serves each place, by its index.
    pub(super) fn new(connections: Vec<Connection>, serves: Vec<Option<ConnectionId>>) -> Self {
        Self { connections, serves }
    }

    /// Who serves a place.
    pub(super) fn at(&self, place: Place) -> Option<&Connection> {
        let id = (*self.serves.get(place.index())?)?;
        self.connections.iter().find(|connection| connection.id == id)
    }

    /// The connection to a server.
    pub(super) fn to(&self, address: &str) -> Option<&Connection> {
        self.connections.iter().find(|connection| *connection.address == *address)
    }

    /// All of them.
    pub(super) fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// Whether a place's messages come by this connection.
    pub(super) fn is_heard(&self, place: Place, id: ConnectionId) -> bool {
        self.serves.get(place.index()) == Some(&Some(id))
    }

    /// Whether every place is served.
    pub(super) fn is_whole(&self) -> bool {
        self.serves.len() == Place::COUNT && self.serves.iter().all(Option::is_some)
    }

    /// Takes a connection out; false if it was not in it.
    pub(super) fn part(&mut self, id: ConnectionId) -> bool {
        let before = self.connections.len();
        self.connections.retain(|connection| {
            if connection.id == id {
                connection.hang_up();
            }
            connection.id != id
        });
        for serves in &mut self.serves {
            serves.take_if(|serves| *serves == id);
        }
        self.connections.len() < before
    }
}

/// What requests need of the connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Up {
    pub(super) table: Arc<Table>,
    /// The name under which entries in presence are made: another one after each outage, so that entries which could
    /// not be taken off meanwhile expire with the old name.
    pub(super) member: Arc<str>,
}

/// Whether a request may be answered by the server that a slot is on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moving {
    /// It only reads.
    Follows,
    /// It announces: subscribers are still where the slot comes from, and would not hear of it there.
    Waits,
}

impl Shared {
    /// Sends a request to the server that has a place. Where it was sent away, and so not done, it is sent again, for at
    /// most [`REQUEST_MAX`].
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        place: Place,
        cmd: &Cmd,
        moving: Moving,
    ) -> Result<T, BackendError> {
        let deadline = Instant::now() + REQUEST_MAX;
        bounded(async {
            loop {
                let mut connection = self.connection(place).await?;
                let answer = self.ask(&mut connection, cmd).await;
                let error = match answer {
                    Ok(answer) => return Ok(answer),
                    Err(error) if is_sent_away(&error) => error,
                    Err(error) => return Err(unreachable(error)),
                };
                self.moved.notify_one();
                if moving == Moving::Follows
                    && error.kind() == ErrorKind::Server(ServerErrorKind::Ask)
                    && let Some(mut there) = self.asked(&error)
                    && let Ok(answer) = asking(&mut there, cmd).await
                {
                    return Ok(answer);
                }
                if deadline <= Instant::now() + AGAIN {
                    return Err(unreachable(error));
                }
                sleep(AGAIN).await;
            }
        })
        .await
    }

    /// The server that has a place, as soon as there is one; the caller bounds the wait.
    pub(super) async fn connection(&self, place: Place) -> Result<Connection, BackendError> {
        let mut up = self.up.subscribe();
        let up = up.wait_for(|up| up.table.at(place).is_some()).await.map_err(|_| BackendError::Stopped)?;
        up.table.at(place).cloned().ok_or(BackendError::Stopped)
    }

    /// Sends a request; a server that does not know the script is told it first.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        connection: &mut Connection,
        cmd: &Cmd,
    ) -> RedisResult<T> {
        let answer = cmd.query_async(connection).await;
        match answer {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.scripts.load(connection).await?;
                cmd.query_async(connection).await
            }
            answer => answer,
        }
    }

    fn asked(&self, error: &RedisError) -> Option<Connection> {
        let (address, _) = error.redirect_node()?;
        self.up.borrow().table.to(address).cloned()
    }
}

async fn asking<T: FromRedisValue>(connection: &mut Connection, cmd: &Cmd) -> RedisResult<T> {
    let mut pipeline = redis::pipe();
    pipeline.cmd("ASKING").ignore().add_command(cmd.clone());
    let (answer,) = pipeline.query_async(connection).await?;
    Ok(answer)
}

/// Whether an error says that the request was not done, and will be elsewhere or later.
pub(super) fn is_sent_away(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
        )
    )
}
