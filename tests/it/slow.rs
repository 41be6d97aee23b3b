//! Readers that stop reading.

use serde_json::json;

use crate::{
    client::Client,
    server::{SOON, Server, Settings},
};

const FEED: &str = "collect_host = false\n[[channel.namespaces]]\nname = 'feed'\nallow_subscribe_for_client = true\n\
    allow_publish_for_subscriber = true\n";

#[tokio::test]
async fn a_reader_of_events_that_stops_is_closed_as_slow() {
    let server = Server::with(Settings { config: FEED, redis: None }).await;
    let mut stopped = Client::connect(&server).await;
    stopped.call("subscribe", json!({ "channel": "feed:1" })).await;
    let mut writer = Client::connect(&server).await;
    writer.call("subscribe", json!({ "channel": "feed:1" })).await;
    let text = "x".repeat(16 * 1024);
    let deadline = tokio::time::Instant::now() + SOON;
    // The client library buffers nothing by itself: what it does not read stays in the sockets.
    while server.metric("watchroom_closes_total").await < 1.0 {
        assert!(tokio::time::Instant::now() < deadline, "the policy acts");
        writer.call("publish", json!({ "channel": "feed:1", "data": text })).await;
    }
    assert!(server.metric("watchroom_queue_bytes").await <= 256.0 * 1024.0);
    assert_eq!(writer.call("ping", json!({})).await["ping"], json!({}), "others go on");
    server.stop().await;
}
