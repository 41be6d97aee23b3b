//! A client changes keys of maps.

use super::Session;
use crate::backend::MapPut;
use crate::hub::{
    channel::{ClientKey, Rules},
    map::{self, MapError},
    refusal::{Stop, internal},
};
use crate::wire::centrifugo::{Answer, ErrorCode, Publish};

impl Session {
    /// Puts a value into a map, or takes a key out.
    ///
    /// # Errors
    ///
    /// Why it is not done.
    pub(super) async fn change_map(&mut self, id: u32, request: Publish, rules: &Rules) -> Result<(), Stop> {
        let Publish { channel, data, key, removed, .. } = request;
        let map = map::of(rules).map_err(|_| Stop::refuse(ErrorCode::PermissionDenied))?;
        self.allowed(&channel, if removed { map.remove } else { map.publish })?;
        let key = match map.client_key {
            ClientKey::Any => key,
            ClientKey::ClientId => self.connection.client.to_string(),
            ClientKey::UserId if self.user.is_empty() => {
                return Err(Stop::refuse(ErrorCode::PermissionDenied));
            }
            ClientKey::UserId => self.user.to_string(),
        };
        let done = if removed {
            self.hub.map_remove(&channel, rules, (&key, "")).await
        } else {
            let (info, delta) = (Some(self.info_in(&channel)), rules.delta_publish);
            let put = MapPut { key, data, info, delta, ..MapPut::default() };
            self.hub.map_put(&channel, rules, put).await
        };
        done.map_err(refused)?;
        self.reply(id, Answer::Publish);
        Ok(())
    }
}

fn refused(error: MapError) -> Stop {
    match error {
        MapError::NoMap | MapError::Key => Stop::refuse(ErrorCode::BadRequest),
        MapError::Version => Stop::refuse(ErrorCode::Internal),
        MapError::Backend(error) => internal(error).into(),
    }
}
