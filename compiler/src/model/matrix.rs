//! Matrices: which combinations there are, and jobs that are one for each of them.
//!
//! **Invariant:** after `expand` no job has a matrix whose values are known, and no atom names its values.

use std::collections::BTreeMap;

use super::flow::needed;
use super::param::judged;
use super::scope::{self, Scope};
use super::shape::{Kind, Shape};
use super::{Atom, Job, JobId, Value, ValueType, Work};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{Span, Spanned};
use crate::spec::flow::{Combination, Matrix};
use crate::spec::param::Given;
use crate::spec::value;

/// Most combinations of one matrix.
pub const FAN_OUT: usize = 256;

/// A matrix as far as it is known.
#[derive(Clone, Debug)]
pub enum Known {
    /// Values by axis, one entry for each combination.
    Combinations(Vec<Vec<String>>),
    /// An axis is a list that only a run knows.
    Later,
}

/// The axes of a matrix with the type of their values; `None` where a finding silences what follows.
pub fn axes(matrix: &Matrix, scope: &Scope, diags: &mut Diags) -> Vec<(String, Option<ValueType>)> {
    super::resolve::unique(matrix.axes.iter().map(|(name, _)| name), "axis", diags);
    let mut all: Vec<(String, Option<ValueType>)> = Vec::new();
    for (name, given) in &matrix.axes {
        let ty = match given {
            Given::Map { span, .. } => {
                let message = format!("the axis `{}` has values by key", name.value);
                let finding = Diagnostic::new(&codes::MATRIX_WRONG, *span, message).here("a mapping");
                diags.push(finding.help(format!("write its values one after the other: `{} \"A\" \"B\"`", name.value)));
                None
            }
            Given::One(_) | Given::List { .. } => axis_type(name, given, scope, diags),
        };
        all.push((name.value.clone(), ty));
    }
    if matrix.axes.is_empty() {
        for (name, _) in matrix.include.first().map(|first| first.values.as_slice()).unwrap_or_default() {
            all.push((name.value.clone(), Some(ValueType::String)));
        }
    }
    all
}

fn axis_type(name: &Spanned<String>, given: &Given, scope: &Scope, diags: &mut Diags) -> Option<ValueType> {
    let templates = given.templates();
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for template in &templates {
        let typed = scope::resolve(template, scope, diags);
        let [Atom::Text(text)] = typed.value.atoms.as_slice() else {
            return later(name, templates.len(), &typed, diags);
        };
        if let Some(first) = seen.get(text) {
            let message = format!("`{text}` stands twice in the axis `{}`", name.value);
            let finding = Diagnostic::new(&codes::DUPLICATE_VALUE, template.span, message).here("again");
            diags.push(finding.label(*first, "first here"));
        }
        seen.entry(text.clone()).or_insert(template.span);
    }
    if seen.is_empty() {
        let message = format!("the axis `{}` has no value", name.value);
        diags.push(Diagnostic::new(&codes::MATRIX_EMPTY, name.span, message).here("the matrix would run nothing"));
    }
    let all = |ty: ValueType| seen.keys().all(|text| super::bad_literal(text, ty).is_none());
    let ty = [ValueType::Int, ValueType::Bool].into_iter().find(|ty| all(*ty));
    Some(ty.unwrap_or(ValueType::String))
}

/// An axis of which a list is the values.
fn later(name: &Spanned<String>, count: usize, typed: &scope::Typed, diags: &mut Diags) -> Option<ValueType> {
    typed.ty?;
    match typed.shape.as_ref().map(|shape| &shape.kind) {
        Some(Kind::List(of)) if count == 1 => Some(*of),
        Some(_) | None => {
            let message = format!("an expression in the axis `{}` is not a list alone", name.value);
            let finding = Diagnostic::new(&codes::MATRIX_WRONG, typed.value.span, message).here("this is one value");
            diags.push(finding.help("write the values, or one expression of type list"));
            None
        }
    }
}

