//! The work of reading KDL grows as the text does, whatever stands in it. Counted, not timed.

use std::fmt::Write;

use waybill_compiler::syntax::kdl;

/// Texts that look for their ends: what is repeated, and what stands once behind.
const HOSTILE: &[(&str, &str)] = &[
    ("a \"\"\"\n", ""),
    ("\\\"\"\"\n", ""),
    ("\\\"\"\"\n", "x \"\"\"\n"),
    ("#\"\"\"\n", ""),
    ("#\"\"\"\n", "x \"\"\"#\n"),
    ("#\"\"\"\n    x\n", ""),
    ("a #\"\"\"\n\n\n", "b"),
    ("a \"\"\"b\"\"\" ", ""),
    ("a \"\n", ""),
    ("a \"\n", "\"\n"),
    ("a \"b\n", ""),
    ("r#\"\n", ""),
    ("r\"\" ", ""),
    ("a {\n", ""),
    ("a {\n", "}\n"),
    ("}\n", ""),
    ("/*", ""),
    ("\\/*", ""),
];

/// Work for a text of so many repetitions, bytes that were looked at beforehand, beside the length of the text.
fn work((unit, end): (&str, &str), times: usize) -> (usize, usize) {
    let text = unit.repeat(times) + end;
    (kdl::looked_ahead(&text), text.len())
}

#[test]
fn twice_the_text_is_at_most_twice_the_work() {
    let mut wrong = String::new();
    for hostile in HOSTILE {
        let ((once, _), (twice, length)) = (work(*hostile, 1_000), work(*hostile, 2_000));
        if twice > 2 * once + 100 || twice > 4 * length {
            writeln!(wrong, "{hostile:?}: {once} bytes, then {twice} of {length}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn blocks_that_end_at_one_place_do_not_each_look_for_it() {
    let text = |times: usize| "a {\n".repeat(times) + &"\n".repeat(times);
    let (once, twice) = (kdl::looked_ahead(&text(1_000)), kdl::looked_ahead(&text(2_000)));
    assert!(once > 0 && twice <= 2 * once + 100, "{once}, then {twice}");
}
