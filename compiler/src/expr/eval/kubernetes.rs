//! Kubernetes' own functions: lists, URLs, quantities, addresses and networks.
//!
//! Source of the rules: `apiserver/pkg/cel/library` of Kubernetes; quantities as in `apimachinery/pkg/api/resource`.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use super::{EvalError, Failure, fail};
use crate::expr::value::{Opaque, Url, Value};
use crate::source::{Span, Spanned};

/// Units of a quantity's number: 10^-9.
const ONE: i128 = 1_000_000_000;

/// `None` where there is no such form.
pub(super) fn call(name: &Spanned<String>, values: &[Value]) -> Result<Option<Value>, EvalError> {
    match values {
        [Value::List(items), rest @ ..] => list(name, items, rest),
        [Value::String(text)] => made(name, text),
        [Value::Opaque(opaque), rest @ ..] => Ok(match (&**opaque, rest) {
            (Opaque::Url(url), []) => of_url(&name.value, url),
            (Opaque::Quantity(number), rest) => return of_quantity(name, *number, rest),
            (Opaque::Ip(ip), []) => of_ip(&name.value, *ip),
            (Opaque::Cidr(ip, length), rest) => return of_cidr(name, *ip, *length, rest),
            (Opaque::Url(_) | Opaque::Ip(_), _) => None,
        }),
        _ => Ok(None),
    }
}

fn opaque(value: Opaque) -> Value {
    Value::Opaque(Arc::new(value))
}

fn list(name: &Spanned<String>, items: &[Value], rest: &[Value]) -> Result<Option<Value>, EvalError> {
    let at = |found: Option<usize>| Value::Int(found.map_or(-1, |at| i64::try_from(at).unwrap_or(i64::MAX)));
    Ok(match (name.value.as_str(), rest) {
        ("indexOf", [item]) => Some(at(items.iter().position(|known| known == item))),
        ("lastIndexOf", [item]) => Some(at(items.iter().rposition(|known| known == item))),
        ("isSorted", []) => {
            let ordered = |pair: &[Value]| pair[0].order(&pair[1]).map(Ordering::is_le);
            match items.windows(2).map(ordered).collect::<Option<Vec<bool>>>() {
                Some(pairs) => Some(Value::Bool(pairs.into_iter().all(|pair| pair))),
                None => return fail(Failure::Type, name.span, "the items have no order"),
            }
        }
        ("min" | "max", []) => {
            let wanted = if name.value == "min" { Ordering::Less } else { Ordering::Greater };
            let mut best: Option<&Value> = None;
            for item in items {
                match best.map(|best| item.order(best)) {
                    None => best = Some(item),
                    Some(Some(order)) if order == wanted => best = Some(item),
                    Some(Some(_)) => {}
                    Some(None) => return fail(Failure::Type, name.span, "the items have no order"),
                }
            }
            match best {
                Some(best) => Some(best.clone()),
                None => return fail(Failure::Argument, name.span, format!("`{}` of an empty list", name.value)),
            }
        }
        ("sum", []) => Some(sum(items, name.span)?),
        _ => None,
    })
}

fn sum(items: &[Value], span: Span) -> Result<Value, EvalError> {
    let mut total = match items.first() {
        None | Some(Value::Int(_)) => Value::Int(0),
        Some(Value::Uint(_)) => Value::Uint(0),
        Some(Value::Double(_)) => Value::Double(0.0),
        Some(Value::Duration(_)) => Value::Duration(jiff::SignedDuration::ZERO),
        Some(other) => return fail(Failure::Type, span, format!("`sum` does not take {}", other.type_name())),
    };
    for item in items {
        let next = match (&total, item) {
            (Value::Int(total), Value::Int(item)) => total.checked_add(*item).map(Value::Int),
            (Value::Uint(total), Value::Uint(item)) => total.checked_add(*item).map(Value::Uint),
            (Value::Double(total), Value::Double(item)) => Some(Value::Double(total + item)),
            (Value::Duration(total), Value::Duration(item)) => total.checked_add(*item).map(Value::Duration),
            _ => return fail(Failure::Type, span, "the items of a sum are of one type"),
        };
        match next {
            Some(next) => total = next,
            None => return fail(Failure::Range, span, "the result is out of range"),
        }
    }
    Ok(total)
}

