//! Volumes.

use std::collections::{BTreeMap, BTreeSet};

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};

use super::{Opts, containers::pull_policy, env, projected};
use crate::rules::{At, claim, quantity};

pub const FILE_MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
/// Volume types in the order in which Go looks for them, with the name that errors use
/// for a second type and the name under which the type itself is checked.
const TYPES: [(&str, &str, &str); 30] = [
    ("emptyDir", "emptyDir", "emptyDir"),
    ("hostPath", "hostPath", "hostPath"),
    ("gitRepo", "gitRepo", "gitRepo"),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk"),
    (
        "awsElasticBlockStore",
        "awsElasticBlockStore",
        "awsElasticBlockStore",
    ),
    ("secret", "secret", "secret"),
    ("nfs", "nfs", "nfs"),
    ("iscsi", "iscsi", "iscsi"),
    ("glusterfs", "glusterfs", "glusterfs"),
    ("flocker", "flocker", "flocker"),
    (
        "persistentVolumeClaim",
        "persistentVolumeClaim",
        "persistentVolumeClaim",
    ),
    ("rbd", "rbd", "rbd"),
    ("cinder", "cinder", "cinder"),
    ("cephfs", "cephFS", "cephfs"),
    ("quobyte", "quobyte", "quobyte"),
    ("downwardAPI", "downwarAPI", "downwardAPI"),
    ("fc", "fc", "fc"),
    ("flexVolume", "flexVolume", "flexVolume"),
    ("configMap", "configMap", "configMap"),
    ("azureFile", "azureFile", "azureFile"),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume"),
    (
        "photonPersistentDisk",
        "photonPersistentDisk",
        "photonPersistentDisk",
    ),
    ("portworxVolume", "portworxVolume", "portworxVolume"),
    ("azureDisk", "azureDisk", "azureDisk"),
    ("storageos", "storageos", "storageos"),
    ("projected", "projected", "projected"),
    ("scaleIO", "scaleIO", "scaleIO"),
    ("csi", "csi", "csi"),
    ("ephemeral", "ephemeral", "ephemeral"),
    ("image", "image", "image"),
];

/// `ValidateVolumes`: the good ones by name.
pub fn volumes<'a>(
    at: &At<'a>,
    pod: Option<&Value>,
    opts: Opts,
    e: &mut Errors,
) -> BTreeMap<&'a str, &'a Value> {
    let pod_name = pod.map_or("", |m| m.str_at(&["name"]));
    let created: BTreeSet<String> = at
        .items()
        .filter(|v| !pod_name.is_empty() && v.some("ephemeral").is_some())
        .map(|v| format!("{pod_name}-{}", v.text("name")))
        .collect();
    let mut good = BTreeMap::new();
    for v in at.items() {
        let mut own = Errors::new();
        source(&v, pod_name, opts, &mut own);
        let name = v.child("name");
        if name.str().is_empty() {
            name.required(&mut own, "");
        } else {
            name.complain(&mut own, names::dns1123_label(name.str(), false));
        }
        if good.contains_key(name.str()) {
            name.duplicate(&mut own);
        }
        if own.is_empty() {
            good.insert(name.str(), v.v);
        }
        e.extend(own);
        let claim = v.down(&["persistentVolumeClaim", "claimName"]);
        if claim.has() && created.contains(claim.str()) {
            claim.bad_text(
                e,
                "must not reference a PVC that gets created for an ephemeral volume",
            );
        }
    }
    good
}

/// `validateVolumeSource`.
fn source(v: &At, pod_name: &str, opts: Opts, e: &mut Errors) {
    let mut seen = false;
    for (name, second, checked) in TYPES {
        let Some(s) = v.some(name) else {
            continue;
        };
        if seen {
            v.child(second)
                .forbidden(e, "may not specify more than 1 volume type");
        } else {
            let s = At::new(s.v, v.path.child(checked));
            one(name, &s, v, pod_name, opts, e);
            seen = true;
        }
        let portal = s.text("targetPortal");
        if name == "iscsi"
            && s.some("initiatorName").is_some()
            && v.text("name").len() + 1 + portal.len() > 64
        {
            v.child("name").bad_text(e, "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.");
        }
    }
    if !seen {
        v.required(e, "must specify a volume type");
    }
}

