#![no_main]

use watchroom_fuzz::websocket;

#[path = "../memory.rs"]
mod memory;

// Frames of 6 bytes are messages of 32, four times.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 4 << 10, 64, websocket::check));
