//! People in a room, over the socket.

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use watchroom::rooms::TEXT_CHARS_MAX;

use crate::{
    client::Client,
    redis_server::RedisServer,
    server::{SOON, Server, Settings},
};

const ROOM: &str = "@room:host";

/// A client that has said who it is.
async fn person(server: &Server, id: &str, name: &str) -> Client {
    let mut client = Client::open(server).await;
    let data = json!({ "person": { "id": id, "name": name } });
    let reply = client.call("connect", json!({ "data": data })).await;
    client.id = reply["connect"]["client"].as_str().unwrap().to_owned();
    client
}

impl Client {
    pub(crate) async fn rpc(&mut self, method: &str, data: Value) -> Value {
        self.call("rpc", json!({ "method": method, "data": data })).await
    }

    async fn say(&mut self, id: &str, text: &str) -> Value {
        self.rpc("say", json!({ "room": "host", "id": id, "text": text })).await
    }

    pub(crate) async fn enter(&mut self, channel: &str) -> Value {
        let reply = self.call("subscribe", json!({ "channel": channel })).await;
        assert!(reply["error"].is_null(), "{reply}");
        reply["subscribe"].clone()
    }

    async fn recover(&mut self, channel: &str, from: &Value) -> Value {
        let (offset, epoch) = (&from["offset"], &from["epoch"]);
        let request = json!({ "channel": channel, "recover": true, "offset": offset, "epoch": epoch });
        self.call("subscribe", request).await["subscribe"].clone()
    }

    async fn history(&mut self, request: Value) -> Value {
        let mut whole = json!({ "channel": ROOM });
        whole.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        self.call("history", whole).await["history"].clone()
    }
}

#[track_caller]
fn refused(reply: &Value, code: u16, words: &str) {
    assert_eq!(reply["error"]["code"], code, "{reply}");
    assert!(reply["error"]["message"].as_str().is_some_and(|text| text.contains(words)), "{reply}");
}

