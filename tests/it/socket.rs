//! Centrifugo's protocol.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    client::Client,
    server::{SOON, Server, Settings},
};

const CHAT: &str = "collect_host = false\n[[channel.namespaces]]\nname = 'chat'\nhistory_size = 10\nhistory_ttl = '1m'\n\
    presence = true\njoin_leave = true\nforce_recovery = true\nallow_subscribe_for_client = true\n\
    allow_publish_for_subscriber = true\nallow_presence_for_subscriber = true\nallow_history_for_subscriber = true\n";

async fn chat() -> Server {
    Server::with(Settings { config: CHAT, redis: None, ..Settings::default() }).await
}

#[tokio::test]
async fn publications_reach_all_in_order_with_offsets() {
    let server = chat().await;
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    for client in [&mut a, &mut b] {
        let reply = client.call("subscribe", json!({ "channel": "chat:1" })).await;
        assert_eq!(reply["subscribe"]["recoverable"], true, "{reply}");
    }
    for n in 1..=3 {
        let reply = a.call("publish", json!({ "channel": "chat:1", "data": { "n": n } })).await;
        assert_eq!(reply["publish"], json!({}));
    }
    for client in [&mut a, &mut b] {
        for n in 1..=3_u64 {
            let publication = client.push("chat:1", "pub").await;
            assert_eq!((&publication["offset"], &publication["data"]["n"]), (&json!(n), &json!(n)));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_line_break_between_tokens_does_not_cut_a_message_in_two() {
    let config =
        "[http_api]\ninsecure = true\n[channel.without_namespace]\nallow_subscribe_for_client = true\n";
    let server = Server::with(Settings { config, redis: None, ..Settings::default() }).await;
    let mut client = Client::connect(&server).await;
    client.call("subscribe", json!({ "channel": "a" })).await;
    let body = "{\"channel\":\"a\",\"data\":{\r\n\"a\":\n\"b\\n\"}}";
    let url = format!("http://{}/api/publish", server.address);
    let reply = reqwest::Client::new().post(url).body(body).send().await.unwrap();
    assert_eq!(reply.text().await.unwrap(), r#"{"result":{}}"#);
    assert_eq!(client.push("a", "pub").await["data"], json!({ "a": "b\n" }));
    server.stop().await;
}

#[tokio::test]
async fn a_reconnect_recovers_what_was_missed() {
    let server = chat().await;
    let mut a = Client::connect(&server).await;
    let first = a.call("subscribe", json!({ "channel": "chat:1" })).await;
    let epoch = first["subscribe"]["epoch"].clone();
    for n in 1..=3 {
        a.call("publish", json!({ "channel": "chat:1", "data": n })).await;
    }
    let mut b = Client::connect(&server).await;
    let recover = json!({ "channel": "chat:1", "recover": true, "offset": 1, "epoch": epoch });
    let reply = b.call("subscribe", recover).await;
    let result = &reply["subscribe"];
    assert_eq!(result["recovered"], true, "{reply}");
    let missed: Vec<&Value> =
        result["publications"].as_array().unwrap().iter().map(|one| &one["data"]).collect();
    assert_eq!(missed, [&json!(2), &json!(3)]);
    let mut c = Client::connect(&server).await;
    let wrong = json!({ "channel": "chat:1", "recover": true, "offset": 1, "epoch": "other" });
    let reply = c.call("subscribe", wrong).await;
    assert_ne!(reply["subscribe"]["recovered"], true, "{reply}");
    server.stop().await;
}

#[tokio::test]
async fn presence_joins_and_leaves_are_told() {
    let server = chat().await;
    let mut a = Client::connect(&server).await;
    a.call("subscribe", json!({ "channel": "chat:1", "join_leave": true })).await;
    let mut b = Client::connect(&server).await;
    b.call("subscribe", json!({ "channel": "chat:1" })).await;
    let id = b.id.clone();
    loop {
        let join = a.push("chat:1", "join").await;
        if join["info"]["client"] == id.as_str() {
            break;
        }
    }
    let presence = a.call("presence", json!({ "channel": "chat:1" })).await;
    assert_eq!(presence["presence"]["presence"].as_object().unwrap().len(), 2, "{presence}");
    let stats = a.call("presence_stats", json!({ "channel": "chat:1" })).await;
    assert_eq!(stats["presence_stats"]["num_clients"], 2);
    drop(b);
    let leave = a.push("chat:1", "leave").await;
    assert_eq!(leave["info"]["client"], id.as_str());
    server.stop().await;
}

#[tokio::test]
async fn history_is_read_by_part() {
    let server = chat().await;
    let mut a = Client::connect(&server).await;
    a.call("subscribe", json!({ "channel": "chat:1" })).await;
    for n in 1..=5 {
        a.call("publish", json!({ "channel": "chat:1", "data": n })).await;
    }
    let offsets = |reply: &Value| -> Vec<u64> {
        let publications = reply["history"]["publications"].as_array().cloned().unwrap_or_default();
        publications.iter().map(|one| one["offset"].as_u64().unwrap()).collect()
    };
    let reply = a.call("history", json!({ "channel": "chat:1", "limit": 2 })).await;
    assert_eq!(offsets(&reply), [1, 2]);
    let reply = a.call("history", json!({ "channel": "chat:1", "limit": 2, "reverse": true })).await;
    assert_eq!(offsets(&reply), [5, 4]);
    let epoch = reply["history"]["epoch"].clone();
    let since = json!({ "channel": "chat:1", "limit": -1, "since": { "offset": 3, "epoch": epoch } });
    assert_eq!(offsets(&a.call("history", since).await), [4, 5]);
    server.stop().await;
}

#[tokio::test]
async fn wrong_commands_get_their_codes() {
    let server = chat().await;
    let mut a = Client::connect(&server).await;
    let wrong = format!("@live:{}", "0".repeat(32));
    for (method, argument, code) in [
        ("subscribe", json!({ "channel": "nowhere:1" }), 102),
        ("subscribe", json!({ "channel": "@live:00", "data": { "expr": "up", "step": 1000 } }), 102),
        ("subscribe", json!({ "channel": wrong, "data": { "expr": "up", "step": 1000 } }), 107),
        ("publish", json!({ "channel": "chat:1", "data": 1 }), 103),
        ("rpc", json!({ "method": "nothing" }), 104),
        ("rpc", json!({ "method": "live_channel", "data": { "expr": "sum(", "step": 1000 } }), 107),
        ("refresh", json!({ "token": "" }), 108),
    ] {
        let reply = a.call(method, argument.clone()).await;
        assert_eq!(reply["error"]["code"], code, "{method} {argument}: {reply}");
    }
    a.call("subscribe", json!({ "channel": "chat:1" })).await;
    let again = a.call("subscribe", json!({ "channel": "chat:1" })).await;
    assert_eq!(again["error"]["code"], 105);
    server.stop().await;
}

#[tokio::test]
async fn several_commands_may_share_a_message() {
    let server = chat().await;
    let mut a = Client::open(&server).await;
    a.send("{\"id\":1,\"connect\":{}}\n{\"id\":2,\"ping\":{}}\n{\"id\":3,\"rpc\":{\"method\":\"time\"}}")
        .await;
    assert!(a.next().await["connect"]["client"].is_string());
    assert_eq!(a.next().await, json!({ "id": 2, "ping": {} }));
    assert!(a.next().await["rpc"]["data"]["now"].is_i64());
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_the_protocol_is_closed_with_a_code() {
    let server = chat().await;
    for text in ["hello", "{\"id\":1,\"ping\":{}}"] {
        let mut client = Client::open(&server).await;
        client.send(text).await;
        assert_eq!(client.closed().await, 3501, "{text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn shutdown_says_so() {
    let server = chat().await;
    let mut client = Client::connect(&server).await;
    let (code, _) = tokio::join!(client.closed(), server.stop());
    assert_eq!(code, 3001);
}

#[tokio::test]
async fn pings_are_frames_where_a_client_asks_for_them() {
    let config = "collect_host = false\n[client]\nallow_anonymous_connect_without_token = true\nping_interval = '2s'\npong_timeout = '1s'\n";
    let server = Server::with(Settings { config, ..Settings::default() }).await;
    let url = format!("ws://{}/connection/websocket?cf_ws_frame_ping_pong=true", server.address);
    let (mut socket, _) = connect_async(url).await.unwrap();
    socket.send(Message::text(r#"{"id":1,"connect":{}}"#)).await.unwrap();
    let told = async |socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>| {
        timeout(SOON, socket.next()).await.expect("something in time").unwrap().unwrap()
    };
    let reply: Value = serde_json::from_str(told(&mut socket).await.to_text().unwrap()).unwrap();
    assert!(reply["connect"]["client"].is_string(), "{reply}");
    assert!(reply["connect"]["ping"].is_null() && reply["connect"]["pong"].is_null(), "{reply}");
    // The library answers each: who does not is closed after a second.
    for _ in 0..3 {
        let told = told(&mut socket).await;
        assert!(told.is_ping(), "{told}");
    }
    server.stop().await;
}
