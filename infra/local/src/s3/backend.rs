//! The store behind the protocol layer: which operation of S3 is answered by what, everything else being NotImplemented.

use std::fs::{self, File, TryLockError};
use std::io;
use std::sync::Arc;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutObjectInput, PutObjectOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result};

use super::Medium;
use super::error::Error;
use super::index::Index;
use super::segments::{Segment, Segments};

/// The index and the bytes. Clones share them.
#[derive(Clone)]
pub(super) struct Backend {
    pub(super) index: Arc<Index>,
    pub(super) segments: Arc<Segments>,
    /// Keeps other processes out of the directory.
    _lock: Option<Arc<File>>,
}

impl Backend {
    pub(super) fn open(medium: Medium) -> io::Result<Self> {
        let root = match medium {
            Medium::Memory => {
                return Ok(Self {
                    index: Arc::new(Index::in_memory()?),
                    segments: Arc::new(Segments::in_memory()),
                    _lock: None,
                });
            }
            Medium::Directory(root) => root,
        };
        fs::create_dir_all(&root)?;
        let lock = File::create(root.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("another process uses {}: stop it, or choose another directory", root.display()),
            ),
            TryLockError::Error(error) => error,
        })?;
        let index = Index::in_file(&root.join("index.sqlite"))?;
        let segments = Segments::in_directory(&root)?;
        segments.remove_strays(&index.transaction(|view| view.named_segments())?)?;
        Ok(Self { index: Arc::new(index), segments: Arc::new(segments), _lock: Some(Arc::new(lock)) })
    }

    pub(super) fn ensure_bucket(&self, name: &str) -> io::Result<()> {
        if !s3s::path::check_bucket_name(name) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name:?} isn't a bucket's name: 3 to 63 lower-case letters, digits, hyphens and dots"),
            ));
        }
        self.index.transaction(|view| view.create_bucket(name))?;
        Ok(())
    }

    /// Runs work that waits for the disk, or computes for long, beside the threads that serve connections. It runs to
    /// its end even if nobody waits for it any more.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let backend = self.clone();
        tokio::task::spawn_blocking(move || work(&backend)).await?
    }

    pub(super) fn remove_segments<'a>(&self, segments: impl IntoIterator<Item = &'a Segment>) {
        self.segments.remove(segments.into_iter().map(|segment| segment.id.as_str()));
    }
}

#[async_trait::async_trait]
impl S3 for Backend {
    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let name = request.input.bucket;
        let location = Some(format!("/{name}"));
        let is_new = self.blocking(move |backend| backend.index.transaction(|view| view.create_bucket(&name))).await?;
        if !is_new {
            return Err(Error::BucketExists.into());
        }
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        let name = request.input.bucket;
        self.blocking(move |backend| backend.index.transaction(|view| view.require_bucket(&name))).await?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        Ok(self.put(request).await?)
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        Ok(self.get(request).await?)
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        Ok(self.head(request).await?)
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.delete(request.input).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        Ok(S3Response::new(self.delete_many(request.input).await?))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        Ok(S3Response::new(self.list_objects(request.input).await?))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        Ok(S3Response::new(self.begin_upload(request.input).await?))
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        Ok(self.receive_part(request).await?)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        Ok(S3Response::new(self.complete_upload(request).await?))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.abort_upload(request.input).await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        Ok(S3Response::new(self.list_upload_parts(request.input).await?))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        Ok(S3Response::new(self.list_uploads(request.input).await?))
    }
}
