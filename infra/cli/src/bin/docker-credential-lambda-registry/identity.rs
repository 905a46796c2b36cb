//! Whom AWS will take this process for, told apart without asking anybody.

use std::env;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

/// Where credentials may come from. Values that change while the identity stays, like session tokens, aren't here.
const VARIABLES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// Profiles: the variable that names the file, and where it is otherwise.
const FILES: &[(&str, &str)] =
    &[("AWS_CONFIG_FILE", ".aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")];

/// A name for the identity that the environment and the profiles stand for, in hexadecimal. It changes whenever they do,
/// so nobody gets another identity's password; at worst one signs in once more than needed.
///
/// Credentials themselves would be no name: roles and SSO give out new ones each time, and getting them takes seconds.
pub(crate) fn fingerprint() -> String {
    let mut hash = Sha256::new();
    let mut add = |value: Option<&[u8]>| {
        // With its length, so that no two lists of values look the same.
        hash.update(value.map_or(u64::MAX, |value| value.len() as u64).to_be_bytes());
        hash.update(value.unwrap_or_default());
    };
    for variable in VARIABLES {
        add(env::var_os(variable).as_ref().map(|value| value.as_encoded_bytes()));
    }
    // The key's id alone is no credential, and is passed over.
    add(env::var_os("AWS_SECRET_ACCESS_KEY").map(|_| b"".as_slice()));
    for (variable, file) in FILES {
        let named = env::var_os(variable).filter(|name| !name.is_empty()).map(PathBuf::from);
        let file = named.or_else(|| Some(env::home_dir()?.join(file)));
        add(file.and_then(|file| std::fs::read(file).ok()).as_deref());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
