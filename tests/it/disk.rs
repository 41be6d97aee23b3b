//! A disk that is slow and then full, as those see it who push and who look.

use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};
use watchroom::live::Live;

use crate::{client::Client, process::Process, server::SOON, slowdisk};

/// Steps whose latency is measured.
const STEPS: usize = 5;
/// The rule is 200 ms after a step's time, and here is some room for a busy machine.
const LATENCY_MS_MAX: i64 = 200 + 300;
/// Samples of one push, 24 bytes each while they wait: the seventh of these is over 8 MiB.
const PUSH_SAMPLES: i64 = 50_000;
const PUSHES: usize = 8;

impl Process {
    fn post(&self, path: &str, body: String) -> impl Future<Output = reqwest::Response> + 'static {
        let request = self.http.post(format!("http://{}{path}", self.address)).body(body);
        async { request.send().await.unwrap() }
    }

    /// Pushes one sample of a series of its own.
    fn push(&self, number: usize) -> impl Future<Output = reqwest::Response> + 'static {
        let sample = json!({ "metric": "kept", "labels": { "n": number.to_string() }, "value": number });
        self.post("/api/v1/push", sample.to_string())
    }

    /// Waits for an answer of 200.
    async fn push_kept(&self, number: usize, kept: &mut Vec<usize>) {
        let answer = self.push(number).await;
        assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
        kept.push(number);
    }
}

fn now_ms() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// As many samples as a push may have, of 500 series.
fn large_push() -> String {
    let now = now_ms();
    (0..PUSH_SAMPLES).map(|n| format!("filler{{n=\"{}\"}} 1 {}\n", n % 500, now - n / 500)).collect()
}

async fn storage_notice(client: &mut Client, state: &str) -> Value {
    let told = async {
        loop {
            let notice = client.push("@notices", "pub").await["data"].clone();
            if notice["kind"] == "storage" && notice["state"] == state {
                return notice;
            }
        }
    };
    timeout(3 * SOON, told).await.unwrap_or_else(|_| panic!("the pages are told: {state}"))
}

/// The notices in the reply to who subscribes now, by kind.
async fn standing(server: &Process) -> Vec<Value> {
    let mut late = Client::connect_to(server.address).await;
    let reply = late.call("subscribe", json!({ "channel": "@notices" })).await;
    reply["subscribe"]["data"].as_array().unwrap_or_else(|| panic!("{reply}")).clone()
}

/// Reads steps until one has the value; gives how long each came after its time.
async fn until_value(client: &mut Client, channel: &str, value: usize) -> Vec<i64> {
    let mut delays = Vec::new();
    loop {
        let step = client.push(channel, "pub").await;
        if step["offset"].is_u64() {
            delays.push(step["data"]["at"].as_i64().unwrap() - step["data"]["t"][0].as_i64().unwrap());
        }
        if step["data"]["v"] == json!([[value]]) {
            return delays;
        }
    }
}

/// The numbers that are in the store.
async fn stored(server: &Process) -> Vec<usize> {
    let url = format!("http://{}/api/v1/query?query=last_over_time(kept[10m])", server.address);
    let answer: Value = server.http.get(url).send().await.unwrap().json().await.unwrap();
    let series = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
    series.iter().map(|one| one["value"][1].as_str().unwrap().parse().unwrap()).collect()
}

/// A push that is not taken says what to do; tells whether it was because too much waits.
async fn too_much_waits(refused: reqwest::Response) -> bool {
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "5");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let problem: Value = refused.json().await.unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("again in 5 s"), "{detail}");
    detail.contains("too many samples wait for the disk")
}

/// A server on a disk of the test's own, with the files that make it slow and full.
fn on_bad_disk(folder: &Path, config: &str) -> (Process, PathBuf, PathBuf) {
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(folder.join("watchroom.toml"), config).unwrap();
    std::fs::write(folder.join("alerts.toml"), "# none\n").unwrap();
    let (slow, full) = (folder.join("slow"), folder.join("full"));
    let library = slowdisk::build(folder);
    let environment = [
        ("LD_PRELOAD", &*library),
        ("SLOWDISK_FSYNC_MS", Path::new("100")),
        ("SLOWDISK_DIR", &data),
        ("SLOWDISK_SLOW", &slow),
        ("SLOWDISK_FULL", &full),
    ];
    (Process::start(folder, &environment), slow, full)
}

