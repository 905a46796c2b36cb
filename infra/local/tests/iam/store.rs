//! Secrets as the local stack itself reads and writes them, and their file.

use std::os::unix::fs::PermissionsExt as _;

use local::iam::{Medium, SecretError, Secrets, Stage};
use tempfile::TempDir;

use crate::harness::REGION;

#[test]
fn the_file_is_its_owners_to_read() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("secrets.json");
    let secrets = Secrets::open(REGION, Medium::File(file.clone())).unwrap();
    assert!(!file.exists());
    secrets.create("a", "first", None).unwrap();
    secrets.put("a", "second", None).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_file_of_something_else_is_refused_and_stays() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("secrets.json");
    std::fs::write(&file, "[]").unwrap();
    assert!(Secrets::open(REGION, Medium::File(file.clone())).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"[]");
}

#[test]
fn what_couldnt_be_written_didnt_happen() {
    let directory = TempDir::new().unwrap();
    let secrets = Secrets::open(REGION, Medium::File(directory.path().join("secrets.json"))).unwrap();
    secrets.create("a", "first", None).unwrap();
    drop(directory);
    assert!(matches!(secrets.put("a", "second", None), Err(SecretError::Io(_))));
    assert!(matches!(secrets.create("b", "first", None), Err(SecretError::Io(_))));
    assert_eq!(secrets.get("a", None, None).unwrap().value, "first");
    assert!(matches!(secrets.get("a", None, Some(Stage::Previous)), Err(SecretError::NoVersion)));
    assert!(matches!(secrets.get("b", None, None), Err(SecretError::NoSecret)));
}

#[test]
fn debug_doesnt_show_the_value() {
    let secrets = Secrets::open(REGION, Medium::Memory).unwrap();
    secrets.create("a", "the-password", None).unwrap();
    let shown = format!("{:?}", secrets.get("a", None, None).unwrap());
    assert!(shown.contains("secret:a-") && !shown.contains("the-password"), "{shown}");
}
