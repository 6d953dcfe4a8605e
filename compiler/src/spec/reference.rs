//! The language as documents, from its tables: a JSON Schema of the YAML form, and the reference for people.
//!
//! **Invariant:** nothing here knows a block by name: what the tables do not say is not in the documents, but for what
//! expressions can name.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ROOT;
use super::table::{Arg, Block, Child, Count, Prop, Type};

/// The JSON Schema (draft 2020-12) of a spec in YAML.
pub fn json_schema() -> Value {
    let mut schema = mapping(&ROOT);
    let object = schema.as_object_mut().expect("BUG: a mapping's schema is an object");
    object.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    object.insert("title".into(), "Waybill delivery spec".into());
    schema
}

/// A block as a mapping.
fn mapping(block: &'static Block) -> Value {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    if let Some(arg) = block.args.first() {
        properties.insert(arg.name.into(), described(by_position(arg), arg.doc, None));
        required.extend(arg.required.then_some(arg.name));
    }
    for prop in block.props {
        properties.insert(prop.name.into(), described(of_type(prop.ty), prop.doc, prop.default));
        required.extend(prop.required.then_some(prop.name));
    }
    for child in block.children {
        if child.count == Count::Several {
            let list = json!({"type": "array", "minItems": 1, "items": form(child.block)});
            properties.insert(child.block.plural.into(), described(list, child.block.doc, None));
        }
        let many = child.count == Count::Many;
        let key = if many { child.block.plural } else { child.block.name };
        let schema = if many { json!({"type": "array", "items": form(child.block)}) } else { form(child.block) };
        // A key may be a property and a block (`after`): both forms are right.
        let schema = match properties.remove(key) {
            Some(other) => json!({"anyOf": [other, schema]}),
            None => schema,
        };
        properties.insert(key.into(), described(schema, child.block.doc, None));
        required.extend((child.count == Count::Required).then_some(key));
    }
    let others = others(block);
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": others});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    described(schema, block.doc, None)
}

/// What keys of the writer's own choice may hold.
fn others(block: &Block) -> Value {
    let mut forms: Vec<Value> = block.open.iter().map(|open| of_type(open.ty)).collect();
    if let Some(nested) = block.nested {
        let value = of_type(nested.ty);
        if forms.is_empty() {
            forms.push(value.clone());
        }
        forms.push(json!({"type": "array", "items": value.clone()}));
        forms.push(json!({"type": "object", "additionalProperties": value}));
    }
    match forms.len() {
        0 => Value::Bool(false),
        1 => forms.remove(0),
        _ => json!({"anyOf": forms}),
    }
}

/// All forms of a block: a mapping, or its first value alone, or nothing where nothing must be said.
fn form(block: &'static Block) -> Value {
    let mut forms = vec![mapping(block)];
    let complete = !block.props.iter().any(|prop| prop.required)
        && !block.children.iter().any(|child| child.count == Count::Required);
    if let (Some(arg), true) = (block.args.first(), complete) {
        forms.push(by_position(arg));
    }
    if complete && !block.args.iter().any(|arg| arg.required) && block.open.is_none() {
        forms.push(json!({"type": ["boolean", "null"]}));
    }
    if forms.len() == 1 { forms.remove(0) } else { json!({"anyOf": forms}) }
}

fn by_position(arg: &Arg) -> Value {
    if !arg.many {
        return of_type(arg.ty);
    }
    json!({"anyOf": [of_type(arg.ty), {"type": "array", "items": of_type(arg.ty)}]})
}

fn described(mut schema: Value, doc: &str, default: Option<&str>) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".into(), doc.into());
        object.extend(default.map(|value| ("default".to_owned(), default_value(value))));
    }
    schema
}

/// A default is written as in KDL.
fn default_value(text: &str) -> Value {
    match text {
        "#true" => Value::Bool(true),
        "#false" => Value::Bool(false),
        text => text.into(),
    }
}

