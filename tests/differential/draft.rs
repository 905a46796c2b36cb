//! An image in the making: edges of the corpus change it before it is written down.

use fastrand::Rng;
use lambda_registry_tests::images::Compression;

use crate::image::{Format, Image, Layer};
use crate::json::{Fields, array, field, object, scattered, text};
use crate::obstacle::Obstacle;
use crate::types::{DOCKER_CONFIG, OCI_CONFIG};

/// Stands in the text for a byte that no UTF-8 has.
pub(crate) const NOT_UTF8: &str = "\u{f8ff}";

/// An image that isn't written down yet.
pub(crate) struct Draft {
    pub(crate) format: Format,
    pub(crate) layers: Vec<Layer>,
    /// The config without `rootfs` and `history`.
    pub(crate) config: Fields,
    /// `rootfs` without `diff_ids`; None when the config has no `rootfs`.
    pub(crate) rootfs: Option<Fields>,
    /// How many `diff_ids` there are besides one for each layer; None when there is no such field.
    pub(crate) more_diff_ids: Option<isize>,
    /// The oldest first; None when the config has no history.
    pub(crate) steps: Option<Vec<Step>>,
    /// The whole config, when it isn't to be made of the above, and what is wrong with it.
    pub(crate) config_text: Option<(&'static str, Obstacle)>,
    /// Why the config isn't JSON, or none that can be read at all.
    unreadable: Option<Obstacle>,
    /// What makes fields of the config unreadable. It comes last, so that no other edge mends them.
    spoilt: Vec<Spoil>,
    /// The same for the newest step.
    spoilt_step: Vec<Spoil>,
    pub(crate) config_type: String,
    pub(crate) config_annotations: Option<String>,
    /// Fields of the config's descriptor that no conversion keeps.
    pub(crate) config_others: Fields,
    /// Fields of the manifest that no conversion keeps.
    pub(crate) others: Fields,
    pub(crate) has_media_type: bool,
    /// The header of the push; None when it has none.
    pub(crate) content_type: Option<String>,
    /// Why this registry doesn't let it in, in words of the answer.
    pub(crate) refused: Option<&'static str>,
}

/// What makes a field unreadable, and why that is.
type Spoil = (Obstacle, Box<dyn Fn(&mut Fields)>);

/// A step of the history.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) fields: Fields,
    pub(crate) empty: bool,
}

impl Step {
    pub(crate) fn new(created_by: &str, empty: bool) -> Self {
        let fields = vec![field("created", text("2024-05-06T07:08:09.25Z")), field("created_by", text(created_by))];
        Self { fields, empty }
    }
}

impl Draft {
    /// An image without any oddity: a few layers between steps that changed no file.
    pub(crate) fn new(format: Format, rng: &mut Rng) -> Self {
        let mut draft = Self {
            format,
            layers: Vec::new(),
            config: vec![
                field("architecture", text("amd64")),
                field("os", text("linux")),
                field("created", text("2024-05-06T07:08:10.5Z")),
                field("config", r#"{"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/true"]}"#),
            ],
            rootfs: Some(vec![field("type", text("layers"))]),
            more_diff_ids: Some(0),
            steps: Some(Vec::new()),
            config_text: None,
            unreadable: None,
            spoilt: Vec::new(),
            spoilt_step: Vec::new(),
            config_type: format.config_type().to_owned(),
            config_annotations: None,
            config_others: Fields::new(),
            others: Fields::new(),
            has_media_type: true,
            content_type: Some(format.media_type().to_owned()),
            refused: None,
        };
        for _ in 0..rng.usize(1..4) {
            draft.add_layer(rng);
            if rng.bool() {
                draft.add_step(Step::new(&format!("ENV number={}", rng.u32(..)), true));
            }
        }
        draft
    }

    /// Adds a layer and the step that made it.
    pub(crate) fn add_layer(&mut self, rng: &mut Rng) {
        let number = rng.u64(..);
        self.layers.push(Layer::new(self.format, Compression::Gzip, &format!("{number:016x}")));
        self.add_step(Step::new(&format!("ADD {number} in /"), false));
    }

    pub(crate) fn add_step(&mut self, step: Step) {
        self.steps.get_or_insert_default().push(step);
    }

    /// A layer to make odd; a new one when there is none.
    pub(crate) fn some_layer(&mut self, rng: &mut Rng) -> &mut Layer {
        if self.layers.is_empty() {
            self.add_layer(rng);
        }
        let at = rng.usize(..self.layers.len());
        &mut self.layers[at]
    }

    /// A step to make odd, the newest or an older one.
    pub(crate) fn some_step(&mut self, rng: &mut Rng) -> &mut Step {
        let steps = self.steps.get_or_insert_default();
        if steps.is_empty() {
            steps.push(Step::new("CMD", true));
        }
        let at = rng.usize(..steps.len());
        &mut steps[at]
    }

    /// Gives a field of the config another value.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<String>) {
        set(&mut self.config, key, value);
    }

    /// Makes a field of the config unreadable.
    pub(crate) fn spoil(&mut self, why: Obstacle, spoil: impl Fn(&mut Fields) + 'static) {
        self.spoilt.push((why, Box::new(spoil)));
    }

    /// Makes the whole config unreadable.
    pub(crate) fn unreadable(&mut self, why: Obstacle) {
        self.unreadable = self.unreadable.max(Some(why));
    }

    /// Makes a field of the newest step unreadable, if there will be a step.
    pub(crate) fn spoil_step(&mut self, why: Obstacle, spoil: impl Fn(&mut Fields) + 'static) {
        self.spoilt_step.push((why, Box::new(spoil)));
    }

