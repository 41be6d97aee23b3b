//! Maps over nodes, and their limits, as clients meet them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use watchroom::wire::Close;

use crate::{
    client::Client,
    redis_server::RedisServer,
    server::{Server, Settings},
};

const CONFIG: &str = "collect_host = false\n[client]\nallow_anonymous_connect_without_token = true\nchannel_limit = 3\n\
    presence_update_interval = '1s'\n\
    [http_api]\ninsecure = true\n\
    [[channel.namespaces]]\nname = 'map'\nallow_subscribe_for_client = true\nallow_subscribe_for_anonymous = true\n\
    subscription_type = 'map'\n[channel.namespaces.map]\nmode = 'recoverable'\nkey_ttl = '60s'\nmin_page_size = 1\n\
    allow_publish_for_client = true\nallow_publish_for_anonymous = true\n\
    [[channel.namespaces]]\nname = 'eph'\nallow_subscribe_for_client = true\nallow_subscribe_for_anonymous = true\n\
    subscription_type = 'map'\n[channel.namespaces.map]\nmode = 'ephemeral'\nkey_ttl = '60s'\nmin_page_size = 1\n\
    [[channel.namespaces]]\nname = 'late'\nallow_subscribe_for_client = true\nallow_subscribe_for_anonymous = true\n\
    subscription_type = 'map'\n[channel.namespaces.map]\nmode = 'ephemeral'\nkey_ttl = '60s'\nmin_page_size = 1\n\
    subscribe_catch_up_timeout = '1s'\n\
    [[channel.namespaces]]\nname = 'chat'\nallow_subscribe_for_client = true\nallow_subscribe_for_anonymous = true\n\
    map_clients_presence_channel_prefix = 'clients:'\n\
    [[channel.namespaces]]\nname = 'clients'\nallow_subscribe_for_client = true\nallow_subscribe_for_anonymous = true\n\
    subscription_type = 'map_clients'\n[channel.namespaces.map]\nmode = 'recoverable'\nkey_ttl = '3s'\n";

async fn server(redis: Option<&RedisServer>) -> Server {
    Server::with(Settings { config: CONFIG, redis: redis.map(RedisServer::url), ..Settings::default() }).await
}

async fn api(server: &Server, method: &str, body: Value) -> Value {
    let request = server.http.post(server.url(&format!("/api/{method}"))).body(body.to_string());
    request.send().await.unwrap().json().await.unwrap()
}

async fn put(server: &Server, channel: &str, key: &str, data: Value) {
    let body = json!({ "channel": channel, "key": key, "data": data });
    let reply = api(server, "map_publish", body).await;
    assert!(reply["result"]["epoch"].is_string(), "{reply}");
}

