//! Numbers, strings and keys that one JSON library reads or writes otherwise than another.

use fastrand::Rng;

use super::{Edge, edge};
use crate::draft::{Draft, NOT_UTF8, set};
use crate::json::{field, text};
use crate::obstacle::Obstacle;

pub(super) const EDGES: &[Edge] = &[
    edge("numbers: huge and odd", |draft, rng| {
        value(draft, rng, "[1e400, -0, -0.0, 1.0, 1E+2, 0.1e-7, 12345678901234567890, 123456789012345678901234567890]");
    }),
    edge("numbers: nested", |draft, rng| {
        value(draft, rng, r#"{"b": {"z": 1.50, "a": [ -0 , {"n": 2E0} ]}, "a": 1e999}"#)
    }),
    edge("strings: not ASCII", |draft, rng| {
        words(draft, rng, "\"Größe 世界 😀 \u{7f}\u{80}\u{feff}\u{fffd}\u{10ffff}\"")
    }),
    // Backspace and form feed are in the goldens only: since Go 1.22 they are written otherwise, so here it would depend
    // on what the package was built with.
    edge("strings: control characters", |draft, rng| {
        words(draft, rng, r#""\u0000\u0001\n\r\t\u001f\u007F\u000A""#);
    }),
    edge("strings: characters of HTML", |draft, rng| {
        words(draft, rng, r#""<a href=\"x\">&amp;</a> \u003c\u003E\u0026""#)
    }),
    edge("strings: line separators", |draft, rng| words(draft, rng, "\"\u{2028}\u{2029} \\u2028\\u2029\"")),
    edge("strings: needless escapes", |draft, rng| words(draft, rng, r#""\u0041\u00e9\/\u4E16 \"\\""#)),
    edge("strings: surrogate pairs", |draft, rng| words(draft, rng, r#""\ud83d\ude00\uD83D\uDE00""#)),
    edge("strings: half of a surrogate pair in an unknown field", |draft, rng| {
        value(draft, rng, r#"["\ud83d", "\ude00\ud83d", "\ud83dx", "\ud83d\u0041"]"#);
    }),
    edge("strings: half of a surrogate pair in a step", |draft, _| {
        draft.spoil_step(Obstacle::NotUnicode, |step| set(step, "created_by", r#""RUN \ud83d x""#));
    }),
    edge("strings: half of a surrogate pair in a key", |draft, _| {
        draft.config.push((r#""\ud83d""#.to_owned(), "1".to_owned()));
        draft.unreadable(Obstacle::NotUnicode);
    }),
    edge("strings: an unknown escape", |draft, rng| {
        value(draft, rng, r#""\x41""#);
        draft.unreadable(Obstacle::MalformedConfig);
    }),
    edge("strings: a raw control character", |draft, rng| {
        value(draft, rng, "\"a\u{1}b\"");
        draft.unreadable(Obstacle::MalformedConfig);
    }),
    edge("strings: not UTF-8 in an unknown field", |draft, rng| {
        value(draft, rng, &format!("\"{NOT_UTF8}\""));
        draft.unreadable(Obstacle::NotUnicode);
    }),
    edge("keys: odd ones", |draft, _| {
        for key in ["", "z<b>&", "Ä\u{2028}", "\u{0}\n\"\\", "a.b/c", "😀", "Z", "a"] {
            draft.config.push(field(key, "{ \"b\" : 1 , \"a\" : 2 }"));
        }
    }),
    edge("keys: escaped", |draft, _| draft.config.push((r#""\u0061\u003cz\/""#.to_owned(), "true".to_owned()))),
    edge("keys: an unknown one twice", |draft, _| {
        draft.config.push(field("org.example.twice", "1"));
        draft.config.push(field("org.example.twice", "{\"b\": 2}"));
    }),
    edge("keys: twice inside of a value", |draft, rng| value(draft, rng, r#"{"a": 1, "a": 2, "A": 3}"#)),
    edge("keys: a known one twice", |draft, _| {
        draft.spoil(Obstacle::AmbiguousConfig, |config| {
            set(config, "architecture", text("amd64"));
            config.push(field("architecture", text("arm64")));
        });
    }),
    edge("keys: a known one of a step twice", |draft, _| {
        draft.spoil_step(Obstacle::AmbiguousConfig, |step| {
            set(step, "created_by", text("first"));
            step.push(field("created_by", text("second")));
        });
    }),
    edge("keys: a known one in another case", |draft, _| {
        draft.spoil(Obstacle::AmbiguousConfig, |config| config.push(field("Architecture", text("arm64"))));
    }),
    edge("nesting: a hundred levels", |draft, rng| value(draft, rng, &nested(100))),
    edge("nesting: as deep as Go reads", |draft, rng| value(draft, rng, &nested(9_998))),
    edge("nesting: deeper than Go reads", |draft, rng| {
        value(draft, rng, &nested(10_000));
        draft.unreadable(Obstacle::MalformedConfig);
    }),
];

/// A value that the config keeps as it is.
fn value(draft: &mut Draft, rng: &mut Rng, json: &str) {
    let number = rng.u16(..);
    draft.set(&format!("org.example.{number}"), json);
}

/// Text that is read, in a step, and text that is kept as it is.
fn words(draft: &mut Draft, rng: &mut Rng, json: &str) {
    value(draft, rng, json);
    set(&mut draft.some_step(rng).fields, "created_by", json);
    set(&mut draft.some_step(rng).fields, "comment", json);
}

fn nested(levels: usize) -> String {
    format!("{}1{}", "[{\"a\":".repeat(levels / 2), "}]".repeat(levels / 2))
}