/// What is read from a text: `url(…)`, `isURL(…)` and their like.
fn made(name: &Spanned<String>, text: &str) -> Result<Option<Value>, EvalError> {
    let parsed = |what: &str| match what {
        "url" | "isURL" => url(text).map(Opaque::Url),
        "quantity" | "isQuantity" => quantity(text).map(Opaque::Quantity),
        "ip" | "isIP" => ip(text).map(Opaque::Ip),
        _ => cidr(text).map(|(ip, length)| Opaque::Cidr(ip, length)),
    };
    match name.value.as_str() {
        what @ ("isURL" | "isQuantity" | "isIP" | "isCIDR") => Ok(Some(Value::Bool(parsed(what).is_some()))),
        what @ ("url" | "quantity" | "ip" | "cidr") => match parsed(what) {
            Some(value) => Ok(Some(opaque(value))),
            None => fail(Failure::Argument, name.span, format!("`{text}` is not a {what}")),
        },
        _ => Ok(None),
    }
}

/// A URL with a scheme, or a path that begins with `/`, as `url.ParseRequestURI` of Go takes it.
fn url(text: &str) -> Option<Url> {
    if text.is_empty() || text.chars().any(|c| c.is_ascii_control() || c == ' ') {
        return None;
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains('/') => (scheme, Some(rest)),
        _ if text.starts_with('/') => ("", None),
        _ => return None,
    };
    let valid = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !scheme.starts_with(|c: char| !c.is_ascii_alphabetic());
    let authority_end = rest.map_or(0, |rest| rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = rest.map_or("", |rest| &rest[..authority_end]);
    let tail = rest.map_or(text, |rest| &rest[authority_end..]);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (hostname, port) = match host.strip_prefix('[') {
        Some(inner) => {
            let (name, behind) = inner.split_once(']')?;
            (name, behind.strip_prefix(':').unwrap_or(""))
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let ok = valid && port.bytes().all(|byte| byte.is_ascii_digit());
    ok.then(|| Url {
        scheme: scheme.to_ascii_lowercase(),
        host: host.to_owned(),
        hostname: hostname.to_owned(),
        port: port.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
    })
}

fn of_url(name: &str, url: &Url) -> Option<Value> {
    Some(match name {
        "getScheme" => Value::string(url.scheme.as_str()),
        "getHost" => Value::string(url.host.as_str()),
        "getHostname" => Value::string(url.hostname.as_str()),
        "getPort" => Value::string(url.port.as_str()),
        "getEscapedPath" => Value::string(url.path.as_str()),
        "getQuery" => {
            let mut query: std::collections::BTreeMap<&str, Vec<Value>> = Default::default();
            for pair in url.query.split('&').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                query.entry(key).or_default().push(Value::string(value));
            }
            Value::map(query.into_iter().map(|(key, values)| (key, Value::list(values))))
        }
        _ => return None,
    })
}

/// A quantity in units of 10^-9; finer parts are rounded up, as Kubernetes does.
fn quantity(text: &str) -> Option<i128> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || number.len() > 24 {
        return None;
    }
    let (factor, divisor) = scale(suffix)?;
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?.checked_mul(divisor)?;
    let product = mantissa.checked_mul(factor)?.checked_mul(ONE)?;
    Some(sign * (product / divisor + i128::from(product % divisor != 0)))
}

/// What a suffix multiplies by and divides by.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    let power = |base: i128, exponent: u32| base.pow(exponent);
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, power(10, 9)),
        "u" => (1, power(10, 6)),
        "m" => (1, 1000),
        "k" => (1000, 1),
        "M" => (power(10, 6), 1),
        "G" => (power(10, 9), 1),
        "T" => (power(10, 12), 1),
        "P" => (power(10, 15), 1),
        "E" => (power(10, 18), 1),
        "Ki" => (power(1024, 1), 1),
        "Mi" => (power(1024, 2), 1),
        "Gi" => (power(1024, 3), 1),
        "Ti" => (power(1024, 4), 1),
        "Pi" => (power(1024, 5), 1),
        "Ei" => (power(1024, 6), 1),
        exponent => {
            let digits = exponent.strip_prefix(['e', 'E'])?;
            let number: i32 =
                digits.strip_prefix('+').unwrap_or(digits).parse().ok().filter(|n: &i32| n.abs() <= 18)?;
            if number < 0 { (1, power(10, number.unsigned_abs())) } else { (power(10, number.unsigned_abs()), 1) }
        }
    })
}

