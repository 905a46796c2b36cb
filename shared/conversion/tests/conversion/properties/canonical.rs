//! JSON as Go programs write it, by another writer than the crate's.

use std::fmt::Write as _;

/// A JSON value that keeps the order of its keys.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Number(u64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    pub(super) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub(super) fn texts<T: ToString>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::Array(texts.into_iter().map(Self::text).collect())
    }

    /// As `json.Marshal` writes it.
    pub(super) fn compact(&self) -> String {
        self.written(None, 0)
    }

    /// As `json.MarshalIndent` writes it with Docker's three spaces.
    pub(super) fn indented(&self) -> String {
        self.written(Some("   "), 0)
    }

    fn written(&self, indent: Option<&str>, depth: usize) -> String {
        let list = |items: Vec<String>| {
            let line = |depth| indent.map_or_else(String::new, |indent| format!("\n{}", indent.repeat(depth)));
            match items.is_empty() {
                true => String::new(),
                false => format!("{}{}{}", line(depth + 1), items.join(&format!(",{}", line(depth + 1))), line(depth)),
            }
        };
        let space = if indent.is_some() { " " } else { "" };
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => quoted(text),
            Self::Array(items) => {
                let items = items.iter().map(|item| item.written(indent, depth + 1));
                format!("[{}]", list(items.collect()))
            }
            Self::Object(fields) => {
                let field = |(key, value): &(&str, Self)| {
                    format!("{}:{space}{}", quoted(key), value.written(indent, depth + 1))
                };
                format!("{{{}}}", list(fields.iter().map(field).collect()))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write!(quoted, "\\u{:04x}", u32::from(c)).unwrap(),
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}