fn page(channel: &str, more: &Value) -> Value {
    let mut request = json!({ "channel": channel, "type": 1, "phase": 2 });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn keys(reply: &Value) -> String {
    let state = reply["subscribe"]["state"].as_array().cloned().unwrap_or_default();
    state.iter().map(|entry| entry["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_map_is_one_on_all_nodes() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b) = (server(Some(&redis)).await, server(Some(&redis)).await);
    let (mut on_a, mut on_b) = (Client::connect(&a).await, Client::connect(&b).await);
    put(&a, "map:1", "k", json!(1)).await;
    let reply = on_b.call("subscribe", page("map:1", &json!({}))).await;
    assert_eq!((keys(&reply).as_str(), &reply["subscribe"]["offset"]), ("k", &json!(1)));
    let publish = json!({ "channel": "map:1", "type": 1, "key": "l", "data": { "by": "a" } });
    assert_eq!(on_a.call("publish", publish).await["publish"], json!({}));
    let push = on_b.push("map:1", "pub").await;
    assert_eq!(
        (&push["key"], &push["offset"], &push["data"]),
        (&json!("l"), &json!(2), &json!({ "by": "a" }))
    );
    assert_eq!(push["info"]["client"], on_a.id);
    api(&a, "map_clear", json!({ "channel": "map:1" })).await;
    assert_eq!(on_b.push("map:1", "unsubscribe").await["code"], 2500);
    let recover = json!({ "phase": 1, "recover": true, "offset": 2, "epoch": reply["subscribe"]["epoch"] });
    assert_eq!(on_b.call("subscribe", page("map:1", &recover)).await["error"]["code"], 112);
    assert_eq!(keys(&on_b.call("subscribe", page("map:1", &json!({}))).await), "");

    let clients = json!({ "channel": "clients:chat:1", "type": 2, "phase": 2 });
    on_b.call("subscribe", clients).await;
    on_a.call("subscribe", json!({ "channel": "chat:1" })).await;
    let push = on_b.push("clients:chat:1", "pub").await;
    assert_eq!((&push["key"], &push["info"]["client"]), (&json!(on_a.id), &json!(on_a.id)));
    let id = on_a.id.clone();
    drop(on_a);
    let push = on_b.push("clients:chat:1", "pub").await;
    assert_eq!((&push["key"], &push["removed"]), (&json!(id), &json!(true)));
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn what_changes_between_two_pages_of_an_ephemeral_map_follows() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    for key in ["a", "b", "c"] {
        put(&server, "eph:1", key, json!(1)).await;
    }
    let first = client.call("subscribe", page("eph:1", &json!({ "limit": 2 }))).await;
    assert_eq!((keys(&first).as_str(), &first["subscribe"]["cursor"]), ("ab", &json!("b")));
    put(&server, "eph:1", "a", json!(2)).await;
    let next = json!({ "limit": 2, "cursor": "b", "epoch": first["subscribe"]["epoch"] });
    let last = client.call("subscribe", page("eph:1", &next)).await;
    assert_eq!((keys(&last).as_str(), &last["subscribe"]["phase"]), ("c", &Value::Null));
    let push = client.push("eph:1", "pub").await;
    assert_eq!((&push["key"], &push["data"], &push["offset"]), (&json!("a"), &json!(2), &Value::Null));
    // One that is given up takes nothing along.
    client.call("unsubscribe", json!({ "channel": "eph:1" })).await;
    client.call("subscribe", page("eph:1", &json!({ "limit": 2 }))).await;
    client.call("unsubscribe", json!({ "channel": "eph:1" })).await;
    let whole = client.call("subscribe", page("eph:1", &json!({}))).await;
    assert_eq!(keys(&whole), "abc");
    server.stop().await;
}

/// Whether somebody is in a channel, or what changes is held back there.
async fn is_heard(server: &Server, channel: &str) -> bool {
    let reply = api(server, "channels", json!({ "pattern": channel })).await;
    reply["result"]["channels"][channel].is_object()
}

#[tokio::test]
async fn who_is_too_slow_to_read_an_ephemeral_map_has_nothing_held() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    for key in ["a", "b"] {
        put(&server, "late:1", key, json!(1)).await;
    }
    let first = client.call("subscribe", page("late:1", &json!({ "limit": 1 }))).await;
    assert_eq!(first["subscribe"]["cursor"], "a");
    assert!(is_heard(&server, "late:1").await, "what changes is held back");
    // The client is silent meanwhile.
    let begun = Instant::now();
    while is_heard(&server, "late:1").await {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is held for ever");
        sleep(Duration::from_millis(50)).await;
    }
    let next = page("late:1", &json!({ "cursor": "a", "epoch": first["subscribe"]["epoch"] }));
    client.send(&json!({ "id": 99, "subscribe": next }).to_string()).await;
    assert_eq!(client.closed().await, 3008, "slow");
    server.stop().await;
}

#[tokio::test]
async fn what_is_held_for_a_half_read_map_has_its_bytes() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    for key in ["a", "b"] {
        put(&server, "eph:1", key, json!(1)).await;
    }
    client.call("subscribe", page("eph:1", &json!({ "limit": 1 }))).await;
    for at in 0..12 {
        put(&server, "eph:1", &format!("b{at}"), json!("x".repeat(99_500))).await;
    }
    assert_eq!(client.closed().await, 3008, "slow");
    server.stop().await;
}

#[tokio::test]
async fn a_busy_ephemeral_map_can_be_read_by_pages() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    for key in ["a", "b", "c"] {
        put(&server, "eph:1", key, json!(0)).await;
    }
    let first = client.call("subscribe", page("eph:1", &json!({ "limit": 2 }))).await;
    // More changes, and more bytes, than are held of a channel.
    for at in 0..1_100 {
        put(&server, "eph:1", "a", json!([at, "x".repeat(1_000)])).await;
    }
    put(&server, "eph:1", "b", json!(1)).await;
    api(&server, "map_remove", json!({ "channel": "eph:1", "key": "b" })).await;
    put(&server, "eph:1", "a", json!("newest")).await;
    let next = json!({ "cursor": "b", "epoch": first["subscribe"]["epoch"] });
    let last = client.call("subscribe", page("eph:1", &next)).await;
    assert_eq!(keys(&last), "c");
    // Only the newest of each key, in the order in which they changed.
    let push = client.push("eph:1", "pub").await;
    assert_eq!((&push["key"], &push["removed"]), (&json!("b"), &json!(true)));
    let push = client.push("eph:1", "pub").await;
    assert_eq!((&push["key"], &push["data"]), (&json!("a"), &json!("newest")));
    server.stop().await;
}

