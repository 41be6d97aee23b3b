//! Who is present in a channel.

use super::{Backend, BackendError};
use crate::wire::centrifugo::ClientInfo;

impl Backend {
    /// Lists a connection as present and, if `announce`, tells the others. One that is listed already and whose facts
    /// have changed is announced again.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn enter(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => backend.enter(channel, info, announce).await,
            Self::Redis(backend) => backend.enter(channel, info, announce).await,
        }
    }

    /// Lists a connection that is listed already as it is now, and tells nobody; its leaving is told if `announce`.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn renew(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => {
                backend.renew(channel, info);
                Ok(())
            }
            Self::Redis(backend) => backend.renew(channel, info, announce).await,
        }
    }

    /// Takes a connection off the list and, if `announce`, tells the others.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn leave(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => backend.leave(channel, info, announce).await,
            Self::Redis(backend) => backend.leave(channel, info, announce).await,
        }
    }

    /// Who is present, by connection id.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn presence(&self, channel: &str) -> Result<Vec<ClientInfo>, BackendError> {
        match self {
            Self::Embedded(backend) => Ok(backend.presence(channel)),
            Self::Redis(backend) => backend.presence(channel).await,
        }
    }
}
