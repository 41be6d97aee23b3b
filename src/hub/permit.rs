//! Who may do what in which channel: Centrifugo's rules, in their order. Pure.

use bytes::Bytes;

use super::{
    channel::{Allowed, Class, DataFormat, Rules, SubscriptionType},
    options::Syntax,
    refusal::Stop,
};
use crate::tokens::Overrides;
use crate::wire::centrifugo::{ErrorCode, raw};

/// Whom a connection stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Who reached an open server, or one of our own pages: as good as a user, and may use our own channels and calls.
    Page,
    /// A client of the configured channels.
    Client,
}

/// A client that asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who<'a> {
    /// Its user; empty for the anonymous one.
    pub(super) user: &'a str,
    /// Whom it stands for.
    pub(super) standing: Standing,
    /// Everyone may do everything in channels that there are.
    pub(super) insecure: bool,
}

impl Who<'_> {
    /// Whether an option lets it; `is_subscribed` tells whether it is in the channel.
    pub(super) const fn may(&self, allowed: Allowed, is_subscribed: bool) -> bool {
        if self.insecure {
            return true;
        }
        let counts = !self.user.is_empty() || allowed.anonymous || matches!(self.standing, Standing::Page);
        counts && (allowed.client || allowed.subscriber && is_subscribed)
    }
}

/// What the server subscribes a connection to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerSubscribe {
    /// The channel.
    pub channel: String,
    /// What others see of who it is, in this channel.
    pub info: Bytes,
    /// What the client gets with it.
    pub data: Bytes,
    /// When the subscription expires, s since the epoch.
    pub expires_at: Option<i64>,
    /// What the namespace says otherwise.
    pub overrides: Overrides,
}

/// The part of a name after its namespace, which `channel_regex` is about.
fn rest<'a>(channel: &'a str, syntax: &Syntax) -> &'a str {
    let bare = channel.strip_prefix(&*syntax.private_prefix).unwrap_or(channel);
    bare.split_once(&*syntax.namespace_boundary).map_or(channel, |(_, rest)| rest)
}

/// Whether a name can be that of a channel of these rules.
///
/// # Errors
///
/// `bad request`.
pub(super) fn name(channel: &str, rules: &Rules, syntax: &Syntax) -> Result<(), Stop> {
    let fits = match &rules.channel_regex {
        Some(regex) => regex.is_match(rest(channel, syntax)),
        // Our own channels hold names of machines.
        None => channel.is_ascii() || rules.class != Class::Event,
    };
    if fits { Ok(()) } else { Err(Stop::refuse(ErrorCode::BadRequest)) }
}

/// Whether the users that stand after the boundary have this one among them; nothing where the channel is for all.
fn is_of_users(channel: &str, user: &str, rules: &Rules, syntax: &Syntax) -> Option<bool> {
    if !rules.allow_user_limited_channels {
        return None;
    }
    let (_, users) = channel.rsplit_once(&*syntax.user_boundary)?;
    Some(users.split(&*syntax.user_separator).any(|one| one == user))
}

/// Whether a client may subscribe without a token.
///
/// # Errors
///
/// `permission denied`.
pub(super) fn subscribe(channel: &str, who: Who<'_>, rules: &Rules, syntax: &Syntax) -> Result<(), Stop> {
    let is_private = channel.starts_with(&*syntax.private_prefix);
    let of_users = is_of_users(channel, who.user, rules, syntax);
    let may = match of_users {
        _ if is_private => false,
        Some(true) => true,
        Some(false) => who.insecure,
        None => who.may(rules.subscribe, false),
    };
    if may { Ok(()) } else { Err(Stop::refuse(ErrorCode::PermissionDenied)) }
}

