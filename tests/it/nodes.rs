//! Two nodes on one Redis.

use serde_json::json;
use watchroom::live::Live;

use crate::{
    client::Client,
    redis_cluster::RedisCluster,
    redis_server::RedisServer,
    server::{SOON, Server, Settings},
};

const A: &str = "instance = 'a'\ncollect_host = false\n[[channel.namespaces]]\nname = 'chat'\nhistory_size = 10\nhistory_ttl = '1m'\n\
    force_recovery = true\nallow_subscribe_for_client = true\nallow_publish_for_subscriber = true\n";
const B: &str = "instance = 'b'\ncollect_host = false\n[[channel.namespaces]]\nname = 'chat'\nhistory_size = 10\nhistory_ttl = '1m'\n\
    force_recovery = true\nallow_subscribe_for_client = true\nallow_publish_for_subscriber = true\n";

async fn nodes(redis: &RedisServer) -> (Server, Server) {
    nodes_on(&redis.url()).await
}

async fn nodes_on(redis: &str) -> (Server, Server) {
    let redis = || Some(redis.to_owned());
    let a = Server::with(Settings { config: A, redis: redis(), ..Settings::default() }).await;
    let b = Server::with(Settings { config: B, redis: redis(), ..Settings::default() }).await;
    (a, b)
}

#[tokio::test]
async fn a_push_on_one_node_is_drawn_on_the_other() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b) = nodes(&redis).await;
    let expr = "sum(pushed_on_a)";
    let channel = Live::channel(expr, 1_000);
    let mut viewer = Client::connect(&b).await;
    let subscribe = json!({ "channel": channel, "data": { "expr": expr, "step": 1_000, "window": 10_000 } });
    let reply = viewer.call("subscribe", subscribe.clone()).await;
    let mut other = Client::connect(&a).await;
    let same = other.call("subscribe", subscribe).await;
    assert_eq!(reply["subscribe"]["epoch"], same["subscribe"]["epoch"], "one epoch on all nodes");
    a.push(json!({ "metric": "pushed_on_a", "value": 5 })).await;
    loop {
        if viewer.push(&channel, "pub").await["data"]["v"] == json!([[5]]) {
            break;
        }
    }
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn publications_have_one_offset_and_epoch_on_both() {
    let Some(redis) = RedisServer::start().await else { return };
    one_offset_and_epoch(nodes(&redis).await).await;
}

#[tokio::test]
async fn publications_have_one_offset_and_epoch_on_a_cluster() {
    let Some(cluster) = RedisCluster::start(false).await else { return };
    one_offset_and_epoch(nodes_on(&cluster.urls().join(",")).await).await;
}

async fn one_offset_and_epoch((a, b): (Server, Server)) {
    let (mut on_a, mut on_b) = (Client::connect(&a).await, Client::connect(&b).await);
    let first = on_a.call("subscribe", json!({ "channel": "chat:1" })).await;
    let second = on_b.call("subscribe", json!({ "channel": "chat:1" })).await;
    assert_eq!(first["subscribe"]["epoch"], second["subscribe"]["epoch"]);
    on_a.call("publish", json!({ "channel": "chat:1", "data": "from a" })).await;
    on_b.call("publish", json!({ "channel": "chat:1", "data": "from b" })).await;
    for client in [&mut on_a, &mut on_b] {
        for (offset, data) in [(1, "from a"), (2, "from b")] {
            let publication = client.push("chat:1", "pub").await;
            assert_eq!((&publication["offset"], &publication["data"]), (&json!(offset), &json!(data)));
        }
    }
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_node_that_comes_later_has_the_window_of_the_others() {
    let Some(redis) = RedisServer::start().await else { return };
    let a = Server::with(Settings { config: A, redis: Some(redis.url()), ..Settings::default() }).await;
    a.push(json!({ "metric": "before_b", "value": 5 })).await;
    let b = Server::with(Settings { config: B, redis: Some(redis.url()), ..Settings::default() }).await;
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let text = b.get("/api/v1/query?query=before_b").await.text().await.unwrap();
        if text.contains("\"5\"") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{text}");
    }
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn two_nodes_of_one_name_are_noticed() {
    let Some(redis) = RedisServer::start().await else { return };
    let a = Server::with(Settings { config: A, redis: Some(redis.url()), ..Settings::default() }).await;
    let twin = Server::with(Settings { config: A, redis: Some(redis.url()), ..Settings::default() }).await;
    let deadline = tokio::time::Instant::now() + SOON;
    let told = r#"watchroom_redis_skipped_total{reason="namesake"}"#;
    loop {
        let metrics = a.get("/metrics").await.text().await.unwrap();
        let line = metrics
            .lines()
            .find(|line| line.starts_with(told))
            .expect("the counter is listed from the start");
        if !line.ends_with(" 0") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{line}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    a.stop().await;
    twin.stop().await;
}

#[tokio::test]
async fn who_followed_a_stream_that_redis_forgot_is_told() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b) = nodes(&redis).await;
    let (mut on_a, mut on_b) = (Client::connect(&a).await, Client::connect(&b).await);
    on_a.call("subscribe", json!({ "channel": "chat:1" })).await;
    for n in 1..=3 {
        on_a.call("publish", json!({ "channel": "chat:1", "data": n })).await;
    }
    // One that is there since the beginning, and one whose subscribe just told it of all three.
    let before = on_b.call("subscribe", json!({ "channel": "chat:1" })).await["subscribe"].clone();
    assert_eq!(before["offset"], 3);
    let mut connection = redis.connection().await;
    redis::cmd("FLUSHALL").exec_async(&mut connection).await.unwrap();
    on_a.call("publish", json!({ "channel": "chat:1", "data": "anew" })).await;
    for client in [&mut on_a, &mut on_b] {
        assert_eq!(client.push("chat:1", "unsubscribe").await["code"], 2_500);
        let back = json!({ "channel": "chat:1", "recover": true, "offset": 3, "epoch": before["epoch"] });
        let reply = client.call("subscribe", back).await["subscribe"].clone();
        assert_ne!(reply["epoch"], before["epoch"]);
        assert_eq!((&reply["recovered"], &reply["offset"]), (&json!(null), &json!(1)), "{reply}");
    }
    on_b.call("publish", json!({ "channel": "chat:1", "data": "more" })).await;
    for client in [&mut on_a, &mut on_b] {
        let next = client.push("chat:1", "pub").await;
        assert_eq!((&next["offset"], &next["data"]), (&json!(2), &json!("more")));
    }
    a.stop().await;
    b.stop().await;
}
