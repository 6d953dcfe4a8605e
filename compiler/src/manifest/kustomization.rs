//! A `kustomization.yaml` as written, every field known.
//!
//! **Invariant:** no field is ignored: one that is not supported, not known or of the wrong type is a finding.
//! Not here: what the fields do (`build`).

use crate::diag::suggest;
use crate::diag::{Applicability, Diagnostic, Diags, codes};
use crate::source::Span;
use crate::syntax::Text;
use crate::syntax::yaml::Node;

/// Names of a kustomization file; a folder may have one of them.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT: &str = "Component";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

const SUPPORTED: [&str; 17] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "images",
    "replicas",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "configMapGenerator",
    "generatorOptions",
];

/// What Kustomize has and Waybill does not, with what to do instead.
const REFUSED: [(&str, &str); 17] = [
    ("bases", "list the folders under `resources`"),
    ("buildMetadata", "remove it: the plan says where every object comes from"),
    ("components", "turn the component into a base, or repeat its patches in the overlay"),
    ("configurations", "remove it: only Kustomize's own field table is used"),
    ("crds", "remove it: only Kustomize's own field table is used"),
    ("generators", "commit what the generator makes"),
    ("helmChartInflationGenerator", "commit what `helm template` prints"),
    ("helmCharts", "commit what `helm template` prints"),
    ("helmGlobals", "commit what `helm template` prints"),
    ("imageTags", "rename it to `images`"),
    ("openapi", "remove it: only Kubernetes' own schemas are used"),
    ("replacements", "write the value where it is needed, or use a patch"),
    ("secretGenerator", "keep the value in a secret store, and reference it with `secret` in the environment"),
    ("sortOptions", "remove it: the plan orders objects itself"),
    ("transformers", "use patches, or commit what the transformer makes"),
    ("validators", "remove it: use `policy` in the spec"),
    ("vars", "write the value where it is needed, or use a patch"),
];

#[derive(Debug, Default)]
pub(super) struct Kustomization {
    pub(super) resources: Vec<Text>,
    pub(super) namespace: Option<Text>,
    pub(super) name_prefix: Option<Text>,
    pub(super) name_suffix: Option<Text>,
    pub(super) labels: Vec<Labels>,
    pub(super) common_labels: Vec<(Text, Text)>,
    pub(super) common_annotations: Vec<(Text, Text)>,
    pub(super) images: Vec<Image>,
    pub(super) replicas: Vec<Replicas>,
    pub(super) patches: Vec<Patch>,
    pub(super) strategic: Vec<Text>,
    pub(super) json: Vec<Patch>,
    pub(super) config_maps: Vec<ConfigMap>,
    pub(super) options: Options,
}

#[derive(Debug)]
pub(super) struct Labels {
    pub(super) pairs: Vec<(Text, Text)>,
    pub(super) selectors: bool,
    pub(super) templates: bool,
}

/// One entry of `images`: how containers' images of one name are rewritten.
#[derive(Clone, Debug)]
pub struct Image {
    /// The entry, as written.
    pub span: Span,
    pub name: Text,
    pub new_name: Option<Text>,
    pub new_tag: Option<Text>,
    pub digest: Option<Text>,
}

#[derive(Debug)]
pub(super) struct Replicas {
    pub(super) name: Text,
    pub(super) count: i64,
}

#[derive(Debug)]
pub(super) struct Patch {
    pub(super) span: Span,
    pub(super) path: Option<Text>,
    pub(super) inline: Option<Text>,
    pub(super) target: Option<Target>,
    pub(super) allow_name_change: bool,
    pub(super) allow_kind_change: bool,
}

#[derive(Debug, Default)]
pub(super) struct Target {
    pub(super) group: Option<Text>,
    pub(super) version: Option<Text>,
    pub(super) kind: Option<Text>,
    pub(super) name: Option<Text>,
    pub(super) namespace: Option<Text>,
    pub(super) labels: Option<Text>,
    pub(super) annotations: Option<Text>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Behavior {
    #[default]
    Create,
    Replace,
    Merge,
}

#[derive(Debug)]
pub(super) struct ConfigMap {
    pub(super) span: Span,
    pub(super) name: Text,
    pub(super) namespace: Option<Text>,
    pub(super) behavior: Behavior,
    pub(super) literals: Vec<Text>,
    pub(super) files: Vec<Text>,
    pub(super) envs: Vec<Text>,
    pub(super) options: Options,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) labels: Vec<(Text, Text)>,
    pub(super) annotations: Vec<(Text, Text)>,
    pub(super) disable_hash: bool,
    pub(super) immutable: bool,
}

