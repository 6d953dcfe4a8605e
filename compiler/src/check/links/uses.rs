//! What an object refers to, by name, with the pointers of the names.

use serde_json::Value;

use crate::manifest::images::pod_spec_pointer;
use crate::manifest::{Object, scope};

/// One reference.
#[derive(Clone, Debug)]
pub struct Use {
    /// `""` for the core group.
    pub group: String,
    pub kind: String,
    pub name: String,
    /// Where it is looked for; `None` is the namespace of the object that refers.
    pub namespace: Option<String>,
    /// JSON pointer of the name.
    pub pointer: String,
    pub optional: bool,
    /// The key of a ConfigMap that is read, and its pointer.
    pub key: Option<(String, String)>,
    /// The port of a Service, by name or number, and its pointer.
    pub port: Option<(String, String)>,
}

impl Use {
    fn new(group: &str, kind: &str, name: &str, pointer: String) -> Use {
        let (group, kind, name) = (group.to_owned(), kind.to_owned(), name.to_owned());
        Use { group, kind, name, namespace: None, pointer, optional: false, key: None, port: None }
    }

    pub fn namespaced(&self) -> bool {
        scope::is_namespaced(&self.group, &self.kind) != Some(false)
    }
}

/// A reader of one object that collects what it refers to.
struct Reader<'a> {
    value: &'a Value,
    uses: Vec<Use>,
}

/// Everything that an object refers to; Secrets are not among it.
pub fn of(object: &Object) -> Vec<Use> {
    let mut reader = Reader { value: &object.value, uses: Vec::new() };
    if let Some(spec) = pod_spec_pointer(object.group(), object.kind()) {
        reader.pod(spec);
    }
    match (object.group(), object.kind()) {
        ("apps", "StatefulSet") => reader.stateful(),
        ("", "Secret") => {
            let account = "kubernetes.io~1service-account.name";
            reader.name("/metadata/annotations", account, "", "ServiceAccount");
        }
        ("", "PersistentVolumeClaim") => reader.name("/spec", "storageClassName", "storage.k8s.io", "StorageClass"),
        ("networking.k8s.io", "Ingress") => reader.ingress(),
        ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute") => reader.route(),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => reader.binding(),
        ("autoscaling", "HorizontalPodAutoscaler") => reader.scaled(),
        _ => {}
    }
    reader.uses
}

/// JSON pointers of the specs of claims in an object.
pub fn claims(object: &Object) -> Vec<String> {
    let reader = Reader { value: &object.value, uses: Vec::new() };
    let mut found = Vec::new();
    match (object.group(), object.kind()) {
        ("", "PersistentVolumeClaim") => found.push("/spec".to_owned()),
        ("apps", "StatefulSet") => {
            let templates = reader.list("/spec/volumeClaimTemplates");
            found.extend(templates.into_iter().map(|template| format!("{template}/spec")));
        }
        _ => {}
    }
    if let Some(spec) = pod_spec_pointer(object.group(), object.kind()) {
        let volumes = reader.list(&format!("{spec}/volumes")).into_iter();
        let claims = volumes.map(|volume| format!("{volume}/ephemeral/volumeClaimTemplate/spec"));
        found.extend(claims.filter(|claim| object.value.pointer(claim).is_some()));
    }
    found
}

