//! See `compiler/tests/it/invariants/kdl.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| waybill_fuzz::invariants::kdl::hold(text));
