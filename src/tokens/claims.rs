//! The claims of a token, as they are written, and what they mean.

use std::collections::BTreeMap;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{ConnectionClaims, EXPIRES_AFTER_MAX_S, Grant, Overrides, SubscriptionClaims, TokenError};

/// All claims that are read, of either token. A claim of another type than here makes the token invalid; `null` is as
/// good as absent, as issuers write it for what they do not set.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    sub: Option<String>,
    aud: Option<Audience>,
    iss: Option<String>,
    exp: Option<Date>,
    nbf: Option<Date>,
    expire_at: Option<i64>,
    channel: Option<String>,
    client: Option<String>,
    meta: Option<Box<RawValue>>,
    channels: Option<Vec<String>>,
    subs: Option<BTreeMap<String, WrittenGrant>>,
    // The fields of `WrittenGrant`: flattened, their raw JSON would be lost.
    info: Option<Box<RawValue>>,
    b64info: Option<String>,
    data: Option<Box<RawValue>>,
    b64data: Option<String>,
    #[serde(rename = "override")]
    overrides: Option<WrittenOverrides>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Seconds since the epoch; RFC 7519 allows fractions.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Date {
    Whole(i64),
    Real(f64),
}

#[derive(Debug, Deserialize)]
struct WrittenGrant {
    info: Option<Box<RawValue>>,
    b64info: Option<String>,
    data: Option<Box<RawValue>>,
    b64data: Option<String>,
    #[serde(rename = "override")]
    overrides: Option<WrittenOverrides>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct WrittenOverrides {
    presence: Option<Value>,
    join_leave: Option<Value>,
    force_push_join_leave: Option<Value>,
    force_positioning: Option<Value>,
    force_recovery: Option<Value>,
}

/// An override is an object, so that `false` is told from what is not set.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Value {
    #[serde(default)]
    value: bool,
}

/// The payload of a token.
pub(super) fn decode<T: DeserializeOwned>(token: &str) -> Result<T, TokenError> {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| TokenError::invalid("its claims are not written in base64url"))?;
    serde_json::from_slice(&payload).map_err(|error| TokenError::invalid(format!("its claims: {error}")))
}

/// A claim as the name of a user: a number becomes its digits, and what is absent the anonymous user.
pub(super) fn named(token: &str, claim: &str) -> Result<String, TokenError> {
    let claims: BTreeMap<String, Box<RawValue>> = decode(token)?;
    let Some(value) = claims.get(claim).filter(|value| value.get() != "null") else {
        return Ok(String::new());
    };
    Ok(serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned()))
}

impl Claims {
    /// For whom the token is.
    pub(super) fn audience(&self) -> &[String] {
        match &self.aud {
            Some(Audience::One(one)) => std::slice::from_ref(one),
            Some(Audience::Many(many)) => many,
            None => &[],
        }
    }

    /// Who wrote it; empty if it does not say.
    pub(super) fn issuer(&self) -> &str {
        self.iss.as_deref().unwrap_or_default()
    }

    /// The channel of a subscription's token; empty in a connection's.
    pub(super) fn channel(&self) -> &str {
        self.channel.as_deref().unwrap_or_default()
    }

    /// Fails before the first and after the last second in which the token holds. Whoever writes `nbf` as the time of
    /// writing may use the token in the same second.
    pub(super) fn check_time(&self, now_s: i64) -> Result<(), TokenError> {
        let over = self.exp.is_some_and(|exp| exp.seconds() <= now_s);
        let early = self.nbf.is_some_and(|nbf| now_s < nbf.seconds());
        if over || early { Err(TokenError::Expired) } else { Ok(()) }
    }

    /// When what the token allows expires: `expire_at` before `exp`, and at 0 or below never.
    fn expires_at(&self, now_s: i64) -> Option<i64> {
        let at = match self.expire_at {
            Some(at) => Some(at).filter(|at| 0 < *at),
            None => self.exp.map(Date::seconds),
        };
        at.map(|at| at.min(now_s.saturating_add(EXPIRES_AFTER_MAX_S)))
    }

    pub(super) fn connection(self, user: Option<String>, now_s: i64) -> Result<ConnectionClaims, TokenError> {
        let expires_at = self.expires_at(now_s);
        let subs: Vec<(String, Grant)> = self
            .subs
            .unwrap_or_default()
            .into_iter()
            .map(|(channel, written)| Ok((channel, written.read()?)))
            .collect::<Result<_, TokenError>>()?;
        let channels = if subs.is_empty() { self.channels.unwrap_or_default() } else { Vec::new() };
        Ok(ConnectionClaims {
            user: user.or(self.sub).unwrap_or_default(),
            expires_at,
            info: json(self.info, self.b64info, "b64info")?,
            meta: self.meta,
            channels,
            subs,
        })
    }

    pub(super) fn subscription(
        self,
        user: Option<String>,
        now_s: i64,
    ) -> Result<SubscriptionClaims, TokenError> {
        let expires_at = self.expires_at(now_s);
        let Self { info, b64info, data, b64data, overrides, .. } = self;
        Ok(SubscriptionClaims {
            user: user.or(self.sub).unwrap_or_default(),
            channel: self.channel.unwrap_or_default(),
            client: self.client.filter(|client| !client.is_empty()),
            expires_at,
            grant: WrittenGrant { info, b64info, data, b64data, overrides }.read()?,
        })
    }
}

impl Date {
    #[expect(clippy::cast_possible_truncation, reason = "a time past the range of i64 is as good as its end")]
    fn seconds(self) -> i64 {
        match self {
            Self::Whole(seconds) => seconds,
            Self::Real(seconds) => seconds.floor() as i64,
        }
    }
}

impl WrittenGrant {
    fn read(self) -> Result<Grant, TokenError> {
        let overrides = self.overrides.unwrap_or_default();
        let flag = |value: Option<Value>| value.map(|value| value.value);
        Ok(Grant {
            info: json(self.info, self.b64info, "b64info")?,
            data: json(self.data, self.b64data, "b64data")?,
            overrides: Overrides {
                presence: flag(overrides.presence),
                join_leave: flag(overrides.join_leave),
                force_push_join_leave: flag(overrides.force_push_join_leave),
                force_positioning: flag(overrides.force_positioning),
                force_recovery: flag(overrides.force_recovery),
            },
        })
    }
}

/// A claim that may also be written in base64; that form wins. It must be JSON, as clients are sent nothing else.
fn json(
    plain: Option<Box<RawValue>>,
    base64: Option<String>,
    name: &str,
) -> Result<Option<Box<RawValue>>, TokenError> {
    let Some(base64) = base64.filter(|text| !text.is_empty()) else { return Ok(plain) };
    let wrong = || TokenError::invalid(format!("`{name}` is not JSON in base64"));
    let bytes = STANDARD.decode(base64).map_err(|_| wrong())?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_| wrong())
}