fn one(kind: &str, s: &At, v: &At, pod_name: &str, opts: Opts, e: &mut Errors) {
    match kind {
        "emptyDir" => {
            if s.some("sizeLimit").is_some_and(|q| quantity::sign(q.v) < 0) {
                s.child("sizeLimit")
                    .forbidden(e, "SizeLimit field must be a valid resource quantity");
            }
        }
        "hostPath" => host_path(s, e),
        "gitRepo" => {
            s.child("repository").need(e);
            local_descending(&s.child("directory"), e);
        }
        "gcePersistentDisk" => partitioned(s, "pdName", e),
        "awsElasticBlockStore" => partitioned(s, "volumeID", e),
        "secret" => keyed(s, "secretName", e),
        "configMap" => keyed(s, "name", e),
        "nfs" => {
            s.child("server").need(e);
            let path = s.child("path");
            path.need(e);
            if !path.str().starts_with('/') {
                path.bad_text(e, "must be an absolute path");
            }
        }
        "iscsi" => iscsi(s, e),
        "persistentVolumeClaim" => s.child("claimName").need(e),
        "downwardAPI" => {
            mode(&s.child("defaultMode"), e);
            for f in s.child("items").items() {
                downward_file(&At::new(f.v, s.path.clone()), e);
            }
        }
        "fc" => fibre_channel(s, e),
        "flexVolume" => flex(s, e),
        "azureDisk" => azure_disk(s, e),
        "quobyte" => quobyte(s, e),
        "projected" => projected::projected(s, opts, e),
        "csi" => csi(s, e),
        "ephemeral" => ephemeral(s, v, pod_name, e),
        "image" => {
            if opts.is_pod {
                s.child("reference").need(e);
            }
            pull_policy(&s.child("pullPolicy"), e);
        }
        _ => plain(kind, s, e),
    }
}

/// Types with nothing but required members.
fn plain(kind: &str, s: &At, e: &mut Errors) {
    let needed: &[&str] = match kind {
        "glusterfs" => &["endpoints", "path"],
        "azureFile" => &["secretName", "shareName"],
        "vsphereVolume" => &["volumePath"],
        "photonPersistentDisk" => &["pdID"],
        "portworxVolume" => &["volumeID"],
        "scaleIO" => &["gateway", "system", "volumeName"],
        "cinder" => &["volumeID"],
        _ => &[],
    };
    for name in needed {
        s.child(name).need(e);
    }
    match kind {
        "rbd" | "cephfs" => {
            if s.child("monitors").is_empty() {
                s.child("monitors").required(e, "");
            }
            if kind == "rbd" {
                s.child("image").need(e);
            }
        }
        "cinder" => secret_name(s, e),
        "storageos" => {
            let name = s.child("volumeName");
            if name.str().is_empty() {
                name.required(e, "");
            } else {
                name.complain(e, names::dns1123_label(name.str(), false));
            }
            let ns = s.child("volumeNamespace");
            if !ns.str().is_empty() {
                ns.complain(e, names::dns1123_label(ns.str(), false));
            }
            secret_name(s, e);
        }
        "flocker" => {
            let (name, uuid) = (s.text("datasetName"), s.text("datasetUUID"));
            if name.is_empty() && uuid.is_empty() {
                s.required(e, "one of datasetName and datasetUUID is required");
            }
            if !name.is_empty() && !uuid.is_empty() {
                s.bad_value(
                    e,
                    "resource",
                    "datasetName and datasetUUID can not be specified simultaneously",
                );
            }
            if name.contains('/') {
                s.child("datasetName").bad_text(e, "must not contain '/'");
            }
        }
        _ => {}
    }
}

fn secret_name(s: &At, e: &mut Errors) {
    if let Some(r) = s.some("secretRef") {
        r.child("name").need(e);
    }
}

fn host_path(s: &At, e: &mut Errors) {
    let path = s.child("path");
    if path.str().is_empty() {
        path.required(e, "");
        return;
    }
    no_backsteps(&path, e);
    if let Some(t) = s.some("type") {
        t.one_of(
            e,
            &[
                "",
                "BlockDevice",
                "CharDevice",
                "Directory",
                "DirectoryOrCreate",
                "File",
                "FileOrCreate",
                "Socket",
            ],
        );
    }
}

fn partitioned(s: &At, id: &str, e: &mut Errors) {
    s.child(id).need(e);
    if !(0..=255).contains(&s.num("partition")) {
        s.child("partition")
            .bad_num(e, "must be between 1 and 255, inclusive");
    }
}

