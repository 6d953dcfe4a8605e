//! The whole type of a parameter or result: what it is and which of its values are allowed.
//!
//! **Invariant:** a value is a text everywhere; that of a list, map or object is compact JSON.
//! Source of the JSON form: RFC 8259; patterns are those of the `regex` crate (no look-around, linear time).

use regex::Regex;
use serde_json::{Map, Value as Json};

use super::{ValueType, bad_literal, scope};

/// Longest pattern in bytes.
pub const PATTERN: usize = 1024;

/// A type with its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub kind: Kind,
    /// A valid regular expression.
    pub pattern: Option<String>,
    pub min: Option<i64>,
    pub max: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain(ValueType),
    Enum(Vec<String>),
    List(ValueType),
    Map(ValueType),
    Object(Vec<Field>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub ty: ValueType,
    pub optional: bool,
}

/// Why a text is no value of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is of another type.
    Type(String),
    /// It is of the type, and against its rules.
    Rule(String),
}

impl Shape {
    /// A type without rules.
    pub fn plain(ty: ValueType) -> Shape {
        Shape::of(Kind::Plain(ty))
    }

    pub fn of(kind: Kind) -> Shape {
        Shape { kind, pattern: None, min: None, max: None }
    }

    /// The type of the whole value.
    pub fn ty(&self) -> ValueType {
        match &self.kind {
            Kind::Plain(ty) => *ty,
            Kind::Enum(_) => ValueType::Enum,
            Kind::List(_) => ValueType::List,
            Kind::Map(_) => ValueType::Map,
            Kind::Object(_) => ValueType::Object,
        }
    }

