//! Identities, and the API on a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_sdk_sts::config::Credentials;
use local::iam::{Identities, Identity, Medium, Secrets, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) const REGION: &str = "us-east-1";

pub(crate) fn user() -> Identity {
    Identity {
        access_key_id: "AKIAUSER".to_owned(),
        secret_access_key: "the-users-secret".to_owned(),
        session_token: None,
        arn: "arn:aws:iam::123456789012:user/path/<Jane>&co".to_owned(),
        account_id: "123456789012".to_owned(),
        user_id: "AIDAJANE".to_owned(),
    }
}

pub(crate) fn session() -> Identity {
    Identity {
        access_key_id: "ASIASESSION".to_owned(),
        secret_access_key: "the-sessions-secret".to_owned(),
        session_token: Some("the/sessions+token==".to_owned()),
        arn: "arn:aws:sts::123456789012:assumed-role/Deployer/run-1".to_owned(),
        account_id: "123456789012".to_owned(),
        user_id: "AROADEPLOYER:run-1".to_owned(),
    }
}

pub(crate) fn unknown() -> Identity {
    Identity { access_key_id: "AKIANOBODY".to_owned(), ..user() }
}

pub(crate) fn with_another_secret(identity: Identity) -> Identity {
    Identity { secret_access_key: "another-secret".to_owned(), ..identity }
}

pub(crate) fn identities() -> Arc<Identities> {
    Arc::new(Identities::new(REGION, [user(), session()]))
}

pub(crate) fn credentials(identity: &Identity) -> Credentials {
    let Identity { access_key_id, secret_access_key, session_token, .. } = identity;
    Credentials::new(access_key_id, secret_access_key, session_token.clone(), None, "test")
}

/// STS and Secrets Manager.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    _stop: watch::Sender<bool>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::with(Secrets::open(REGION, Medium::Memory).unwrap()).await
    }

    pub(crate) async fn with(secrets: Secrets) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stops) = watch::channel(false);
        tokio::spawn(serve(listener, identities(), Arc::new(secrets), stops));
        Self { address, _stop: stop }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}
