//! Schema 1, both ways.

use std::collections::BTreeMap;

use conversion::{Converted, ImageInputs, LayerContent, Manifest, Target, convert_image};
use proptest::prelude::*;
use protocol::{Compression, Digest, MediaType};
use serde_json::Value;

use super::strategies::config;
use crate::fuzz::made;
use crate::support::{payload, schema2, value};

/// What is in the layers of an image, as reading them would find out.
fn contents(image: &Manifest, config: &Value) -> BTreeMap<Digest, LayerContent> {
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    let content = |(layer, diff_id): (&protocol::Descriptor, &Value)| {
        let diff_id = diff_id.as_str().unwrap().parse().unwrap();
        (layer.digest.clone(), LayerContent { size: layer.size, compression: Compression::Gzip, diff_id })
    };
    image.layers().iter().zip(diff_ids).map(content).collect()
}

/// From schema 2 to schema 1 and on to `target`.
fn down_and_up(source: &Manifest, config: &Value, target: Target) -> Converted {
    let down = made::convert(source, Target::DockerSchema1, Some(config.to_string().as_bytes())).unwrap().manifest;
    let (name, layers) = ("library/httpd".parse().unwrap(), contents(source, config));
    convert_image(&down, &target, &ImageInputs { config: None, layers: &layers, name: &name, tag: None }).unwrap()
}

proptest! {
    // Signatures take long without optimisation.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_digest_is_that_of_the_payload((config, layers) in config()) {
        let source = schema2(layers);
        let made = made::convert(&source, Target::DockerSchema1, Some(config.to_string().as_bytes())).unwrap();
        let bytes = made.manifest.bytes().to_vec();
        let reread = Manifest::parse(bytes, Some(MediaType::DockerSchema1Signed.as_str())).unwrap();
        prop_assert_eq!(reread.digest(), Digest::sha256(payload(reread.bytes()).as_bytes()));
    }

    #[test]
    fn schema2_comes_back_from_schema1_with_its_layers((config, layers) in config()) {
        let source = schema2(layers);
        let back = down_and_up(&source, &config, Target::DockerSchema2);
        prop_assert_eq!(back.manifest.layers(), source.layers());
        prop_assert_eq!(&value(&back.blobs[0].bytes)["rootfs"], &config["rootfs"]);
    }

    #[test]
    fn a_config_comes_back_from_schema1_with_all_that_schema1_can_carry((config, layers) in config()) {
        let back = value(&down_and_up(&schema2(layers), &config, Target::OciManifest).blobs[0].bytes);
        for key in ["architecture", "os", "config"] {
            prop_assert_eq!(&back[key], &config[key]);
        }
        let entries = |config: &Value| config["history"].as_array().unwrap().clone();
        let (ours, theirs) = (entries(&back), entries(&config));
        prop_assert_eq!(ours.len(), theirs.len());
        // Go leaves out what is empty.
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        for (ours, theirs) in ours.iter().zip(&theirs) {
            prop_assert_eq!(ours["empty_layer"] == true, theirs["empty_layer"] == true);
        }
        // The newest entry of schema 1 is the config itself, so what its step says about itself is lost.
        for (ours, theirs) in ours.iter().zip(&theirs[..theirs.len() - 1]) {
            for key in ["created_by", "created", "author", "comment"] {
                prop_assert_eq!(text(ours, key), text(theirs, key));
            }
        }
    }

    #[test]
    fn schema1_goes_to_oci_as_it_goes_to_schema2((config, layers) in config()) {
        let source = schema2(layers);
        let (docker, oci) = (
            down_and_up(&source, &config, Target::DockerSchema2),
            down_and_up(&source, &config, Target::OciManifest),
        );
        prop_assert_eq!(&docker.blobs, &oci.blobs);
        let by_schema2 = made::convert(&docker.manifest, Target::OciManifest, None).unwrap().manifest;
        prop_assert_eq!(by_schema2.bytes(), oci.manifest.bytes());
    }
}
