//! PUT and DELETE of a manifest.

use std::collections::HashSet;
use std::sync::Arc;

use conversion::{Manifest, Required};
use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use protocol::{
    ApiError, Digest, ErrorCode, Function, InvalidReference, MAX_MANIFEST_SIZE, Method, Reference, RepositoryName,
    Route, Tag,
};
use runtime::{
    Background, DOCKER_CONTENT_DIGEST, Handler, Happening, Image, Journal, OCI_SUBJECT, OCI_TAG, Parts, Query, Reply,
    Request, Response, StartError,
};
use storage::{
    DeleteError, DeletedManifest, NewManifest, PutError, References, Referrer, Storage, StoredManifest, TagRecord,
};

/// The function.
pub struct ManifestPut {
    storage: Arc<Storage>,
    background: Background,
}

impl ManifestPut {
    /// Over a storage that is shared.
    pub fn new(storage: Arc<Storage>, background: Background) -> Self {
        Self { storage, background }
    }

    /// The table is open; the bucket is for the few manifests that are large.
    pub async fn start(parts: Parts) -> Self {
        let background = Background::new(&parts.environment.background, &parts.environment.storage);
        Self::new(parts.storage, background)
    }

    async fn put(&self, name: &RepositoryName, reference: &Reference, request: Request) -> Result<Response, ApiError> {
        let content_type = request.header(CONTENT_TYPE).map(str::to_owned);
        let journal = request.journal.clone();
        let also = tags(&request.query)?;
        let manifest =
            Manifest::parse(request.into_bytes(MAX_MANIFEST_SIZE, too_large()).await?, content_type.as_deref())?;
        let digest = named_digest(&manifest, reference)?;
        let required = manifest.required();
        let blobs = required.blobs.iter().chain(&required.optional).cloned();
        let references = References::new(blobs, required.manifests.iter().cloned());
        let descendants = self.descendants(name, &manifest).await?;
        let subject = manifest.subject().map(|subject| subject.digest.clone());
        let referrer = subject.clone().map(|subject| Referrer::new(subject, manifest.descriptor(&digest)));
        let mut tags = also.clone();
        if let Reference::Tag(tag) = reference
            && !tags.contains(tag)
        {
            tags.push(tag.clone());
        }
        let (image, media_type) = (image(&manifest, &digest), manifest.media_type().clone());
        let new = NewManifest {
            repository: name,
            digest: &digest,
            manifest: StoredManifest { media_type, bytes: manifest.into_bytes().into() },
            tags: &tags,
            references: &references,
            optional: &required.optional,
            descendants: &descendants,
            referrer,
        };
        let is_schema1 = new.manifest.media_type.is_schema1();
        self.storage.put_manifest(&new).await.map_err(|error| not_stored(name, &required, error))?;
        journal.note(Happening::Pushed { image, tags: tags.clone() });
        if is_schema1 {
            self.background.upgrade_schema1(name, &digest).await;
        }

        let mut reply = Reply::new(StatusCode::CREATED)
            .header(LOCATION, format!("/v2/{name}/manifests/{digest}"))
            .header(DOCKER_CONTENT_DIGEST, &digest);
        if !also.is_empty() {
            reply = reply.header(OCI_TAG, also.iter().map(Tag::as_str).collect::<Vec<_>>().join(", "));
        }
        Ok(match subject {
            Some(subject) => reply.header(OCI_SUBJECT, subject).done(),
            None => reply.done(),
        })
    }

    /// What the lists in a list name. Images have nothing below them, so this is a question for lists of lists only.
    async fn descendants(&self, name: &RepositoryName, manifest: &Manifest) -> Result<Vec<Digest>, ApiError> {
        let lists = |manifest: &Manifest| {
            let lists = manifest.children().iter().filter(|child| child.media_type.is_index());
            lists.map(|list| list.digest.clone()).collect::<Vec<_>>()
        };
        let (mut waiting, mut seen, mut found) = (lists(manifest), HashSet::new(), Vec::new());
        while let Some(list) = waiting.pop() {
            if !seen.insert(list.clone()) {
                continue;
            }
            if let Some(stored) = self.storage.manifest(name, &list).await? {
                let list = Manifest::stored(stored.bytes.to_vec(), &stored.media_type)?;
                found.extend(list.required().manifests);
                waiting.extend(lists(&list));
            }
        }
        Ok(found)
    }

    async fn delete(
        &self,
        name: &RepositoryName,
        reference: &Reference,
        journal: &Journal,
    ) -> Result<Response, ApiError> {
        let deleted = match reference {
            Reference::Tag(tag) => self.storage.delete_tag(name, tag).await.map(|pointed| untagged(pointed, tag)),
            Reference::Digest(digest) => self.storage.delete_manifest(name, digest).await.map(removed),
        };
        match deleted {
            Ok(deleted) => {
                journal.note(deleted);
                Ok(Reply::new(StatusCode::ACCEPTED).done())
            }
            Err(DeleteError::Unknown) if !self.storage.repository_exists(name).await? => {
                Err(ApiError::new(ErrorCode::NameUnknown, format!("repository {name} does not exist")))
            }
            Err(DeleteError::Unknown) => {
                Err(ApiError::new(ErrorCode::ManifestUnknown, format!("{reference} is not in repository {name}")))
            }
            Err(DeleteError::DerivedFromSeveral(sources)) => {
                let sources = join(&sources);
                let message = format!("{reference} is the conversion of several manifests; delete those: {sources}");
                Err(ApiError::new(ErrorCode::Denied, message))
            }
            Err(DeleteError::ReferredTo(lists)) => {
                let lists = join(&lists[..lists.len().min(NAMED)]);
                let message = format!("{reference} is part of other manifests; delete those first: {lists}");
                Err(ApiError::new(ErrorCode::StillReferred, message).header("Allow", "GET, HEAD, PUT"))
            }
            Err(DeleteError::Storage(error)) => Err(error.into()),
        }
    }
}

