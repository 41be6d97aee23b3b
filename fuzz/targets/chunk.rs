#![no_main]

use watchroom_fuzz::chunk;

#[path = "../memory.rs"]
mod memory;

// A column has at most 65,536 samples of 16 bytes, and is encoded in several ways.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 8 << 20, 64, chunk::check));
