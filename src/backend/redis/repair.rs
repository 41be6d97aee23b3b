//! Makes the connections that are missing, and their subscriptions.

use std::sync::Arc;

use futures_util::future::join_all;
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};

use super::{
    BackendError, REQUEST_MAX, Shared,
    connection::{CONNECT_MAX, Connection, ConnectionId, Pushes},
    heart,
    place::Place,
    presence,
    route::Table,
    samples::BLOCK,
    settings::Seeds,
    slots::Owners,
    unreachable,
};

/// The oldest Redis that has what the scripts need.
const VERSION_MIN: u32 = 7;

/// What kind of Redis it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Single,
    Cluster,
}

/// The connection that waits for samples.
#[derive(Debug)]
pub(super) struct Blocking {
    pub(super) address: String,
    pub(super) connection: MultiplexedConnection,
}

/// Connections that serve every place.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) table: Table,
    /// Messages of those that are new.
    pub(super) pushes: Vec<Pushes>,
    /// If the one there was is not where samples are.
    pub(super) blocking: Option<Blocking>,
}

/// Makes connections.
#[derive(Debug)]
pub(super) struct Maker {
    seeds: Seeds,
    mode: Option<Mode>,
    /// Servers that had places when last asked.
    known: Vec<String>,
    /// Connections that nothing is served by yet.
    made: Vec<(Connection, Pushes)>,
    /// Whether what the standing connections say led nowhere.
    failed: bool,
}

impl Maker {
    pub(super) fn new(seeds: Seeds) -> Self {
        Self { seeds, mode: None, known: Vec::new(), made: Vec::new(), failed: true }
    }

    /// Whether there are slots that may move.
    pub(super) fn is_cluster(&self) -> bool {
        self.mode == Some(Mode::Cluster)
    }

    /// Makes what is missing in `standing`: connections that work, as one that cannot write or read what it will have
    /// to is none, so that no gap is told for it. What one attempt made, the next one uses.
    ///
    /// # Errors
    ///
    /// Why a place has no connection.
    pub(super) async fn make(
        &mut self,
        shared: &Shared,
        standing: &Table,
        samples_at: Option<&str>,
    ) -> Result<Made, BackendError> {
        let made = self.attempt(shared, standing, samples_at).await;
        self.failed = made.is_err();
        if self.failed {
            self.made.clear();
        }
        made
    }

    async fn attempt(
        &mut self,
        shared: &Shared,
        standing: &Table,
        samples_at: Option<&str>,
    ) -> Result<Made, BackendError> {
        let owners = self.owners(shared, standing).await?;
        let mut table = self.connections(shared, standing, &owners).await?;
        let samples_here = owners.of(Place::SAMPLES);
        let blocking =
            if samples_at == Some(samples_here) { None } else { Some(self.blocking(samples_here).await?) };
        subscribe(shared, standing, &mut table).await?;
        introduce(shared, &table).await?;
        let in_use = |id: ConnectionId| table.connections().iter().any(|connection| connection.id == id);
        let made = std::mem::take(&mut self.made).into_iter();
        let pushes = made.filter(|(connection, _)| in_use(connection.id)).map(|(_, pushes)| pushes).collect();
        Ok(Made { table, pushes, blocking })
    }

    async fn owners(&mut self, shared: &Shared, standing: &Table) -> Result<Owners, BackendError> {
        if self.failed {
            self.reach(shared, standing).await?;
        }
        if self.mode == Some(Mode::Single) {
            let address = self.seeds.addresses().swap_remove(0);
            return Ok(Owners::single(&address));
        }
        let mut asked = standing.connections().to_vec();
        asked.extend(self.made.iter().map(|(connection, _)| connection.clone()));
        let owners = Owners::ask(&asked).await;
        let owners = owners
            .ok_or_else(|| BackendError::Unreachable("the cluster does not serve all slots".to_owned()))?;
        self.known = owners.addresses();
        Ok(owners)
    }

