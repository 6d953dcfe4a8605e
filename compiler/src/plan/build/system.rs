//! Waybill's own namespace, where journal, locks and records lie: the first apply makes it, as a plan line.

use std::collections::BTreeSet;

use serde_json::json;

use super::draft::{Draft, Place, rule};
use super::objects;
use crate::plan::effect::{Apply, Effect};
use crate::plan::{Change, Kind, Op};

/// Namespace of journal, locks and records.
pub const NAMESPACE: &str = "waybill-system";

/// Drafts the namespace on each cluster that the plan acts on and that has none.
pub fn build(draft: &mut Draft) {
    let clusters: BTreeSet<String> = draft.actions.iter().map(|action| action.cluster.clone()).collect();
    let model = draft.facts.checked.model();
    for (at, cluster) in model.clusters.iter().enumerate().filter(|(_, cluster)| clusters.contains(&cluster.name)) {
        let Some(facts) = draft.facts.cluster(crate::model::ClusterId(at)) else { continue };
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        let reference = objects::reference(&object);
        let known = facts.objects.iter().find(|facts| objects::same(&facts.object, &reference));
        if draft.facts.options.offline || known.is_some_and(|facts| facts.live.is_some()) {
            continue;
        }
        let place =
            Place { segment: first_segment(draft, &cluster.name), environment: None, cluster: cluster.name.clone() };
        let address = format!("cluster.{}.object.{}", cluster.name, objects::show(&reference));
        let reason = draft.because("holds journal, locks and records", cluster.span.unwrap_or(model.project.span));
        let effect = Effect::Apply(Apply { object, found: None, force: false });
        let mut action = place.action(address.clone(), Kind::Object, Op::Create, reason, effect);
        action.changes =
            vec![Change { path: "metadata.name".into(), before: None, after: Some(json!(NAMESPACE)), unknown: None }];
        action.rbac = vec![rule("", "namespaces", "", &["create", "get", "patch"])];
        for other in
            draft.actions.iter_mut().filter(|other| other.cluster == cluster.name && other.waits_for.is_empty())
        {
            other.waits_for.push(address.clone());
        }
        draft.actions.insert(0, action);
    }
}

fn first_segment(draft: &Draft, cluster: &str) -> String {
    draft
        .actions
        .iter()
        .find(|action| action.cluster == cluster)
        .map(|action| action.segment.clone())
        .unwrap_or_default()
}
