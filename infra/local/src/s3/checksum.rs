//! S3's additional checksums: which algorithms there are, how a body's is computed, and how those of parts become one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::dto;
use serde::{Deserialize, Serialize};

use super::error::Error;

/// The algorithms that a client can choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(super) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header, or trailer, that carries a checksum of this algorithm.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// In bytes.
    fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// What a multipart upload gets when it names an algorithm and no type.
    pub(super) fn default_kind(self) -> Kind {
        match self {
            Self::Crc64Nvme => Kind::FullObject,
            Self::Crc32 | Self::Crc32c | Self::Sha1 | Self::Sha256 => Kind::Composite,
        }
    }

    /// `None` for the hashes: those of parts can't be combined into that of the whole.
    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Whether a multipart upload may be created with this algorithm and this type.
    pub(super) fn allows(self, kind: Kind) -> bool {
        match kind {
            Kind::FullObject => self.crc().is_some(),
            Kind::Composite => self != Self::Crc64Nvme,
        }
    }

    pub(super) fn hasher(self) -> Hasher {
        let mut inner = ChecksumHasher::default();
        match self {
            Self::Crc32 => inner.crc32 = Some(s3s::crypto::Crc32::new()),
            Self::Crc32c => inner.crc32c = Some(s3s::crypto::Crc32c::new()),
            Self::Crc64Nvme => inner.crc64nvme = Some(s3s::crypto::Crc64Nvme::new()),
            Self::Sha1 => inner.sha1 = Some(s3s::crypto::Sha1::new()),
            Self::Sha256 => inner.sha256 = Some(s3s::crypto::Sha256::new()),
        }
        Hasher { algorithm: self, inner }
    }
}

/// What a checksum covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// The bytes of the object.
    FullObject,
    /// The checksums of its parts, one after the other.
    Composite,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FullObject => dto::ChecksumType::FULL_OBJECT,
            Self::Composite => dto::ChecksumType::COMPOSITE,
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::FullObject, Self::Composite].into_iter().find(|kind| kind.name() == name)
    }
}

/// A checksum in the form in which S3 shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    pub(super) kind: Kind,
    /// Base64; a composite one ends in `-<number of parts>`.
    pub(super) value: String,
}

impl Checksum {
    /// Reads a client's claim about a body.
    pub(super) fn parse(algorithm: Algorithm, value: &str) -> Result<Self, Error> {
        match BASE64.decode(value) {
            Ok(bytes) if bytes.len() == algorithm.length() => {
                Ok(Self { algorithm, kind: Kind::FullObject, value: value.to_owned() })
            }
            Ok(_) | Err(_) => {
                Err(Error::InvalidRequest(format!("Value for {} header is invalid.", algorithm.header())))
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        BASE64.decode(&self.value).unwrap_or_default()
    }

    /// The same checksum in the protocol layer's form, one field per algorithm.
    pub(super) fn to_dto(&self) -> dto::Checksum {
        let mut fields = dto::Checksum {
            checksum_type: Some(dto::ChecksumType::from_static(self.kind.name())),
            ..Default::default()
        };
        *field(&mut fields, self.algorithm) = Some(self.value.clone());
        fields
    }
}

fn field(fields: &mut dto::Checksum, algorithm: Algorithm) -> &mut Option<String> {
    match algorithm {
        Algorithm::Crc32 => &mut fields.checksum_crc32,
        Algorithm::Crc32c => &mut fields.checksum_crc32c,
        Algorithm::Crc64Nvme => &mut fields.checksum_crc64nvme,
        Algorithm::Sha1 => &mut fields.checksum_sha1,
        Algorithm::Sha256 => &mut fields.checksum_sha256,
    }
}

/// Computes a checksum while a body passes.
pub(super) struct Hasher {
    algorithm: Algorithm,
    inner: ChecksumHasher,
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    pub(super) fn finish(self) -> Checksum {
        let mut fields = self.inner.finalize();
        Checksum {
            algorithm: self.algorithm,
            kind: Kind::FullObject,
            value: field(&mut fields, self.algorithm).take().unwrap_or_default(),
        }
    }
}

/// The checksum of an object from those of its parts, each with the part's size in bytes.
pub(super) fn of_parts(algorithm: Algorithm, kind: Kind, parts: &[(&Checksum, u64)]) -> Checksum {
    let value = match (kind, algorithm.crc()) {
        (Kind::FullObject, Some(crc)) => {
            let whole = parts.iter().fold(0, |whole, (part, size)| {
                crc_fast::checksum_combine(crc, whole, big_endian(&part.bytes()), *size)
            });
            BASE64.encode(&whole.to_be_bytes()[8 - algorithm.length()..])
        }
        (Kind::Composite, _) | (Kind::FullObject, None) => {
            let mut hasher = algorithm.hasher();
            for (part, _) in parts {
                hasher.update(&part.bytes());
            }
            format!("{}-{}", hasher.finish().value, parts.len())
        }
    };
    Checksum { algorithm, kind, value }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Lower-case hexadecimal, the form of ETags.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
