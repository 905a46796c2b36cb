//! As whom a registry is visited.

use std::io::Read as _;

use access::Secret;

/// What somebody brings along. `Debug` shows no password.
#[derive(Debug)]
pub(super) enum Credentials {
    /// Nothing.
    None,
    /// AWS credentials, and the region that the registry is in if it was named.
    Aws(Option<String>),
    /// A user of the registry.
    User(String, Secret),
}

/// The longest password that is read, in bytes. The registry's have a few hundred.
const LONGEST: u64 = 64 * 1024;

impl Credentials {
    /// What the command line says; a user's password is read from standard input.
    ///
    /// # Errors
    /// When there is no password there.
    pub(super) fn of(login: bool, region: Option<String>, user: Option<String>) -> Result<Self, String> {
        match (login, user) {
            (true, _) => Ok(Self::Aws(region)),
            (false, Some(user)) => Ok(Self::User(user, password()?)),
            (false, None) => Ok(Self::None),
        }
    }
}

fn password() -> Result<Secret, String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| format!("the password can't be read from standard input: {error}"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("there is no password on standard input".to_owned()),
        password => Ok(Secret::new(password)),
    }
}
