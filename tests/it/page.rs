//! The pages before any script runs.

use reqwest::StatusCode;
use serde_json::json;

use crate::server::{Server, Settings};

#[tokio::test]
async fn the_first_screen_has_real_values() {
    let server = Server::with(Settings::default()).await;
    let deadline = tokio::time::Instant::now() + crate::server::SOON;
    // The host is sampled at the start; its page waits for nothing else.
    while server.metric("watchroom_samples_total").await < 800.0 {
        assert!(tokio::time::Instant::now() < deadline, "the host is sampled");
        tokio::task::yield_now().await;
    }
    let page = server.get("/rooms/host").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    for expected in ["This machine", "CPU busy", "data-panel=\"load\"", "application/json"] {
        assert!(html.contains(expected), "{expected}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_pushed_is_text_in_the_page() {
    let server = Server::start().await;
    let name = "</script><img src=x onerror=alert(1)>";
    server.push(json!({ "metric": name, "labels": { "job": name }, "value": 1 })).await;
    let html = server.get("/rooms/pushed").await.text().await.unwrap();
    assert!(!html.contains(name) && !html.contains("<img"), "escaped everywhere");
    server.stop().await;
}

#[tokio::test]
async fn what_is_nowhere_is_said() {
    let server = Server::start().await;
    for path in ["/rooms/nowhere", "/nowhere", "/assets/nowhere.js"] {
        assert_eq!(server.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(server.get("/").await.status(), StatusCode::OK);
    server.stop().await;
}
