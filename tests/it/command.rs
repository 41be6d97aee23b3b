//! The command line.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::{
    client::Client,
    server::{Server, Settings},
};

fn watchroom(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_watchroom"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn check_names_every_problem_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    assert!(watchroom(folder.path(), &["check"]).0, "nothing is there, nothing is wrong");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("dashboards")).unwrap();
    write("watchroom.toml", "lisen = '127.0.0.1:1'\n");
    write("alerts.toml", "[[rule]]\nname = 'a'\nexpr = 'sum('\n");
    write("dashboards/mine.toml", "title = 'Mine'\n[[panel]]\nid = 'a'\ntitle = 'A'\nkind = 'lien'\n");
    let (good, text) = watchroom(folder.path(), &["check"]);
    assert!(!good);
    for expected in [
        "unknown key `lisen`",
        "did you mean `listen`",
        "alerts.toml:3",
        "mine.toml:5",
        "did you mean `line`",
        "4 problems",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn rules_are_explained_and_tested() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "alerts.toml",
        "[[rule]]\nname = 'Hot'\nmetric = 'celsius'\nabove = { warning = 80, critical = 95 }\nfor = '90s'\n",
    );
    let (good, text) = watchroom(folder.path(), &["check", "--explain"]);
    assert!(good && text.contains("Hot\n  warning, for 1m30s:\n    celsius > 80\n  critical"), "{text}");
    let test = "[[test]]\nname = 'oven'\nseries = { celsius = '90x9' }\n[[test.expect]]\nat = '5m'\n";
    write("good.toml", &format!("{test}alerts = [{{}}]"));
    let (good, text) = watchroom(folder.path(), &["test-rules", "good.toml"]);
    assert!(good && text.contains("ok  good.toml: 1 tests, 1 expectations"), "{text}");
    write("bad.toml", &format!("{test}alerts = []"));
    let (good, text) = watchroom(folder.path(), &["test-rules", "good.toml", "bad.toml", "none.yml"]);
    for expected in
        ["bad.toml:4: oven: all rules at 5m\n  + {severity=\"warning\"}", "none.yml: there is no such"]
    {
        assert!(!good && text.contains(expected), "{expected} is not in\n{text}");
    }
    write("alerts.toml", "[[rule]]\nname = 'a'\nexpr = 'b'\nrooms = ['hots']\nsummary = '{{ valeu }}'\n");
    let (good, text) = watchroom(folder.path(), &["check"]);
    for expected in ["did you mean `host`?", "did you mean `value`?"] {
        assert!(!good && text.contains(expected), "{expected} is not in\n{text}");
    }
    write("alerts.toml", "[[rule]]\nname = 'a'\nexpr = 'b'\nrooms = ['host', 'pushed']\n");
    let (good, text) = watchroom(folder.path(), &["check"]);
    assert!(good, "the room of pushed metrics is always there: {text}");
}

#[test]
fn an_address_that_others_reach_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (good, text) = watchroom(folder.path(), &["--data", "data", "--listen", "0.0.0.0:0"]);
    assert!(!good && text.contains("not a loopback address"), "{text}");
}

