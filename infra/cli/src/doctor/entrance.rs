//! How a visitor gets in.

use std::time::{SystemTime, UNIX_EPOCH};

use access::{IAM_USER, Secret};
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, Uri};
use lambda_registry::log_in;

use super::answer::Outcome;
use super::challenge::Bearer;
use super::check::Check;
use super::checks::{clock, token};
use super::credentials::Credentials;
use super::outside::Entrance;
use super::token::basic;
use super::visit::Visit;
use super::wire::Ask;

/// Whether what needs somebody who may push can be looked at.
pub(super) enum Way {
    /// It can, with what gets another token.
    Free(Option<Key>),
    /// It can't, and why.
    Barred(&'static str),
}

/// Where tokens are had, and for what.
pub(super) struct Key {
    endpoint: Uri,
    basic: HeaderValue,
}

impl Visit {
    /// Logs in, if that is asked for and possible.
    pub(super) async fn enter(&mut self, entrance: &Entrance, credentials: Credentials) -> Way {
        let Entrance::Login(bearer) = entrance else {
            let checks = [Check::Login, Check::Token, Check::TokenClock, Check::Password];
            self.report.skip(&checks, "the registry is open: nobody logs in");
            return Way::Free(None);
        };
        let endpoint = self.endpoint(bearer.as_ref());
        let is_iam = matches!(credentials, Credentials::Aws(_));
        let basic = match credentials {
            Credentials::None => {
                self.report.skip(&[Check::Login], "that is for --login");
                return self.look_at_endpoint(endpoint).await;
            }
            Credentials::User(name, password) => {
                self.report.skip(&[Check::Login], "that is for --login");
                basic(&name, &password)
            }
            Credentials::Aws(region) => match self.log_in(region.as_deref()).await {
                Some(password) => basic(IAM_USER, &password),
                None => {
                    let checks = [Check::Token, Check::TokenClock, Check::Password];
                    self.report.skip(&checks, "there is no password to try");
                    return Way::Barred("nobody is logged in");
                }
            },
        };
        let (Some(endpoint), Some(basic)) = (endpoint, basic) else {
            self.report.skip(&[Check::Token, Check::TokenClock, Check::Password], "the credentials can't be sent");
            return Way::Barred("nobody is logged in");
        };
        let key = Key { endpoint, basic };
        let asked = self.ask_for_token(&key).await;
        let is_in = match token::token(&asked) {
            Ok(token) => {
                self.authorization = token.bearer();
                self.report.found(super::finding::Finding::ok(Check::Token, "the token endpoint gives a token"));
                if let Ok(answer) = &asked {
                    self.report.found(clock::token_clock(answer, &token, SystemTime::now()));
                }
                self.authorization.is_some()
            }
            Err(finding) => {
                self.report.found(finding);
                self.report.skip(&[Check::TokenClock], "there is no token");
                false
            }
        };
        self.try_password(&key, is_iam).await;
        if is_in { Way::Free(Some(key)) } else { Way::Barred("nobody is logged in") }
    }

    /// Another token, since a slow line takes longer than one lives.
    pub(super) async fn renew(&mut self, key: &Option<Key>) {
        let Some(key) = key else { return };
        if let Ok(token) = token::token(&self.ask_for_token(key).await) {
            self.authorization = token.bearer();
        }
    }

    /// The token endpoint that the challenge names. Nobody's password goes to another host: there the registry's own is
    /// asked.
    fn endpoint(&self, bearer: Option<&Bearer>) -> Option<Uri> {
        let realm = bearer.and_then(|bearer| self.registry.resolve(&bearer.realm));
        let service = bearer.filter(|_| realm.is_some()).map(|bearer| format!("service={}&", bearer.service));
        let path = realm.as_ref().map_or("/token", Uri::path);
        let scope = format!("scope=repository:{}:pull,push,delete", self.repository);
        let target = format!("{path}?{}{scope}", service.unwrap_or_default());
        Some(self.registry.uri(target.parse().ok()?))
    }

    async fn look_at_endpoint(&mut self, endpoint: Option<Uri>) -> Way {
        match endpoint {
            Some(endpoint) => {
                let asked = self.wire.send(Ask::new(Method::GET, endpoint)).await;
                self.report.found(token::anonymous_token(&asked));
            }
            None => self.report.skip(&[Check::Token], "the token endpoint has no URL"),
        }
        self.report.skip(&[Check::TokenClock, Check::Password], NO_CREDENTIALS);
        Way::Barred(NO_CREDENTIALS)
    }

    async fn log_in(&mut self, region: Option<&str>) -> Option<Secret> {
        let password = log_in(&self.registry, region).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let secret = password.as_ref().ok().map(|password| Secret::new(password.password.as_str()));
        let lifetime = password.map(|password| password.expires_at.saturating_sub(now));
        self.report.found(token::login(&lifetime));
        secret
    }

    async fn ask_for_token(&self, key: &Key) -> Outcome {
        self.wire.send(Ask::new(Method::GET, key.endpoint.clone()).header(AUTHORIZATION, key.basic.clone())).await
    }

    async fn try_password(&mut self, key: &Key, is_iam: bool) {
        if !is_iam {
            return self.report.skip(&[Check::Password], "only passwords of AWS identities (--login) are taken so");
        }
        let outcome = match self.anonymously(Method::GET, "/v2/") {
            Ok(ask) => self.wire.send(ask.header(AUTHORIZATION, key.basic.clone())).await,
            Err(error) => Err(error),
        };
        self.report.found(token::password(&outcome));
    }
}

const NO_CREDENTIALS: &str = "give --login, or --username and --password-stdin";
