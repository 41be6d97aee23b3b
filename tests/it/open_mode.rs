//! Everyone who reaches an open server may do everything: so only this machine may reach it.

use reqwest::StatusCode;
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};

use crate::server::Server;

#[tokio::test]
async fn requests_from_elsewhere_are_refused() {
    let server = Server::start().await;
    for (name, value) in [
        ("host", "example.com"),
        ("origin", "null"),
        ("origin", "http://example.com"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for path in ["/", "/api/v1/query?query=1", "/assets/app.js", "/metrics"] {
            let response = server.http.get(server.url(path)).header(name, value).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path} with {name}: {value}");
        }
        let request = server.http.post(server.url("/api/v1/push")).header(name, value);
        let response = request.body(r#"{"metric":"a","value":1}"#).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "push with {name}: {value}");
    }
    assert!(server.metric("watchroom_push_requests_total").await < 1.0, "no push came through");
    server.stop().await;
}

#[tokio::test]
async fn upgrades_from_elsewhere_are_refused() {
    let server = Server::start().await;
    for (name, value) in [("origin", "null"), ("origin", "http://example.com"), ("x-real-ip", "10.0.0.1")] {
        let url = format!("ws://{}/connection/websocket", server.address);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        let error = connect_async(request).await.unwrap_err().to_string();
        assert!(error.contains("403"), "{name}: {value}: {error}");
    }
    server.stop().await;
}

#[tokio::test]
async fn get_changes_nothing() {
    let server = Server::start().await;
    for path in ["/api/v1/push", "/api/v1/import/prometheus"] {
        let response = server.get(path).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    server.stop().await;
}