fn of_type(ty: Type) -> Value {
    // What a `for-each` fills in is checked when it is known.
    let pattern = |pattern: &str| json!({"type": "string", "pattern": format!("{pattern}|\\$\\{{each\\.")});
    match ty {
        Type::Name => pattern("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"),
        Type::Reference => pattern("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z]([a-z0-9-]{0,61}[a-z0-9])?)*$"),
        Type::Word => pattern("^[A-Za-z_][A-Za-z0-9_-]{0,62}$"),
        Type::Text | Type::Template | Type::Script => json!({"type": "string"}),
        Type::Expression => json!({"type": "string", "minLength": 1}),
        Type::Path | Type::Url | Type::Image => json!({"type": "string", "minLength": 1}),
        Type::Bool => json!({"type": "boolean"}),
        Type::Int => json!({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "\\$\\{each\\."}]}),
        Type::Duration => pattern("^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"),
        Type::Quantity => json!({"anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": "^[0-9]*\\.?[0-9]*(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|u|n)?$", "minLength": 1},
        ]}),
        Type::Percent => json!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 100},
            {"type": "string", "pattern": "^[0-9]{1,3}%?$"},
        ]}),
        Type::Enum(names) => json!({"enum": names}),
        Type::Any => json!({"type": ["string", "number", "boolean"]}),
    }
}

/// One block in both syntaxes, as a part of a spec that compiles.
#[derive(Clone, Debug)]
pub struct Example {
    pub kdl: String,
    pub yaml: String,
}

/// Examples by the `key` of their block.
pub type Examples = BTreeMap<usize, Example>;

/// What tells one table from another: two blocks of one name may have different tables.
pub fn key(block: &'static Block) -> usize {
    std::ptr::from_ref(block) as usize
}

/// The reference of the language as Markdown. `unsupported` is what a plan refuses because apply cannot do it yet.
pub fn reference_markdown(examples: &Examples, unsupported: &[String]) -> String {
    let mut page = String::from(HEAD);
    let mut shown = BTreeMap::new();
    for child in ROOT.children {
        block(child, child.block.name, 2, &mut (&mut page, examples, &mut shown));
    }
    page.push_str(EXPRESSIONS);
    page.push_str(&super::param::TYPES.iter().map(|ty| format!("`{ty}`")).collect::<Vec<_>>().join(", "));
    page.push_str(".\n");
    page.push_str(FUNCTIONS);
    for [form, result] in crate::expr::function_forms() {
        page.push_str(&format!("| `{form}` | {result} |\n"));
    }
    page.push_str(NOT_YET);
    unsupported.iter().for_each(|what| page.push_str(&format!("- {what}\n")));
    page
}

const FUNCTIONS: &str = "
### Functions

The macros `has`, `all`, `exists`, `exists_one`, `map` and `filter` are those of CEL. Reading an expression and working it
out have limits on depth, size and cost, each with an error of its own.

| form | gives |
|---|---|
";

const NOT_YET: &str = "
## What apply does not do yet

All of this is read and checked in full. A plan of a spec that uses it is refused at the place where it is written
(`not-supported-by-apply`). The list is what plans of the specs that the examples are taken from refuse.

";

const HEAD: &str = "# The language

Generated from the tables of the compiler; do not edit.

A spec is `waybill.kdl`, or `*.kdl` under `.waybill/`, in KDL version 2; or `waybill.yaml`, or `*.yaml` under `.waybill/`.
Both are one language. In KDL a block is a name, its values, `key=value` properties, and inner blocks in braces. In YAML a
block that may repeat is a list under its plural, its first value has the key that is named here, properties and single
blocks are keys; a block without anything in it is `true`.

What goes wrong is explained in [diagnostics.md](diagnostics.md), and by `waybill explain CODE`.
";

const EXPRESSIONS: &str = "
## Expressions

`${…}` in a string stands for a value; `$${` is `${` itself.

