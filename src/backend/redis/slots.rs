//! Which server of a cluster has which place.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use redis::{RedisResult, Value};

use super::{connection::Connection, place::Place};

/// By place, the address of its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owners(Vec<String>);

impl Owners {
    /// One server that has everything.
    pub(super) fn single(address: &str) -> Self {
        Self(vec![address.to_owned(); Place::COUNT])
    }

    /// What most of the servers say that answer; none where a place has no server, or nobody answers. A server that
    /// was cut off still names itself for slots that it lost; the others outvote it.
    pub(super) async fn ask(connections: &[Connection]) -> Option<Self> {
        let asked = connections.iter().cloned().map(|mut connection| async move {
            let mut slots = redis::cmd("CLUSTER");
            let slots: RedisResult<Value> = slots.arg("SLOTS").query_async(&mut connection).await;
            slots.ok().map(|slots| read(&slots, &connection.address))
        });
        Self::most(&join_all(asked).await.into_iter().flatten().collect::<Vec<_>>())
    }

    fn most(said: &[Vec<Option<String>>]) -> Option<Self> {
        let owner = |place: Place| {
            let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
            for address in said.iter().filter_map(|said| said[place.index()].as_deref()) {
                *votes.entry(address).or_default() += 1;
            }
            votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(address, _)| address.to_owned())
        };
        Place::all().map(owner).collect::<Option<Vec<_>>>().map(Self)
    }

    /// The servers, once each.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.0.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The server of a place.
    pub(super) fn of(&self, place: Place) -> &str {
        &self.0[place.index()]
    }
}

/// Reads an answer of `CLUSTER SLOTS`; a server without a name is the one that was asked.
fn read(slots: &Value, asked: &str) -> Vec<Option<String>> {
    let mut owners = vec![None; Place::COUNT];
    let Value::Array(ranges) = slots else { return owners };
    for range in ranges {
        let Value::Array(range) = range else { continue };
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = range.as_slice() else {
            continue;
        };
        let Some(address) = address(master, asked) else { continue };
        for place in Place::all().filter(|place| (*first..=*last).contains(&i64::from(place.slot()))) {
            owners[place.index()] = Some(address.clone());
        }
    }
    owners
}

fn address(master: &[Value], asked: &str) -> Option<String> {
    let [host, Value::Int(port), ..] = master else { return None };
    let host = match host {
        Value::BulkString(host) => std::str::from_utf8(host).ok()?,
        Value::SimpleString(host) => host,
        _ => "",
    };
    let same = asked.rsplit_once(':').map_or(asked, |(host, _)| host);
    let host = match host {
        // A server that does not know its own name.
        "" | "?" => same.to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    Some(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: i64, last: i64, host: &str, port: i64) -> Value {
        let master =
            vec![Value::BulkString(host.into()), Value::Int(port), Value::BulkString(b"id".to_vec())];
        let replica = vec![Value::BulkString(b"replica".to_vec()), Value::Int(1), Value::Nil];
        Value::Array(vec![Value::Int(first), Value::Int(last), Value::Array(master), Value::Array(replica)])
    }

    #[test]
    fn masters_are_read_and_most_are_believed() {
        let (low, high) = (range(0, 8_000, "a", 1), range(8_001, 16_383, "", 2));
        let said = read(&Value::Array(vec![low.clone(), high]), "host:9");
        let cut_off = read(&Value::Array(vec![low, range(8_001, 16_383, "fd00::1", 3)]), "a:1");
        let owners = Owners::most(&[cut_off.clone(), said.clone(), said.clone()]).unwrap();
        assert_eq!((owners.of(Place::SAMPLES), owners.of(Place::NODES)), ("a:1", "host:2"));
        assert_eq!(Owners::most(&[cut_off]).unwrap().of(Place::NODES), "[fd00::1]:3");
        let hole = read(&Value::Array(vec![range(0, 8_000, "a", 1)]), "a:1");
        assert_eq!(Owners::most(std::slice::from_ref(&hole)), None);
        assert_eq!(Owners::most(&[hole, said]).unwrap().of(Place::NODES), "host:2");
        assert_eq!(Owners::most(&[]), None);
        assert_eq!(read(&Value::Nil, "a:1"), vec![None; Place::COUNT]);
    }
}
