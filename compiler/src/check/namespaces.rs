//! A namespace of an environment is not the place of a pipeline: its Pods would stand among the delivered objects, under
//! the same quotas, policies and selectors.

use crate::diag::{Diagnostic, Diags, codes};
use crate::model::{Cluster, Model};

/// Reports pipelines that run where an environment is.
pub fn check(model: &Model, diags: &mut Diags) {
    for pipeline in model.pipelines.iter().filter(|pipeline| !pipeline.namespace.value.is_empty()) {
        let place = |environment: &&crate::model::Environment| {
            environment.namespace.value == pipeline.namespace.value
                && same(model.cluster(environment.cluster), model.cluster(pipeline.cluster))
        };
        let Some(environment) = model.environments.iter().find(place) else { continue };
        let (name, namespace) = (&environment.name.value, &pipeline.namespace.value);
        let message = format!("pipeline `{}` runs in the namespace of environment `{name}`", pipeline.name.value);
        let finding = Diagnostic::new(&codes::PIPELINE_IN_ENVIRONMENT, pipeline.namespace.span, message)
            .here(format!("`{namespace}` belongs to the environment"))
            .label(environment.namespace.span, "given to the environment here");
        diags.push(finding.help("give the pipeline a namespace of its own, for instance `ci`"));
    }
}

/// Whether two names stand for one cluster: both the embedded one, or one context.
pub fn same(left: &Cluster, right: &Cluster) -> bool {
    left.context == right.context
}
