//! Embedded DynamoDB: the `dynoxide` crate, an emulator over SQLite, with the registry's table in it.
//!
//! It never throttles, never answers that a transaction conflicts, and has no point-in-time recovery. Table streams
//! stay off: with one, writes slow down as its records pile up.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use dynoxide::Database;
use dynoxide::DynoxideError;
use serde_json::json;
use tokio::net::TcpListener;

/// How often items past their time are removed. DynamoDB itself promises a few days.
const SWEEP: Duration = Duration::from_secs(60);

/// The attribute that holds the second, since 1970, from which an item may be removed.
pub const EXPIRY_ATTRIBUTE: &str = "expires_at";

/// Where the items live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Medium {
    /// An SQLite database in this file, made if absent; its directory exists.
    File(PathBuf),
    /// The heap: nothing touches the disk and nothing survives.
    Memory,
}

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path of the file isn't UTF-8, which the emulator needs.
    #[error("{} isn't UTF-8: choose another directory", .0.display())]
    Path(PathBuf),
    /// The emulator failed: the file can't be read or written as a rule.
    #[error("embedded DynamoDB: {0}")]
    Database(#[from] DynoxideError),
    /// The emulator has another idea of a request than this module.
    #[error("embedded DynamoDB doesn't understand the request: {0}")]
    Request(#[from] serde_json::Error),
    /// The server ended by itself.
    #[error("embedded DynamoDB: {0}")]
    Server(String),
}

/// A database of tables, and the DynamoDB API over it. Clones share the database.
#[derive(Clone)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the database.
    ///
    /// # Errors
    /// When the file can't be made or isn't a database.
    pub fn open(medium: Medium) -> Result<Self, Error> {
        let database = match medium {
            Medium::Memory => Database::memory()?,
            Medium::File(path) => Database::new(path.to_str().ok_or_else(|| Error::Path(path.clone()))?)?,
        };
        Ok(Self { database })
    }

    /// Makes a table of the registry's form, if absent: keys `pk` and `sk`, both strings; on demand; items expire by
    /// [`EXPIRY_ATTRIBUTE`].
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn create_table(&self, name: &str) -> Result<(), Error> {
        let table = json!({
            "TableName": name,
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
        });
        match self.database.create_table(serde_json::from_value(table)?) {
            Ok(_) | Err(DynoxideError::ResourceInUseException(_)) => {}
            Err(error) => return Err(error.into()),
        }
        // Asked for, not presumed: the process may have died between the two steps. Enabling it twice is an error.
        let request = serde_json::from_value(json!({"TableName": name}))?;
        let expiry = self.database.describe_time_to_live(request)?.time_to_live_description;
        if expiry.time_to_live_status != "ENABLED" {
            let request = json!({
                "TableName": name,
                "TimeToLiveSpecification": {"AttributeName": EXPIRY_ATTRIBUTE, "Enabled": true},
            });
            self.database.update_time_to_live(serde_json::from_value(request)?)?;
        }
        Ok(())
    }

    /// Removes the items whose time has come, and says how many. Blocks while it reads all tables. [`Store::serve`]
    /// does it once a minute.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub fn sweep(&self) -> Result<usize, Error> {
        Ok(self.database.sweep_ttl()?)
    }

    /// Answers DynamoDB requests, whatever they are signed with, until `shutdown` resolves; then lets running requests
    /// end.
    ///
    /// # Errors
    /// When the server ends by itself.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        if let Err(cause) = turn_off_nagle(&listener) {
            tracing::debug!(%cause, "TCP_NODELAY can't be set");
        }
        let server = dynoxide::server::serve_with_shutdown(listener, self.database.clone(), shutdown);
        tokio::select! {
            ended = server => ended.map_err(Error::Server),
            () = self.sweep_forever() => Ok(()),
        }
    }

    async fn sweep_forever(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let store = self.clone();
            match tokio::task::spawn_blocking(move || store.sweep()).await {
                Ok(Ok(0)) => {}
                Ok(Ok(removed)) => tracing::debug!(removed, "embedded DynamoDB removed expired items"),
                Ok(Err(cause)) => tracing::warn!(%cause, "embedded DynamoDB can't remove expired items"),
                Err(cause) => tracing::warn!(%cause, "embedded DynamoDB can't remove expired items"),
            }
        }
    }
}

/// Answers of several packets would wait for the client's acknowledgement, up to 40 ms on Linux. Connections inherit the
/// option from their listener, the only socket that the emulator lets us see.
fn turn_off_nagle(listener: &TcpListener) -> io::Result<()> {
    socket2::SockRef::from(listener).set_tcp_nodelay(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_inherit_tcp_nodelay_from_their_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        turn_off_nagle(&listener).unwrap();
        let client = tokio::net::TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        client.unwrap();
        assert!(accepted.unwrap().0.nodelay().unwrap());
    }
}
