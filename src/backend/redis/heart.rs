//! The heartbeat: keeps this node's entries in presence, takes off those of dead nodes, and finds dead connections.

use std::time::Duration;

use futures_util::future::join_all;
use redis::RedisResult;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::{
    Shared,
    connection::Connection,
    link::Trouble,
    place::Place,
    presence::{self, ALIVE_TTL, REAP_EVERY, RENEW_EVERY},
    route::Table,
};

/// How often a node says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// When what was done last.
#[derive(Debug)]
pub(super) struct Heart {
    beat: Interval,
    /// When all places were served.
    whole: Instant,
    renewed: Instant,
    reaped: Instant,
    /// Whether Redis may lack entries of this node.
    must_renew: bool,
}

impl Heart {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let mut beat = interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { beat, whole: now, renewed: now, reaped: now, must_renew: false }
    }

    /// All places are served again, and this node's entries were made anew. After an outage all nodes are late: each is
    /// given its time to come back.
    pub(super) fn mended(&mut self) {
        let now = Instant::now();
        (self.whole, self.renewed, self.reaped, self.must_renew) = (now, now, now, false);
    }

    /// Beats until a connection fails. Dropped at any time, it goes on with the next beat.
    pub(super) async fn beat(&mut self, shared: &Shared, table: &Table) -> Trouble {
        loop {
            self.beat.tick().await;
            let nodes = table.at(Place::NODES);
            let others =
                table.connections().iter().filter(|one| nodes.is_none_or(|nodes| nodes.id != one.id));
            let pinged = join_all(others.map(async |one| (one, ping(one).await))).await;
            for (one, answer) in pinged {
                if let Err(error) = answer {
                    return Trouble::Lost(one.id, error.to_string());
                }
            }
            if let Some(nodes) = nodes
                && let Err(error) = self.live(shared, table, &mut nodes.clone()).await
            {
                return Trouble::Lost(nodes.id, error.to_string());
            }
        }
    }

    async fn live(&mut self, shared: &Shared, table: &Table, nodes: &mut Connection) -> RedisResult<()> {
        let member = shared.up.borrow().member.clone();
        // Nobody knows this node where everything was deleted.
        self.must_renew |= presence::keep_alive(shared, nodes, &member).await?;
        if !table.is_whole() {
            return Ok(());
        }
        if self.must_renew || RENEW_EVERY <= self.renewed.elapsed() {
            generation(shared, nodes).await?;
            self.must_renew = true;
            match presence::renew(shared, table, &member).await {
                Ok(()) => (self.renewed, self.must_renew) = (Instant::now(), false),
                // Of another server: the next beat finds out, or tries again.
                Err(error) => tracing::debug!(error = %error, "presence not renewed"),
            }
        }
        if ALIVE_TTL <= self.whole.elapsed() && REAP_EVERY <= self.reaped.elapsed() {
            self.reaped = Instant::now();
            if let Err(error) = presence::reap(shared).await {
                tracing::debug!(error = %error, "presence not cleaned");
            }
        }
        Ok(())
    }
}

async fn ping(connection: &Connection) -> RedisResult<()> {
    redis::cmd("PING").exec_async(&mut connection.clone()).await
}

/// Takes the generation from Redis, or tells it to a Redis that forgot everything.
pub(super) async fn generation(shared: &Shared, nodes: &mut Connection) -> RedisResult<()> {
    let wanted = shared.generation.get().copied().unwrap_or_else(|| fastrand::u64(1..));
    let mut set = redis::cmd("SET");
    set.arg(shared.keys.generation()).arg(wanted).arg("NX").arg("GET");
    let found: Option<u64> = set.query_async(nodes).await?;
    let found = found.unwrap_or(wanted);
    if *shared.generation.get_or_init(|| found) != found {
        tracing::warn!(
            "redis has another generation than this node; live charts will not recover across nodes"
        );
    }
    Ok(())
}
