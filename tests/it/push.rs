//! The push doors.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{client::Client, server::Server};

async fn value(server: &Server, query: &str) -> Value {
    let response = server.get(&format!("/api/v1/query?query={query}")).await;
    let json: Value = response.json().await.unwrap();
    json["data"]["result"][0]["value"][1].clone()
}

fn now_ms() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn one_sample_or_many_are_taken() {
    let server = Server::start().await;
    let one = server.push(json!({ "metric": "a", "value": 1.5 })).await;
    assert_eq!(one.status(), StatusCode::OK);
    let many =
        json!([{ "metric": "b", "labels": { "x": "1" }, "value": 2 }, { "metric": "b", "value": "NaN" }]);
    let answer: Value = server.push(many).await.json().await.unwrap();
    assert_eq!(answer["accepted"], 2);
    assert_eq!(value(&server, "a").await, "1.5");
    assert_eq!(value(&server, "b%7Bx=%221%22%7D").await, "2");
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_item_costs_the_others_nothing() {
    let server = Server::start().await;
    let late = now_ms() - 120_000;
    let body = json!([
        { "metric": "a", "value": 1 },
        { "metric": "a b\n", "value": 1 },
        { "metric": "a", "vlaue": 1 },
        { "metric": "old", "value": 1, "timestamp": late },
        { "metric": "far", "value": 1, "timestamp": late + 600_000 },
        { "metric": "c", "value": 3 },
    ]);
    let answer: Value = server.push(body).await.json().await.unwrap();
    assert_eq!(answer["accepted"], 2, "{answer}");
    let items: Vec<u64> =
        answer["refused"].as_array().unwrap().iter().map(|one| one["item"].as_u64().unwrap()).collect();
    assert_eq!(items, [1, 2, 3, 4], "{answer}");
    assert_eq!(value(&server, "c").await, "3");
    server.stop().await;
}

#[tokio::test]
async fn late_samples_are_taken_and_duplicates_told() {
    let server = Server::start().await;
    let now = now_ms();
    let sample = |ago: i64, value: f64| json!({ "metric": "m", "value": value, "timestamp": now - ago });
    for (ago, value, status) in [
        (1_000, 1.0, StatusCode::OK),
        (30_000, 2.0, StatusCode::OK),
        (30_000, 2.0, StatusCode::OK),
        (30_000, 3.0, StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(server.push(sample(ago, value)).await.status(), status, "{ago} {value}");
    }
    server.stop().await;
}

#[tokio::test]
async fn text_exposition_is_taken_packed_or_not() {
    let server = Server::start().await;
    let text = "# HELP t Some.\n# TYPE t counter\nt{a=\"1\"} 5\nwrong{ 3\nu 7\n";
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    let request =
        server.http.post(server.url("/api/v1/import/prometheus")).header("content-encoding", "gzip");
    let answer: Value = request.body(packed.finish().unwrap()).send().await.unwrap().json().await.unwrap();
    assert_eq!((&answer["accepted"], &answer["refused"][0]["item"]), (&json!(2), &json!(4)), "{answer}");
    assert_eq!(value(&server, "u").await, "7");
    server.stop().await;
}

#[tokio::test]
async fn bodies_have_a_limit_also_unpacked() {
    let server = Server::start().await;
    let large = vec![b' '; 9 << 20];
    let plain = server.http.post(server.url("/api/v1/push")).body(large.clone()).send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&large).unwrap();
    let request = server.http.post(server.url("/api/v1/push")).header("content-encoding", "gzip");
    let response = request.body(packed.finish().unwrap()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(2.0 <= server.metric("watchroom_push_too_big_total").await);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_json_says_where() {
    let server = Server::start().await;
    let response = server.http.post(server.url("/api/v1/push")).body("{\"metric\": }").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("line 1"), "{problem}");
    server.stop().await;
}

#[tokio::test]
async fn a_new_metric_is_announced_and_has_a_panel() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.call("subscribe", json!({ "channel": "@notices" })).await;
    server.push(json!({ "metric": "room_celsius", "value": 21.5 })).await;
    let notice = client.push("@notices", "pub").await;
    assert_eq!(notice["data"]["kind"], "pushed");
    let reply = client.call("rpc", json!({ "method": "pushed", "data": {} })).await;
    assert_eq!(reply["rpc"]["data"]["panels"][0]["title"], "room_celsius");
    server.stop().await;
}

#[tokio::test]
async fn what_was_pushed_is_there_after_a_restart() {
    let server = Server::start().await;
    server.push(json!({ "metric": "kept", "value": 1 })).await;
    let folder = server.stop().await;
    let server = Server::on(
        folder,
        crate::server::Settings { config: "collect_host = false\n", redis: None, ..Default::default() },
    )
    .await;
    assert_eq!(value(&server, "last_over_time(kept%5B1h%5D)").await, "1");
    server.stop().await;
}
