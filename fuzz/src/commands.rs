//! Commands of clients, in JSON and in protobuf.

use std::collections::BTreeMap;

use prost::Message as _;
use watchroom::hub::tagfilter::Filter;
use watchroom::wire::centrifugo::{COMMANDS_MAX, Command, Method, Protocol, commands};

/// What was read, in either encoding, is the same when it is written in protobuf and read again; a message has at most
/// [`COMMANDS_MAX`] commands; and a filter that is taken can be held against any tags.
///
/// The first byte says how the rest is encoded.
pub fn check(data: &[u8]) {
    let Some((first, message)) = data.split_first() else { return };
    let protocol = if first % 2 == 0 { Protocol::Json } else { Protocol::Protobuf };
    let (read, broken) = commands(protocol, message);
    assert!(read.len() <= COMMANDS_MAX, "{} commands", read.len());
    assert!(!read.is_empty() || broken.is_some(), "nothing, and nothing wrong");
    for command in read {
        let written = command.encode_length_delimited_to_vec();
        let (again, broken) = commands(Protocol::Protobuf, &written);
        assert!(broken.is_none(), "{broken:?}: {command:?}");
        assert_eq!(again.as_slice(), std::slice::from_ref(&command));
        filter(command);
    }
}

fn filter(command: Command) {
    let Some(Method::Subscribe(subscribe)) = command.method() else { return };
    let Some(Ok(filter)) = subscribe.tf.map(Filter::new) else { return };
    let tags = BTreeMap::from([("a".to_owned(), "1.50".to_owned()), (subscribe.channel, subscribe.token)]);
    // Whatever it says, without a panic.
    let _ = filter.matches(&tags);
}
