//! The images that the tests push.

use std::fs;

use super::{Compression, Image, Layer};

/// A file that every sample image has.
pub const GREETING: &str = "etc/greeting";

/// An image that every client and every format can carry: gzip layers between empty history entries.
/// The greeting of the first layer is replaced by the last one.
pub fn plain(architecture: &'static str) -> Image {
    let shell = real_file("/bin/bash");
    let licence = real_file("/usr/share/common-licenses/GPL-3");
    Image::new(architecture)
        .layer(Layer::new(Compression::Gzip, &[("bin/bash", &shell), (GREETING, b"an older greeting\n")]))
        .step("/bin/sh -c #(nop) ENV GREETING=hello <world> & more")
        .layer(Layer::new(Compression::Gzip, &[("usr/share/doc/GPL-3", &licence)]))
        .step("/bin/sh -c #(nop) LABEL maintainer=\"Zoë\"")
        .layer(Layer::new(Compression::Gzip, &[(GREETING, greeting(architecture).as_bytes())]))
        .step("/bin/sh -c #(nop) CMD [\"/bin/true\"]")
}

/// An image with a layer of each compression, between empty history entries.
///
/// It shares no layer with [`plain`]: containers/image remembers that a gzip layer and a zstd one are the same archive,
/// and would push either in place of the other.
pub fn mixed_compression() -> Image {
    let shell = real_file("/bin/dash");
    let licence = real_file("/usr/share/common-licenses/LGPL-3");
    Image::new("amd64")
        .step("/bin/sh -c #(nop) ARG BASE=scratch")
        .layer(Layer::new(Compression::Gzip, &[("bin/dash", &shell)]))
        .step("/bin/sh -c #(nop) ENV A=1")
        .step("/bin/sh -c #(nop) ENV B=2")
        .layer(Layer::new(Compression::Zstd, &[("usr/share/doc/LGPL-3", &licence)]))
        .layer(Layer::new(Compression::None, &[(GREETING, greeting("amd64").as_bytes()), ("etc/packed", b"no\n")]))
        .step("/bin/sh -c #(nop) CMD [\"/bin/true\"]")
}

/// The same image for two platforms, each with a greeting of its own.
pub fn two_platforms() -> [Image; 2] {
    [plain("amd64"), plain("arm64")]
}

/// The greeting in the image for this architecture.
pub fn greeting(architecture: &str) -> String {
    format!("hello from {architecture}\n")
}

/// An image of 208 MB that doesn't compress, its layers between 48 and 96 MB.
pub fn large() -> Image {
    let layer = |name: &str, megabytes: usize| {
        Layer::new(Compression::None, &[(name, &noise(megabytes * 1_000_000, megabytes as u64))])
    };
    Image::new("amd64")
        .layer(layer("data/large", 96))
        .layer(layer("data/medium", 64))
        .step("/bin/sh -c #(nop) ENV SIZE=large")
        .layer(layer("data/small", 48))
        .layer(Layer::new(Compression::Gzip, &[(GREETING, greeting("amd64").as_bytes())]))
}

/// The content of a file on this machine.
#[track_caller]
pub fn real_file(path: &str) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Bytes without pattern, the same for the same seed (xorshift64*).
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
