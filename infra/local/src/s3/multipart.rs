//! Multipart uploads: create, upload parts, complete without copying, abort.

use std::collections::BTreeMap;

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, ChecksumAlgorithm, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response};
use uuid::Uuid;

use super::backend::Backend;
use super::checksum::{Algorithm, Checksum, Kind, hex, of_parts};
use super::conditions::WriteCondition;
use super::error::Error;
use super::index::{Attributes, Object, Part, Upload};
use super::objects::{checksum_headers, now, refuse_unsupported, without_aws_chunked};
use super::receive::{Received, receive, refuse};
use super::segments::Segment;

/// The least size of every part but the last: 5 MiB.
const MIN_PART: u64 = 5 << 20;

/// The greatest number of a part, and so the most parts of an upload.
const MAX_PARTS: i32 = 10_000;

impl Backend {
    pub(super) async fn begin_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> Result<CreateMultipartUploadOutput, Error> {
        refuse_unsupported(&[
            ("An ACL", input.acl.is_some()),
            ("A tag", input.tagging.is_some()),
            ("Encryption with a customer's key", input.sse_customer_algorithm.is_some()),
            ("Object lock", input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some()),
            ("A redirect", input.website_redirect_location.is_some()),
            ("Expires", input.expires.is_some()),
        ])?;
        let upload = Upload {
            initiated: now(),
            checksum: promised_checksum(input.checksum_algorithm.as_ref(), input.checksum_type.as_ref())?,
            attributes: Attributes {
                content_type: input.content_type,
                cache_control: input.cache_control,
                content_disposition: input.content_disposition,
                content_encoding: input.content_encoding.and_then(without_aws_chunked),
                content_language: input.content_language,
                metadata: input.metadata.unwrap_or_default().into_iter().collect(),
            },
        };
        // Ids sort by time, because uploads of one key are listed in the order of their beginning.
        let id = format!("{:012x}{}", upload.initiated, Uuid::new_v4().simple());
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            checksum_algorithm: upload.checksum.map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: upload.checksum.map(|(_, kind)| ChecksumType::from_static(kind.name())),
            key: Some(input.key.clone()),
            upload_id: Some(id.clone()),
            ..Default::default()
        };
        let work = move |backend: &Backend| {
            backend.index.transaction(|view| {
                view.require_bucket(&input.bucket)?;
                view.create_upload(&input.bucket, &input.key, &id, &upload)
            })
        };
        self.blocking(work).await?;
        Ok(output)
    }

    pub(super) async fn receive_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> Result<S3Response<UploadPartOutput>, Error> {
        let mut input = request.input;
        let body = input.body.take();
        let number = input.part_number;
        let (bucket, key, id) = (input.bucket, input.key, input.upload_id);
        if !(1..=MAX_PARTS).contains(&number) {
            let error = Error::InvalidArgument("Part number must be an integer between 1 and 10000, inclusive");
            return Err(refuse(body, error).await);
        }
        let upload = {
            let (bucket, key, id) = (bucket.clone(), key.clone(), id.clone());
            let work = move |backend: &Backend| {
                backend.index.transaction(|view| {
                    view.require_bucket(&bucket)?;
                    view.upload(&bucket, &key, &id)
                })
            };
            match self.blocking(work).await {
                Ok(upload) => upload,
                Err(error) => return Err(refuse(body, error).await),
            }
        };
        let received = match upload.checksum {
            // A part of a composite checksum has to bring its own, so none is made up for it.
            None | Some((_, Kind::Composite)) => {
                receive(self, body, &request.headers, request.trailing_headers, None).await?
            }
            Some((algorithm, Kind::FullObject)) => {
                receive(self, body, &request.headers, request.trailing_headers, Some(algorithm)).await?
            }
        };
        require_checksum(&upload, received.checksum.as_ref())?;
        let part = self.blocking(move |backend| backend.publish_part(&bucket, &key, &id, number, received)).await?;
        let output = UploadPartOutput { e_tag: Some(ETag::Strong(hex(&part.md5))), ..Default::default() };
        let mut headers = checksum_headers(part.checksum.as_ref());
        headers.remove("x-amz-checksum-type");
        Ok(S3Response::with_headers(output, headers))
    }

    /// Names the segment and makes the part visible: one step that a client's departure doesn't interrupt.
    fn publish_part(&self, bucket: &str, key: &str, id: &str, number: i32, received: Received) -> Result<Part, Error> {
        let part = Part {
            md5: received.md5,
            modified: now(),
            checksum: received.checksum,
            segment: received.writer.finish()?,
        };
        let replaced = self.index.transaction(|view| {
            // The upload may have been completed or aborted while the body came in.
            view.upload(bucket, key, id)?;
            view.put_part(id, number, &part)
        });
        match replaced {
            Ok(replaced) => {
                self.remove_segments(replaced.as_ref().map(|part| &part.segment));
                Ok(part)
            }
            Err(error) => {
                self.remove_segments([&part.segment]);
                Err(error)
            }
        }
    }

    pub(super) async fn complete_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Result<CompleteMultipartUploadOutput, Error> {
        let input = request.input;
        let claimed = claimed_checksum(&input)?;
        let claimed_kind = match &input.checksum_type {
            None => None,
            Some(kind) => Some(Kind::from_name(kind.as_str()).ok_or(Error::InvalidArgument("Unknown checksum type"))?),
        };
        let condition = WriteCondition::new(input.if_match, input.if_none_match)?;
        let listed = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let (bucket, key, id, size) = (input.bucket, input.key, input.upload_id, input.mpu_object_size);
        let mut output = CompleteMultipartUploadOutput {
            bucket: Some(bucket.clone()),
            key: Some(key.clone()),
            location: Some(format!("/{bucket}/{key}")),
            ..Default::default()
        };
        let work = move |backend: &Backend| {
            let (object, unused) = backend.index.transaction(|view| {
                view.require_bucket(&bucket)?;
                let upload = view.upload(&bucket, &key, &id)?;
                if claimed_kind.is_some() && claimed_kind != upload.checksum.map(|(_, kind)| kind) {
                    return Err(Error::InvalidRequest("The upload was created with another checksum type.".to_owned()));
                }
                let mut uploaded: BTreeMap<i32, Part> = view.parts(&id, 0, MAX_PARTS as usize)?.into_iter().collect();
                let parts = choose(&upload, &listed, &mut uploaded)?;
                let (object, segments) = assemble(upload, parts);
                if size.is_some_and(|size| u64::try_from(size) != Ok(object.size)) {
                    return Err(Error::InvalidRequest(
                        "The object's size is not that which x-amz-mp-object-size specifies.".to_owned(),
                    ));
                }
                if let Some(claimed) = &claimed {
                    check_claim(claimed, object.checksum.as_ref())?;
                }
                condition.check(view.object(&bucket, &key)?.as_ref())?;
                let mut unused = view.put_object(&bucket, &key, &object, &segments)?;
                view.remove_upload(&bucket, &key, &id)?;
                unused.extend(uploaded.into_values().map(|part| part.segment));
                Ok((object, unused))
            })?;
            backend.remove_segments(&unused);
            Ok(object)
        };
        let object = self.blocking(work).await?;
        output.e_tag = Some(ETag::Strong(object.etag));
        if let Some(checksum) = object.checksum {
            let checksum = checksum.to_dto();
            output.checksum_crc32 = checksum.checksum_crc32;
            output.checksum_crc32c = checksum.checksum_crc32c;
            output.checksum_crc64nvme = checksum.checksum_crc64nvme;
            output.checksum_sha1 = checksum.checksum_sha1;
            output.checksum_sha256 = checksum.checksum_sha256;
            output.checksum_type = checksum.checksum_type;
        }
        Ok(output)
    }

    pub(super) async fn abort_upload(&self, input: AbortMultipartUploadInput) -> Result<(), Error> {
        let work = move |backend: &Backend| {
            let parts = backend.index.transaction(|view| {
                view.require_bucket(&input.bucket)?;
                view.upload(&input.bucket, &input.key, &input.upload_id)?;
                let parts = view.parts(&input.upload_id, 0, MAX_PARTS as usize)?;
                view.remove_upload(&input.bucket, &input.key, &input.upload_id)?;
                Ok(parts)
            })?;
            backend.remove_segments(parts.iter().map(|(_, part)| &part.segment));
            Ok(())
        };
        self.blocking(work).await
    }
}