/// Whether a file says that it is a component, which cannot be a base.
pub(super) fn is_component(node: &Node) -> bool {
    node.get("kind").and_then(Node::as_str) == Some(COMPONENT)
}

/// Reads a kustomization; what cannot be read is a finding and left out. A component that stands alone is read alike.
pub(super) fn read(node: &Node, diags: &mut Diags) -> Kustomization {
    let component = is_component(node);
    let mut result = Kustomization::default();
    let mut reader = Reader { diags };
    for (key, value) in reader.map(node, "a kustomization") {
        let field = key.value.as_str();
        match field {
            "apiVersion" => reader.fixed(value, field, if component { COMPONENT_VERSION } else { VERSION }),
            "kind" => reader.fixed(value, field, if component { COMPONENT } else { "Kustomization" }),
            "metadata" => {}
            "resources" => result.resources = reader.texts(value, field),
            "namespace" => result.namespace = reader.text(value, field),
            "namePrefix" => result.name_prefix = reader.text(value, field),
            "nameSuffix" => result.name_suffix = reader.text(value, field),
            "labels" => result.labels = reader.each(value, field, Reader::labels),
            "commonLabels" => result.common_labels = reader.pairs(value, field),
            "commonAnnotations" => result.common_annotations = reader.pairs(value, field),
            "images" => result.images = reader.each(value, field, Reader::image),
            "replicas" => result.replicas = reader.each(value, field, Reader::replicas),
            "patches" => result.patches = reader.each(value, field, Reader::patch),
            "patchesStrategicMerge" => result.strategic = reader.texts(value, field),
            "patchesJson6902" => result.json = reader.each(value, field, Reader::patch),
            "configMapGenerator" => result.config_maps = reader.each(value, field, Reader::config_map),
            "generatorOptions" => result.options = reader.options(value),
            _ => reader.refuse(key),
        }
    }
    result
}

struct Reader<'a> {
    diags: &'a mut Diags,
}

