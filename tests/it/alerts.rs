//! Alerts from a pushed sample to the room, and what people do with them.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use watchroom::{
    backend::{Backend, Claim, Claimed, RedisSettings},
    journal::Retention,
    supervisor::Supervisor,
    telemetry::Registry,
};

use crate::{
    client::Client,
    redis_server::RedisServer,
    server::{SOON, Server, Settings},
};

const CONFIG: &str = "collect_host = false\n";
const RULES: &str = "[[rule]]\nname = 'Hot'\nmetric = 'celsius'\nabove = 80\nclear_below = 70\nunit = '°C'\n\
    summary = 'Core {{ labels.core }} is hot'\nrooms = ['host']\n";
const ROOM: &str = "@room:host";

fn folder(rules: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("alerts.toml"), rules).unwrap();
    folder
}

async fn server(rules: &str) -> Server {
    Server::on(folder(rules), Settings { config: CONFIG, redis: None, ..Settings::default() }).await
}

/// Someone in the room who also follows the alerts.
struct Operator {
    client: Client,
    /// What stood when they came.
    whole: Value,
    /// What came and was not asked for yet: of the room, and of the alerts.
    events: VecDeque<Value>,
    changes: VecDeque<Value>,
}

impl Operator {
    async fn on(server: &Server, name: &str) -> Self {
        let mut client = Client::connect(server).await;
        rpc(&mut client, "introduce", json!({ "id": format!("id-{name}"), "name": name })).await;
        let joined = client.call("subscribe", json!({ "channel": ROOM })).await;
        assert!(joined["error"].is_null(), "{joined}");
        let joined = client.call("subscribe", json!({ "channel": "@alerts" })).await;
        let whole = joined["subscribe"]["data"].clone();
        Self { client, whole, events: VecDeque::new(), changes: VecDeque::new() }
    }

    /// Reads one message into its queue.
    async fn read(&mut self) {
        let message = timeout(SOON, self.client.next()).await.expect("something comes");
        let push = &message["push"];
        match push["channel"].as_str() {
            Some(ROOM) if !push["pub"].is_null() => self.events.push_back(push["pub"].clone()),
            Some("@alerts") => self.changes.push_back(push["pub"]["data"].clone()),
            _ => {}
        }
    }

    /// The next event of the room that is of this kind.
    async fn event(&mut self, kind: &str) -> (u64, Value) {
        loop {
            while let Some(publication) = self.events.pop_front() {
                if publication["data"]["type"] == kind {
                    return (publication["offset"].as_u64().unwrap(), publication["data"].clone());
                }
            }
            self.read().await;
        }
    }

    /// The next change of alerts.
    async fn change(&mut self) -> Value {
        loop {
            if let Some(change) = self.changes.pop_front() {
                return change;
            }
            self.read().await;
        }
    }

    /// Reads until a change of alerts tells of one that `wanted` holds for.
    async fn alert(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let change = self.change().await;
            let alerts = change["alerts"].as_array().cloned().unwrap_or_default();
            if let Some(alert) = alerts.into_iter().find(|alert| wanted(alert)) {
                return alert;
            }
        }
    }
}

async fn rpc(client: &mut Client, method: &str, data: Value) -> Value {
    let reply = client.call("rpc", json!({ "method": method, "data": data })).await;
    if reply["error"].is_null() { reply["rpc"]["data"].clone() } else { reply["error"].clone() }
}

async fn celsius(server: &Server, value: f64) {
    server.push(json!({ "metric": "celsius", "labels": { "core": "1" }, "value": value })).await;
}

async fn whole(client: &mut Client) -> Value {
    client.call("unsubscribe", json!({ "channel": "@alerts" })).await;
    client.call("subscribe", json!({ "channel": "@alerts" })).await["subscribe"]["data"].clone()
}

