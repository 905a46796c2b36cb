//! Whole objects: put, get, head, delete.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::dto::{
    ChecksumMode, DeleteObjectInput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, GetObjectInput,
    GetObjectOutput, HeadObjectInput, HeadObjectOutput, PutObjectInput, PutObjectOutput, Range, StreamingBlob,
    Timestamp,
};
use s3s::{S3Error, S3Request, S3Response};

use super::backend::Backend;
use super::checksum::{Checksum, hex};
use super::conditions::{WriteCondition, check_read};
use super::error::Error;
use super::index::{Attributes, Object};
use super::receive::{Received, receive, refuse};
use super::segments::{Lease, Segment};

/// How many bytes of an object are in memory at a time, per reader.
const READ: u64 = 256 << 10;

/// The most keys that one DeleteObjects request may name.
const MAX_DELETE: usize = 1000;

impl Backend {
    pub(super) async fn put(&self, request: S3Request<PutObjectInput>) -> Result<S3Response<PutObjectOutput>, Error> {
        let mut input = request.input;
        let body = input.body.take();
        let unsupported = [
            ("An ACL", input.acl.is_some()),
            ("A tag", input.tagging.is_some()),
            ("Encryption with a customer's key", input.sse_customer_algorithm.is_some()),
            ("Object lock", input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some()),
            ("Appending", input.write_offset_bytes.is_some()),
            ("A redirect", input.website_redirect_location.is_some()),
            ("Expires", input.expires.is_some()),
        ];
        let condition = refuse_unsupported(&unsupported)
            .and_then(|()| WriteCondition::new(input.if_match.take(), input.if_none_match.take()));
        let condition = match condition {
            Ok(condition) => condition,
            Err(error) => return Err(refuse(body, error).await),
        };
        let received = receive(self, body, &request.headers, request.trailing_headers, None).await?;
        let attributes = Attributes {
            content_type: input.content_type,
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding.and_then(without_aws_chunked),
            content_language: input.content_language,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        };
        let object = self
            .blocking(move |backend| backend.publish(&input.bucket, &input.key, received, attributes, &condition))
            .await?;
        let output = PutObjectOutput { e_tag: Some(ETag::Strong(object.etag)), ..Default::default() };
        Ok(S3Response::with_headers(output, checksum_headers(object.checksum.as_ref())))
    }

    /// Names the segment and makes the object visible: one step that a client's departure doesn't interrupt.
    fn publish(
        &self,
        bucket: &str,
        key: &str,
        received: Received,
        attributes: Attributes,
        condition: &WriteCondition,
    ) -> Result<Object, Error> {
        let segment = received.writer.finish()?;
        let object = Object {
            etag: hex(&received.md5),
            size: segment.size,
            modified: now(),
            checksum: received.checksum,
            attributes,
        };
        let replaced = self.index.transaction(|view| {
            view.require_bucket(bucket)?;
            condition.check(view.object(bucket, key)?.as_ref())?;
            view.put_object(bucket, key, &object, std::slice::from_ref(&segment))
        });
        match replaced {
            Ok(replaced) => {
                self.remove_segments(&replaced);
                Ok(object)
            }
            Err(error) => {
                self.remove_segments(&[segment]);
                Err(error)
            }
        }
    }