fn promised_checksum(
    algorithm: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> Result<Option<(Algorithm, Kind)>, Error> {
    let Some(algorithm) = algorithm else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(Error::InvalidRequest(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.".to_owned(),
            )),
        };
    };
    let algorithm =
        Algorithm::from_name(algorithm.as_str()).ok_or(Error::InvalidArgument("Unknown checksum algorithm"))?;
    let kind = match kind {
        None => algorithm.default_kind(),
        Some(kind) => Kind::from_name(kind.as_str()).ok_or(Error::InvalidArgument("Unknown checksum type"))?,
    };
    if algorithm.allows(kind) {
        Ok(Some((algorithm, kind)))
    } else {
        Err(Error::InvalidRequest(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind.name(),
            algorithm.name()
        )))
    }
}

/// Who promises a checksum when an upload begins has to keep to it part by part.
fn require_checksum(upload: &Upload, of_part: Option<&Checksum>) -> Result<(), Error> {
    match upload.checksum {
        Some((expected, _)) if of_part.map(|checksum| checksum.algorithm) != Some(expected) => {
            Err(Error::InvalidRequest(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                expected.name().to_lowercase(),
                of_part.map_or_else(|| "null".to_owned(), |checksum| checksum.algorithm.name().to_lowercase()),
            )))
        }
        Some(_) | None => Ok(()),
    }
}

