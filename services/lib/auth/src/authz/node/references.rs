//! What a pod, or a volume, refers to (`pkg/api/v1/{pod,persistentvolume}`).

use catena_objects::{Value, meta};

/// What a kubelet needs for the pods it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Secret,
    ConfigMap,
    Claim,
    ServiceAccount,
    ResourceClaim,
}

/// A pod as the authorizer needs it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) node: String,
    pub(super) refers: Vec<(Kind, String)>,
}

impl Pod {
    pub(super) fn parse(v: &Value) -> Self {
        let mut pod = Self {
            namespace: meta::namespace(v).to_owned(),
            name: meta::name(v).to_owned(),
            node: v.str_at(&["spec", "nodeName"]).to_owned(),
            refers: Vec::new(),
        };
        // A kubelet makes these itself: they must not give it anything.
        if meta::annotation(v, "kubernetes.io/config.mirror").is_none() && !pod.node.is_empty() {
            pod.collect(v);
        }
        pod
    }

    fn add(&mut self, kind: Kind, name: &str) {
        if !name.is_empty() && !self.has(kind, name) {
            self.refers.push((kind, name.to_owned()));
        }
    }

    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        self.refers.iter().any(|(k, n)| *k == kind && n == name)
    }

    fn collect(&mut self, v: &Value) {
        self.add(
            Kind::ServiceAccount,
            v.str_at(&["spec", "serviceAccountName"]),
        );
        for secret in v.items_at(&["spec", "imagePullSecrets"]) {
            self.add(Kind::Secret, secret.str_at(&["name"]));
        }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in v.items_at(&["spec", list]) {
                self.container(container);
            }
        }
        for volume in v.items_at(&["spec", "volumes"]) {
            self.volume(volume);
        }
        let statuses = v.items_at(&["status", "resourceClaimStatuses"]);
        for claim in v.items_at(&["spec", "resourceClaims"]) {
            self.add(Kind::ResourceClaim, claim.str_at(&["resourceClaimName"]));
            let made = statuses
                .iter()
                .find(|s| s.str_at(&["name"]) == claim.str_at(&["name"]));
            let made = made.map(|s| s.str_at(&["resourceClaimName"]));
            self.add(Kind::ResourceClaim, made.unwrap_or_default());
        }
        let extended = ["status", "extendedResourceClaimStatus", "resourceClaimName"];
        self.add(Kind::ResourceClaim, v.str_at(&extended));
    }

    fn container(&mut self, c: &Value) {
        for from in c.items_at(&["envFrom"]) {
            self.add(Kind::Secret, from.str_at(&["secretRef", "name"]));
            self.add(Kind::ConfigMap, from.str_at(&["configMapRef", "name"]));
        }
        for env in c.items_at(&["env"]) {
            let name = |kind: &str| env.str_at(&["valueFrom", kind, "name"]);
            self.add(Kind::Secret, name("secretKeyRef"));
            self.add(Kind::ConfigMap, name("configMapKeyRef"));
        }
    }

    fn volume(&mut self, v: &Value) {
        self.add(Kind::ConfigMap, v.str_at(&["configMap", "name"]));
        self.add(Kind::Secret, v.str_at(&["secret", "secretName"]));
        self.add(Kind::Secret, v.str_at(&["azureFile", "secretName"]));
        for (source, reference) in SECRET_SOURCES {
            self.add(Kind::Secret, v.str_at(&[source, reference, "name"]));
        }
        for source in v.items_at(&["projected", "sources"]) {
            self.add(Kind::Secret, source.str_at(&["secret", "name"]));
            self.add(Kind::ConfigMap, source.str_at(&["configMap", "name"]));
        }
        self.add(
            Kind::Claim,
            v.str_at(&["persistentVolumeClaim", "claimName"]),
        );
        if v.get("ephemeral").is_some_and(|e| !e.is_null()) {
            let name = format!("{}-{}", self.name, v.str_at(&["name"]));
            self.add(Kind::Claim, &name);
        }
    }
}

/// Sources of volumes with the field that names a secret.
const SECRET_SOURCES: [(&str, &str); 8] = [
    ("cephfs", "secretRef"),
    ("cinder", "secretRef"),
    ("flexVolume", "secretRef"),
    ("rbd", "secretRef"),
    ("scaleIO", "secretRef"),
    ("iscsi", "secretRef"),
    ("storageos", "secretRef"),
    ("csi", "nodePublishSecretRef"),
];

/// Whether a PersistentVolume names this secret to kubelets.
pub(super) fn volume_names_secret(volume: &Value, namespace: &str, name: &str) -> bool {
    let own = volume.str_at(&["spec", "claimRef", "namespace"]);
    let is = |ns: &str, n: &str| n == name && namespace == if ns.is_empty() { own } else { ns };
    let azure = |field: &str| volume.str_at(&["spec", "azureFile", field]);
    if is(azure("secretNamespace"), azure("secretName")) {
        return true;
    }
    let more = [
        ("csi", "nodeStageSecretRef"),
        ("csi", "nodeExpandSecretRef"),
    ];
    SECRET_SOURCES
        .iter()
        .chain(&more)
        .any(|(source, reference)| {
            let part = |field: &str| volume.str_at(&["spec", source, reference, field]);
            is(part("namespace"), part("name"))
        })
}