#[tokio::test]
async fn an_alert_goes_from_the_sample_to_the_room_and_back() {
    let server = server(RULES).await;
    let mut olena = Operator::on(&server, "Olena").await;
    assert_eq!(olena.whole["rules"][0]["name"], "Hot");
    assert_eq!(olena.whole["file"]["rules"], 1);
    celsius(&server, 85.0).await;
    let told = olena.alert(|alert| alert["state"] == "firing").await;
    assert_eq!((&told["value"], &told["summary"]), (&json!(85.0), &json!("Core 1 is hot")));
    assert_eq!(told["where"]["core"], "1");
    let (offset, event) = olena.event("alert").await;
    assert_eq!((offset, &event["alert"]["id"]), (1, &told["id"]));
    assert_eq!(event["alert"]["limit"], json!({ "op": "above", "value": 80.0, "high": null, "clear": 70.0 }));

    // Between the limits it still stands; below it is over, with the value that ended it and the worst one.
    for value in [91.0, 75.0] {
        celsius(&server, value).await;
        let deadline = Instant::now() + SOON;
        while whole(&mut olena.client).await["alerts"][0]["value"] != value {
            assert!(Instant::now() < deadline, "{value} is evaluated");
        }
    }
    celsius(&server, 60.0).await;
    let (offset, event) = olena.event("alert").await;
    let alert = &event["alert"];
    assert_eq!((offset, &alert["state"], &alert["value"]), (2, &json!("resolved"), &json!(60.0)));
    assert_eq!(alert["extreme"]["value"], 91.0);
    assert!(alert["fired"].as_i64().unwrap() <= alert["resolved"].as_i64().unwrap());

    // Who comes later finds it in the room, and as an episode.
    let mut late = Operator::on(&server, "Marek").await;
    assert_eq!(late.whole["alerts"][0]["state"], "resolved");
    let page = late.client.call("history", json!({ "channel": ROOM, "limit": 10, "reverse": true })).await;
    assert_eq!(page["history"]["publications"].as_array().unwrap().len(), 2);
    let span = json!({ "start": 0, "end": i64::MAX });
    let past = rpc(&mut late.client, "episodes", span).await;
    assert_eq!((past["episodes"].as_array().unwrap().len(), &past["more"]), (1, &json!(false)));
    server.stop().await;
}

