//! The one way in: from a request's credentials to what it may do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{
    Access, Ask, Caller, Credentials, Denied, Granted, Grants, IAM_USER, Need, Origin, Principal, Rights, Secret,
    TokenProblem, Usage, bearer_challenge, grant,
};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use protocol::{ApiError, ErrorCode};
use storage::{DocumentName, Storage};
use tokio::sync::Mutex;

use crate::keys::{Keys, VerifyError};

/// How long grants count as read. Only passwords on the registry's own routes need them: tokens carry what was granted.
pub const GRANTS_FOR: Duration = Duration::from_secs(60);

/// Decides on every request of a function. Tokens cost no call of AWS; a password costs a read a minute.
pub struct Gate {
    access: Access,
    storage: Arc<Storage>,
    keys: Arc<Keys>,
    grants: Mutex<Option<(Instant, Arc<Grants>)>>,
}

/// Why a request isn't let in.
enum Refusal {
    /// Its credentials are no good.
    Credentials(String, Option<TokenProblem>),
    /// It may not.
    Denied(Denied, Principal),
    /// Nobody can tell now.
    Failed(ApiError),
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Token(error) => Self::Credentials(error.to_string(), Some(TokenProblem::Invalid)),
            VerifyError::Unavailable(after) => Self::Failed(VerifyError::unavailable(after)),
        }
    }
}

impl Gate {
    /// A gate before everything that a storage holds.
    pub fn new(access: Access, storage: Arc<Storage>) -> Self {
        let keys = Arc::new(Keys::new(storage.clone()));
        Self { access, storage, keys, grants: Mutex::default() }
    }

    /// The keys that it knows, for the function that looks at passwords itself.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// What initialisation reads anyway to open the connection to DynamoDB: the keys. An open registry has no use for
    /// them, but they are what every function may read.
    pub async fn warm_up(&self) {
        self.keys.warm_up().await;
    }

    /// Lets a request in, and writes down that it did, or why not.
    ///
    /// # Errors
    /// When the caller isn't known, may not, or it can't be told.
    pub async fn admit(&self, ask: Ask, headers: &HeaderMap, origin: &Origin, id: &str) -> Result<Granted, ApiError> {
        let (need, scope) = (ask.need(), ask.scope());
        let decided = match self.caller(&need, headers, origin).await {
            Ok(caller) => grant(ask, &caller).map_err(|denied| Refusal::Denied(denied, caller.principal)),
            Err(refusal) => Err(refusal),
        };
        if self.access == Access::Login {
            write_down(&need, &decided, id);
        }
        decided.map_err(|refusal| refusal.into_error(&need, scope.as_deref(), origin))
    }

    async fn caller(&self, need: &Need, headers: &HeaderMap, origin: &Origin) -> Result<Caller, Refusal> {
        if self.access == Access::Open {
            return Ok(Caller { principal: Principal::Anyone, rights: Rights::Everything });
        }
        let nobody = Caller { principal: Principal::Anonymous, rights: Rights::Nothing };
        if *need == Need::Nothing {
            return Ok(nobody);
        }
        let credentials = Credentials::read(headers.get_all(AUTHORIZATION).iter().map(|field| field.as_bytes()));
        match credentials.map_err(|malformed| Refusal::Credentials(malformed.to_string(), None))? {
            Credentials::None => Ok(nobody),
            Credentials::Bearer(token) => {
                let claims = self.keys.verify(&token, Usage::Access, origin.service()).await?;
                Ok(Caller { principal: claims.principal, rights: Rights::Token(claims.access) })
            }
            Credentials::Basic { user, password } if user == IAM_USER => self.iam(&password, origin).await,
            Credentials::Basic { .. } => {
                let reason = "a user's secret is changed for a token first, at the endpoint that the challenge names";
                Err(Refusal::Credentials(reason.to_owned(), None))
            }
        }
    }

