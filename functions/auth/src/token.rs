//! The token endpoint (Docker token specification, "Token Authentication Specification"; for POST, "OAuth2 Token
//! Authentication"): what was asked and is allowed, for a few minutes.

use access::{
    AccessEntry, Claims, Credentials, Permissions, Principal, Scope, Secret, Usage, basic_challenge, random_id,
};
use http::StatusCode;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use protocol::{ApiError, ErrorCode, Method};
use runtime::{Query, Reply, Request, Response, now, read_grants};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::identify::{Identity, Unidentified};
use crate::{Auth, internal};

/// What a form may have, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// What the granted scopes may take in a token, in bytes before base64: in all a token stays below 6 KB, of the 10,240
/// bytes that a gateway takes as headers.
const MAX_ACCESS: usize = 4000;
/// The shortest life of a token, in seconds: clients count on it (Docker token specification, "Token Response Fields").
const SHORTEST: u64 = 60;
/// How much sooner than it ends a token is said to end, in seconds: there are requests that are on their way then, and
/// clients whose clocks are behind. Few of them ask for another one when a token is refused in the middle of a push.
const MARGIN: u64 = 60;

/// What a client asks.
struct Asked {
    credentials: Credentials,
    parameters: Query,
    /// OAuth2 wants to know what was granted.
    is_oauth: bool,
}

impl Auth {
    pub(crate) async fn token(&self, request: Request) -> Result<Response, ApiError> {
        let (origin, id) = (request.origin.clone(), request.id.clone());
        let asked = Asked::read(request).await.inspect_err(|error| {
            let reason = &error.message;
            tracing::info!(principal = "unknown", action = "token", reason, request_id = id, "access denied");
        })?;
        let scopes = Scope::parse_all(asked.parameters.all("scope"));
        let identified = match &asked.credentials {
            Credentials::Basic { user, password } => self.identify(user, password, origin.service()).await,
            Credentials::Bearer(_) | Credentials::None => self.anybody().await,
        };
        let unauthorized = |message: &str| {
            ApiError::new(ErrorCode::Unauthorized, message).header("WWW-Authenticate", basic_challenge(&origin))
        };
        let mut identity = match identified {
            Ok(identity) => identity,
            Err(Unidentified::Failed(error)) => return Err(error),
            Err(Unidentified::Wrong(reason)) => {
                tracing::info!(principal = "unknown", action = "token", reason, request_id = id, "access denied");
                return Err(unauthorized("the user name or the password is wrong"));
            }
        };
        if identity.lacks_pulls(&scopes) {
            // Whoever logs in may do no less than whoever doesn't.
            let everybodys = read_grants(&self.storage).await?.of_everybody();
            identity.permissions = identity.permissions.and(everybodys);
        }
        let granted = granted(&identity.permissions, &scopes);
        let scope = granted.entries.iter().map(as_scope).collect::<Vec<_>>().join(" ");
        if identity.principal == Principal::Anonymous && granted.entries.is_empty() {
            tracing::info!(
                principal = "anonymous",
                action = "token",
                reason = "no credentials",
                request_id = id,
                "access denied"
            );
            return Err(unauthorized("this needs a user name and a password; log in, for instance with docker login"));
        }
        let left_out = (granted.left_out > 0).then_some(granted.left_out);
        let principal = identity.principal.to_string();
        tracing::info!(principal, action = "token", scope, left_out, request_id = id, "access allowed");
        let (token, issued_at, lifetime) = self.issue(&identity, granted.entries, origin.service()).await?;
        let issued = OffsetDateTime::from_unix_timestamp(issued_at.cast_signed()).ok();
        let issued = issued.and_then(|time| time.format(&Rfc3339).ok());
        let mut body = json!({
            "token": token.expose(),
            "access_token": token.expose(),
            "expires_in": announced(lifetime),
            "issued_at": issued,
        });
        if asked.is_oauth {
            body["scope"] = scope.into();
            body["token_type"] = "Bearer".into();
        }
        Ok(Reply::new(StatusCode::OK).header(CACHE_CONTROL, "no-store").body("application/json", body.to_string()))
    }

    async fn issue(
        &self,
        identity: &Identity,
        access: Vec<AccessEntry>,
        service: &str,
    ) -> Result<(Secret, u64, u64), ApiError> {
        let now = now();
        // Not longer than the credentials, but for the minute that every token has.
        let remaining = identity.until.saturating_sub(now).max(SHORTEST);
        let lifetime = self.settings.token_lifetime.min(remaining);
        let claims = Claims {
            usage: Usage::Access,
            service: service.to_owned(),
            principal: identity.principal.clone(),
            issued_at: now,
            not_before: now,
            expires_at: now + lifetime,
            id: random_id().map_err(|error| internal("a token's name", &error))?,
            access,
        };
        Ok((self.signer.sign(&claims).await?, now, lifetime))
    }
}

impl Asked {
    async fn read(request: Request) -> Result<Self, ApiError> {
        let service = request.origin.service().to_owned();
        let asked = Self::parse(request).await?;
        match asked.parameters.get("service") {
            Some(other) if other != service => {
                let message = format!("the parameter service: this is {service}, not {other:?}");
                Err(ApiError::new(ErrorCode::TokenRequestInvalid, message))
            }
            _ => Ok(asked),
        }
    }

