//! Prometheus's query API.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::Server;

async fn ask(server: &Server, path: &str) -> (StatusCode, Value) {
    let response = server.get(path).await;
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn answers_have_prometheus_shape() {
    let server = Server::start().await;
    let (_, scalar) = ask(&server, "/api/v1/query?query=1%2B1&time=1790000000").await;
    assert_eq!(
        scalar,
        json!({ "status": "success", "data": { "resultType": "scalar", "result": [1_790_000_000, "2"] } })
    );
    let (_, range) = ask(&server, "/api/v1/query_range?query=vector(3)&start=10&end=20&step=5").await;
    assert_eq!(range["data"]["result"][0]["values"], json!([[10, "3"], [15, "3"], [20, "3"]]));
    server.push(json!({ "metric": "m", "labels": { "a": "1" }, "value": 1 })).await;
    let (_, values) = ask(&server, "/api/v1/label/a/values").await;
    assert_eq!(values["data"], json!(["1"]));
    let (_, series) = ask(&server, "/api/v1/series?match[]=m").await;
    assert_eq!(series["data"], json!([{ "__name__": "m", "a": "1", "job": "push" }]));
    server.stop().await;
}

#[tokio::test]
async fn failures_have_prometheus_types() {
    let server = Server::start().await;
    for (path, status, kind) in [
        ("/api/v1/query?query=sum(", StatusCode::BAD_REQUEST, "bad_data"),
        ("/api/v1/query", StatusCode::BAD_REQUEST, "bad_data"),
        ("/api/v1/query_range?query=1&start=10&end=5&step=1", StatusCode::BAD_REQUEST, "bad_data"),
        ("/api/v1/query_range?query=1&start=0&end=90000&step=1", StatusCode::BAD_REQUEST, "bad_data"),
    ] {
        let (found, body) = ask(&server, path).await;
        assert_eq!((found, body["errorType"].as_str()), (status, Some(kind)), "{path}: {body}");
    }
    server.stop().await;
}
