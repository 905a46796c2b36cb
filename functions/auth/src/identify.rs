//! From a name and a password to who that is, and what they may do.

use access::{Action, IAM_USER, Permissions, Principal, Scope, Secret, Usage, User, UserName};
use protocol::ApiError;
use runtime::{VerifyError, now, read_grants};
use storage::DocumentName;

use crate::{Auth, internal};

/// Somebody who showed credentials that are good.
pub(crate) struct Identity {
    pub(crate) principal: Principal,
    pub(crate) permissions: Permissions,
    /// When they cease to be, in seconds since 1970.
    pub(crate) until: u64,
}

impl Identity {
    /// Whether more would be granted to somebody who may also do what everybody may.
    pub(crate) fn lacks_pulls(&self, scopes: &[Scope]) -> bool {
        let knows_everybodys = match self.principal {
            Principal::Anonymous | Principal::Iam(_) | Principal::Anyone => true,
            Principal::User(_) | Principal::PullSecret => false,
        };
        !knows_everybodys
            && scopes.iter().any(|scope| match scope {
                Scope::Repository(name, wanted) => {
                    wanted.contains(Action::Pull) && !self.permissions.on(name).contains(Action::Pull)
                }
                Scope::Catalog => true,
            })
    }
}

/// Why it isn't known who somebody is.
pub(crate) enum Unidentified {
    /// Wrong, for a reason that only the log is told: to the client every reason looks the same.
    Wrong(&'static str),
    /// It can't be found out now.
    Failed(ApiError),
}

impl<E: Into<ApiError>> From<E> for Unidentified {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Auth {
    /// Whoever has no password.
    pub(crate) async fn anybody(&self) -> Result<Identity, Unidentified> {
        let permissions = read_grants(&self.storage).await?.of_everybody();
        Ok(Identity { principal: Principal::Anonymous, permissions, until: u64::MAX })
    }

    /// Whoever has this name and this password. One read, whether or not there is such a user.
    pub(crate) async fn identify(
        &self,
        user: &str,
        password: &Secret,
        service: &str,
    ) -> Result<Identity, Unidentified> {
        if user == IAM_USER {
            return self.principal_of_iam(password, service).await;
        }
        if let Ok(name) = user.parse::<UserName>() {
            let document = self.storage.document(DocumentName::User(name.as_str())).await?;
            if let Some(document) = document {
                let user = User::from_json(&document.text).map_err(|error| internal("a user's record", &error))?;
                return match user.admits(password, now()) {
                    Some(until) => {
                        Ok(Identity { principal: Principal::User(name), permissions: user.permissions(), until })
                    }
                    None => Err(Unidentified::Wrong("wrong secret, or the user is disabled or has expired")),
                };
            }
        }
        if let Some(secret) = &self.pull_secret
            && let Some(permissions) = secret.permissions(user, password).await?
        {
            return Ok(Identity { principal: Principal::PullSecret, permissions, until: u64::MAX });
        }
        Err(Unidentified::Wrong("no such user"))
    }

    /// Whoever logged in with IAM may do what is granted to them now.
    async fn principal_of_iam(&self, password: &Secret, service: &str) -> Result<Identity, Unidentified> {
        let claims = match self.keys.verify(password, Usage::Password, service).await {
            Ok(claims) => claims,
            Err(VerifyError::Token(_)) => {
                return Err(Unidentified::Wrong("the password of AWS isn't valid, or not any more"));
            }
            Err(VerifyError::Unavailable(after)) => return Err(VerifyError::unavailable(after).into()),
        };
        let Principal::Iam(principal) = &claims.principal else {
            return Err(Unidentified::Wrong("the password of AWS belongs to nobody in IAM"));
        };
        let permissions = read_grants(&self.storage).await?.of_iam_and_everybody(principal);
        Ok(Identity { principal: claims.principal, permissions, until: claims.expires_at })
    }
}
