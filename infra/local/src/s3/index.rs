//! Names and records: an SQLite database, so that every change is one transaction, in a file or in memory.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Checksum, Kind};
use super::error::Error;
use super::segments::Segment;

/// Records are JSON. An object's segments stand beside its record, since most look-ups don't need them and an object
/// may have 10,000. Text is compared byte by byte, which is S3's order of keys.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS object (
        bucket TEXT NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL, segments TEXT NOT NULL,
        PRIMARY KEY (bucket, key)
    );
    CREATE TABLE IF NOT EXISTS upload (
        bucket TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (bucket, key, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS part (
        upload TEXT NOT NULL, number INTEGER NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (upload, number)
    ) WITHOUT ROWID;
";

/// What a client says about an object beside its bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Attributes {
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// An object without its bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Object {
    /// Without quotes.
    pub(super) etag: String,
    /// In bytes.
    pub(super) size: u64,
    /// Milliseconds since 1970.
    pub(super) modified: u64,
    pub(super) checksum: Option<Checksum>,
    pub(super) attributes: Attributes,
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Upload {
    /// Milliseconds since 1970.
    pub(super) initiated: u64,
    /// The checksum that the client promised to send with its parts.
    pub(super) checksum: Option<(Algorithm, Kind)>,
    pub(super) attributes: Attributes,
}

/// A part of a multipart upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) md5: [u8; 16],
    /// Milliseconds since 1970.
    pub(super) modified: u64,
    pub(super) checksum: Option<Checksum>,
    pub(super) segment: Segment,
}

/// The database. One transaction runs at a time.
pub(super) struct Index {
    connection: Mutex<Connection>,
}

impl Index {
    pub(super) fn in_memory() -> Result<Self, Error> {
        let connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Self::new(connection)
    }

    pub(super) fn in_file(path: &Path) -> Result<Self, Error> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Self::new(connection)
    }

    fn new(connection: Connection) -> Result<Self, Error> {
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Runs `work` alone: what it reads stays true until it returns, and what it writes takes effect as a whole when
    /// it returns `Ok`, else not at all.
    pub(super) fn transaction<T>(&self, work: impl FnOnce(&View<'_>) -> Result<T, Error>) -> Result<T, Error> {
        // A panic inside `work` rolls its transaction back, so the database is sound whatever the lock says.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&View(&transaction))?;
        transaction.commit()?;
        Ok(result)
    }
}

/// The database as one transaction sees it.
pub(super) struct View<'a>(&'a Connection);

impl View<'_> {
    /// Whether the bucket is new.
    pub(super) fn create_bucket(&self, name: &str) -> Result<bool, Error> {
        let made = self.run("INSERT OR IGNORE INTO bucket (name) VALUES (?)", [name])?;
        Ok(made == 1)
    }

    pub(super) fn require_bucket(&self, name: &str) -> Result<(), Error> {
        let mut query = self.0.prepare_cached("SELECT 1 FROM bucket WHERE name = ?")?;
        if query.exists([name])? { Ok(()) } else { Err(Error::NoSuchBucket) }
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> Result<Option<Object>, Error> {
        self.record("SELECT record FROM object WHERE bucket = ? AND key = ?", (bucket, key))
    }

    /// In the order of their bytes; none when there is no such object.
    pub(super) fn segments(&self, bucket: &str, key: &str) -> Result<Vec<Segment>, Error> {
        let segments = self.record("SELECT segments FROM object WHERE bucket = ? AND key = ?", (bucket, key))?;
        Ok(segments.unwrap_or_default())
    }

    /// Returns the segments of the object that was there before.
    pub(super) fn put_object(
        &self,
        bucket: &str,
        key: &str,
        object: &Object,
        segments: &[Segment],
    ) -> Result<Vec<Segment>, Error> {
        let replaced = self.segments(bucket, key)?;
        self.run(
            "INSERT OR REPLACE INTO object (bucket, key, record, segments) VALUES (?, ?, ?, ?)",
            (bucket, key, serde_json::to_string(object)?, serde_json::to_string(segments)?),
        )?;
        Ok(replaced)
    }

    /// Returns the object's segments; none when there was no such object.
    pub(super) fn remove_object(&self, bucket: &str, key: &str) -> Result<Vec<Segment>, Error> {
        let removed = self.segments(bucket, key)?;
        self.run("DELETE FROM object WHERE bucket = ? AND key = ?", (bucket, key))?;
        Ok(removed)
    }

    /// At most `limit` objects whose key starts with `prefix` and comes after `after`, in the order of their keys.
    pub(super) fn objects(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Object)>, Error> {
        let mut query = self.0.prepare_cached(
            "SELECT key, record FROM object WHERE bucket = ? AND key >= ? AND key > ? ORDER BY key LIMIT ?",
        )?;
        let mut rows = query.query((bucket, prefix, after, limit))?;
        let mut objects = Vec::new();
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            if !key.starts_with(prefix) {
                break;
            }
            objects.push((key, serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?));
        }
        Ok(objects)
    }

    pub(super) fn create_upload(&self, bucket: &str, key: &str, id: &str, upload: &Upload) -> Result<(), Error> {
        self.run(
            "INSERT INTO upload (bucket, key, id, record) VALUES (?, ?, ?, ?)",
            (bucket, key, id, serde_json::to_string(upload)?),
        )?;
        Ok(())
    }

    pub(super) fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<Upload, Error> {
        let query = "SELECT record FROM upload WHERE bucket = ? AND key = ? AND id = ?";
        self.record(query, (bucket, key, id))?.ok_or(Error::NoSuchUpload)
    }

    /// Removes the upload and its parts; their segments are the caller's.
    pub(super) fn remove_upload(&self, bucket: &str, key: &str, id: &str) -> Result<(), Error> {
        self.run("DELETE FROM upload WHERE bucket = ? AND key = ? AND id = ?", (bucket, key, id))?;
        self.run("DELETE FROM part WHERE upload = ?", [id])?;
        Ok(())
    }

    /// At most `limit` uploads whose key starts with `prefix` and which come after the key and id `after`, in the
    /// order of their keys and then of their beginning.
    pub(super) fn uploads(
        &self,
        bucket: &str,
        prefix: &str,
        after: (&str, &str),
        limit: usize,
    ) -> Result<Vec<(String, String, Upload)>, Error> {
        let mut query = self.0.prepare_cached(
            "SELECT key, id, record FROM upload WHERE bucket = ? AND key >= ? AND (key, id) > (?, ?) ORDER BY key, id LIMIT ?",
        )?;
        let mut rows = query.query((bucket, prefix, after.0, after.1, limit))?;
        let mut uploads = Vec::new();
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            if !key.starts_with(prefix) {
                break;
            }
            let record = serde_json::from_str(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?;
            uploads.push((key, row.get(1)?, record));
        }
        Ok(uploads)
    }

    /// Returns the part that had this number before.
    pub(super) fn put_part(&self, upload: &str, number: i32, part: &Part) -> Result<Option<Part>, Error> {
        let replaced = self.record("SELECT record FROM part WHERE upload = ? AND number = ?", (upload, number))?;
        self.run(
            "INSERT OR REPLACE INTO part (upload, number, record) VALUES (?, ?, ?)",
            (upload, number, serde_json::to_string(part)?),
        )?;
        Ok(replaced)
    }

    /// At most `limit` parts with a number greater than `after`, in the order of their numbers.
    pub(super) fn parts(&self, upload: &str, after: i32, limit: usize) -> Result<Vec<(i32, Part)>, Error> {
        let mut query = self.0.prepare_cached(
            "SELECT number, record FROM part WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
        )?;
        let mut rows = query.query((upload, after, limit))?;
        let mut parts = Vec::new();
        while let Some(row) = rows.next()? {
            parts.push((row.get(0)?, serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?));
        }
        Ok(parts)
    }

    /// The ids of all segments that a record names.
    pub(super) fn named_segments(&self) -> Result<HashSet<String>, Error> {
        let mut query = self.0.prepare(
            "SELECT json_extract(value, '$.id') FROM object, json_each(object.segments)
             UNION ALL SELECT json_extract(record, '$.segment.id') FROM part",
        )?;
        let ids = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(ids)
    }

    fn run(&self, statement: &str, parameters: impl rusqlite::Params) -> Result<usize, Error> {
        Ok(self.0.prepare_cached(statement)?.execute(parameters)?)
    }

    fn record<T: serde::de::DeserializeOwned>(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Option<T>, Error> {
        let text: Option<String> = self.0.prepare_cached(query)?.query_row(parameters, |row| row.get(0)).optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }
}
