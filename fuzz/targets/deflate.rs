#![no_main]

use watchroom_fuzz::deflate;

#[path = "../memory.rs"]
mod memory;

// A message inflates to 64 KiB at most, a few times; a compressor takes 300 KiB.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 2 << 20, 64, deflate::check));
