//! What is looked at. Each has a section in docs/doctor.md.

use serde::{Serialize, Serializer};

macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident = $id:literal,)*) => {
        /// One thing that is looked at, in the order in which that happens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Check { $($(#[$doc])* $variant,)* }

        impl Check {
            /// Every check, in order.
            pub(super) const ALL: &[Check] = &[$(Check::$variant),*];

            /// Its name in reports, and the title of its section.
            pub(super) fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }
        }
    };
}

checks! {
    /// Somebody answers at the host.
    Reachable = "reachable",
    /// Nobody is sent to another host or scheme.
    Redirect = "redirect",
    /// `/v2` is `/v2/`.
    TrailingSlash = "trailing-slash",
    /// The version of the API is named.
    ApiVersion = "api-version",
    /// The deployment's clock is this machine's.
    Clock = "clock",
    /// Clients are told that they have to log in.
    Challenge = "challenge",
    /// And where.
    Realm = "realm",
    /// What isn't there is told in the registry's own words.
    ErrorShape = "error-shape",
    /// Repository names have any number of components.
    Names = "names",
    /// Their slashes may be percent-encoded.
    EncodedSlash = "encoded-slash",
    /// Uploads are opened with and without a slash at the end.
    UploadRoute = "upload-route",
    /// Headers as long as tokens get.
    HeaderSize = "header-size",
    /// How much a request carries.
    BodySize = "body-size",
    /// An AWS identity gets a password.
    Login = "login",
    /// The token endpoint.
    Token = "token",
    /// The clock that tokens are issued by.
    TokenClock = "token-clock",
    /// The password of an AWS identity opens the registry's own routes.
    Password = "password",
    /// An image gets in.
    Push = "push",
    /// PATCH without a length.
    ChunkedPatch = "chunked-patch",
    /// PUT without a length.
    ChunkedPut = "chunked-put",
    /// A blob goes straight to the bucket.
    DirectUpload = "direct-upload",
    /// The image comes out as it went in.
    Pull = "pull",
    /// HEAD of a manifest.
    ManifestHead = "manifest-head",
    /// Another format of the image.
    Conversion = "conversion",
    /// Blobs are in the bucket.
    BlobRedirect = "blob-redirect",
    /// They can be had from there.
    BlobDownload = "blob-download",
    /// In parts as well.
    BlobRange = "blob-range",
    /// HEAD of a blob.
    BlobHead = "blob-head",
    /// What the bucket says to credentials that aren't its own.
    BlobCredentials = "blob-credentials",
    /// Nothing is left of the test.
    Cleanup = "cleanup",
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_a_section_for_each_check_in_their_order() {
        let document = include_str!("../../../../docs/doctor.md");
        let sections: Vec<_> = document.lines().filter_map(|line| line.strip_prefix("### ")).collect();
        let ids: Vec<_> = Check::ALL.iter().map(|check| check.id()).collect();
        assert_eq!(sections, ids);
    }
}
