//! What records say, against what is. Pure: what was read comes in, problems go out.

use std::collections::BTreeSet;

use conversion::Manifest;
use protocol::{Digest, MediaType};
use storage::{
    BlobRecords, ManifestBytes, ManifestRecords, MissingReferences, RecordedManifest, References, TagRecords,
};

use crate::Problem;

/// A manifest that was read, with what it says about itself.
pub(crate) struct Read {
    pub(crate) manifest: Manifest,
    /// Everything that it refers to.
    pub(crate) references: References,
    /// Blobs among these that needn't be there.
    pub(crate) optional: BTreeSet<Digest>,
}

/// The manifest in some bytes.
pub(crate) fn read(bytes: &[u8], media_type: &MediaType, digest: &Digest) -> Result<Read, Problem> {
    // Of schema 1 the digest is that of a part.
    let manifest = match Manifest::stored(bytes.to_vec(), media_type) {
        Ok(manifest) => manifest,
        Err(_) if !media_type.is_schema1() && !digest.matches(bytes) => {
            return Err(Problem::OtherDigest(digest.algorithm().digest(bytes)));
        }
        Err(error) => return Err(Problem::NoManifest(error.to_string())),
    };
    let actual = manifest.digest_with(digest.algorithm());
    if actual != *digest {
        return Err(Problem::OtherDigest(actual));
    }
    let required = manifest.required();
    let needed: BTreeSet<Digest> = required.blobs.into_iter().collect();
    let optional = required.optional.into_iter().filter(|blob| !needed.contains(blob)).collect::<BTreeSet<_>>();
    let references = References::new(needed.into_iter().chain(optional.iter().cloned()), required.manifests);
    Ok(Read { manifest, references, optional })
}

/// A manifest's record against its bytes; and the manifest, so far as there is one.
pub(crate) fn manifest(records: &ManifestRecords, digest: &Digest) -> (Vec<Problem>, Option<Read>) {
    let stored = match (&records.bytes, &records.record) {
        (ManifestBytes::Missing, None) => return (Vec::new(), None),
        (ManifestBytes::Missing, Some(_)) => return (vec![Problem::NoBytes], None),
        (ManifestBytes::Lost(key), _) => return (vec![Problem::NoObject(key.clone())], None),
        (ManifestBytes::Found(stored), _) => stored,
    };
    let read = match read(&stored.bytes, &stored.media_type, digest) {
        Ok(read) => read,
        Err(problem) => return (vec![problem], None),
    };
    let problems = match &records.record {
        Some(recorded) => record(recorded, &read),
        None => vec![Problem::NoRecord],
    };
    (problems, Some(read))
}

fn record(recorded: &RecordedManifest, read: &Read) -> Vec<Problem> {
    let mut problems = Vec::new();
    let length = read.manifest.bytes().len() as u64;
    // Signed and unsigned schema 1 of one payload share a digest, and differ in length.
    if recorded.size != length && !read.manifest.media_type().is_schema1() {
        problems.push(Problem::OtherLength(length));
    }
    match &recorded.references {
        None => problems.push(Problem::ReferencesUnknown),
        Some(references) if *references != read.references => problems.push(Problem::OtherReferences),
        Some(_) => {}
    }
    if recorded.subject.as_ref() != subject(recorded, read).as_ref() {
        problems.push(Problem::OtherSubject);
    }
    problems
}

/// The subject that a manifest should be listed with: conversions, which nobody pushed, have none.
pub(crate) fn subject(recorded: &RecordedManifest, read: &Read) -> Option<Digest> {
    let said = || read.manifest.subject().map(|subject| subject.digest.clone());
    // One that a list made an ordinary manifest was never listed.
    if recorded.was_derived && recorded.subject.is_none() { None } else { said() }
}

