//! What Secrets Manager keeps: secrets of text, each with its current and its previous version.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::identity::random_characters;
use super::{ACCOUNT_ID, private_file};

/// Longest name, in bytes.
const MAX_NAME: usize = 512;
/// Largest value, in bytes.
const MAX_VALUE: usize = 65_536;
/// Lengths of what a client names a version with.
const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = 32..=64;

/// Where the secrets live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Medium {
    /// This file, made with the first secret, for its owner only to read; its directory exists.
    File(PathBuf),
    /// The heap: nothing touches the disk and nothing survives.
    Memory,
}

/// What a version is: the one that counts, or the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `AWSCURRENT`
    Current,
    /// `AWSPREVIOUS`
    Previous,
}

impl Stage {
    /// All there are, newest first. Older versions are gone: AWS, too, removes what has no stage.
    const ALL: [Self; 2] = [Self::Current, Self::Previous];

    pub(super) fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.label() == label)
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Previous => "AWSPREVIOUS",
        }
    }
}

/// Why Secrets Manager refuses.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No secret has this name or ARN.
    #[error("there is no such secret")]
    NoSecret,
    /// The secret has no version with this id and stage.
    #[error("the secret has no such version")]
    NoVersion,
    /// Another secret has the name already.
    #[error("a secret with this name exists already")]
    SecretExists,
    /// A version has the id already, with another value.
    #[error("a version with this ClientRequestToken exists already, with another value")]
    VersionExists,
    /// Names have 1 to 512 ASCII letters, digits and `/_+=.@-!`.
    #[error("the name isn't one of 1 to {MAX_NAME} letters, digits and /_+=.@-!")]
    Name,
    /// Values have 1 to 65,536 bytes.
    #[error("the value doesn't have 1 to {MAX_VALUE} bytes")]
    Value,
    /// Tokens, which become version ids, have 32 to 64 characters.
    #[error("the ClientRequestToken doesn't have 32 to 64 characters")]
    Token,
    /// The file can't be written.
    #[error("the secrets can't be kept: {0}")]
    Io(#[from] io::Error),
}

/// A version that was written, and is the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The secret's ARN: its name with six characters more.
    pub arn: String,
    /// The secret's name.
    pub name: String,
    /// The version's id.
    pub version_id: String,
}

/// A version as it is read.
#[derive(Clone, PartialEq)]
pub struct SecretValue {
    /// The secret's ARN.
    pub arn: String,
    /// The secret's name.
    pub name: String,
    /// The version's id.
    pub version_id: String,
    /// What the version is now.
    pub stage: Stage,
    /// When the version was written, in seconds since 1970.
    pub created: f64,
    /// The secret.
    pub value: String,
}

/// Without the value.
impl fmt::Debug for SecretValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("SecretValue");
        shown.field("arn", &self.arn).field("version_id", &self.version_id).field("stage", &self.stage);
        shown.finish_non_exhaustive()
    }
}

/// The secrets of a region.
pub struct Secrets {
    region: String,
    medium: Medium,
    by_name: Mutex<BTreeMap<String, Secret>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Secret {
    arn: String,
    /// By [`Stage::ALL`].
    versions: Vec<Version>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Version {
    id: String,
    value: String,
    created: f64,
}

impl Secrets {
    /// Those that the medium has.
    ///
    /// # Errors
    /// When the file can't be read, or isn't one of secrets.
    pub fn open(region: &str, medium: Medium) -> io::Result<Self> {
        let kept = match &medium {
            Medium::File(path) => private_file::read(path)?,
            Medium::Memory => None,
        };
        let by_name = kept.map_or(Ok(BTreeMap::new()), |json| serde_json::from_slice(&json))?;
        Ok(Self { region: region.to_owned(), medium, by_name: Mutex::new(by_name) })
    }

    /// Makes a secret. `token` is the version's id, a random one if there is none; who repeats a request with its token
    /// gets the same answer again.
    ///
    /// # Errors
    /// When there is one with this name, or something isn't of Secrets Manager's form. [`SecretError::Io`] when it
    /// can't be written; then it isn't there.
    pub fn create(&self, name: &str, value: &str, token: Option<&str>) -> Result<Written, SecretError> {
        let well_formed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&byte));
        if name.is_empty() || name.len() > MAX_NAME || !well_formed {
            return Err(SecretError::Name);
        }
        let version = Version::new(value, token)?;
        self.change(|secrets| {
            if let Some(secret) = secrets.get(name) {
                let repeated = secret.versions.iter().any(|other| other.repeats(&version));
                return if repeated { Ok(written(name, secret, &version)) } else { Err(SecretError::SecretExists) };
            }
            let suffix = random_characters::<6>()?;
            let arn = format!("arn:aws:secretsmanager:{}:{ACCOUNT_ID}:secret:{name}-{suffix}", self.region);
            let secret = Secret { arn, versions: Vec::new() };
            let secret = secrets.entry(name.to_owned()).or_insert(secret);
            let written = written(name, secret, &version);
            secret.add(version);
            Ok(written)
        })
    }

