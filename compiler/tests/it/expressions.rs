//! The expression language: a table of cases from the CEL language definition, the `cel` crate as an oracle on generated
//! expressions, and whatever is written: no panic, no place outside the text.

use proptest::prelude::*;
use waybill_compiler::check;
use waybill_compiler::desired;
use waybill_compiler::diag::Diags;
use waybill_compiler::expr::{self, Bindings, Budget, Dialect, Failure, Scope, Ty, Value};
use waybill_compiler::model::PipelineId;
use waybill_compiler::plan::{effect, observed};
use waybill_compiler::source::{FileId, Span};
use waybill_compiler::syntax::Text;

fn read(source: &str, dialect: Dialect) -> (expr::Expression, Diags) {
    let mut diags = Diags::default();
    let text = Text::plain(source, Span::new(FileId(0), 0, source.len()));
    let expression = expr::whole(&text, dialect, &mut diags);
    (expression, diags)
}

fn eval_in(source: &str, dialect: Dialect) -> Result<Value, expr::EvalError> {
    let (expression, diags) = read(source, dialect);
    assert!(diags.is_empty(), "{source}: {diags:?}");
    expr::eval(&expression, &Bindings::default(), Budget::SPEC)
}

/// Expressions that are true.
const TRUE: &[&str] = &[
    "1 + 2 * 3 == 7",
    "(1 + 2) * 3 == 9",
    "7 / 2 == 3",
    "-7 / 2 == -3",
    "-7 % 2 == -1",
    "7u / 2u == 3u",
    "1 == 1.0",
    "1u == 1",
    "1 < 1.5",
    "2u > 1.5",
    "1.0 in [1, 2]",
    "!(1 == 2)",
    "- 1 == -1",
    "--1 == 1",
    "9223372036854775807 < 9223372036854775808.0",
    "-9223372036854775808 < 0",
    "0x1F == 31",
    "1e3 == 1000.0",
    "'a' + \"b\" == 'ab'",
    "r'\\d' == '\\\\d'",
    "'\\x41\\u0042\\103' == 'ABC'",
    "b'\\xff' != b'\\x00'",
    "'''a'b''' == \"a'b\"",
    "size('héllo') == 5",
    "size(b'h\\303') == 2",
    "[1, 2].size() == 2",
    "{'a': 1}.size() == 1",
    "size([]) == 0",
    "'hello'.contains('ell')",
    "'hello'.startsWith('he')",
    "'hello'.endsWith('lo')",
    "'hello'.matches('^h.*o$')",
    "'a,b,c'.split(',') == ['a', 'b', 'c']",
    "'a,b,c'.split(',', 2) == ['a', 'b,c']",
    "'abc'.split('') == ['a', 'b', 'c']",
    "['a', 'b'].join('-') == 'a-b'",
    "'aXbX'.replace('X', '') == 'ab'",
    "'aXbX'.replace('X', '', 1) == 'abX'",
    "'tacocat'.substring(4) == 'cat'",
    "'tacocat'.substring(0, 4) == 'taco'",
    "'hello mellow'.indexOf('ello', 2) == 7",
    "'hello mellow'.lastIndexOf('ello') == 7",
    "'hello mellow'.lastIndexOf('ello', 6) == 1",
    "'héllo'.charAt(1) == 'é'",
    "' a '.trim() == 'a'",
    "'AbÉ'.lowerAscii() == 'abÉ'",
    "'abé'.upperAscii() == 'ABé'",
    "'x'.charAt(1) == ''",
    "false && 1 / 0 > 1 ? false : true",
    "true || 1 / 0 > 1",
    "1 / 0 > 1 || true",
    "!(1 / 0 > 1 && false)",
    "[1, 2, 3].all(x, x > 0)",
    "[1, 2, 3].exists(x, x == 2)",
    "[1, 2, 3].exists_one(x, x > 2)",
    "![1, 1].exists_one(x, x == 1)",
    "[1, 2].map(x, x * 2) == [2, 4]",
    "[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
    "[1, 2, 3].filter(x, x != 2) == [1, 3]",
    "{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])",
    "[].all(x, false)",
    "![].exists(x, true)",
    "[0, 1].exists(x, 1 / x == 1)",
    "has({'a': 1}.a)",
    "!has({'a': 1}.b)",
    "{'a': {'b': 1}}.a.b == 1",
    "{'a': 1}['a'] == 1",
    "{1: 'x'}[1u] == 'x'",
    "{1: 'x'}[1.0] == 'x'",
    "'a' in {'a': null}",
    "[[1], [2]] == [[1], [2]]",
    "{'a': 1, 'b': 2} == {'b': 2, 'a': 1.0}",
    "null == null",
    "1 != null || true",
    "true ? true : 1 / 0 == 1",
    "int('42') == 42",
    "int(3.99) == 3",
    "uint(7) == 7u",
    "double('1.5') == 1.5",
    "string(1.0) == '1'",
    "string(true) == 'true'",
    "string(b'abc') == 'abc'",
    "bool('true')",
    "type(1) == int",
    "type('a') == string",
    "type([]) == list",
    "type(type(1)) == type",
    "type(null) == null_type",
    "duration('1h30m') == duration('5400s')",
    "string(duration('1.5s')) == '1.5s'",
    "duration('-1m').getSeconds() == -60",
    "duration('90m').getHours() == 1",
    "timestamp('2009-02-13T23:31:30Z').getFullYear() == 2009",
    "timestamp('2009-02-13T23:31:30Z').getMonth() == 1",
    "timestamp('2009-02-13T23:31:30Z').getDate() == 13",
    "timestamp('2009-02-13T23:31:30Z').getDayOfMonth() == 12",
    "timestamp('2009-02-13T23:31:30Z').getDayOfWeek() == 5",
    "timestamp('2009-02-13T23:31:30Z').getHours('+02:00') == 1",
    "int(timestamp('1970-01-01T00:01:00Z')) == 60",
    "timestamp('2024-01-01T00:00:00Z') + duration('24h') == timestamp('2024-01-02T00:00:00Z')",
    "timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')",
    "'a' < 'b' && false < true && b'a' < b'b'",
    "0.0 / 0.0 != 0.0 / 0.0",
    "1.0 / 0.0 > 1.0",
    "[1, 2] + [3] == [1, 2, 3]",
    "a_b.map(x, x)[0] == 1 || true",
];

