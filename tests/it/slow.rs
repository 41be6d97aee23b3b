//! Readers that stop reading.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use watchroom::live::Live;

use crate::{
    client::Client,
    server::{SOON, Server, Settings},
};

const FEED: &str = "collect_host = false\n[[channel.namespaces]]\nname = 'feed'\nallow_subscribe_for_client = true\n\
    allow_publish_for_subscriber = true\n";

#[tokio::test]
async fn a_reader_of_events_that_stops_is_closed_as_slow() {
    let server = Server::with(Settings { config: FEED, redis: None, ..Settings::default() }).await;
    let mut stopped = Client::connect(&server).await;
    stopped.call("subscribe", json!({ "channel": "feed:1" })).await;
    let mut writer = Client::connect(&server).await;
    writer.call("subscribe", json!({ "channel": "feed:1" })).await;
    let text = "x".repeat(16 * 1024);
    let deadline = Instant::now() + SOON;
    // The client library buffers nothing by itself: what it does not read stays in the sockets.
    while server.metric("watchroom_closes_total{code=\"3008\"}").await < 1.0 {
        assert!(Instant::now() < deadline, "the policy acts");
        writer.call("publish", json!({ "channel": "feed:1", "data": text })).await;
    }
    assert!(server.metric("watchroom_queue_bytes").await <= 256.0 * 1024.0);
    assert_eq!(writer.call("ping", json!({})).await["ping"], json!({}), "others go on");
    server.stop().await;
}

/// Series of each query, and queries of one reader: together some 60 KB a second.
const SERIES: u32 = 50;
const QUERIES: u32 = 60;
/// What a reader that stopped may leave unread.
const UNREAD_BYTES_MAX: usize = 256 * 1024;

/// What came on the channels of live queries, and what was told beside it.
#[derive(Default)]
struct Seen {
    /// The newest offset of each channel.
    newest: BTreeMap<String, u64>,
    /// Every `slowed` in order, with the bytes that were read before it.
    slowed: Vec<(Value, usize)>,
    /// The newest offset when every step was promised again; from here on none may be missing.
    whole_from: Option<u64>,
    /// Steps that came since.
    came: u32,
    notices: u32,
}

impl Seen {
    /// Reads one message; steps must come in order, and none twice.
    async fn read(&mut self, client: &mut Client) {
        let message = client.next().await;
        let push = &message["push"];
        let told = &push["message"]["data"];
        if told.is_object() {
            self.slowed.push((told["slowed"].clone(), client.bytes));
            self.whole_from = told["slowed"].is_null().then(|| self.newest.values().copied().max().unwrap());
            self.came = 0;
        }
        let channel = push["channel"].as_str().unwrap_or_default();
        self.notices += u32::from(channel == "@notices");
        // A correction has no offset.
        if let Some(offset) = push["pub"]["offset"].as_u64() {
            self.step(channel, offset);
        }
    }

    fn step(&mut self, channel: &str, offset: u64) {
        let before = self.newest.insert(channel.to_owned(), offset);
        assert!(before.is_none_or(|before| before < offset), "{before:?}, then {offset} of {channel}");
        if let (Some(before), Some(whole)) = (before, self.whole_from)
            && whole <= before
        {
            assert_eq!(offset, before + 1, "a step is missing on {channel}");
            self.came += 1;
        }
    }
}

async fn push_new_metric(server: &Server, number: &mut u32) {
    *number += 1;
    server.push(json!({ "metric": format!("new_{number}"), "value": 1 })).await;
}

#[tokio::test]
async fn a_reader_of_steps_that_stops_is_thinned_and_then_up_to_date() {
    let server = Server::start().await;
    // Some seconds old, so that each subscribe's reply names every series: a reader that misses the frame that tells of
    // new ones is closed, which is another test's matter.
    let earlier = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() - 5_000;
    let sample = |n: u32| {
        let labels = json!({ "n": n.to_string() });
        json!({ "metric": "wide", "labels": labels, "value": f64::from(n) / 7.0, "timestamp": earlier })
    };
    server.push((0..SERIES).map(sample).collect()).await;
    let mut client = Client::narrow(&server, 64 * 1024).await;
    for n in 0..QUERIES {
        let expr = format!("wide * {n}.25");
        let data = json!({ "expr": expr, "step": 1_000, "window": 0 });
        let reply =
            client.call("subscribe", json!({ "channel": Live::channel(&expr, 1_000), "data": data })).await;
        assert!(reply["subscribe"]["offset"].is_u64(), "{reply}");
    }
    client.call("subscribe", json!({ "channel": "@notices" })).await;

    // It stops. Steps are left out, signals are dropped, and little waits.
    let deadline = Instant::now() + 3 * SOON;
    let mut metrics = 0;
    while server.metric("watchroom_steps_dropped_total").await < f64::from(3 * QUERIES)
        || server.metric("watchroom_signals_dropped_total").await < 1.0
    {
        assert!(Instant::now() < deadline, "the policy acts");
        assert!(server.metric("watchroom_queue_bytes").await <= 64.0 * 1024.0);
        push_new_metric(&server, &mut metrics).await;
    }
    assert!(1.0 <= server.metric("watchroom_slowed_total").await);

    // It reads again: what waited, that it was slowed, and at last every step, up to ones made after it stopped.
    let resumed = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let read_before = client.bytes;
    let mut seen = Seen::default();
    let whole_again = async {
        while seen.came < 2 * QUERIES || seen.newest.values().any(|offset| *offset <= resumed) {
            seen.read(&mut client).await;
        }
    };
    // The kernel may send what it dropped only after as long as the reader had stopped, and each step that has to wait for
    // a busy machine starts the calm anew.
    timeout(18 * SOON, whole_again).await.expect("every step comes again");
    assert_eq!(seen.newest.len(), QUERIES as usize);
    let (first, bytes) = &seen.slowed[0];
    assert!(2 <= first["every"].as_u64().unwrap(), "{first}");
    assert!(bytes - read_before <= UNREAD_BYTES_MAX, "{} bytes were unread", bytes - read_before);
    assert!(seen.notices < metrics, "signals were dropped");

    // Signals go on, too.
    let missed = seen.notices;
    let signal = async {
        while seen.notices == missed {
            push_new_metric(&server, &mut metrics).await;
            for _ in 0..QUERIES {
                seen.read(&mut client).await;
            }
        }
    };
    timeout(3 * SOON, signal).await.expect("a signal comes");
    assert!(server.metric("watchroom_closes_total").await == 0.0, "nobody was closed");
    server.stop().await;
}
