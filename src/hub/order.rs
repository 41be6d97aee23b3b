//! What hubs of all nodes are told to do with connections: JSON between nodes. Fields may be added; readers ignore those
//! that they do not know, and orders too.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::permit::ServerSubscribe;
use crate::tokens::Overrides;
use crate::wire::centrifugo::raw;

/// Whose connections are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Whom {
    /// Of this user; the anonymous one if empty.
    pub user: String,
    /// The connection of this id alone.
    pub client: String,
    /// The connection of this session alone.
    pub session: String,
    /// On this node, those alone that entered before that one; on others all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<(String, u64)>,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
// Not tagged from within: raw values do not come through that.
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Joins a channel.
    Subscribe {
        /// Who.
        whom: Whom,
        /// The channel.
        channel: String,
        /// What others see of who it is, in this channel.
        #[serde(default)]
        info: Option<Box<RawValue>>,
        /// What the client gets with it.
        #[serde(default)]
        data: Option<Box<RawValue>>,
        /// When the subscription expires, s since the epoch.
        #[serde(default)]
        expires_at: Option<i64>,
        /// What the namespace says otherwise.
        #[serde(default)]
        overrides: Overrides,
    },
    /// Leaves a channel, or all if it is empty.
    Unsubscribe {
        /// Who.
        whom: Whom,
        /// The channel.
        channel: String,
    },
    /// Ends connections.
    Disconnect {
        /// Whose.
        whom: Whom,
        /// The code that they get.
        code: u16,
        /// The words that they get.
        reason: String,
        /// Ids of connections that are spared.
        #[serde(default)]
        whitelist: Vec<String>,
    },
    /// Gives connections another end.
    Refresh {
        /// Whose.
        whom: Whom,
        /// They have expired.
        #[serde(default)]
        expired: bool,
        /// When they expire, s since the epoch; never if nothing is said.
        #[serde(default)]
        expires_at: Option<i64>,
        /// What others see of who they are, if that changes.
        #[serde(default)]
        info: Option<Box<RawValue>>,
    },
}

impl Order {
    /// Whose connections are meant.
    pub const fn whom(&self) -> &Whom {
        match self {
            Self::Subscribe { whom, .. }
            | Self::Unsubscribe { whom, .. }
            | Self::Disconnect { whom, .. }
            | Self::Refresh { whom, .. } => whom,
        }
    }
}

/// A subscription as an order has it.
pub(super) fn subscription(
    channel: String,
    info: Option<Box<RawValue>>,
    data: Option<Box<RawValue>>,
    expires_at: Option<i64>,
    overrides: Overrides,
) -> ServerSubscribe {
    let line = |value: Option<Box<RawValue>>| value.map_or_else(Bytes::new, raw::one_line);
    ServerSubscribe { channel, info: line(info), data: line(data), expires_at, overrides }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_comes_as_it_was_given() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).ok();
        let whom = Whom { user: "42".to_owned(), ..Whom::default() };
        let order = Order::Subscribe {
            whom: whom.clone(),
            channel: "a".to_owned(),
            info: raw(r#"{"q":1}"#),
            data: raw(r#"{"z": 1}"#),
            expires_at: Some(7),
            overrides: Overrides { presence: Some(true), ..Overrides::default() },
        };
        let json = serde_json::to_string(&order).unwrap();
        let Order::Subscribe { info, data, overrides, .. } = serde_json::from_str(&json).unwrap() else {
            panic!("{json}")
        };
        assert_eq!((info.unwrap().get(), data.unwrap().get()), (r#"{"q":1}"#, r#"{"z": 1}"#));
        assert_eq!(overrides.presence, Some(true));
        let refresh = Order::Refresh { whom, expired: false, expires_at: None, info: raw("1") };
        let json = serde_json::to_string(&refresh).unwrap();
        let read: Order = serde_json::from_str(&json).unwrap();
        assert_eq!(read.whom().user, "42");
        assert!(matches!(read, Order::Refresh { info: Some(info), .. } if info.get() == "1"));
    }
}
