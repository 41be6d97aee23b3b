use std::{
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use proptest::{prelude::*, strategy::ValueTree};

use super::*;

/// The delta's length, checked to bring the target back.
#[track_caller]
fn check(source: &[u8], target: &[u8]) -> usize {
    let made = delta(source, target);
    assert_eq!(apply(source, &made, target.len()).unwrap(), target);
    if let (Ok(source), Ok(target)) = (std::str::from_utf8(source), std::str::from_utf8(target)) {
        let made = delta_text(source, target);
        assert!(!made.contains(char::REPLACEMENT_CHARACTER) || target.contains(char::REPLACEMENT_CHARACTER));
        assert_eq!(apply(source.as_bytes(), made.as_bytes(), target.len()).unwrap(), target.as_bytes());
    }
    made.len()
}

#[track_caller]
fn refused(source: &str, delta: &str, error: ApplyError) {
    assert_eq!(apply(source.as_bytes(), delta.as_bytes(), 100), Err(error), "{delta:?}");
}

#[test]
fn a_delta_is_written_as_the_format_says() {
    assert_eq!(delta_text("abc", "abcd"), "4\n4:abcd1XObD_;");
    assert_eq!(delta_text("", ""), "0\n0;");
    assert_eq!(delta_text("the same text", "the same text"), "D\nD@0,1xFZVy;");
    assert_eq!(apply(b"the same text", b"D\nD@0,1xFZVy;", 13).unwrap(), b"the same text");
}

#[test]
fn what_changed_in_the_middle_is_all_that_is_sent() {
    let source = br#"{"instance":"db1","cpu":[12.5,33.1,8.25],"memory":{"used":1024,"free":4096}}"#;
    let target = br#"{"instance":"db1","cpu":[12.5,34.0,8.25],"memory":{"used":1024,"free":4096}}"#;
    assert!(check(source, target) < 32);
}

#[test]
fn what_moved_is_found() {
    let part = |name: u8| (0..200).map(|at| name.wrapping_mul(at) ^ at).collect::<Vec<u8>>();
    let (a, b, c) = (part(3), part(5), part(7));
    let source = [a.clone(), b.clone(), c.clone()].concat();
    let target = [c, b"new".to_vec(), a, b].concat();
    assert!(check(&source, &target) < 64);
}

#[test]
fn what_repeats_is_found() {
    assert!(check(&[b'x'; 300_000], &[b'x'; 299_999]) < 32);
    let source = b"0123456789abcdef".repeat(20_000);
    let mut target = source.clone();
    for at in (0..target.len()).step_by(10_001) {
        target[at] = b'!';
    }
    assert!(check(&source, &target) < 1_500);
}

#[test]
fn a_source_past_the_index_is_still_searched() {
    let mut random = fastrand::Rng::with_seed(1);
    let source: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(700_000).collect();
    let mut target = source[350_000..].to_vec();
    target.extend_from_slice(&source[..350_000]);
    assert!(check(&source, &target) < 64);
}

#[test]
fn characters_are_not_cut() {
    // Of both pairs, only the last byte of a character differs.
    check("температура: 21 градус".as_bytes(), "температура: 21 градуз".as_bytes());
    check("ав".repeat(40).as_bytes(), "аг".repeat(40).as_bytes());
    let made = delta_text("0123456789abcdef🙂0123456789abcdef", "0123456789abcdef🙃0123456789abcdef");
    assert!(made.contains("4:🙃"), "{made:?}");
}

#[test]
fn what_is_no_delta_is_refused() {
    refused("", "", ApplyError::Malformed);
    refused("", "0\n", ApplyError::Malformed);
    refused("", "0\n0;more", ApplyError::Malformed);
    refused("", "~~~~~~\n0;", ApplyError::Malformed);
    refused("", "4\n5:abcd", ApplyError::Malformed);
    refused("", "4\n4:abcd?", ApplyError::Malformed);
    refused("abc", "4\n4@0,0;", ApplyError::Source);
    refused("abc", "1\n1@4,0;", ApplyError::Source);
    refused("abc", "2\n3@0,0;", ApplyError::Length);
    refused("abc", "4\n3@0,0;", ApplyError::Length);
    refused("abc", "3\n3@0,0;", ApplyError::Checksum);
    refused("", "zz\n0;", ApplyError::TooBig);
}

/// A text, and the same with some parts replaced.
fn edited() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let piece = prop::collection::vec(prop::sample::select(b"ab{\":,1\xc3\xa9".to_vec()), 0..40);
    let pieces = prop::collection::vec((piece.clone(), piece, 0..4_u8), 0..12);
    pieces.prop_map(|pieces| {
        let (mut source, mut target) = (Vec::new(), Vec::new());
        for (kept, other, what) in pieces {
            source.extend_from_slice(&kept);
            if what != 1 {
                target.extend_from_slice(&kept);
            }
            if what == 2 {
                target.extend_from_slice(&other);
            }
        }
        (source, target)
    })
}

