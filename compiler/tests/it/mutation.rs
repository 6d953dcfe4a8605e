//! How good the findings are: one mistake at a time is put into specs and manifests that are right, and each mutant should
//! give exactly one error, at the mistake.
//!
//! The table: `cargo test -p waybill-compiler --test it -- mutation --nocapture`; `WAYBILL_MUTANTS=N` takes up to N
//! mutants of each kind from each input (6 without it), `WAYBILL_MUTANTS_SHOWN=KIND` prints those of a kind that miss.

mod edits;
mod generate;
mod manifests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use waybill_compiler::diag::{Diagnostic, Severity};
use waybill_compiler::source::Span;

use crate::folder;
use crate::project::{Outcome, Project};

/// One mistake: the text in `range` of a file is replaced.
pub struct Edit {
    pub kind: &'static str,
    pub range: Range<usize>,
    pub text: String,
    /// Places of the right text where the mistake may be seen as well: uses of what is gone, the brace that was opened.
    pub places: Vec<Range<usize>>,
}

/// What became of the mutants of a kind.
#[derive(Default)]
struct Tally {
    mutants: usize,
    /// Exactly one error, at the mistake.
    right: usize,
    silent: usize,
    several: usize,
    elsewhere: usize,
}

/// An input that is right, and the file in it that is changed.
struct Input {
    name: String,
    project: Project,
    file: String,
}

/// Share of the mutants of specs that must give exactly one error at the mistake.
const SPECS: f64 = 0.98;
/// The same of manifests.
const MANIFESTS: f64 = 0.97;

fn picks() -> usize {
    std::env::var("WAYBILL_MUTANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// The examples and the generated projects, each with its spec.
fn specs() -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut folders: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.join("waybill.kdl").is_file());
    folders.sort();
    let mut inputs: Vec<Input> = folders
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let mut project = Project { files: folder::files(path) };
            project.files.remove("waybill.yaml");
            Input { name, project, file: "waybill.kdl".into() }
        })
        .collect();
    inputs.extend((0..8).map(|seed| Input {
        name: format!("generated {seed}"),
        project: generate::project(seed),
        file: "waybill.kdl".into(),
    }));
    inputs
}

/// The same projects with each of their manifests.
fn manifests_of(specs: &[Input]) -> Vec<Input> {
    let mut inputs = Vec::new();
    for spec in specs {
        let manifests = spec.project.files.iter().filter(|(path, text)| manifests::is_object(path, text));
        inputs.extend(manifests.map(|(path, _)| Input {
            name: format!("{} {path}", spec.name),
            project: spec.project.clone(),
            file: path.clone(),
        }));
    }
    inputs
}

#[test]
fn each_mistake_gives_one_error_at_its_place() {
    let specs = specs();
    let manifests = manifests_of(&specs);
    let false_positives: Vec<String> = specs.iter().filter_map(wrong_as_it_is).collect();
    assert!(false_positives.is_empty(), "{false_positives:#?}");
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for input in &specs {
        run(input, edits::all(&input.project.files[&input.file]), &mut tallies);
    }
    for input in &manifests {
        run(input, manifests::edits(&input.project.files[&input.file]), &mut tallies);
    }
    println!("{}", table(&tallies));
    println!("0 of {} inputs that are right have a finding", specs.len());
    assert!(tallies.len() >= 30, "only {} kinds of edit found a place", tallies.len());
    for (of_manifests, floor) in [(false, SPECS), (true, MANIFESTS)] {
        let (mutants, right) = sum(&tallies, of_manifests);
        assert!(
            right as f64 >= floor * mutants as f64,
            "{right} of {mutants} mutants give exactly one error at the mistake"
        );
    }
}

/// Mutants of specs or of manifests, and how many of them are right.
fn sum(tallies: &BTreeMap<&'static str, Tally>, of_manifests: bool) -> (usize, usize) {
    let these = tallies.iter().filter(|(kind, _)| kind.starts_with("manifest: ") == of_manifests);
    these.fold((0, 0), |(mutants, right), (_, tally)| (mutants + tally.mutants, right + tally.right))
}

