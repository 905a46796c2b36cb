//! `GET /v2/`: where every client begins.

use http::StatusCode;
use lambda_registry::Registry;

use super::unanswered;
use crate::doctor::answer::{Answer, Outcome, Unanswered, Voice, said};
use crate::doctor::challenge::{Bearer, Found, Place, find};
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;

/// Whether anybody is there.
pub(in crate::doctor) fn reachable(registry: &Registry, base: &Outcome) -> Finding {
    match base {
        Ok(_) if registry.is_secure() => Finding::ok(Check::Reachable, format!("{registry} answers over TLS")),
        Ok(_) => Finding::ok(Check::Reachable, format!("{registry} answers, without TLS, on this machine")),
        Err(Unanswered::NoConnection(reason)) => Finding::failure(
            Check::Reachable,
            format!("no connection to {registry}: {reason}"),
            "no client gets further than this",
            "compare the host with the stack's output RegistryHost; for a domain of your own look at its DNS record \
             and at the API's domain name and mapping; where a company's own certificates are used, name them with \
             SSL_CERT_FILE",
        ),
        Err(reason) => unanswered(Check::Reachable, "GET /v2/", reason),
    }
}

/// Whether clients are sent elsewhere: they take their credentials along, or drop them.
pub(in crate::doctor) fn redirect(registry: &Registry, base: &Answer, bare: &Outcome) -> Finding {
    let elsewhere = |answer: &Answer| {
        let location = answer.header("location").filter(|_| answer.status.is_redirection())?;
        registry.resolve(location).is_none().then(|| without_query(location))
    };
    let bare = bare.as_ref().ok();
    for (path, answer) in [("/v2/", Some(base)), ("/v2", bare)] {
        if let Some(location) = answer.and_then(elsewhere) {
            return Finding::failure(
                Check::Redirect,
                format!("GET {path} is redirected to {location}"),
                "clients lose their credentials on the way to another host, or refuse to leave TLS",
                "name images by the host that answers itself, or take the redirect out of what stands before the \
                 registry",
            );
        }
    }
    Finding::ok(Check::Redirect, "/v2/ isn't redirected to another host or scheme")
}

/// Whether the slash at the end makes a difference.
pub(in crate::doctor) fn trailing_slash(base: &Answer, bare: &Outcome) -> Finding {
    let bare = match bare {
        Ok(bare) => bare,
        Err(reason) => return unanswered(Check::TrailingSlash, "GET /v2", reason),
    };
    if bare.status == base.status {
        return Finding::ok(
            Check::TrailingSlash,
            format!("/v2/ and /v2 are both answered with {}", bare.status.as_u16()),
        );
    }
    Finding::warning(
        Check::TrailingSlash,
        format!("/v2/ is answered with {}, /v2 with {}", base.said(), bare.said()),
        "the few clients that leave the slash out don't find the registry",
        "route $default to the function auth, as the template does, and let nothing before the gateway change paths",
    )
}

/// Whether the answer says that this is version 2 of the API.
pub(in crate::doctor) fn api_version(base: &Answer) -> Finding {
    match base.header("docker-distribution-api-version") {
        Some(version) if version.contains("registry/2.0") => {
            Finding::ok(Check::ApiVersion, "Docker-Distribution-Api-Version: registry/2.0")
        }
        other => Finding::warning(
            Check::ApiVersion,
            format!("Docker-Distribution-Api-Version is {}", other.unwrap_or("missing")),
            "old versions of Docker take this for a registry of version 1",
            "look whether this is the registry at all, and whether something before it takes headers away",
        ),
    }
}

