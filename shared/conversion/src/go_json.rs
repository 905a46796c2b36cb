//! JSON as Go's encoding/json writes it.
//!
//! The digest of a schema 1 manifest covers every byte, and docker-registry is a Go program: `<`, `>`, `&`, U+2028 and
//! U+2029 are escaped, so are all control characters but `\n`, `\r` and `\t` (up to Go 1.21, which built the
//! docker-registry that we compare with), everything else stands as it is.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter};

/// As `json.Marshal` does.
pub(crate) fn compact(value: &impl Serialize) -> String {
    write(value, CompactFormatter)
}

/// As `json.MarshalIndent(value, "", "   ")` does, Docker's form of manifests.
pub(crate) fn indented(value: &impl Serialize) -> String {
    write(value, PrettyFormatter::with_indent(b"   "))
}

fn write(value: &impl Serialize, layout: impl Formatter) -> String {
    let mut bytes = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, GoFormatter(layout)));
    // Maps with keys that aren't strings are the only values that serde_json refuses, and UTF-8 is all that it writes.
    written.expect("keys are strings");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Go's escapes in the layout of another formatter.
struct GoFormatter<F>(F);

impl<F: Formatter> Formatter for GoFormatter<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        escape_html(writer, fragment)
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Backspace => writer.write_all(b"\\u0008"),
            CharEscape::FormFeed => writer.write_all(b"\\u000c"),
            other => self.0.write_char_escape(writer, other),
        }
    }

    /// Raw JSON, as `json.Marshal` treats a `RawMessage`: white space goes, spelling stays, what must be escaped is.
    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let (mut in_string, mut escaped) = (false, false);
        let keep = |c: &char| {
            let dropped = !in_string && matches!(c, ' ' | '\n' | '\r' | '\t');
            if *c == '"' && !escaped {
                in_string = !in_string;
            }
            escaped = *c == '\\' && !escaped;
            !dropped
        };
        escape_html(writer, &fragment.chars().filter(keep).collect::<String>())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// Writes `text`, whose quotes and control characters are dealt with, with the characters escaped that HTML and
/// JavaScript stumble over.
fn escape_html<W: ?Sized + io::Write>(writer: &mut W, text: &str) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        let (plain, special) = rest.split_at(at);
        let length = special.chars().next().map_or(0, char::len_utf8);
        let (special, after) = special.split_at(length);
        writer.write_all(plain.as_bytes())?;
        for c in special.chars() {
            write!(writer, "\\u{:04x}", u32::from(c))?;
        }
        rest = after;
    }
    writer.write_all(rest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_go_does() {
        let input = "<a href=\"b\">&\\ \u{2028}\u{2029}\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é世😀";
        let expected = "\"\\u003ca href=\\\"b\\\"\\u003e\\u0026\\\\ \\u2028\\u2029\\n\\r\\t\\u0008\\u000c\\u0000\\u001f\u{7f}é世😀\"";
        assert_eq!(compact(&input), expected);
    }

    #[test]
    fn raw_values_lose_white_space_and_nothing_else() {
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str(
            "{ \"b\" : [ 1.0 , 1E+2,\n-0 ],\t\"a\": \"x \\\" \\\\\" , \"<\":\"\\u0026&\u{2028}\" }",
        )
        .unwrap();
        let expected = r#"{"b":[1.0,1E+2,-0],"a":"x \" \\","\u003c":"\u0026\u0026\u2028"}"#;
        assert_eq!(compact(&raw), expected);
    }

    #[test]
    fn indentation_is_dockers() {
        #[derive(Serialize)]
        struct Pair {
            a: Vec<u8>,
            b: Vec<u8>,
        }
        assert_eq!(indented(&Pair { a: vec![], b: vec![1] }), "{\n   \"a\": [],\n   \"b\": [\n      1\n   ]\n}");
    }
}
