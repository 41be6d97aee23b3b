//! Prometheus's HTTP API, as its clients ask and read it.

use std::time::Duration;

use prost::Message;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::server::{SOON, Server, Settings};

async fn ask(server: &Server, path: &str) -> (StatusCode, Value) {
    let response = server.get(path).await;
    (response.status(), response.json().await.unwrap())
}

async fn data(server: &Server, path: &str) -> Value {
    let (status, body) = ask(server, path).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("success")), "{path}: {body}");
    body["data"].clone()
}

async fn expose(server: &Server, text: &'static str) {
    let url = format!("http://{}/api/v1/import/prometheus", server.address);
    let response = server.http.post(url).body(text).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{:?}", response.text().await);
}

#[tokio::test]
async fn answers_have_prometheus_shape() {
    let server = Server::start().await;
    let (_, scalar) = ask(&server, "/api/v1/query?query=1%2B1&time=1790000000").await;
    assert_eq!(
        scalar,
        json!({ "status": "success", "data": { "resultType": "scalar", "result": [1_790_000_000, "2"] } })
    );
    let range = data(&server, "/api/v1/query_range?query=vector(3)&start=10&end=20&step=5").await;
    assert_eq!(range["result"][0]["values"], json!([[10, "3"], [15, "3"], [20, "3"]]));
    server.push(json!({ "metric": "m", "labels": { "a": "1" }, "value": 1 })).await;
    assert_eq!(data(&server, "/api/v1/label/a/values").await, json!(["1"]));
    assert_eq!(data(&server, "/api/v1/label/U__a/values").await, json!(["1"]));
    let series = data(&server, "/api/v1/series?match[]=m").await;
    assert_eq!(series, json!([{ "__name__": "m", "a": "1", "job": "push" }]));
    assert_eq!(data(&server, "/api/v1/query_exemplars?query=m&start=1&end=2").await, json!([]));
    let (_, timed) = ask(&server, "/api/v1/query?query=m&stats=all").await;
    assert_eq!(timed["data"]["stats"]["samples"]["totalQueryableSamples"], json!(1), "{timed}");
    server.stop().await;
}