impl Handler for ManifestPut {
    async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match (request.method, request.route().clone()) {
            (Method::Put, Route::Manifest(name, reference)) => self.put(&name, &reference, request).await,
            (Method::Delete, Route::Manifest(name, reference)) => {
                self.delete(&name, &reference, &request.journal).await
            }
            _ => Err(request.unrouted()),
        }
    }
}

/// The tags among the parameters, each once (distribution specification, "Pushing Manifests").
fn tags(query: &Query) -> Result<Vec<Tag>, ApiError> {
    let mut tags = Vec::new();
    for text in query.all("tag") {
        let invalid =
            |error: InvalidReference| ApiError::new(ErrorCode::TagInvalid, format!("the parameter tag: {error}"));
        let tag: Tag = text.parse().map_err(invalid)?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    // The path may name one more.
    if tags.len() >= NewManifest::MAX_TAGS {
        let most = NewManifest::MAX_TAGS - 1;
        let message = format!("one request may set {most} tags by parameter; send the manifest again for the others");
        return Err(ApiError::new(ErrorCode::TooManyTags, message));
    }
    Ok(tags)
}

/// The digest to store the manifest under: the one in the path, which has to be right, else its SHA-256.
fn named_digest(manifest: &Manifest, reference: &Reference) -> Result<Digest, ApiError> {
    match reference {
        Reference::Tag(_) => Ok(manifest.digest()),
        Reference::Digest(named) => {
            let actual = manifest.digest_with(named.algorithm());
            if actual == *named {
                return Ok(actual);
            }
            let message = format!("the manifest's digest is {actual}, not {named}; nothing was stored");
            Err(ApiError::new(ErrorCode::DigestInvalid, message))
        }
    }
}

/// A pushed manifest, for those who are told of it.
fn image(manifest: &Manifest, digest: &Digest) -> Image {
    Image {
        digest: digest.clone(),
        media_type: manifest.media_type().clone(),
        artifact_type: manifest.artifact_type().map(str::to_owned),
        manifest_size: Some(manifest.bytes().len() as u64),
        content_size: Some(manifest.size_of_content()).filter(|&size| size > 0),
    }
}

fn removed(manifest: DeletedManifest) -> Happening {
    let DeletedManifest { digest, media_type, size } = manifest;
    let image = Image { digest, media_type, artifact_type: None, manifest_size: Some(size), content_size: None };
    Happening::Deleted { image, tag: None }
}

fn untagged(pointed: TagRecord, tag: &Tag) -> Happening {
    let TagRecord { digest, media_type } = pointed;
    let image = Image { digest, media_type, artifact_type: None, manifest_size: None, content_size: None };
    Happening::Deleted { image, tag: Some(tag.clone()) }
}

fn too_large() -> ApiError {
    ApiError::new(ErrorCode::ManifestTooLarge, format!("a manifest may have at most {MAX_MANIFEST_SIZE} bytes"))
}

/// How many missing digests a message names.
const NAMED: usize = 200;

fn not_stored(name: &RepositoryName, required: &Required, error: PutError) -> ApiError {
    match error {
        PutError::Missing { blobs, manifests } => {
            let (blobs, manifests) = (in_order(blobs, &required.blobs), in_order(manifests, &required.manifests));
            // The details have all of them: once is as much as an answer may have room for.
            let named: Vec<Digest> = blobs.iter().chain(&manifests).take(NAMED).cloned().collect();
            let more = match blobs.len() + manifests.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!("push these to repository {name} first, they are not in it: {}{more}", join(&named));
            let detail = serde_json::json!({ "blobs": blobs, "manifests": manifests });
            ApiError::new(ErrorCode::ManifestBlobUnknown, message).detail(detail)
        }
        PutError::TagIsImmutable(tag) => tag.into(),
        PutError::NoRepository(none) => none.into(),
        PutError::Storage(error) => error.into(),
    }
}

/// As the manifest names them.
fn in_order(missing: Vec<Digest>, named: &[Digest]) -> Vec<Digest> {
    let missing: HashSet<Digest> = missing.into_iter().collect();
    named.iter().filter(|digest| missing.contains(*digest)).cloned().collect()
}

fn join(digests: &[Digest]) -> String {
    digests.iter().map(Digest::to_string).collect::<Vec<_>>().join(", ")
}

/// Runs the function in Lambda.
///
/// # Errors
/// When the environment lacks something.
pub fn main() -> Result<(), StartError> {
    runtime::run_with_events(Function::ManifestPut, ManifestPut::start)
}
