//! What the spec alone says of an environment's delivery: its clusters, ignore rules, counts, and whom it tells.

use crate::diag::{Diagnostic, Diags, codes};
use crate::model::resolve::{find, unique};
use crate::source::Spanned;
use crate::spec::Spec;
use crate::spec::channel::Channel;
use crate::spec::delivery::{Delivery, Ignore};
use crate::spec::environment::{ClusterUse, Environment, Promote};

/// Reports what contradicts itself or names nothing.
pub fn check(spec: &Spec, diags: &mut Diags) {
    unique(spec.channels.iter().map(|channel| &channel.name), "channel", diags);
    spec.channels.iter().for_each(|channel| check_channel(channel, diags));
    let channels: Vec<&str> = spec.channels.iter().map(|channel| channel.name.as_str()).collect();
    for environment in &spec.environments {
        check_clusters(environment, diags);
        environment.promote.iter().for_each(|promote| check_promote(promote, diags));
        check_delivery(&environment.delivery, diags);
        for notify in &environment.delivery.notifies {
            find(&notify.channel, "channel", &channels, diags);
        }
    }
}

fn check_clusters(environment: &Environment, diags: &mut Diags) {
    for (at, place) in environment.clusters.iter().enumerate() {
        let same = |other: &&ClusterUse| {
            (&other.name.value, &other.namespace.value) == (&place.name.value, &place.namespace.value)
        };
        let Some(first) = environment.clusters[..at].iter().find(same).filter(|_| !place.name.value.is_empty()) else {
            continue;
        };
        let (name, cluster) = (&environment.name.value, &place.name.value);
        let message = format!("environment `{name}` is twice in namespace `{}` of `{cluster}`", place.namespace.value);
        let finding = Diagnostic::new(&codes::SAME_CLUSTER_TWICE, place.name.span, message).here("again");
        diags.push(finding.label(first.name.span, "first here"));
    }
}

fn check_delivery(delivery: &Delivery, diags: &mut Diags) {
    unique(delivery.waves.iter().map(|wave| &wave.name), "wave", diags);
    unique(delivery.hooks.iter().map(|hook| &hook.object), "hook", diags);
    unique(delivery.windows.iter().map(|window| &window.name), "window", diags);
    unique(delivery.freezes.iter().map(|freeze| &freeze.name), "freeze", diags);
    delivery.ignores.iter().for_each(|ignore| diags.extend(empty_ignore(ignore)));
    if let Some(fan_out) = &delivery.fan_out {
        at_least(1, "max", &fan_out.max, diags);
    }
    if let Some(retention) = &delivery.retention {
        at_least(1, "records", &retention.records, diags);
    }
}

/// Reports a number that is too small.
pub fn at_least(least: i64, name: &str, number: &Option<Spanned<i64>>, diags: &mut Diags) {
    if let Some(number) = number.as_ref().filter(|number| number.value < least) {
        let message = format!("`{name}` is {}, and at least {least} is needed", number.value);
        diags.push(Diagnostic::new(&codes::NUMBER_TOO_SMALL, number.span, message).here("too small"));
    }
}

/// Fields that make an object what it is.
const IDENTITY: &[&str] = &["apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace", "metadata.uid"];

fn empty_ignore(ignore: &Ignore) -> Option<Diagnostic> {
    let finding = |span, message: String| Diagnostic::new(&codes::IGNORE_WITHOUT_FIELD, span, message);
    match (&ignore.field, &ignore.manager) {
        (None, None) => {
            let message = format!("it is not said what of `{}` is ignored", ignore.select.kind.value);
            let finding = finding(ignore.span, message).here("neither `field` nor `manager`");
            Some(finding.help("write for instance field=\"spec.replicas\""))
        }
        (Some(field), _) if IDENTITY.contains(&field.value.trim_start_matches('.')) => {
            let message = format!("`{}` cannot be ignored", field.value);
            Some(finding(field.span, message).here("it makes the object what it is"))
        }
        (Some(_), _) | (None, Some(_)) => None,
    }
}

fn check_promote(promote: &Promote, diags: &mut Diags) {
    at_least(1, "count", &promote.approvals, diags);
}

fn check_channel(channel: &Channel, diags: &mut Diags) {
    let name = &channel.name.value;
    match channel.ways.as_slice() {
        [] => {
            let message = format!("channel `{name}` has no way to send");
            let finding = Diagnostic::new(&codes::CHANNEL_WAY, channel.name.span, message).here("nothing is sent");
            diags.push(finding.help("add one of `slack`, `teams`, `webhook`, `email`"));
        }
        [_] => {}
        [first, second, ..] => {
            let message = format!("channel `{name}` is both `{}` and `{}`", first.kind, second.kind);
            let finding = Diagnostic::new(&codes::CHANNEL_WAY, second.span, message).here("a second way");
            diags.push(finding.label(first.span, "the first").help("make two channels of it"));
        }
    }
    for url in channel.ways.iter().filter(|way| way.kind == "webhook").filter_map(|way| way.to.as_ref()) {
        diags.extend(credential(url));
    }
}

/// Addresses that are themselves the key to a chat.
const SECRET_ADDRESSES: &[(&str, &str)] = &[
    ("hooks.slack.com/", "slack"),
    (".webhook.office.com/", "teams"),
    (".logic.azure.com", "teams"),
    ("discord.com/api/webhooks/", "webhook"),
];

fn credential(url: &Spanned<String>) -> Option<Diagnostic> {
    let authority = url.value.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    let password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    let known = SECRET_ADDRESSES.iter().find(|(part, _)| url.value.contains(part));
    if !password && known.is_none() {
        return None;
    }
    let finding = Diagnostic::new(&codes::CREDENTIAL_IN_URL, url.span, "the address of a webhook holds a credential")
        .here("whoever reads the repository reads it");
    Some(match known {
        Some((_, kind)) if *kind != "webhook" => {
            finding.help(format!("write `{kind}` with a `secret`, and change the address: it is known now"))
        }
        Some(_) | None => finding.help("keep it in a Secret, and change it: it is known now"),
    })
}
