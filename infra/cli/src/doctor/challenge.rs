//! What a 401 says about how to get in, wherever it says it.

use super::answer::Answer;

/// The header in which a challenge came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where clients look.
    WwwAuthenticate,
    /// What REST APIs and function URLs make of it.
    Remapped,
    /// Where the registry puts a copy for the gateway to map back.
    Copy,
}

impl Place {
    /// Its name.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::WwwAuthenticate => "www-authenticate",
            Self::Remapped => "x-amzn-remapped-www-authenticate",
            Self::Copy => runtime::CHALLENGE_HEADER,
        }
    }
}

/// A challenge (Docker token specification, "How to authenticate").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    pub(super) realm: String,
    pub(super) service: String,
    pub(super) scope: Option<String>,
}

/// What was found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) text: String,
    /// None when it isn't one challenge of this scheme.
    pub(super) bearer: Option<Bearer>,
}

/// The challenge of an answer, in the place that clients would prefer.
pub(super) fn find(answer: &Answer) -> Option<Found> {
    [Place::WwwAuthenticate, Place::Remapped, Place::Copy].into_iter().find_map(|place| {
        let lines: Vec<_> =
            answer.headers.get_all(place.header()).iter().filter_map(|line| line.to_str().ok()).collect();
        let text = lines.join(", ");
        (!lines.is_empty()).then(|| Found { place, bearer: parse(&text), text })
    })
}

/// Reads a single Bearer challenge (RFC 9110, section 11.6.1); what is quoted has no quotes in it.
fn parse(text: &str) -> Option<Bearer> {
    let (scheme, rest) = text.split_once(' ')?;
    let parameter = |name: &str| {
        let before = format!("{name}=\"");
        let mut found = rest.split(&before).skip(1);
        let value = found.next()?.split('"').next()?.to_owned();
        found.next().is_none().then_some(value)
    };
    let bearer = Bearer { realm: parameter("realm")?, service: parameter("service")?, scope: parameter("scope") };
    scheme.eq_ignore_ascii_case("bearer").then_some(bearer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_bearer_and_there_once() {
        let good = "Bearer realm=\"https://a/token\",service=\"a\",scope=\"repository:b/c:pull,push\"";
        let bearer = parse(good).unwrap();
        assert_eq!((bearer.realm.as_str(), bearer.service.as_str()), ("https://a/token", "a"));
        assert_eq!(bearer.scope.as_deref(), Some("repository:b/c:pull,push"));
        assert_eq!(parse("bearer realm=\"r\", service=\"s\"").unwrap().scope, None);
        for bad in ["", "Bearer", "Bearer realm=\"r\"", "Basic realm=\"r\",service=\"s\"", &format!("{good}, {good}")] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