    /// Connects to every server that is known and not connected.
    async fn reach(&mut self, shared: &Shared, standing: &Table) -> Result<(), BackendError> {
        let mut addresses = self.seeds.addresses();
        addresses.extend(self.known.iter().cloned());
        addresses.sort();
        addresses.dedup();
        addresses.retain(|address| standing.to(address).is_none() && self.made_to(address).is_none());
        let reached = join_all(addresses.iter().map(|address| open(shared, &self.seeds, address))).await;
        let mut failed = None;
        for reached in reached {
            match reached {
                Ok(((connection, pushes), mode)) => {
                    self.mode = Some(mode);
                    self.made.push((connection, pushes));
                }
                Err(error @ (BackendError::TooOld(_) | BackendError::NotACluster(_))) => return Err(error),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if self.made.is_empty() && standing.connections().is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    fn made_to(&self, address: &str) -> Option<&Connection> {
        self.made.iter().map(|(connection, _)| connection).find(|connection| *connection.address == *address)
    }

    /// A connection for each place.
    async fn connections(
        &mut self,
        shared: &Shared,
        standing: &Table,
        owners: &Owners,
    ) -> Result<Table, BackendError> {
        let mut connections: Vec<Connection> = Vec::new();
        let mut serves = Vec::with_capacity(Place::COUNT);
        for place in Place::all() {
            let address = owners.of(place);
            let used = connections.iter().find(|connection| *connection.address == *address);
            let connection = match used.or(standing.to(address)).or(self.made_to(address)) {
                Some(connection) => connection.clone(),
                None => {
                    let ((connection, pushes), _) = open(shared, &self.seeds, address).await?;
                    self.made.push((connection.clone(), pushes));
                    connection
                }
            };
            serves.push(Some(connection.id));
            if !connections.iter().any(|known| known.id == connection.id) {
                connections.push(connection);
            }
        }
        Ok(Table::new(connections, serves))
    }

    async fn blocking(&self, address: &str) -> Result<Blocking, BackendError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(BLOCK + REQUEST_MAX));
        let client = Client::open(self.seeds.info(address)?).map_err(unreachable)?;
        let connection =
            client.get_multiplexed_async_connection_with_config(&config).await.map_err(unreachable)?;
        Ok(Blocking { address: address.to_owned(), connection })
    }
}

/// Connects to a server that is new enough, and tells it the scripts.
async fn open(
    shared: &Shared,
    seeds: &Seeds,
    address: &str,
) -> Result<((Connection, Pushes), Mode), BackendError> {
    let named = |error| BackendError::Unreachable(format!("{address}: {error}"));
    let info = seeds.info(address)?;
    let (mut connection, pushes) = Connection::open(address, info).await.map_err(named)?;
    let mut info = redis::cmd("INFO");
    let info: String = info.arg("server").query_async(&mut connection).await.map_err(named)?;
    let field = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)).unwrap_or("unknown").trim().to_owned()
    };
    let version = field("redis_version:");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    // What does not tell its version is no Redis of 7 or newer.
    if major.is_none_or(|major| major < VERSION_MIN) {
        return Err(BackendError::TooOld(version));
    }
    // The second name is that of Valkey.
    let is_cluster = [field("redis_mode:"), field("server_mode:")].iter().any(|mode| mode == "cluster");
    let mode = if is_cluster { Mode::Cluster } else { Mode::Single };
    if mode == Mode::Single && 1 < seeds.addresses().len() {
        return Err(BackendError::NotACluster(address.to_owned()));
    }
    shared.scripts.load(&mut connection).await.map_err(named)?;
    Ok(((connection, pushes), mode))
}

/// Subscribes to the topics of places that were not heard by the connection that has them now.
async fn subscribe(shared: &Shared, standing: &Table, table: &mut Table) -> Result<(), BackendError> {
    for connection in table.connections() {
        let missing = Place::all().filter(|place| {
            table.is_heard(*place, connection.id) && !standing.is_heard(*place, connection.id)
        });
        let topics: Vec<String> = missing.map(|place| shared.keys.topic(place)).collect();
        if !topics.is_empty() {
            connection.clone().subscribe(&topics).await.map_err(unreachable)?;
        }
    }
    Ok(())
}

/// Takes a new name for presence, and makes this node's entries anew under it.
async fn introduce(shared: &Shared, table: &Table) -> Result<(), BackendError> {
    let nodes = table.at(Place::NODES).ok_or(BackendError::Stopped)?;
    heart::generation(shared, &mut nodes.clone()).await.map_err(unreachable)?;
    let member: Arc<str> = Arc::from(format!("{}:{:016x}", shared.node, fastrand::u64(..)));
    presence::keep_alive(shared, &mut nodes.clone(), &member).await.map_err(unreachable)?;
    // First the name, then the entries: who enters meanwhile under the old one sees that it is not ours any more.
    shared.up.send_modify(|up| up.member = Arc::clone(&member));
    presence::renew(shared, table, &member).await.map_err(unreachable)
}
