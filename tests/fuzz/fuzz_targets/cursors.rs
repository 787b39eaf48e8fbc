#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| atrarium_fuzz::cursors(bytes));