    /// The type as text: `list<int>`, `enum<low|high>`; `parse` reads it.
    pub fn show(&self) -> String {
        match &self.kind {
            Kind::Plain(ty) => ty.as_str().to_owned(),
            Kind::Enum(values) => format!("enum<{}>", values.join("|")),
            Kind::List(of) => format!("list<{}>", of.as_str()),
            Kind::Map(of) => format!("map<{}>", of.as_str()),
            Kind::Object(fields) => {
                let field = |field: &Field| format!("{}{}:{}", field.name, mark(field.optional), field.ty.as_str());
                format!("object<{}>", fields.iter().map(field).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// A type from its text, without rules.
    pub fn parse(text: &str) -> Option<Shape> {
        let Some((name, inner)) = text.strip_suffix('>').and_then(|text| text.split_once('<')) else {
            return ValueType::parse(text).map(Shape::plain);
        };
        let kind = match name {
            "enum" => Kind::Enum(inner.split('|').map(str::to_owned).collect()),
            "list" => Kind::List(ValueType::parse(inner)?),
            "map" => Kind::Map(ValueType::parse(inner)?),
            "object" => Kind::Object(inner.split(',').map(parse_field).collect::<Option<Vec<Field>>>()?),
            _ => return None,
        };
        Some(Shape::of(kind))
    }

    /// Why `text` is no value of this shape; `None` if it is one.
    pub fn misfit(&self, text: &str) -> Option<Misfit> {
        match &self.kind {
            // What is missing from the type was said where it is declared.
            Kind::Enum(values) if values.is_empty() => None,
            Kind::Object(fields) if fields.is_empty() => None,
            Kind::Plain(ty) => bad_literal(text, *ty)
                .map(Misfit::Type)
                .or_else(|| self.against_range(text))
                .or_else(|| self.unmatched(text)),
            Kind::Enum(values) => {
                let all = || values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
                (!values.iter().any(|value| value == text))
                    .then(|| Misfit::Rule(format!("`{text}` is none of {}", all())))
            }
            Kind::List(of) => match serde_json::from_str::<Json>(text) {
                Ok(Json::Array(items)) => self.against_items(&items, *of),
                Ok(_) | Err(_) => Some(Misfit::Type(format!("`{text}` is no JSON list"))),
            },
            Kind::Map(of) => match serde_json::from_str::<Json>(text) {
                Ok(Json::Object(map)) => map.values().find_map(|item| self.against_item(item, *of)),
                Ok(_) | Err(_) => Some(Misfit::Type(format!("`{text}` is no JSON object"))),
            },
            Kind::Object(fields) => match serde_json::from_str::<Json>(text) {
                Ok(Json::Object(map)) => against_fields(&map, fields),
                Ok(_) | Err(_) => Some(Misfit::Type(format!("`{text}` is no JSON object"))),
            },
        }
    }

    fn against_items(&self, items: &[Json], of: ValueType) -> Option<Misfit> {
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(min) = self.min.filter(|min| count < *min) {
            return Some(Misfit::Rule(format!("{count} items are fewer than {min}")));
        }
        if let Some(max) = self.max.filter(|max| count > *max) {
            return Some(Misfit::Rule(format!("{count} items are more than {max}")));
        }
        items.iter().find_map(|item| self.against_item(item, of))
    }

    fn against_item(&self, item: &Json, of: ValueType) -> Option<Misfit> {
        against_type(item, of).or_else(|| self.unmatched(&plain(item)))
    }

    fn against_range(&self, text: &str) -> Option<Misfit> {
        let number: f64 = text.parse().ok()?;
        if let Some(min) = self.min.filter(|min| number < *min as f64) {
            return Some(Misfit::Rule(format!("{text} is less than {min}")));
        }
        let max = self.max.filter(|max| number > *max as f64)?;
        Some(Misfit::Rule(format!("{text} is more than {max}")))
    }

    fn unmatched(&self, text: &str) -> Option<Misfit> {
        let pattern = self.pattern.as_ref()?;
        let regex = Regex::new(pattern).ok()?;
        (!regex.is_match(text)).then(|| Misfit::Rule(format!("`{text}` does not match `{pattern}`")))
    }

    /// Why a value of the shape `from` can never go where this one is wanted; `None` where it can or only a run knows.
    pub fn refuses(&self, from: &Shape) -> Option<String> {
        let differ = || Some(format!("{} is wanted, this is {}", self.show(), from.show()));
        match (&self.kind, &from.kind) {
            (Kind::Enum(to), Kind::Enum(from)) => {
                let other = from.iter().find(|value| !to.contains(value))?;
                Some(format!("it can be `{other}`, which is not allowed here"))
            }
            (Kind::List(to), Kind::List(of)) | (Kind::Map(to), Kind::Map(of)) => {
                scope::mismatch(*of, *to).and_then(|_| differ())
            }
            (Kind::Object(to), Kind::Object(from)) => {
                let fits = |field: &&Field| {
                    let found = from.iter().find(|known| known.name == field.name);
                    found.map_or(field.optional, |found| {
                        scope::mismatch(found.ty, field.ty).is_none() && (field.optional || !found.optional)
                    })
                };
                to.iter().any(|field| !fits(&field)).then(differ).flatten()
            }
            (Kind::Map(to), Kind::Object(fields)) => {
                fields.iter().find(|field| scope::mismatch(field.ty, *to).is_some()).and_then(|_| differ())
            }
            (Kind::Enum(_), Kind::Plain(ValueType::String)) => None,
            (Kind::Plain(to), _) => scope::mismatch(from.ty(), *to),
            _ => differ(),
        }
    }
}

fn mark(optional: bool) -> &'static str {
    if optional { "?" } else { "" }
}

fn parse_field(text: &str) -> Option<Field> {
    let (name, ty) = text.split_once(':')?;
    let optional = name.ends_with('?');
    Some(Field { name: name.trim_end_matches('?').to_owned(), ty: ValueType::parse(ty)?, optional })
}

fn against_fields(map: &Map<String, Json>, fields: &[Field]) -> Option<Misfit> {
    if let Some(unknown) = map.keys().find(|key| !fields.iter().any(|field| field.name == **key)) {
        return Some(Misfit::Type(format!("there is no field `{unknown}`")));
    }
    let judge = |field: &Field| match map.get(&field.name) {
        Some(value) => against_type(value, field.ty),
        None if field.optional => None,
        None => Some(Misfit::Type(format!("the field `{}` is missing", field.name))),
    };
    fields.iter().find_map(judge)
}

/// A JSON value must be what `item` makes of a text of the type.
fn against_type(value: &Json, ty: ValueType) -> Option<Misfit> {
    let text = plain(value);
    let kind = match ty {
        ValueType::Int => value.is_i64() || value.is_u64(),
        ValueType::Number => value.is_number(),
        ValueType::Bool => value.is_boolean(),
        ValueType::String | ValueType::Commit | ValueType::GitRef | ValueType::Image | ValueType::ImageTag => {
            value.is_string()
        }
        ValueType::Digest | ValueType::Duration | ValueType::Quantity | ValueType::Url | ValueType::Path => {
            value.is_string()
        }
        ValueType::Enum | ValueType::List | ValueType::Map | ValueType::Object => false,
    };
    if !kind {
        return Some(Misfit::Type(format!("`{text}` is not of type {}", ty.as_str())));
    }
    bad_literal(&text, ty).map(Misfit::Type)
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text of a type as JSON.
pub fn item(text: &str, ty: ValueType) -> Json {
    let number = || serde_json::from_str::<Json>(text).ok().filter(|value| value.is_number());
    match ty {
        ValueType::Int | ValueType::Number => number().unwrap_or_else(|| text.into()),
        ValueType::Bool => Json::Bool(text == "true"),
        _ => text.into(),
    }
}

/// Whether a text of a type stands for itself between quotes in JSON, whatever it is.
pub fn is_plain_in_json(ty: ValueType) -> bool {
    match ty {
        ValueType::Int | ValueType::Number | ValueType::Bool => true,
        ValueType::Commit | ValueType::Digest | ValueType::ImageTag | ValueType::Duration | ValueType::Quantity => true,
        ValueType::String | ValueType::GitRef | ValueType::Image | ValueType::Url | ValueType::Path => false,
        ValueType::Enum | ValueType::List | ValueType::Map | ValueType::Object => false,
    }
}

/// Whether a text of a type has quotes around it in JSON.
pub fn is_quoted(ty: ValueType) -> bool {
    !matches!(ty, ValueType::Int | ValueType::Number | ValueType::Bool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_back_from_their_text() {
        for text in ["string", "int", "enum<low|high>", "list<image-tag>", "map<bool>", "object<os:string,port?:int>"] {
            assert_eq!(Shape::parse(text).unwrap().show(), text);
        }
        for text in ["strin", "list<", "list<list>x", "object<os>", "set<int>"] {
            assert_eq!(Shape::parse(text), None, "{text}");
        }
    }

    #[test]
    fn values_fit_their_shape() {
        for (shape, good, bad) in [
            ("enum<a|b>", "a", "c"),
            ("list<int>", "[1,2]", "[1,\"2\"]"),
            ("list<string>", "[]", "{}"),
            ("map<bool>", "{\"a\":true}", "{\"a\":1}"),
            ("object<os:string,port?:int>", "{\"os\":\"linux\"}", "{\"port\":80}"),
            ("object<os:string>", "{\"os\":\"linux\"}", "{\"os\":\"linux\",\"arch\":\"arm\"}"),
        ] {
            let shape = Shape::parse(shape).unwrap();
            assert_eq!(shape.misfit(good), None, "{good}");
            assert!(shape.misfit(bad).is_some(), "{bad}");
        }
        let ranged = Shape { min: Some(1), max: Some(3), ..Shape::plain(ValueType::Int) };
        assert_eq!(ranged.misfit("4"), Some(Misfit::Rule("4 is more than 3".into())));
        assert_eq!(ranged.misfit("3"), None);
    }
}
