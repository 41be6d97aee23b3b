//! Recording rules of `alerts.toml`: what they write is read like any other series.

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    server::{SOON, Server, Settings},
};

const RULES: &str = "[[record]]\nname = 'shop:orders:max'\nexpr = 'max by (shop) (region:orders:sum)'\nlabels = { team = 'sales' }\n\
    [[record]]\nname = 'region:orders:sum'\nexpr = 'sum by (shop, region) (orders)'\n\
    [[rule]]\nname = 'Many orders'\nexpr = 'shop:orders:max > 10'\n";

/// Asks until an answer is as it should be.
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

/// The first thing that is wrong with the file, as the pages are told.
async fn problem(server: &Server) -> String {
    let deadline = Instant::now() + SOON;
    loop {
        let joined = Client::connect(server).await.call("subscribe", json!({ "channel": "@alerts" })).await;
        if let Some(message) = joined["subscribe"]["data"]["file"]["problems"][0]["message"].as_str() {
            return message.to_owned();
        }
        assert!(Instant::now() < deadline, "no problem is told: {joined}");
        sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn first(data: &Value) -> (&Value, &Value) {
    let one = &data["result"][0];
    (&one["metric"], &one["value"][1])
}

#[tokio::test]
async fn a_chain_is_recorded_shown_and_alerted_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("alerts.toml"), RULES).unwrap();
    let settings = Settings { config: "collect_host = false\n", redis: None, ..Settings::default() };
    let server = Server::on(folder, settings).await;
    for (region, value) in [("north", 5), ("south", 7), ("south", 9)] {
        let labels = json!({ "shop": "s", "region": region, "till": value.to_string() });
        server.push(json!({ "metric": "orders", "labels": labels, "value": value })).await;
    }
    let found = until(&server, "/api/v1/query?query=shop:orders:max", |data| *first(data).1 == "16").await;
    let labels = json!({ "__name__": "shop:orders:max", "shop": "s", "team": "sales" });
    assert_eq!(*first(&found).0, labels);
    let alerts = until(&server, "/api/v1/alerts", |data| data["alerts"][0]["state"] == "firing").await;
    assert_eq!(alerts["alerts"][0]["labels"]["alertname"], "Many orders");
    let rules =
        until(&server, "/api/v1/rules?type=record", |data| data["groups"][0]["rules"][1]["health"] == "ok");
    let rules = rules.await;
    let group = &rules["groups"][0];
    assert_eq!((&group["name"], &group["interval"]), (&json!("record 1s"), &json!(1.0)));
    let shown: Vec<_> = (0..2).map(|at| (&group["rules"][at]["name"], &group["rules"][at]["type"])).collect();
    let kind = json!("recording");
    assert_eq!(shown, [(&json!("region:orders:sum"), &kind), (&json!("shop:orders:max"), &kind)]);
    assert_eq!(group["rules"][1]["labels"], json!({ "team": "sales" }));
    assert_eq!(group["rules"][1]["query"], "max by (shop) (region:orders:sum)");
    let alerting = until(&server, "/api/v1/rules?type=alert", |_| true).await;
    assert_eq!(alerting["groups"].as_array().map(Vec::len), Some(1), "{alerting}");

    // A cycle is told, and changes nothing; a right edit takes their place.
    let file = server.folder().join("alerts.toml");
    std::fs::write(&file, RULES.replace("(orders)", "(shop:orders:max)")).unwrap();
    let problem = problem(&server).await;
    assert!(problem.contains("which reads `shop:orders:max"), "{problem}");
    let rules = until(&server, "/api/v1/rules?type=record", |_| true).await;
    assert_eq!(rules["groups"][0]["rules"].as_array().map(Vec::len), Some(2));
    std::fs::write(&file, "[[record]]\nname = 'orders:count'\nexpr = 'count(orders)'\ninterval = '2s'\n")
        .unwrap();
    let found = until(&server, "/api/v1/query?query=orders:count", |data| *first(data).1 == "3").await;
    assert_eq!(*first(&found).0, json!({ "__name__": "orders:count" }));
    let rules = until(&server, "/api/v1/rules", |_| true).await;
    let groups = rules["groups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["name"]), (1, &json!("record 2s")), "{rules}");
    server.stop().await;
}
