#![no_main]

use watchroom_fuzz::talk;

#[path = "../memory.rs"]
mod memory;

// A comment is copied a few times; an event is read as a value, too.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 64 << 10, 512, talk::check));