fn keyed(s: &At, name: &str, e: &mut Errors) {
    s.child(name).need(e);
    mode(&s.child("defaultMode"), e);
    for item in s.child("items").items() {
        key_to_path(&item, e);
    }
}

/// A file mode, if there is one.
pub fn mode(at: &At, e: &mut Errors) {
    if at.int().is_some_and(|m| !(0..=0o777).contains(&m)) {
        at.bad_num(e, FILE_MODE);
    }
}

/// `validateKeyToPath`.
pub fn key_to_path(at: &At, e: &mut Errors) {
    at.child("key").need(e);
    at.child("path").need(e);
    local_non_reserved(&at.child("path"), e);
    mode(&at.child("mode"), e);
}

/// `validateDownwardAPIVolumeFile`.
pub fn downward_file(at: &At, e: &mut Errors) {
    const FIELDS: [&str; 5] = [
        "metadata.annotations",
        "metadata.labels",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
    ];
    at.child("path").need(e);
    local_non_reserved(&at.child("path"), e);
    match (at.some("fieldRef"), at.some("resourceFieldRef")) {
        (Some(f), other) => {
            env::object_field(&f, &FIELDS, e);
            if other.is_some() {
                at.bad_value(
                    e,
                    "resource",
                    "fieldRef and resourceFieldRef can not be specified simultaneously",
                );
            }
        }
        (None, Some(r)) => env::resource_field(&r, true, e),
        (None, None) => at.required(e, "one of fieldRef and resourceFieldRef is required"),
    }
    mode(&at.child("mode"), e);
}

/// `validatePathNoBacksteps`.
pub fn no_backsteps(at: &At, e: &mut Errors) {
    if has_backsteps(at.str()) {
        at.bad_text(e, "must not contain '..'");
    }
}

pub fn has_backsteps(path: &str) -> bool {
    path.split('/').any(|p| p == "..")
}

/// `validateLocalDescendingPath`.
pub fn local_descending(at: &At, e: &mut Errors) {
    if at.str().starts_with('/') {
        at.bad_text(e, "must be a relative path");
    }
    no_backsteps(at, e);
}

/// `ValidateLocalNonReservedPath`.
pub fn local_non_reserved(at: &At, e: &mut Errors) {
    local_descending(at, e);
    if at.str().starts_with("..") && !at.str().starts_with("../") {
        at.bad_text(e, "must not start with '..'");
    }
}

fn iscsi_name(text: &str) -> Option<&'static str> {
    let alnum = |s: &str, n: usize| s.len() == n && s.bytes().all(|c| c.is_ascii_alphanumeric());
    let good = if let Some(rest) = text.strip_prefix("iqn") {
        is_iqn(rest)
    } else if let Some(rest) = text.strip_prefix("eui") {
        rest.is_char_boundary(1) && rest.len() > 1 && alnum(&rest[1..], 16)
    } else if let Some(rest) = text.strip_prefix("naa") {
        rest.is_char_boundary(1) && rest.len() > 1 && alnum(&rest[1..], 32)
    } else {
        return Some("must be valid format starting with iqn, eui, or naa");
    };
    (!good).then_some("must be valid format")
}

/// `.YYYY-MM.naming.authority:unique`, what follows `iqn`.
fn is_iqn(rest: &str) -> bool {
    let Some((head, tail)) = rest.split_once(':') else {
        return false;
    };
    let b = head.as_bytes();
    let date = b.len() > 9
        && b[0] == b'.'
        && b[1..5].iter().all(u8::is_ascii_digit)
        && b[5] == b'-'
        && b[6..8].iter().all(u8::is_ascii_digit)
        && b[8] == b'.';
    date && b[9..]
        .iter()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.'))
        && !tail.is_empty()
        && !tail.contains(|c: char| {
            matches!(c, ',' | ';' | '*' | '&' | '$' | '|') || c.is_ascii_whitespace()
        })
}