/// Two texts of few characters, of one to four bytes each, so that they share much.
fn texts() -> impl Strategy<Value = (String, String)> {
    let text =
        || prop::collection::vec(prop::sample::select(vec!["a", "é", "è", "€", "🙂", "🙃", "абвг"]), 0..120);
    (text(), text()).prop_map(|(a, b)| (a.concat(), b.concat()))
}

proptest! {
    #[test]
    fn the_target_comes_back((source, target) in edited()) {
        check(&source, &target);
    }

    #[test]
    fn texts_come_back((source, target) in texts()) {
        check(source.as_bytes(), target.as_bytes());
        check(&source.as_bytes()[source.len().min(1)..], target.as_bytes());
    }

    #[test]
    fn a_delta_is_never_much_longer(source: Vec<u8>, target: Vec<u8>) {
        prop_assert!(check(&source, &target) <= target.len() + 16);
    }

    #[test]
    fn no_bytes_panic(source: Vec<u8>, delta: Vec<u8>) {
        drop(apply(&source, &delta, 1_000));
    }
}

/// The function of the page's own client, which does not export it.
const CLIENT: &str = r"
const text = require('fs').readFileSync('static/node_modules/centrifuge/build/index.js', 'utf8');
const part = text.slice(text.indexOf('const zValue'), text.indexOf('class JsonCodec'));
const applyDelta = new Function(part + '; return applyDelta;')();
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
for (const line of require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const [source, delta] = line.split(' ').map(bytes);
  console.log(Buffer.from(applyDelta(source, delta)).toString('hex'));
}";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

/// Without the page's packages or Node there is nothing to compare with; CI has both.
#[test]
fn the_client_reads_the_same() {
    let is_there = Path::new("static/node_modules/centrifuge/build/index.js").exists();
    let node = Command::new("node").args(["-e", CLIENT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let (true, Ok(mut node)) = (is_there, node) else {
        assert!(std::env::var_os("CI").is_none(), "Node and the page's packages must be there");
        return;
    };
    let mut pairs = vec![
        (Vec::new(), Vec::new()),
        (b"abc".to_vec(), b"abcd".to_vec()),
        ("температура: 21".repeat(9).into_bytes(), "температура: 22".repeat(9).into_bytes()),
        ((0..=255).cycle().take(70_000).collect(), (0..=255).cycle().skip(99).take(70_001).collect()),
    ];
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..500 {
        pairs.push(edited().new_tree(&mut runner).unwrap().current());
    }
    let mut lines = String::new();
    for (source, target) in &pairs {
        writeln!(lines, "{} {}", hex(source), hex(&delta(source, target))).unwrap();
    }
    let mut stdin = node.stdin.take().unwrap();
    // Node reads all before it writes, so that neither waits for the other.
    stdin.write_all(lines.as_bytes()).unwrap();
    drop(stdin);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    let expected: Vec<_> = pairs.iter().map(|(_, target)| hex(target)).collect();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.lines().eq(expected.iter().map(String::as_str)));
}
