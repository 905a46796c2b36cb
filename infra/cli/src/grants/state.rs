//! What is in force.

use std::collections::BTreeMap;

use access::{Grants, User, UserName};
use storage::Storage;

use super::file::{File, UserTerms};
use crate::kept::{self, Kept, KeptError};
use crate::moment::Moment;

/// Every user and grant of a deployment, in the versions that were read.
pub(crate) struct State {
    /// The registry's users.
    pub(crate) users: BTreeMap<UserName, Kept<User>>,
    /// The grants for everybody else; None while none were ever written.
    pub(crate) grants: Option<Kept<Grants>>,
}

impl State {
    /// Reads them.
    pub(crate) async fn read(storage: &Storage) -> Result<Self, KeptError> {
        // In this order: whatever another file does to the users after that makes the grants another version.
        let grants = kept::grants(storage).await?;
        Ok(Self { users: kept::users(storage).await?, grants })
    }

    /// The grants that aren't a user's own.
    pub(crate) fn grants(&self) -> Grants {
        self.grants.as_ref().map(|kept| kept.value.clone()).unwrap_or_default()
    }

    /// The same, with the sections of the file in place of what is in force.
    pub(crate) fn grants_after(&self, file: &File) -> Grants {
        let before = self.grants();
        Grants {
            iam: file.iam.clone().unwrap_or(before.iam),
            anonymous: file.anonymous.clone().unwrap_or(before.anonymous),
        }
    }

    /// As a file that has every section.
    pub(crate) fn to_file(&self) -> File {
        let Grants { iam, anonymous } = self.grants();
        let users = self.users.iter().map(|(name, kept)| (name.clone(), terms(&kept.value))).collect();
        File { users: Some(users), iam: Some(iam), anonymous: Some(anonymous) }
    }
}

/// What of a user stands in a file.
pub(crate) fn terms(user: &User) -> UserTerms {
    UserTerms { grants: user.grants.clone(), expires: user.expires_at.map(Moment::at) }
}
