//! The paths of the distribution API: one grammar, read by the functions, written into the template's routes.

use std::fmt;
use std::str::FromStr;

use crate::{ApiError, Digest, ErrorCode, InvalidDigest, InvalidName, InvalidReference, Reference, RepositoryName};

/// The Lambda functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// `GET /v2/`, tokens, logins, and everything unrouted.
    Auth,
    /// Upload sessions and mounts.
    BlobUpload,
    /// Blobs, by redirect to S3, and deleting them.
    BlobGet,
    /// Storing and deleting manifests.
    ManifestPut,
    /// Manifests, tags, referrers, the catalog.
    ManifestGet,
    /// Reading the layers of schema 1, in the background: no route leads to it.
    Schema1Upgrade,
    /// Removing what nothing refers to any more, in the background and by a schedule.
    Collector,
}

impl Function {
    /// Every function.
    pub const ALL: &[Function] = &[
        Self::Auth,
        Self::BlobUpload,
        Self::BlobGet,
        Self::ManifestPut,
        Self::ManifestGet,
        Self::Schema1Upgrade,
        Self::Collector,
    ];

    /// The name of its crate and binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::BlobUpload => "blob-upload",
            Self::BlobGet => "blob-get",
            Self::ManifestPut => "manifest-put",
            Self::ManifestGet => "manifest-get",
            Self::Schema1Upgrade => "schema1-upgrade",
            Self::Collector => "collector",
        }
    }

    /// Whether it works in the background: it is started by other functions or by a schedule, and nobody waits for it.
    pub fn is_background(self) -> bool {
        matches!(self, Self::Schema1Upgrade | Self::Collector)
    }
}

/// The HTTP methods that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "RFC 9110 says it all")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As it stands in the request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Reads a method; None for one that the API doesn't use.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.as_str() == text)
    }
}

/// The identifier of an upload session: a random UUID, which nobody can guess.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UploadId(String);

impl UploadId {
    /// The text in the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let well_formed = text.len() == 36
            && text.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            });
        if well_formed { Ok(Self(text.to_owned())) } else { Err(RouteError::Upload(text.to_owned())) }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a path names (distribution specification, "Endpoints").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/token`, where passwords are changed for tokens
    Token,
    /// `/login`, where principals of IAM get passwords
    Login,
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/tags/list`
    Tags(RepositoryName),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(RepositoryName, Digest),
    /// `/v2/<name>/manifests/<reference>`
    Manifest(RepositoryName, Reference),
    /// `/v2/<name>/blobs/<digest>`
    Blob(RepositoryName, Digest),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(RepositoryName),
    /// `/v2/<name>/blobs/uploads/<session>`
    Upload(RepositoryName, UploadId),
}

/// Why a path names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// It isn't a path of the API.
    Unknown(String),
    /// The repository name is outside the grammar.
    Name(InvalidName),
    /// The tag or digest is outside the grammar.
    Reference(InvalidReference),
    /// The digest is outside the grammar.
    Digest(InvalidDigest),
    /// Upload sessions aren't named like this.
    Upload(String),
}

impl From<RouteError> for ApiError {
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::Unknown(path) => {
                ApiError::new(ErrorCode::RouteUnknown, format!("{path} is no path of the distribution API (/v2/…)"))
            }
            RouteError::Name(invalid) => ApiError::new(ErrorCode::NameInvalid, invalid.to_string()),
            RouteError::Reference(invalid @ InvalidReference::Tag(_)) => {
                ApiError::new(ErrorCode::TagInvalid, invalid.to_string())
            }
            RouteError::Reference(InvalidReference::Digest(invalid)) | RouteError::Digest(invalid) => {
                ApiError::new(ErrorCode::DigestInvalid, invalid.to_string())
            }
            RouteError::Upload(id) => ApiError::new(
                ErrorCode::BlobUploadUnknown,
                format!("there is no upload session {id:?}; start one with POST /v2/<name>/blobs/uploads/"),
            ),
        }
    }
}

/// The method isn't one that the route has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodNotAllowed {
    /// What was asked.
    pub method: String,
    /// What would have been possible.
    pub allowed: Vec<Method>,
}

impl From<MethodNotAllowed> for ApiError {
    fn from(error: MethodNotAllowed) -> Self {
        let allowed = error.allowed.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
        ApiError::new(
            ErrorCode::MethodNotAllowed,
            format!("{} is not supported here; allowed: {allowed}", error.method),
        )
        .header("Allow", allowed)
    }
}

