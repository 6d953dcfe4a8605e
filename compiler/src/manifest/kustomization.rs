//! A `kustomization.yaml` as written, every field known.
//!
//! **Invariant:** no field is ignored: one that is not supported, not known or of the wrong type is a finding.
//! Not here: what the fields do (`build`).

mod entries;
mod reader;
mod replacements;

pub(super) use reader::{Reader, helm};

use super::fields::FieldSpec;
use crate::diag::Diags;
use crate::source::Span;
use crate::syntax::Text;
use crate::syntax::yaml::Node;

/// Names of a kustomization file; a folder may have one of them.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT: &str = "Component";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

const SUPPORTED: [&str; 31] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "components",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "images",
    "imageTags",
    "replicas",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "replacements",
    "vars",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "configurations",
    "crds",
    "generators",
    "transformers",
    "validators",
    "sortOptions",
    "openapi",
    "buildMetadata",
];

/// Helm's part of Kustomize: each would run a program.
const HELM: [&str; 3] = ["helmCharts", "helmGlobals", "helmChartInflationGenerator"];

#[derive(Debug, Default)]
pub(super) struct Kustomization {
    pub(super) resources: Vec<Text>,
    pub(super) components: Vec<Text>,
    pub(super) namespace: Option<Text>,
    /// How a `NamespaceTransformer` treats what has a namespace, and subjects of role bindings.
    pub(super) namespace_mode: NamespaceMode,
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
    pub(super) replacements: Vec<ReplacementField>,
    pub(super) variables: Vec<Variable>,
    /// `configMapGenerator`, then `secretGenerator`.
    pub(super) generated: Vec<Generator>,
    pub(super) options: Options,
    pub(super) configurations: Vec<Text>,
    pub(super) crds: Vec<Text>,
    pub(super) generators: Vec<Text>,
    pub(super) transformers: Vec<Text>,
    pub(super) validators: Vec<Text>,
    pub(super) sort: Option<Sort>,
    /// Only of a `HashTransformer`.
    pub(super) hash: bool,
    /// Only of a `ValueAddTransformer`.
    pub(super) value_add: Option<ValueAdd>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Subjects {
    #[default]
    NamedDefault,
    ServiceAccounts,
    None,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NamespaceMode {
    pub(super) unset_only: bool,
    pub(super) subjects: Subjects,
}

/// The order `legacy`: kinds that come first and last.
#[derive(Debug)]
pub(super) struct Sort {
    pub(super) first: Vec<String>,
    pub(super) last: Vec<String>,
}

#[derive(Debug)]
pub(super) struct ValueAdd {
    pub(super) value: Text,
    pub(super) targets: Vec<ValueTarget>,
}

#[derive(Debug)]
pub(super) struct ValueTarget {
    pub(super) selector: Option<Target>,
    pub(super) path: Text,
    pub(super) position: usize,
}

/// An entry of `replacements`: written here, or in a file.
#[derive(Debug)]
pub(super) enum ReplacementField {
    Here(Replacement),
    File(Text),
}

#[derive(Clone, Debug)]
pub(super) struct Replacement {
    pub(super) source: Source,
    pub(super) targets: Vec<Place>,
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    Value(Text),
    Field(Box<SourceField>),
}

#[derive(Clone, Debug)]
pub(super) struct SourceField {
    pub(super) span: Span,
    pub(super) object: Target,
    pub(super) path: Option<Text>,
    pub(super) options: Part,
}

/// Where a replacement writes.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) span: Span,
    pub(super) select: Target,
    pub(super) reject: Vec<Target>,
    pub(super) paths: Vec<Text>,
    pub(super) options: Part,
}

/// Which part of a text a replacement takes or writes, and whether it makes the field.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) delimiter: Option<String>,
    pub(super) index: i64,
    pub(super) create: bool,
}

/// An entry of `vars`.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: Text,
    pub(super) object: Object,
    pub(super) path: Option<Text>,
}

/// The object that an entry of `vars` names.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
}

#[derive(Debug)]
pub(super) struct Labels {
    pub(super) pairs: Vec<(Text, Text)>,
    pub(super) selectors: bool,
    pub(super) templates: bool,
    pub(super) fields: Vec<FieldSpec>,
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
    /// Put after the tag where neither `newTag` nor `digest` is given.
    pub tag_suffix: Option<Text>,
}

#[derive(Debug)]
pub(super) struct Replicas {
    pub(super) name: Text,
    pub(super) count: i64,
    pub(super) count_span: Span,
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

#[derive(Clone, Debug, Default)]
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

/// What a generator makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Makes {
    ConfigMap,
    /// With its `type`.
    Secret(String),
}

#[derive(Debug)]
pub(super) struct Generator {
    pub(super) makes: Makes,
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
            "resources" => drop(result.resources.splice(0..0, reader.texts(value, field))),
            "bases" => result.resources.extend(reader.texts(value, field)),
            "namespace" => result.namespace = reader.text(value, field),
            "namePrefix" => result.name_prefix = reader.text(value, field),
            "nameSuffix" => result.name_suffix = reader.text(value, field),
            "labels" => result.labels = reader.each(value, field, Reader::labels),
            "commonLabels" => result.common_labels = reader.pairs(value, field),
            "commonAnnotations" => result.common_annotations = reader.pairs(value, field),
            "images" => drop(result.images.splice(0..0, reader.each(value, field, Reader::image))),
            "imageTags" => result.images.extend(reader.each(value, field, Reader::image)),
            "replicas" => result.replicas = reader.each(value, field, Reader::replicas),
            "patches" => result.patches = reader.each(value, field, Reader::patch),
            "patchesStrategicMerge" => result.strategic = reader.texts(value, field),
            "patchesJson6902" => result.json = reader.each(value, field, Reader::patch),
            "configMapGenerator" => {
                drop(result.generated.splice(0..0, reader.each(value, field, Reader::config_map)));
            }
            "secretGenerator" => result.generated.extend(reader.each(value, field, Reader::secret)),
            "generatorOptions" => result.options = reader.options(value),
            "replacements" => result.replacements = reader.each(value, field, Reader::replacement_field),
            "vars" => result.variables = reader.each(value, field, Reader::variable),
            "sortOptions" => result.sort = reader.sort(value),
            "openapi" => reader.openapi(value),
            "buildMetadata" => reader.build_metadata(key, value),
            _ => match paths_of(&mut result, field) {
                Some(list) => *list = reader.texts(value, field),
                None => reader.refuse(key),
            },
        }
    }
    result
}

/// The fields that list files and folders, and nothing else.
fn paths_of<'k>(result: &'k mut Kustomization, field: &str) -> Option<&'k mut Vec<Text>> {
    match field {
        "components" => Some(&mut result.components),
        "configurations" => Some(&mut result.configurations),
        "crds" => Some(&mut result.crds),
        "generators" => Some(&mut result.generators),
        "transformers" => Some(&mut result.transformers),
        "validators" => Some(&mut result.validators),
        _ => None,
    }
}
