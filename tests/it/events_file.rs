//! The events' file under fire: `kill -9` of the real server, and a disk that is slow and then full.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{client::Client, process::Process, server::SOON, slowdisk};

/// Kills of the server.
const KILLS: usize = 20;
/// Connections that speak at once, each at the pace that its limit lets through.
const AUTHORS: usize = 20;
/// How often each of them speaks: 200 messages a second in all.
const PAUSE: Duration = Duration::from_millis(100);
const ROOM: &str = "@room:host";

impl Process {
    async fn person(&self, id: &str) -> Client {
        let mut client = Client::connect_to(self.address).await;
        client.rpc("introduce", json!({ "id": id, "name": id })).await;
        client
    }

    async fn metric(&self, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.address);
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    }
}

/// What was acknowledged: the id of each event with its offset.
#[derive(Clone, Default)]
pub(crate) struct Acknowledged(Arc<Mutex<BTreeMap<String, u64>>>);

impl Acknowledged {
    pub(crate) fn note(&self, id: &str, offset: u64) {
        let before = self.0.lock().unwrap().insert(id.to_owned(), offset);
        assert!(before.is_none_or(|before| before == offset), "{id} has one offset");
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Every acknowledged event is there once, at its offset, and offsets have no holes.
    fn check(&self, events: &[Value]) {
        let mut found = BTreeMap::new();
        for (at, event) in events.iter().enumerate() {
            assert_eq!(event["offset"], at + 1, "offsets rise by one");
            let id = event["data"]["id"].as_str().unwrap().to_owned();
            assert_eq!(found.insert(id, (at + 1) as u64), None, "{event} is there twice");
        }
        let acknowledged = self.0.lock().unwrap();
        let wrong: Vec<_> =
            acknowledged.iter().filter(|(id, offset)| found.get(*id) != Some(offset)).collect();
        assert!(wrong.is_empty(), "of {} acknowledged ones {wrong:?} are lost or moved", acknowledged.len());
    }
}

/// Every event of the room, oldest first.
async fn whole_room(server: &Process) -> Vec<Value> {
    let mut reader = Client::connect_to(server.address).await;
    let epoch = reader.enter(ROOM).await["epoch"].clone();
    let mut events: Vec<Value> = Vec::new();
    loop {
        let since = json!({ "offset": events.len(), "epoch": epoch });
        let page = reader.call("history", json!({ "channel": ROOM, "since": since, "limit": 200 })).await;
        let page = page["history"]["publications"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// Speaks until the server is gone. What was not acknowledged is said again by its next life, under the same id.
async fn speak(address: SocketAddr, author: usize, unsaid: &mut u64, acknowledged: &Acknowledged) {
    let Some(mut client) = Client::try_connect_to(address).await else { return };
    let person = json!({ "id": format!("p{author}"), "name": "Bo" });
    let introduced = client.try_call("rpc", json!({ "method": "introduce", "data": person })).await;
    if introduced.is_none() {
        return;
    }
    loop {
        let id = format!("{author}-{unsaid}");
        let say = json!({ "room": "host", "id": id, "text": "still here" });
        let Some(reply) = client.try_call("rpc", json!({ "method": "say", "data": say })).await else {
            return;
        };
        match reply["rpc"]["data"]["offset"].as_u64() {
            Some(offset) => {
                acknowledged.note(&id, offset);
                *unsaid += 1;
            }
            // A server that ends may say so.
            None => assert!(reply["error"]["temporary"] == true, "{reply}"),
        }
        sleep(PAUSE).await;
    }
}

/// Series whose alerts turn at each push that is about them.
const ALERTS: usize = 50;
/// Of them, those that one push turns: 50 transitions a second.
const TURNED: usize = 5;
/// The rule that they are past, and are not.
const RULES: &str = "[[rule]]\nname = 'Hot'\nmetric = 'celsius'\nabove = 80\nrooms = ['host']\n";

/// Turns alerts until the server is gone.
async fn turn(address: SocketAddr, mut round: usize) -> usize {
    let http = reqwest::Client::new();
    let url = format!("http://{address}/api/v1/push");
    loop {
        let value = if (round / (ALERTS / TURNED)).is_multiple_of(2) { 90 } else { 20 };
        let first = round % (ALERTS / TURNED) * TURNED;
        let series = first..first + TURNED;
        let samples: Vec<Value> = series
            .map(|n| json!({ "metric": "celsius", "labels": { "n": n.to_string() }, "value": value }))
            .collect();
        if http.post(&url).body(json!(samples).to_string()).send().await.is_err() {
            return round;
        }
        round += 1;
        sleep(PAUSE).await;
    }
}

/// Reads the room until the server is gone: an event that came with its offset is acknowledged.
async fn watch(address: SocketAddr, acknowledged: &Acknowledged) {
    let Some(mut client) = Client::try_connect_to(address).await else { return };
    if client.try_call("subscribe", json!({ "channel": ROOM })).await.is_none() {
        return;
    }
    while let Some(messages) = client.try_read().await {
        for message in messages {
            let publication = &message["push"]["pub"];
            if publication["data"]["type"] == "alert" {
                let id = publication["data"]["id"].as_str().unwrap();
                acknowledged.note(id, publication["offset"].as_u64().unwrap());
            }
        }
    }
}

/// The states of each alert follow each other as they can: what was pending or fired ends before it begins again.
fn check_alerts(events: &[Value]) -> usize {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    let mut count = 0;
    for alert in events.iter().map(|event| &event["data"]["alert"]).filter(|alert| !alert["state"].is_null())
    {
        let (id, state) = (alert["id"].as_str().unwrap(), alert["state"].as_str().unwrap());
        let expected = if last.get(id) == Some(&"firing") { "resolved" } else { "firing" };
        assert_eq!(state, expected, "{id}");
        last.insert(id, state);
        count += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("watchroom.toml"), "collect_host = false\n").unwrap();
    std::fs::write(folder.path().join("alerts.toml"), RULES).unwrap();
    let mut round = 0;
    let acknowledged = Acknowledged::default();
    let mut random = fastrand::Rng::with_seed(20_261_123);
    let mut alive = Duration::ZERO;
    let mut authors: Vec<(usize, u64)> = (0..AUTHORS).map(|author| (author, 0)).collect();
    for _ in 0..KILLS {
        let server = Process::start(folder.path(), &[]);
        let (address, began) = (server.address, Instant::now());
        let mut speaking = JoinSet::new();
        #[expect(clippy::disallowed_methods, reason = "a test owns its tasks, and waits for them")]
        let turning = tokio::task::spawn(turn(address, round));
        let watched = acknowledged.clone();
        #[expect(clippy::disallowed_methods, reason = "a test owns its tasks, and waits for them")]
        let watching = tokio::task::spawn(async move { watch(address, &watched).await });
        for (author, mut unsaid) in authors.drain(..) {
            let acknowledged = acknowledged.clone();
            speaking.spawn(async move {
                speak(address, author, &mut unsaid, &acknowledged).await;
                (author, unsaid)
            });
        }
        // At a random instant after a random number of answers: a busy machine takes longer, and sees as much.
        let enough = acknowledged.len() + random.usize(10..80);
        let deadline = Instant::now() + SOON;
        while acknowledged.len() < enough {
            assert!(Instant::now() < deadline, "{} of {enough} were acknowledged", acknowledged.len());
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_micros(random.u64(0..20_000))).await;
        alive += began.elapsed();
        drop(server);
        while let Some(one) = speaking.join_next().await {
            authors.push(one.unwrap());
        }
        round = turning.await.unwrap();
        watching.await.unwrap();
    }
    let server = Process::start(folder.path(), &[]);
    let events = whole_room(&server).await;
    acknowledged.check(&events);
    let turned = check_alerts(&events);
    let of_each_second = |count: usize| f64::from(u32::try_from(count).unwrap()) / alive.as_secs_f64();
    #[expect(clippy::print_stdout, reason = "a figure to be read, not a bar: a busy machine is slower")]
    {
        println!(
            "{KILLS} lives of {:.1} s in all, {:.0} messages and {:.0} transitions a second",
            alive.as_secs_f64(),
            of_each_second(events.len() - turned),
            of_each_second(turned),
        );
    }
    assert!(50 < turned, "alerts turned under fire: {turned}");
    drop(server);
    assert!(500 < acknowledged.len(), "much was said under fire: {}", acknowledged.len());
    let file = rusqlite::Connection::open(folder.path().join("data/events.sqlite")).unwrap();
    let said: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
}

/// A call of `say`, 1 KB of it.
fn say(id: &str) -> Value {
    let data = json!({ "room": "host", "id": id, "text": "x".repeat(1_000) });
    json!({ "method": "say", "data": data })
}

/// Three messages of each author, all at the same time.
async fn speak_together(server: &Process, acknowledged: &Acknowledged) {
    let mut together = JoinSet::new();
    for author in 0..AUTHORS {
        let (mut client, acknowledged) = (server.person(&format!("p{author}")).await, acknowledged.clone());
        let say: Vec<Value> = (0..3).map(|number| say(&format!("{author}-{number}"))).collect();
        together.spawn(async move {
            for one in say {
                let reply = client.call("rpc", one.clone()).await;
                let id = one["data"]["id"].as_str().unwrap();
                acknowledged
                    .note(id, reply["rpc"]["data"]["offset"].as_u64().unwrap_or_else(|| panic!("{reply}")));
            }
        });
    }
    while let Some(one) = together.join_next().await {
        one.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_disk_is_said_and_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("watchroom.toml"), "collect_host = false\n").unwrap();
    std::fs::write(folder.path().join("alerts.toml"), "# none\n").unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let (slow, full) = (folder.path().join("slow"), folder.path().join("full"));
    let library = slowdisk::build(folder.path());
    let environment = [
        ("LD_PRELOAD", &*library),
        ("SLOWDISK_FSYNC_MS", Path::new("200")),
        ("SLOWDISK_DIR", &data),
        ("SLOWDISK_SLOW", &slow),
        ("SLOWDISK_FULL", &full),
    ];
    let server = Process::start(folder.path(), &environment);
    let acknowledged = Acknowledged::default();

    // Slow: who speaks at the same time shares a commit.
    std::fs::write(&slow, "").unwrap();
    let began = Instant::now();
    speak_together(&server, &acknowledged).await;
    // One by one it would be 200 ms for each of 60.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(server.metric("watchroom_journal_commits_total").await < 40.0);
    std::fs::remove_file(&slow).unwrap();

    // Full: the author is told, and reads go on.
    std::fs::write(&full, "").unwrap();
    let mut client = server.person("p0").await;
    let refused = AtomicBool::new(false);
    let told = async {
        // SQLite may have room in its log for a few.
        for number in 0.. {
            let id = format!("full-{number}");
            let reply = client.call("rpc", say(&id)).await;
            match reply["rpc"]["data"]["offset"].as_u64() {
                Some(offset) => acknowledged.note(&id, offset),
                None if reply["error"]["code"] == 111 => sleep(PAUSE).await,
                None => {
                    refused.store(true, Ordering::Relaxed);
                    return reply;
                }
            }
        }
        Value::Null
    };
    let reply = timeout(SOON, told).await.expect("the disk is full");
    assert!(refused.load(Ordering::Relaxed));
    assert_eq!(
        (&reply["error"]["code"], &reply["error"]["temporary"]),
        (&json!(100), &json!(true)),
        "{reply}"
    );
    let words = reply["error"]["message"].as_str().unwrap();
    assert!(words.contains("nothing was stored") && words.contains("disk"), "{words}");
    assert!(0.0 < server.metric("watchroom_journal_refused_total").await);
    acknowledged.check(&whole_room(&server).await);

    // Room again: the same connection goes on.
    std::fs::remove_file(&full).unwrap();
    let reply = client.call("rpc", say("after")).await;
    acknowledged.note("after", reply["rpc"]["data"]["offset"].as_u64().unwrap_or_else(|| panic!("{reply}")));
    drop(server);
    let server = Process::start(folder.path(), &[]);
    acknowledged.check(&whole_room(&server).await);
}
