//! Where a registry is, as clients name it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// Host and port of a registry, in lower case. It is reached over TLS; on this machine without, unless it was given with
/// `https://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    scheme: Scheme,
    authority: Authority,
}

/// Not a registry that one can sign in to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRegistry {
    /// A path, credentials, or no host at all.
    #[error("not a registry: give its host, and the port if it has one of its own, without a path")]
    NotAHost,
    /// What is sent there could be read on the way.
    #[error("a password isn't sent over plain http to another machine: leave http:// out")]
    Plain,
}

impl Registry {
    /// The URL of `path`, which begins with a slash.
    pub(crate) fn url(&self, path: &'static str) -> Uri {
        self.uri(PathAndQuery::from_static(path))
    }

    /// The URL of a path here.
    pub fn uri(&self, path: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        // Never: all three are there.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// What a `Location` or a `realm` names; None when it leads to another scheme, host or port.
    pub fn resolve(&self, location: &str) -> Option<Uri> {
        if location.starts_with('/') && !location.starts_with("//") {
            return Some(self.uri(location.parse().ok()?));
        }
        let uri: Uri = location.parse().ok()?;
        let port = |authority: &Authority| authority.port_u16().or(default_port(&self.scheme));
        let there = uri.authority()?;
        let is_here = uri.scheme() == Some(&self.scheme)
            && there.host().eq_ignore_ascii_case(self.authority.host())
            && port(there) == port(&self.authority)
            && !there.as_str().contains('@');
        is_here.then_some(uri)
    }

    /// Whether it is reached over TLS.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The AWS region that is in the host, if the host is an API's own and no domain of somebody's.
    pub fn region(&self) -> Option<&str> {
        self.api().map(|(_, region)| region)
    }

    /// Id and region of the API.
    pub(crate) fn api(&self) -> Option<(&str, &str)> {
        let host = self.authority.host();
        let host = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let (id, region) = host.split_once(".execute-api.")?;
        let is_label = |text: &str| !text.is_empty() && !text.contains('.');
        (is_label(id) && is_label(region)).then_some((id, region))
    }
}

impl FromStr for Registry {
    type Err = InvalidRegistry;

    fn from_str(text: &str) -> Result<Self, InvalidRegistry> {
        let text = text.to_ascii_lowercase();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text.as_str()),
        };
        let authority: Authority =
            rest.strip_suffix('/').unwrap_or(rest).parse().map_err(|_| InvalidRegistry::NotAHost)?;
        if !is_host_and_port(&authority) {
            return Err(InvalidRegistry::NotAHost);
        }
        let scheme = match (scheme, is_loopback(authority.host())) {
            (Some("https"), _) | (None, false) => Scheme::HTTPS,
            (Some("http") | None, true) => Scheme::HTTP,
            (Some("http"), false) => return Err(InvalidRegistry::Plain),
            (Some(_), _) => return Err(InvalidRegistry::NotAHost),
        };
        Ok(Self { scheme, authority })
    }
}

fn default_port(scheme: &Scheme) -> Option<u16> {
    match scheme.as_str() {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

/// Host and port, without what a shell, a file system or a parser of URLs might make something else of.
fn is_host_and_port(authority: &Authority) -> bool {
    let host = authority.host();
    let ipv6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let known = match ipv6 {
        Some(address) => address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()),
        None => {
            host.starts_with(|c: char| c.is_ascii_alphanumeric())
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        }
    };
    let rest = authority.as_str().strip_prefix(host);
    known && rest.is_some_and(|rest| rest.is_empty() || authority.port_u16().is_some())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.authority.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, InvalidRegistry> {
        text.parse::<Registry>().map(|registry| registry.url("/login").to_string())
    }

    #[test]
    fn a_password_travels_over_tls_except_within_this_machine() {
        for (text, expected) in [
            ("registry.example.com", "https://registry.example.com/login"),
            ("https://registry.example.com/", "https://registry.example.com/login"),
            ("HTTPS://Registry.Example.com:8443", "https://registry.example.com:8443/login"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/login"),
            ("http://127.9.9.9:5000/", "http://127.9.9.9:5000/login"),
            ("localhost", "http://localhost/login"),
            ("[::1]:5000", "http://[::1]:5000/login"),
            ("https://localhost:5000", "https://localhost:5000/login"),
            // Names that only look like this machine's.
            ("127.0.0.1.example.com", "https://127.0.0.1.example.com/login"),
            ("localhost.example.com", "https://localhost.example.com/login"),
            ("[::2]", "https://[::2]/login"),
            ("128.0.0.1", "https://128.0.0.1/login"),
        ] {
            assert_eq!(url(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["http://registry.example.com", "http://10.0.0.1:5000", "http://127.0.0.1.example.com"] {
            assert_eq!(url(text), Err(InvalidRegistry::Plain), "{text}");
        }
    }

    #[test]
    fn a_location_is_a_path_or_the_same_scheme_host_and_port() {
        let registry: Registry = "registry.example.com".parse().unwrap();
        let resolved = |location| registry.resolve(location).map(|uri| uri.path().to_owned());
        for here in [
            "/v2/a?b=c",
            "https://registry.example.com/v2/a",
            "https://registry.example.com:443/v2/a",
            "https://Registry.example.com/v2/a",
        ] {
            assert_eq!(resolved(here).as_deref(), Some("/v2/a"), "{here}");
        }
        for elsewhere in [
            "//example.net/v2/a",
            "https://example.net/v2/a",
            "http://registry.example.com/v2/a",
            "https://registry.example.com:8443/v2/a",
            "https://user:password@registry.example.com/v2/a",
            "a",
            "",
        ] {
            assert_eq!(resolved(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn what_isnt_a_host_and_a_port_is_no_registry() {
        for text in [
            "",
            "/",
            "https://",
            "..",
            ".hidden",
            "-option",
            ":5000",
            "registry.example.com:",
            "registry.example.com:http",
            "registry.example.com:99999",
            "registry.example.com/team",
            "https://index.docker.io/v1/",
            "https://user:password@registry.example.com",
            "registry.example.com?a=b",
            "registry.example.com#a",
            "registry example.com",
            "registry%2eexample.com",
            "[::1",
            "[localhost]",
            "ftp://registry.example.com",
            "unix:///run/registry.sock",
        ] {
            assert_eq!(url(text), Err(InvalidRegistry::NotAHost), "{text}");
        }
    }

    #[test]
    fn only_the_host_of_an_api_names_a_region() {
        for (text, expected) in [
            ("abc123.execute-api.eu-central-1.amazonaws.com", Some(("abc123", "eu-central-1"))),
            ("abc123.execute-api.cn-north-1.amazonaws.com.cn", Some(("abc123", "cn-north-1"))),
            ("registry.example.com", None),
            ("127.0.0.1:5000", None),
            ("abc123.execute-api.eu-central-1.amazonaws.com.example.com", None),
            ("execute-api.eu-central-1.amazonaws.com", None),
            ("abc123.execute-api.amazonaws.com", None),
            ("a.b.execute-api.eu-central-1.amazonaws.com", None),
        ] {
            assert_eq!(text.parse::<Registry>().unwrap().api(), expected, "{text}");
        }
    }
}
