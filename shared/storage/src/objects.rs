//! The bucket, as the rest of the crate uses it.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use protocol::{Algorithm, Digest};

use crate::{Error, deadline};

/// How long a signed URL may be followed. It has to cover a redirect, not the download, and dies with the role session
/// that signed it anyway.
pub(crate) const URL_LIFETIME: Duration = Duration::from_secs(15 * 60);

pub(crate) struct Bucket {
    client: Client,
    name: String,
}

/// What a signed URL is for; it works for this method only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlMethod {
    /// Download.
    Get,
    /// Size and existence.
    Head,
}

/// A part that S3 has.
pub(crate) struct Part {
    pub(crate) number: i32,
    pub(crate) etag: String,
}

/// How a multipart upload ended.
pub(crate) enum Completed {
    /// The object exists now.
    Now,
    /// S3 doesn't know the upload (any more): it was completed or aborted before.
    UnknownUpload,
}

impl Bucket {
    pub(crate) fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.to_owned() }
    }

    /// Stores an object in one request. S3 refuses it when the bytes don't have `digest`.
    pub(crate) async fn put(&self, key: &str, bytes: Bytes, digest: Option<&Digest>) -> Result<(), Error> {
        let request = self.client.put_object().bucket(&self.name).key(key).body(ByteStream::from(bytes));
        let sha256 = digest.filter(|digest| digest.algorithm() == Algorithm::Sha256).map(base64_of);
        request.set_checksum_sha256(sha256).send().await?;
        Ok(())
    }

    /// An object's bytes; None when there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.read(key, None).await
    }

    /// So many of an object's bytes from `start` on; None when there is none. `length` isn't 0.
    pub(crate) async fn get_range(&self, key: &str, start: u64, length: u64) -> Result<Option<Bytes>, Error> {
        self.read(key, Some(format!("bytes={start}-{}", start + length - 1))).await
    }

    async fn read(&self, key: &str, range: Option<String>) -> Result<Option<Bytes>, Error> {
        let output = match self.client.get_object().bucket(&self.name).key(key).set_range(range).send().await {
            Ok(output) => output,
            Err(error) if is(&error, "NoSuchKey") => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let body = deadline::wait(output.body.collect()).await;
        let body = body.ok_or_else(|| Error::Unavailable(format!("the body of {key} takes too long")))?;
        let bytes = body.map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Some(bytes.into_bytes()))
    }

    /// An object's length; None when there is none.
    pub(crate) async fn length(&self, key: &str) -> Result<Option<u64>, Error> {
        match self.client.head_object().bucket(&self.name).key(key).send().await {
            Ok(output) => Ok(output.content_length().and_then(|length| u64::try_from(length).ok())),
            Err(error) if is(&error, "NotFound") || is(&error, "NoSuchKey") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an object; one that doesn't exist is removed already.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        self.client.delete_object().bucket(&self.name).key(key).send().await?;
        Ok(())
    }

    /// Keys of the objects that begin with `prefix`: at most 1,000, one call.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let output = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).send().await?;
        Ok(output.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect())
    }

    /// Multipart uploads, begun and not ended, of objects whose keys begin with `prefix`: at most 1,000, one call.
    pub(crate) async fn multiparts(&self, prefix: &str) -> Result<Vec<(String, String)>, Error> {
        let output = self.client.list_multipart_uploads().bucket(&self.name).prefix(prefix).send().await?;
        let uploads = output.uploads.unwrap_or_default();
        Ok(uploads.into_iter().filter_map(|upload| upload.key.zip(upload.upload_id)).collect())
    }

    /// Opens a multipart upload and names it.
    pub(crate) async fn create_multipart(&self, key: &str) -> Result<String, Error> {
        let output = self.client.create_multipart_upload().bucket(&self.name).key(key).send().await?;
        output.upload_id.ok_or_else(|| Error::Unavailable("CreateMultipartUpload named no upload".into()))
    }

    /// Sends a part; None when S3 doesn't know the upload (any more).
    pub(crate) async fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        bytes: Bytes,
    ) -> Result<Option<Part>, Error> {
        let request = self.client.upload_part().bucket(&self.name).key(key).upload_id(upload).part_number(number);
        // Its digest is known already, and TLS keeps what travels: hashing each part again for the signature would cost
        // as much as the digest did.
        let request = request.body(ByteStream::from(bytes)).customize().disable_payload_signing();
        let output = match request.send().await {
            Ok(output) => output,
            Err(error) if is(&error, "NoSuchUpload") => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let etag = output.e_tag.ok_or_else(|| Error::Unavailable("UploadPart gave no ETag".into()))?;
        Ok(Some(Part { number, etag }))
    }

    pub(crate) async fn complete_multipart(
        &self,
        key: &str,
        upload: &str,
        parts: Vec<Part>,
    ) -> Result<Completed, Error> {
        let part = |part: Part| CompletedPart::builder().part_number(part.number).e_tag(part.etag).build();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().map(part).collect())).build();
        let request = self.client.complete_multipart_upload().bucket(&self.name).key(key).upload_id(upload);
        match request.multipart_upload(parts).send().await {
            Ok(_) => Ok(Completed::Now),
            Err(error) if is(&error, "NoSuchUpload") => Ok(Completed::UnknownUpload),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a multipart upload up; one that S3 doesn't know is given up already.
    pub(crate) async fn abort_multipart(&self, key: &str, upload: &str) -> Result<(), Error> {
        let request = self.client.abort_multipart_upload().bucket(&self.name).key(key).upload_id(upload);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, "NoSuchUpload") => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A URL, and the headers to send along, with which anybody may store these bytes under a key that has no object yet.
    /// No call is made.
    pub(crate) async fn signed_put(
        &self,
        key: &str,
        digest: &Digest,
        size: u64,
    ) -> Result<(String, Vec<(String, String)>), Error> {
        let config = PresigningConfig::expires_in(URL_LIFETIME).map_err(|error| Error::Refused(error.to_string()))?;
        let length = i64::try_from(size).map_err(|error| Error::Refused(error.to_string()))?;
        let request = self.client.put_object().bucket(&self.name).key(key).content_length(length).if_none_match("*");
        let request = request.checksum_sha256(base64_of(digest)).presigned(config).await?;
        let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok((request.uri().to_owned(), headers))
    }

    /// The length of an object that S3 itself found to have the digest; None when there is no such object.
    pub(crate) async fn verified_length(&self, key: &str, digest: &Digest) -> Result<Option<u64>, Error> {
        let request = self.client.head_object().bucket(&self.name).key(key).checksum_mode(ChecksumMode::Enabled);
        let found = match request.send().await {
            Ok(found) => found,
            Err(error) if is(&error, "NotFound") || is(&error, "NoSuchKey") => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let verified = found.checksum_sha256() == Some(base64_of(digest).as_str());
        Ok(found.content_length().filter(|_| verified).and_then(|length| u64::try_from(length).ok()))
    }

    /// A URL that anybody may follow for a quarter of an hour. Signing is local: no call is made.
    pub(crate) async fn signed_url(&self, key: &str, method: UrlMethod) -> Result<String, Error> {
        let config = PresigningConfig::expires_in(URL_LIFETIME).map_err(|error| Error::Refused(error.to_string()))?;
        let request = match method {
            UrlMethod::Get => self.client.get_object().bucket(&self.name).key(key).presigned(config).await?,
            UrlMethod::Head => self.client.head_object().bucket(&self.name).key(key).presigned(config).await?,
        };
        Ok(request.uri().to_owned())
    }
}

fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some(code)
}

/// S3 writes checksums in base64.
fn base64_of(digest: &Digest) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(digest.raw())
}
