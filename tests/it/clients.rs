//! Clients that need tokens, in both encodings and by every way in; and what the server API does with them.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use watchroom::wire::Close;

use crate::{
    client::Client,
    server::{SOON, Server, Settings},
};

const STRICT: &str = "collect_host = false\n[client]\nexpired_close_delay = '1s'\n[client.token]\nhmac_secret_key = 'secret'\n\
    [http_api]\nkey = 'key'\n[sse]\nenabled = true\n[http_stream]\nenabled = true\n\
    [[channel.namespaces]]\nname = 'chat'\nhistory_size = 10\nhistory_ttl = '1m'\nforce_recovery = true\npresence = true\n\
    allow_subscribe_for_client = true\nallow_publish_for_subscriber = true\nallowed_delta_types = ['fossil']\n";

async fn strict() -> Server {
    Server::with(Settings { config: STRICT, redis: None, ..Settings::default() }).await
}

/// A token that says so.
fn token(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(b"secret")).unwrap()
}

fn now_s() -> i64 {
    watchroom::clock::Clock::System.now_ms() / 1_000
}

async fn api(server: &Server, method: &str, body: Value) -> Value {
    let url = format!("http://{}/api/{method}", server.address);
    let request = server.http.post(url).header("X-API-Key", "key").body(body.to_string());
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn without_a_token_nobody_comes_in() {
    let server = strict().await;
    for (connect, code) in [(json!({}), Close::BadRequest), (json!({ "token": "x" }), Close::InvalidToken)] {
        let mut client = Client::open(&server).await;
        client.send(&json!({ "id": 1, "connect": connect }).to_string()).await;
        assert_eq!(client.closed().await, code.code(), "{connect}");
    }
    let mut client = Client::open(&server).await;
    let expired = token(&json!({ "sub": "42", "exp": now_s() - 10 }));
    let reply = client.call("connect", json!({ "token": expired })).await;
    assert_eq!(reply["error"], json!({ "code": 109, "message": "token expired" }));
    server.stop().await;
}

/// Says `connect` as a page of the server does, and a subscribe; what is told, or the code of the close.
async fn as_page(server: &Server, cookie: &str, channel: &str) -> Value {
    let url = format!("ws://{}/connection/websocket", server.address);
    let mut request = url.into_client_request().unwrap();
    let origin = format!("http://{}", server.address);
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let subscribe = json!({ "id": 2, "subscribe": { "channel": channel } });
    let commands = format!("{}\n{subscribe}", json!({ "id": 1, "connect": {} }));
    socket.send(Message::text(commands)).await.unwrap();
    loop {
        match tokio::time::timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap() {
            Message::Close(close) => return json!(u16::from(close.unwrap().code)),
            message => {
                let text = message.into_text().unwrap();
                let mut replies = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
                if let Some(reply) = replies.find(|reply| reply["id"] == 2) {
                    return reply;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_the_server_comes_in_by_its_cookie() {
    let server = strict().await;
    let response = server.get("/").await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let reply = as_page(&server, cookie, "@alerts").await;
    assert!(reply["subscribe"]["data"]["rules"].is_array(), "{reply}");
    assert_eq!(as_page(&server, cookie, "chat:a").await["error"]["code"], 102, "nothing proves who is at it");
    assert_eq!(as_page(&server, "watchroom-page=guess", "@alerts").await, Close::BadRequest.code());
    server.stop().await;
    let open = Server::start().await;
    assert!(!open.get("/").await.headers().contains_key("set-cookie"));
    open.stop().await;
}

#[tokio::test]
async fn a_token_says_who_one_is_and_where() {
    let server = strict().await;
    let mut client = Client::open(&server).await;
    let claims =
        json!({ "sub": "42", "info": { "name": "Bo" }, "channels": ["chat:own"], "exp": now_s() + 60 });
    let reply = client.call("connect", json!({ "token": token(&claims) })).await;
    let result = &reply["connect"];
    assert_eq!(
        (&result["expires"], &result["subs"]["chat:own"]["recoverable"]),
        (&json!(true), &json!(true))
    );
    // Pages of the server alone have its own channels and calls.
    for (method, argument, code) in [
        ("subscribe", json!({ "channel": "@room:host" }), 102),
        ("subscribe", json!({ "channel": "@alerts" }), 102),
        ("subscribe", json!({ "channel": "chat:own" }), 105),
        ("rpc", json!({ "method": "time" }), 108),
        ("history", json!({ "channel": "chat:own", "limit": 10 }), 103),
    ] {
        assert_eq!(client.call(method, argument.clone()).await["error"]["code"], code, "{method} {argument}");
    }
    let stats = api(&server, "presence", json!({ "channel": "chat:own" })).await;
    let present = stats["result"]["presence"].as_object().unwrap();
    assert_eq!(present.values().next().unwrap()["conn_info"], json!({ "name": "Bo" }));
    // Another end, and it must keep the channels.
    let longer = token(&json!({ "sub": "42", "channels": ["chat:own"], "exp": now_s() + 600 }));
    let refreshed = client.call("refresh", json!({ "token": longer })).await;
    assert_eq!(refreshed["refresh"]["expires"], true, "{refreshed}");
    let other = token(&json!({ "sub": "43", "channels": ["chat:own"] }));
    client.send(&json!({ "id": 90, "refresh": { "token": other } }).to_string()).await;
    assert_eq!(client.closed().await, Close::InvalidToken.code());
    server.stop().await;
}

/// Waits until the one who is present in a channel is seen so.
async fn seen(server: &Server, channel: &str, field: &str, info: &Value) {
    let begun = Instant::now();
    loop {
        let answer = api(server, "presence", json!({ "channel": channel })).await;
        let present = answer["result"]["presence"].as_object().unwrap();
        assert_eq!(present.len(), 1, "{answer}");
        if present.values().all(|one| one[field] == *info) {
            return;
        }
        assert!(begun.elapsed() < SOON, "{info} in {answer}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn others_see_what_a_newer_token_says() {
    let config = format!("{STRICT}[client.subscription_token]\nenabled = true\nhmac_secret_key = 'secret'\n");
    let config = config.replace("[client]\n", "[client]\npresence_update_interval = '1s'\n").leak();
    let server = Server::with(Settings { config, ..Settings::default() }).await;
    let mut client = Client::open(&server).await;
    let own = |info: u32| json!({ "sub": "42", "info": { "v": info }, "exp": now_s() + 600 });
    let of =
        |info: u32| json!({ "sub": "42", "channel": "chat:a", "info": { "c": info }, "exp": now_s() + 600 });
    client.call("connect", json!({ "token": token(&own(1)) })).await;
    client.call("subscribe", json!({ "channel": "chat:a", "token": token(&of(1)) })).await;
    seen(&server, "chat:a", "conn_info", &json!({ "v": 1 })).await;
    seen(&server, "chat:a", "chan_info", &json!({ "c": 1 })).await;
    let refreshed = client.call("refresh", json!({ "token": token(&own(2)) })).await;
    assert_eq!(refreshed["refresh"]["expires"], true, "{refreshed}");
    seen(&server, "chat:a", "conn_info", &json!({ "v": 2 })).await;
    let sub_refresh = json!({ "channel": "chat:a", "token": token(&of(2)) });
    assert_eq!(client.call("sub_refresh", sub_refresh).await["sub_refresh"]["expires"], true);
    seen(&server, "chat:a", "chan_info", &json!({ "c": 2 })).await;
    let order = json!({ "user": "42", "expire_at": now_s() + 600, "info": { "v": 3 } });
    assert_eq!(api(&server, "refresh", order).await, json!({ "result": {} }));
    seen(&server, "chat:a", "conn_info", &json!({ "v": 3 })).await;
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_refresh_is_closed() {
    let server = strict().await;
    let mut client = Client::open(&server).await;
    let short = token(&json!({ "sub": "42", "exp": now_s() + 2 }));
    client.call("connect", json!({ "token": short })).await;
    assert_eq!(client.closed().await, Close::Expired.code());
    server.stop().await;
}

#[tokio::test]
async fn the_server_api_moves_connections() {
    let server = strict().await;
    let mut client = Client::open(&server).await;
    client.call("connect", json!({ "token": token(&json!({ "sub": "42" })) })).await;
    let (data, info) = (json!({ "z": 1 }), json!({ "q": 1 }));
    let subscribe = json!({ "user": "42", "channel": "chat:a", "data": data, "info": info });
    assert_eq!(api(&server, "subscribe", subscribe).await, json!({ "result": {} }));
    assert_eq!(client.push("chat:a", "subscribe").await["data"], data);
    let published =
        api(&server, "publish", json!({ "channel": "chat:a", "data": null, "tags": { "a": "b" } })).await;
    assert_eq!(published["result"]["offset"], 1);
    let publication = client.push("chat:a", "pub").await;
    assert_eq!((&publication["data"], &publication["tags"]["a"]), (&Value::Null, &json!("b")));
    let again = json!({ "channel": "chat:a", "data": 2, "idempotency_key": "k" });
    for _ in 0..2 {
        assert_eq!(api(&server, "publish", again.clone()).await["result"]["offset"], 2);
    }
    let channels = api(&server, "channels", json!({ "pattern": "chat:*" })).await;
    assert_eq!(channels["result"]["channels"], json!({ "chat:a": { "num_clients": 1 } }));
    let batch =
        json!({ "commands": [{ "history": { "channel": "chat:a", "limit": -1 } }, null, { "nothing": {} }] });
    let replies = api(&server, "batch", batch).await["replies"].clone();
    assert_eq!(replies[0]["history"]["publications"].as_array().unwrap().len(), 2);
    assert_eq!((&replies[1]["error"]["code"], &replies[2]["error"]["code"]), (&json!(107), &json!(104)));
    assert_eq!(
        api(&server, "unsubscribe", json!({ "user": "42", "channel": "chat:a" })).await,
        json!({ "result": {} })
    );
    assert_eq!(client.push("chat:a", "unsubscribe").await["code"], 2000);
    let disconnect = json!({ "user": "42", "disconnect": { "code": 4321, "reason": "bye" } });
    api(&server, "disconnect", disconnect).await;
    assert_eq!(client.closed().await, 4321);
    server.stop().await;
}

#[tokio::test]
async fn the_server_api_needs_its_key() {
    let server = strict().await;
    let url = format!("http://{}/api/info", server.address);
    let without = server.http.post(&url).body("{}").send().await.unwrap();
    assert_eq!((without.status().as_u16(), without.text().await.unwrap().as_str()), (401, ""));
    assert_eq!(server.http.get(&url).header("X-API-Key", "key").send().await.unwrap().status(), 405);
    let wrong = server.http.post(&url).header("X-API-Key", "key").body("{").send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    let by_status =
        server.http.post(format!("http://{}/api/publish", server.address)).header("X-API-Key", "key");
    let by_status =
        by_status.header("X-Centrifugo-Error-Mode", "transport").body(r#"{"channel":"nope:1","data":1}"#);
    let by_status = by_status.send().await.unwrap();
    assert_eq!(by_status.status(), 404);
    assert_eq!(
        by_status.json::<Value>().await.unwrap(),
        json!({ "code": 102, "message": "unknown channel" })
    );
    server.stop().await;
}

/// Reads a response until it holds a text.
async fn until(body: &mut reqwest::Response, text: &str) -> String {
    let mut all = String::new();
    let read = async {
        while !all.contains(text) {
            all.push_str(std::str::from_utf8(&body.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(SOON, read).await.unwrap_or_else(|_| panic!("{text} in {all}"));
    all
}

#[tokio::test]
async fn events_and_streams_carry_the_same() {
    let server = strict().await;
    let at = |path: &str| format!("http://{}{path}", server.address);
    let connect = json!({ "id": 1, "connect": { "token": token(&json!({ "sub": "42" })) } }).to_string();
    for path in ["/connection/sse", "/connection/http_stream"] {
        let mut body = server.http.post(at(path)).body(connect.clone()).send().await.unwrap();
        assert_eq!(body.status(), 200);
        let reply = until(&mut body, "\"node\"").await;
        let (start, end) = (reply.find('{').unwrap(), reply.rfind('}').unwrap());
        let reply: Value = serde_json::from_str(&reply[start..=end]).unwrap();
        let (session, node) = (&reply["connect"]["session"], &reply["connect"]["node"]);
        let commands = "{\"id\":2,\"subscribe\":{\"channel\":\"chat:a\"}}\n{\"id\":3,\"publish\":{\"channel\":\"chat:a\",\"data\":7}}";
        let emulation = json!({ "session": session, "node": node, "data": commands });
        let taken = server.http.post(at("/emulation")).body(emulation.to_string()).send().await.unwrap();
        assert_eq!(taken.status(), 204);
        let told = until(&mut body, "\"id\":3").await;
        assert!(told.find("\"id\":2") < told.find("\"id\":3"), "{told}");
        api(&server, "disconnect", json!({ "user": "42" })).await;
        assert!(until(&mut body, "disconnect").await.contains("\"code\":3503"));
        assert!(body.chunk().await.unwrap().is_none(), "the response ends");
    }
    let nowhere = json!({ "session": "x", "node": "y", "data": "{}" });
    assert_eq!(
        server.http.post(at("/emulation")).body(nowhere.to_string()).send().await.unwrap().status(),
        404
    );
    server.stop().await;
}

/// Bytes after their length.
fn delimited(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    prost::encoding::encode_varint(bytes.len() as u64, &mut all);
    all.extend_from_slice(bytes);
    all
}

#[tokio::test]
async fn protobuf_is_spoken_where_it_is_asked_for() {
    let server = strict().await;
    let url = format!("ws://{}/connection/websocket?format=protobuf", server.address);
    let (mut socket, _) = connect_async(url).await.unwrap();
    let token = token(&json!({ "sub": "42", "channels": ["chat:a"] }));
    let command =
        [&[0x08, 1, 0x22][..], &delimited(&[&[0x0a][..], &delimited(token.as_bytes())].concat())].concat();
    socket.send(Message::binary(delimited(&command))).await.unwrap();
    let reply = tokio::time::timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap();
    let reply = reply.into_data();
    assert!(
        reply.windows(3).any(|part| part == [0x08, 1, 0x2a]),
        "a reply to connect with the id 1: {reply:?}"
    );
    api(&server, "publish", json!({ "channel": "chat:a", "b64data": "/wA=" })).await;
    let push = tokio::time::timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap().into_data();
    assert!(push.windows(4).any(|part| part == [0x22, 2, 0xff, 0]), "bytes as they are: {push:?}");
    server.stop().await;
}

#[tokio::test]
async fn of_two_connections_at_once_one_stays() {
    let personal = "collect_host = false\n[client.token]\nhmac_secret_key = 'secret'\n\
        [client.subscribe_to_user_personal_channel]\nenabled = true\npersonal_channel_namespace = 'own'\n\
        single_connection = true\n[[channel.namespaces]]\nname = 'own'\npresence = true\n";
    let server = Server::with(Settings { config: personal, ..Settings::default() }).await;
    for _ in 0..20 {
        let (mut a, mut b) = (Client::open(&server).await, Client::open(&server).await);
        let said = json!({ "token": token(&json!({ "sub": "42", "exp": now_s() + 600 })) });
        let (to_a, to_b) = tokio::join!(a.try_call("connect", said.clone()), b.try_call("connect", said));
        // Who is ended may be so before it is answered.
        assert!(to_a.is_some() || to_b.is_some());
        let ended = tokio::select! {
            code = a.closed() => (code, &mut b),
            code = b.closed() => (code, &mut a),
        };
        assert_eq!(ended.0, 3_504);
        let missing = ended.1.call("presence", json!({ "channel": "nowhere:a" })).await;
        assert_eq!(missing["error"]["code"], 102, "the other one is answered: {missing}");
    }
    server.stop().await;
}
