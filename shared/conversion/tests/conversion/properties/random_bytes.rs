//! Bytes that nobody meant.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::fuzz;
use crate::support::golden;

proptest! {
    // Signatures take long without optimisation.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_damaged_is_read_and_converted_or_refused(
        file in select(vec![
            "schema1-good-by-moby.json", "schema1-unsigned.json", "schema2-everything.json", "oci-everything.json",
            "list.json", "index.json",
        ]),
        at in any::<Index>(),
        length in 0..40_usize,
        with in vec(prop_oneof![any::<u8>(), select(b"\"{}[]:,0-1e".to_vec())], 0..20),
    ) {
        let mut bytes = golden(file);
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + length);
        bytes.splice(at..end, with);
        fuzz::parse(&bytes);
        fuzz::convert(&[&bytes, &b"\0"[..], &golden("config-httpd.json")].concat());
    }

    #[test]
    fn whatever_is_put_together_holds(bytes in vec(any::<u8>(), 0..400)) {
        fuzz::negotiate(&bytes);
        fuzz::images(&bytes);
        fuzz::lists(&bytes);
    }
}
