//! Where the registry is.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// Scheme, host and port of a registry: its API starts at the root of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    authority: Authority,
}

/// Not the URL of a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of a registry: give https:// and its host, without a path and without credentials")]
pub struct InvalidOrigin;

impl Origin {
    /// The URL of a path here.
    pub(crate) fn uri(&self, path: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        // Never: all three are there.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// What a `Location` of the registry names; None when it leads elsewhere.
    pub(crate) fn resolve(&self, location: &str) -> Option<PathAndQuery> {
        if location.starts_with('/') && !location.starts_with("//") {
            return location.parse().ok();
        }
        let uri: Uri = location.parse().ok()?;
        let here = uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority);
        here.then(|| uri.path_and_query().cloned()).flatten()
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let bare = matches!(uri.path_and_query().map(PathAndQuery::as_str), None | Some("/"));
        let parts = uri.into_parts();
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority))
                if bare && (scheme == Scheme::HTTP || scheme == Scheme::HTTPS) && !authority.as_str().contains('@') =>
            {
                Ok(Self { scheme, authority })
            }
            _ => Err(InvalidOrigin),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_a_scheme_and_a_host_and_nothing_else() {
        for good in ["https://registry.example.com", "https://registry.example.com/", "http://127.0.0.1:5000"] {
            let origin: Origin = good.parse().unwrap();
            assert_eq!(origin.to_string(), good.trim_end_matches('/'));
        }
        for bad in [
            "",
            "registry.example.com",
            "registry.example.com:443",
            "/v2/",
            "ftp://registry.example.com",
            "https://registry.example.com/v2/",
            "https://registry.example.com/?a=b",
            "https://user:password@registry.example.com",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(InvalidOrigin), "{bad}");
        }
    }

    #[test]
    fn a_location_stays_on_the_registry() {
        let origin: Origin = "https://registry.example.com".parse().unwrap();
        let resolved = |location| origin.resolve(location).map(|path| origin.uri(path).to_string());
        let here = Some("https://registry.example.com/v2/a?b=c".to_owned());
        assert_eq!(resolved("/v2/a?b=c"), here);
        assert_eq!(resolved("https://registry.example.com/v2/a?b=c"), here);
        for elsewhere in ["//example.net/v2/a", "https://example.net/v2/a", "http://registry.example.com/v2/a", "a"] {
            assert_eq!(resolved(elsewhere), None, "{elsewhere}");
        }
    }
}