fn offsets(publications: &Value) -> Vec<u64> {
    let publications = publications.as_array().map(Vec::as_slice).unwrap_or_default();
    publications.iter().map(|one| one["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn what_one_says_the_other_sees_once() {
    let server = Server::start().await;
    let (mut olena, mut bo) = (person(&server, "a1", "Олена").await, person(&server, "b2", "Bo").await);
    assert_eq!(olena.enter(ROOM).await["offset"], Value::Null);
    bo.enter(ROOM).await;
    let pin = json!({ "panel": "cpu", "time": 1_000 });
    let text = "<b>restarted</b>\r\nнарешті \u{1f600}";
    let say = json!({ "room": "host", "id": "x-1", "text": text, "pin": pin });
    let said = olena.rpc("say", say.clone()).await["rpc"]["data"].clone();
    assert_eq!(said["offset"], 1, "{said}");
    let event = json!({ "type": "comment", "id": "x-1", "at": said["at"], "by": { "id": "a1", "name": "Олена" },
        "text": "<b>restarted</b>\nнарешті \u{1f600}", "pin": pin });
    for client in [&mut bo, &mut olena] {
        let publication = client.push(ROOM, "pub").await;
        assert_eq!((&publication["offset"], &publication["data"]), (&json!(1), &event));
    }
    // A retry is the same message, with the same answer; another person's id is another message.
    assert_eq!(olena.rpc("say", say).await["rpc"]["data"], said);
    assert_eq!(bo.say("x-1", "mine").await["rpc"]["data"]["offset"], 2);
    assert_eq!(olena.push(ROOM, "pub").await["data"]["text"], "mine");
    assert_eq!(offsets(&bo.history(json!({ "limit": -1 })).await["publications"]), [1, 2]);
    assert_eq!(server.metric("watchroom_journal_repeated_total").await, 1.0);
    assert_eq!(server.metric("watchroom_comments_total").await, 3.0);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_with_what_to_do() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    refused(&client.say("x", "a").await, 103, "say who you are first (introduce)");
    refused(&client.rpc("typing", json!({ "room": "host" })).await, 103, "introduce");
    refused(&client.rpc("introduce", json!({ "id": "a1", "name": " " })).await, 107, "a name is needed");
    refused(
        &client.rpc("introduce", json!({ "id": "a1", "name": "x".repeat(41) })).await,
        107,
        "41 characters",
    );
    let reply = client.rpc("introduce", json!({ "id": "a1", "name": " Bo " })).await;
    assert_eq!(reply["rpc"]["data"], json!({ "id": "a1", "name": "Bo" }));
    refused(&client.say("x", "").await, 107, "write something first");
    refused(&client.say("x", &"ї".repeat(TEXT_CHARS_MAX + 1)).await, 107, "4001 characters, at most 4000");
    refused(&client.say("x", "a\u{1b}[2J").await, 107, "U+001B");
    refused(&client.say("", "a").await, 107, "`id`");
    let say = |room: &str, pin: Value| json!({ "room": room, "id": "x", "text": "a", "pin": pin });
    refused(&client.rpc("say", say("nope", Value::Null)).await, 102, "no room `nope`");
    let pin = json!({ "panel": "nope", "time": 1 });
    refused(&client.rpc("say", say("host", pin)).await, 107, "no such panel");
    let pin = json!({ "panel": "cpu", "time": 1_i64 << 50 });
    refused(&client.rpc("say", say("host", pin)).await, 107, "ahead");
    refused(&client.rpc("say", json!({ "room": "host" })).await, 107, "missing field");
    assert_eq!(client.say("x", &"ї".repeat(TEXT_CHARS_MAX)).await["rpc"]["data"]["offset"], 1);
    for channel in ["@typing:nope", "@room:nope", "@typing:"] {
        refused(&client.call("subscribe", json!({ "channel": channel })).await, 102, "unknown channel");
    }
    // Nothing is published past the rules.
    client.enter(ROOM).await;
    let publish = json!({ "channel": ROOM, "data": { "type": "comment" } });
    refused(&client.call("publish", publish).await, 103, "permission denied");
    server.stop().await;
}

#[tokio::test]
async fn who_is_there_has_a_name() {
    let server = Server::start().await;
    let mut olena = person(&server, "a1", "Олена").await;
    olena.enter(ROOM).await;
    assert_eq!(olena.push(ROOM, "join").await["info"]["conn_info"]["name"], "Олена");
    let mut late = Client::connect(&server).await;
    late.enter(ROOM).await;
    let joined = olena.push(ROOM, "join").await["info"].clone();
    assert_eq!(joined, json!({ "user": "", "client": late.id }));
    late.rpc("introduce", json!({ "id": "b2", "name": "Bo" })).await;
    let named = json!({ "user": "b2", "client": late.id, "conn_info": { "name": "Bo" } });
    assert_eq!(olena.push(ROOM, "join").await["info"], named);
    let present = olena.call("presence", json!({ "channel": ROOM })).await["presence"]["presence"].clone();
    assert_eq!(present[&late.id], named);
    assert_eq!(present[&olena.id]["user"], "a1");
    late.call("unsubscribe", json!({ "channel": ROOM })).await;
    assert_eq!(olena.push(ROOM, "leave").await["info"], named);
    // A kept name that is wrong does not keep anyone out.
    let mut wrong = person(&server, "a1", "").await;
    wrong.enter(ROOM).await;
    refused(&wrong.say("x", "a").await, 103, "introduce");
    server.stop().await;
}

#[tokio::test]
async fn typing_reaches_the_others_and_is_not_kept() {
    let server = Server::start().await;
    let (mut olena, mut bo) = (person(&server, "a1", "Олена").await, person(&server, "b2", "Bo").await);
    bo.enter("@typing:host").await;
    assert_eq!(olena.rpc("typing", json!({ "room": "host" })).await["rpc"]["data"], json!({}));
    let typing = bo.push("@typing:host", "pub").await;
    assert_eq!(typing["data"]["by"], json!({ "id": "a1", "name": "Олена" }));
    assert_eq!(typing["data"]["client"], olena.id.as_str());
    assert!(typing["offset"].is_null() && typing["data"]["at"].is_i64());
    assert!(olena.enter("@typing:host").await["data"].is_null(), "who comes later is not told");
    server.stop().await;
}

#[tokio::test]
async fn who_calls_too_often_is_told_how_long_to_wait() {
    let server = Server::start().await;
    let mut client = person(&server, "a1", "Bo").await;
    let mut other = person(&server, "b2", "Olena").await;
    let mut last = Value::Null;
    let mut taken = 0;
    while last["error"].is_null() {
        taken += 1;
        last = client.say(&taken.to_string(), "a").await;
    }
    assert!(30 < taken, "a burst is taken: {taken}");
    refused(&last, 111, "s and try again");
    assert_eq!(last["error"]["temporary"], true);
    assert!(other.say("1", "a").await["error"].is_null(), "others may");
    let words = last["error"]["message"].as_str().unwrap();
    let seconds = words.split("wait ").nth(1).unwrap().split(' ').next().unwrap();
    sleep(std::time::Duration::from_secs_f64(seconds.parse().unwrap())).await;
    assert!(client.say("again", "a").await["error"].is_null(), "who waits is let through");
    for (method, data, at_once) in
        [("typing", json!({ "room": "host" }), 2), ("introduce", json!({ "id": "a1", "name": "Bo" }), 5)]
    {
        let mut taken = 0;
        while client.rpc(method, data.clone()).await["error"].is_null() {
            taken += 1;
        }
        assert!(at_once <= taken && taken < at_once + 5, "{method}: {taken}");
    }
    assert_eq!(server.metric("watchroom_calls_too_often_total").await, 3.0);
    assert_eq!(server.metric("watchroom_commands_refused_total").await, 3.0);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_was_away_recovers_and_one_that_was_long_away_is_told() {
    let server = Server::start().await;
    let mut client = person(&server, "a1", "Bo").await;
    let start = client.enter(ROOM).await;
    let start = json!({ "offset": 0, "epoch": start["epoch"] });
    for at in 0..3 {
        client.say(&at.to_string(), "a").await;
    }
    let mut back = Client::connect(&server).await;
    let recovered = back.recover(ROOM, &start).await;
    assert_eq!(recovered["recovered"], true);
    assert_eq!(offsets(&recovered["publications"]), [1, 2, 3]);
    // 512 are recovered, and no more: said past the limit by many connections.
    for at in 0..17 {
        let mut author = person(&server, "a1", "Bo").await;
        for number in 0..30 {
            assert!(author.say(&format!("{at}-{number}"), "a").await["error"].is_null());
        }
    }
    let recovered =
        Client::connect(&server).await.recover(ROOM, &json!({ "offset": 1, "epoch": start["epoch"] })).await;
    assert_eq!(recovered["recovered"], true);
    assert_eq!(offsets(&recovered["publications"]), (2..=513).collect::<Vec<u64>>());
    let recovered = Client::connect(&server).await.recover(ROOM, &start).await;
    assert_eq!(recovered["recovered"], Value::Null);
    assert_eq!((&recovered["was_recovering"], &recovered["offset"]), (&json!(true), &json!(513)));
    // Read back page by page, at most 200 at once.
    let page = back.history(json!({ "limit": 50, "reverse": true })).await;
    assert_eq!(offsets(&page["publications"]), (464..=513).rev().collect::<Vec<u64>>());
    let since = json!({ "offset": 464, "epoch": page["epoch"] });
    let page = back.history(json!({ "since": since, "limit": 1_000, "reverse": true })).await;
    assert_eq!(offsets(&page["publications"]), (264..464).rev().collect::<Vec<u64>>());
    assert_eq!(back.history(json!({ "limit": -1 })).await["publications"].as_array().unwrap().len(), 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_while_others_speak_loses_and_doubles_nothing() {
    const AUTHORS: usize = 8;
    const EACH: usize = 25;
    let server = Server::start().await;
    let mut speaking = tokio::task::JoinSet::new();
    for author in 0..AUTHORS {
        let mut client = person(&server, &format!("p{author}"), "Bo").await;
        speaking.spawn(async move {
            for number in 0..EACH {
                let reply = client.say(&number.to_string(), "a").await;
                assert!(reply["error"].is_null(), "{reply}");
            }
        });
    }
    let mut reader = Client::connect(&server).await;
    let epoch = reader.enter(ROOM).await["epoch"].clone();
    let (mut last, mut joins) = (0, 0);
    while last < (AUTHORS * EACH) as u64 {
        reader.call("unsubscribe", json!({ "channel": ROOM })).await;
        // Whatever comes before the answer is not of the next subscription.
        let from = json!({ "channel": ROOM, "recover": true, "offset": last, "epoch": epoch });
        let recovered = reader.call_afresh("subscribe", from).await["subscribe"].clone();
        assert_eq!(recovered["recovered"], true);
        for offset in offsets(&recovered["publications"]) {
            assert_eq!(offset, last + 1);
            last = offset;
        }
        joins += 1;
        for _ in 0..3 {
            if last < (AUTHORS * EACH) as u64 {
                assert_eq!(reader.push(ROOM, "pub").await["offset"], last + 1);
                last += 1;
            }
        }
    }
    assert!(3 < joins, "{joins}");
    while let Some(one) = speaking.join_next().await {
        one.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn much_that_was_missed_is_not_sent_at_once() {
    let server = Server::start().await;
    let mut client = person(&server, "a1", "Bo").await;
    let start = client.enter(ROOM).await;
    let text = "\u{1f600}".repeat(TEXT_CHARS_MAX);
    // Each has 16 KB, and 65 of them have more than 1 MiB.
    for number in 0..66 {
        while !client.say(&number.to_string(), &text).await["error"].is_null() {
            sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    let mut late = Client::connect(&server).await;
    let recovered = late.recover(ROOM, &json!({ "offset": 0, "epoch": start["epoch"] })).await;
    assert_eq!(recovered["recovered"], Value::Null);
    let page = late.history(json!({ "limit": 200, "reverse": true })).await;
    assert_eq!(page["publications"].as_array().unwrap().len(), 66);
    server.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let server = Server::start().await;
    let mut client = person(&server, "a1", "Bo").await;
    client.enter(ROOM).await;
    client.say("1", "before").await;
    let mut before = client.history(json!({ "limit": -1 })).await;
    let folder = server.stop().await;
    let server =
        Server::on(folder, Settings { config: "collect_host = false\n", redis: None, ..Settings::default() })
            .await;
    let mut client = person(&server, "a1", "Bo").await;
    let recovered = client.recover(ROOM, &before).await;
    assert_eq!((&recovered["recovered"], &recovered["epoch"]), (&json!(true), &before["epoch"]));
    assert_eq!(client.say("1", "before").await["rpc"]["data"]["offset"], 1, "still the same message");
    assert_eq!(client.say("2", "after").await["rpc"]["data"]["offset"], 2);
    let after = client.history(json!({ "limit": -1 })).await;
    assert_eq!(after["publications"][0], before["publications"][0].take());
    server.stop().await;
}

#[tokio::test]
async fn two_nodes_have_one_time_line() {
    let Some(redis) = RedisServer::start().await else { return };
    let node = async |config| {
        Server::with(Settings { config, redis: Some(redis.url()), ..Settings::default() }).await
    };
    let a = node("instance = 'a'\ncollect_host = false\n").await;
    let b = node("instance = 'b'\ncollect_host = false\n").await;
    let (mut on_a, mut on_b) = (person(&a, "a1", "Олена").await, person(&b, "b2", "Bo").await);
    let (start, same) = (on_a.enter(ROOM).await, on_b.enter(ROOM).await);
    assert_eq!(start["epoch"], same["epoch"]);
    on_b.enter("@typing:host").await;
    on_a.rpc("typing", json!({ "room": "host" })).await;
    assert_eq!(on_b.push("@typing:host", "pub").await["data"]["by"]["name"], "Олена");
    assert_eq!(on_a.say("x", "from a").await["rpc"]["data"]["offset"], 1);
    assert_eq!(on_b.say("x", "from b").await["rpc"]["data"]["offset"], 2);
    for client in [&mut on_a, &mut on_b] {
        for text in ["from a", "from b"] {
            assert_eq!(client.push(ROOM, "pub").await["data"]["text"], text);
        }
    }
    // A retry by way of the other node is the same message.
    let mut moved = person(&b, "a1", "Олена").await;
    assert_eq!(moved.say("x", "from a").await["rpc"]["data"]["offset"], 1);
    // Missed on one node, recovered on the other.
    let recovered = moved.recover(ROOM, &json!({ "offset": 1, "epoch": start["epoch"] })).await;
    assert_eq!((&recovered["recovered"], offsets(&recovered["publications"])), (&json!(true), vec![2]));
    // Who is on either node is seen on both.
    let deadline = Instant::now() + SOON;
    loop {
        let present = on_a.call("presence", json!({ "channel": ROOM })).await["presence"]["presence"].clone();
        if present[&on_b.id]["conn_info"]["name"] == "Bo" {
            break;
        }
        assert!(Instant::now() < deadline, "{present}");
    }
    a.stop().await;
    b.stop().await;
}
