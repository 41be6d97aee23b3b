//! What runs inside Redis, each in one step.

use redis::{Cmd, RedisResult, Script};

use super::{connection::Connection, map};

/// Functions that several scripts begin with.
pub(super) const COMMON: &str = include_str!("trim.lua");

/// A call of a script, to be followed by `keys` keys and then arguments.
pub(super) fn call(script: &Script, keys: usize) -> Cmd {
    let mut call = redis::cmd("EVALSHA");
    call.arg(script.get_hash()).arg(keys);
    call
}

/// The scripts.
#[derive(Debug)]
pub(super) struct Scripts {
    /// Gives a publication its offset, keeps and announces it.
    pub(super) publish: Script,
    /// Stores events and records.
    pub(super) commit: Script,
    /// The records of a kind.
    pub(super) records: Script,
    /// Asks to tell of an alert.
    pub(super) claim: Script,
    /// Gives a claim back.
    pub(super) release: Script,
    /// A part of a channel's history.
    pub(super) history: Script,
    /// Appends samples.
    pub(super) carry: Script,
    /// Lists a connection.
    pub(super) enter: Script,
    /// Takes a connection off.
    pub(super) leave: Script,
    /// Keeps a node alive.
    pub(super) alive: Script,
    /// Those of maps.
    pub(super) maps: map::Scripts,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let with_common = |code: &str| Script::new(&format!("{COMMON}\n{code}"));
        Self {
            publish: with_common(include_str!("publish.lua")),
            commit: with_common(include_str!("commit.lua")),
            records: with_common(include_str!("records.lua")),
            claim: with_common(include_str!("claim.lua")),
            release: Script::new(include_str!("release.lua")),
            history: with_common(include_str!("history.lua")),
            carry: with_common(include_str!("carry.lua")),
            enter: Script::new(include_str!("enter.lua")),
            leave: Script::new(include_str!("leave.lua")),
            alive: Script::new(include_str!("alive.lua")),
            maps: map::Scripts::new(),
        }
    }

    /// Loads them all, so that two publications in a row keep their order: neither waits for a script.
    ///
    /// # Errors
    ///
    /// What Redis says.
    pub(super) async fn load(&self, connection: &mut Connection) -> RedisResult<()> {
        let Self { publish, commit, records, claim, release, history, carry, enter, leave, alive, maps } =
            self;
        for script in [publish, commit, records, claim, release, history, carry, enter, leave, alive] {
            script.load_async(connection).await?;
        }
        maps.load(connection).await
    }
}
