//! `[client]`: who may connect, and what a connection may cost.

use crate::document::{Placed, Table};
use crate::hub::options::{Options, Personal};
use crate::tokens::{Settings, Verifier};

use super::value::{caution, count, duration, flag, lacking, lacks, signed, text};

/// What of Centrifugo's `client` is not built, but for tokens and proxies.
const LACKING: &[&str] = &[
    "channel_position_check_delay",
    "channel_position_max_time_lag",
    "concurrency",
    "connect_code_to_unidirectional_disconnect",
];
/// Said of proxies that decided who may do something.
const NO_PROXY: &str = "is not built in watchroom: nobody is let in by it";

/// Where the namespace of personal channels is named, to be checked when all namespaces are known.
pub(super) type PersonalPlace = Option<Placed<Personal>>;

/// Reads the section.
pub(super) fn client(table: &mut Table<'_>, options: &mut Options) -> PersonalPlace {
    trust(table, options);
    times(table, options);
    limits(table, options);
    lacking(table, LACKING);
    options.connect_include_server_time = flag(table, "connect_include_server_time");
    let personal = personal(table);
    options.personal = personal.as_ref().map(|personal| personal.value.clone());
    personal
}

fn trust(table: &mut Table<'_>, options: &mut Options) {
    options.allowed_origins = table
        .texts("allowed_origins")
        .unwrap_or_default()
        .into_iter()
        .map(|origin| origin.value.to_ascii_lowercase())
        .collect();
    options.allow_anonymous_connect_without_token = flag(table, "allow_anonymous_connect_without_token");
    options.disallow_anonymous_connection_tokens = flag(table, "disallow_anonymous_connection_tokens");
    let place = table.place("insecure");
    options.insecure = flag(table, "insecure");
    if options.insecure {
        caution(table, place, "insecure", "whoever connects may subscribe, publish and read everywhere");
    }
    lacks(table, "user_id_http_header", "is not built in watchroom: users need tokens");
    table.table("proxy", |proxy| {
        if lacks(proxy, "connect", NO_PROXY) {
            // Whom the proxy would have asked about is not let in unasked.
            options.allow_anonymous_connect_without_token = false;
        }
        lacks(proxy, "refresh", NO_PROXY);
    });
    let place = table.place("insecure_skip_token_signature_verify");
    let skip_signature = flag(table, "insecure_skip_token_signature_verify");
    if skip_signature {
        let what = "whoever writes a token is whom it names";
        caution(table, place, "insecure_skip_token_signature_verify", what);
    }
    let connection = table.table("token", |token| verifier(token, skip_signature));
    let no_keys = || Verifier::new(&Settings { skip_signature, ..Settings::default() }).unwrap_or_default();
    options.connection_tokens = connection.unwrap_or_else(no_keys);
    let subscription = table.table("subscription_token", |token| {
        let enabled = flag(token, "enabled");
        let verifier = verifier(token, skip_signature);
        enabled.then_some(verifier)
    });
    options.subscription_tokens = subscription.flatten().unwrap_or_else(|| options.connection_tokens.clone());
}

/// A verifier by the keys of a table; one without keys if any is wrong, which is then known.
fn verifier(table: &mut Table<'_>, skip_signature: bool) -> Verifier {
    let mut places = Vec::new();
    let mut word = |table: &mut Table<'_>, key| {
        text(table, key).map(|Placed { value, span }| {
            places.push((key, span));
            value
        })
    };
    let mut settings = Settings {
        hmac_secret_key: word(table, "hmac_secret_key"),
        hmac_previous_secret_key: word(table, "hmac_previous_secret_key"),
        rsa_public_key: word(table, "rsa_public_key"),
        ecdsa_public_key: word(table, "ecdsa_public_key"),
        audience: word(table, "audience"),
        audience_regex: word(table, "audience_regex"),
        issuer: word(table, "issuer"),
        issuer_regex: word(table, "issuer_regex"),
        user_id_claim: word(table, "user_id_claim"),
        hmac_previous_secret_key_valid_until: None,
        skip_signature,
    };
    let until = table.whole("hmac_previous_secret_key_valid_until", 0..=i64::MAX);
    settings.hmac_previous_secret_key_valid_until = until.filter(|until| *until != 0);
    table.leave("insecure_skip_jwks_endpoint_safety_check");
    if lacks(table, "jwks_public_endpoint", "is not built in watchroom: no token is taken") {
        // Where it is set, Centrifugo takes no token by any other key: neither must we.
        settings = Settings {
            hmac_secret_key: None,
            hmac_previous_secret_key: None,
            rsa_public_key: None,
            ecdsa_public_key: None,
            ..settings
        };
    }
    match Verifier::new(&settings) {
        Ok(verifier) => verifier,
        Err(error) => {
            let place = places.into_iter().find(|(key, _)| *key == error.key).map(|(_, span)| span);
            let place = place.unwrap_or_else(|| table.start());
            table.reader().wrong(place, error.to_string());
            Verifier::default()
        }
    }
}

fn times(table: &mut Table<'_>, options: &mut Options) {
    let place = table.place("ping_interval").or_else(|| table.place("pong_timeout"));
    let mut time = |key, into: &mut std::time::Duration| {
        if let Some(read) = duration(table, key) {
            *into = read.value;
        }
    };
    time("ping_interval", &mut options.ping_interval);
    time("expired_close_delay", &mut options.expired_close_delay);
    time("expired_sub_close_delay", &mut options.expired_sub_close_delay);
    time("stale_close_delay", &mut options.stale_close_delay);
    time("presence_update_interval", &mut options.presence_update_interval);
    if let Some(read) = signed(table, "pong_timeout") {
        options.pong_timeout = read.value;
    }
    if let Some(place) = place
        && options.pong_timeout.is_some_and(|timeout| options.ping_interval <= timeout)
    {
        let help = "by default pings come every 25s, and a pong may take 8s";
        table.reader().wrong_with(place, "`ping_interval` must be longer than `pong_timeout`", help);
    }
}

fn limits(table: &mut Table<'_>, options: &mut Options) {
    let mut limit = |key, into: &mut usize| {
        if let Some(read) = count(table, key) {
            *into = read;
        }
    };
    limit("channel_limit", &mut options.channel_limit);
    limit("queue_max_size", &mut options.queue_max_size);
    limit("history_max_publication_limit", &mut options.history_max_publication_limit);
    limit("recovery_max_publication_limit", &mut options.recovery_max_publication_limit);
    options.connection_limit = count(table, "connection_limit");
    options.user_connection_limit = count(table, "user_connection_limit");
    options.connection_limit_per_address = count(table, "connection_limit_per_address");
    options.connection_rate_limit =
        count(table, "connection_rate_limit").and_then(|limit| u32::try_from(limit).ok());
}

fn personal(table: &mut Table<'_>) -> PersonalPlace {
    let place = table.place("subscribe_to_user_personal_channel")?;
    table.table("subscribe_to_user_personal_channel", |table| {
        let enabled = flag(table, "enabled");
        let namespace = text(table, "personal_channel_namespace");
        let single_connection = flag(table, "single_connection");
        let (namespace, span) = namespace.map_or((String::new(), place), |text| (text.value, text.span));
        enabled.then_some(Placed { value: Personal { namespace, single_connection }, span })
    })?
}