| expression | where | stands for |
|---|---|---|
| `param.NAME` | task, pipeline | the value of a parameter; a `commit` stands for its sha |
| `param.NAME.sha`, `param.NAME.short` | task, pipeline | a commit's id, its first seven characters |
| `workspace.NAME` | task | the path of a workspace |
| `result.NAME.path` | task | the path of the file that a step writes the result to |
| `task.NAME.result.NAME` | pipeline | a result of another task, which is waited for |
| `task.NAME.status` | `finally` | `succeeded`, `failed` or `skipped`: what became of a task |
| `matrix.AXIS` | task of a pipeline with a matrix | the value at hand |
| `param.NAME.FIELD` | task, pipeline | a field of an object |
| `image.NAME.digest` | pipeline | the digest of an image, which is waited for |

In the shell texts of `run` and `script` nothing is replaced: values reach a step as environment variables.

Types of parameters and results: ";

/// The page so far, the examples, and under which path those that stand on it are.
type Page<'p> = (&'p mut String, &'p Examples, &'p mut BTreeMap<usize, String>);

fn block(child: &Child, path: &str, level: usize, state: &mut Page) {
    let page = &mut *state.0;
    let block_table = child.block;
    let marks = "#".repeat(level.min(5));
    page.push_str(&format!("\n{marks} `{path}`\n\n{} {}\n", block_table.doc, how_often(child)));
    let mut rows: Vec<[String; 3]> = Vec::new();
    rows.extend(block_table.args.iter().map(arg_row));
    rows.extend(block_table.props.iter().map(prop_row));
    if let Some(open) = block_table.open {
        rows.push([format!("*{}*", open.key), open.ty.describe(), "any number of them".into()]);
    }
    if let Some(nested) = block_table.nested {
        let ty = format!("an inner block with values by position or by key, each {}", nested.ty.describe());
        rows.push([format!("*{}*", nested.key), ty, "any number of them; in YAML a list or mapping".into()]);
    }
    if !rows.is_empty() {
        page.push_str("\n| | what | |\n|---|---|---|\n");
        for [name, ty, doc] in rows {
            page.push_str(&format!("| {name} | {} | {} |\n", cell(&ty), cell(&doc)));
        }
    }
    example(block_table, path, state);
    for inner in block_table.children {
        block(inner, &format!("{path} / {}", inner.block.name), level + 1, state);
    }
}

/// The example of a block where its table stands for the first time, else the way there.
fn example(table: &'static Block, path: &str, (page, examples, shown): &mut Page) {
    let Some(example) = examples.get(&key(table)) else { return };
    match shown.get(&key(table)) {
        Some(first) => page.push_str(&format!("\nExample: under `{first}`.\n")),
        None => {
            shown.insert(key(table), path.to_owned());
            page.push_str(&format!("\n```kdl\n{}\n```\n\n```yaml\n{}\n```\n", example.kdl, example.yaml));
        }
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn how_often(child: &Child) -> String {
    match child.count {
        Count::Required => "Required.".into(),
        Count::Optional => "At most one.".into(),
        Count::Many => format!("Any number; in YAML a list `{}`.", child.block.plural),
        Count::Several => {
            format!("At least one; in YAML `{}`, or a list `{}`.", child.block.name, child.block.plural)
        }
        Count::Merged => format!("Any number, which count as one; in YAML one mapping `{}`.", child.block.name),
    }
}

fn arg_row(arg: &Arg) -> [String; 3] {
    let many = if arg.many { ", one or more" } else { "" };
    let optional = if arg.required { "" } else { " (optional)" };
    [format!("**{}** by position{many}", arg.name), arg.ty.describe(), format!("{}{optional}", arg.doc)]
}

fn prop_row(prop: &Prop) -> [String; 3] {
    let rest = match (prop.required, prop.default) {
        (true, _) => "; required".to_owned(),
        (false, Some(value)) => format!("; default `{value}`"),
        (false, None) => String::new(),
    };
    [format!("`{}`", prop.name), prop.ty.describe(), format!("{}{rest}", prop.doc)]
}