    async fn parse(request: Request) -> Result<Self, ApiError> {
        let malformed = |message: String| ApiError::new(ErrorCode::TokenRequestInvalid, message);
        let fields = request.headers.get_all(AUTHORIZATION).iter().map(|field| field.as_bytes());
        let credentials = Credentials::read(fields).map_err(|error| malformed(error.to_string()))?;
        if request.method != Method::Post {
            return Ok(Self { credentials, parameters: request.query, is_oauth: false });
        }
        let too_large = malformed(format!("a form may have at most {MAX_FORM} bytes"));
        let form = request.into_bytes(MAX_FORM, too_large).await?;
        let form = String::from_utf8(form).map_err(|_| malformed("the form isn't UTF-8".to_owned()))?;
        let parameters = Query::parse(&form);
        match parameters.get("grant_type") {
            Some("password") => {}
            Some("refresh_token") => {
                let message = "no refresh tokens are issued here; use grant_type=password";
                return Err(malformed(message.to_owned()));
            }
            _ => return Err(malformed("the parameter grant_type is missing or unknown; use password".to_owned())),
        }
        let credentials = match (parameters.get("username"), parameters.get("password")) {
            (Some(user), Some(password)) => {
                Credentials::Basic { user: user.to_owned(), password: Secret::new(password) }
            }
            (None, None) => credentials,
            _ => return Err(malformed("the parameters username and password belong together".to_owned())),
        };
        Ok(Self { credentials, parameters, is_oauth: true })
    }
}

/// How long a client may count on a token that is valid for so many seconds.
fn announced(lifetime: u64) -> u64 {
    lifetime.saturating_sub(MARGIN).max(lifetime.min(SHORTEST))
}

/// What of the scopes is granted.
struct GrantedScopes {
    entries: Vec<AccessEntry>,
    /// How many more would have been granted, had the token room for them: a client asks again for what it then lacks.
    left_out: usize,
}

/// What was asked and is allowed, as much as a token has room for.
fn granted(permissions: &Permissions, scopes: &[Scope]) -> GrantedScopes {
    let mut granted = GrantedScopes { entries: Vec::new(), left_out: 0 };
    let mut room = MAX_ACCESS;
    for scope in scopes {
        let entry = match scope {
            Scope::Repository(name, wanted) => {
                let actions = permissions.on(name).intersection(*wanted);
                if actions.is_empty() {
                    continue;
                }
                AccessEntry::Repository { name: name.clone(), actions }
            }
            Scope::Catalog => {
                let repositories = permissions.pullable();
                if repositories.is_empty() {
                    continue;
                }
                AccessEntry::Catalog { repositories }
            }
        };
        match room.checked_sub(entry.size()) {
            Some(rest) => {
                room = rest;
                granted.entries.push(entry);
            }
            None => granted.left_out += 1,
        }
    }
    granted
}

fn as_scope(entry: &AccessEntry) -> String {
    match entry {
        AccessEntry::Repository { name, actions } => format!("repository:{name}:{actions}"),
        AccessEntry::Catalog { .. } => "registry:catalog:*".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(permissions: &str, asked: &str) -> Vec<String> {
        let permissions = serde_json::from_str(permissions).unwrap();
        granted(&permissions, &Scope::parse_all([asked])).entries.iter().map(as_scope).collect()
    }

    #[test]
    fn what_was_asked_and_is_allowed_is_granted() {
        let team = r#"[{"repositories": ["team/*"], "actions": ["pull", "push"]}]"#;
        assert_eq!(scopes(team, "repository:team/app:pull,push"), ["repository:team/app:pull,push"]);
        assert_eq!(scopes(team, "repository:team/app:*"), ["repository:team/app:pull,push"]);
        assert_eq!(scopes(team, "repository:team/app:pull repository:other:pull"), ["repository:team/app:pull"]);
        assert_eq!(scopes(team, "repository:team/app:delete"), Vec::<String>::new());
        assert_eq!(scopes(team, "registry:catalog:*"), ["registry:catalog:*"]);
        assert_eq!(scopes("[]", "registry:catalog:* repository:team/app:pull"), Vec::<String>::new());
    }

    #[test]
    fn a_token_is_said_to_end_a_minute_before_it_does_unless_it_is_that_short() {
        assert_eq!([300, 3600, 120].map(announced), [240, 3540, 60]);
        assert_eq!([100, 60, 1].map(announced), [60, 60, 1]);
    }

    #[test]
    fn a_token_has_room_for_so_many_scopes_and_says_what_it_left_out() {
        let asked: String = (0..500).map(|n| format!("repository:team/{n}:pull,push ")).collect();
        let granted = granted(&Permissions::everything(), &Scope::parse_all([asked.as_str()]));
        assert!(granted.entries.len() > 40);
        assert_eq!(granted.entries.len() + granted.left_out, 500);
        let size: usize = granted.entries.iter().map(AccessEntry::size).sum();
        assert!(size <= MAX_ACCESS, "{size}");
    }
}
