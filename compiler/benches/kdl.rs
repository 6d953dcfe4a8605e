//! How fast KDL is read, beside the crates `kdl` and `just-kdl`: `cargo bench -p waybill-compiler --bench kdl`.
//!
//! **Invariant:** nothing here is a test; the texts are generated and the same in every run.

use std::fmt::Write;
use std::hint::black_box;

use divan::Bencher;
use divan::counter::BytesCount;
use waybill_compiler::diag::Diags;
use waybill_compiler::source::FileId;
use waybill_compiler::syntax::kdl;

fn main() {
    divan::main();
}

const MEGABYTE: usize = 1 << 20;

/// A text of services like those of a spec, of about so many bytes.
fn services(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 1000);
    let mut at = 0;
    while text.len() < bytes {
        write!(
            text,
            "// Service {at} of the shop.\ntask \"service-{at}\" timeout=\"10m\" {{\n    param \"revision\" type=\"commit\" default=\"main\"\n    \
step \"build\" image=\"registry.example.com/build:1.{at}\" {{\n        run \"go test ./... > \\\"$REPORT\\\"\"\n        \
env MODE=\"release\" RETRIES={at} VERBOSE=#true\n        resources cpu=\"250m\" memory=\"64Mi\"\n    }}\n    \
step \"push\" image=\"alpine:3.22\" {{\n        run \"\"\"\n            set -eu\n            push \"$IMAGE\"\n            \"\"\"\n    }}\n}}\n\n"
        )
        .expect("BUG: writing to a string");
        at += 1;
    }
    text
}

#[divan::bench(args = [1, 10], sample_count = 20)]
fn lossless_tree(bencher: Bencher, megabytes: usize) {
    let text = services(megabytes * MEGABYTE);
    bencher.counter(BytesCount::new(text.len())).bench(|| black_box(kdl::tree(FileId(0), &text)).1.len());
}

#[divan::bench(args = [1, 10], sample_count = 20)]
fn tree_and_nodes(bencher: Bencher, megabytes: usize) {
    let text = services(megabytes * MEGABYTE);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let mut diags = Diags::default();
        let nodes = kdl::parse(FileId(0), &text, &mut diags);
        assert!(diags.is_empty(), "BUG: the generated text is not KDL");
        nodes
    });
}

#[divan::bench(args = [1, 10], sample_count = 3)]
fn crate_kdl(bencher: Bencher, megabytes: usize) {
    let text = services(megabytes * MEGABYTE);
    bencher.counter(BytesCount::new(text.len())).bench(|| ::kdl::KdlDocument::parse_v2(&text).is_ok());
}

#[divan::bench(args = [1, 10], sample_count = 5)]
fn crate_just_kdl(bencher: Bencher, megabytes: usize) {
    let text = services(megabytes * MEGABYTE);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        just_kdl::reader::Reader::new(text.as_bytes()).collect::<Result<just_kdl::dom::Document, _>>().is_ok()
    });
}
