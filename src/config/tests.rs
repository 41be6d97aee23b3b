//! Both files, as they are read.

use std::time::Duration;

use super::*;
use crate::backend::{StreamOptions, redis::RedisSettings};
use crate::hub::channel::{
    Allowed, ClientKey, DataFormat, MapMode, Namespaces, RecoveryMode, SubscriptionType,
};
use crate::hub::options::{Personal, Syntax, Trust};
use crate::tokens::TokenError;

/// As `centrifugo genconfig` and its users write it, with what is not built.
const SHOP: &str = r##"{
  "http_server": { "port": "8001", "internal_port": "9000" },
  "log": { "level": "debug" },
  "Client": {
    "token": { "hmac_secret_key": "a secret", "rsa_public_key": "" },
    "allowed_origins": ["https://shop.example", "http://localhost:*"],
    "ping_interval": "20s",
    "pong_timeout": -1,
    "channel_limit": 0,
    "user_connection_limit": 3,
    "proxy": { "connect": { "enabled": false, "endpoint": "" } },
    "subscribe_to_user_personal_channel": {
      "enabled": true, "personal_channel_namespace": "personal", "single_connection": true
    }
  },
  "http_api": { "key": "api-key", "error_mode": "transport", "handler_prefix": "/api/" },
  "websocket": { "compression": true, "compression_min_size": 512, "write_timeout": "2s" },
  "sse": { "enabled": true },
  "engine": { "type": "redis", "redis": { "address": "redis.example:6379", "password": "p@ss", "db": 2 } },
  "usage_stats": { "disabled": true },
  "admin": { "enabled": true, "password": "x" },
  "prometheus": { "enabled": true },
  "channel": {
    "publication_data_format": "json",
    "without_namespace": { "allow_subscribe_for_client": "true" },
    "namespaces": [
      { "name": "personal", "presence": true },
      {
        "name": "room", "history_size": 50, "history_ttl": "1h30m", "force_recovery": true,
        "force_recovery_mode": "cache", "auto_cache_recover": true, "allowed_delta_types": ["fossil"],
        "allow_publish_for_subscriber": true, "publish_proxy_enabled": true, "channel_regex": "^[a-z]+$",
        "map_clients_presence_channel_prefix": "here:", "publication_data_format": "json_object"
      },
      {
        "name": "here", "subscription_type": "map_clients",
        "map": { "mode": "ephemeral", "key_ttl": 60000000000, "max_page_size": 50 }
      },
      {
        "name": "board", "subscription_type": "map",
        "map": {
          "mode": "recoverable", "key_ttl": "1m", "client_key": "user_id",
          "allow_publish_for_client": true, "subscribe_catch_up_timeout": "-1s"
        }
      }
    ]
  }
}"##;

fn both(own: &str, text: &str) -> Result<Config, Problems> {
    parse_both("watchroom.toml", own, &Beside { name: "config.json", text })
}

/// What is wrong in a file of Centrifugo, without places.
fn wrong(text: &str) -> Vec<String> {
    let problems = both("", text).err().unwrap_or_default();
    problems.0.iter().map(|problem| problem.message().to_owned()).collect()
}