fn of_quantity(name: &Spanned<String>, number: i128, rest: &[Value]) -> Result<Option<Value>, EvalError> {
    let other = match rest {
        [] => None,
        [Value::Int(other)] => Some(i128::from(*other) * ONE),
        [Value::Opaque(other)] => match **other {
            Opaque::Quantity(other) => Some(other),
            Opaque::Url(_) | Opaque::Ip(_) | Opaque::Cidr(..) => return Ok(None),
        },
        _ => return Ok(None),
    };
    let in_range = |number: Option<i128>| match number {
        Some(number) => Ok(Some(opaque(Opaque::Quantity(number)))),
        None => fail(Failure::Range, name.span, "the result is out of range"),
    };
    let whole = i64::try_from(number / ONE).ok().filter(|_| number % ONE == 0);
    Ok(match (name.value.as_str(), other) {
        ("sign", None) => Some(Value::Int(i64::try_from(number.signum()).unwrap_or(0))),
        ("isInteger", None) => Some(Value::Bool(whole.is_some())),
        ("asInteger", None) => match whole {
            Some(whole) => Some(Value::Int(whole)),
            None => return fail(Failure::Argument, name.span, "the quantity is no int"),
        },
        ("asApproximateFloat", None) => Some(Value::Double(number as f64 / ONE as f64)),
        ("isGreaterThan", Some(other)) => Some(Value::Bool(number > other)),
        ("isLessThan", Some(other)) => Some(Value::Bool(number < other)),
        ("compareTo", Some(other)) => Some(Value::Int(number.cmp(&other) as i64)),
        ("add", Some(other)) => return in_range(number.checked_add(other)),
        ("sub", Some(other)) => return in_range(number.checked_sub(other)),
        _ => None,
    })
}

/// An address without a zone; an IPv4 address in the form of IPv6 is none.
fn ip(text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    let mapped = matches!(ip, IpAddr::V6(six) if six.to_ipv4_mapped().is_some());
    (!mapped).then_some(ip)
}

fn of_ip(name: &str, ip: IpAddr) -> Option<Value> {
    let (link_unicast, link_multicast, broadcast) = match ip {
        IpAddr::V4(four) => (four.is_link_local(), four.octets()[..3] == [224, 0, 0], four.is_broadcast()),
        IpAddr::V6(six) => (six.segments()[0] & 0xffc0 == 0xfe80, six.segments()[0] & 0xff0f == 0xff02, false),
    };
    let global = !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() && !link_unicast && !broadcast;
    Some(match name {
        "family" => Value::Int(if ip.is_ipv4() { 4 } else { 6 }),
        "isUnspecified" => Value::Bool(ip.is_unspecified()),
        "isLoopback" => Value::Bool(ip.is_loopback()),
        "isLinkLocalMulticast" => Value::Bool(link_multicast),
        "isLinkLocalUnicast" => Value::Bool(link_unicast),
        "isGlobalUnicast" => Value::Bool(global),
        _ => return None,
    })
}

fn cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address = ip(address)?;
    let plain = length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    let length: u8 = length.parse().ok().filter(|_| plain)?;
    (length <= width(address)).then_some((address, length))
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// The address with everything behind the prefix cleared.
fn masked(ip: IpAddr, length: u8) -> IpAddr {
    match ip {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4((u32::from(four) & mask).into())
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6((u128::from(six) & mask).into())
        }
    }
}

fn of_cidr(name: &Spanned<String>, own: IpAddr, length: u8, rest: &[Value]) -> Result<Option<Value>, EvalError> {
    let contains = |other: IpAddr, least: u8| {
        own.is_ipv4() == other.is_ipv4() && least >= length && masked(other, length) == masked(own, length)
    };
    let bad = |text: &str| fail(Failure::Argument, name.span, format!("`{text}` is no address or network"));
    let truth = match (name.value.as_str(), rest) {
        ("ip", []) => return Ok(Some(opaque(Opaque::Ip(own)))),
        ("masked", []) => return Ok(Some(opaque(Opaque::Cidr(masked(own, length), length)))),
        ("prefixLength", []) => return Ok(Some(Value::Int(i64::from(length)))),
        ("containsIP", [Value::String(text)]) => match ip(text) {
            Some(other) => contains(other, width(other)),
            None => return bad(text),
        },
        ("containsCIDR", [Value::String(text)]) => match cidr(text) {
            Some((other, least)) => contains(other, least),
            None => return bad(text),
        },
        ("containsIP" | "containsCIDR", [Value::Opaque(other)]) => match **other {
            Opaque::Ip(other) => contains(other, width(other)),
            Opaque::Cidr(other, least) => contains(other, least),
            Opaque::Url(_) | Opaque::Quantity(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(Value::Bool(truth)))
}
