#![no_main]

use watchroom_fuzz::suite;

#[path = "../memory.rs"]
mod memory;

// A tree of some hundred bytes for each of the text, and what is evaluated for each of a few values.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 64 << 20, 8192, suite::check));
