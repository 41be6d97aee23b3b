#![no_main]

use watchroom_fuzz::exposition;

#[path = "../memory.rs"]
mod memory;

// A sample of four bytes, "a 1", takes 300; it is written and read once more.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 64 << 10, 512, exposition::check));