fn iscsi(s: &At, e: &mut Errors) {
    s.child("targetPortal").need(e);
    let iqn = s.child("iqn");
    if iqn.str().is_empty() {
        iqn.required(e, "");
    } else if let Some(why) = iscsi_name(iqn.str()) {
        iqn.bad_text(e, why);
    }
    s.child("lun")
        .complain_num(e, names::in_range(s.num("lun"), 0, 255));
    if (s.flag("chapAuthDiscovery") || s.flag("chapAuthSession")) && s.some("secretRef").is_none() {
        s.child("secretRef").required(e, "");
    }
    if let Some(i) = s.some("initiatorName")
        && let Some(why) = iscsi_name(i.str())
    {
        At::new(i.v, s.path.child("initiatorname")).bad_text(e, why);
    }
}

fn fibre_channel(s: &At, e: &mut Errors) {
    let (wwns, wwids, lun) = (s.child("targetWWNs"), s.child("wwids"), s.child("lun"));
    if wwns.is_empty() && wwids.is_empty() {
        wwns.required(e, "must specify either targetWWNs or wwids, but not both");
    }
    if !wwns.is_empty() && !wwids.is_empty() {
        wwns.invalid(
            e,
            "targetWWNs and wwids can not be specified simultaneously",
        );
    }
    if !wwns.is_empty() {
        match lun.int() {
            None => lun.required(e, "lun is required if targetWWNs is specified"),
            Some(n) => lun.complain_num(e, names::in_range(n, 0, 255)),
        }
    }
}

fn flex(s: &At, e: &mut Errors) {
    s.child("driver").need(e);
    for (k, v) in s.child("options").entries() {
        let ns = k.split_once('/').map_or(k, |(ns, _)| ns);
        let dotted = format!(".{}", ns.to_lowercase());
        if dotted.ends_with(".kubernetes.io") || dotted.ends_with(".k8s.io") {
            v.bad_value(e, k, "kubernetes.io and k8s.io namespaces are reserved");
        }
    }
}

fn azure_disk(s: &At, e: &mut Errors) {
    s.child("diskName").need(e);
    let uri = s.child("diskURI");
    uri.need(e);
    if let Some(c) = s.some("cachingMode") {
        c.one_of(e, &["None", "ReadOnly", "ReadWrite"]);
    }
    let Some(kind) = s.some("kind") else {
        return;
    };
    kind.one_of(e, &["Dedicated", "Managed", "Shared"]);
    if kind.str() == "Managed" && !uri.str().starts_with("/subscriptions/") {
        uri.unsupported(e, &["/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"]);
    }
    if kind.str() != "Managed" && !uri.str().starts_with("https://") {
        uri.unsupported(
            e,
            &["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"],
        );
    }
}

fn quobyte(s: &At, e: &mut Errors) {
    const PAIRS: &str = "must be a host:port pair or multiple pairs separated by commas";
    let registry = s.child("registry");
    if registry.str().is_empty() {
        registry.required(e, PAIRS);
    } else if s.text("tenant").len() >= 65 {
        s.child("tenant").required(
            e,
            "must be a UUID and may not exceed a length of 64 characters",
        );
    } else {
        for pair in registry.str().split(',') {
            if pair.matches(':').count() != 1 && !pair.contains("]:") {
                registry.bad_text(e, PAIRS);
            }
        }
    }
    s.child("volume").need(e);
}

/// `ValidateCSIDriverName`.
pub fn csi_driver_name(at: &At, e: &mut Errors) {
    let name = at.str();
    if name.is_empty() {
        at.required(e, "");
        return;
    }
    if name.len() > 63 {
        e.push(Error::too_long(&at.path, 63));
    }
    at.complain(e, names::dns1123_subdomain(&name.to_lowercase(), false));
}

fn csi(s: &At, e: &mut Errors) {
    csi_driver_name(&s.child("driver"), e);
    if let Some(r) = s.some("nodePublishSecretRef") {
        let name = r.child("name");
        if name.str().is_empty() {
            name.required(e, "");
        } else {
            At::new(name.v, s.path.child("name"))
                .complain(e, names::dns1123_subdomain(name.str(), false));
        }
    }
}

fn ephemeral(s: &At, v: &At, pod_name: &str, e: &mut Errors) {
    let template = s.child("volumeClaimTemplate");
    if template.has() {
        claim::template(&template, e);
    } else {
        template.required(e, "");
    }
    let name = v.child("name");
    if !pod_name.is_empty() && !name.str().is_empty() {
        let claim = format!("{pod_name}-{}", name.str());
        for why in names::dns1123_subdomain(&claim, false) {
            name.bad_text(e, format!("PVC name {claim:?}: {why}"));
        }
    }
}
