#![no_main]

use watchroom_fuzz::parcel;

#[path = "../memory.rs"]
mod memory;

// A body inflates to 4 MiB at most; each 2 bytes of it can be an empty string of 48.
libfuzzer_sys::fuzz_target!(|data: &[u8]| memory::bounded(data, 160 << 20, 64, parcel::check));
