//! What the fuzzer checks, over the committed seeds: `make fuzz` looks further.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a failure must end the test")]

#[path = "../fuzz/src/lib.rs"]
pub mod bodies;

use std::{fs, path::Path};

#[track_caller]
fn check(target: &str, body: fn(&[u8])) {
    let folder = Path::new("fuzz/seeds").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        body(&bytes);
        // The same, cut short and damaged: what an early fuzzer would try.
        body(&bytes[..bytes.len() / 2]);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            body(&damaged);
        }
        seeds += 1;
    }
    assert!(0 < seeds);
}

#[test]
fn seeds_of_each_target_hold() {
    check("exposition", bodies::exposition::check);
    check("push", bodies::push::check);
    check("chunk", bodies::chunk::check);
    check("block", bodies::block::check);
    check("fossil", bodies::fossil::check);
    check("deflate", bodies::deflate::check);
    check("websocket", bodies::websocket::check);
    check("parcel", bodies::parcel::check);
    check("commands", bodies::commands::check);
    check("talk", bodies::talk::check);
    check("rules", bodies::rules::check);
    check("template", bodies::template::check);
    check("suite", bodies::suite::check);
    check("query", bodies::query::check);
}