#[test]
fn what_the_definition_says_is_true_is_true() {
    for source in TRUE {
        assert_eq!(eval_in(source, Dialect::Waybill).map_err(|error| error.message), Ok(Value::Bool(true)), "{source}");
        assert_eq!(
            eval_in(source, Dialect::Kubernetes).map_err(|error| error.message),
            Ok(Value::Bool(true)),
            "{source}"
        );
    }
}

#[test]
fn what_has_no_value_says_why_and_where() {
    use Failure::{Argument, Missing, Range, Type};
    for (source, failure, place) in [
        ("1 + 1 / 0", Range, "/"),
        ("9223372036854775807 + 1", Range, "+"),
        ("-(-9223372036854775808)", Range, "(-9223372036854775808)"),
        ("0u - 1u", Range, "-"),
        ("1 % 0", Range, "%"),
        ("[1][1]", Argument, "1"),
        ("{'a': 1}.b", Missing, "b"),
        ("{'a': 1}['b']", Missing, "'b'"),
        ("x", Missing, "x"),
        ("int('x')", Argument, "int"),
        ("1 + 'a'", Type, "+"),
        ("'a'.matches('(')", Argument, "matches"),
        ("timestamp('soon')", Argument, "timestamp"),
        ("duration('1 fortnight')", Argument, "duration"),
        ("{'a': 1, 'a': 2}", Argument, "'a'"),
        ("1 ? 2 : 3", Type, "1"),
        ("[1, 2].exists_one(x, 1 / (x - 1) > 0)", Range, "/"),
        ("'abc'.substring(2, 1)", Argument, "substring"),
    ] {
        let error = eval_in(source, Dialect::Waybill).unwrap_err();
        let (from, to) = (error.span.start as usize, error.span.end as usize);
        assert_eq!((error.failure, &source[from..to]), (failure, place), "{source}: {}", error.message);
    }
}

