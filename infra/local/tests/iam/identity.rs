//! Key pairs.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;

use local::iam::{ACCOUNT_ID, Identities, Identity};
use tempfile::TempDir;

use crate::harness::{REGION, session};

#[test]
fn a_generated_key_pair_has_the_form_of_iams() {
    let Identity { access_key_id, secret_access_key, session_token, arn, account_id, user_id } =
        Identity::generate("admin").unwrap();
    let base32 = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte));
    assert!(access_key_id.starts_with("AKIA") && access_key_id.len() == 20 && base32(&access_key_id));
    assert!(user_id.starts_with("AIDA") && user_id.len() == 21 && base32(&user_id));
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    assert!(secret_access_key.len() == 40 && secret_access_key.bytes().all(base64));
    assert_eq!(session_token, None);
    assert_eq!((arn, account_id.as_str()), (format!("arn:aws:iam::{ACCOUNT_ID}:user/admin"), ACCOUNT_ID));
}

#[test]
fn no_two_generated_key_pairs_are_alike() {
    let pairs: Vec<_> = (0..100).map(|_| Identity::generate("admin").unwrap()).collect();
    assert_eq!(pairs.iter().map(|identity| &identity.access_key_id).collect::<HashSet<_>>().len(), 100);
    assert_eq!(pairs.iter().map(|identity| &identity.secret_access_key).collect::<HashSet<_>>().len(), 100);
}

#[test]
fn a_kept_identity_stays_the_same_and_is_its_owners_to_read() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("identity.json");
    let first = Identity::kept_in(&file, "admin").unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Identity::kept_in(&file, "admin").unwrap() == first);
    std::fs::write(&file, "{").unwrap();
    assert!(Identity::kept_in(&file, "admin").is_err(), "what can't be read isn't replaced");
}

#[test]
fn debug_shows_no_secrets() {
    let shown = format!("{:?}", (session(), Identities::new(REGION, [session()])));
    assert!(shown.contains(&session().access_key_id), "{shown}");
    for secret in [session().secret_access_key, session().session_token.unwrap()] {
        assert!(!shown.contains(&secret), "{shown}");
    }
}