    /// Who has the password of a principal of IAM may do what is granted to it now, not when it logged in.
    async fn iam(&self, password: &Secret, origin: &Origin) -> Result<Caller, Refusal> {
        let claims = self.keys.verify(password, Usage::Password, origin.service()).await?;
        let permissions = match &claims.principal {
            Principal::Iam(principal) => {
                let grants = self.grants().await.map_err(|error| Refusal::Failed(error.into()))?;
                grants.of_iam_and_everybody(principal)
            }
            // Passwords are issued to nobody else.
            _ => return Err(VerifyError::Token(access::TokenError::Malformed).into()),
        };
        Ok(Caller { principal: claims.principal, rights: Rights::Permissions(permissions) })
    }

    async fn grants(&self) -> Result<Arc<Grants>, storage::Error> {
        let mut cached = self.grants.lock().await;
        if let Some((at, grants)) = cached.as_ref()
            && at.elapsed() < GRANTS_FOR
        {
            return Ok(grants.clone());
        }
        let grants = Arc::new(read_grants(&self.storage).await?);
        *cached = Some((Instant::now(), grants.clone()));
        Ok(grants)
    }
}

/// What is granted to principals of IAM and to everybody. One read.
///
/// # Errors
/// When the platform fails, or what is kept isn't readable: then nobody is let in by it.
pub async fn read_grants(storage: &Storage) -> Result<Grants, storage::Error> {
    match storage.document(DocumentName::Grants).await? {
        Some(document) => {
            Grants::from_json(&document.text).map_err(|error| storage::Error::Corrupt(format!("the grants: {error}")))
        }
        None => Ok(Grants::default()),
    }
}

impl Refusal {
    fn into_error(self, need: &Need, scope: Option<&str>, origin: &Origin) -> ApiError {
        let unauthorized = |message: String, problem| {
            let challenge = bearer_challenge(origin, scope, problem);
            ApiError::new(ErrorCode::Unauthorized, message).header("WWW-Authenticate", challenge)
        };
        let what = match need {
            Need::Nothing | Need::Credentials => "this".to_owned(),
            Need::Catalog => "listing the repositories".to_owned(),
            Need::Action(action, name) => format!("{action} on repository {name}"),
        };
        match self {
            Self::Credentials(reason, problem) => {
                unauthorized(format!("these credentials are no good: {reason}"), problem)
            }
            Self::Denied(Denied::NoCredentials, _) => {
                unauthorized(format!("{what} needs credentials; log in, for instance with docker login"), None)
            }
            Self::Denied(Denied::InsufficientScope, principal) => unauthorized(
                format!("{what} is not granted to {principal} by this token"),
                Some(TokenProblem::InsufficientScope),
            ),
            Self::Denied(Denied::NotGranted, principal) => {
                ApiError::new(ErrorCode::Denied, format!("{what} is not granted to {principal}"))
            }
            Self::Failed(error) => error,
        }
    }
}

/// One line for each decision, for whoever has to know later.
fn write_down(need: &Need, decided: &Result<Granted, Refusal>, request_id: &str) {
    let (action, repository) = match need {
        // The function that answers writes down what came of it.
        Need::Nothing => return,
        Need::Credentials => ("authenticate", None),
        Need::Catalog => ("catalog", None),
        Need::Action(action, name) => (action.as_str(), Some(name.as_str())),
    };
    match decided {
        Ok(granted) => {
            let (principal, source) = (granted.principal(), granted.source().map(|source| source.as_str()));
            tracing::info!(%principal, action, repository, source, request_id, "access allowed");
        }
        Err(refusal) => {
            let (principal, reason) = match refusal {
                Refusal::Credentials(reason, _) => ("unknown".to_owned(), reason.as_str()),
                Refusal::Denied(Denied::NoCredentials, principal) => (principal.to_string(), "no credentials"),
                Refusal::Denied(Denied::InsufficientScope, principal) => (principal.to_string(), "not in the token"),
                Refusal::Denied(Denied::NotGranted, principal) => (principal.to_string(), "not granted"),
                Refusal::Failed(_) => ("unknown".to_owned(), "credentials can't be checked now"),
            };
            tracing::info!(principal, action, repository, reason, request_id, "access denied");
        }
    }
}
