//! What holds for every input.

use conversion::{Manifest, Target};
use proptest::prelude::*;
use proptest::sample::select;
use protocol::MediaType;
use serde_json::{Value, json};

use crate::support::{convert, digest, golden, parse, payload};

/// Text with everything in it that JSON writers differ about.
fn text() -> impl Strategy<Value = String> {
    let odd =
        select(vec!['<', '>', '&', '\u{2028}', '\u{2029}', '"', '\\', '/', '\0', '\u{7f}', '\t', 'é', '世', '😀']);
    proptest::collection::vec(prop_oneof![odd, any::<char>()], 0..12).prop_map(String::from_iter)
}

/// A layer as it stands in schema 2.
fn docker_layer() -> impl Strategy<Value = (MediaType, u64, usize, Vec<String>)> {
    let media_type = select(vec![
        MediaType::DockerLayer,
        MediaType::DockerLayerGzip,
        MediaType::DockerForeignLayer,
        MediaType::DockerForeignLayerGzip,
    ]);
    (media_type, 0..=i64::MAX as u64, any::<usize>(), proptest::collection::vec(text(), 0..3))
}

/// Schema 2 as Docker writes it: keys in order, indented by three spaces.
fn canonical_schema2(layers: &[(MediaType, u64, usize, Vec<String>)]) -> String {
    let go = |text: &str| {
        let text = serde_json::to_string(text).unwrap().replace("\\b", "\\u0008").replace("\\f", "\\u000c");
        [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")]
            .iter()
            .fold(text, |text, (from, to)| text.replace(*from, to))
    };
    let layer = |(media_type, size, number, urls): &(MediaType, u64, usize, Vec<String>)| {
        let urls: Vec<_> = urls.iter().map(|url| format!("\n            {}", go(url))).collect();
        let urls = if urls.is_empty() {
            String::new()
        } else {
            format!(",\n         \"urls\": [{}\n         ]", urls.join(","))
        };
        format!(
            "\n      {{\n         \"mediaType\": \"{media_type}\",\n         \"size\": {size},\n         \"digest\": \"{}\"{urls}\n      }}",
            digest(*number)
        )
    };
    let layers: Vec<_> = layers.iter().map(layer).collect();
    let layers = if layers.is_empty() { "[]".to_owned() } else { format!("[{}\n   ]", layers.join(",")) };
    format!(
        "{{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"{}\",\n   \"config\": {{\n      \"mediaType\": \"{}\",\n      \
         \"size\": 2,\n      \"digest\": \"{}\"\n   }},\n   \"layers\": {layers}\n}}",
        MediaType::DockerSchema2,
        MediaType::DockerConfig,
        digest(0xc0)
    )
}

/// An image config, and the number of layers that it is of.
fn config() -> impl Strategy<Value = (Value, usize)> {
    let entry = (text(), text(), any::<bool>()).prop_map(|(created_by, author, empty_layer)| {
        json!({ "created_by": created_by, "author": author, "empty_layer": empty_layer })
    });
    (proptest::collection::vec(entry, 1..8), text(), text()).prop_map(|(history, key, text)| {
        let layers = history.iter().filter(|entry| entry["empty_layer"] == json!(false)).count();
        let config = json!({
            "architecture": "amd64",
            "rootfs": { "diff_ids": vec![""; layers] },
            "history": history,
            "config": { key: text },
        });
        (config, layers)
    })
}

proptest! {
    #[test]
    fn schema2_to_oci_and_back_gives_the_same_bytes(layers in proptest::collection::vec(docker_layer(), 0..5)) {
        let source = canonical_schema2(&layers);
        let oci = convert(&parse(source.as_str()), Target::OciManifest, None).unwrap().manifest;
        prop_assert_eq!(oci.required(), parse(source.as_str()).required());
        let back = convert(&oci, Target::DockerSchema2, None).unwrap().manifest;
        prop_assert_eq!(std::str::from_utf8(back.bytes()).unwrap(), source);
    }

    #[test]
    fn schema1_verifies_and_everything_it_names_is_there((config, layers) in config()) {
        let source = parse(canonical_schema2(&vec![(MediaType::DockerLayerGzip, 1, 5, Vec::new()); layers]));
        let config = config.to_string();
        let convert = || convert(&source, Target::DockerSchema1, Some(config.as_bytes())).unwrap();
        let (converted, again) = (convert(), convert());
        prop_assert_eq!(converted.manifest.bytes(), again.manifest.bytes());
        let bytes = converted.manifest.bytes().to_vec();
        let reread = Manifest::parse(bytes, Some(MediaType::DockerSchema1Signed.as_str())).unwrap();
        prop_assert_eq!(reread.digest(), protocol::Digest::sha256(payload(reread.bytes()).as_bytes()));
        let known = source.required().blobs;
        for blob in reread.required().blobs {
            prop_assert!(known.contains(&blob) || converted.blobs.iter().any(|made| made.digest == blob));
        }
    }

    #[test]
    fn no_input_makes_it_panic(
        file in select(vec![
            "schema1-good-by-moby.json", "schema2-everything.json", "oci-everything.json", "list.json", "index.json",
        ]),
        at in any::<proptest::sample::Index>(),
        length in 0..40_usize,
        with in proptest::collection::vec(prop_oneof![any::<u8>(), select(b"\"{}[]:,0-1e".to_vec())], 0..20),
    ) {
        let mut bytes = golden(file);
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + length);
        bytes.splice(at..end, with);
        for media_type in MediaType::KNOWN {
            if let Ok(manifest) = Manifest::parse(bytes.clone(), Some(media_type.as_str())) {
                for target in [Target::DockerSchema1, Target::DockerSchema2, Target::OciManifest] {
                    drop(convert(&manifest, target, Some(&bytes)));
                }
            }
        }
        drop(Manifest::parse(bytes, None));
    }
}