/// The only thing that is wrong in the options of a namespace.
#[track_caller]
fn wrong_namespace(options: &str, expected: &str) {
    let text = format!(r#"{{"channel": {{"namespaces": [{{"name": "ns", {options}}}]}}}}"#);
    let found = wrong(&text);
    assert!(found.len() == 1 && found[0].contains(expected), "{options}: {found:?}");
}

#[test]
fn a_namespace_is_read_in_centrifugos_words() {
    let text = "listen = '127.0.0.1:0'\n[[channel.namespaces]]\nname = 'bench'\nhistory_size = 10\nhistory_ttl = '1m'\n\
                allow_subscribe_for_client = true\nallow_publish_for_subscriber = true\n";
    let config = parse("watchroom.toml", text).unwrap();
    let rules = &config.namespaces[0].rules;
    assert!(rules.publish.subscriber && rules.stream.is_kept());
    assert_eq!(config.listen.port(), 0);
}

#[test]
fn events_have_a_retention_of_their_own() {
    let config = parse("w.toml", "[retention]\ntime = '1h'\nevents = '7d'\n").unwrap();
    assert_eq!(config.retention_ms, Some(3_600_000));
    assert_eq!(config.retention_events_ms, Some(7 * 24 * 3_600_000));
}

#[test]
fn wrong_keys_and_values_are_named() {
    let problems =
        parse("w.toml", "listen = 'here'\nlisen = 1\n[[channel.namespaces]]\nname = '@live'\n").unwrap_err();
    let text = problems.to_string();
    for expected in
        ["w.toml:1:10: `listen` is not", "w.toml:4:8: a namespace's name", "w.toml:2:1: unknown key `lisen`"]
    {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_file_of_centrifugo_is_read_whole() {
    let config = both("retention.events = '7d'\ninstance = 'a'\n", SHOP).unwrap();
    let options = &config.options;
    assert_eq!(
        (config.listen.to_string().as_str(), config.instance.as_deref()),
        ("127.0.0.1:8001", Some("a"))
    );
    assert_eq!(config.redis.urls, ["redis://:p%40ss@redis.example:6379/2"]);
    assert_eq!(
        (options.trust, options.ping_interval, options.pong_timeout),
        (Trust::Strict, Duration::from_secs(20), None)
    );
    let default = Options::strict();
    assert_eq!((options.channel_limit, options.user_connection_limit), (default.channel_limit, Some(3)));
    assert_eq!(options.allowed_origins, ["https://shop.example", "http://localhost:*"]);
    let personal = Personal { namespace: "personal".to_owned(), single_connection: true };
    assert_eq!(options.personal, Some(personal));
    assert_eq!((options.api.handler_prefix.as_str(), options.api.key.as_deref()), ("/api", Some("api-key")));
    assert!(options.api.transport_errors && !options.api.insecure);
    assert_eq!(options.transports.websocket_compression, Some(512));
    assert_eq!(options.transports.sse.as_deref(), Some("/connection/sse"));
    assert_eq!((&options.transports.http_stream, options.transports.message_size_limit), (&None, 65_536));
    assert!(config.without_namespace.as_ref().unwrap().subscribe.client);
}

#[test]
fn namespaces_of_centrifugo_are_rules() {
    let config = both("", SHOP).unwrap();
    let [personal, room, here, board] = config.namespaces.as_slice() else { panic!("{config:?}") };
    assert!(personal.rules.presence && personal.rules.publication_data_format == DataFormat::Json);
    let rules = &room.rules;
    assert_eq!(rules.stream, StreamOptions::Memory { size: 50, ttl: Duration::from_mins(90) });
    assert_eq!((rules.force_recovery_mode, rules.auto_cache_recover), (RecoveryMode::Cache, true));
    assert!(rules.allow_delta && rules.channel_regex.as_ref().unwrap().is_match("abc"));
    assert_eq!(rules.publication_data_format, DataFormat::JsonObject);
    assert_eq!(rules.publish, Allowed::default(), "the proxy decided, and there is none");
    let namespaces = |own: &[Namespace]| Namespaces::new(own.to_vec(), None, Syntax::default());
    assert!(namespaces(&config.namespaces).has_maps() && !namespaces(&config.namespaces[..2]).has_maps());
    let map = here.rules.map.as_ref().unwrap();
    assert_eq!(here.rules.subscription_type, SubscriptionType::MapClients);
    assert_eq!(
        (map.mode, map.key_ttl, map.stream_size),
        (MapMode::Ephemeral, Some(Duration::from_mins(1)), 0)
    );
    assert_eq!((map.page_size, map.page_sizes, map.live_transition_max), (50, (50, 50), 50));
    let map = board.rules.map.as_ref().unwrap();
    assert_eq!((map.stream_size, map.stream_ttl), (100, Duration::from_mins(1)));
    assert_eq!((map.meta_ttl, map.catch_up_timeout), (Some(Duration::from_mins(10)), None));
    assert_eq!((map.client_key, map.publish.client, map.remove.client), (ClientKey::UserId, true, false));
    assert_eq!((map.page_size, map.page_sizes, map.live_transition_max), (100, (100, 1_000), 1_000));
}

#[test]
fn what_is_not_built_is_warned_about_by_name() {
    let warnings = both("", SHOP).unwrap().warnings;
    let named = [
        "internal_port",
        "log.level",
        "websocket.write_timeout",
        "admin",
        "publish_proxy_enabled",
        "address",
    ];
    for name in named {
        assert!(warnings.iter().any(|warning| warning.contains(name)), "{name}: {warnings:#?}");
    }
    assert_eq!(warnings.len(), named.len(), "{warnings:#?}");
    let place = "config.json:31:47: `channel.namespaces[1].publish_proxy_enabled` is not built";
    assert!(warnings.iter().any(|warning| warning.starts_with(place)), "{warnings:#?}");
    // What says nothing is not worth a word.
    let quiet = r#"{"http_server": {"address": "127.0.0.1"}, "admin": {"enabled": false, "password": "x"},
        "proxies": [], "rpc": {}, "client": {"concurrency": 0, "proxy": {}}, "grpc_api": null}"#;
    assert_eq!(both("", quiet).unwrap().warnings, [""; 0]);
}

#[test]
fn who_a_proxy_would_have_asked_about_is_not_let_in() {
    let text = r#"{"client": {"allow_anonymous_connect_without_token": true, "proxy": {"connect": {"enabled": true}}},
        "channel": {"without_namespace": {"allow_subscribe_for_client": true, "subscribe_proxy_enabled": true},
        "namespaces": [{"name": "stream", "subscribe_stream_proxy_enabled": true, "allow_subscribe_for_client": true,
        "subscribe_stream_proxy_bidirectional": true, "allow_publish_for_client": true},
        {"name": "poll", "subscription_type": "shared_poll", "allow_subscribe_for_client": true}]}}"#;
    let config = both("", text).unwrap();
    assert!(!config.options.allow_anonymous_connect_without_token);
    assert_eq!(config.without_namespace.unwrap().subscribe, Allowed::default());
    for Namespace { name, rules } in &config.namespaces {
        assert_eq!((rules.subscribe, rules.publish), (Allowed::default(), Allowed::default()), "{name}");
    }
    let refresh = r#"{"client": {"allow_anonymous_connect_without_token": true, "proxy": {"refresh": {"enabled": true}}}}"#;
    assert!(both("", refresh).unwrap().options.allow_anonymous_connect_without_token);
}

#[test]
fn tokens_have_the_keys_of_their_section() {
    let token = {
        use jsonwebtoken::{EncodingKey, Header, encode};
        let claims = serde_json::json!({ "sub": "42", "channel": "a" });
        encode(&Header::default(), &claims, &EncodingKey::from_secret(b"a secret")).unwrap()
    };
    let read = |client: &str| {
        let config = both("", &format!(r#"{{"client": {client}}}"#)).unwrap();
        config.options.subscription_tokens.subscription(&token, 0).map(|claims| claims.user)
    };
    let key = r#"{"hmac_secret_key": "a secret"}"#;
    assert_eq!(read(&format!(r#"{{"token": {key}}}"#)).as_deref(), Ok("42"));
    // Only where it is enabled has a subscription's token keys of its own, and then those alone.
    let own = |enabled| format!(r#"{{"token": {key}, "subscription_token": {{"enabled": {enabled}}}}}"#);
    assert_eq!(read(&own(false)).as_deref(), Ok("42"));
    assert!(matches!(read(&own(true)), Err(TokenError::Invalid(_))));
    assert!(matches!(read("{}"), Err(TokenError::Invalid(_))));
    let jwks = r#"{"token": {"hmac_secret_key": "a secret", "jwks_public_endpoint": "https://id.example"}}"#;
    assert!(matches!(read(jwks), Err(TokenError::Invalid(_))), "no other key is used beside it");
    assert_eq!(read(r#"{"insecure_skip_token_signature_verify": true}"#).as_deref(), Ok("42"));
    let token = r#"{"client": {"token": {"rsa_public_key": "x", "user_id_claim": "a"}}}"#;
    assert_eq!(wrong(token), ["`rsa_public_key` is not an RSA public key in PEM"]);
    let twice = r#"{"client": {"token": {"audience": "a", "audience_regex": "a"}}}"#;
    assert_eq!(wrong(twice), ["`audience_regex` stands beside the exact value"]);
}

#[test]
fn options_of_a_namespace_fit_together() {
    for (options, expected) in [
        (r#""history_size": 1"#, "needs both"),
        (r#""history_ttl": "1s""#, "needs both"),
        (r#""history_size": 1, "history_ttl": "1500ms""#, "whole seconds"),
        (r#""history_size": 1, "history_ttl": "-1s""#, "negative"),
        (r#""history_size": 1, "history_ttl": "721h""#, "must not be longer than `history_meta_ttl`"),
        (r#""history_size": 1, "history_ttl": "1h", "history_meta_ttl": "1m""#, "must not be longer"),
        (r#""force_recovery": true"#, "needs a history"),
        (r#""auto_cache_recover": true"#, "recovery from the cache"),
        (r#""force_recovery_mode": "streams""#, "cannot be `streams`"),
        (r#""publication_data_format": "xml""#, "cannot be `xml`"),
        (r#""allowed_delta_types": ["xdelta"]"#, "no delta type"),
        (r#""subscription_type": "maps""#, "cannot be `maps`"),
        (r#""channel_regex": "(""#, "regular expression"),
        (r#""allow_subscribe_for_clients": true"#, "unknown key"),
        (r#""map_users_presence_channel_prefix": "ns:""#, "of the type `map_users`"),
        (r#""map_users_presence_channel_prefix": "nobody:""#, "no namespace `nobody`"),
    ] {
        wrong_namespace(options, expected);
    }
}

#[test]
fn a_map_fits_together() {
    for (map, expected) in [
        (r#"{}"#, "needs `map.mode`"),
        (r#"{"mode": "ephemeral"}"#, "needs `key_ttl`"),
        (r#"{"mode": "ephemeral", "key_ttl": "1m", "stream_size": 1}"#, "an ephemeral map has no"),
        (r#"{"mode": "persistent", "key_ttl": "1m"}"#, "has no `key_ttl`"),
        (r#"{"mode": "persistent", "meta_ttl": "1h"}"#, "has no `meta_ttl`"),
        (r#"{"mode": "recoverable", "key_ttl": "1m", "meta_ttl": "30s"}"#, "shorter than `stream_ttl`"),
        (r#"{"mode": "recoverable", "key_ttl": "1h", "meta_ttl": "30m"}"#, "shorter than `key_ttl`"),
        (r#"{"mode": "persistent", "min_page_size": 10, "default_page_size": 5}"#, "in the order"),
        (r#"{"mode": "persistent", "client_key": "mine"}"#, "cannot be `mine`"),
        (r#"{"mode": "persistent", "stream_sise": 1}"#, "unknown key `stream_sise`"),
    ] {
        wrong_namespace(&format!(r#""subscription_type": "map", "map": {map}"#), expected);
    }
    let presence = r#""subscription_type": "map_users", "map": {"mode": "persistent"}"#;
    wrong_namespace(presence, "cannot be persistent");
    wrong_namespace(r#""map": {"remove_client_on_unsubscribe": true}"#, "needs a `subscription_type`");
}

#[test]
fn sections_fit_together() {
    for (text, expected) in [
        (r#"{"client": {"ping_interval": "5s"}}"#, "must be longer than `pong_timeout`"),
        (r#"{"client": {"ping_interval": "25"}}"#, "not a duration"),
        (r#"{"channel": {"namespaces": [{"name": "a"}]}}"#, "at least 2"),
        (r#"{"channel": {"namespaces": [{"name": "a b"}]}}"#, "letters, digits"),
        (r#"{"channel": {"namespaces": [{"name": "aa"}, {"name": "aa"}]}}"#, "two namespaces"),
        (r#"{"channel": {"namespaces": [{}]}}"#, "`name` is missing"),
        (r#"{"http_api": {"error_mode": "x"}}"#, "cannot be `x`"),
        (r#"{"websocket": {"handler_prefix": "/"}}"#, "not a path"),
        (r#"{"sse": {"handler_prefix": "/x"}, "emulation": {"handler_prefix": "/x/"}}"#, "taken already"),
        (r#"{"websocket": {"handler_prefix": "/emulation"}}"#, "taken already"),
        (r#"{"http_api": {"handler_prefix": "/rooms"}}"#, "watchroom's own pages"),
        (r#"{"http_api": {"handler_prefix": "/api/v1/label"}}"#, "watchroom's own pages"),
        (r#"{"sse": {"handler_prefix": "/-/healthy"}}"#, "watchroom's own pages"),
        (r#"{"http_server": {"address": "here"}}"#, "not an IP address"),
        (r#"{"http_api": {"insecure": true}, "http_server": {"internal_port": 9000}}"#, "there is one port"),
        (r#"{"engine": {"type": "nats"}}"#, "cannot be `nats`"),
        (r#"{"engine": {"type": "redis", "redis": {"address": ["a:1", "b:1"]}}}"#, "several addresses"),
        (r#"{"engine": {"type": "redis", "redis": {"address": "rediss://a:1"}}}"#, "not an address of Redis"),
        (r#"{"engine": {"type": "redis", "redis": {"address": "redis://a:1", "db": 1}}}"#, "that is a URL"),
        (
            r#"{"engine": {"type": "redis", "redis": {"cluster_address": ["a:1", "b:1"]}}}"#,
            "several clusters",
        ),
        (
            r#"{"engine": {"type": "redis", "redis": {"cluster_address": "redis://a:1"}}}"#,
            "`cluster_address`",
        ),
        (r#"{"engine": {"type": "redis", "redis": {"prefix": "a{b}"}}}"#, "`prefix` is not"),
        (r#"{"clients": {}}"#, "unknown key `clients`"),
        (
            r#"{"client": {"subscribe_to_user_personal_channel": {"enabled": true, "personal_channel_namespace": "x"}}}"#,
            "no namespace `x`",
        ),
        (
            r#"{"client": {"subscribe_to_user_personal_channel": {"enabled": true, "single_connection": true}},
            "channel": {"without_namespace": {}}}"#,
            "needs `presence`",
        ),
    ] {
        let found = wrong(text);
        assert!(found.len() == 1 && found[0].contains(expected), "{text}: {found:?}");
    }
    assert_eq!(wrong("{}"), [""; 0]);
}

#[test]
fn personal_channels_need_no_namespace() {
    let text = r#"{"client": {"subscribe_to_user_personal_channel": {"enabled": true}}}"#;
    assert_eq!(both("", text).unwrap().options.personal, Some(Personal::default()));
}

#[test]
fn a_cluster_and_a_prefix_are_named_in_either_file() {
    let cluster = r#"{"engine": {"type": "redis", "redis": {"address": "redis://one", "prefix": "theirs",
        "cluster_address": ["a:1, b:2"], "user": "u", "password": "p"}}}"#;
    let config = both("", cluster).unwrap();
    let urls = vec!["redis://u:p@a:1/0".to_owned(), "redis://u:p@b:2/0".to_owned()];
    assert_eq!(config.redis.settings(), Some(RedisSettings { urls, prefix: "theirs".to_owned() }));
    assert_eq!(config.warnings.iter().filter(|warning| warning.contains("engine")).count(), 0);
    let own = "[redis]\nurl = ['redis://c:1', 'redis://d:1']\nprefix = 'ours'\n";
    let redis = both(own, cluster).unwrap().redis;
    assert_eq!(redis.urls, ["redis://c:1", "redis://d:1"]);
    assert_eq!(redis.prefix.as_deref(), Some("ours"));
    let alone = parse(FILE, "redis.url = 'redis://a'").unwrap().redis.settings().unwrap();
    assert_eq!(alone.prefix, "watchroom");
    for (text, expected) in [
        ("redis.url = ['redis://a', 'http://b']", "`url` is not an address"),
        ("redis.url = 1", "a list of texts"),
        ("redis.prefix = 'a b'", "`prefix` is not"),
    ] {
        let problems = parse(FILE, text).unwrap_err().to_string();
        assert!(problems.contains(expected), "{text}: {problems}");
    }
}

#[test]
fn each_file_says_its_own() {
    let listen = |own: &str, text: &str| both(own, text).unwrap().listen.to_string();
    assert_eq!(listen("", "{}"), "127.0.0.1:8000");
    assert_eq!(listen("listen = '127.0.0.1:1'", r#"{"http_server": {"port": 2}}"#), "127.0.0.1:1");
    // Refused when it is listened on, as --listen may name another.
    assert_eq!(listen("", r#"{"http_server": {"address": "0.0.0.0"}}"#), "0.0.0.0:8000");
    let redis = r#"{"engine": {"type": "redis"}}"#;
    assert_eq!(both("", redis).unwrap().redis.urls, ["redis://127.0.0.1:6379"]);
    assert_eq!(both("redis.url = 'redis://own'", redis).unwrap().redis.urls, ["redis://own"]);
    assert_eq!(both("", r#"{"engine": {"redis": {"address": "a:1"}}}"#).unwrap().redis.settings(), None);
    let problems =
        both("lisen = 1\n[channel]\nx = 1\n[client]\n", r#"{"client": {"tokens": {}}}"#).unwrap_err();
    let text = problems.to_string();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "watchroom.toml:1:1: unknown key `lisen`",
            "watchroom.toml:2:2: `channel` belongs into the file of --centrifugo",
            "watchroom.toml:4:2: `client` belongs into the file of --centrifugo",
            "config.json:1:13: unknown key `tokens`",
        ]
    );
}

#[test]
fn a_file_of_centrifugo_may_be_toml() {
    let text = "[client.token]\nhmac_secret_key = 'x'\n[http_server]\nport = '8002'\naddress = 'localhost'\n";
    let config = parse_both("w.toml", "", &Beside { name: "config.toml", text }).unwrap();
    assert_eq!((config.listen.port(), config.warnings.len()), (8_002, 0));
}

#[test]
fn watchroom_toml_has_the_same_sections() {
    let open =
        parse("w.toml", "[[channel.namespaces]]\nname = 'shop'\nhistory_size = 1\nhistory_ttl = '7d'\n")
            .unwrap();
    assert_eq!((open.options.trust, open.without_namespace.is_none()), (Trust::Open, true));
    let text = "[client]\nping_interval = '1m'\nconcurrency = 2\n[client.token]\nhmac_secret_key = 'x'\n\
                [http_api]\nkey = 'k'\n[http_stream]\nenabled = true\n";
    let strict = parse("w.toml", text).unwrap();
    assert_eq!((strict.options.trust, strict.options.ping_interval), (Trust::Strict, Duration::from_mins(1)));
    assert_eq!(strict.options.transports.http_stream.as_deref(), Some("/connection/http_stream"));
    assert_eq!(
        strict.warnings,
        ["w.toml:3:1: `client.concurrency` is not built in watchroom: it does nothing"]
    );
    let problems =
        parse("w.toml", "[client]\nchannel_limit = '8'\nping_interval = 25\n[engine]\n").unwrap_err();
    assert_eq!(
        problems.to_string().lines().collect::<Vec<_>>(),
        [
            "w.toml:2:17: `channel_limit` must be a whole number, not string",
            "w.toml:3:17: `ping_interval` is not a duration",
            "w.toml:4:2: unknown key `engine`",
        ]
    );
}

/// The file that is shipped, with the `#` of its keys and tables taken away.
#[test]
fn the_shipped_file_shows_defaults() {
    let shipped = include_str!("../../watchroom.toml");
    let is_key = |line: &str| line.starts_with('[') || line.split(" = ").next().is_some_and(is_bare_key);
    let lines = shipped.lines().map(|line| match line.strip_prefix("# ") {
        Some(below) if is_key(below) => below,
        _ => line,
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let config = parse("watchroom.toml", &text).unwrap();
    let default = Options::strict();
    assert_eq!(config.warnings, [""; 0]);
    assert_eq!(format!("{:?}", config.options), format!("{default:?}"));
    assert_eq!((config.namespaces.len(), config.listen), (1, LISTEN));
    assert!(config.without_namespace.is_some() && config.namespaces[0].rules.publish.subscriber);
}

fn is_bare_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.'))
}
