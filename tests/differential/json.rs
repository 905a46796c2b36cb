//! JSON as text: a corpus of odd spellings can't go through a type that tidies them up.

use fastrand::Rng;

/// An object's fields in their order, keys and values as JSON text. The same key may stand there twice.
pub(crate) type Fields = Vec<(String, String)>;

/// A field whose key is plain.
pub(crate) fn field(key: &str, value: impl Into<String>) -> (String, String) {
    (text(key), value.into())
}

/// A string as Go's encoding/json writes it.
pub(crate) fn text(string: &str) -> String {
    let mut json = String::from("\"");
    for c in string.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\0'..'\x20' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                json.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => json.push(c),
        }
    }
    json.push('"');
    json
}

/// An object without white space.
pub(crate) fn object(fields: &[(String, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// An array without white space.
pub(crate) fn array(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

/// Strings by key, without white space.
pub(crate) fn strings(pairs: &[(&str, &str)]) -> String {
    object(&pairs.iter().map(|(key, value)| field(key, text(value))).collect::<Vec<_>>())
}

/// The fields in a layout of their own: bytes that were parsed and written anew would be others.
pub(crate) fn scattered(fields: &[(String, String)], rng: &mut Rng) -> String {
    let mut space = || *rng.choice(["", " ", "\n  ", "\t", "\r\n", "   "].iter()).unwrap_or(&"");
    let mut json = format!("{}{{", space());
    for (index, (key, value)) in fields.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        json.push_str(&format!("{comma}{}{key}{}:{}{value}{}", space(), space(), space(), space()));
    }
    format!("{json}}}{}", space())
}

/// JSON without white space in Docker's layout: three spaces for each level.
pub(crate) fn indented(compact: &str) -> String {
    let (mut json, mut level) = (String::new(), 0);
    let (mut in_string, mut escaped, mut just_opened) = (false, false, false);
    let new_line = |level: usize| format!("\n{}", "   ".repeat(level));
    for c in compact.chars() {
        let closes = !in_string && matches!(c, '}' | ']');
        if closes {
            level -= 1;
        }
        if just_opened != closes {
            json.push_str(&new_line(level));
        }
        json.push(c);
        match c {
            ',' if !in_string => json.push_str(&new_line(level)),
            ':' if !in_string => json.push(' '),
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        just_opened = !in_string && matches!(c, '{' | '[');
        level += usize::from(just_opened);
        escaped = c == '\\' && !escaped;
    }
    json
}