/// What isn't there that a manifest refers to. Conversions keep nothing from being deleted, and have no ways back.
pub(crate) fn references(
    missing: &MissingReferences,
    read: &Read,
    is_derived: bool,
    may_be_sparse: bool,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !may_be_sparse {
        let blobs = missing.blobs.iter().filter(|blob| !read.optional.contains(*blob));
        problems.extend(blobs.cloned().map(Problem::MissingBlob));
        problems.extend(missing.manifests.iter().cloned().map(Problem::MissingManifest));
    }
    if !is_derived {
        problems.extend(missing.ways_back.iter().cloned().map(Problem::NoWayToList));
    }
    problems
}

/// A tag against the manifest that it points to.
pub(crate) fn tag(records: &TagRecords) -> Vec<Problem> {
    let digest = &records.tag.digest;
    let Some(manifest_type) = &records.manifest_type else { return vec![Problem::NoTaggedManifest(digest.clone())] };
    let mut problems = Vec::new();
    // Signed and unsigned schema 1 of one payload share a digest.
    let same =
        records.tag.media_type == *manifest_type || (records.tag.media_type.is_schema1() && manifest_type.is_schema1());
    if !same {
        problems.push(Problem::OtherType);
    }
    if !records.has_way_back {
        problems.push(Problem::NoWayToTag(digest.clone()));
    }
    problems
}