    fn config(&self, rng: &mut Rng) -> String {
        if let Some((config, _)) = self.config_text {
            return config.to_owned();
        }
        let mut fields = self.config.clone();
        self.spoilt.iter().for_each(|(_, spoil)| spoil(&mut fields));
        if let Some(rootfs) = &self.rootfs {
            fields.retain(|(key, _)| key != "\"rootfs\"");
            let mut rootfs = rootfs.clone();
            if let Some(more) = self.more_diff_ids {
                let ids = self.layers.iter().map(|layer| text(&layer.content.diff_id));
                let count = self.diff_ids(more);
                let spare = std::iter::repeat_with(|| text(&format!("sha256:{:064x}", rng.u64(..))));
                rootfs.push(field("diff_ids", array(ids.chain(spare).take(count).collect::<Vec<_>>())));
            }
            fields.insert(rng.usize(..=fields.len()), field("rootfs", object(&rootfs)));
        }
        if let Some(steps) = &self.steps {
            fields.retain(|(key, _)| key != "\"history\"");
            let step = |(index, step): (usize, &Step)| {
                let mut fields = step.fields.clone();
                if index + 1 == steps.len() {
                    self.spoilt_step.iter().for_each(|(_, spoil)| spoil(&mut fields));
                }
                fields.extend(step.empty.then(|| field("empty_layer", "true")));
                object(&fields)
            };
            fields.insert(rng.usize(..=fields.len()), field("history", array(steps.iter().enumerate().map(step))));
        }
        scattered(&fields, rng)
    }

    fn diff_ids(&self, more: isize) -> usize {
        self.layers.len().saturating_add_signed(more)
    }

    /// Why there is no schema 1 of this config, in the order in which it is read.
    fn config_obstacles(&self) -> Vec<Obstacle> {
        if let Some((_, obstacle)) = self.config_text {
            return vec![obstacle];
        }
        let steps = self.steps.as_deref().unwrap_or_default();
        let spoilt_step = self.spoilt_step.iter().filter(|_| !steps.is_empty());
        let spoilt = self.spoilt.iter().chain(spoilt_step).map(|(why, _)| *why);
        let diff_ids = self.more_diff_ids.map_or(0, |more| self.diff_ids(more));
        let with_a_layer = steps.iter().filter(|step| !step.empty).count();
        let counts = [
            (self.rootfs.is_none(), Obstacle::NoRootfs),
            (steps.is_empty(), Obstacle::NoHistory),
            (diff_ids != self.layers.len(), Obstacle::OtherNumberOfDiffIds),
            (with_a_layer != self.layers.len(), Obstacle::OtherNumberOfEntries),
        ];
        let mut counts = counts.into_iter().filter_map(|(is_so, why)| is_so.then_some(why)).peekable();
        let no_rootfs = counts.next_if(|why| *why == Obstacle::NoRootfs);
        self.unreadable.into_iter().chain(no_rootfs).chain(spoilt).chain(counts).collect()
    }

    /// Writes it down.
    pub(crate) fn finish(mut self, rng: &mut Rng) -> Image {
        // Nobody could tell what it is.
        self.has_media_type |= self.content_type.as_deref().is_none_or(|header| header == "application/json");
        let config = in_bytes(&self.config(rng));
        let manifest = self.manifest(&config, rng);
        let old_docker = self.format == Format::Schema2 && self.config_type == "application/octet-stream";
        let is_image = old_docker || [DOCKER_CONFIG, OCI_CONFIG].contains(&self.config_type.as_str());
        Image {
            format: self.format,
            manifest: manifest.into_bytes(),
            config_obstacles: self.config_obstacles(),
            config,
            config_annotations: self.config_annotations,
            layers: self.layers,
            artifact: !is_image || self.others.iter().any(|(key, _)| key == "\"artifactType\""),
        }
    }

    fn manifest(&self, config: &[u8], rng: &mut Rng) -> String {
        let mut descriptor = crate::image::docker_descriptor(&self.config_type, config);
        descriptor.extend(self.config_annotations.clone().map(|annotations| field("annotations", annotations)));
        descriptor.extend(self.config_others.clone());
        rng.shuffle(&mut descriptor);
        let layers = self.layers.iter().map(|layer| {
            let mut descriptor = layer.oci_descriptor(layer.kind);
            descriptor.extend(layer.others.clone());
            rng.shuffle(&mut descriptor);
            scattered(&descriptor, rng)
        });
        let layers = array(layers.collect::<Vec<_>>());
        let mut fields = vec![field("schemaVersion", "2"), field("layers", layers)];
        fields.push(field("config", scattered(&descriptor, rng)));
        if self.has_media_type {
            fields.push(field("mediaType", text(self.format.media_type())));
        }
        fields.extend(self.others.clone());
        rng.shuffle(&mut fields);
        scattered(&fields, rng)
    }
}

/// Gives a field another value, or adds it.
pub(crate) fn set(fields: &mut Fields, key: &str, value: impl Into<String>) {
    let key = text(key);
    match fields.iter_mut().find(|(name, _)| *name == key) {
        Some((_, old)) => *old = value.into(),
        None => fields.push((key, value.into())),
    }
}

/// The text's bytes, and 0xff where it asks for a byte that no UTF-8 has.
fn in_bytes(text: &str) -> Vec<u8> {
    let parts: Vec<&[u8]> = text.split(NOT_UTF8).map(str::as_bytes).collect();
    parts.join(&0xff)
}
