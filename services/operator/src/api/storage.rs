//! Where the data is, and its backups.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the data is. Data does not move from one to the other, so neither does
/// a control plane.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.embedded) != has(self.etcd)").message("one of embedded and etcd must be set, and not both"))]
#[x_kube(validation = Rule::new("has(self.embedded) == has(oldSelf.embedded)").message("storage cannot be changed from embedded to etcd or back: data would stay behind"))]
#[x_kube(validation = Rule::new("has(self.embedded) || (!has(self.backup) && !has(self.restoreFrom))").message("backup and restoreFrom are of embedded storage: an etcd has its own"))]
pub struct Storage {
    /// The embedded store: one process on one disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<Embedded>,
    /// An etcd that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd: Option<Etcd>,
    /// Backups of the embedded store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// The backup that data is taken from. A store with data is emptied first,
    /// once for each change of this field: all processes stop meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_from: Option<Restore>,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            embedded: Some(Embedded::default()),
            etcd: None,
            backup: None,
            restore_from: None,
        }
    }
}

/// What becomes of volumes when the ControlPlane is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum WhenDeleted {
    #[default]
    Retain,
    Delete,
}

/// The disk of the embedded store.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.size == oldSelf.size && self.storageClassName == oldSelf.storageClassName").message("size and storageClassName are those of a volume that is there"))]
pub struct Embedded {
    #[serde(default = "gib_8")]
    #[schemars(regex(pattern = "^[0-9]+(\\.[0-9]+)?([EPTGMk]i?)?$"), length(max = 32))]
    pub size: String,
    /// The default class of the cluster when empty.
    #[serde(default)]
    #[schemars(length(max = 253))]
    pub storage_class_name: String,
    #[serde(default)]
    pub when_deleted: WhenDeleted,
}

impl Default for Embedded {
    fn default() -> Self {
        Self {
            size: gib_8(),
            storage_class_name: String::new(),
            when_deleted: WhenDeleted::default(),
        }
    }
}

/// An etcd that is there.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.tls.secretName != '' || !self.servers.exists(s, s.startsWith('https://'))").message("tls.secretName must be set for https servers"))]
pub struct Etcd {
    /// As https://etcd-0.etcd.etcd.svc:2379.
    #[schemars(
        length(min = 1, max = 16),
        inner(regex(pattern = "^https?://.+$"), length(max = 512))
    )]
    pub servers: Vec<String>,
    #[serde(default)]
    pub tls: EtcdTls,
}

/// How an etcd is trusted and convinced.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EtcdTls {
    /// Secret with ca.crt and, where etcd asks for one, the client's tls.crt and tls.key.
    #[serde(default)]
    pub secret_name: String,
    #[serde(default = "yes")]
    pub client_certificate: bool,
}

impl Default for EtcdTls {
    fn default() -> Self {
        Self {
            secret_name: String::new(),
            client_certificate: true,
        }
    }
}

/// Backups, each a file in one volume.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Five fields of cron, in UTC. Only asked for and before upgrades when empty.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub schedule: String,
    /// Backups that are kept, of all kinds.
    #[serde(default = "seven")]
    #[schemars(range(min = 1, max = 100))]
    pub keep: i32,
    /// Where they are.
    #[serde(default)]
    pub volume: Volume,
}

/// A volume for backups: one that is there, or one that is made.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// A PersistentVolumeClaim that is there. One is made when empty, and stays
    /// when the ControlPlane is deleted.
    #[serde(default)]
    pub claim_name: String,
    #[serde(default = "gib_8")]
    pub size: String,
    #[serde(default)]
    pub storage_class_name: String,
}

impl Default for Volume {
    fn default() -> Self {
        Self {
            claim_name: String::new(),
            size: gib_8(),
            storage_class_name: String::new(),
        }
    }
}

/// A backup to begin with.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restore {
    /// The file, as status.backups has it.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$"))]
    pub file: String,
    /// The PersistentVolumeClaim that has the file; that of storage.backup when empty.
    #[serde(default)]
    pub claim_name: String,
}

fn gib_8() -> String {
    "8Gi".to_owned()
}

const fn yes() -> bool {
    true
}

const fn seven() -> i32 {
    7
}