    pub(super) async fn get(&self, request: S3Request<GetObjectInput>) -> Result<S3Response<GetObjectOutput>, Error> {
        let input = request.input;
        refuse_unsupported(&[
            ("A version", input.version_id.is_some()),
            ("Reading one part", input.part_number.is_some()),
            ("A condition on time", input.if_modified_since.is_some() || input.if_unmodified_since.is_some()),
        ])?;
        let range = input.range;
        let with_checksum = wants_checksum(input.checksum_mode.as_ref(), range.as_ref());
        let work = move |backend: &Backend| {
            backend.index.transaction(|view| {
                view.require_bucket(&input.bucket)?;
                let object = view.object(&input.bucket, &input.key)?.ok_or(Error::NoSuchKey)?;
                check_read(input.if_match.as_ref(), input.if_none_match.as_ref(), &object)?;
                let bytes = resolve(range, object.size)?;
                let (segments, skipped) = overlapping(view.segments(&input.bucket, &input.key)?, &bytes);
                Ok((object, skipped, bytes, backend.segments.lease(segments)))
            })
        };
        let (object, skipped, bytes, lease) = self.blocking(work).await?;
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(self.stream(lease, bytes.start - skipped, bytes.end - skipped)),
            cache_control: object.attributes.cache_control.clone(),
            content_disposition: object.attributes.content_disposition.clone(),
            content_encoding: object.attributes.content_encoding.clone(),
            content_language: object.attributes.content_language.clone(),
            content_length: Some(signed(bytes.end - bytes.start)),
            content_range: range.map(|_| content_range(&bytes, object.size)),
            content_type: Some(content_type(&object)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(timestamp(object.modified)),
            metadata: Some(object.attributes.metadata.clone().into_iter().collect()),
            ..Default::default()
        };
        let checksum = object.checksum.as_ref().filter(|_| with_checksum);
        Ok(S3Response::with_headers(output, checksum_headers(checksum)))
    }