/// How the registry asks for a login.
pub(in crate::doctor) fn challenge(base: &Answer) -> Finding {
    match base.status {
        StatusCode::OK => Finding::warning(
            Check::Challenge,
            "GET /v2/ is answered with 200: nobody has to log in",
            "whoever reaches this registry may pull, push and delete",
            "deploy with Access=login (local: with --auth), unless only those reach it who may do everything",
        ),
        StatusCode::UNAUTHORIZED => asked_to_log_in(base),
        _ => Finding::failure(
            Check::Challenge,
            format!("GET /v2/ is answered with {}", base.said()),
            "clients expect 401, or 200 of a registry that is open: to them this is no registry",
            match base.voice() {
                Voice::Gateway(_) if base.status.is_server_error() => {
                    "the gateway couldn't ask the function auth: look into its log, and at the gateway's permission to \
                     invoke it"
                }
                Voice::Gateway(_) => {
                    "route $default to the function auth, as the template does; for a domain of your own, \
                                      look at its mapping to the API and the stage $default"
                }
                Voice::Registry(..) | Voice::Bucket(_) | Voice::Other => {
                    "look whether this is the registry's host, and at what stands before it; then into auth's log"
                }
            },
        ),
    }
}

fn asked_to_log_in(base: &Answer) -> Finding {
    let mapping = "the integrations have to map X-Registry-Challenge to WWW-Authenticate on 401 (ResponseParameters \
                   in the template), and nothing before the gateway may take WWW-Authenticate away";
    match find(base) {
        Some(Found { place: Place::WwwAuthenticate, bearer: Some(_), .. }) => {
            Finding::ok(Check::Challenge, "401, and WWW-Authenticate sends clients for a token")
        }
        Some(Found { place: Place::WwwAuthenticate, text, .. }) => Finding::failure(
            Check::Challenge,
            format!("WWW-Authenticate is {text}: no single Bearer challenge with realm and service"),
            "clients don't learn where to get a token",
            mapping,
        ),
        Some(Found { place, .. }) => Finding::failure(
            Check::Challenge,
            format!("401 without WWW-Authenticate; the challenge came as {}", place.header()),
            "clients look for WWW-Authenticate only, and don't learn where to get a token: no login, push or pull \
             works",
            mapping,
        ),
        None => Finding::failure(
            Check::Challenge,
            "401 without WWW-Authenticate",
            "clients don't learn where to get a token: no login, push or pull works",
            mapping,
        ),
    }
}

/// Whether clients are sent to this registry's own token endpoint.
pub(in crate::doctor) fn realm(registry: &Registry, bearer: &Bearer) -> Finding {
    let Bearer { realm, service, .. } = bearer;
    let public_host = "the registry goes by its PublicHost: deploy with the host that images are named by, or with \
                       none to go by the host that is asked";
    if registry.resolve(realm).is_none() {
        return Finding::failure(
            Check::Realm,
            format!("clients are sent to {} for a token", without_query(realm)),
            "they take their passwords to another host; doctor didn't",
            public_host,
        );
    }
    if registry.resolve(&format!("{}://{service}/", if registry.is_secure() { "https" } else { "http" })).is_none() {
        return Finding::failure(
            Check::Realm,
            format!("tokens are issued for the service {service}"),
            "tokens are valid for that host, and not for this one",
            public_host,
        );
    }
    Finding::ok(Check::Realm, format!("tokens come from {realm}"))
}

/// Whether what isn't there is told by the registry rather than by the gateway.
pub(in crate::doctor) fn error_shape(outcome: &Outcome) -> Finding {
    match outcome {
        Err(reason) => unanswered(Check::ErrorShape, "GET of an unknown path", reason),
        Ok(answer) if answer.is_registrys_error() && answer.status.is_client_error() => {
            Finding::ok(Check::ErrorShape, format!("an unknown path is answered with {}", answer.said()))
        }
        Ok(_) => Finding::warning(
            Check::ErrorShape,
            format!("an unknown path is answered with {}", said(outcome)),
            "errors aren't the registry's own, so clients can't show what is wrong",
            "route $default to the function auth, as the template does",
        ),
    }
}

/// A query may hold a signature.
pub(in crate::doctor) fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}
