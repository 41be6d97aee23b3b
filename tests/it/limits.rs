//! What a stranger can make the server hold.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};
use watchroom::http::serve::HTTP_CONNECTIONS_MAX;

use crate::{
    client::Client,
    server::{SOON, Server, Settings},
};

#[tokio::test]
async fn idle_connections_are_limited() {
    let server = Server::start().await;
    let mut idle = Vec::new();
    for _ in 0..HTTP_CONNECTIONS_MAX {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    // The server accepts in order, so those before this one are in.
    let mut refused = TcpStream::connect(server.address).await.unwrap();
    let mut answer = String::new();
    refused.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1"), "{answer}");
    // One that goes makes room.
    idle.pop();
    let mut taken = String::new();
    while !taken.starts_with("HTTP/1.1 200") {
        let mut next = TcpStream::connect(server.address).await.unwrap();
        let request =
            format!("GET /-/healthy HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", server.address);
        next.write_all(request.as_bytes()).await.unwrap();
        taken.clear();
        // Refused ones may be reset, as their request was not read.
        next.read_to_string(&mut taken).await.unwrap_or_default();
    }
    drop(idle);
    server.stop().await;
}

#[tokio::test]
async fn there_are_as_many_rooms_as_dashboards() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for channel in ["@room:host", "@room:pushed"] {
        let reply = client.call("subscribe", json!({ "channel": channel })).await;
        assert!(reply.get("error").is_none(), "{reply}");
    }
    for channel in ["@room:", "@room:nope"] {
        let reply = client.call("subscribe", json!({ "channel": channel })).await;
        assert_eq!(reply["error"]["code"], 102, "{reply}");
    }
    server.stop().await;
}

#[tokio::test]
async fn failures_of_the_api_have_one_form() {
    let server = Server::start().await;
    for (path, status) in [("/api/v1/nope", 404), ("/api/v1/push", 405)] {
        let answer = server.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["status"], status, "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains(path)), "{body}");
    }
    server.stop().await;
}

const LIMITED: &str = "collect_host = false\n[client]\nallow_anonymous_connect_without_token = true\n\
    connection_limit_per_address = 2\n[http_stream]\nenabled = true\n[[channel.namespaces]]\nname = 'chat'\n\
    allow_subscribe_for_anonymous = true\nallow_publish_for_anonymous = true\nallow_subscribe_for_client = true\n\
    allow_publish_for_client = true\n";

#[tokio::test]
async fn connections_of_an_address_are_limited() {
    let server = Server::with(Settings { config: LIMITED, ..Settings::default() }).await;
    let first = Client::connect(&server).await;
    let _second = Client::connect(&server).await;
    let stream = || {
        let url = format!("http://{}/connection/http_stream", server.address);
        reqwest::Client::new().post(url).body(r#"{"id":1,"connect":{}}"#).send()
    };
    assert_eq!(stream().await.unwrap().status(), 503);
    assert_eq!(server.metric("watchroom_connections_refused_total").await, 1.0);
    // One that goes makes room, whatever the next one speaks.
    drop(first);
    let deadline = Instant::now() + SOON;
    let taken = loop {
        let answer = stream().await.unwrap();
        if answer.status() == 200 {
            break answer;
        }
        assert!(Instant::now() < deadline, "{}", answer.status());
    };
    drop(taken);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_is_too_fast_is_refused() {
    let server = Server::with(Settings { config: LIMITED, ..Settings::default() }).await;
    let mut client = Client::connect(&server).await;
    for (command, argument, burst) in [
        ("publish", json!({ "channel": "chat:a", "data": 1 }), 5_000.0),
        ("subscribe", json!({ "channel": "chat:a" }), 2_000.0),
    ] {
        let mut sent = 0;
        let refused = 'refused: loop {
            let lines: Vec<String> =
                (1..=200).map(|id| json!({ "id": id, command: argument }).to_string()).collect();
            client.send(&lines.join("\n")).await;
            sent += 200;
            for _ in 0..200 {
                let reply = client.next().await;
                if reply["error"]["code"] == 111 {
                    break 'refused reply;
                }
            }
            assert!(f64::from(sent) < 50.0 * burst, "nothing is refused");
        };
        assert!(burst <= f64::from(sent), "{sent} of {command}");
        let words = refused["error"]["message"].as_str().unwrap().to_owned();
        assert!(words.starts_with("too many requests; wait "), "{words}");
        let counted = format!("watchroom_commands_too_fast_total{{command=\"{command}\"}}");
        assert!(1.0 <= server.metric(&counted).await);
        client = Client::connect(&server).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_big_is_refused() {
    let server = Server::with(Settings { config: LIMITED, ..Settings::default() }).await;
    let mut client = Client::connect(&server).await;
    client
        .send(&format!(r#"{{"id":2,"publish":{{"channel":"chat:a","data":"{}"}}}}"#, "x".repeat(64 << 10)))
        .await;
    assert_eq!(client.closed().await, 1009);
    server.stop().await;
}
