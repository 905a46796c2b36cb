//! A password for a registry: the one that was kept, or a new one before that runs out.

use std::time::Duration;

use lambda_registry::{AwsError, LoginError, Password, RENEWAL, Registry, log_in};

use crate::cache::{Cache, Entry};
use crate::error::HelperError;
use crate::{identity, note};

/// A password that lasts less than this is of no use any more.
const LEAST: Duration = Duration::from_secs(60);

pub(crate) fn password(registry: &Registry) -> Result<Password, HelperError> {
    let Some(entry) = Cache::find().map(|cache| cache.entry(registry, &identity::fingerprint())) else {
        note("neither XDG_CACHE_HOME nor HOME is set, so the password isn't kept");
        return sign_in(registry);
    };
    if let Some(fresh) = entry.read().filter(|kept| kept.lasts(RENEWAL)) {
        return Ok(fresh);
    }
    // Clients that pull ten images ask ten times at once; one of them signs in, the others wait for it.
    let lock = entry.lock();
    let kept = entry.read();
    if let Some(fresh) = kept.clone().filter(|kept| kept.lasts(RENEWAL)) {
        return Ok(fresh);
    }
    let password = match (sign_in(registry), kept.filter(|kept| kept.lasts(LEAST))) {
        (Ok(password), _) => keep(&entry, password),
        (Err(error), Some(kept)) => {
            note(&format!(
                "the password couldn't be renewed and ends soon: {}",
                error.reason().unwrap_or(error.to_string())
            ));
            kept
        }
        (Err(error), None) => return Err(error),
    };
    drop(lock);
    Ok(password)
}

fn keep(entry: &Entry, password: Password) -> Password {
    if let Err(error) = entry.write(&password) {
        note(&format!("the password can't be kept in {entry}: {error}"));
    }
    password
}

fn sign_in(registry: &Registry) -> Result<Password, HelperError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(HelperError::Threads)?;
    runtime.block_on(log_in(registry, None)).map_err(|error| match error {
        LoginError::NotARegistry { .. } | LoginError::Aws(AwsError::NoCredentials) => HelperError::NotFound(error),
        error => HelperError::Login(error),
    })
}
