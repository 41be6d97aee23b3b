//! A real Redis Cluster of three masters on free loopback ports, on request with a replica of each.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::{Client, Cmd, FromRedisValue, Value, aio::MultiplexedConnection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::redis_server::is_installed;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// After so long without an answer a server counts as failed, ms: where one is to be killed, and where none should
/// count as failed, however busy the machine is.
const NODE_TIMEOUTS_MS: [&str; 2] = ["2000", "30000"];
/// The masters' shares of the slots.
const SHARES: [(u16, u16); 3] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];

/// The cluster; ends with its value.
#[derive(Debug)]
pub(crate) struct RedisCluster {
    /// Three masters, then their replicas in the same order.
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    port: u16,
    bus: u16,
    id: String,
    child: Option<Child>,
    /// Its state, until it ends.
    _folder: TempDir,
}

impl RedisCluster {
    /// Starts a cluster; none, with a printed reason, where redis-server is not installed. Fails there under CI.
    pub(crate) async fn start(with_replicas: bool) -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let mut members = Vec::new();
        for _ in 0..if with_replicas { 6 } else { 3 } {
            members.push(Member::start(NODE_TIMEOUTS_MS[usize::from(!with_replicas)]).await);
        }
        let cluster = Self { members };
        cluster.meet().await;
        cluster.divide().await;
        if with_replicas {
            cluster.replicate().await;
        }
        Some(cluster)
    }

    /// The addresses of the masters at the start.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.members[..3].iter().map(Member::url).collect()
    }

    /// Asks a member.
    pub(crate) async fn ask<T: FromRedisValue>(&self, member: usize, cmd: &Cmd) -> T {
        self.members[member].ask(cmd).await
    }

    /// Which of the masters at the start had the slot of a tag.
    pub(crate) async fn owner(&self, tag: &str) -> usize {
        let slot = self.slot(tag).await;
        SHARES.iter().position(|(first, last)| (*first..=*last).contains(&slot)).unwrap()
    }

    async fn slot(&self, tag: &str) -> u16 {
        self.ask(2, redis::cmd("CLUSTER").arg("KEYSLOT").arg(tag)).await
    }

    /// Kills a member as a crash does.
    pub(crate) fn kill(&mut self, member: usize) {
        let mut child = self.members[member].child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until the replica of a master has all that the master has.
    pub(crate) async fn in_step(&self, master: usize) {
        self.until("the replica is in step", async |cluster| {
            let offset = async |member: usize, name: &str| {
                let info: String = cluster.ask(member, redis::cmd("INFO").arg("replication")).await;
                let mut lines = info.lines();
                lines.find_map(|line| line.strip_prefix(name)).map(|offset| offset.trim().to_owned())
            };
            let here = offset(master, "master_repl_offset:").await;
            here.is_some() && here == offset(master + 3, "slave_repl_offset:").await
        })
        .await;
    }

    /// Begins to move a slot: its keys go to the other master, which does not own it yet.
    pub(crate) async fn begin_move(&self, tag: &str, from: usize, to: usize) {
        let slot = self.slot(tag).await;
        self.set_slot(to, slot, "IMPORTING", &self.members[from].id).await;
        self.set_slot(from, slot, "MIGRATING", &self.members[to].id).await;
        self.carry_keys(slot, from, to).await;
    }

    /// Ends it.
    pub(crate) async fn end_move(&self, tag: &str, from: usize, to: usize) {
        let slot = self.slot(tag).await;
        // Keys that were made meanwhile.
        self.carry_keys(slot, from, to).await;
        let id = &self.members[to].id;
        for member in [to, from, 3 - from - to] {
            self.set_slot(member, slot, "NODE", id).await;
        }
    }

    async fn set_slot(&self, member: usize, slot: u16, how: &str, id: &str) {
        let mut set = redis::cmd("CLUSTER");
        set.arg("SETSLOT").arg(slot).arg(how).arg(id);
        self.ask::<()>(member, &set).await;
    }

    async fn carry_keys(&self, slot: u16, from: usize, to: usize) {
        loop {
            let mut keys = redis::cmd("CLUSTER");
            keys.arg("GETKEYSINSLOT").arg(slot).arg(100);
            let keys: Vec<Vec<u8>> = self.ask(from, &keys).await;
            if keys.is_empty() {
                return;
            }
            let mut migrate = redis::cmd("MIGRATE");
            migrate
                .arg("127.0.0.1")
                .arg(self.members[to].port)
                .arg("")
                .arg(0)
                .arg(5_000)
                .arg("KEYS")
                .arg(keys);
            // A key may have expired.
            let _: Value = self.ask(from, &migrate).await;
        }
    }

    async fn meet(&self) {
        let (first, others) = self.members.split_first().unwrap();
        for (at, member) in self.members.iter().enumerate() {
            member.ask::<()>(redis::cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(at + 1)).await;
        }
        for other in others {
            let mut meet = redis::cmd("CLUSTER");
            meet.arg("MEET").arg("127.0.0.1").arg(other.port).arg(other.bus);
            first.ask::<()>(&meet).await;
        }
        for (member, (from, to)) in self.members.iter().zip(SHARES) {
            let mut add = redis::cmd("CLUSTER");
            add.arg("ADDSLOTSRANGE").arg(from).arg(to);
            member.ask::<()>(&add).await;
        }
    }

    async fn divide(&self) {
        let count = format!("cluster_known_nodes:{}", self.members.len());
        for member in 0..self.members.len() {
            self.until("the cluster is whole", async |cluster| {
                let info: String = cluster.ask(member, redis::cmd("CLUSTER").arg("INFO")).await;
                info.contains("cluster_state:ok") && info.contains(&count)
            })
            .await;
        }
    }

    async fn replicate(&self) {
        for (master, replica) in self.members[..3].iter().zip(&self.members[3..]) {
            replica.ask::<()>(redis::cmd("CLUSTER").arg("REPLICATE").arg(&master.id)).await;
        }
        for replica in 3..6 {
            self.until("replicas have a copy", async |cluster| {
                let info: String = cluster.ask(replica, redis::cmd("INFO").arg("replication")).await;
                info.contains("master_link_status:up")
            })
            .await;
        }
        // Who is to vote for a replica must know whose it is.
        for member in 0..6 {
            self.until("replicas are known", async |cluster| {
                let nodes: String = cluster.ask(member, redis::cmd("CLUSTER").arg("NODES")).await;
                nodes.matches(" slave ").count() + nodes.matches("myself,slave").count() == 3
            })
            .await;
        }
    }

    async fn until(&self, what: &str, mut condition: impl AsyncFnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self).await {
            assert!(Instant::now() < deadline, "never: {what}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Member {
    async fn start(timeout_ms: &str) -> Self {
        // Another process may take a port before the server does; then it ends at once, and the next try has luck.
        for _ in 0..5 {
            let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
            let [port, bus] = free.map(|listener| listener.local_addr().unwrap().port());
            let folder = TempDir::new().unwrap();
            let child = Self::run(port, bus, &folder, timeout_ms);
            let mut member = Self { port, bus, id: String::new(), child: Some(child), _folder: folder };
            if let Some(id) = member.answers().await {
                member.id = id;
                return member;
            }
        }
        panic!("redis-server does not start in a cluster");
    }

    fn run(port: u16, bus: u16, folder: &TempDir, timeout_ms: &str) -> Child {
        let (port, bus) = (port.to_string(), bus.to_string());
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port, "--cluster-port", &bus, "--save", ""]);
        command.args([
            "--appendonly",
            "no",
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            "nodes.conf",
        ]);
        command.args(["--cluster-node-timeout", timeout_ms, "--cluster-require-full-coverage", "no"]);
        command.args(["--repl-diskless-sync-delay", "0", "--dir"]);
        command.arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    async fn answers(&mut self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && self.child.as_mut().unwrap().try_wait().unwrap().is_none() {
            let client = Client::open(self.url()).unwrap();
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
                let mut id = redis::cmd("CLUSTER");
                return id.arg("MYID").query_async(&mut connection).await.ok();
            }
            sleep(Duration::from_millis(5)).await;
        }
        None
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    async fn connection(&self) -> MultiplexedConnection {
        Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> T {
        cmd.query_async(&mut self.connection().await).await.unwrap()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
