//! See `compiler/tests/it/invariants/manifests.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| waybill_fuzz::invariants::manifests::hold(text));
