//! What runs inside Redis for maps, each in one step.

use redis::{RedisResult, Script};

use super::super::{connection::Connection, scripts::COMMON};

/// Functions that the scripts of one map begin with.
const MAP_COMMON: &str = include_str!("common.lua");

/// The scripts.
#[derive(Debug)]
pub(in crate::backend::redis) struct Scripts {
    /// Puts a value.
    pub(in crate::backend::redis) put: Script,
    /// Takes a key out.
    pub(in crate::backend::redis) remove: Script,
    /// Takes out keys whose time is over.
    pub(in crate::backend::redis) expire: Script,
    /// A page of the state.
    pub(in crate::backend::redis) state: Script,
    /// A part of what changed.
    pub(in crate::backend::redis) stream: Script,
    /// Takes everything out.
    pub(in crate::backend::redis) clear: Script,
    /// Maps in which keys end.
    pub(in crate::backend::redis) due: Script,
}

impl Scripts {
    pub(in crate::backend::redis) fn new() -> Self {
        let of_map = |code: &str| Script::new(&format!("{COMMON}\n{MAP_COMMON}\n{code}"));
        let with_common = |code: &str| Script::new(&format!("{COMMON}\n{code}"));
        Self {
            put: of_map(include_str!("put.lua")),
            remove: of_map(include_str!("remove.lua")),
            expire: of_map(include_str!("expire.lua")),
            state: of_map(include_str!("state.lua")),
            stream: of_map(include_str!("stream.lua")),
            clear: of_map(include_str!("clear.lua")),
            due: with_common(include_str!("due.lua")),
        }
    }

    /// Loads them all, so that two changes in a row keep their order: neither waits for a script.
    ///
    /// # Errors
    ///
    /// What Redis says.
    pub(in crate::backend::redis) async fn load(&self, connection: &mut Connection) -> RedisResult<()> {
        let Self { put, remove, expire, state, stream, clear, due } = self;
        for script in [put, remove, expire, state, stream, clear, due] {
            script.load_async(connection).await?;
        }
        Ok(())
    }
}
