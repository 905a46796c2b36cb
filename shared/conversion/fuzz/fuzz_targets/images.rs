#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conversion_fuzz::images(data));