/// Takes the parts that the client lists out of those uploaded, in order.
fn choose(upload: &Upload, listed: &[CompletedPart], uploaded: &mut BTreeMap<i32, Part>) -> Result<Vec<Part>, Error> {
    if listed.is_empty() {
        return Err(Error::MalformedXml);
    }
    let mut numbers = Vec::with_capacity(listed.len());
    for part in listed {
        numbers.push(part.part_number.ok_or(Error::MalformedXml)?);
    }
    if !numbers.is_sorted_by(|one, next| one < next) {
        return Err(Error::InvalidPartOrder);
    }
    let mut parts = Vec::with_capacity(listed.len());
    for (number, listed) in numbers.into_iter().zip(listed) {
        let part = uploaded.remove(&number).ok_or(Error::InvalidPart(number))?;
        let etag = listed.e_tag.as_ref().ok_or(Error::MalformedXml)?;
        if etag.value() != hex(&part.md5) {
            return Err(Error::InvalidPart(number));
        }
        match (upload.checksum, listed_checksum(listed)) {
            (Some((algorithm, Kind::Composite)), None) => {
                return Err(Error::InvalidRequest(format!(
                    "The upload was created using a {} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request.",
                    algorithm.name().to_lowercase()
                )));
            }
            (_, Some(claimed)) if part.checksum.as_ref().is_none_or(|checksum| checksum.value != claimed) => {
                return Err(Error::InvalidPart(number));
            }
            _ => parts.push(part),
        }
    }
    let (_, all_but_last) = parts.split_last().ok_or(Error::MalformedXml)?;
    if all_but_last.iter().any(|part| part.segment.size < MIN_PART) {
        return Err(Error::EntityTooSmall);
    }
    Ok(parts)
}

fn listed_checksum(part: &CompletedPart) -> Option<&str> {
    [&part.checksum_crc32, &part.checksum_crc32c, &part.checksum_crc64nvme, &part.checksum_sha1, &part.checksum_sha256]
        .into_iter()
        .find_map(|value| value.as_deref())
}

/// The record of an object made of parts, and its segments: the parts' own.
fn assemble(upload: Upload, parts: Vec<Part>) -> (Object, Vec<Segment>) {
    let mut md5 = Md5::new();
    for part in &parts {
        md5.update(&part.md5);
    }
    let checksums: Option<Vec<(&Checksum, u64)>> =
        parts.iter().map(|part| Some((part.checksum.as_ref()?, part.segment.size))).collect();
    let object = Object {
        etag: format!("{}-{}", hex(&md5.finalize()), parts.len()),
        size: parts.iter().map(|part| part.segment.size).sum(),
        modified: now(),
        checksum: upload.checksum.zip(checksums).map(|((algorithm, kind), parts)| of_parts(algorithm, kind, &parts)),
        attributes: upload.attributes,
    };
    (object, parts.into_iter().map(|part| part.segment).collect())
}

/// What the client says that the whole object's checksum is.
fn claimed_checksum(input: &CompleteMultipartUploadInput) -> Result<Option<(Algorithm, String)>, Error> {
    let claims = [
        (Algorithm::Crc32, &input.checksum_crc32),
        (Algorithm::Crc32c, &input.checksum_crc32c),
        (Algorithm::Crc64Nvme, &input.checksum_crc64nvme),
        (Algorithm::Sha1, &input.checksum_sha1),
        (Algorithm::Sha256, &input.checksum_sha256),
    ];
    let mut claims = claims.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value.clone()?)));
    match (claims.next(), claims.next()) {
        (claim, None) => Ok(claim),
        (_, Some(_)) => Err(Error::InvalidRequest(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.".to_owned(),
        )),
    }
}

fn check_claim((algorithm, value): &(Algorithm, String), computed: Option<&Checksum>) -> Result<(), Error> {
    match computed {
        Some(computed) if computed.algorithm == *algorithm && computed.value == *value => Ok(()),
        Some(computed) if computed.algorithm == *algorithm => Err(Error::BadDigest(algorithm.name())),
        Some(_) | None => Err(Error::InvalidRequest(
            "The upload was created with another checksum algorithm than that of the request.".to_owned(),
        )),
    }
}
