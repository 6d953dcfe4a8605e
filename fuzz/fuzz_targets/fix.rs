//! See `compiler/tests/it/invariants/fix.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| waybill_fuzz::invariants::fix::hold(text));
