//! Where everything is kept.
//!
//! One table, `pk` and `sk` both strings; attribute names avoid DynamoDB's reserved words. What IAM must tell apart has partition keys of its own, because its
//! leading-key conditions see only `pk`. Items that are listed are lean; bytes live beside them.
//!
//! ```text
//! pk                   sk                            holds
//! REPOSITORY#<name>    SETTINGS                      created_at, what it lets happen, deletions: counts marks, what was collected
//!                      TAG#<tag>                     digest, media_type, pushed_at
//!                      TAGGED#<digest>#<tag>         the way back from a manifest to its tags
//!                      LIFECYCLE                     document: the lifecycle policy
//!                      MANIFEST#<digest>             media_type, content_size, origin (pushed or derived), pushed_at, subject, references, doomed, dismantled
//!                      MANIFEST#<digest>#<n>         more references than one item holds
//!                      PARENT#<child>#<list>         the way back from a manifest to a list that names it
//!                      PULLED#<digest>               pulled_at: the day of the last pull
//!                      DELETED#<digest>              deleted_at: a manifest was deleted; its referrers haven't been looked at yet
//!                      BLOB#<digest>                 the repository may read this blob: object_key, content_size, doomed
//!                      REFERRER#<subject>#<digest>   the descriptor that the referrers listing shows
//!                      UPLOAD#<uuid>                 a session: phase, received, fence, lease, hash states, multipart id
//!                      UPLOAD#<uuid>#PART#<n>        etag of a part of it
//! BYTES#<name>         <digest>                      media_type and the manifest's bytes, or object_key of the object that holds them
//! DERIVED#<name>       <source>#<target>             digest of the conversion
//!                      <derived>                     sources: the conversions that it came out of
//! BLOB#<digest>        OBJECT                        object_key, content_size, revision: counts its links
//!                      LINK#<name>                   a repository that may read it
//!                      LAYER                         what is in it, when schema 1 names it: diff_id, compression; or problem; or lease, claimant
//! ORPHAN               <object key>                  digest, content_size, doomed: an object that lost a link; gone from OBJECT when phase is there
//! CATALOG              <name>                        one item for each repository
//! PENDING              <name>                        doomed: a repository that doesn't exist yet has, or had, sessions
//! KEYPUBLIC            <id>                          public_key: what tokens are verified with
//! KEYPRIVATE           CURRENT                       key_id, private_key, created_at: what they are signed with; the same of the one before it
//! USER                 <name>                        document: what a user of the registry may do, and the hashes of the secrets
//! GRANTS               CURRENT                       document: what principals of IAM and everybody may do
//!
//! bucket
//! blobs/<uuid>/object      the blob of a session that needed several parts
//! blobs/<uuid>/whole-<f>   the blob of a session that needed one, written under fence <f>
//! blobs/<uuid>/direct      the blob of a session whose client sent it straight to S3
//! blobs/<uuid>/tail-<f>    bytes too few for a part, waiting for the next request
//! manifests/<uuid>         a manifest larger than an item should be
//! ```

use protocol::{Digest, RepositoryName, Tag, UploadId};

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

pub(crate) const REPOSITORY: &str = "REPOSITORY#";
pub(crate) const SETTINGS: &str = "SETTINGS";
pub(crate) const TAG: &str = "TAG#";
pub(crate) const TAGGED: &str = "TAGGED#";
pub(crate) const MANIFEST: &str = "MANIFEST#";
pub(crate) const PARENT: &str = "PARENT#";
pub(crate) const BLOB: &str = "BLOB#";
pub(crate) const REFERRER: &str = "REFERRER#";
pub(crate) const UPLOAD: &str = "UPLOAD#";
pub(crate) const PULLED: &str = "PULLED#";
pub(crate) const DELETED: &str = "DELETED#";
pub(crate) const LINK: &str = "LINK#";
pub(crate) const ORPHAN: &str = "ORPHAN";
pub(crate) const PENDING: &str = "PENDING";
pub(crate) const CATALOG: &str = "CATALOG";
pub(crate) const KEY_PUBLIC: &str = "KEYPUBLIC";
pub(crate) const USER: &str = "USER";

