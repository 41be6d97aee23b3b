#![no_main]

use watchroom_fuzz::commands;

#[path = "../memory.rs"]
mod memory;

// A command of two bytes in protobuf is a struct of some 500, and is written and read once more.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 64 << 10, 1 << 10, commands::check));
