//! Credentials of the proxy's own, in place of its clients'.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// A name and a password that the proxy shows the registry in every request, whatever its clients show. They can be
/// replaced while it runs. `Debug` doesn't show them.
#[derive(Clone)]
pub struct Login(Arc<RwLock<HeaderValue>>);

impl Login {
    /// Basic credentials (RFC 7617).
    pub fn new(user: &str, password: &str) -> Self {
        Self(Arc::new(RwLock::new(basic(user, password))))
    }

    /// Others from now on.
    pub fn replace(&self, user: &str, password: &str) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = basic(user, password);
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

fn basic(user: &str, password: &str) -> HeaderValue {
    let credentials = STANDARD.encode(format!("{user}:{password}"));
    // Base64 is text.
    let mut header = HeaderValue::try_from(format!("Basic {credentials}")).unwrap_or(HeaderValue::from_static("Basic"));
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_replaced_for_everybody_who_shares_them() {
        let login = Login::new("AWS", "one");
        let shared = login.clone();
        login.replace("AWS", "two");
        assert_eq!(shared.header(), "Basic QVdTOnR3bw==");
        assert!(shared.header().is_sensitive());
        assert_eq!(format!("{shared:?}"), "Login");
    }
}
