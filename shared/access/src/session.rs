//! Upload sessions belong to whoever opened them.

use protocol::UploadId;
use sha2::{Digest as _, Sha256};

use crate::Granted;
use crate::secret::hex;

impl Granted {
    /// The id that a session is kept under: made of the one that its client was given, and of who that is. So a principal
    /// who has learned the id of somebody else's session comes to one that doesn't exist, whatever it tries.
    pub fn session(&self, id: &UploadId) -> UploadId {
        let mut hash = Sha256::new();
        hash.update(self.principal().owner().as_bytes());
        // Neither of the two has a line break in it.
        hash.update(b"\n");
        hash.update(id.as_str().as_bytes());
        let hex = hex(&hash.finalize()[..16]);
        let dashed = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        dashed.parse().unwrap_or_else(|_| id.clone())
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Method, Route};

    use super::*;
    use crate::{Ask, Caller, Principal, Rights, grant};

    fn granted(principal: &str) -> Granted {
        let principal: Principal = principal.parse().unwrap();
        let ask = Ask::new(Route::Base, Method::Get, None);
        grant(ask, &Caller { principal, rights: Rights::Everything }).unwrap()
    }

    #[test]
    fn a_session_is_another_for_another_principal() {
        let id: UploadId = "0b9e7a50-3bdb-4cf3-8a5e-0f2a9d8e7c61".parse().unwrap();
        let other: UploadId = "1b9e7a50-3bdb-4cf3-8a5e-0f2a9d8e7c61".parse().unwrap();
        let kept = granted("user:a").session(&id);
        assert_eq!(kept, granted("user:a").session(&id));
        assert_ne!(kept, granted("user:b").session(&id));
        assert_ne!(kept, granted("user:a").session(&other));
        assert_ne!(kept, id);
    }

    #[test]
    fn sessions_of_a_role_share_their_uploads() {
        let id: UploadId = "0b9e7a50-3bdb-4cf3-8a5e-0f2a9d8e7c61".parse().unwrap();
        let of = |session: &str| granted(&format!("iam:arn:aws:sts::123456789012:assumed-role/{session}")).session(&id);
        assert_eq!(of("Deploy/1"), of("Deploy/2"));
        assert_ne!(of("Deploy/1"), of("Other/1"));
    }
}
