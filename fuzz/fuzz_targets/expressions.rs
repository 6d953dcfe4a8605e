//! See `compiler/tests/it/invariants/expressions.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| waybill_fuzz::invariants::expressions::hold(text));