/// The combinations of a matrix.
pub fn combinations(matrix: &Matrix, axes: &[(String, Option<ValueType>)], diags: &mut Diags) -> Known {
    let names: Vec<&str> = axes.iter().map(|(name, _)| name.as_str()).collect();
    let extra = matrix.include.iter().chain(&matrix.exclude).flat_map(|combination| &combination.values);
    for (name, _) in extra {
        super::resolve::find_in(name, "axis", " in this matrix", &names, diags);
    }
    if matrix.axes.is_empty() && matrix.include.is_empty() {
        let finding = Diagnostic::new(&codes::MATRIX_EMPTY, matrix.span, "a matrix has neither axes nor combinations");
        diags.push(finding.here("nothing would run").help("add `axes { NAME \"A\" \"B\"; }`"));
        return Known::Later;
    }
    let mut lists: Vec<Vec<String>> = Vec::new();
    for (_, given) in &matrix.axes {
        let literals: Option<Vec<String>> = given.templates().into_iter().map(|template| template.literal()).collect();
        match literals {
            Some(values) if !values.is_empty() => lists.push(values),
            Some(_) | None => return Known::Later,
        }
    }
    let product = lists.iter().try_fold(1usize, |all, list| all.checked_mul(list.len())).unwrap_or(usize::MAX);
    let product = if lists.is_empty() { 0 } else { product };
    if product.saturating_add(matrix.include.len()) > FAN_OUT {
        let message = format!("a matrix has {product} combinations, more than the {FAN_OUT} that it may have");
        let finding = Diagnostic::new(&codes::MATRIX_TOO_LARGE, matrix.span, message).here("this many Pods");
        diags.push(finding.help("leave out values, or split the task"));
        return Known::Later;
    }
    let mut all = if lists.is_empty() { Vec::new() } else { multiply(&lists) };
    exclude(matrix, &names, &mut all, diags);
    include(matrix, &names, &mut all, diags);
    if all.is_empty() {
        let message = "every combination of a matrix is excluded";
        diags.push(Diagnostic::new(&codes::MATRIX_EMPTY, matrix.span, message).here("nothing would run"));
        return Known::Later;
    }
    Known::Combinations(all)
}

fn multiply(lists: &[Vec<String>]) -> Vec<Vec<String>> {
    lists.iter().fold(vec![Vec::new()], |all, list| {
        let longer = |head: &Vec<String>, value: &String| head.iter().chain([value]).cloned().collect();
        all.iter().flat_map(|head| list.iter().map(move |value| longer(head, value))).collect()
    })
}

fn exclude(matrix: &Matrix, names: &[&str], all: &mut Vec<Vec<String>>, diags: &mut Diags) {
    let before = all.clone();
    for combination in &matrix.exclude {
        if combination.values.is_empty() || !known(combination, names) {
            continue;
        }
        let has = |values: &[String]| {
            combination.values.iter().all(|(name, value)| {
                names.iter().position(|known| *known == name.value).is_some_and(|at| values[at] == value.value)
            })
        };
        if !before.iter().any(|values| has(values)) {
            let message = "an `exclude` of a matrix leaves nothing out";
            let finding = Diagnostic::new(&codes::MATRIX_EXCLUDES_NOTHING, combination.span, message);
            diags.push(finding.here("no combination has these values"));
        }
        all.retain(|values| !has(values));
    }
}

fn known(combination: &Combination, names: &[&str]) -> bool {
    combination.values.iter().all(|(name, _)| names.contains(&name.value.as_str()))
}

fn include(matrix: &Matrix, names: &[&str], all: &mut Vec<Vec<String>>, diags: &mut Diags) {
    for combination in matrix.include.iter().filter(|combination| known(combination, names)) {
        let value = |name: &&str| {
            combination.values.iter().find(|(key, _)| key.value == **name).map(|(_, text)| text.value.clone())
        };
        match names.iter().map(value).collect::<Option<Vec<String>>>() {
            Some(values) if all.contains(&values) => {
                let message = "an `include` of a matrix is a combination that is there already";
                diags.push(Diagnostic::new(&codes::DUPLICATE_VALUE, combination.span, message).here("again"));
            }
            Some(values) => all.push(values),
            None => {
                let absent = names.iter().find(|name| value(name).is_none()).copied().unwrap_or_default();
                let message = format!("an `include` of a matrix gives no value to the axis `{absent}`");
                let finding = Diagnostic::new(&codes::MATRIX_WRONG, combination.span, message).here("not complete");
                diags.push(finding.help(format!("add `{absent}=\"…\"`")));
            }
        }
    }
}

/// Reports values of an axis that the parameter which gets them does not take.
pub fn fits(job: &Job, combinations: &[Vec<String>], task: &super::Task, axes: &[String], diags: &mut Diags) {
    let Work::Task(work) = &job.work else { return };
    for (param, given) in task.params.iter().zip(&work.params) {
        let Some(super::Given::One(Value { atoms, span })) = given else { continue };
        let [Atom::Matrix(axis)] = atoms.as_slice() else { continue };
        let Some(at) = axes.iter().position(|name| name == axis) else { continue };
        let shape: &Shape = &param.shape;
        // Where all values are numbers or truth values, a type that does not fit has been said.
        let plain = |ty: ValueType| combinations.iter().all(|values| super::bad_literal(&values[at], ty).is_none());
        let said = plain(ValueType::Int) || plain(ValueType::Bool);
        let wrong = combinations.iter().find_map(|values| Some((&values[at], shape.misfit(&values[at])?)));
        let wrong = wrong.filter(|(_, misfit)| !said || matches!(misfit, super::shape::Misfit::Rule(_)));
        if let Some((text, misfit)) = wrong {
            let mut finding = judged(format!("the value `{text}` of the axis `{axis}`"), misfit, *span, shape, text);
            finding.fixes.clear();
            diags.push(finding.label(param.name.span, "the parameter is declared here"));
        }
    }
}

