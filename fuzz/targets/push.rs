#![no_main]

use watchroom_fuzz::push;

#[path = "../memory.rs"]
mod memory;

// An item of 3 bytes, "{},", has a reason of 70; it is read as a value, too.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 64 << 10, 512, push::check));