/// Errors and warnings of an input that nothing was done to.
fn wrong_as_it_is(input: &Input) -> Option<String> {
    let outcome = input.project.compile();
    let bad = outcome.findings.iter().any(|finding| finding.severity != Severity::Note);
    (bad || outcome.checked.is_none()).then(|| format!("{}: {:#?}", input.name, outcome.lines()))
}

/// Tries evenly spread mutants of each kind.
fn run(input: &Input, edits: Vec<Edit>, tallies: &mut BTreeMap<&'static str, Tally>) {
    let mut kinds: BTreeMap<&'static str, Vec<Edit>> = BTreeMap::new();
    for edit in edits {
        kinds.entry(edit.kind).or_default().push(edit);
    }
    let limit = picks();
    for (kind, edits) in kinds {
        let step = edits.len().div_ceil(limit).max(1);
        for edit in edits.iter().step_by(step) {
            judge(input, edit, tallies.entry(kind).or_default());
        }
    }
}

fn judge(input: &Input, edit: &Edit, tally: &mut Tally) {
    let mut mutant = input.project.clone();
    let text = mutant.files.get_mut(&input.file).expect("the file is of the project");
    text.replace_range(edit.range.clone(), &edit.text);
    let outcome = mutant.compile();
    tally.mutants += 1;
    let errors: Vec<_> = outcome.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let fate = match errors.as_slice() {
        [] => &mut tally.silent,
        [error] if at(error, edit, input, &outcome) => &mut tally.right,
        [_] => &mut tally.elsewhere,
        _ => &mut tally.several,
    };
    *fate += 1;
    let missed = !matches!(errors.as_slice(), [error] if at(error, edit, input, &outcome));
    if missed && std::env::var("WAYBILL_MUTANTS_SHOWN").is_ok_and(|kind| kind == edit.kind || kind == "all") {
        show(input, edit, &mutant, &outcome);
    }
}

/// Whether an error is at the mistake: with its own place, or, where two files contradict each other and it is told at the
/// other one, with one of its labels.
fn at(error: &Diagnostic, edit: &Edit, input: &Input, outcome: &Outcome) -> bool {
    let here = |span: Span| outcome.sources.path(span.file) == input.file;
    let hit = |span: Span| here(span) && hits(edit, span.start, span.end);
    hit(error.span) || (!here(error.span) && error.labels.iter().any(|label| hit(label.span)))
}

/// Whether a place touches the mistake, or a place where it may be seen.
fn hits(edit: &Edit, start: u32, end: u32) -> bool {
    let (start, end) = (start as usize, end as usize);
    let made = edit.range.start..edit.range.start + edit.text.len();
    let moved = |place: &Range<usize>| {
        let after = |at: usize| if at >= edit.range.end { at + edit.text.len() - edit.range.len().min(at) } else { at };
        after(place.start)..after(place.end)
    };
    std::iter::once(made).chain(edit.places.iter().map(moved)).any(|place| start <= place.end && place.start <= end)
}

fn show(input: &Input, edit: &Edit, mutant: &Project, outcome: &Outcome) {
    let text = &mutant.files[&input.file];
    let from = text[..edit.range.start].rfind('\n').map_or(0, |at| at + 1);
    let to = text[edit.range.start..].find('\n').map_or(text.len(), |at| edit.range.start + at);
    let line = text[..from].matches('\n').count() + 1;
    println!("{} {}:{line}: {}", edit.kind, input.name, &text[from..to]);
    outcome.lines().iter().filter(|line| line.contains(": error")).for_each(|line| println!("    {line}"));
}

fn table(tallies: &BTreeMap<&'static str, Tally>) -> String {
    let mut text =
        format!("{:<34} {:>7} {:>7} {:>7} {:>8} {:>9}\n", "kind", "mutants", "right", "silent", "several", "elsewhere");
    for (kind, tally) in tallies {
        text += &format!(
            "{kind:<34} {:>7} {:>6.1}% {:>7} {:>8} {:>9}\n",
            tally.mutants,
            100.0 * tally.right as f64 / tally.mutants as f64,
            tally.silent,
            tally.several,
            tally.elsewhere
        );
    }
    for (what, of_manifests) in [("specs", false), ("manifests", true)] {
        let (mutants, right) = sum(tallies, of_manifests);
        text += &format!("{what}: {right} of {mutants} right ({:.1} %)\n", 100.0 * right as f64 / mutants as f64);
    }
    text
}
