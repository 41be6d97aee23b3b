//! What a stranger can make the server hold.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use watchroom::http::serve::HTTP_CONNECTIONS_MAX;

use crate::{client::Client, server::Server};

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
