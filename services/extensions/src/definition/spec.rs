//! `spec` of a definition.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    meta::validate_immutable,
    names::{dns1035_label, dns1123_subdomain},
};

use super::{conditions, conversion, hub::Hub, names, parts, schema};

/// `validateCustomResourceDefinitionSpec`. What an update leaves as it was is
/// not judged anew where upstream would not tighten it.
pub(super) fn validate(object: &Value, old: Option<&Value>) -> Errors {
    let path = Path::new("spec");
    let hub = Hub::of(object);
    let mut errors = Errors::new();
    group(object, &path, &mut errors);
    one_of(
        object,
        &["spec", "scope"],
        &path.child("scope"),
        &["Cluster", "Namespaced"],
        &mut errors,
    );
    schemas_present(object, &hub, old, &path, &mut errors);
    let preserve = object.bool_at(&["spec", "preserveUnknownFields"]) == Some(true);
    if preserve && schema::has_defaults(object) {
        let why = "must be false in order to use defaults in the schema";
        errors.push(Error::invalid(
            &path.child("preserveUnknownFields"),
            true,
            why,
        ));
    }
    for (i, version) in hub.versions.iter().enumerate() {
        let at = path.child("versions").index(i);
        let name = version.str_at(&["name"]);
        let why = dns1035_label(name, false);
        if !why.is_empty() {
            errors.push(Error::invalid(&at.child("name"), name, why.join(",")));
        }
        parts::deprecation(version, &at, &mut errors);
        parts::of_version(&hub, version, old, &at, &mut errors);
    }
    versions(object, &hub, &path, &mut errors);
    let empty = Value::object();
    let given = object.at(&["spec", "names"]).unwrap_or(&empty);
    for key in ["plural", "singular", "kind", "listKind"] {
        if given.str_at(&[key]).is_empty() {
            errors.push(Error::required(&path.child("names").child(key), ""));
        }
    }
    errors.extend(names::validate(Some(given), &path.child("names")));
    parts::shared(&hub, old, &path, &mut errors);
    conversion::validate(
        object,
        old,
        preserve,
        &path.child("conversion"),
        &mut errors,
    );
    errors
}

fn group(object: &Value, path: &Path, errors: &mut Errors) {
    let group = object.str_at(&["spec", "group"]);
    let at = path.child("group");
    let why = dns1123_subdomain(group, false);
    if group.is_empty() {
        errors.push(Error::required(&at, ""));
    } else if !why.is_empty() {
        errors.push(Error::invalid(&at, group, why.join(",")));
    } else if !group.contains('.') {
        errors.push(Error::invalid(
            &at,
            group,
            "should be a domain with at least one dot",
        ));
    }
}

/// `validateEnumStrings`, required.
pub(super) fn one_of(
    object: &Value,
    member: &[&str],
    at: &Path,
    accepted: &[&str],
    errors: &mut Errors,
) {
    match object.str_at(member) {
        "" => errors.push(Error::required(at, "")),
        v if !accepted.contains(&v) => errors.push(Error::not_supported(at, v, accepted)),
        _ => {}
    }
}

/// Every version has a schema, unless the stored definition already lacked one.
fn schemas_present(
    object: &Value,
    hub: &Hub<'_>,
    old: Option<&Value>,
    path: &Path,
    errors: &mut Errors,
) {
    let lacks = |v: &Value| {
        v.at(&["schema", "openAPIV3Schema"])
            .is_none_or(Value::is_null)
    };
    let lenient = old.is_some_and(|o| super::versions(o).iter().any(lacks));
    let preserve = object.bool_at(&["spec", "preserveUnknownFields"]) == Some(true);
    if lenient && preserve {
        return;
    }
    for (i, v) in hub.versions.iter().enumerate().filter(|(_, v)| lacks(v)) {
        let at = path
            .child("versions")
            .index(i)
            .children(&["schema", "openAPIV3Schema"]);
        if !lenient {
            errors.push(Error::required(&at, ""));
        } else if v.bool_at(&["served"]) == Some(true) {
            errors.push(Error::required(
                &at,
                "because otherwise all fields are pruned",
            ));
        }
    }
}

fn versions(object: &Value, hub: &Hub<'_>, path: &Path, errors: &mut Errors) {
    let at = path.child("versions");
    let given = object.at(&["spec", "versions"]);
    let name = |v: &Value| v.str_at(&["name"]).to_owned();
    let twice = hub
        .versions
        .iter()
        .enumerate()
        .any(|(i, v)| hub.versions[..i].iter().any(|w| name(w) == name(v)));
    if twice {
        let shown = hub.show_versions(given);
        errors.push(Error::invalid(
            &at,
            shown,
            "must contain unique version names",
        ));
    }
    let stored = hub
        .versions
        .iter()
        .filter(|v| v.bool_at(&["storage"]) == Some(true));
    if stored.count() != 1 {
        let why = "must have exactly one version marked as storage version";
        errors.push(Error::invalid(&at, hub.show_versions(given), why));
    }
    if let Some(first) = hub.versions.first().map(name).filter(|n| !n.is_empty()) {
        let why = dns1035_label(&first, false);
        if !why.is_empty() {
            errors.push(Error::invalid(&path.child("version"), first, why.join(",")));
        }
    }
}

/// What storage depends on stays as it is.
pub(super) fn immutable(object: &Value, old: &Value) -> Errors {
    let mut errors = Errors::new();
    let mut keep = |path: &[&str], at: &Path| {
        let text = |o: &Value| Value::from(o.str_at(path));
        errors.extend(validate_immutable(
            Some(&text(object)),
            Some(&text(old)),
            at,
        ));
    };
    let path = Path::new("spec");
    if conditions::is_true(old, "Established") {
        keep(&["spec", "scope"], &path.child("scope"));
        keep(
            &["spec", "names", "kind"],
            &path.children(&["names", "kind"]),
        );
    }
    keep(&["spec", "group"], &path.child("group"));
    keep(
        &["spec", "names", "plural"],
        &path.children(&["names", "plural"]),
    );
    errors
}

/// `validatePreserveUnknownFields`.
pub(super) fn preserve_unknown(object: &Value, old: Option<&Value>) -> Errors {
    let on = |o: &Value| o.bool_at(&["spec", "preserveUnknownFields"]) == Some(true);
    if old.is_some_and(on) || !on(object) {
        return Errors::new();
    }
    let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    Errors(vec![Error::invalid(
        &Path::new("spec").child("preserveUnknownFields"),
        true,
        why,
    )])
}