/// Partition of everything listed in a repository.
pub fn repository(name: &RepositoryName) -> String {
    format!("{REPOSITORY}{name}")
}

fn in_repository(name: &RepositoryName, sk: String) -> Key {
    Key { pk: repository(name), sk }
}

/// Present when the repository exists.
pub fn settings(name: &RepositoryName) -> Key {
    in_repository(name, SETTINGS.to_owned())
}

/// A tag.
pub fn tag(name: &RepositoryName, tag: &Tag) -> Key {
    in_repository(name, format!("{TAG}{tag}"))
}

/// A repository's lifecycle policy.
pub fn lifecycle(name: &RepositoryName) -> Key {
    in_repository(name, "LIFECYCLE".to_owned())
}

/// The way back from a digest to a tag.
pub fn tagged(name: &RepositoryName, digest: &Digest, tag: &Tag) -> Key {
    in_repository(name, format!("{}{tag}", tagged_prefix(digest)))
}

/// Start of every sort key of [`tagged`] for one digest.
pub fn tagged_prefix(digest: &Digest) -> String {
    format!("{TAGGED}{digest}#")
}

/// What is known of a manifest, without its bytes.
pub fn manifest(name: &RepositoryName, digest: &Digest) -> Key {
    in_repository(name, format!("{MANIFEST}{digest}"))
}

/// More references of a manifest than its record holds; `number` is from 1 on.
pub fn references(name: &RepositoryName, digest: &Digest, number: usize) -> Key {
    in_repository(name, format!("{MANIFEST}{digest}#{number:03}"))
}

/// The way back from a manifest to a list that names it.
pub fn parent(name: &RepositoryName, child: &Digest, list: &Digest) -> Key {
    in_repository(name, format!("{}{list}", parent_prefix(child)))
}

/// Start of every sort key of [`parent`] for one child.
pub fn parent_prefix(child: &Digest) -> String {
    format!("{PARENT}{child}#")
}

/// When a manifest was last pulled.
pub fn pulled(name: &RepositoryName, digest: &Digest) -> Key {
    in_repository(name, format!("{PULLED}{digest}"))
}

/// What is left of a deleted manifest until its referrers have been looked at.
pub fn deleted(name: &RepositoryName, digest: &Digest) -> Key {
    in_repository(name, format!("{DELETED}{digest}"))
}

/// An object that a repository let go of.
pub fn orphan(object: &str) -> Key {
    Key { pk: ORPHAN.to_owned(), sk: object.to_owned() }
}

/// A repository that had sessions before it existed: nothing else says where they are.
pub fn pending(name: &RepositoryName) -> Key {
    Key { pk: PENDING.to_owned(), sk: name.to_string() }
}

/// A repository's right to read a blob.
pub fn blob(name: &RepositoryName, digest: &Digest) -> Key {
    in_repository(name, format!("{BLOB}{digest}"))
}

/// A manifest that names another as its subject.
pub fn referrer(name: &RepositoryName, subject: &Digest, digest: &Digest) -> Key {
    in_repository(name, format!("{}{digest}", referrer_prefix(subject)))
}

/// Start of every sort key of [`referrer`] for one subject.
pub fn referrer_prefix(subject: &Digest) -> String {
    format!("{REFERRER}{subject}#")
}

/// An upload session.
pub fn upload(name: &RepositoryName, id: &UploadId) -> Key {
    in_repository(name, format!("{UPLOAD}{id}"))
}

/// A part of an upload session. The number has five digits, so that parts sort.
pub fn upload_part(name: &RepositoryName, id: &UploadId, number: i32) -> Key {
    in_repository(name, format!("{}{number:05}", upload_part_prefix(id)))
}