impl Route {
    /// Reads a path, percent-decoded.
    ///
    /// ```
    /// use protocol::Route;
    /// assert!(matches!(Route::parse("/v2/team/app/manifests/latest"), Ok(Route::Manifest(..))));
    /// assert!(matches!(Route::parse("/v2/team/app/blobs/uploads/"), Ok(Route::Uploads(_))));
    /// ```
    ///
    /// # Errors
    /// When it isn't a path of the API, or a part of it is outside its grammar.
    pub fn parse(path: &str) -> Result<Self, RouteError> {
        let unknown = || RouteError::Unknown(path.to_owned());
        match path {
            "/token" => return Ok(Self::Token),
            "/login" => return Ok(Self::Login),
            _ => {}
        }
        let rest = match path.strip_prefix("/v2") {
            Some("" | "/") => return Ok(Self::Base),
            Some(rest) => rest.strip_prefix('/').ok_or_else(unknown)?,
            None => return Err(unknown()),
        };
        if rest == "_catalog" {
            return Ok(Self::Catalog);
        }
        let name = |text: &str| text.parse().map_err(RouteError::Name);
        if let Some(repository) = rest.strip_suffix("/tags/list") {
            return Ok(Self::Tags(name(repository)?));
        }
        if let Some(repository) = rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads")) {
            return Ok(Self::Uploads(name(repository)?));
        }
        let (rest, last) = rest.rsplit_once('/').ok_or_else(unknown)?;
        if let Some(repository) = rest.strip_suffix("/blobs/uploads") {
            Ok(Self::Upload(name(repository)?, last.parse()?))
        } else if let Some(repository) = rest.strip_suffix("/blobs") {
            Ok(Self::Blob(name(repository)?, last.parse().map_err(RouteError::Digest)?))
        } else if let Some(repository) = rest.strip_suffix("/manifests") {
            Ok(Self::Manifest(name(repository)?, last.parse().map_err(RouteError::Reference)?))
        } else if let Some(repository) = rest.strip_suffix("/referrers") {
            Ok(Self::Referrers(name(repository)?, last.parse().map_err(RouteError::Digest)?))
        } else {
            Err(unknown())
        }
    }

    /// The repository that the path is in.
    pub fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Self::Token | Self::Login | Self::Base | Self::Catalog => None,
            Self::Tags(name)
            | Self::Referrers(name, _)
            | Self::Manifest(name, _)
            | Self::Blob(name, _)
            | Self::Uploads(name)
            | Self::Upload(name, _) => Some(name),
        }
    }

    /// The function that answers `method` here.
    ///
    /// # Errors
    /// When the route doesn't have the method.
    pub fn function(&self, method: &str) -> Result<Function, MethodNotAllowed> {
        let methods = self.endpoint().methods();
        let wanted = Method::parse(method);
        methods.iter().find(|(offered, _)| Some(*offered) == wanted).map(|(_, function)| *function).ok_or_else(|| {
            MethodNotAllowed { method: method.to_owned(), allowed: methods.iter().map(|(method, _)| *method).collect() }
        })
    }

    fn endpoint(&self) -> Endpoint {
        match self {
            Self::Token => Endpoint::Token,
            Self::Login => Endpoint::Login,
            Self::Base => Endpoint::Base,
            Self::Catalog => Endpoint::Catalog,
            Self::Tags(_) => Endpoint::Tags,
            Self::Referrers(..) => Endpoint::Referrers,
            Self::Manifest(..) => Endpoint::Manifest,
            Self::Blob(..) => Endpoint::Blob,
            Self::Uploads(_) => Endpoint::Uploads,
            Self::Upload(..) => Endpoint::Upload,
        }
    }
}

/// A route without its values.
#[derive(Clone, Copy)]
enum Endpoint {
    Token,
    Login,
    Base,
    Catalog,
    Tags,
    Referrers,
    Manifest,
    Blob,
    Uploads,
    Upload,
}

impl Endpoint {
    /// The one place that says which function answers what.
    fn methods(self) -> &'static [(Method, Function)] {
        use {Function::*, Method::*};
        match self {
            Self::Token => &[(Get, Auth), (Post, Auth)],
            Self::Login => &[(Post, Auth)],
            Self::Base => &[(Get, Auth), (Head, Auth)],
            Self::Catalog | Self::Tags | Self::Referrers => &[(Get, ManifestGet)],
            Self::Manifest => &[(Get, ManifestGet), (Head, ManifestGet), (Put, ManifestPut), (Delete, ManifestPut)],
            Self::Blob => &[(Get, BlobGet), (Head, BlobGet), (Delete, BlobGet)],
            Self::Uploads => &[(Post, BlobUpload)],
            Self::Upload => &[(Get, BlobUpload), (Patch, BlobUpload), (Put, BlobUpload), (Delete, BlobUpload)],
        }
    }

    /// What follows the repository name, for routes that have one.
    fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Token | Self::Login | Self::Base | Self::Catalog => None,
            Self::Tags => Some("tags/list"),
            Self::Referrers => Some("referrers/{digest}"),
            Self::Manifest => Some("manifests/{reference}"),
            Self::Blob => Some("blobs/{digest}"),
            Self::Uploads => Some("blobs/uploads/"),
            Self::Upload => Some("blobs/uploads/{session}"),
        }
    }
}

