//! Tokens of connections and subscriptions: JSON Web Tokens, with the claims that Centrifugo reads.
//!
//! Nothing here reads a clock or asks another server: the time is an argument, and the keys are in the settings.

mod claims;
mod keys;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use regex::Regex;
use serde_json::value::RawValue;

use claims::Claims;
use keys::Keys;

/// The farthest that an expiration may lie ahead, s: a year.
const EXPIRES_AFTER_MAX_S: i64 = 365 * 24 * 3_600;

/// What tokens are checked by: the names are those of Centrifugo's `client.token`.
#[derive(Clone, Default)]
pub struct Settings {
    /// The secret of HS256, HS384 and HS512.
    pub hmac_secret_key: Option<String>,
    /// The secret before that one, whose tokens are still taken…
    pub hmac_previous_secret_key: Option<String>,
    /// …until this time, s since the epoch; without it, always.
    pub hmac_previous_secret_key_valid_until: Option<i64>,
    /// The public key of RS256, RS384 and RS512, in PEM.
    pub rsa_public_key: Option<String>,
    /// The public key of ES256 or ES384, by its curve, in PEM.
    pub ecdsa_public_key: Option<String>,
    /// What `aud` must hold.
    pub audience: Option<String>,
    /// What one of `aud` must match.
    pub audience_regex: Option<String>,
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `iss` must match.
    pub issuer_regex: Option<String>,
    /// The claim that names the user, in place of `sub`.
    pub user_id_claim: Option<String>,
    /// Takes every signature: for development alone.
    pub skip_signature: bool,
}

/// Shows which keys there are, and never the keys.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("hmac", &self.hmac_secret_key.is_some())
            .field("rsa", &self.rsa_public_key.is_some())
            .field("ecdsa", &self.ecdsa_public_key.is_some())
            .finish_non_exhaustive()
    }
}

/// A setting of tokens that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {why}")]
pub struct KeyError {
    /// Which of [`Settings`].
    pub key: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// Checks tokens. A clone is the same verifier; one without keys takes no token.
#[derive(Debug, Clone, Default)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    keys: Keys,
    audience: Option<Expected>,
    issuer: Option<Expected>,
    user_id_claim: Option<String>,
}

/// What a claim must be.
#[derive(Debug)]
enum Expected {
    Exactly(String),
    Like(Regex),
}

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
    /// The same with what holds in each, by name; then `channels` is empty.
    pub subs: Vec<(String, Grant)>,
}

/// What a subscription's token says.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionClaims {
    /// Who; empty for the anonymous user.
    pub user: String,
    /// The channel; never empty.
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

/// What holds in place of the namespace's options of the same names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// Whether presence is known.
    pub presence: Option<bool>,
    /// Whether joins and leaves are announced to those who ask for it…
    pub join_leave: Option<bool>,
    /// …and to this subscriber unasked.
    pub force_push_join_leave: Option<bool>,
    /// Whether the subscription is positioned.
    pub force_positioning: Option<bool>,
    /// Whether it is recoverable.
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

impl TokenError {
    fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }
}

impl Verifier {
    /// A verifier by these settings.
    ///
    /// # Errors
    ///
    /// [`KeyError`]: the first setting that cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, KeyError> {
        let inner = Inner {
            keys: Keys::new(settings)?,
            audience: Expected::new("audience_regex", &settings.audience, &settings.audience_regex)?,
            issuer: Expected::new("issuer_regex", &settings.issuer, &settings.issuer_regex)?,
            user_id_claim: settings.user_id_claim.clone(),
        };
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        if inner.user_id_claim.as_ref().is_some_and(|name| name.is_empty() || !name.chars().all(letter)) {
            let why = "is the name of a claim, of letters and `_`".to_owned();
            return Err(KeyError { key: "user_id_claim", why });
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Reads a connection's token; `now_s` is the time, s since the epoch.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn connection(&self, token: &str, now_s: i64) -> Result<ConnectionClaims, TokenError> {
        let claims = self.claims(token, now_s)?;
        if !claims.channel().is_empty() {
            // Who got a token for one channel must not connect by it.
            return Err(TokenError::invalid("it is a subscription's"));
        }
        claims.check_time(now_s)?;
        claims.connection(self.user(token)?, now_s)
    }

    /// Reads a subscription's token; `now_s` is the time, s since the epoch.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn subscription(&self, token: &str, now_s: i64) -> Result<SubscriptionClaims, TokenError> {
        let claims = self.claims(token, now_s)?;
        if claims.channel().is_empty() {
            return Err(TokenError::invalid("it names no channel"));
        }
        claims.check_time(now_s)?;
        claims.subscription(self.user(token)?, now_s)
    }

    /// The claims of a token that one of the keys signed, for us and by whom we trust.
    fn claims(&self, token: &str, now_s: i64) -> Result<Claims, TokenError> {
        let inner = &self.0;
        inner.keys.verify(token, now_s)?;
        let claims: Claims = claims::decode(token)?;
        let audience = claims.audience();
        if inner.audience.as_ref().is_some_and(|expected| !audience.iter().any(|one| expected.is(one))) {
            return Err(TokenError::invalid("`aud` is another's"));
        }
        if inner.issuer.as_ref().is_some_and(|expected| !expected.is(claims.issuer())) {
            return Err(TokenError::invalid("`iss` is another"));
        }
        Ok(claims)
    }

    /// The user, if another claim than `sub` names it.
    fn user(&self, token: &str) -> Result<Option<String>, TokenError> {
        self.0.user_id_claim.as_ref().map(|claim| claims::named(token, claim)).transpose()
    }
}

impl Expected {
    fn new(
        key: &'static str,
        exactly: &Option<String>,
        like: &Option<String>,
    ) -> Result<Option<Self>, KeyError> {
        match (exactly, like) {
            (Some(_), Some(_)) => Err(KeyError { key, why: "stands beside the exact value".to_owned() }),
            (Some(exactly), None) => Ok(Some(Self::Exactly(exactly.clone()))),
            (None, Some(like)) => match Regex::new(like) {
                Ok(regex) => Ok(Some(Self::Like(regex))),
                Err(_) => Err(KeyError { key, why: "is not a regular expression".to_owned() }),
            },
            (None, None) => Ok(None),
        }
    }

    fn is(&self, value: &str) -> bool {
        match self {
            Self::Exactly(exactly) => value == exactly,
            Self::Like(regex) => regex.is_match(value),
        }
    }
}