impl Reader<'_> {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn list(&self, pointer: &str) -> Vec<String> {
        let items = self.value.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        (0..items).map(|at| format!("{pointer}/{at}")).collect()
    }

    fn name(&mut self, holder: &str, field: &str, group: &str, kind: &str) {
        let pointer = format!("{holder}/{field}");
        if let Some(name) = self.text(&pointer) {
            self.uses.push(Use::new(group, kind, name, pointer.clone()));
        }
    }

    fn pod(&mut self, spec: &str) {
        let account = if self.text(&format!("{spec}/serviceAccountName")).is_some() {
            "serviceAccountName"
        } else {
            "serviceAccount"
        };
        self.name(spec, account, "", "ServiceAccount");
        self.name(spec, "priorityClassName", "scheduling.k8s.io", "PriorityClass");
        self.name(spec, "runtimeClassName", "node.k8s.io", "RuntimeClass");
        for containers in ["initContainers", "containers"] {
            for container in self.list(&format!("{spec}/{containers}")) {
                for variable in self.list(&format!("{container}/env")) {
                    self.config(&format!("{variable}/valueFrom/configMapKeyRef"), true);
                }
                for source in self.list(&format!("{container}/envFrom")) {
                    self.config(&format!("{source}/configMapRef"), false);
                }
            }
        }
        for volume in self.list(&format!("{spec}/volumes")) {
            self.config(&format!("{volume}/configMap"), false);
            self.name(&format!("{volume}/persistentVolumeClaim"), "claimName", "", "PersistentVolumeClaim");
            let template = format!("{volume}/ephemeral/volumeClaimTemplate/spec");
            self.name(&template, "storageClassName", "storage.k8s.io", "StorageClass");
            for source in self.list(&format!("{volume}/projected/sources")) {
                self.config(&format!("{source}/configMap"), false);
            }
        }
    }

    /// A reference to a ConfigMap, with one key or with a list of keys to mount.
    fn config(&mut self, holder: &str, keyed: bool) {
        let pointer = format!("{holder}/name");
        let Some(name) = self.text(&pointer) else { return };
        let optional = self.value.pointer(&format!("{holder}/optional")).and_then(Value::as_bool).unwrap_or(false);
        let base = Use { optional, ..Use::new("", "ConfigMap", name, pointer.clone()) };
        let keys = if keyed { vec![holder.to_owned()] } else { self.list(&format!("{holder}/items")) };
        let mut uses = Vec::new();
        for entry in &keys {
            let pointer = format!("{entry}/key");
            let key = self.text(&pointer).map(|key| (key.to_owned(), pointer.clone()));
            uses.push(Use { key, ..base.clone() });
        }
        if keys.is_empty() {
            uses.push(base);
        }
        self.uses.extend(uses);
    }

    fn stateful(&mut self) {
        self.name("/spec", "serviceName", "", "Service");
        for template in self.list("/spec/volumeClaimTemplates") {
            self.name(&format!("{template}/spec"), "storageClassName", "storage.k8s.io", "StorageClass");
        }
    }

    fn ingress(&mut self) {
        self.name("/spec", "ingressClassName", "networking.k8s.io", "IngressClass");
        self.backend("/spec/defaultBackend");
        for rule in self.list("/spec/rules") {
            for path in self.list(&format!("{rule}/http/paths")) {
                self.backend(&format!("{path}/backend"));
            }
        }
    }

    fn backend(&mut self, holder: &str) {
        let pointer = format!("{holder}/service/name");
        let Some(name) = self.text(&pointer) else { return };
        let mut wanted = Use::new("", "Service", name, pointer.clone());
        for field in ["name", "number"] {
            let pointer = format!("{holder}/service/port/{field}");
            wanted.port = wanted.port.or_else(|| port(self.value, pointer));
        }
        self.uses.push(wanted);
    }

    /// As in the Gateway API: a backend without group and kind is a Service.
    fn route(&mut self) {
        for rule in self.list("/spec/rules") {
            for backend in self.list(&format!("{rule}/backendRefs")) {
                let other = self.text(&format!("{backend}/kind")).is_some_and(|kind| kind != "Service");
                let foreign = self.text(&format!("{backend}/group")).is_some();
                let pointer = format!("{backend}/name");
                let Some(name) = self.text(&pointer).filter(|_| !other && !foreign) else { continue };
                let mut wanted = Use::new("", "Service", name, pointer.clone());
                wanted.namespace = self.text(&format!("{backend}/namespace")).map(str::to_owned);
                wanted.port = port(self.value, format!("{backend}/port"));
                self.uses.push(wanted);
            }
        }
    }

    fn binding(&mut self) {
        let kind = self.text("/roleRef/kind").unwrap_or("").to_owned();
        if ["Role", "ClusterRole"].contains(&kind.as_str()) {
            self.name("/roleRef", "name", "rbac.authorization.k8s.io", &kind);
        }
        for subject in self.list("/subjects") {
            let pointer = format!("{subject}/name");
            let Some(name) =
                self.text(&pointer).filter(|_| self.text(&format!("{subject}/kind")) == Some("ServiceAccount"))
            else {
                continue;
            };
            let mut wanted = Use::new("", "ServiceAccount", name, pointer.clone());
            wanted.namespace = self.text(&format!("{subject}/namespace")).map(str::to_owned);
            self.uses.push(wanted);
        }
    }

    fn scaled(&mut self) {
        let target = "/spec/scaleTargetRef";
        let kind = self.text(&format!("{target}/kind")).unwrap_or("").to_owned();
        let group = self.text(&format!("{target}/apiVersion")).unwrap_or("");
        let group = group.split_once('/').map_or("", |(group, _)| group).to_owned();
        if scope::built_in(&group, &kind).is_some() {
            self.name(target, "name", &group, &kind);
        }
    }
}

/// A port by name or number.
fn port(value: &Value, pointer: String) -> Option<(String, String)> {
    let port = match value.pointer(&pointer)? {
        Value::String(name) => name.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some((port, pointer))
}