impl Reader<'_> {
    fn wrong(&mut self, node: &Node, what: &str, expected: &str) {
        let message = format!("`{what}` is {}, and {expected} is expected", node.what());
        self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, node.span, message).here(node.what()));
    }

    fn refuse(&mut self, key: &Text) {
        let name = key.value.as_str();
        if let Some((_, instead)) = REFUSED.iter().find(|(field, _)| *field == name) {
            let message = format!("`{name}` of a kustomization is not supported");
            let finding = Diagnostic::new(&codes::KUSTOMIZATION_UNSUPPORTED, key.span, message)
                .here("it would change what is deployed, so it is not passed over")
                .help(*instead);
            self.diags.push(finding);
        } else {
            self.unknown(key, "a kustomization", &SUPPORTED);
        }
    }

    fn unknown(&mut self, key: &Text, place: &str, known: &[&str]) {
        let message = format!("{place} has no field `{}`", key.value);
        let finding = Diagnostic::new(&codes::KUSTOMIZATION_UNKNOWN, key.span, message);
        let finding = match suggest::closest(&key.value, known.iter().copied()) {
            Some(name) => finding.here(format!("did you mean `{name}`?")).fix(
                format!("rename it to `{name}`"),
                Applicability::Maybe,
                key.span,
                name,
            ),
            None => finding.here(format!("the fields are {}", known.join(", "))),
        };
        self.diags.push(finding);
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(Text, Node)] {
        if !node.is_null() && node.as_map().is_none() {
            self.wrong(node, what, "a mapping");
        }
        node.as_map().unwrap_or_default()
    }

    fn each<T>(&mut self, node: &Node, what: &str, read: fn(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        if !node.is_null() && node.as_seq().is_none() {
            self.wrong(node, what, "a list");
        }
        node.as_seq().unwrap_or_default().iter().filter_map(|item| read(self, item)).collect()
    }

    fn text(&mut self, node: &Node, what: &str) -> Option<Text> {
        if !node.is_null() && node.as_text().is_none() {
            self.wrong(node, what, "a text (put it in quotes)");
        }
        node.as_text().filter(|text| !text.value.is_empty()).cloned()
    }

    fn texts(&mut self, node: &Node, what: &str) -> Vec<Text> {
        if !node.is_null() && node.as_seq().is_none() {
            self.wrong(node, what, "a list");
        }
        let mut texts = Vec::new();
        for item in node.as_seq().unwrap_or_default() {
            if item.as_text().is_none() {
                self.wrong(item, what, "a text");
            }
            texts.extend(item.as_text().cloned());
        }
        texts
    }

    fn flag(&mut self, node: &Node, what: &str) -> bool {
        if !node.is_null() && node.as_bool().is_none() {
            self.wrong(node, what, "`true` or `false`");
        }
        node.as_bool().unwrap_or_default()
    }

    fn pairs(&mut self, node: &Node, what: &str) -> Vec<(Text, Text)> {
        let mut pairs = Vec::new();
        for (key, value) in self.map(node, what) {
            if value.as_text().is_none() {
                self.wrong(value, &key.value, "a text (put it in quotes)");
            }
            pairs.extend(value.as_text().map(|value| (key.clone(), value.clone())));
        }
        pairs
    }

    fn fixed(&mut self, node: &Node, field: &str, expected: &str) {
        if let Some(text) = self.text(node, field)
            && text.value != expected
        {
            let message = format!("`{field}` of a kustomization is `{expected}`, not `{}`", text.value);
            let code =
                if text.value == "Component" { &codes::KUSTOMIZATION_UNSUPPORTED } else { &codes::KUSTOMIZATION_TYPE };
            self.diags.push(Diagnostic::new(code, node.span, message));
        }
    }

    fn required(&mut self, node: &Node, found: Option<Text>, place: &str, field: &str) -> Option<Text> {
        if found.is_none() && node.get(field).is_none_or(|value| value.is_null() || value.as_text().is_some()) {
            let message = format!("{place} has no `{field}`");
            self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, node.span, message));
        }
        found
    }

    fn labels(&mut self, node: &Node) -> Option<Labels> {
        let mut labels = Labels { pairs: Vec::new(), selectors: false, templates: false };
        for (key, value) in self.map(node, "labels") {
            match key.value.as_str() {
                "pairs" => labels.pairs = self.pairs(value, "pairs"),
                "includeSelectors" => labels.selectors = self.flag(value, "includeSelectors"),
                "includeTemplates" => labels.templates = self.flag(value, "includeTemplates"),
                "fields" => {
                    let message = "`fields` of `labels` is not supported";
                    let finding = Diagnostic::new(&codes::KUSTOMIZATION_UNSUPPORTED, key.span, message)
                        .help("use `includeSelectors`, `includeTemplates` or a patch");
                    self.diags.push(finding);
                }
                _ => self.unknown(key, "an entry of `labels`", &["pairs", "includeSelectors", "includeTemplates"]),
            }
        }
        Some(labels)
    }

    fn image(&mut self, node: &Node) -> Option<Image> {
        let (mut name, mut new_name, mut new_tag, mut digest) = (None, None, None, None);
        for (key, value) in self.map(node, "images") {
            let field = key.value.as_str();
            match field {
                "name" => name = self.text(value, field),
                "newName" => new_name = self.text(value, field),
                "newTag" => new_tag = self.text(value, field),
                "digest" => digest = self.text(value, field),
                "tagSuffix" => {
                    let message = "`tagSuffix` of `images` is not supported";
                    let finding = Diagnostic::new(&codes::KUSTOMIZATION_UNSUPPORTED, key.span, message)
                        .help("write the whole tag as `newTag`");
                    self.diags.push(finding);
                }
                _ => self.unknown(key, "an entry of `images`", &["name", "newName", "newTag", "digest"]),
            }
        }
        let name = self.required(node, name, "an entry of `images`", "name")?;
        Some(Image { span: node.span, name, new_name, new_tag, digest })
    }

    fn replicas(&mut self, node: &Node) -> Option<Replicas> {
        let (mut name, mut count) = (None, 0);
        for (key, value) in self.map(node, "replicas") {
            match key.value.as_str() {
                "name" => name = self.text(value, "name"),
                "count" => match value.as_number().and_then(serde_json::Number::as_i64) {
                    Some(number) => count = number,
                    None => self.wrong(value, "count", "a whole number"),
                },
                _ => self.unknown(key, "an entry of `replicas`", &["name", "count"]),
            }
        }
        let name = self.required(node, name, "an entry of `replicas`", "name")?;
        Some(Replicas { name, count })
    }

    fn patch(&mut self, node: &Node) -> Option<Patch> {
        let mut patch = Patch {
            span: node.span,
            path: None,
            inline: None,
            target: None,
            allow_name_change: false,
            allow_kind_change: false,
        };
        for (key, value) in self.map(node, "patches") {
            match key.value.as_str() {
                "path" => patch.path = self.text(value, "path"),
                "patch" => patch.inline = self.text(value, "patch"),
                "target" => patch.target = self.target(value),
                "options" => {
                    for (key, value) in self.map(value, "options") {
                        match key.value.as_str() {
                            "allowNameChange" => patch.allow_name_change = self.flag(value, "allowNameChange"),
                            "allowKindChange" => patch.allow_kind_change = self.flag(value, "allowKindChange"),
                            _ => self.unknown(key, "`options` of a patch", &["allowNameChange", "allowKindChange"]),
                        }
                    }
                }
                _ => self.unknown(key, "a patch", &["path", "patch", "target", "options"]),
            }
        }
        Some(patch)
    }

    fn target(&mut self, node: &Node) -> Option<Target> {
        const FIELDS: [&str; 7] =
            ["group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"];
        let mut target = Target::default();
        for (key, value) in self.map(node, "target") {
            let field = key.value.as_str();
            let slot = match field {
                "group" => &mut target.group,
                "version" => &mut target.version,
                "kind" => &mut target.kind,
                "name" => &mut target.name,
                "namespace" => &mut target.namespace,
                "labelSelector" => &mut target.labels,
                "annotationSelector" => &mut target.annotations,
                _ => {
                    self.unknown(key, "`target` of a patch", &FIELDS);
                    continue;
                }
            };
            *slot = self.text(value, field);
        }
        (!node.is_null()).then_some(target)
    }

    fn config_map(&mut self, node: &Node) -> Option<ConfigMap> {
        const FIELDS: [&str; 8] = ["name", "namespace", "behavior", "literals", "files", "envs", "env", "options"];
        let (mut name, mut namespace, mut behavior, mut options) = (None, None, Behavior::Create, Options::default());
        let (mut literals, mut files, mut envs) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in self.map(node, "configMapGenerator") {
            let field = key.value.as_str();
            match field {
                "name" => name = self.text(value, field),
                "namespace" => namespace = self.text(value, field),
                "behavior" => behavior = self.behavior(value),
                "literals" => literals = self.texts(value, field),
                "files" => files = self.texts(value, field),
                "envs" => envs.extend(self.texts(value, field)),
                "env" => envs.extend(self.text(value, field)),
                "options" => options = self.options(value),
                _ => self.unknown(key, "an entry of `configMapGenerator`", &FIELDS),
            }
        }
        let name = self.required(node, name, "an entry of `configMapGenerator`", "name")?;
        Some(ConfigMap { span: node.span, name, namespace, behavior, literals, files, envs, options })
    }

    fn behavior(&mut self, node: &Node) -> Behavior {
        match self.text(node, "behavior").as_ref().map(|text| text.value.as_str()) {
            None | Some("create") => Behavior::Create,
            Some("replace") => Behavior::Replace,
            Some("merge") => Behavior::Merge,
            Some(other) => {
                let message = format!("`behavior` is `create`, `replace` or `merge`, not `{other}`");
                self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, node.span, message));
                Behavior::Create
            }
        }
    }

    fn options(&mut self, node: &Node) -> Options {
        const FIELDS: [&str; 4] = ["labels", "annotations", "disableNameSuffixHash", "immutable"];
        let mut options = Options::default();
        for (key, value) in self.map(node, "options") {
            let field = key.value.as_str();
            match field {
                "labels" => options.labels = self.pairs(value, field),
                "annotations" => options.annotations = self.pairs(value, field),
                "disableNameSuffixHash" => options.disable_hash = self.flag(value, field),
                "immutable" => options.immutable = self.flag(value, field),
                _ => self.unknown(key, "the options of a generator", &FIELDS),
            }
        }
        options
    }
}
