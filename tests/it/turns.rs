//! In which order a client is told what, and that nothing comes after its end.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    gate::Gate,
    redis_server::RedisServer,
    server::{SOON, Server, Settings},
};

const CONFIG: &str = "collect_host = false\n[client]\nallow_anonymous_connect_without_token = true\n[http_api]\ninsecure = true\n\
    [http_stream]\nenabled = true\n\
    [[channel.namespaces]]\nname = 'plain'\nallow_subscribe_for_client = true\nallow_subscribe_for_anonymous = true\n\
    [[channel.namespaces]]\nname = 'kept'\nallow_subscribe_for_client = true\nallow_subscribe_for_anonymous = true\n\
    history_size = 100\nhistory_ttl = '1m'\nforce_recovery = true\n";

async fn server() -> Server {
    Server::with(Settings { config: CONFIG, ..Settings::default() }).await
}

async fn api(server: &Server, method: &str, body: Value) -> Value {
    let request = server.http.post(server.url(&format!("/api/{method}"))).body(body.to_string());
    request.send().await.unwrap().json().await.unwrap()
}

/// Publishes into a channel without an end.
async fn flood(server: &Server, channel: &str) {
    let commands = vec![json!({ "publish": { "channel": channel, "data": 1 } }); 500];
    let batch = json!({ "commands": commands });
    loop {
        api(server, "batch", batch.clone()).await;
    }
}

#[tokio::test]
async fn nothing_comes_after_the_end_of_a_subscription() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let by_server = json!({ "user": "", "client": client.id, "channel": "plain:a" });
    let rounds = async {
        for round in 0..100 {
            client.call("subscribe", json!({ "channel": "plain:a" })).await;
            client.push("plain:a", "pub").await;
            let is_end = |message: &Value| match round % 2 {
                0 => message["unsubscribe"].is_object(),
                _ => message["push"]["unsubscribe"].is_object(),
            };
            if round % 2 == 0 {
                client.send(r#"{"id":900,"unsubscribe":{"channel":"plain:a"}}"#).await;
            } else {
                api(&server, "unsubscribe", by_server.clone()).await;
            }
            while !is_end(&client.next().await) {}
            client.send(r#"{"id":901,"presence_stats":{"channel":"plain:a"}}"#).await;
            let told = client.next().await;
            assert_eq!(told["id"], 901, "round {round}: {told}");
        }
    };
    tokio::select! {
        () = rounds => {}
        () = flood(&server, "plain:a") => {}
    }
    server.stop().await;
}

#[tokio::test]
async fn subscribes_are_answered_in_their_order() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    api(&server, "publish", json!({ "channel": "kept:a", "data": 1 })).await;
    // Refused once its history is read: the position is of another epoch, and the client wants no other.
    let lost = |id: u32| json!({ "id": id, "subscribe": { "channel": "kept:a", "recover": true, "offset": 9, "epoch": "x", "flag": 2 } });
    let open = |id: u32, channel: &str| json!({ "id": id, "subscribe": { "channel": channel } });
    let mut commands = vec![open(100, "kept:b"), lost(101), open(102, "plain:c"), open(103, "plain:c")];
    commands.extend([open(104, "plain:d"), lost(105), open(106, "no:where"), open(107, "plain:e")]);
    let lines: Vec<String> = commands.iter().map(Value::to_string).collect();
    client.send(&lines.join("\n")).await;
    let mut told = Vec::new();
    for _ in &commands {
        let reply = client.next().await;
        told.push((reply["id"].as_u64().unwrap(), reply["error"]["code"].as_u64().unwrap_or_default()));
    }
    let expected = [(100, 0), (101, 112), (102, 0), (103, 105), (104, 0), (105, 112), (106, 102), (107, 0)];
    assert_eq!(told, expected);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_takes_many_whole_histories_at_once() {
    let server = server().await;
    let channels: Vec<String> = (0..12).map(|at| format!("kept:{at}")).collect();
    for channel in &channels {
        for _ in 0..10 {
            let data = "x".repeat(99_500);
            api(&server, "publish", json!({ "channel": channel, "data": data })).await;
        }
    }
    let subscribe = |(id, channel): (usize, &String)| json!({ "id": id + 2, "subscribe": { "channel": channel, "recover": true, "offset": 0 } });
    let mut commands = vec![json!({ "id": 1, "connect": {} }).to_string()];
    commands.extend(channels.iter().enumerate().map(|one| subscribe(one).to_string()));
    let request = server.http.post(server.url("/connection/http_stream")).body(commands.join("\n"));
    let mut body = request.send().await.unwrap();
    let deadline = Instant::now() + SOON;
    let (mut bytes, mut end) = (0, String::new());
    while bytes < 12 * 995_000 {
        let chunk =
            tokio::time::timeout_at(deadline, body.chunk()).await.expect("all of it in time").unwrap();
        let chunk = chunk.unwrap_or_else(|| panic!("it ends after {bytes} bytes: {end}"));
        bytes += chunk.len();
        end = String::from_utf8_lossy(&chunk[chunk.len().saturating_sub(200)..]).into_owned();
    }
    server.stop().await;
}

#[tokio::test]
async fn what_a_token_subscribes_to_is_opened_at_once() {
    let Some(redis) = RedisServer::start().await else { return };
    let gate = Gate::before(redis.port()).await;
    let config = "collect_host = false\n[client.token]\nhmac_secret_key = 'secret'\n[[channel.namespaces]]\nname = 'kept'\n\
        history_size = 10\nhistory_ttl = '1m'\nforce_recovery = true\n";
    let server =
        Server::with(Settings { config, redis: Some(gate.url.clone()), ..Settings::default() }).await;
    let channels: Vec<String> = (0..8).map(|at| format!("kept:of-{at}")).collect();
    let claims = json!({ "sub": "42", "channels": channels });
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(b"secret")).unwrap();
    let mut client = Client::open(&server).await;
    gate.open(false);
    client.send(&json!({ "id": 1, "connect": { "token": token } }).to_string()).await;
    let begun = Instant::now();
    while !channels.iter().all(|channel| gate.was_asked(channel)) {
        assert!(begun.elapsed() < SOON, "each waits for the one before");
        sleep(Duration::from_millis(10)).await;
    }
    gate.open(true);
    let reply = client.next().await;
    assert_eq!(reply["connect"]["subs"].as_object().unwrap().len(), 8, "{reply}");
    server.stop().await;
}