    /// Gives a secret, by name or ARN, a new current version. `token` is as in [`Secrets::create`].
    ///
    /// # Errors
    /// When there is no such secret, or another version has the token. [`SecretError::Io`] when it can't be written;
    /// then the old version stays.
    pub fn put(&self, id: &str, value: &str, token: Option<&str>) -> Result<Written, SecretError> {
        let version = Version::new(value, token)?;
        self.change(|secrets| {
            let found = secrets.iter_mut().find(|(name, secret)| secret.is_named(name, id));
            let (name, secret) = found.ok_or(SecretError::NoSecret)?;
            let written = written(name, secret, &version);
            match secret.versions.iter().find(|other| other.id == version.id) {
                Some(other) if other.repeats(&version) => {}
                Some(_) => return Err(SecretError::VersionExists),
                None => secret.add(version),
            }
            Ok(written)
        })
    }

    /// The version of a secret, by name or ARN, that has this id and this stage, where they are given: the current one
    /// when neither is.
    ///
    /// # Errors
    /// When there is no such secret or version.
    pub fn get(&self, id: &str, version_id: Option<&str>, stage: Option<Stage>) -> Result<SecretValue, SecretError> {
        let secrets = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let found = secrets.iter().find(|(name, secret)| secret.is_named(name, id));
        let (name, secret) = found.ok_or(SecretError::NoSecret)?;
        let stage = stage.or(version_id.is_none().then_some(Stage::Current));
        let mut versions = secret.versions.iter().zip(Stage::ALL);
        let found = versions.find(|(version, its_stage)| {
            version_id.is_none_or(|id| version.id == id) && stage.is_none_or(|stage| *its_stage == stage)
        });
        let (version, stage) = found.ok_or(SecretError::NoVersion)?;
        Ok(SecretValue {
            arn: secret.arn.clone(),
            name: name.clone(),
            version_id: version.id.clone(),
            stage,
            created: version.created,
            value: version.value.clone(),
        })
    }

    /// Changes a copy, writes it, and only then lets others see it. The file is small, and rarely written.
    fn change(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Secret>) -> Result<Written, SecretError>,
    ) -> Result<Written, SecretError> {
        let mut secrets = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = secrets.clone();
        let written = change(&mut changed)?;
        if let Medium::File(path) = &self.medium {
            private_file::write(path, &serde_json::to_vec_pretty(&changed).map_err(io::Error::from)?)?;
        }
        *secrets = changed;
        Ok(written)
    }
}

fn written(name: &str, secret: &Secret, version: &Version) -> Written {
    Written { arn: secret.arn.clone(), name: name.to_owned(), version_id: version.id.clone() }
}

impl Secret {
    /// Whether `id` is the secret's name, its ARN, or its ARN without the hyphen and the six characters at its end.
    fn is_named(&self, name: &str, id: &str) -> bool {
        name == id || self.arn == id || self.arn.len() == id.len() + 7 && self.arn.starts_with(id)
    }

    fn add(&mut self, version: Version) {
        self.versions.insert(0, version);
        self.versions.truncate(Stage::ALL.len());
    }
}

impl Version {
    fn new(value: &str, token: Option<&str>) -> Result<Self, SecretError> {
        if value.is_empty() || value.len() > MAX_VALUE {
            return Err(SecretError::Value);
        }
        if token.is_some_and(|token| !TOKEN_LENGTHS.contains(&token.len())) {
            return Err(SecretError::Token);
        }
        let id = token.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Ok(Self { id, value: value.to_owned(), created })
    }

    /// Whether it comes from the same request, sent twice.
    fn repeats(&self, other: &Self) -> bool {
        self.id == other.id && verify_slices_are_equal(self.value.as_bytes(), other.value.as_bytes()).is_ok()
    }
}