#[test]
fn a_file_of_centrifugo_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let check = || watchroom(folder.path(), &["check", "--centrifugo", "config.json"]);
    let (good, text) = check();
    assert!(!good && text.contains("config.json: there is no such file for --centrifugo"), "{text}");
    write(
        "config.json",
        "{\n  \"log\": { \"level\": \"debug\" },\n  \"http_server\": { \"address\": \"127.0.0.1\" }\n}",
    );
    let (good, text) = check();
    for expected in [
        "warning  config.json:2:12: `log.level` is not read",
        "ok  watchroom.toml: listens on 127.0.0.1:8000",
        "ok  config.json: 0 namespaces",
    ] {
        assert!(good && text.contains(expected), "{expected} is not in\n{text}");
    }
    write("config.json", "{\"http_server\": {\"address\": \"0.0.0.0\"}}");
    let (good, text) = check();
    assert!(!good && text.contains("config.json: 0.0.0.0:8000 is not a loopback address"), "{text}");
    write("watchroom.toml", "[client]\n");
    write("config.json", "{\"client\": {\"tokn\": {}}}");
    let (good, text) = check();
    for expected in
        ["belongs into the file of --centrifugo", "did you mean `token`", "config.json:1", "2 problems"]
    {
        assert!(!good && text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn an_address_of_centrifugo_that_others_reach_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = "{\"http_server\": {\"address\": \"0.0.0.0\", \"port\": 1}}";
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let (good, text) = watchroom(folder.path(), &["serve", "--data", "data", "--centrifugo", "config.json"]);
    assert!(!good && text.contains("0.0.0.0:1 is not a loopback address"), "{text}");
}

#[tokio::test]
async fn a_backup_is_taken_while_the_server_runs() {
    let server = Server::start().await;
    server.push(json!({ "metric": "kept", "value": 1 })).await;
    let mut client = Client::connect(&server).await;
    client.rpc("introduce", json!({ "id": "a1", "name": "Bo" })).await;
    client.rpc("say", json!({ "room": "host", "id": "x", "text": "said" })).await;
    let folder = tempfile::tempdir().unwrap();
    let data = server.data();
    let run = {
        let folder = folder.path().to_owned();
        move || watchroom(&folder, &["backup", "copy.sqlite", "--data", data.to_str().unwrap()])
    };
    let (good, text) = tokio::task::spawn_blocking(run.clone()).await.unwrap();
    assert!(good, "{text}");
    let (again, text) = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(!again && text.contains("exists already"), "{text}");
    let events = rusqlite::Connection::open(folder.path().join("copy.sqlite.events")).unwrap();
    let said: String = events.query_row("SELECT data FROM event", [], |row| row.get(0)).unwrap();
    assert!(said.contains("said"), "{said}");
    std::fs::remove_file(folder.path().join("copy.sqlite")).unwrap();
    let arguments = ["backup", "copy.sqlite", "--data", server.data().to_str().unwrap()].map(str::to_owned);
    let folder = folder.path().to_owned();
    let run = move || watchroom(&folder, &arguments.each_ref().map(String::as_str));
    let (good, text) = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(!good && text.contains("copy.sqlite.events exists already"), "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_measured() {
    const BENCH: &str = "collect_host = false\n[[channel.namespaces]]\nname = 'bench'\n\
        allow_subscribe_for_client = true\nallow_publish_for_subscriber = true\n";
    let server = Server::with(Settings { config: BENCH, ..Settings::default() }).await;
    let url = format!("ws://{}", server.address);
    let run = async |more: &[&str]| {
        let mut words = vec!["bench", &url, "--rate", "50", "--seconds", "0.2", "--rounds", "1"];
        words.extend(more);
        if !more.contains(&"--clients") {
            words.extend(["--clients", "5"]);
        }
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let run = move || watchroom(Path::new("."), &words.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let (good, text) = run(&["--pid", &std::process::id().to_string()]).await;
    assert!(good, "{text}");
    let value = |figure: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(figure));
        let words = line.unwrap_or_else(|| panic!("{figure} is not in\n{text}")).split("  ");
        let number = words.map(str::trim).find_map(|word| word.split(' ').next()?.parse::<f64>().ok());
        number.unwrap_or_else(|| panic!("{figure}\n{text}"))
    };
    for (figure, expected) in [("delivered", 250.0), ("lost", 0.0), ("doubled", 0.0), ("clients closed", 0.0)]
    {
        assert!((value(figure) - expected).abs() < 0.5, "{figure}\n{text}");
    }
    assert!(0.0 < value("CPU of the server") && 0.0 < value("latency, p99"), "{text}");
    let (good, text) = run(&["--channel", "nowhere:a"]).await;
    assert!(!good && text.contains("to subscribe to nowhere:a: unknown channel (102)"), "{text}");
    let (good, text) = run(&["--clients", "10000000"]).await;
    assert!(!good && text.contains("open files"), "{text}");
    for (word, value) in [("--rate", "-1"), ("--rate", "NaN"), ("--seconds", "1e19"), ("--clients", "0")] {
        let word = &format!("{word}={value}");
        let (good, text) = watchroom(Path::new("."), &["bench", &url, word]);
        assert!(!good && !text.contains("panicked"), "{word}: {text}");
    }
    server.stop().await;
}
