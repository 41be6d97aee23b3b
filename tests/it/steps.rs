//! Live queries over the socket.

use serde_json::{Value, json};
use watchroom::live::Live;

use crate::{client::Client, server::Server};

fn subscribe(expr: &str) -> Value {
    json!({ "channel": Live::channel(expr, 1_000), "data": { "expr": expr, "step": 1_000, "window": 10_000 } })
}

#[tokio::test]
async fn history_and_tail_join_at_one_step() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let reply = client.call("subscribe", subscribe("vector(1)")).await;
    let result = &reply["subscribe"];
    let times = result["data"]["t"].as_array().unwrap();
    assert_eq!(times.len(), 10, "{reply}");
    let last = times[9].as_i64().unwrap();
    assert_eq!(result["offset"].as_i64().unwrap(), last / 1_000);
    let channel = Live::channel("vector(1)", 1_000);
    for n in 1..=2_i64 {
        let mut publication = client.push(&channel, "pub").await;
        // The table may be told once more before the first step.
        while publication["offset"].is_null() {
            assert_eq!(publication["data"]["t"], json!([]), "{publication}");
            publication = client.push(&channel, "pub").await;
        }
        assert_eq!(publication["offset"].as_i64().unwrap(), last / 1_000 + n);
        assert_eq!(publication["data"]["v"], json!([[1]]));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_pushed_sample_reaches_the_chart() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.call("subscribe", subscribe("pushed_here")).await;
    server.push(json!({ "metric": "pushed_here", "value": 7 })).await;
    let channel = Live::channel("pushed_here", 1_000);
    let mut series = json!(null);
    loop {
        let publication = client.push(&channel, "pub").await;
        if publication["data"]["from"] == 0 {
            series = publication["data"]["series"].clone();
        }
        if publication["data"]["v"] == json!([[7]]) {
            break;
        }
    }
    assert_eq!(series[0]["__name__"], "pushed_here", "told before its first step");
    server.stop().await;
}

#[tokio::test]
async fn a_reconnect_gets_the_missing_steps() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let reply = client.call("subscribe", subscribe("vector(1)")).await;
    let (offset, epoch) =
        (reply["subscribe"]["offset"].as_u64().unwrap(), reply["subscribe"]["epoch"].clone());
    drop(client);
    let mut client = Client::connect(&server).await;
    let mut recover = subscribe("vector(1)");
    recover["recover"] = json!(true);
    recover["offset"] = json!(offset - 5);
    recover["epoch"] = epoch;
    let reply = client.call("subscribe", recover.clone()).await;
    let result = &reply["subscribe"];
    assert_eq!(result["recovered"], true, "{reply}");
    let offsets: Vec<u64> = result["publications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["offset"].as_u64().unwrap())
        .collect();
    let expected: Vec<u64> = (offset - 4..=result["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, expected);
    client.call("unsubscribe", json!({ "channel": Live::channel("vector(1)", 1_000) })).await;
    recover["offset"] = json!(offset - 700);
    let reply = client.call("subscribe", recover).await;
    assert_ne!(reply["subscribe"]["recovered"], true, "past 600 steps");
    server.stop().await;
}

#[tokio::test]
async fn a_name_of_ones_own_is_refused() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let mut poisoned = subscribe("vector(1)");
    poisoned["data"]["expr"] = json!("vector(2)");
    let reply = client.call("subscribe", poisoned).await;
    assert_eq!(reply["error"]["code"], 107, "{reply}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_doubtful_is_told_with_the_history() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    server.push(json!({ "metric": "level", "value": 7 })).await;
    let histogram = json!({ "schema": 0, "count": 1, "sum": 1, "positive": [[0, 1]] });
    server.push(json!({ "metric": "spread", "histogram": histogram })).await;
    let told = |reply: &Value| reply["subscribe"]["data"]["notes"].clone();
    let reply = client.call("subscribe", subscribe("quantile(2, {__name__=~\"level|spread\"})")).await;
    let notes = told(&reply);
    assert!(
        notes[0].as_str().is_some_and(|note| note.contains("quantile value should be between 0 and 1")),
        "{reply}"
    );
    // What a later step has is found at once.
    let reply = client.call("subscribe", subscribe("spread offset -1m")).await;
    assert!(told(&reply)[0].as_str().is_some_and(|note| note.contains("cannot be drawn")), "{reply}");
    let reply = client.call("subscribe", subscribe("level")).await;
    assert!(told(&reply).is_null(), "{reply}");
    server.stop().await;
}
