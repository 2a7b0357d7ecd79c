#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(muniment::extract::readers::read_as("cms", bytes, "heron")));
