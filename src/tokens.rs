//! Tokens of connections and subscriptions: JSON Web Tokens, with the claims that Centrifugo reads.

use serde_json::value::RawValue;

/// Checks tokens. A clone is the same verifier; one without keys takes no token.
#[derive(Debug, Clone, Default)]
pub struct Verifier {}

/// What a connection's token says.
#[derive(Debug, Clone, Default)]
pub struct ConnectionClaims {
    /// Who; empty for the anonymous user.
    pub user: String,
    /// When the connection expires, s since the epoch.
    pub expires_at: Option<i64>,
    /// What others see of who it is.
    pub info: Option<Box<RawValue>>,
    /// What only the server knows.
    pub meta: Option<Box<RawValue>>,
    /// Channels to which the connection is subscribed.
    pub channels: Vec<String>,
    /// The same with what holds in each; then `channels` is empty.
    pub subs: Vec<(String, Grant)>,
}

/// What a subscription's token says.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionClaims {
    /// Who; empty for the anonymous user.
    pub user: String,
    /// The channel.
    pub channel: String,
    /// The connection's id, if only that one may use it.
    pub client: Option<String>,
    /// When the subscription expires, s since the epoch.
    pub expires_at: Option<i64>,
    /// What holds in it.
    pub grant: Grant,
}

/// What a token says of a subscription.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// What others see of who it is, in this channel.
    pub info: Option<Box<RawValue>>,
    /// What the client gets with the reply.
    pub data: Option<Box<RawValue>>,
    /// What the namespace says otherwise.
    pub overrides: Overrides,
}

/// What holds in place of what the namespace says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// See the namespace's option of this name; so the others.
    pub presence: Option<bool>,
    /// …
    pub join_leave: Option<bool>,
    /// …
    pub force_push_join_leave: Option<bool>,
    /// …
    pub force_positioning: Option<bool>,
    /// …
    pub force_recovery: Option<bool>,
}

/// Why a token was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It holds no more, or not yet.
    #[error("the token has expired")]
    Expired,
    /// It is wrong; why, for the log.
    #[error("the token is not valid: {0}")]
    Invalid(String),
}

impl Verifier {
    /// Reads a connection's token; `now_s` is the time, s since the epoch.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn connection(&self, _token: &str, _now_s: i64) -> Result<ConnectionClaims, TokenError> {
        Err(TokenError::Invalid("no key is configured".to_owned()))
    }

    /// Reads a subscription's token; `now_s` is the time, s since the epoch.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn subscription(&self, _token: &str, _now_s: i64) -> Result<SubscriptionClaims, TokenError> {
        Err(TokenError::Invalid("no key is configured".to_owned()))
    }
}
