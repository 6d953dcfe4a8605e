//! See `compiler/tests/it/invariants/yaml.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| waybill_fuzz::invariants::yaml::hold(text));
