//! What operators see of connections and channels, and what they may do with them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    redis_server::RedisServer,
    server::{SOON, Server, Settings},
};

const CHANNELS: &str = "[http_api]\nkey = 'key'\n[[channel.namespaces]]\nname = 'chat'\nhistory_size = 10\nhistory_ttl = '1m'\n\
    presence = true\nallow_subscribe_for_client = true\nallow_publish_for_subscriber = true\n";

async fn node(name: &str, redis: Option<&RedisServer>) -> Server {
    let config = format!("instance = '{name}'\ncollect_host = false\n{CHANNELS}").leak();
    Server::with(Settings { config, redis: redis.map(RedisServer::url), ..Settings::default() }).await
}

impl Client {
    async fn ask(&mut self, method: &str, argument: Value) -> Value {
        let reply = self.rpc(method, argument).await;
        assert!(reply["error"].is_null(), "{method}: {reply}");
        reply["rpc"]["data"].clone()
    }

    /// Asks until the answer is as it should be.
    async fn ask_until(&mut self, method: &str, argument: Value, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let answer = self.ask(method, argument.clone()).await;
            if is_so(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{method}: {answer}");
            // Within the rate at which a page may ask.
            sleep(Duration::from_millis(200)).await;
        }
    }
}

fn clients(answer: &Value) -> Vec<&str> {
    answer["connections"].as_array().unwrap().iter().map(|row| row["client"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn connections_and_channels_are_listed_and_found() {
    let server = node("a", None).await;
    let mut operator = Client::open(&server).await;
    let person = json!({ "data": { "person": { "id": "p-1", "name": "Олена" } } });
    operator.id = operator.call("connect", person).await["connect"]["client"].as_str().unwrap().to_owned();
    let mut reader = Client::connect(&server).await;
    reader.enter("chat:one").await;
    reader.enter("chat:two").await;
    operator.enter("chat:one").await;
    operator.enter("@notices").await;

    let all = operator.ask("connections", json!({ "sort": "channels" })).await;
    assert_eq!((&all["total"], &all["matching"], &all["silent"]), (&json!(2), &json!(2), &json!([])));
    let row = |id: &str| {
        let rows = all["connections"].as_array().unwrap();
        rows.iter().find(|row| row["client"] == id).unwrap().clone()
    };
    let own = row(&operator.id);
    assert_eq!(
        (&own["name"], &own["transport"], &own["protocol"]),
        (&json!("Олена"), &json!("websocket"), &json!("json"))
    );
    let theirs = row(&reader.id);
    assert_eq!(theirs["channels_total"], 2);
    let mut names: Vec<_> = theirs["channels"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["chat:one", "chat:two"]);
    assert!(theirs["messages"].as_u64().unwrap() >= 3 && theirs["bytes"].as_u64().unwrap() > 100, "{theirs}");
    assert!(
        theirs["since"].as_i64().unwrap() <= operator.ask("time", Value::Null).await["now"].as_i64().unwrap()
    );

    let (id, start) = (operator.id.clone(), reader.id[..9].to_owned());
    for (search, found) in [("CHAT:TWO", &reader.id), ("олена", &id), (&start, &reader.id)] {
        let some = operator.ask("connections", json!({ "search": search })).await;
        assert_eq!((clients(&some), &some["total"]), (vec![found.as_str()], &json!(2)), "{search}");
    }
    assert_eq!(clients(&operator.ask("connections", json!({ "search": "nothing like it" })).await), [""; 0]);
    assert_eq!(
        operator.ask("connections", json!({ "limit": 1 })).await["connections"].as_array().unwrap().len(),
        1
    );

    let channels = operator.ask("channels", json!({})).await;
    let first = &channels["channels"][0];
    let expected = json!({ "channel": "chat:one", "own": false, "subscribers": 2, "nodes": 1, "messages": 0, "kept": true });
    assert_eq!((first, &channels["total"]), (&expected, &json!(3)));
    let own = operator.ask("channels", json!({ "search": "notices" })).await;
    assert_eq!((&own["channels"][0]["own"], &own["matching"]), (&json!(true), &json!(1)));
    server.stop().await;
}

#[tokio::test]
async fn a_test_message_reaches_subscribers_and_a_history() {
    let server = node("a", None).await;
    let mut operator = Client::connect(&server).await;
    let mut reader = Client::connect(&server).await;
    reader.enter("chat:one").await;
    let put = operator.ask("publish_test", json!({ "channel": "chat:one", "data": { "n": 1 } })).await;
    assert_eq!(put["offset"], 1);
    assert_eq!(reader.push("chat:one", "pub").await["data"], json!({ "n": 1 }));
    let one = operator.ask("channel", json!({ "channel": "chat:one" })).await;
    assert_eq!((&one["subscribers"], &one["present"]), (&json!(1), &json!(1)));
    let newest = &one["history"]["newest"][0];
    assert_eq!((&newest["offset"], &newest["data"]), (&json!(1), &json!({ "n": 1 })));
    assert_eq!(operator.ask("channels", json!({})).await["channels"][0]["messages"], 1);
    for (channel, code) in [("@notices", 103), ("@room:host", 103), ("nowhere:a", 102), ("nowhere", 102)] {
        let refused = operator.rpc("publish_test", json!({ "channel": channel, "data": 1 })).await;
        assert_eq!(refused["error"]["code"], code, "{channel}: {refused}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_operator_ends_a_connection() {
    let server = node("a", None).await;
    let (mut operator, mut reader) = (Client::connect(&server).await, Client::connect(&server).await);
    operator.ask("disconnect", json!({ "client": reader.id })).await;
    assert_eq!(reader.closed().await, 3_503);
    let gone = json!({ "client": reader.id });
    operator.ask_until("connections", json!({}), |all| all["total"] == 1).await;
    assert_eq!(operator.rpc("disconnect", gone).await["error"]["code"], 107);
    server.stop().await;
}

#[tokio::test]
async fn nodes_answer_for_each_other() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b) = (node("a", Some(&redis)).await, node("b", Some(&redis)).await);
    let (mut operator, mut on_b) = (Client::connect(&a).await, Client::connect(&b).await);
    operator.enter("chat:one").await;
    on_b.enter("chat:one").await;
    let both = operator.ask_until("server", json!({}), |all| all["nodes"][1]["connections"] == 1).await;
    assert_eq!(
        (&both["node"], &both["nodes"][0]["node"], &both["nodes"][1]["node"]),
        (&json!("a"), &json!("a"), &json!("b"))
    );
    assert!(both["nodes"][1]["rss_bytes"].as_u64().unwrap() > 1 << 20, "{both}");
    let all = operator.ask("connections", json!({ "sort": "user" })).await;
    assert_eq!((&all["total"], &all["silent"]), (&json!(2), &json!([])));
    assert!(clients(&all).contains(&on_b.id.as_str()), "{all}");
    let channels = operator.ask("channels", json!({})).await;
    let first = &channels["channels"][0];
    assert_eq!(
        (&first["subscribers"], &first["nodes"], &channels["total"]),
        (&json!(2), &json!(2), &json!(1))
    );

    let api = async |method: &str| {
        let request = reqwest::Client::new().post(format!("http://{}/api/{method}", b.address));
        let reply = request.header("x-api-key", "key").body("{}").send().await.unwrap();
        serde_json::from_str::<Value>(&reply.text().await.unwrap()).unwrap()["result"].clone()
    };
    assert_eq!(api("channels").await["channels"]["chat:one"]["num_clients"], 2);
    let info = api("info").await;
    let of_a = &info["nodes"][0];
    assert_eq!(
        (&of_a["name"], &of_a["num_clients"], &of_a["num_channels"]),
        (&json!("a"), &json!(1), &json!(1))
    );

    operator.ask("disconnect", json!({ "client": on_b.id })).await;
    assert_eq!(on_b.closed().await, 3_503);
    b.stop().await;
    let alone = operator.ask("connections", json!({})).await;
    assert_eq!((&alone["total"], &alone["silent"]), (&json!(1), &json!([])), "a node that ends says so");
    assert_eq!(alone["connections"][0]["node"], "a");
    a.stop().await;
}

#[tokio::test]
async fn lists_say_how_much_more_there_is_and_are_asked_for_at_a_rate() {
    let server = node("a", None).await;
    let mut operator = Client::connect(&server).await;
    let mut readers = Vec::new();
    // More channels than are listed, of connections that may have so many.
    for reader in 0..3 {
        let mut client = Client::connect(&server).await;
        let lines = |part: usize| -> String {
            let line = |at: usize| json!({ "id": at + 1, "subscribe": { "channel": format!("chat:{reader}-{at}") } });
            (part * 100..(part + 1) * 100).map(|at| line(at).to_string() + "\n").collect()
        };
        for part in 0..2 {
            client.send(lines(part).trim_end()).await;
            for _ in 0..100 {
                assert!(client.next().await["subscribe"].is_object());
            }
        }
        readers.push(client);
    }
    let all = operator.ask("channels", json!({})).await;
    assert_eq!((&all["matching"], &all["more"]), (&json!(600), &json!(100)));
    assert_eq!(all["channels"].as_array().unwrap().len(), 500);
    let some = operator.ask("channels", json!({ "search": "chat:1", "limit": 10 })).await;
    assert_eq!((&some["matching"], &some["more"]), (&json!(200), &json!(190)));
    let own = operator.ask("channel", json!({ "channel": "chat:1-7" })).await;
    assert_eq!(own["subscribers"], 1);
    let of_node = |answer: &Value| {
        let node = &answer["nodes"][0];
        [&node["channels"], &node["configured_channels"], &node["configured_subscriptions"]]
            .map(Value::as_u64)
    };
    let server_told = operator.ask("server", json!({})).await;
    assert_eq!((&server_told["more"], of_node(&server_told)), (&json!(0), [Some(600); 3]));
    let left_out = server.metric("watchroom_survey_left_out_total").await;
    assert!((left_out - 100.0).abs() < 0.1, "who asks for few is not told less than that: {left_out}");

    let begun = Instant::now();
    loop {
        let reply = operator.rpc("server", json!({})).await;
        if reply["error"]["code"] == 111 {
            break;
        }
        assert!(begun.elapsed() < SOON, "nothing is refused");
    }
    assert!(1.0 <= server.metric("watchroom_calls_too_often_total{call=\"server\"}").await);
    drop(readers);
    let mut operator = Client::connect(&server).await;
    operator.ask_until("server", json!({}), |told| of_node(told) == [Some(0); 3]).await;
    server.stop().await;
}