#[tokio::test]
async fn what_waits_for_a_full_disk_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let config = "collect_host = false\n[http_api]\ninsecure = true\n[[channel.namespaces]]\nname = 'kept'\n\
        subscription_type = 'map'\n[channel.namespaces.map]\nmode = 'persistent'\n";
    let (server, _, full) = on_bad_disk(folder.path(), config);
    let api = async |method: &str, body: Value| {
        let answer = server.post(&format!("/api/{method}"), body.to_string()).await;
        answer.json::<Value>().await.unwrap()
    };
    let put = async |at: usize| {
        let data = "x".repeat(99_500);
        api("map_publish", json!({ "channel": "kept:1", "key": at.to_string(), "data": data })).await
    };
    let keys = async || api("map_stats", json!({ "channel": "kept:1" })).await["result"]["num_keys"].clone();
    assert!(put(0).await["result"]["epoch"].is_string());
    std::fs::write(&full, "").unwrap();
    let mut made = 1;
    while let code = put(made).await["error"]["code"].clone()
        && code != 106
    {
        assert_eq!(code, 100, "the disk refuses");
        made += 1;
        assert!(made < 200, "what waits has no bound");
    }
    assert_eq!(keys().await, made, "the last one was not made");
    let removed = api("map_remove", json!({ "channel": "kept:1", "key": "0" })).await;
    assert_eq!((&removed["error"]["code"], keys().await), (&json!(106), json!(made)));
    let metrics = server.http.get(format!("http://{}/metrics", server.address)).send().await.unwrap();
    let counted = "watchroom_map_refused_total{limit=\"disk\"} 2";
    assert!(metrics.text().await.unwrap().contains(counted));
    std::fs::remove_file(&full).unwrap();
    let begun = Instant::now();
    while put(made).await["result"].is_null() {
        assert!(begun.elapsed() < SOON, "the disk has room again");
    }
    drop(server);
    let server = Process::start(folder.path(), &[]);
    let url = format!("http://{}/api/map_stats", server.address);
    let stats = server.http.post(url).body(r#"{"channel":"kept:1"}"#).send().await.unwrap();
    assert_eq!(stats.json::<Value>().await.unwrap()["result"]["num_keys"], made + 1, "all of it is on disk");
}

#[tokio::test]
async fn a_bad_disk_is_told_and_costs_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (server, slow, full) = on_bad_disk(folder.path(), "collect_host = false\n");
    let mut kept = Vec::new();
    // Its own deadline is that of what it waits for.
    let mut notices = Client::connect_to(server.address).await.patient(4 * SOON);
    notices.call("subscribe", json!({ "channel": "@notices" })).await;
    let mut viewer = Client::connect_to(server.address).await;
    let (expr, channel) = ("max(kept)", Live::channel("max(kept)", 1_000));
    let data = json!({ "expr": expr, "step": 1_000 });
    viewer.call("subscribe", json!({ "channel": channel, "data": data })).await;

    // Slow: pushes wait for their commits, and steps do not.
    std::fs::write(&slow, "").unwrap();
    let mut delays = Vec::new();
    while delays.len() < STEPS {
        let number = kept.len();
        let began = Instant::now();
        server.push_kept(number, &mut kept).await;
        assert!(90 <= began.elapsed().as_millis(), "the shim is in place");
        delays.extend(until_value(&mut viewer, &channel, number).await);
    }
    delays.sort_unstable();
    assert!(delays[delays.len() / 2] <= LATENCY_MS_MAX, "{delays:?}");
    storage_notice(&mut notices, "slow").await;
    std::fs::remove_file(&slow).unwrap();

    // Full: when as much waits as may, pushes are refused, and charts go on.
    std::fs::write(&full, "").unwrap();
    let body = large_push();
    let mut pushes = JoinSet::new();
    for _ in 0..PUSHES {
        pushes.spawn(server.post("/api/v1/import/prometheus", body.clone()));
    }
    // On a busy machine others have waited for too long before.
    while !too_much_waits(pushes.join_next().await.expect("one is too much").unwrap()).await {}
    let notice = storage_notice(&mut notices, "refusing").await;
    assert!(notice["text"].as_str().unwrap().contains("full"), "{notice}");
    let number = kept.len();
    let waiting = server.push(number);
    pushes.spawn(waiting);
    until_value(&mut viewer, &channel, number).await;

    // Who comes now is told, too, though something else was told since.
    assert!(standing(&server).await.contains(&notice));

    // Room again: what waited is written, the notice goes, and pushes are taken.
    std::fs::remove_file(&full).unwrap();
    storage_notice(&mut notices, "ok").await;
    assert!(standing(&server).await.iter().all(|notice| notice["kind"] != "storage"));
    while let Some(answer) = pushes.join_next().await {
        let status = answer.unwrap().status();
        assert!([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&status), "{status}");
    }
    for number in number + 1..number + 4 {
        server.push_kept(number, &mut kept).await;
    }

    drop(server);
    let server = Process::start(folder.path(), &[]);
    let stored = stored(&server).await;
    let lost: Vec<&usize> = kept.iter().filter(|number| !stored.contains(number)).collect();
    assert!(lost.is_empty(), "{lost:?} were acknowledged");
}
