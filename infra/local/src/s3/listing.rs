//! Listing: objects, parts and uploads, sorted and in pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ListPartsInput, ListPartsOutput, MultipartUpload, Object as ListedObject, ObjectStorageClass,
    Part as ListedPart, StorageClass,
};

use super::backend::Backend;
use super::checksum::hex;
use super::error::Error;
use super::index::{Object, Part, Upload};
use super::objects::{refuse_unsupported, signed, timestamp};

/// The most entries of one page.
const MAX_PAGE: usize = 1000;

impl Backend {
    pub(super) async fn list_objects(&self, input: ListObjectsV2Input) -> Result<ListObjectsV2Output, Error> {
        refuse_unsupported(&[(
            "A delimiter",
            input.delimiter.as_ref().is_some_and(|delimiter| !delimiter.is_empty()),
        )])?;
        let limit = page(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = match &input.continuation_token {
            Some(token) => read_token(token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let bucket = input.bucket.clone();
        let work = move |backend: &Backend| {
            backend.index.transaction(|view| {
                view.require_bucket(&bucket)?;
                view.objects(&bucket, &prefix, &after, limit + 1)
            })
        };
        let (objects, more) = cut(self.blocking(work).await?, limit);
        let last = objects.last().map(|(key, _)| BASE64.encode(key));
        Ok(ListObjectsV2Output {
            key_count: i32::try_from(objects.len()).ok(),
            contents: Some(objects.into_iter().map(|(key, object)| listed_object(key, object)).collect()),
            continuation_token: input.continuation_token,
            is_truncated: Some(more),
            max_keys: i32::try_from(limit).ok(),
            name: Some(input.bucket),
            next_continuation_token: last.filter(|_| more),
            prefix: input.prefix,
            start_after: input.start_after,
            ..Default::default()
        })
    }

    pub(super) async fn list_upload_parts(&self, input: ListPartsInput) -> Result<ListPartsOutput, Error> {
        let limit = page(input.max_parts)?;
        let after = input.part_number_marker.unwrap_or(0);
        let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
        let work = move |backend: &Backend| {
            backend.index.transaction(|view| {
                view.require_bucket(&bucket)?;
                let upload = view.upload(&bucket, &key, &id)?;
                Ok((upload, view.parts(&id, after, limit + 1)?))
            })
        };
        let (upload, parts) = self.blocking(work).await?;
        let (parts, more) = cut(parts, limit);
        let (checksum_algorithm, checksum_type) = checksum_of(&upload);
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            checksum_algorithm,
            checksum_type,
            is_truncated: Some(more),
            key: Some(input.key),
            max_parts: i32::try_from(limit).ok(),
            next_part_number_marker: parts.last().map(|(number, _)| *number).filter(|_| more),
            part_number_marker: Some(after),
            parts: Some(parts.into_iter().map(|(number, part)| listed_part(number, part)).collect()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            upload_id: Some(input.upload_id),
            ..Default::default()
        })
    }

    pub(super) async fn list_uploads(
        &self,
        input: ListMultipartUploadsInput,
    ) -> Result<ListMultipartUploadsOutput, Error> {
        refuse_unsupported(&[(
            "A delimiter",
            input.delimiter.as_ref().is_some_and(|delimiter| !delimiter.is_empty()),
        )])?;
        let limit = page(input.max_uploads)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let bucket = input.bucket.clone();
        let key_marker = input.key_marker.clone().unwrap_or_default();
        // Without an upload id the marker excludes all uploads of its key; every id comes before this character.
        let id_marker =
            input.upload_id_marker.clone().filter(|_| input.key_marker.is_some()).unwrap_or_else(|| "~".to_owned());
        let work = move |backend: &Backend| {
            backend.index.transaction(|view| {
                view.require_bucket(&bucket)?;
                view.uploads(&bucket, &prefix, (&key_marker, &id_marker), limit + 1)
            })
        };
        let (uploads, more) = cut(self.blocking(work).await?, limit);
        let last = uploads.last().filter(|_| more);
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(more),
            key_marker: input.key_marker,
            max_uploads: i32::try_from(limit).ok(),
            next_key_marker: last.map(|(key, _, _)| key.clone()),
            next_upload_id_marker: last.map(|(_, id, _)| id.clone()),
            prefix: input.prefix,
            upload_id_marker: input.upload_id_marker,
            uploads: Some(uploads.into_iter().map(listed_upload).collect()),
            ..Default::default()
        })
    }
}

fn listed_object(key: String, object: Object) -> ListedObject {
    ListedObject {
        checksum_algorithm: object
            .checksum
            .as_ref()
            .map(|checksum| vec![ChecksumAlgorithm::from_static(checksum.algorithm.name())]),
        checksum_type: object.checksum.map(|checksum| ChecksumType::from_static(checksum.kind.name())),
        e_tag: Some(ETag::Strong(object.etag)),
        key: Some(key),
        last_modified: Some(timestamp(object.modified)),
        size: Some(signed(object.size)),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    }
}

fn listed_part(number: i32, part: Part) -> ListedPart {
    let checksum = part.checksum.map(|checksum| checksum.to_dto()).unwrap_or_default();
    ListedPart {
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        e_tag: Some(ETag::Strong(hex(&part.md5))),
        last_modified: Some(timestamp(part.modified)),
        part_number: Some(number),
        size: Some(signed(part.segment.size)),
    }
}

fn listed_upload((key, id, upload): (String, String, Upload)) -> MultipartUpload {
    let (checksum_algorithm, checksum_type) = checksum_of(&upload);
    MultipartUpload {
        checksum_algorithm,
        checksum_type,
        initiated: Some(timestamp(upload.initiated)),
        key: Some(key),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        upload_id: Some(id),
        ..Default::default()
    }
}

fn checksum_of(upload: &Upload) -> (Option<ChecksumAlgorithm>, Option<ChecksumType>) {
    match upload.checksum {
        None => (None, None),
        Some((algorithm, kind)) => {
            (Some(ChecksumAlgorithm::from_static(algorithm.name())), Some(ChecksumType::from_static(kind.name())))
        }
    }
}

/// How many entries a client gets at once.
fn page(asked: Option<i32>) -> Result<usize, Error> {
    match asked.map(usize::try_from) {
        None => Ok(MAX_PAGE),
        Some(Ok(asked)) => Ok(asked.min(MAX_PAGE)),
        Some(Err(_)) => Err(Error::InvalidArgument("The size of a page is at least 0.")),
    }
}

/// Cuts entries, of which one too many was fetched, to a page, and says whether there are more.
fn cut<T>(mut entries: Vec<T>, limit: usize) -> (Vec<T>, bool) {
    let more = entries.len() > limit && limit > 0;
    entries.truncate(limit);
    (entries, more)
}

fn read_token(token: &str) -> Result<String, Error> {
    let invalid = Error::InvalidArgument("The continuation token provided is incorrect");
    match BASE64.decode(token).map(String::from_utf8) {
        Ok(Ok(key)) => Ok(key),
        Ok(Err(_)) | Err(_) => Err(invalid),
    }
}
