//! The functions as a table: what they take and what they give. The checker reads it, and the evaluator is held to it by
//! a test.
//!
//! Source of the rules: the standard definitions of the CEL language definition, cel-go's extension `strings`, and the
//! libraries of Kubernetes' `apiserver/pkg/cel/library`.

use super::Dialect;
use super::ty::Ty;

/// One form of a function. The target of a method is its first argument.
#[derive(Debug)]
pub(super) struct Function {
    pub name: &'static str,
    pub method: bool,
    pub args: &'static [Arg],
    pub result: Gives,
    pub kubernetes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arg {
    Any,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    List,
    Strings,
    Map,
    Opaque(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    Type,
    Dyn,
    Strings,
    /// What the list of the first argument holds.
    Element,
    Opaque(&'static str),
}

impl Arg {
    pub fn accepts(self, ty: &Ty) -> bool {
        match self {
            Arg::Any => true,
            Arg::Bool => ty.fits(&Ty::Bool),
            Arg::Int => ty.fits(&Ty::Int),
            Arg::Uint => ty.fits(&Ty::Uint),
            Arg::Double => ty.fits(&Ty::Double),
            Arg::String => ty.fits(&Ty::String),
            Arg::Bytes => ty.fits(&Ty::Bytes),
            Arg::Duration => ty.fits(&Ty::Duration),
            Arg::Timestamp => ty.fits(&Ty::Timestamp),
            Arg::List => ty.fits(&Ty::list(Ty::Dyn)),
            Arg::Strings => ty.fits(&Ty::list(Ty::String)),
            Arg::Map => matches!(ty, Ty::Map(..) | Ty::Object(_)) || ty.is_open(),
            Arg::Opaque(name) => ty.fits(&Ty::Opaque(name)),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Arg::Any => "any value",
            Arg::Bool => "bool",
            Arg::Int => "int",
            Arg::Uint => "uint",
            Arg::Double => "double",
            Arg::String => "string",
            Arg::Bytes => "bytes",
            Arg::Duration => "duration",
            Arg::Timestamp => "timestamp",
            Arg::List => "list",
            Arg::Strings => "list of string",
            Arg::Map => "map",
            Arg::Opaque(name) => name,
        }
    }
}

impl Gives {
    pub fn ty(self, first: Option<&Ty>) -> Ty {
        match self {
            Gives::Bool => Ty::Bool,
            Gives::Int => Ty::Int,
            Gives::Uint => Ty::Uint,
            Gives::Double => Ty::Double,
            Gives::String => Ty::String,
            Gives::Bytes => Ty::Bytes,
            Gives::Duration => Ty::Duration,
            Gives::Timestamp => Ty::Timestamp,
            Gives::Type => Ty::Type,
            Gives::Dyn => Ty::Dyn,
            Gives::Strings => Ty::list(Ty::String),
            Gives::Element => match first {
                Some(Ty::List(of)) => (**of).clone(),
                _ => Ty::Dyn,
            },
            Gives::Opaque(name) => Ty::Opaque(name),
        }
    }
}

/// All forms of a dialect.
pub(super) fn all(dialect: Dialect) -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(move |function| !function.kubernetes || dialect == Dialect::Kubernetes)
}

/// Each form of a function as the reference writes it, with what it gives.
pub(super) fn forms(dialect: Dialect) -> Vec<[String; 2]> {
    let form = |function: &Function| {
        let args: Vec<&str> = function.args.iter().map(|arg| arg.as_str()).collect();
        let first = function.args.first().copied();
        let text = match (function.method, args.split_first()) {
            (true, Some((target, rest))) => format!("({target}).{}({})", function.name, rest.join(", ")),
            (true, None) | (false, _) => format!("{}({})", function.name, args.join(", ")),
        };
        let result = match function.result {
            Gives::Element => "an item of the list".to_owned(),
            other => other.ty(first.map(|_| &Ty::Dyn)).to_string(),
        };
        [text, result]
    };
    all(dialect).map(form).collect()
}

const fn call(name: &'static str, args: &'static [Arg], result: Gives) -> Function {
    Function { name, method: false, args, result, kubernetes: false }
}

const fn method(name: &'static str, args: &'static [Arg], result: Gives) -> Function {
    Function { name, method: true, args, result, kubernetes: false }
}

const fn kube_call(name: &'static str, args: &'static [Arg], result: Gives) -> Function {
    Function { name, method: false, args, result, kubernetes: true }
}

const fn kube_method(name: &'static str, args: &'static [Arg], result: Gives) -> Function {
    Function { name, method: true, args, result, kubernetes: true }
}

const URL: Arg = Arg::Opaque("url");
const QUANTITY: Arg = Arg::Opaque("quantity");
const IP: Arg = Arg::Opaque("ip");
const CIDR: Arg = Arg::Opaque("cidr");

static FUNCTIONS: &[Function] = &[
    // Sizes.
    call("size", &[Arg::String], Gives::Int),
    call("size", &[Arg::Bytes], Gives::Int),
    call("size", &[Arg::List], Gives::Int),
    call("size", &[Arg::Map], Gives::Int),
    method("size", &[Arg::String], Gives::Int),
    method("size", &[Arg::Bytes], Gives::Int),
    method("size", &[Arg::List], Gives::Int),
    method("size", &[Arg::Map], Gives::Int),
    // Tests of strings.
    method("contains", &[Arg::String, Arg::String], Gives::Bool),
    method("startsWith", &[Arg::String, Arg::String], Gives::Bool),
    method("endsWith", &[Arg::String, Arg::String], Gives::Bool),
    method("matches", &[Arg::String, Arg::String], Gives::Bool),
    call("matches", &[Arg::String, Arg::String], Gives::Bool),
    // Conversions.
    call("int", &[Arg::Int], Gives::Int),
    call("int", &[Arg::Uint], Gives::Int),
    call("int", &[Arg::Double], Gives::Int),
    call("int", &[Arg::String], Gives::Int),
    call("int", &[Arg::Timestamp], Gives::Int),
    call("uint", &[Arg::Uint], Gives::Uint),
    call("uint", &[Arg::Int], Gives::Uint),
    call("uint", &[Arg::Double], Gives::Uint),
    call("uint", &[Arg::String], Gives::Uint),
    call("double", &[Arg::Double], Gives::Double),
    call("double", &[Arg::Int], Gives::Double),
    call("double", &[Arg::Uint], Gives::Double),
    call("double", &[Arg::String], Gives::Double),
    call("string", &[Arg::String], Gives::String),
    call("string", &[Arg::Bool], Gives::String),
    call("string", &[Arg::Int], Gives::String),
    call("string", &[Arg::Uint], Gives::String),
    call("string", &[Arg::Double], Gives::String),
    call("string", &[Arg::Bytes], Gives::String),
    call("string", &[Arg::Duration], Gives::String),
    call("string", &[Arg::Timestamp], Gives::String),
    kube_call("string", &[IP], Gives::String),
    kube_call("string", &[CIDR], Gives::String),
    call("bytes", &[Arg::Bytes], Gives::Bytes),
    call("bytes", &[Arg::String], Gives::Bytes),
    call("bool", &[Arg::Bool], Gives::Bool),
    call("bool", &[Arg::String], Gives::Bool),
    call("duration", &[Arg::Duration], Gives::Duration),
    call("duration", &[Arg::String], Gives::Duration),
    call("timestamp", &[Arg::Timestamp], Gives::Timestamp),
    call("timestamp", &[Arg::String], Gives::Timestamp),
    call("timestamp", &[Arg::Int], Gives::Timestamp),
    call("type", &[Arg::Any], Gives::Type),
    call("dyn", &[Arg::Any], Gives::Dyn),
    // Parts of times.
    method("getFullYear", &[Arg::Timestamp], Gives::Int),
    method("getFullYear", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getMonth", &[Arg::Timestamp], Gives::Int),
    method("getMonth", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getDayOfMonth", &[Arg::Timestamp], Gives::Int),
    method("getDayOfMonth", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getDate", &[Arg::Timestamp], Gives::Int),
    method("getDate", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getDayOfWeek", &[Arg::Timestamp], Gives::Int),
    method("getDayOfWeek", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getDayOfYear", &[Arg::Timestamp], Gives::Int),
    method("getDayOfYear", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getHours", &[Arg::Timestamp], Gives::Int),
    method("getHours", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getHours", &[Arg::Duration], Gives::Int),
    method("getMinutes", &[Arg::Timestamp], Gives::Int),
    method("getMinutes", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getMinutes", &[Arg::Duration], Gives::Int),
    method("getSeconds", &[Arg::Timestamp], Gives::Int),
    method("getSeconds", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getSeconds", &[Arg::Duration], Gives::Int),
    method("getMilliseconds", &[Arg::Timestamp], Gives::Int),
    method("getMilliseconds", &[Arg::Timestamp, Arg::String], Gives::Int),
    method("getMilliseconds", &[Arg::Duration], Gives::Int),
    // Strings.
    method("lowerAscii", &[Arg::String], Gives::String),
    method("upperAscii", &[Arg::String], Gives::String),
    method("trim", &[Arg::String], Gives::String),
    method("charAt", &[Arg::String, Arg::Int], Gives::String),
    method("indexOf", &[Arg::String, Arg::String], Gives::Int),
    method("indexOf", &[Arg::String, Arg::String, Arg::Int], Gives::Int),
    method("lastIndexOf", &[Arg::String, Arg::String], Gives::Int),
    method("lastIndexOf", &[Arg::String, Arg::String, Arg::Int], Gives::Int),
    method("substring", &[Arg::String, Arg::Int], Gives::String),
    method("substring", &[Arg::String, Arg::Int, Arg::Int], Gives::String),
    method("replace", &[Arg::String, Arg::String, Arg::String], Gives::String),
    method("replace", &[Arg::String, Arg::String, Arg::String, Arg::Int], Gives::String),
    method("split", &[Arg::String, Arg::String], Gives::Strings),
    method("split", &[Arg::String, Arg::String, Arg::Int], Gives::Strings),
    method("join", &[Arg::Strings], Gives::String),
    method("join", &[Arg::Strings, Arg::String], Gives::String),
    // Kubernetes: lists and patterns.
    kube_method("isSorted", &[Arg::List], Gives::Bool),
    kube_method("sum", &[Arg::List], Gives::Element),
    kube_method("min", &[Arg::List], Gives::Element),
    kube_method("max", &[Arg::List], Gives::Element),
    kube_method("indexOf", &[Arg::List, Arg::Any], Gives::Int),
    kube_method("lastIndexOf", &[Arg::List, Arg::Any], Gives::Int),
    kube_method("find", &[Arg::String, Arg::String], Gives::String),
    kube_method("findAll", &[Arg::String, Arg::String], Gives::Strings),
    kube_method("findAll", &[Arg::String, Arg::String, Arg::Int], Gives::Strings),
    // Kubernetes: URLs.
    kube_call("url", &[Arg::String], Gives::Opaque("url")),
    kube_call("isURL", &[Arg::String], Gives::Bool),
    kube_method("getScheme", &[URL], Gives::String),
    kube_method("getHost", &[URL], Gives::String),
    kube_method("getHostname", &[URL], Gives::String),
    kube_method("getPort", &[URL], Gives::String),
    kube_method("getEscapedPath", &[URL], Gives::String),
    kube_method("getQuery", &[URL], Gives::Dyn),
    // Kubernetes: quantities.
    kube_call("quantity", &[Arg::String], Gives::Opaque("quantity")),
    kube_call("isQuantity", &[Arg::String], Gives::Bool),
    kube_method("sign", &[QUANTITY], Gives::Int),
    kube_method("isInteger", &[QUANTITY], Gives::Bool),
    kube_method("asInteger", &[QUANTITY], Gives::Int),
    kube_method("asApproximateFloat", &[QUANTITY], Gives::Double),
    kube_method("isGreaterThan", &[QUANTITY, QUANTITY], Gives::Bool),
    kube_method("isLessThan", &[QUANTITY, QUANTITY], Gives::Bool),
    kube_method("compareTo", &[QUANTITY, QUANTITY], Gives::Int),
    kube_method("add", &[QUANTITY, QUANTITY], Gives::Opaque("quantity")),
    kube_method("add", &[QUANTITY, Arg::Int], Gives::Opaque("quantity")),
    kube_method("sub", &[QUANTITY, QUANTITY], Gives::Opaque("quantity")),
    kube_method("sub", &[QUANTITY, Arg::Int], Gives::Opaque("quantity")),
    // Kubernetes: addresses and networks.
    kube_call("ip", &[Arg::String], Gives::Opaque("ip")),
    kube_call("isIP", &[Arg::String], Gives::Bool),
    kube_method("family", &[IP], Gives::Int),
    kube_method("isUnspecified", &[IP], Gives::Bool),
    kube_method("isLoopback", &[IP], Gives::Bool),
    kube_method("isLinkLocalMulticast", &[IP], Gives::Bool),
    kube_method("isLinkLocalUnicast", &[IP], Gives::Bool),
    kube_method("isGlobalUnicast", &[IP], Gives::Bool),
    kube_call("cidr", &[Arg::String], Gives::Opaque("cidr")),
    kube_call("isCIDR", &[Arg::String], Gives::Bool),
    kube_method("containsIP", &[CIDR, Arg::String], Gives::Bool),
    kube_method("containsIP", &[CIDR, IP], Gives::Bool),
    kube_method("containsCIDR", &[CIDR, Arg::String], Gives::Bool),
    kube_method("containsCIDR", &[CIDR, CIDR], Gives::Bool),
    kube_method("ip", &[CIDR], Gives::Opaque("ip")),
    kube_method("masked", &[CIDR], Gives::Opaque("cidr")),
    kube_method("prefixLength", &[CIDR], Gives::Int),
];