#[tokio::test]
async fn an_ack_is_seen_by_all_survives_a_restart_and_falls_with_its_alert() {
    let server = server(RULES).await;
    let (mut olena, mut marek) = (Operator::on(&server, "Olena").await, Operator::on(&server, "Marek").await);
    celsius(&server, 85.0).await;
    let id = olena.alert(|alert| alert["state"] == "firing").await["id"].clone();
    let ack = json!({ "alert": id, "reason": "fan ordered" });
    assert_eq!(rpc(&mut olena.client, "ack", ack.clone()).await, json!({}));
    // A retry says nothing twice.
    assert_eq!(rpc(&mut olena.client, "ack", ack).await, json!({}));
    let seen = marek.alert(|alert| !alert["ack"].is_null()).await;
    assert_eq!(seen["ack"]["by"], json!({ "id": "id-Olena", "name": "Olena" }));
    let (_, event) = marek.event("ack").await;
    assert_eq!((&event["reason"], &event["name"]), (&json!("fan ordered"), &json!("Hot")));

    let folder = server.stop().await;
    let server = Server::on(folder, Settings { config: CONFIG, redis: None, ..Settings::default() }).await;
    let mut marek = Operator::on(&server, "Marek").await;
    let alert = marek.whole["alerts"][0].clone();
    assert_eq!((&alert["id"], &alert["state"]), (&id, &json!("firing")), "{}", marek.whole);
    assert_eq!(alert["ack"]["reason"], "fan ordered");
    // It is taken back, and given again.
    assert_eq!(rpc(&mut marek.client, "unack", json!({ "alert": id })).await, json!({}));
    marek.alert(|alert| alert["ack"].is_null()).await;
    assert_eq!(rpc(&mut marek.client, "ack", json!({ "alert": id })).await, json!({}));
    marek.alert(|alert| alert["ack"]["by"]["name"] == "Marek").await;
    celsius(&server, 20.0).await;
    let over = marek.alert(|alert| alert["state"] == "resolved").await;
    assert!(over["ack"].is_null());
    let refused = rpc(&mut marek.client, "ack", json!({ "alert": id })).await;
    assert!(refused["message"].as_str().unwrap().contains("resolved"), "{refused}");
    let refused = rpc(&mut marek.client, "ack", json!({ "alert": "0" })).await;
    assert!(refused["message"].as_str().unwrap().contains("no alert"), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn an_alert_on_the_first_sample_of_a_metric_is_told_in_the_room_of_its_panel() {
    let server = server("[[rule]]\nname = 'New'\nexpr = 'never_seen > 1'\nfor = '1s'\n").await;
    let mut client = Client::connect(&server).await;
    client.call("subscribe", json!({ "channel": "@room:pushed" })).await;
    server.push(json!({ "metric": "never_seen", "value": 5 })).await;
    for state in ["pending", "firing"] {
        let told = client.push("@room:pushed", "pub").await;
        assert_eq!(
            (&told["data"]["alert"]["state"], &told["data"]["alert"]["rooms"]),
            (&json!(state), &json!(["pushed"]))
        );
    }
    client.call("subscribe", json!({ "channel": ROOM })).await;
    assert!(history(&mut client).await.is_empty(), "and in no other");
    server.stop().await;
}

#[tokio::test]
async fn nobody_acts_without_a_name() {
    let server = server(RULES).await;
    let mut client = Client::connect(&server).await;
    for (method, data) in [
        ("ack", json!({ "alert": "1" })),
        ("silence", json!({ "matchers": [{ "name": "a", "value": "1" }], "end": i64::MAX })),
        ("end_silence", json!({ "id": "1" })),
    ] {
        let refused = rpc(&mut client, method, data).await;
        assert_eq!(refused["code"], 103, "{method}: {refused}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_silence_holds_for_all_and_is_ended_early() {
    let server = server(RULES).await;
    let (mut olena, mut marek) = (Operator::on(&server, "Olena").await, Operator::on(&server, "Marek").await);
    celsius(&server, 85.0).await;
    olena.alert(|alert| alert["state"] == "firing").await;
    let now = olena.whole["now"].as_i64().unwrap();
    let call = json!({
        "id": "s-1", "matchers": [{ "name": "alertname", "op": "=", "value": "Hot" }],
        "end": now + 3_600_000, "reason": "the fan is being changed",
    });
    let silence = rpc(&mut olena.client, "silence", call.clone()).await;
    assert_eq!((&silence["id"], &silence["by"]["name"]), (&json!("s-1"), &json!("Olena")));
    assert_eq!(rpc(&mut olena.client, "silence", call).await, silence, "a retry is the same silence");
    marek.alert(|alert| alert["silences"] == json!(["s-1"])).await;
    let (_, event) = marek.event("silence").await;
    assert_eq!(event["silence"]["reason"], "the fan is being changed");

    let folder = server.stop().await;
    let server = Server::on(folder, Settings { config: CONFIG, redis: None, ..Settings::default() }).await;
    let mut marek = Operator::on(&server, "Marek").await;
    assert_eq!(marek.whole["silences"][0]["id"], "s-1");
    assert_eq!(marek.whole["alerts"][0]["silences"], json!(["s-1"]));
    let ended = rpc(&mut marek.client, "end_silence", json!({ "id": "s-1" })).await;
    assert!(ended["ended"].is_i64(), "{ended}");
    marek.alert(|alert| alert["silences"] == json!([])).await;
    let (_, event) = marek.event("silence_end").await;
    assert_eq!(event["by"]["name"], "Marek");
    let again = rpc(&mut marek.client, "end_silence", json!({ "id": "s-1" })).await;
    assert!(again["message"].as_str().unwrap().contains("over already"), "{again}");
    let wrong = rpc(&mut marek.client, "silence", json!({ "matchers": [], "end": now + 3_600_000 })).await;
    assert_eq!(wrong["code"], 107, "{wrong}");
    server.stop().await;
}

#[tokio::test]
async fn a_bad_edit_changes_nothing_and_is_shown_with_its_line() {
    let server = server(RULES).await;
    let mut olena = Operator::on(&server, "Olena").await;
    celsius(&server, 85.0).await;
    let fired = olena.alert(|alert| alert["state"] == "firing").await;
    let file = server.folder().join("alerts.toml");
    std::fs::write(&file, format!("{RULES}[[rule]]\nname = 'Wrong'\nexpr = 'sum('\n")).unwrap();
    let shown = async {
        loop {
            let change = olena.change().await;
            if let Some(problem) = change["file"]["problems"].get(0) {
                return (change["rules"].as_array().unwrap().len(), problem.clone());
            }
        }
    };
    let (rules, problem) = timeout(SOON, shown).await.expect("the problem is shown");
    assert_eq!((rules, &problem["line"]), (1, &json!(RULES.lines().count() + 3)), "{problem}");

    // Good again, with one more rule: what stands keeps its time.
    std::fs::write(&file, format!("{RULES}[[rule]]\nname = 'Right'\nexpr = 'celsius > 200'\n")).unwrap();
    let mended = async {
        loop {
            let change = olena.change().await;
            if change["rules"].as_array().is_some_and(|rules| rules.len() == 2) {
                return change;
            }
        }
    };
    let mended = timeout(SOON, mended).await.expect("the file is read again");
    assert_eq!(mended["file"]["problems"], json!([]));
    let now = whole(&mut olena.client).await;
    assert_eq!(now["alerts"][0]["since"], fired["since"]);

    // An empty file is no order to end everything, and a file that is gone neither.
    for wrong in ["the file is empty", "the file is not there"] {
        if wrong.ends_with("empty") {
            std::fs::write(&file, "\n").unwrap()
        } else {
            std::fs::remove_file(&file).unwrap()
        }
        let said = async { while olena.change().await["file"]["problems"][0]["message"] != wrong {} };
        timeout(SOON, said).await.expect("it is said");
    }
    assert_eq!(whole(&mut olena.client).await["rules"].as_array().unwrap().len(), 2);

    // A rule that is taken away ends its alerts.
    std::fs::write(&file, "# none\n").unwrap();
    let (_, event) = olena.event("alert").await;
    assert_eq!(event["alert"]["state"], "firing");
    let (_, event) = olena.event("alert").await;
    assert_eq!((&event["alert"]["state"], &event["alert"]["edited"]), (&json!("resolved"), &json!(true)));
    server.stop().await;
}

#[tokio::test]
async fn timers_of_seconds_survive_a_restart() {
    let rules = "[[rule]]\nname = 'Hot'\nexpr = 'celsius > 80'\nfor = '3s'\nrooms = ['host']\n";
    let server = server(rules).await;
    let mut olena = Operator::on(&server, "Olena").await;
    celsius(&server, 85.0).await;
    let (_, pending) = olena.event("alert").await;
    assert_eq!(pending["alert"]["state"], "pending");
    let folder = server.stop().await;
    let server = Server::on(folder, Settings { config: CONFIG, redis: None, ..Settings::default() }).await;
    let mut olena = Operator::on(&server, "Olena").await;
    // Its time runs on, but for what nobody saw: less than two seconds here.
    let since = |alert: &Value| alert["since"].as_i64().unwrap();
    let (before, after) = (since(&pending["alert"]), since(&olena.whole["alerts"][0]));
    assert!((before..before + 2_000).contains(&after), "{before}, {after}");
    let (offset, fired) = olena.event("alert").await;
    let alert = &fired["alert"];
    assert_eq!((offset, &alert["state"], since(alert)), (2, &json!("firing"), after));
    let took = alert["fired"].as_i64().unwrap() - after;
    assert!((3_000..3_500).contains(&took), "{took} ms");
    server.stop().await;
}

#[tokio::test]
async fn an_expression_that_fails_leaves_its_alerts() {
    let rules = "[[rule]]\nname = 'Twins'\nexpr = 'label_replace(celsius, \"core\", \"x\", \"\", \"\") > 80'\n\
        rooms = ['host']\n";
    let server = server(rules).await;
    let mut olena = Operator::on(&server, "Olena").await;
    celsius(&server, 85.0).await;
    olena.alert(|alert| alert["state"] == "firing").await;
    // Two series that the expression makes one.
    server.push(json!({ "metric": "celsius", "labels": { "core": "2" }, "value": 20 })).await;
    let failed = async {
        loop {
            let change = olena.change().await;
            if change["states"][0]["state"] == "error" {
                return change["states"][0]["error"].clone();
            }
        }
    };
    let error = timeout(SOON, failed).await.expect("the error is told");
    assert!(!error.as_str().unwrap().is_empty());
    assert_eq!(whole(&mut olena.client).await["alerts"][0]["state"], "firing");
    server.stop().await;
}

const A: &str = "instance = 'a'\ncollect_host = false\n";
const B: &str = "instance = 'b'\ncollect_host = false\n";

/// The states that a room's history tells, oldest first.
async fn history(client: &mut Client) -> Vec<String> {
    states(&client.call("history", json!({ "channel": ROOM, "limit": 100 })).await)
}

fn states(page: &Value) -> Vec<String> {
    let events = page["history"]["publications"].as_array().unwrap().iter();
    events.filter_map(|event| event["data"]["alert"]["state"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn two_nodes_tell_each_transition_once_and_share_what_people_do() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b) = (node(&redis, A, 0).await, node(&redis, B, 0).await);
    let (mut on_a, mut on_b) = (Operator::on(&a, "Olena").await, Operator::on(&b, "Marek").await);
    let mut states = Vec::new();
    for round in 0..3u32 {
        celsius(if round % 2 == 0 { &a } else { &b }, 85.0).await;
        let id = on_a.alert(|alert| alert["state"] == "firing").await["id"].clone();
        assert_eq!(on_b.alert(|alert| alert["state"] == "firing").await["id"], id, "both see it");
        assert_eq!(rpc(&mut on_b.client, "ack", json!({ "alert": id })).await, json!({}));
        on_a.alert(|alert| alert["ack"]["by"]["name"] == "Marek").await;
        celsius(&a, 20.0).await;
        on_a.alert(|alert| alert["state"] == "resolved" && alert["ack"].is_null()).await;
        on_b.alert(|alert| alert["state"] == "resolved" && alert["ack"].is_null()).await;
        states.extend(["firing", "resolved"]);
        settled(&mut on_b.client, &[&a, &b], &states).await;
    }
    a.stop().await;
    b.stop().await;
}

/// A server of this name and clock, on a Redis that others share.
async fn node(redis: &RedisServer, config: &'static str, clock_ms: i64) -> Server {
    Server::on(folder(RULES), Settings { config, redis: Some(redis.url()), clock_ms }).await
}

/// Waits until a room's history tells these states and no node has more to tell.
async fn settled(client: &mut Client, nodes: &[&Server], states: &[&str]) {
    let deadline = Instant::now() + 3 * SOON;
    loop {
        let told = history(client).await;
        let mut waiting = 0.0;
        for node in nodes {
            waiting += node.metric("watchroom_alert_events_waiting").await;
        }
        if told == states && waiting == 0.0 {
            return;
        }
        assert!(Instant::now() < deadline, "{told:?}, {waiting} wait");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn nodes_whose_clocks_differ_tell_once() {
    let Some(redis) = RedisServer::start().await else { return };
    let a = Settings { config: A, redis: Some(redis.url()), clock_ms: 0 };
    let b = Settings { config: B, redis: Some(redis.url()), clock_ms: 2_000 };
    let patient = format!("{RULES}for = '1s'\n");
    let (a, b) = (Server::on(folder(&patient), a).await, Server::on(folder(&patient), b).await);
    let (mut on_a, mut on_b) = (Operator::on(&a, "Olena").await, Operator::on(&b, "Marek").await);
    let mut states = Vec::new();
    for _ in 0..2 {
        celsius(&a, 85.0).await;
        on_a.alert(|alert| alert["state"] == "firing").await;
        on_b.alert(|alert| alert["state"] == "firing").await;
        celsius(&a, 20.0).await;
        on_a.alert(|alert| alert["state"] == "resolved").await;
        on_b.alert(|alert| alert["state"] == "resolved").await;
        states.extend(["pending", "firing", "resolved"]);
        settled(&mut on_a.client, &[&a, &b], &states).await;
    }
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn what_a_node_claimed_and_did_not_tell_another_tells() {
    let Some(redis) = RedisServer::start().await else { return };
    let a = node(&redis, A, 0).await;
    let mut olena = Operator::on(&a, "Olena").await;
    celsius(&a, 85.0).await;
    let id = olena.alert(|alert| alert["state"] == "firing").await["id"].as_str().unwrap().to_owned();
    celsius(&a, 20.0).await;
    settled(&mut olena.client, &[&a], &["firing", "resolved"]).await;

    // Another node claims what comes next, and dies.
    let (supervisor, registry) = (Supervisor::new(CancellationToken::new()), Registry::default());
    let ghost = Backend::redis(
        &RedisSettings::of(&redis.url()),
        "ghost",
        &supervisor,
        &registry,
        Retention::default(),
    )
    .await;
    let (ghost, _deliveries) = ghost.unwrap();
    let lease = std::time::Duration::from_secs(4);
    let claim = Claim { key: id, target: "firing".to_owned(), node: "ghost".to_owned(), lease };
    // It was not told by the ghost that the alert is over, so it may have to wait for that.
    let claimed = loop {
        match ghost.claim(&claim).await.unwrap() {
            Claimed::Settling { retry } => tokio::time::sleep(retry).await,
            other => break other,
        }
    };
    assert!(matches!(claimed, Claimed::Granted { .. }), "{claimed:?}");
    supervisor.drain(SOON).await.unwrap();

    let before = Instant::now();
    celsius(&a, 85.0).await;
    olena.alert(|alert| alert["state"] == "firing").await;
    assert!(before.elapsed() < lease, "the page of this node is told at once");
    settled(&mut olena.client, &[&a], &["firing", "resolved", "firing"]).await;
    assert!(lease / 2 < before.elapsed(), "the claim held until its lease was over");
    a.stop().await;
}

#[tokio::test]
async fn without_redis_every_node_speaks_and_the_room_is_told_later() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let (a, b) = (node(&redis, A, 0).await, node(&redis, B, 0).await);
    redis.stop(false).await;
    for node in [&a, &b] {
        celsius(node, 85.0).await;
        let deadline = Instant::now() + SOON;
        // The hub closes its readers when it notices, so each look is a new one.
        loop {
            let Some(mut client) = Client::try_connect_to(node.address).await else { continue };
            let seen = client.try_call("subscribe", json!({ "channel": "@alerts" })).await;
            if seen.is_some_and(|seen| seen["subscribe"]["data"]["alerts"][0]["state"] == "firing") {
                break;
            }
            assert!(Instant::now() < deadline, "it speaks");
        }
    }
    redis.start_again().await;
    let deadline = Instant::now() + 3 * SOON;
    // The hub closes its readers when the bus comes back, so each look is a new one.
    let told = loop {
        assert!(Instant::now() < deadline, "the room is told");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let waiting = a.metric("watchroom_alert_events_waiting").await
            + b.metric("watchroom_alert_events_waiting").await;
        let Some(mut client) = Client::try_connect_to(a.address).await else { continue };
        let joined = client.try_call("subscribe", json!({ "channel": ROOM })).await;
        if joined.is_none_or(|joined| !joined["error"].is_null()) || 0.0 < waiting {
            continue;
        }
        let page = client.try_call("history", json!({ "channel": ROOM, "limit": 100 })).await;
        let told = page.map(|page| states(&page)).unwrap_or_default();
        if !told.is_empty() {
            break told;
        }
    };
    assert_eq!(told, ["firing"]);
    a.stop().await;
    b.stop().await;
}