/// Each job once for each of its combinations; what names one of them names them all.
pub fn expand(jobs: Vec<Job>, finally: Vec<Job>) -> (Vec<Job>, Vec<Job>) {
    let mut taken: Vec<String> = jobs.iter().chain(&finally).map(|job| job.name.value.clone()).collect();
    let mut new: Vec<Vec<JobId>> = Vec::new();
    let mut all: Vec<Job> = Vec::new();
    for job in jobs {
        let copies = copies(job, &mut taken);
        new.push((all.len()..all.len() + copies.len()).map(JobId).collect());
        all.extend(copies.into_iter().map(|job| renumber(job, &new)));
    }
    let finally: Vec<Job> = finally.into_iter().flat_map(|job| copies(job, &mut taken)).collect();
    (all, finally.into_iter().map(|job| renumber(job, &new)).collect())
}

fn copies(mut planned: Job, taken: &mut Vec<String>) -> Vec<Job> {
    let Some((axes, combinations)) = planned.flow.expansion.take() else { return vec![planned] };
    let mut all = Vec::new();
    for (at, values) in combinations.iter().enumerate() {
        let mut job = planned.clone();
        job.name.value = free_name(&planned.name.value, values, at, taken);
        taken.push(job.name.value.clone());
        for atom in values_of(&mut job).into_iter().flat_map(|value| &mut value.atoms) {
            put(atom, &axes, values);
        }
        all.push(job);
    }
    all
}

/// Puts the values at hand in the place of their axes.
fn put(atom: &mut Atom, axes: &[String], values: &[String]) {
    match atom {
        Atom::Matrix(axis) => {
            if let Some(at) = axes.iter().position(|name| name == axis) {
                *atom = Atom::Text(values[at].clone());
            }
        }
        Atom::Computed(computed) => {
            computed.inputs.iter_mut().for_each(|input| put(&mut input.atom, axes, values));
        }
        Atom::Text(_) | Atom::Param(_) | Atom::ParamField(..) | Atom::ParamShort(_) | Atom::JobStatus(_) => {}
        Atom::Workspace(_) | Atom::ResultPath(_) => {}
        Atom::JobResult(..) | Atom::JobResults(..) | Atom::ImageDigest(_) => {}
    }
}

/// `test-linux-1-21`, or with a number where that is no name or is taken.
fn free_name(base: &str, values: &[String], at: usize, taken: &[String]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let tail: Vec<String> = values.iter().map(|value| value.chars().map(plain).collect()).collect();
    let readable = format!("{base}-{}", tail.join("-"));
    let mut numbered = (at + 1..).map(|number| format!("{base}-{number}"));
    if value::is_name(&readable) && readable.len() <= 50 && !taken.contains(&readable) {
        return readable;
    }
    numbered.find(|name| !taken.contains(name)).expect("BUG: numbers do not end")
}

fn values_of(job: &mut Job) -> Vec<&mut Value> {
    match &mut job.work {
        Work::Task(work) => work.params.iter_mut().flatten().flat_map(super::Given::values_mut).collect(),
        Work::Image(work) => vec![&mut work.tag],
        Work::Approval(_) => Vec::new(),
    }
}

fn renumber(mut job: Job, new: &[Vec<JobId>]) -> Job {
    let mut after: Vec<JobId> = job.after.iter().flat_map(|id| new[id.0].clone()).collect();
    for value in values_of(&mut job) {
        for atom in &mut value.atoms {
            renumber_atom(atom, new);
            after.extend(needed(atom));
        }
    }
    after.sort();
    after.dedup();
    job.after = after;
    job
}

fn renumber_atom(atom: &mut Atom, new: &[Vec<JobId>]) {
    match atom {
        Atom::JobResult(id, _) | Atom::ImageDigest(id) | Atom::JobStatus(id) => *id = new[id.0][0],
        Atom::JobResults(ids, ..) => *ids = ids.iter().flat_map(|id| new[id.0].clone()).collect(),
        Atom::Computed(computed) => {
            computed.inputs.iter_mut().for_each(|input| renumber_atom(&mut input.atom, new));
        }
        Atom::Text(_) | Atom::Param(_) | Atom::ParamField(..) | Atom::ParamShort(_) => {}
        Atom::Workspace(_) | Atom::ResultPath(_) | Atom::Matrix(_) => {}
    }
}
