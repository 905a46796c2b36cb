//! Schema 1 as it is pushed: signed by docker-registry, or without a signature.

use crate::accept::ABSENT;
use crate::image::Image;
use crate::remote::Remote;
use crate::types::SCHEMA2;

/// The layer that stands for a step which changed no file: a gzipped empty archive, by these very bytes.
pub(crate) const EMPTY_LAYER: [u8; 32] = [
    31, 139, 8, 0, 0, 9, 110, 136, 0, 255, 98, 24, 5, 163, 96, 20, 140, 88, 0, 8, 0, 0, 255, 255, 46, 175, 181, 239, 0,
    4, 0, 0,
];

/// A schema 1 manifest.
pub(crate) struct Schema1 {
    pub(crate) signed: bool,
    pub(crate) manifest: Vec<u8>,
    /// What it was made of.
    pub(crate) origin: Image,
}

impl Schema1 {
    /// What docker-registry makes of a schema 2 image. Its key is another one in each run; the payload isn't.
    pub(crate) fn made_by(signer: &Remote, signed: bool, origin: Image) -> Self {
        origin.blobs().into_iter().for_each(|blob| signer.push_blob(blob));
        signer.put("signed-there", Some(SCHEMA2), &origin.manifest).expect(201);
        let answer = signer.pull("GET", "signed-there", ABSENT).expect("an answer").expect(200);
        let manifest = if signed { answer.body } else { payload(&answer.body) };
        Self { signed, manifest, origin }
    }

    pub(crate) fn blobs(&self) -> Vec<&[u8]> {
        let mut blobs: Vec<&[u8]> = self.origin.layers.iter().map(|layer| layer.content.bytes.as_slice()).collect();
        blobs.push(&EMPTY_LAYER);
        blobs
    }
}

/// What the signatures cover: the manifest without them. An unsigned one is its own payload.
pub(crate) fn payload(manifest: &[u8]) -> Vec<u8> {
    const SIGNATURES: &[u8] = b",\n   \"signatures\": [";
    match manifest.windows(SIGNATURES.len()).position(|window| window == SIGNATURES) {
        Some(at) => [&manifest[..at], b"\n}"].concat(),
        None => manifest.to_vec(),
    }
}