#[tokio::test]
async fn a_form_says_the_same_as_an_address() {
    let server = Server::start().await;
    let url = |path: &str| format!("http://{}{path}", server.address);
    let form = [("query", "vector(3)"), ("start", "10"), ("end", "20")];
    let body = form.map(|(name, value)| format!("{name}={value}")).join("&");
    let post = server.http.post(url("/api/v1/query_range?step=5"));
    let post = post.header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer: Value = post.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["result"][0]["values"].as_array().map(Vec::len), Some(3), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn failures_have_prometheus_types() {
    let server = Server::start().await;
    let (bad, refused) = (StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY);
    server.push(json!({ "metric": "twice", "labels": { "a": "1" }, "value": 1 })).await;
    server.push(json!({ "metric": "twice", "labels": { "a": "2" }, "value": 1 })).await;
    for (path, status, kind) in [
        ("/api/v1/query?query=sum(", bad, "bad_data"),
        ("/api/v1/query", bad, "bad_data"),
        ("/api/v1/query?query=1&time=soon", bad, "bad_data"),
        ("/api/v1/query?query=1&timeout=soon", bad, "bad_data"),
        ("/api/v1/query?query=1&limit=-1", bad, "bad_data"),
        ("/api/v1/query?query=1&lookback_delta=0", bad, "bad_data"),
        ("/api/v1/query_range?query=1&start=10&end=5&step=1", bad, "bad_data"),
        ("/api/v1/query_range?query=1&start=0&end=90000&step=1", bad, "bad_data"),
        ("/api/v1/query_range?query=1&start=0&end=9&step=0", bad, "bad_data"),
        ("/api/v1/series", bad, "bad_data"),
        ("/api/v1/series?match[]=sum(m)", bad, "bad_data"),
        ("/api/v1/labels?start=2&end=1", bad, "bad_data"),
        ("/api/v1/rules?type=other", bad, "bad_data"),
        ("/api/v1/query?query=twice%2Bignoring(a)twice", refused, "execution"),
        ("/api/v1/query?query=max_over_time(vector(1)[100y:1ms])", refused, "execution"),
        ("/api/v1/query?query=count_over_time(vector(1)[200000s:10ms])&timeout=1ms", refused, "timeout"),
    ] {
        let (found, body) = ask(&server, path).await;
        assert_eq!((found, body["errorType"].as_str()), (status, Some(kind)), "{path}: {body}");
        assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{path}: {body}");
    }
    let (_, body) = ask(&server, "/api/v1/query?query=1%2Braet(a)").await;
    let wrong = "1:3: parse error: unknown function with name \"raet\", did you mean \"rate\"?";
    assert_eq!(body["error"], format!("invalid parameter \"query\": {wrong}\n1+raet(a)\n  ^"));
    server.stop().await;
}

#[tokio::test]
async fn limits_cut_and_say_so() {
    let server = Server::start().await;
    for n in 0..3 {
        server.push(json!({ "metric": "m", "labels": { "n": n.to_string() }, "value": n })).await;
    }
    for path in ["query?query=m&", "series?match[]=m&", "label/n/values?", "labels?match[]=m&"] {
        let (_, cut) = ask(&server, &format!("/api/v1/{path}limit=2")).await;
        let list = cut["data"].as_array().or_else(|| cut["data"]["result"].as_array());
        assert_eq!(list.map(Vec::len), Some(2), "{path}: {cut}");
        assert_eq!(cut["warnings"], json!(["results truncated due to limit"]), "{path}: {cut}");
        let (_, whole) = ask(&server, &format!("/api/v1/{path}limit=0")).await;
        assert!(whole["warnings"].is_null(), "{path}: {whole}");
    }
    let newest =
        data(&server, "/api/v1/query?query=timestamp(m{n=\"0\"})").await["result"][0]["value"].clone();
    let later = newest[1].as_str().unwrap().parse::<f64>().unwrap() + 60.0;
    assert_eq!(data(&server, &format!("/api/v1/label/n/values?start={later}")).await, json!([]));
    assert_eq!(data(&server, &format!("/api/v1/series?match[]=m&start={later}")).await, json!([]));
    assert_eq!(data(&server, "/api/v1/label/n/values?start=1").await, json!(["0", "1", "2"]));
    server.stop().await;
}

#[tokio::test]
async fn an_evaluation_ends_when_nobody_waits_for_it() {
    let server = Server::start().await;
    // Some tens of millions of values, and no sample.
    let long = "/api/v1/query?query=sum_over_time((vector(1)%2Bvector(2))[10000s:1ms])";
    let ended = "watchroom_evaluations_ended_total";
    let asked = server.http.get(server.url(long)).timeout(Duration::from_millis(50)).send().await;
    assert!(asked.is_err_and(|error| error.is_timeout()), "it takes longer than the client waits");
    let deadline = Instant::now() + SOON;
    while server.metric(ended).await < 1.0 {
        assert!(Instant::now() < deadline, "it goes on for nobody");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (_, late) = ask(&server, &format!("{long}&timeout=50ms")).await;
    assert_eq!(late["errorType"], "timeout", "{late}");
    assert_eq!(server.metric(ended).await, 2.0);
    server.stop().await;
}

#[tokio::test]
async fn what_texts_say_of_metrics_is_told() {
    let server = Server::start().await;
    expose(
        &server,
        "# HELP m_seconds How long.\n# UNIT m_seconds seconds\n# TYPE m_seconds gauge\nm_seconds 1\n# EOF\n",
    )
    .await;
    let expected = json!([{ "type": "gauge", "help": "How long.", "unit": "seconds" }]);
    assert_eq!(data(&server, "/api/v1/metadata?metric=m_seconds").await, json!({ "m_seconds": expected }));
    let all = data(&server, "/api/v1/metadata").await;
    assert_eq!(all["watchroom_samples_total"][0]["type"], json!("counter"), "our own are there, too");
    assert_eq!(
        data(&server, "/api/v1/metadata?limit=1").await.as_object().map(serde_json::Map::len),
        Some(1)
    );
    server.stop().await;
}

#[tokio::test]
async fn rules_and_alerts_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "[[rule]]\nname = \"hot\"\nexpr = \"heat\"\nabove = { warning = 10, critical = 20 }\nsummary = \"{{ value }} is hot\"\n";
    std::fs::write(folder.path().join("alerts.toml"), rules).unwrap();
    let settings = Settings { config: "collect_host = false\n", ..Settings::default() };
    let server = Server::on(folder, settings).await;
    server.push(json!({ "metric": "heat", "labels": { "oven": "a" }, "value": 15 })).await;
    let alerts = loop {
        let alerts = data(&server, "/api/v1/alerts").await["alerts"].clone();
        if alerts.as_array().is_some_and(|alerts| !alerts.is_empty()) {
            break alerts;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(alerts[0]["labels"]["alertname"], json!("hot"), "{alerts}");
    assert_eq!((&alerts[0]["state"], &alerts[0]["value"]), (&json!("firing"), &json!("15")), "{alerts}");
    let groups = data(&server, "/api/v1/rules").await["groups"].clone();
    let rules = groups[0]["rules"].as_array().unwrap();
    let states: Vec<_> = rules.iter().map(|rule| (&rule["query"], &rule["state"], &rule["health"])).collect();
    let (warning, critical) = (json!("heat > 10"), json!("heat > 20"));
    let ok = json!("ok");
    assert_eq!(states, [(&warning, &json!("firing"), &ok), (&critical, &json!("inactive"), &ok)], "{groups}");
    assert_eq!(rules[0]["alerts"].as_array().map(Vec::len), Some(1));
    for (asked, count) in [
        ("type=alert", 1),
        ("type=record", 0),
        ("rule_name[]=hot", 1),
        ("rule_name[]=cold", 0),
        ("file[]=other.yml", 0),
        ("match[]={severity=\"critical\"}", 1),
        ("match[]={severity=\"info\"}", 0),
    ] {
        let groups = data(&server, &format!("/api/v1/rules?{asked}")).await["groups"].clone();
        assert_eq!(groups.as_array().map(Vec::len), Some(count), "{asked}: {groups}");
    }
    let bare = data(&server, "/api/v1/rules?exclude_alerts=true").await;
    assert_eq!(bare["groups"][0]["rules"][0]["alerts"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn it_tells_what_it_is() {
    let server = Server::start().await;
    server.push(json!({ "metric": "m", "labels": { "n": "1" }, "value": 1 })).await;
    let build = data(&server, "/api/v1/status/buildinfo").await;
    assert_eq!(
        (build["application"].as_str(), build["version"].as_str()),
        (Some("watchroom"), Some("3.14.0"))
    );
    assert_eq!(data(&server, "/api/v1/status/runtimeinfo").await["reloadConfigSuccess"], json!(true));
    assert_eq!(data(&server, "/api/v1/status/flags").await["query.lookback-delta"], json!("300s"));
    assert!(
        data(&server, "/api/v1/status/config").await["yaml"].as_str().unwrap().contains("scrape_interval")
    );
    assert_eq!(data(&server, "/api/v1/targets").await["activeTargets"], json!([]));
    let store = data(&server, "/api/v1/status/tsdb?limit=1000").await;
    let has = |list: &str, name: &str, value: u64| {
        store[list].as_array().unwrap().contains(&json!({ "name": name, "value": value }))
    };
    assert!(has("seriesCountByMetricName", "m", 1) && has("labelValueCountByLabelName", "n", 1), "{store}");
    assert!(has("seriesCountByLabelValuePair", "n=1", 1), "{store}");
    assert!(1 < store["headStats"]["numSeries"].as_u64().unwrap());
    for path in ["/-/healthy", "/-/ready"] {
        assert_eq!(server.get(path).await.status(), StatusCode::OK);
    }
    server.stop().await;
}

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    queries: Vec<Query>,
}

#[derive(Clone, PartialEq, Message)]
struct Query {
    #[prost(int64, tag = "1")]
    start: i64,
    #[prost(int64, tag = "2")]
    end: i64,
    #[prost(message, repeated, tag = "3")]
    matchers: Vec<Pair>,
}

/// A matcher, with its type before; or a label, without.
#[derive(Clone, PartialEq, Eq, Message)]
struct Pair {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    value: String,
}

async fn read(server: &Server, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
    let url = format!("http://{}/api/v1/read", server.address);
    let response = server.http.post(url).body(body).send().await.unwrap();
    (response.status(), response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn samples_are_read_from_afar() {
    let server = Server::start().await;
    server.push(json!({ "metric": "m", "labels": { "n": "1" }, "value": 2.5 })).await;
    server.push(json!({ "metric": "m", "labels": { "n": "2" }, "value": 3.5 })).await;
    let matchers = [("__name__", "m", 0), ("n", "1|x", 2)];
    let matchers = matchers.map(|(name, value, kind)| Pair { kind, name: name.into(), value: value.into() });
    let query = Query { start: 0, end: i64::MAX, matchers: matchers.to_vec() };
    let asked = Request { queries: vec![query.clone()] }.encode_to_vec();
    let pack = |bytes: &[u8]| snap::raw::Encoder::new().compress_vec(bytes).unwrap();
    let (status, body) = read(&server, pack(&asked)).await;
    assert_eq!(status, StatusCode::OK);
    let plain = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let value = plain.windows(8).filter(|bytes| *bytes == 2.5_f64.to_le_bytes()).count();
    let other = plain.windows(8).filter(|bytes| *bytes == 3.5_f64.to_le_bytes()).count();
    assert_eq!((value, other), (1, 0), "one sample of one series");
    let histogram = json!({ "schema": 0, "count": 3.25, "sum": 4, "positive": [[0, 3.25]] });
    server.push(json!({ "metric": "m", "labels": { "n": "x" }, "histogram": histogram })).await;
    let (_, body) = read(&server, pack(&asked)).await;
    let plain = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let counts = plain.windows(8).filter(|bytes| *bytes == 3.25_f64.to_le_bytes()).count();
    assert_eq!(counts, 2, "a histogram's count, and that of its bucket");
    let nothing = Query { matchers: Vec::new(), ..query };
    for wrong in
        [asked.clone(), pack(b"no protobuf"), pack(&Request { queries: vec![nothing] }.encode_to_vec())]
    {
        let (status, body) = read(&server, wrong).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["errorType"]), (StatusCode::BAD_REQUEST, &json!("bad_data")), "{body}");
    }
    server.stop().await;
}

#[tokio::test]
async fn answers_are_compressed_as_the_client_likes() {
    let server = Server::start().await;
    for (accepts, expected) in [("gzip", "gzip"), ("zstd", "zstd")] {
        let url = format!("http://{}/api/v1/status/tsdb?limit=100", server.address);
        let response = server.http.get(url).header("accept-encoding", accepts).send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], expected);
    }
    server.stop().await;
}
