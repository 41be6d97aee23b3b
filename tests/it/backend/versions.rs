//! A node of a later version beside one of this, by a recording of what it writes.

use watchroom::backend::{Delivery, HistoryFilter, RecordKind};

use super::{KEPT, Node, commits::record, offsets, until};
use crate::redis_server::RedisServer;

const RECORDING: &str = include_str!("next_version.txt");

/// The words of a line of `redis-cli MONITOR`.
fn words(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, &mut word) {
            ('"', None) => word = Some(Vec::new()),
            ('"', Some(_)) => words.extend(word.take()),
            ('\\', Some(word)) => word.push(match letters.next().unwrap() {
                'n' => b'\n',
                'x' => {
                    let digits: String = letters.by_ref().take(2).collect();
                    u8::from_str_radix(&digits, 16).unwrap()
                }
                plain => u8::try_from(plain).unwrap(),
            }),
            (letter, Some(word)) => word.push(u8::try_from(letter).unwrap()),
            (letter, None) => assert_eq!(letter, ' ', "between words: {line}"),
        }
    }
    assert!(word.is_none(), "an open word: {line}");
    words
}

async fn next_version(server: &RedisServer) {
    let mut connection = server.connection().await;
    for line in RECORDING.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words = words(line);
        let (command, arguments) = words.split_first().unwrap();
        let mut command = redis::cmd(std::str::from_utf8(command).unwrap());
        command.arg(arguments).exec_async(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_later_version_says_is_read_as_far_as_it_is_known() {
    let Some(server) = RedisServer::start().await else { return };
    let mut one = Node::redis(&server, "one").await;
    next_version(&server).await;
    let (mut publications, mut others) = (Vec::new(), Vec::new());
    while publications.last().is_none_or(|(_, data): &(u64, String)| data != "\"the end\"")
        || others.len() < 4
    {
        match one.next().await {
            Delivery::Publication { publication, .. } => {
                publications
                    .push((publication.offset, String::from_utf8(publication.data.to_vec()).unwrap()));
            }
            Delivery::Join { info, .. } => others.push(format!("join of {}", info.client)),
            Delivery::Record(record) => {
                others.push(format!("{:?} {}", record.kind, record.value.unwrap().get()))
            }
            Delivery::Order(order) => others.push(order.get().to_owned()),
            Delivery::Samples(batch) => others.push(format!("{} samples", batch.samples.len())),
            other => panic!("{other:?}"),
        }
    }
    let told = [(0, "\"not kept\""), (1, "\"kept\""), (3, "\"kept, too\""), (0, "\"the end\"")];
    assert_eq!(publications, told.map(|(offset, data)| (offset, data.to_owned())));
    others.sort();
    let ack = r#"Ack {"by":"Olena","until":null}"#;
    assert_eq!(others, ["0 samples", ack, "join of c7", r#"{"kind":"of a newer node","x":1}"#]);
    // A later version of a message and of samples, two kinds of messages, one of records.
    let skipped = |node: &Node, reason: &str| {
        let is_of = |reading: &watchroom::telemetry::Reading| {
            reading.name == "watchroom_redis_skipped_total"
                && reading.labels.iter().any(|label| label.1 == reason)
        };
        node.registry.read().iter().filter(|reading| is_of(reading)).map(|reading| reading.value).sum::<f64>()
    };
    until("what is newer is counted", async || skipped(&one, "version") == 5.0).await;
    // What is kept: the history has a hole where version 2 is, the list lacks who is known to version 2 alone.
    let page = one.history("a", HistoryFilter::default()).await;
    assert_eq!((offsets(&page), page.position.offset, &*page.position.epoch), (vec![1, 3], 3, "1f2e3d4c"));
    assert_eq!(one.clients("a").await, ["c7"]);
    assert_eq!(one.backend.records(RecordKind::Ack).await.unwrap().len(), 1);
    assert_eq!((skipped(&one, "version"), skipped(&one, "damaged")), (7.0, 0.0));
    // And this node goes on: after the last offset, in the same epoch.
    let position = one.publish("a", "4", KEPT).await.unwrap();
    assert_eq!((position.offset, &*position.epoch), (4, "1f2e3d4c"));
    assert_eq!(one.next_publication().await.1.offset, 4);
    one.commit(vec![], vec![record(RecordKind::Ack, "k", None)]).await;
    assert!(matches!(one.next().await, Delivery::Record(record) if record.value.is_none()));
    assert!(one.backend.records(RecordKind::Ack).await.unwrap().is_empty());
    assert_eq!(one.counted("watchroom_redis_reconnects_total"), 0.0);
}