#[tokio::test]
async fn the_server_subscribes_nobody_twice_to_a_map() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    for key in ["a", "b"] {
        put(&server, "eph:1", key, json!(1)).await;
    }
    let to = |channel: &str| json!({ "user": "", "client": client.id, "channel": channel });
    let (to_map, to_chat) = (to("eph:1"), to("chat:1"));
    let first = client.call("subscribe", page("eph:1", &json!({ "limit": 1 }))).await;
    for order in [to_map, to_chat] {
        assert_eq!(api(&server, "subscribe", order).await, json!({ "result": {} }));
    }
    put(&server, "eph:1", "a", json!(2)).await;
    let told = client.next().await;
    assert_eq!(told["push"]["channel"], "chat:1", "it goes on with its pages: {told}");
    let next = json!({ "cursor": "a", "epoch": first["subscribe"]["epoch"] });
    assert_eq!(keys(&client.call("subscribe", page("eph:1", &next)).await), "b");
    assert_eq!(client.push("eph:1", "pub").await["data"], 2);
    put(&server, "eph:1", "b", json!(3)).await;
    let told = client.next().await;
    assert_eq!(told["push"]["pub"]["data"], 3, "each change comes once: {told}");
    server.stop().await;
}

#[tokio::test]
async fn maps_that_are_read_count_where_the_server_subscribes() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    for channel in ["eph:1", "eph:2"] {
        for key in ["a", "b"] {
            put(&server, channel, key, json!(1)).await;
        }
        client.call("subscribe", page(channel, &json!({ "limit": 1 }))).await;
    }
    client.call("subscribe", json!({ "channel": "chat:1" })).await;
    assert_eq!(client.call("subscribe", json!({ "channel": "chat:2" })).await["error"]["code"], 106);
    let subscribe = json!({ "user": "", "client": client.id, "channel": "chat:2" });
    api(&server, "subscribe", subscribe).await;
    assert_eq!(client.closed().await, Close::ChannelLimit.code());
    server.stop().await;
}