/// A route of the HTTP API: `GET /v2/{n1}/tags/list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteKey {
    /// Method and path, or `$default`.
    pub key: String,
    /// Where it leads.
    pub function: Function,
    /// Whether the gateway asks IAM who the caller is, and whether they may (SigV4).
    pub iam: bool,
}

/// The routes of the HTTP API, in the order in which the template lists them.
///
/// A path variable of API Gateway takes one segment and a greedy one may only stand at the end, so each route with a
/// repository name is there once for each depth of name. Only uploads use POST and PATCH, and route keys that end in a
/// slash are reported to be refused, so those two are greedy; everything else falls to `$default`.
pub fn route_table() -> Vec<RouteKey> {
    let greedy = [Method::Post, Method::Patch];
    let route = |key: String, function| RouteKey { key, function, iam: false };
    let mut table = vec![route("$default".to_owned(), Function::Auth)];
    table.push(RouteKey { iam: true, ..route("POST /login".to_owned(), Function::Auth) });
    // Routes of their own, so that the gateway can throttle them on their own.
    table.extend(["GET /token", "POST /token"].map(|key| route(key.to_owned(), Function::Auth)));
    table.push(route("GET /v2/_catalog".to_owned(), Function::ManifestGet));
    table.extend(greedy.iter().map(|m| route(format!("{} /v2/{{proxy+}}", m.as_str()), Function::BlobUpload)));
    for endpoint in [Endpoint::Manifest, Endpoint::Blob, Endpoint::Upload, Endpoint::Tags, Endpoint::Referrers] {
        for (method, function) in endpoint.methods().iter().filter(|(method, _)| !greedy.contains(method)) {
            for depth in 1..=RepositoryName::MAX_COMPONENTS {
                let name = (1..=depth).map(|n| format!("{{n{n}}}")).collect::<Vec<_>>().join("/");
                let suffix = endpoint.suffix().unwrap_or_default();
                table.push(route(format!("{} /v2/{name}/{suffix}", method.as_str()), *function));
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_path_is_read() {
        let digest = Digest::sha256(b"");
        let session = "0b9e7a50-3bdb-4cf3-8a5e-0f2a9d8e7c61";
        assert_eq!(Route::parse("/v2/"), Ok(Route::Base));
        assert_eq!(Route::parse("/v2"), Ok(Route::Base));
        assert_eq!(Route::parse("/v2/_catalog"), Ok(Route::Catalog));
        assert!(matches!(Route::parse("/v2/a/b/tags/list"), Ok(Route::Tags(_))));
        assert!(matches!(Route::parse(&format!("/v2/a/blobs/{digest}")), Ok(Route::Blob(..))));
        assert!(matches!(Route::parse(&format!("/v2/a/referrers/{digest}")), Ok(Route::Referrers(..))));
        assert!(matches!(Route::parse("/v2/a/blobs/uploads"), Ok(Route::Uploads(_))));
        assert!(matches!(Route::parse(&format!("/v2/a/blobs/uploads/{session}")), Ok(Route::Upload(..))));
    }

    #[test]
    fn names_may_contain_the_words_of_the_api() {
        let Ok(Route::Manifest(name, _)) = Route::parse("/v2/blobs/manifests/manifests/latest") else {
            panic!("not a manifest");
        };
        assert_eq!(name.as_str(), "blobs/manifests");
        let Ok(Route::Tags(name)) = Route::parse("/v2/tags/list/tags/list") else { panic!("not tags") };
        assert_eq!(name.as_str(), "tags/list");
    }

    #[test]
    fn what_is_outside_the_grammar_says_where() {
        assert!(matches!(Route::parse("/v2/A/tags/list"), Err(RouteError::Name(_))));
        assert!(matches!(Route::parse("/v2/a/manifests/.x"), Err(RouteError::Reference(_))));
        assert!(matches!(Route::parse("/v2/a/blobs/sha256:12"), Err(RouteError::Digest(_))));
        assert!(matches!(Route::parse("/v2/a/blobs/uploads/12"), Err(RouteError::Upload(_))));
        for unknown in ["/", "/v1/", "/v2x", "/v2/a", "/v2/a/other/b", "/v2//"] {
            assert!(matches!(Route::parse(unknown), Err(RouteError::Unknown(_))), "{unknown}");
        }
    }

    #[test]
    fn a_method_the_route_lacks_names_those_it_has() {
        let error = Route::parse("/v2/a/tags/list").unwrap().function("DELETE").unwrap_err();
        assert_eq!(error.allowed, [Method::Get]);
        let error = ApiError::from(error);
        assert_eq!((error.code.status(), error.headers), (405, vec![("Allow", "GET".to_owned())]));
    }

    #[test]
    fn the_table_fits_an_http_api() {
        let table = route_table();
        assert!(table.len() <= 300, "{} routes", table.len());
        let mut keys: Vec<_> = table.iter().map(|route| &route.key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), table.len(), "a route stands twice");
        assert!(table.iter().all(|route| !route.key.ends_with('/')));
    }
}