/// A blob's records against its object.
pub(crate) fn blob(records: &BlobRecords) -> Vec<Problem> {
    let mut problems = Vec::new();
    match &records.object {
        None => problems.push(Problem::NoObjectRecord),
        Some(object) if object != &records.right => problems.push(Problem::OtherObject),
        Some(_) if !records.has_link => problems.push(Problem::NoLink),
        Some(_) => {}
    }
    match records.length {
        None => problems.push(Problem::NoObject(records.right.object.clone())),
        Some(length) if length != records.right.size => problems.push(Problem::OtherLength(length)),
        Some(_) => {}
    }
    problems
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use storage::{Blob, StoredManifest, TagRecord};

    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::sha256(text.as_bytes())
    }

    /// An image with a subject, and what its records say of it.
    fn image() -> (Digest, ManifestRecords) {
        let (config, layer, foreign, subject) =
            (digest("config"), digest("layer"), digest("foreign"), digest("subject"));
        let bytes = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":1}},
            "layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{layer}","size":1}},
            {{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar","digest":"{foreign}","size":1}}],
            "subject":{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{subject}","size":1}}}}"#
        );
        let record = RecordedManifest {
            size: bytes.len() as u64,
            is_derived: false,
            was_derived: false,
            subject: Some(subject),
            references: Some(References::new([config, layer, foreign], [])),
        };
        let stored = StoredManifest { media_type: MediaType::OciManifest, bytes: Bytes::from(bytes.clone()) };
        (digest(&bytes), ManifestRecords { record: Some(record), bytes: ManifestBytes::Found(stored) })
    }

    fn changed(change: impl FnOnce(&mut RecordedManifest)) -> Vec<Problem> {
        let (digest, mut records) = image();
        change(records.record.as_mut().unwrap());
        manifest(&records, &digest).0
    }

    #[test]
    fn a_record_is_compared_with_the_bytes() {
        assert_eq!(changed(|_| ()), []);
        assert!(matches!(changed(|record| record.size += 1)[..], [Problem::OtherLength(_)]));
        assert_eq!(changed(|record| record.references = None), [Problem::ReferencesUnknown]);
        assert_eq!(changed(|record| record.references = Some(References::default())), [Problem::OtherReferences]);
        assert_eq!(changed(|record| record.subject = None), [Problem::OtherSubject]);
        let adopted = |record: &mut RecordedManifest| (record.was_derived, record.subject) = (true, None);
        assert_eq!(changed(adopted), []);
    }

    #[test]
    fn bytes_are_compared_with_the_digest() {
        let (digest, records) = image();
        let other = Digest::sha256(b"other");
        assert_eq!(manifest(&records, &other).0, [Problem::OtherDigest(digest.clone())]);
        let bytes = |bytes| ManifestRecords { bytes, ..records.clone() };
        assert_eq!(manifest(&bytes(ManifestBytes::Missing), &digest).0, [Problem::NoBytes]);
        let lost = manifest(&bytes(ManifestBytes::Lost("manifests/1".to_owned())), &digest).0;
        assert_eq!(lost, [Problem::NoObject("manifests/1".to_owned())]);
        let cut = StoredManifest { media_type: MediaType::OciManifest, bytes: Bytes::from_static(b"{") };
        let cut_digest = Digest::sha256(b"{");
        assert_eq!(
            manifest(&bytes(ManifestBytes::Found(cut.clone())), &digest).0,
            [Problem::OtherDigest(cut_digest.clone())]
        );
        assert!(matches!(manifest(&bytes(ManifestBytes::Found(cut)), &cut_digest).0[..], [Problem::NoManifest(_)]));
    }

    #[test]
    fn nothing_is_wrong_with_what_is_not_there() {
        let (digest, records) = image();
        let gone = ManifestRecords { record: None, bytes: ManifestBytes::Missing };
        assert_eq!(manifest(&gone, &digest).0, []);
        assert_eq!(manifest(&ManifestRecords { record: None, ..records }, &digest).0, [Problem::NoRecord]);
    }

    #[test]
    fn what_a_manifest_names_has_to_be_there_but_for_foreign_layers_and_in_sparse_repositories() {
        let (digest_of_image, records) = image();
        let read = manifest(&records, &digest_of_image).1.unwrap();
        let missing = MissingReferences {
            blobs: [digest("layer"), digest("foreign")].into(),
            manifests: [digest("child")].into(),
            ways_back: [digest("child")].into(),
        };
        let (blob, child, way) = (
            Problem::MissingBlob(digest("layer")),
            Problem::MissingManifest(digest("child")),
            Problem::NoWayToList(digest("child")),
        );
        assert_eq!(references(&missing, &read, false, false), [blob.clone(), child.clone(), way.clone()]);
        assert_eq!(references(&missing, &read, false, true), [way]);
        assert_eq!(references(&missing, &read, true, false), [blob, child]);
    }

    #[test]
    fn a_tag_has_a_manifest_of_its_type_and_a_way_back() {
        let image = digest("image");
        let tag_of = |media_type, manifest_type, has_way_back| {
            let record = TagRecord { digest: digest("image"), media_type };
            tag(&TagRecords { tag: record, manifest_type, has_way_back })
        };
        let (oci, docker) = (MediaType::OciManifest, MediaType::OciIndex);
        assert_eq!(tag_of(oci.clone(), Some(oci.clone()), true), []);
        assert_eq!(tag_of(oci.clone(), Some(oci.clone()), false), [Problem::NoWayToTag(image.clone())]);
        assert_eq!(tag_of(oci.clone(), Some(docker), true), [Problem::OtherType]);
        assert_eq!(tag_of(oci, None, false), [Problem::NoTaggedManifest(image)]);
        let (plain, signed) = (MediaType::DockerSchema1, MediaType::DockerSchema1Signed);
        assert_eq!(tag_of(plain, Some(signed), true), []);
    }

    #[test]
    fn a_blob_is_where_all_of_its_records_say() {
        let at = |object: &str, size| Blob { object: object.to_owned(), size };
        let well = BlobRecords { right: at("a", 1), object: Some(at("a", 1)), has_link: true, length: Some(1) };
        assert_eq!(blob(&well), []);
        assert_eq!(blob(&BlobRecords { has_link: false, ..well.clone() }), [Problem::NoLink]);
        assert_eq!(blob(&BlobRecords { object: None, ..well.clone() }), [Problem::NoObjectRecord]);
        assert_eq!(blob(&BlobRecords { object: Some(at("b", 1)), ..well.clone() }), [Problem::OtherObject]);
        assert_eq!(blob(&BlobRecords { length: Some(2), ..well.clone() }), [Problem::OtherLength(2)]);
        assert_eq!(blob(&BlobRecords { length: None, ..well }), [Problem::NoObject("a".to_owned())]);
    }
}
