#![no_main]

use watchroom_fuzz::query;

#[path = "../memory.rs"]
mod memory;

// The values of an evaluation within its limits, the compiled regular expressions of the text, and its tree.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 192 << 20, 8192, query::check));