/// What a client asks to subscribe to, against what there is.
///
/// # Errors
///
/// `permission denied`, or `not available` for what we do not have.
pub(super) fn kind(asked: i32, rules: &Rules) -> Result<(), Stop> {
    let kind = match asked {
        0 => SubscriptionType::Stream,
        1 => SubscriptionType::Map,
        2 => SubscriptionType::MapClients,
        3 => SubscriptionType::MapUsers,
        _ => return Err(Stop::refuse(ErrorCode::NotAvailable)),
    };
    if kind == rules.subscription_type { Ok(()) } else { Err(Stop::refuse(ErrorCode::PermissionDenied)) }
}

/// Whether something can be published.
///
/// # Errors
///
/// `bad request`.
pub(super) fn data(data: &[u8], format: DataFormat) -> Result<(), Stop> {
    let fits = match format {
        DataFormat::Some => !data.is_empty(),
        DataFormat::Json => raw::is_json(data),
        DataFormat::JsonObject => raw::is_json(data) && data.trim_ascii_start().starts_with(b"{"),
        DataFormat::Binary => true,
    };
    if fits { Ok(()) } else { Err(Stop::refuse(ErrorCode::BadRequest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Who<'static> = Who { user: "42", standing: Standing::Client, insecure: false };
    const ANONYMOUS: Who<'static> = Who { user: "", ..CLIENT };

    fn client(anonymous: bool) -> Allowed {
        Allowed { client: true, subscriber: false, anonymous }
    }

    #[test]
    fn options_are_for_users_unless_they_are_for_all() {
        assert!(CLIENT.may(client(false), false));
        assert!(!ANONYMOUS.may(client(false), false));
        assert!(ANONYMOUS.may(client(true), false));
        assert!(Who { standing: Standing::Page, ..ANONYMOUS }.may(client(false), false));
        let subscriber = Allowed { client: false, subscriber: true, anonymous: false };
        assert_eq!([false, true].map(|is_in| CLIENT.may(subscriber, is_in)), [false, true]);
        let nothing = Allowed { anonymous: true, ..Allowed::default() };
        assert!(!ANONYMOUS.may(nothing, true));
        assert!(Who { insecure: true, ..ANONYMOUS }.may(nothing, false));
    }

    #[track_caller]
    fn check(channel: &str, who: Who<'_>, rules: &Rules, expected: bool) {
        assert_eq!(subscribe(channel, who, rules, &Syntax::default()).is_ok(), expected, "{channel}");
    }

    #[test]
    fn channels_of_users_are_theirs_alone() {
        let open = Rules { subscribe: client(true), ..Rules::default() };
        let theirs = Rules { allow_user_limited_channels: true, ..open.clone() };
        check("news", ANONYMOUS, &open, true);
        check("dialog#42,43", CLIENT, &theirs, true);
        check("dialog#41,43", CLIENT, &theirs, false);
        check("dialog#41,43", CLIENT, &open, true);
        check("$secret", CLIENT, &open, false);
        check("$secret", Who { insecure: true, ..CLIENT }, &open, false);
        check("news", CLIENT, &Rules::default(), false);
    }

    #[test]
    fn names_are_ascii_or_as_the_namespace_says() {
        let (syntax, rules) = (Syntax::default(), Rules::default());
        assert!(name("chat:a", &rules, &syntax).is_ok());
        assert!(name("chat:й", &rules, &syntax).is_err());
        let digits = Rules { channel_regex: regex::Regex::new("^[0-9]+$").ok(), ..rules };
        assert!(name("chat:12", &digits, &syntax).is_ok());
        assert!(name("$chat:12", &digits, &syntax).is_ok());
        assert!(name("chat:a", &digits, &syntax).is_err());
    }

    #[test]
    fn what_is_published_has_its_format() {
        let fits = |bytes: &[u8], format| data(bytes, format).is_ok();
        assert!(!fits(b"", DataFormat::Some) && fits(b"\xff", DataFormat::Some));
        assert!(fits(b"1", DataFormat::Json) && !fits(b"\xff", DataFormat::Json));
        assert!(fits(b"{}", DataFormat::JsonObject) && !fits(b"1", DataFormat::JsonObject));
        assert!(fits(b"", DataFormat::Binary));
    }
}