#[test]
fn kubernetes_functions() {
    for source in [
        "[1, 2, 2].isSorted()",
        "![2, 1].isSorted()",
        "[1, 2].sum() == 3",
        "[3, 1].min() == 1",
        "[3, 1].max() == 3",
        "[].sum() == 0",
        "['a', 'b'].indexOf('b') == 1",
        "[1, 1].lastIndexOf(1) == 1",
        "'abc 123'.find('[0-9]+') == '123'",
        "'1 2 3'.findAll('[0-9]') == ['1', '2', '3']",
        "'1 2 3'.findAll('[0-9]', 2) == ['1', '2']",
        "url('https://user@example.com:80/path?k=v&k=w').getScheme() == 'https'",
        "isURL('/absolute')",
        "!isURL('../relative')",
        "url('https://example.com:80/p?k=v').getHost() == 'example.com:80'",
        "url('https://[::1]:80/').getHostname() == '::1'",
        "url('https://example.com:80/p').getPort() == '80'",
        "url('https://e.com/a%20b').getEscapedPath() == '/a%20b'",
        "url('https://e.com/?k=v&k=w').getQuery()['k'] == ['v', 'w']",
        "isQuantity('1.5Gi')",
        "!isQuantity('1.5Gb')",
        "quantity('500m').isLessThan(quantity('1'))",
        "quantity('1Gi').compareTo(quantity('1024Mi')) == 0",
        "quantity('1k').asInteger() == 1000",
        "quantity('1').add(1).asInteger() == 2",
        "!quantity('0.5').isInteger()",
        "quantity('-1').sign() == -1",
        "quantity('1e3') == quantity('1k')",
        "isIP('10.0.0.1')",
        "!isIP('10.0.0')",
        "ip('::1').isLoopback()",
        "ip('10.0.0.1').family() == 4",
        "ip('10.0.0.1').isGlobalUnicast()",
        "isCIDR('10.0.0.0/8')",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
        "!cidr('10.0.0.0/8').containsIP('11.1.2.3')",
        "cidr('10.0.0.0/8').prefixLength() == 8",
        "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
        "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
        "cidr('0.0.0.0/0').containsIP('1.2.3.4')",
        "string(ip('::1')) == '::1'",
        "!isCIDR('10.0.0.0/33')",
    ] {
        assert_eq!(
            eval_in(source, Dialect::Kubernetes).map_err(|error| error.message),
            Ok(Value::Bool(true)),
            "{source}"
        );
        let (expression, _) = read(source, Dialect::Kubernetes);
        let mut diags = Diags::default();
        assert_eq!(expr::check(&expression, &Scope::default(), &Ty::Bool, &mut diags), Ty::Bool, "{source}: {diags:?}");
    }
}

#[test]
fn budgets_end_what_is_too_much() {
    let many = format!("[{}]", vec!["1"; 60].join(","));
    let nested = format!("{many}.all(a, {many}.all(b, {many}.all(c, {many}.all(d, a == b && c == d || true))))");
    assert_eq!(eval_in(&nested, Dialect::Waybill).unwrap_err().failure, Failure::Cost);
    let doubled = (0..20).fold("'0123456789'".to_owned(), |inner, _| format!("[{inner}].map(x, x + x)[0]"));
    assert_eq!(eval_in(&doubled, Dialect::Waybill).unwrap_err().failure, Failure::Size);
}

#[test]
fn an_unknown_value_is_absorbed_like_an_error() {
    let bindings = Bindings::default().with("later", Value::Unknown("image.api.digest".into()));
    for (source, value) in
        [("later == 'x' || true", Some(true)), ("false && later == 'x'", Some(false)), ("later == 'x'", None)]
    {
        let (expression, _) = read(source, Dialect::Waybill);
        match (expr::eval(&expression, &bindings, Budget::SPEC), value) {
            (Ok(found), Some(value)) => assert_eq!(found, Value::Bool(value)),
            (Err(error), None) => assert_eq!(error.failure, Failure::Unknown),
            (found, _) => panic!("{source}: {found:?}"),
        }
    }
}

/// A well-typed expression: its text, by type.
fn generated() -> impl Strategy<Value = String> {
    let int = prop_oneof![(-20i64..20).prop_map(|n| format!("({n})")), Just("9223372036854775807".to_owned())];
    let leaf = int.prop_map(|text| text).boxed();
    let ints = leaf.prop_recursive(4, 24, 3, |inner| {
        let sign = prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")];
        prop_oneof![
            (inner.clone(), sign, inner.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} < {b} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}].map(x, x - 1)[1]")),
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("size([{}])", items.join(", "))),
        ]
    });
    let sign = prop_oneof![Just("<"), Just("<="), Just("=="), Just("!="), Just(">"), Just(">=")];
    let text = prop_oneof![Just("'ab'"), Just("'b'"), Just("''"), Just("'é'")];
    let truth = prop_oneof![
        (ints.clone(), sign, ints.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
        (text.clone(), text.clone()).prop_map(|(a, b)| format!("({a} + {b}).contains({b})")),
        (text.clone(), text).prop_map(|(a, b)| format!("({a} < {b})")),
        (ints.clone(), ints).prop_map(|(a, b)| format!("[{a}, 1, 2].exists(y, y == {b})")),
    ];
    truth.boxed().prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!{a}")),
        ]
    })
}

