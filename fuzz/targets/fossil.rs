#![no_main]

use watchroom_fuzz::fossil;

#[path = "../memory.rs"]
mod memory;

// Each three bytes can ask for 255 of the source; a delta makes at most 64 KiB, and has an index of 512 KiB at most.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 2 << 20, 1024, fossil::check));
