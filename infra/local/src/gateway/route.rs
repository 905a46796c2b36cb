//! Route keys of an HTTP API: which of them AWS takes, and which one a request selects.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// A route key, `GET /v2/{n1}/tags/list`, or `$default`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RouteKey {
    text: String,
    pattern: Pattern,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Default,
    Path { method: Method, segments: Vec<Segment> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Method {
    Any,
    Exactly(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Variable(String),
    /// `{name+}`: the rest of the path.
    Greedy(String),
}

/// Why AWS refuses a route key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteKeyError {
    /// It is neither `$default` nor a method, a space and a path.
    #[error("{0:?} isn't a method and a path that starts with a slash")]
    Form(String),
    /// The method isn't one of HTTP's, or `ANY`.
    #[error("{0:?} has no method that an HTTP API knows")]
    Method(String),
    /// The path ends in a slash.
    #[error("{0:?} ends in a slash")]
    TrailingSlash(String),
    /// A segment is empty, or has braces in the wrong places.
    #[error("{0:?} has a segment that is empty or malformed")]
    Segment(String),
    /// A greedy variable is followed by something.
    #[error("{0:?} has a greedy variable that isn't at the end")]
    GreedyInside(String),
    /// A variable's name stands in it twice.
    #[error("{0:?} names a variable twice")]
    VariableTwice(String),
}

/// How well a key fits a path, better ones being greater: paths without a greedy variable first, then the path whose
/// leftmost differing segment is literal, then an exact method.
type Fit = (bool, Vec<bool>, bool);

/// Path variables and what they stand for, percent-decoded.
pub(super) type PathParameters = BTreeMap<String, String>;

impl RouteKey {
    pub(super) fn parse(text: &str) -> Result<Self, RouteKeyError> {
        let pattern = if text == "$default" { Pattern::Default } else { Pattern::parse(text)? };
        Ok(Self { text: text.to_owned(), pattern })
    }

    /// As it stands in the template.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the two are the same to AWS, which doesn't look at the names of variables.
    pub(super) fn same_shape(&self, other: &Self) -> bool {
        match (&self.pattern, &other.pattern) {
            (Pattern::Default, Pattern::Default) => true,
            (Pattern::Path { method: a, segments: left }, Pattern::Path { method: b, segments: right }) => {
                a == b && left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.same_shape(b))
            }
            _ => false,
        }
    }

    /// What the key makes of a request with this method and this path as it came, if it fits.
    pub(super) fn matches(&self, method: &str, path: &str) -> Option<(Fit, PathParameters)> {
        let Pattern::Path { method: wanted, segments } = &self.pattern else {
            return Some(((false, Vec::new(), false), PathParameters::new()));
        };
        let exact = match wanted {
            Method::Exactly(wanted) if wanted == method => true,
            Method::Exactly(_) => return None,
            Method::Any => false,
        };
        let mut rest = Some(path.strip_prefix('/')?);
        let mut parameters = PathParameters::new();
        let mut literals = Vec::with_capacity(segments.len());
        let mut greedy = false;
        for segment in segments {
            let (here, after) = match rest?.split_once('/') {
                Some((here, after)) => (here, Some(after)),
                None => (rest?, None),
            };
            match segment {
                Segment::Literal(text) if text == here => {}
                Segment::Variable(name) if !here.is_empty() => _ = parameters.insert(name.clone(), decode(here)),
                Segment::Greedy(name) if !here.is_empty() => {
                    greedy = true;
                    parameters.insert(name.clone(), decode(rest?));
                }
                _ => return None,
            }
            literals.push(matches!(segment, Segment::Literal(_)));
            rest = if greedy { None } else { after };
        }
        rest.is_none().then_some(((!greedy, literals, exact), parameters))
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, RouteKeyError> {
        let (method, path) = text.split_once(' ').ok_or_else(|| RouteKeyError::Form(text.to_owned()))?;
        let method = match method {
            "ANY" => Method::Any,
            "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => Method::Exactly(method.to_owned()),
            _ => return Err(RouteKeyError::Method(text.to_owned())),
        };
        let path = path.strip_prefix('/').ok_or_else(|| RouteKeyError::Form(text.to_owned()))?;
        if path.ends_with('/') {
            return Err(RouteKeyError::TrailingSlash(text.to_owned()));
        }
        let segments = path
            .split('/')
            .map(|segment| Segment::parse(segment).ok_or_else(|| RouteKeyError::Segment(text.to_owned())))
            .collect::<Result<Vec<_>, _>>()?;
        if segments.iter().rev().skip(1).any(|segment| matches!(segment, Segment::Greedy(_))) {
            return Err(RouteKeyError::GreedyInside(text.to_owned()));
        }
        let mut names: Vec<_> = segments.iter().filter_map(Segment::variable).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() < all {
            return Err(RouteKeyError::VariableTwice(text.to_owned()));
        }
        Ok(Self::Path { method, segments })
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        let name = |name: &str| {
            let well_formed =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
            well_formed.then(|| name.to_owned())
        };
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(variable) => match variable.strip_suffix('+') {
                Some(greedy) => name(greedy).map(Self::Greedy),
                None => name(variable).map(Self::Variable),
            },
            None if text.is_empty() || text.contains(['{', '}']) => None,
            None => Some(Self::Literal(text.to_owned())),
        }
    }

    fn variable(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Variable(name) | Self::Greedy(name) => Some(name),
        }
    }

    fn same_shape(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(a), Self::Literal(b)) => a == b,
            (Self::Variable(_), Self::Variable(_)) | (Self::Greedy(_), Self::Greedy(_)) => true,
            _ => false,
        }
    }
}

/// Percent-decodes a path or a part of it, as API Gateway does before a function sees it.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