fn oracle(source: &str) -> Option<bool> {
    let program = cel::Program::compile(source).unwrap();
    match program.execute(&cel::Context::default()) {
        Ok(cel::Value::Bool(truth)) => Some(truth),
        Ok(_) | Err(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_the_oracle(source in generated()) {
        let (expression, diags) = read(&source, Dialect::Waybill);
        prop_assert!(diags.is_empty(), "{:?}", diags);
        let mut diags = Diags::default();
        prop_assert_eq!(expr::check(&expression, &Scope::default(), &Ty::Bool, &mut diags), Ty::Bool);
        let ours = match expr::eval(&expression, &Bindings::default(), Budget::SPEC) {
            Ok(Value::Bool(truth)) => Some(truth),
            Ok(_) | Err(_) => None,
        };
        let theirs = oracle(&source);
        // The oracle does not absorb every error of `&&` and `||`; where it has a value, it is ours.
        prop_assert!(theirs.is_none() || ours == theirs, "{}: ours {:?}, theirs {:?}", source, ours, theirs);
    }

    #[test]
    fn no_text_panics(source in "[a-z0-9.'\"(){}\\[\\],?:+*/%<>=!&| \\\\$`#éb-]{0,40}", kubernetes in any::<bool>()) {
        let dialect = if kubernetes { Dialect::Kubernetes } else { Dialect::Waybill };
        let (expression, mut diags) = read(&source, dialect);
        expr::check(&expression, &Scope::default().with("a", Ty::Dyn), &Ty::Bool, &mut diags);
        let _ = expr::eval(&expression, &Bindings::default().with("a", Value::Int(1)), Budget::SPEC);
        for finding in diags.iter() {
            let (from, to) = (finding.span.start as usize, finding.span.end as usize);
            prop_assert!(source.get(from..to).is_some(), "{source}: {finding:?}");
        }
    }
}

const PLANNED: &str = r#"project "shop"
task "show" {
    param "tags" type="list" of="string" { default "a" "b"; }
    param "count" type="int" default=2
    param "name"
    param "late" default="x"
    step "show" image="alpine:3.22" {
        run "echo \"$A $B $C\""
        env A="${param.tags.map(tag, tag + '-' + param.name).join(',')}" B="${param.count * 21}"
        env C="v${param.count > 1 ? 'many' : 'one'}!" D="LATE"
    }
}
task "make" {
    result "word"
    step "make" image="alpine:3.22" {
        run "echo x > \"$OUT\""
        env OUT="${result.word.path}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    task "make" use="make"
    task "show" use="show" { param name="${param.revision.short + '-rc'}" late="${task.make.result.word}"; }
}
"#;

/// The environment variables of a planned step, and the problems of the plan.
fn planned(text: &str) -> (Vec<String>, Vec<String>) {
    let outcome = crate::project::Project::parse(text, "waybill.kdl").compile();
    let checked = outcome.checked.as_ref().unwrap_or_else(|| panic!("{:#?}", outcome.lines()));
    let git = observed::Git { revision: "0123456789abcdef0123456789abcdef01234567".into(), ..Default::default() };
    let observed = observed::Observed { git: Some(git), ..Default::default() };
    let mut problems = Diags::default();
    let run = desired::run::wanted(checked.model(), PipelineId(0), &observed, &Default::default(), &mut problems);
    let tasks = run.iter().flat_map(|run| run.groups.iter().flat_map(|group| &group.tasks));
    let env = tasks.filter(|task| task.name == "show").flat_map(|task| task.steps.iter().flat_map(|step| &step.env));
    let shown = |env: &effect::Env| match env.parts.as_slice() {
        [effect::Part::Text(text)] => format!("{}={text}", env.name),
        parts => format!("{}={parts:?}", env.name),
    };
    let refused = check::refused_at_plan(checked).into_iter().chain(problems);
    (env.map(shown).collect(), refused.map(|finding| finding.message).collect())
}

#[test]
fn expressions_over_parameters_have_their_values_in_a_plan() {
    let (env, problems) = planned(PLANNED);
    assert_eq!(env, ["A=a-0123456-rc,b-0123456-rc", "B=42", "C=vmany!", "D=LATE"]);
    assert_eq!(problems, [] as [&str; 0]);
}

#[test]
fn a_plan_refuses_expressions_over_results_and_says_what_has_no_value() {
    let late = PLANNED.replace("D=\"LATE\"", "D=\"${param.late + '!'}\"");
    assert_eq!(planned(&late).1, ["an expression over what only the run gives is not supported yet by apply"]);
    let direct = PLANNED.replace("late=\"${task.make.result.word}\"", "late=\"${task.make.result.word + '!'}\"");
    assert_eq!(planned(&direct).1, ["an expression over what only the run gives is not supported yet by apply"]);
    let zero = PLANNED.replace("param.count * 21", "21 / (param.count - 2)");
    assert_eq!(planned(&zero).1, ["an expression has no value: a division by zero"]);
}