/// Start of every sort key of [`upload_part`] for one session.
pub fn upload_part_prefix(id: &UploadId) -> String {
    format!("{UPLOAD}{id}#PART#")
}

/// Partition of the bytes of a repository's manifests.
pub fn bytes_partition(name: &RepositoryName) -> String {
    format!("BYTES#{name}")
}

/// A manifest's bytes.
pub fn bytes(name: &RepositoryName, digest: &Digest) -> Key {
    Key { pk: bytes_partition(name), sk: digest.to_string() }
}

/// Partition of what the repository's conversions came to.
pub fn derived_partition(name: &RepositoryName) -> String {
    format!("DERIVED#{name}")
}

/// The outcome of a conversion.
pub fn conversion(name: &RepositoryName, source: &Digest, target: &str) -> Key {
    Key { pk: derived_partition(name), sk: format!("{source}#{target}") }
}

/// The conversions that came to a manifest.
pub fn sources(name: &RepositoryName, derived: &Digest) -> Key {
    Key { pk: derived_partition(name), sk: derived.to_string() }
}

/// Partition of what the registry knows of a blob.
pub fn blob_partition(digest: &Digest) -> String {
    format!("BLOB#{digest}")
}

/// The object that holds a blob.
pub fn object(digest: &Digest) -> Key {
    Key { pk: blob_partition(digest), sk: "OBJECT".to_owned() }
}

/// What is in a blob that schema 1 names as a layer.
pub fn layer(digest: &Digest) -> Key {
    Key { pk: blob_partition(digest), sk: "LAYER".to_owned() }
}

/// A repository that may read a blob.
pub fn link(digest: &Digest, name: &RepositoryName) -> Key {
    Key { pk: blob_partition(digest), sk: format!("{LINK}{name}") }
}

/// A repository's place in the catalog.
pub fn catalog(name: &RepositoryName) -> Key {
    Key { pk: CATALOG.to_owned(), sk: name.to_string() }
}

/// What tokens are verified with. Every function may read it.
pub fn public_key(id: &str) -> Key {
    Key { pk: KEY_PUBLIC.to_owned(), sk: id.to_owned() }
}

/// What tokens are signed with. Only one function may read it.
pub fn private_key() -> Key {
    Key { pk: "KEYPRIVATE".to_owned(), sk: "CURRENT".to_owned() }
}

/// A user of the registry.
pub fn user(name: &str) -> Key {
    Key { pk: USER.to_owned(), sk: name.to_owned() }
}

/// What principals of IAM and everybody may do.
pub fn grants() -> Key {
    Key { pk: "GRANTS".to_owned(), sk: "CURRENT".to_owned() }
}

/// An item that doesn't exist: reading it opens the connection. Whoever reads repositories may read it.
pub(crate) fn warm_up() -> Key {
    Key { pk: "REPOSITORY#".to_owned(), sk: "WARM-UP".to_owned() }
}

/// The object of a session that needed several parts: bound to the one multipart upload that can complete it.
pub(crate) fn multipart_object(id: &UploadId) -> String {
    format!("blobs/{id}/object")
}

/// The object of a session whose client sends it straight to S3.
pub(crate) fn direct_object(id: &UploadId) -> String {
    format!("blobs/{id}/direct")
}

/// The object of a session that is sent in one piece. The fence is in its name, so that a writer that lost its lease
/// can't write over what its successor stored.
pub(crate) fn whole_object(id: &UploadId, fence: u64) -> String {
    format!("blobs/{id}/whole-{fence}")
}

/// Bytes too few for a part, stored under a fence.
pub(crate) fn tail_object(id: &UploadId, fence: u64) -> String {
    format!("blobs/{id}/tail-{fence}")
}

/// A manifest that is too large for an item.
pub(crate) fn manifest_object(id: &UploadId) -> String {
    format!("manifests/{id}")
}

/// Start of the keys of all objects that a session may have written.
pub(crate) fn session_objects(id: &UploadId) -> String {
    format!("blobs/{id}/")
}
