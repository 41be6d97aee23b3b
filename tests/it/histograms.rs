//! Native histograms that are pushed: stored, asked for, drawn, recorded, alerted on.

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use watchroom::live::Live;

use crate::{
    client::Client,
    server::{SOON, Server, Settings},
};

const RULES: &str = "[[record]]\nname = 'all:latency:sum'\nexpr = 'sum(latency)'\n\
    [[rule]]\nname = 'Slow'\nexpr = 'histogram_quantile(0.5, all:latency:sum) > 3'\n";

async fn until(server: &Server, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + SOON;
    loop {
        let answer: Value = server.get(path).await.json().await.unwrap();
        if is_so(&answer["data"]) {
            return answer["data"].clone();
        }
        assert!(Instant::now() < deadline, "{path}: {answer}");
        sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_pushed_histogram_goes_all_the_way() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("alerts.toml"), RULES).unwrap();
    let settings = Settings { config: "collect_host = false\n", redis: None, ..Settings::default() };
    let server = Server::on(folder, settings).await;
    let mut client = Client::connect(&server).await;
    let expr = "histogram_quantile(0.5, sum(latency))";
    let channel = Live::channel(expr, 1_000);
    let data = json!({ "expr": expr, "step": 1_000, "window": 10_000 });
    client.call("subscribe", json!({ "channel": channel, "data": data })).await;
    let items = json!([
        { "metric": "latency", "labels": { "node": "a" }, "histogram":
            { "schema": 0, "count": 4, "sum": 10.5, "zero_count": 1, "positive": [[1, 1], [2, 2]] } },
        { "metric": "latency", "labels": { "node": "b" }, "histogram": "{{schema:0 count:4 sum:28 offset:3 buckets:[4]}}" },
        { "metric": "latency", "labels": { "node": "c" }, "histogram": { "schema": 0, "count": -1, "sum": 0 } },
    ]);
    let report: Value = server.push(items).await.json().await.unwrap();
    assert_eq!((&report["accepted"], &report["refused_total"]), (&json!(2), &json!(1)), "{report}");
    assert_eq!(report["refused"][0]["item"], 2, "{report}");

    let whole = until(&server, "/api/v1/query?query=latency", |data| !data["result"][1].is_null()).await;
    let first = &whole["result"][0]["histogram"][1];
    assert_eq!((&first["count"], &first["sum"]), (&json!("4"), &json!("10.5")), "{whole}");
    assert_eq!(first["buckets"][2], json!([0, "2", "4", "2"]), "{whole}");
    // Half of the eight are below 4, where the bucket up to 4 ends.
    loop {
        let publication = client.push(&channel, "pub").await;
        if publication["data"]["v"] == json!([[4]]) {
            break;
        }
    }
    let recorded = until(&server, "/api/v1/query?query=all:latency:sum", |data| {
        data["result"][0]["histogram"][1]["count"] == "8"
    });
    assert_eq!(recorded.await["result"][0]["metric"], json!({ "__name__": "all:latency:sum" }));
    let alerts = until(&server, "/api/v1/alerts", |data| data["alerts"][0]["state"] == "firing").await;
    assert_eq!(alerts["alerts"][0]["value"], "4", "{alerts}");
    // Its panel draws quantiles.
    let page = server.get("/rooms/pushed").await.text().await.unwrap();
    assert!(page.contains("histogram_quantile(0.99, sum(rate("), "the panel of the metric");
    server.stop().await;
}
