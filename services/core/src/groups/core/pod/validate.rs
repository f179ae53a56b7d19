//! Rules of a pod spec (`pkg/apis/core/validation`), for pods and for templates of pods.

pub mod affinity;
pub mod annotations;
pub mod containers;
pub mod env;
pub mod mounts;
pub mod probes;
pub mod projected;
pub mod resources;
pub mod scheduling;
pub mod security;
pub mod spec;
pub mod volumes;
pub mod windows;

use std::collections::{BTreeMap, BTreeSet};

use catena_objects::{Value, field::Errors};

use crate::rules::At;

pub use spec::{pod_spec, pod_template_spec};

/// What depends on where the spec stands, and what old objects may keep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opts {
    /// The spec of a pod, not of a template.
    pub is_pod: bool,
    pub bad_selector_values: bool,
    pub bad_node_affinity_values: bool,
    pub bad_spread_selectors: bool,
    pub host_sysctls: bool,
    pub non_local_token_path: bool,
    pub bad_deletion_cost: bool,
    pub devices_in_user_namespace: bool,
    pub indivisible_huge_pages: bool,
    pub restart_container_in_init: bool,
}

/// What the parts of a spec need of the rest of it.
pub struct Scope<'a> {
    pub opts: Opts,
    pub spec: &'a Value,
    /// Good volumes by name.
    pub volumes: BTreeMap<&'a str, &'a Value>,
    pub claims: BTreeSet<&'a str>,
    pub grace: Option<i64>,
    pub host_users: bool,
}

impl Scope<'_> {
    pub fn os(&self) -> &str {
        self.spec.str_at(&["os", "name"])
    }
}

/// Containers of all kinds in the order in which Go visits them.
pub fn visit<'a>(spec: &At<'a>) -> impl Iterator<Item = At<'a>> + use<'a> {
    let lists = ["initContainers", "containers", "ephemeralContainers"].map(|l| spec.child(l));
    lists
        .into_iter()
        .flat_map(|l| l.items().collect::<Vec<_>>())
}

/// Looseness that an update inherits from the old spec.
pub fn opts_for_update(old: &Value, is_pod: bool) -> Opts {
    let mut opts = Opts {
        is_pod,
        ..Opts::default()
    };
    opts.host_sysctls = old
        .items_at(&["securityContext", "sysctls"])
        .iter()
        .any(|s| security::host_sysctl(s.str_at(&["name"]), old).is_some());
    let mut e = Errors::new();
    let at = At::new(old, catena_objects::field::Path::default());
    affinity::affinity(&at.child("affinity"), opts, &mut e);
    opts.bad_selector_values = !e.is_empty();
    opts.bad_node_affinity_values = !e.is_empty();
    let mut e = Errors::new();
    scheduling::spread(&at.child("topologySpreadConstraints"), opts, &mut e);
    opts.bad_spread_selectors = !e.is_empty();
    opts.devices_in_user_namespace = old.bool_at(&["hostUsers"]) == Some(false)
        && visit(&at).any(|c| !c.child("volumeDevices").is_empty());
    opts.restart_container_in_init = old.items_at(&["initContainers"]).iter().any(|c| {
        c.str_at(&["restartPolicy"]) != "Always"
            && c.items_at(&["resizePolicy"])
                .iter()
                .any(|p| p.str_at(&["restartPolicy"]) == "RestartContainer")
    });
    opts
}