    pub(super) async fn head(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> Result<S3Response<HeadObjectOutput>, Error> {
        let input = request.input;
        refuse_unsupported(&[
            ("A version", input.version_id.is_some()),
            ("Reading one part", input.part_number.is_some()),
            ("A condition on time", input.if_modified_since.is_some() || input.if_unmodified_since.is_some()),
        ])?;
        let range = input.range;
        let with_checksum = wants_checksum(input.checksum_mode.as_ref(), range.as_ref());
        let work = move |backend: &Backend| {
            backend.index.transaction(|view| {
                view.require_bucket(&input.bucket)?;
                let object = view.object(&input.bucket, &input.key)?.ok_or(Error::NoSuchKey)?;
                check_read(input.if_match.as_ref(), input.if_none_match.as_ref(), &object)?;
                Ok(object)
            })
        };
        let object = self.blocking(work).await?;
        let bytes = resolve(range, object.size)?;
        let output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: object.attributes.cache_control.clone(),
            content_disposition: object.attributes.content_disposition.clone(),
            content_encoding: object.attributes.content_encoding.clone(),
            content_language: object.attributes.content_language.clone(),
            content_length: Some(signed(bytes.end - bytes.start)),
            content_range: range.map(|_| content_range(&bytes, object.size)),
            content_type: Some(content_type(&object)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(timestamp(object.modified)),
            metadata: Some(object.attributes.metadata.clone().into_iter().collect()),
            ..Default::default()
        };
        let checksum = object.checksum.as_ref().filter(|_| with_checksum);
        let mut response = S3Response::with_headers(output, checksum_headers(checksum));
        response.status = range.map(|_| StatusCode::PARTIAL_CONTENT);
        Ok(response)
    }

    pub(super) async fn delete(&self, input: DeleteObjectInput) -> Result<(), Error> {
        refuse_unsupported(&[
            ("A version", input.version_id.is_some()),
            (
                "A condition on a deletion",
                input.if_match.is_some()
                    || input.if_match_size.is_some()
                    || input.if_match_last_modified_time.is_some(),
            ),
        ])?;
        self.delete_all(input.bucket, vec![input.key]).await
    }

    pub(super) async fn delete_many(&self, input: DeleteObjectsInput) -> Result<DeleteObjectsOutput, Error> {
        let objects = input.delete.objects;
        if objects.is_empty() || objects.len() > MAX_DELETE {
            return Err(Error::MalformedXml);
        }
        refuse_unsupported(&[
            ("A version", objects.iter().any(|object| object.version_id.is_some())),
            ("A condition on a deletion", objects.iter().any(|object| object.e_tag.is_some())),
        ])?;
        let keys: Vec<String> = objects.into_iter().map(|object| object.key).collect();
        self.delete_all(input.bucket, keys.clone()).await?;
        let deleted = |key| DeletedObject { key: Some(key), ..Default::default() };
        Ok(DeleteObjectsOutput {
            deleted: (input.delete.quiet != Some(true)).then(|| keys.into_iter().map(deleted).collect()),
            ..Default::default()
        })
    }

    /// A key that names nothing is as good as deleted, S3 says.
    async fn delete_all(&self, bucket: String, keys: Vec<String>) -> Result<(), Error> {
        let work = move |backend: &Backend| {
            let removed = backend.index.transaction(|view| {
                view.require_bucket(&bucket)?;
                let mut removed = Vec::new();
                for key in &keys {
                    removed.extend(view.remove_object(&bucket, key)?);
                }
                Ok(removed)
            })?;
            backend.remove_segments(&removed);
            Ok(())
        };
        self.blocking(work).await
    }

    /// The bytes from `start` to before `end` of what `lease` holds.
    fn stream(&self, lease: Lease, start: u64, end: u64) -> StreamingBlob {
        let backend = self.clone();
        StreamingBlob::wrap(stream::try_unfold((backend, lease, start), move |(backend, lease, position)| async move {
            if position >= end {
                return Ok(None);
            }
            let read = move |_: &Backend| {
                let bytes = lease.read(position, READ.min(end - position))?;
                Ok((bytes, lease))
            };
            // The client learns of the failure by the connection's end, so this is where it is logged.
            let (bytes, lease) = backend.blocking(read).await.map_err(S3Error::from)?;
            let position = position + bytes.len() as u64;
            Ok::<_, S3Error>(Some((bytes, (backend, lease, position))))
        }))
    }
}

/// Refuses what would otherwise be dropped in silence.
pub(super) fn refuse_unsupported(features: &[(&'static str, bool)]) -> Result<(), Error> {
    match features.iter().find(|(_, asked)| *asked) {
        Some((feature, _)) => Err(Error::NotImplemented(feature)),
        None => Ok(()),
    }
}

/// The coding of the transfer isn't the object's, S3 says.
pub(super) fn without_aws_chunked(coding: String) -> Option<String> {
    let codings: Vec<&str> = coding.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked").collect();
    Some(codings.join(",")).filter(|coding| !coding.is_empty())
}

/// The bytes that a request asks for, all of them without a range.
fn resolve(range: Option<Range>, size: u64) -> Result<std::ops::Range<u64>, Error> {
    match range {
        None => Ok(0..size),
        Some(range) => match range.check(size) {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            Ok(_) | Err(_) => Err(Error::InvalidRange { size }),
        },
    }
}

/// The segments that hold some of `bytes`, and how many bytes lie before the first of them.
fn overlapping(segments: Vec<Segment>, bytes: &std::ops::Range<u64>) -> (Vec<Segment>, u64) {
    let mut position = 0;
    let mut skipped = 0;
    let mut kept = Vec::new();
    for segment in segments {
        let begin = position;
        position += segment.size;
        if position <= bytes.start {
            skipped = position;
        } else if begin < bytes.end {
            kept.push(segment);
        }
    }
    (kept, skipped)
}

fn wants_checksum(mode: Option<&ChecksumMode>, range: Option<&Range>) -> bool {
    range.is_none() && mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

/// The checksum as headers of an answer, which are the same for every operation.
pub(super) fn checksum_headers(checksum: Option<&Checksum>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(checksum) = checksum
        && let Ok(value) = HeaderValue::from_str(&checksum.value)
    {
        headers.insert(HeaderName::from_static(checksum.algorithm.header()), value);
        headers.insert("x-amz-checksum-type", HeaderValue::from_static(checksum.kind.name()));
    }
    headers
}

fn content_range(bytes: &std::ops::Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", bytes.start, bytes.end - 1)
}

fn content_type(object: &Object) -> String {
    object.attributes.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned())
}

/// The protocol's sizes are signed; none reaches that far.
pub(super) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The moment that [`now`] returned.
pub(super) fn timestamp(milliseconds: u64) -> Timestamp {
    (UNIX_EPOCH + Duration::from_millis(milliseconds)).into()
}