#[tokio::test]
async fn who_is_subscribed_to_a_map_by_the_server_hears_what_changes() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    put(&server, "map:1", "k", json!(1)).await;
    let always = json!({ "force_recovery": { "value": true }, "force_positioning": { "value": true } });
    let subscribe = json!({ "user": "", "client": client.id, "channel": "map:1", "override": always });
    api(&server, "subscribe", subscribe).await;
    let told = client.push("map:1", "subscribe").await;
    assert!(told["recoverable"].is_null() && told["positioned"].is_null(), "nothing to come back to: {told}");
    put(&server, "map:1", "k", json!(2)).await;
    let push = client.push("map:1", "pub").await;
    assert_eq!((&push["key"], &push["data"]), (&json!("k"), &json!(2)));
    api(&server, "map_remove", json!({ "channel": "map:1", "key": "k" })).await;
    let push = client.push("map:1", "pub").await;
    assert_eq!((&push["key"], &push["removed"]), (&json!("k"), &json!(true)));
    server.stop().await;
}

#[tokio::test]
async fn maps_have_limits_that_are_counted() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    // A page ends with its bytes, whatever its number says.
    for key in ["a", "b", "c", "d", "e", "f"] {
        put(&server, "map:1", key, json!("x".repeat(100_000))).await;
    }
    let first = client.call("subscribe", page("map:1", &json!({ "limit": 1_000 }))).await;
    assert_eq!((keys(&first).as_str(), &first["subscribe"]["cursor"]), ("ab", &json!("b")));
    // Maps that are read count as subscriptions.
    for channel in ["map:2", "map:3"] {
        client.call("subscribe", page(channel, &json!({}))).await;
    }
    assert_eq!(client.call("subscribe", page("map:4", &json!({}))).await["error"]["code"], 106);
    let epoch = &first["subscribe"]["epoch"];
    let next = json!({ "cursor": "b", "offset": 6, "epoch": epoch, "limit": 1_000 });
    assert_eq!(keys(&client.call("subscribe", page("map:1", &next)).await), "cd");
    // A cursor that a client invents reads on from there.
    let next = json!({ "cursor": "dd", "offset": 6, "epoch": epoch });
    let last = client.call("subscribe", page("map:1", &next)).await;
    assert_eq!((keys(&last).as_str(), &last["subscribe"]["recoverable"]), ("ef", &json!(true)));

    assert!(server.metric("watchroom_map_refused_total").await < 1.0);
    let long = json!({ "channel": "map:1", "type": 1, "key": "k".repeat(2_000), "data": 1 });
    assert_eq!(client.call("publish", long).await["error"]["code"], 107);
    for at in 0..168 {
        put(&server, "map:9", &at.to_string(), json!("x".repeat(99_500))).await;
    }
    let one_more = json!({ "channel": "map:9", "type": 1, "key": "k", "data": "x".repeat(64_000) });
    assert_eq!(client.call("publish", one_more.clone()).await["error"]["code"], 106);
    assert_eq!(api(&server, "map_publish", one_more).await["error"]["code"], 106);
    assert!((server.metric("watchroom_map_refused_total").await - 3.0).abs() < 0.1);
    server.stop().await;
}

#[tokio::test]
async fn pages_of_a_map_are_no_subscribes() {
    let server = server(None).await;
    let mut client = Client::connect(&server).await;
    for key in ["a", "b", "c"] {
        put(&server, "map:1", key, json!(1)).await;
    }
    let first = client.call("subscribe", page("map:1", &json!({ "limit": 1 }))).await;
    // Within the burst of pages, and far beyond that of subscribes; then beyond both.
    let next = json!({ "limit": 1, "cursor": "a", "offset": 3, "epoch": first["subscribe"]["epoch"] });
    let lines = vec![json!({ "id": 9, "subscribe": page("map:1", &next) }).to_string(); 250].join("\n");
    let mut refused = Vec::new();
    for at in 0..80 {
        client.send(&lines).await;
        for _ in 0..250 {
            let code = client.next().await["error"]["code"].clone();
            if code == 111 {
                refused.push(at * 250);
            } else {
                assert!(code.is_null(), "{code}");
            }
        }
    }
    assert!(refused.first().is_some_and(|first| 4_500 < *first), "{:?}", refused.first());
    let counted = "watchroom_commands_too_fast_total{command=\"page\"}";
    assert!(1.0 <= server.metric(counted).await);
    server.stop().await;
}
