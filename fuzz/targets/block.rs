#![no_main]

use watchroom_fuzz::block;

#[path = "../memory.rs"]
mod memory;

// A block has at most 65,536 rows of 24 bytes, and is encoded in several ways.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 24 << 20, 64, block::check));
