//! Who there is, and the key pairs they sign with.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{ACCOUNT_ID, private_file};

/// A principal with its key pair.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Names the key pair; it is sent in the open.
    pub access_key_id: String,
    /// What requests are signed with.
    pub secret_access_key: String,
    /// Goes with the key pair of a session, in every request.
    pub session_token: Option<String>,
    /// A user, `arn:aws:iam::<account>:user/<name>`, or a session,
    /// `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
    pub arn: String,
    /// 12 digits.
    pub account_id: String,
    /// Of a user `AIDA…`, of a session `AROA…:<session>`.
    pub user_id: String,
}

impl Identity {
    /// A user of the account [`ACCOUNT_ID`] with a fresh key pair, of the form that IAM gives them. The secret has 240
    /// random bits.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate(user: &str) -> io::Result<Self> {
        let mut secret = [0; 30];
        fill_randomly(&mut secret)?;
        Ok(Self {
            access_key_id: format!("AKIA{}", random_characters::<16>()?),
            secret_access_key: BASE64_STANDARD.encode(secret),
            session_token: None,
            arn: format!("arn:aws:iam::{ACCOUNT_ID}:user/{user}"),
            account_id: ACCOUNT_ID.to_owned(),
            user_id: format!("AIDA{}", random_characters::<17>()?),
        })
    }

    /// The identity that is kept in `file`; one of [`Identity::generate`] is written there if there is none, for its
    /// owner only to read.
    ///
    /// # Errors
    /// When the file can't be read or written, or holds something else.
    pub fn kept_in(file: &Path, user: &str) -> io::Result<Self> {
        if let Some(json) = private_file::read(file)? {
            return Ok(serde_json::from_slice(&json)?);
        }
        let identity = Self::generate(user)?;
        private_file::write(file, &serde_json::to_vec_pretty(&identity)?)?;
        Ok(identity)
    }
}

/// Without secrets.
impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Identity");
        shown.field("access_key_id", &self.access_key_id).field("arn", &self.arn).finish_non_exhaustive()
    }
}

/// The key pairs that a region knows.
#[derive(Clone, Debug)]
pub struct Identities {
    pub(super) region: String,
    by_key: BTreeMap<String, Identity>,
}

impl Identities {
    /// Of two with the same access key id the later one counts.
    pub fn new(region: &str, identities: impl IntoIterator<Item = Identity>) -> Self {
        let by_key = identities.into_iter().map(|identity| (identity.access_key_id.clone(), identity));
        Self { region: region.to_owned(), by_key: by_key.collect() }
    }

    pub(super) fn find(&self, access_key_id: &str) -> Option<&Identity> {
        self.by_key.get(access_key_id)
    }
}

/// Characters of AWS's identifiers, base32's: 5 random bits each.
pub(super) fn random_characters<const LENGTH: usize>() -> io::Result<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = [0; LENGTH];
    fill_randomly(&mut bytes)?;
    Ok(bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).iter().collect())
}

fn fill_randomly(bytes: &mut [u8]) -> io::Result<()> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| io::Error::other("the system gives no random numbers"))
}
