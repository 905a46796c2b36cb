//! Patterns in which `*` stands for any run of characters.

/// Whether the pattern covers all of the text. Both are compared byte by byte.
///
/// Goes back to the last `*` only, so a pattern of m characters takes at most m·n steps for n characters of text,
/// whatever it looks like: nobody can make one that is slow.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star is, and how much of the text it has taken.
    let mut star = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, t) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "a/b"),
            ("team/*", "team/a/b"),
            ("*/app", "team/x/app"),
            ("a*b*c", "abbc"),
            ("a*b*c", "a-b-b-c"),
            ("**a", "a"),
            ("app", "app"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("team/*", "team"),
            ("team/*", "teams/a"),
            ("*/app", "app"),
            ("a*b*c", "acb"),
            ("app", "app/x"),
            ("app", "ap"),
            ("a.c", "abc"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
