//! resource.k8s.io: claims of devices, and selectors of them.

use std::sync::Arc;

use catena_cel::{admission::Problem, device};
use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names::{self, LABEL_MAX},
};
use catena_registry::{Context, Strategy, strategy::keep_other_half_and_metadata};

use crate::{
    rules::go_struct,
    steps::{complaints, each, is_set, kube_finalizers, one_of, same, strings},
};

/// Selectors of one request or class (`DeviceSelectorsMaxSize`).
const MAX_SELECTORS: usize = 32;
/// Bytes of the name of an attribute (`DeviceMaxIDLength`).
const MAX_ID: usize = 32;

/// Rules of a resource of the group.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(match plural {
        "resourceclaims" => Arc::new(Claim { at: &["spec"] }),
        "resourceclaimtemplates" => Arc::new(Claim {
            at: &["spec", "spec"],
        }),
        "deviceclasses" => Arc::new(DeviceClass),
        "resourceslices" => Arc::new(Slice),
        _ => return None,
    })
}

/// ResourceClaim and, one level down, ResourceClaimTemplate.
#[derive(Debug)]
struct Claim {
    /// Where the spec of the claim is.
    at: &'static [&'static str],
}

impl Claim {
    fn is_template(&self) -> bool {
        self.at.len() > 1
    }

    fn down<'a>(&self, rest: &[&'a str]) -> Vec<&'a str> {
        self.at.iter().chain(rest).copied().collect()
    }
}

impl Strategy for Claim {
    fn default(&self, object: &mut Value) {
        each(object, &self.down(&["devices", "requests"]), |request| {
            if is_set(request, &["exactly"]) {
                request_defaults(request, &["exactly"]);
            }
            each(request, &["firstAvailable"], |sub| {
                request_defaults(sub, &[])
            });
        });
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        keep_other_half_and_metadata(ctx, object, old);
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        if !self.is_template() {
            object.set(&["status"], Value::object());
        }
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let spec = object.at(self.at).unwrap_or(&Value::Null);
        let path = self.at[1..]
            .iter()
            .fold(Path::new(self.at[0]), |p, n| p.child(n));
        devices(&mut errors, &path.child("devices"), spec);
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        if !ctx.subresource.is_empty() || same(object.get("spec"), old.get("spec")) {
            return Errors::new();
        }
        let mut shown = shown_spec(object.at(self.at).unwrap_or(&Value::Null));
        let mut errors = Errors::new();
        if self.is_template() {
            errors = self.validate(ctx, object);
            // Metadata is embedded in the struct and printed beside its members.
            let mut whole = object
                .at(&["spec", "metadata"])
                .cloned()
                .unwrap_or_else(Value::object);
            whole.set(&["Spec"], shown);
            shown = whole;
        }
        errors.push(Error::invalid(
            &Path::new("spec"),
            shown,
            "field is immutable",
        ));
        errors
    }
}

fn request_defaults(request: &mut Value, at: &[&str]) {
    let down = |name| -> Vec<&str> { at.iter().copied().chain([name]).collect() };
    if request.str_at(&down("allocationMode")).is_empty() {
        request.set(&down("allocationMode"), "ExactCount");
    }
    let exact = request.str_at(&down("allocationMode")) == "ExactCount";
    if exact && request.i64_at(&down("count")).unwrap_or(0) == 0 {
        request.set(&down("count"), 1i64);
    }
}

/// `validateDeviceClaim`.
fn devices(errors: &mut Errors, path: &Path, spec: &Value) {
    let requests = spec.items_at(&["devices", "requests"]);
    let mut known: Vec<String> = Vec::new();
    for (i, request) in requests.iter().enumerate() {
        let at = path.child("requests").index(i);
        let name = request.str_at(&["name"]);
        if known.iter().any(|k| k == name) {
            errors.push(Error::duplicate(&at, name));
        }
        complaints(
            errors,
            &at.child("name"),
            name,
            names::dns1123_label(name, false),
        );
        one_request(errors, &at, request);
        known.push(name.to_owned());
        for sub in request.items_at(&["firstAvailable"]) {
            known.push(format!("{name}/{}", sub.str_at(&["name"])));
        }
    }
    // A request with a bad name cannot be meant.
    known.retain(|k| {
        !k.is_empty()
            && k.split('/')
                .all(|n| names::dns1123_label(n, false).is_empty())
    });
    for (i, constraint) in spec
        .items_at(&["devices", "constraints"])
        .iter()
        .enumerate()
    {
        one_constraint(
            errors,
            &path.child("constraints").index(i),
            constraint,
            &known,
        );
    }
}

fn one_request(errors: &mut Errors, path: &Path, request: &Value) {
    let alternatives = request.items_at(&["firstAvailable"]);
    match (is_set(request, &["exactly"]), alternatives.is_empty()) {
        (true, false) => {
            let text = "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set";
            errors.push(Error::invalid(path, Value::Null, text));
        }
        (false, true) => {
            let text = "exactly one of `exactly` or `firstAvailable` is required";
            errors.push(Error::required(path, text));
        }
        (true, true) => {
            let exactly = request.get("exactly").unwrap_or(&Value::Null);
            exact_request(errors, &path.child("exactly"), exactly);
        }
        (false, false) => {
            for (i, sub) in alternatives.iter().enumerate() {
                let at = path.child("firstAvailable").index(i);
                let name = sub.str_at(&["name"]);
                complaints(
                    errors,
                    &at.child("name"),
                    name,
                    names::dns1123_label(name, false),
                );
                exact_request(errors, &at, sub);
            }
        }
    }
}

fn exact_request(errors: &mut Errors, path: &Path, request: &Value) {
    let class = request.str_at(&["deviceClassName"]);
    let at = path.child("deviceClassName");
    if class.is_empty() {
        errors.push(Error::required(&at, ""));
    } else {
        complaints(errors, &at, class, names::dns1123_subdomain(class, false));
    }
    selectors(errors, path, request);
    let mode = request.str_at(&["allocationMode"]);
    let count = request.i64_at(&["count"]).unwrap_or(0);
    match mode {
        "ExactCount" if count <= 0 => {
            let text = "must be greater than zero";
            errors.push(Error::invalid(&path.child("count"), count, text));
        }
        "All" if count != 0 => {
            let text = "must not be specified when allocationMode is 'All'";
            errors.push(Error::invalid(&path.child("count"), count, text));
        }
        _ => one_of(
            errors,
            &path.child("allocationMode"),
            mode,
            &["All", "ExactCount"],
        ),
    }
}

fn selectors(errors: &mut Errors, path: &Path, holder: &Value) {
    let given = holder.items_at(&["selectors"]);
    if given.len() > MAX_SELECTORS {
        let at = path.child("selectors");
        errors.push(Error::too_many(&at, given.len(), MAX_SELECTORS));
    }
    for (i, selector) in given.iter().enumerate() {
        let at = path.child("selectors").index(i).child("cel");
        if is_set(selector, &["cel"]) {
            let text = selector.str_at(&["cel", "expression"]);
            expression(errors, &at.child("expression"), text);
        } else {
            errors.push(Error::required(&at, ""));
        }
    }
}

/// `validateCELSelector`.
fn expression(errors: &mut Errors, at: &Path, text: &str) {
    if text.len() > device::MAX_LENGTH {
        errors.push(Error::too_long(at, device::MAX_LENGTH));
        return;
    }
    match device::check(text) {
        Ok(cost) if cost <= device::MAX_COST => {}
        Ok(_) => errors.push(Error::forbidden(at, "too complex, exceeds cost limit")),
        Err(Problem::Invalid(why)) => errors.push(Error::invalid(at, text, why)),
        Err(Problem::Internal(why)) => errors.push(Error::internal(at, why)),
    }
}

fn one_constraint(errors: &mut Errors, path: &Path, constraint: &Value, known: &[String]) {
    let requests = strings(constraint, &["requests"]);
    for (i, name) in requests.iter().enumerate() {
        let at = path.child("requests").index(i);
        if requests[..i].contains(name) {
            errors.push(Error::duplicate(&at, *name));
        }
        if !known.iter().any(|k| k == name) {
            let text = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
            errors.push(Error::invalid(&at, *name, text));
        }
    }
    let kinds = ["matchAttribute", "distinctAttribute"];
    let given = kinds.iter().filter(|k| is_set(constraint, &[k])).count();
    if given != 1 {
        // The text is the same for none as for both.
        let text = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set";
        errors.push(Error::required(path, text));
    }
    if let Some(kind) = kinds.iter().find(|k| is_set(constraint, &[k])) {
        full_name(errors, &path.child(kind), constraint.str_at(&[kind]));
    }
}

/// `validateFullyQualifiedName`.
fn full_name(errors: &mut Errors, at: &Path, full: &str) {
    let name = match full.split('/').collect::<Vec<_>>().as_slice() {
        [name] => Some(*name),
        [domain, name] => {
            if domain.is_empty() {
                errors.push(Error::invalid(at, "", "the domain must not be empty"));
            } else if domain.len() > LABEL_MAX {
                errors.push(Error::too_long(at, LABEL_MAX));
            }
            let lower = domain.to_lowercase();
            if !domain.is_empty() {
                complaints(errors, at, domain, names::dns1123_subdomain(&lower, false));
            }
            if name.is_empty() {
                errors.push(Error::invalid(at, "", "the name must not be empty"));
            }
            (!name.is_empty()).then_some(*name)
        }
        _ => None,
    };
    if let Some(name) = name {
        if name.len() > MAX_ID {
            errors.push(Error::too_long(at, MAX_ID));
        }
        complaints(errors, at, name, names::c_identifier(name));
    }
    if !full.contains('/') {
        let why = "a fully qualified name must be a domain and a name separated by a slash";
        errors.push(Error::invalid(at, full, why));
    }
}

/// The spec as Go prints its internal struct.
fn shown_spec(spec: &Value) -> Value {
    const REQUEST: [&str; 7] = [
        "deviceClassName=",
        "selectors",
        "allocationMode=",
        "count",
        "adminAccess",
        "tolerations",
        "capacity",
    ];
    let list = |path: &[&str], show: &dyn Fn(&Value) -> Value| -> Value {
        match spec.items_at(path) {
            [] => Value::Null,
            items => items.iter().map(show).collect::<Vec<_>>().into(),
        }
    };
    let requests = list(&["devices", "requests"], &|r| {
        let mut shown = go_struct(r, &["name=", "exactly", "firstAvailable"]);
        if let Some(exactly) = r.get("exactly").filter(|v| !v.is_null()) {
            let mut inner = go_struct(exactly, &REQUEST);
            inner.set(&["Count"], exactly.i64_at(&["count"]).unwrap_or(0));
            shown.set(&["Exactly"], inner);
        }
        shown
    });
    let constraints = list(&["devices", "constraints"], &|c| {
        go_struct(c, &["requests", "matchAttribute", "distinctAttribute"])
    });
    let mut out = Value::object();
    out.set(&["Devices", "Requests"], requests);
    out.set(&["Devices", "Constraints"], constraints);
    out.set(
        &["Devices", "Config"],
        spec.at(&["devices", "config"]).cloned().unwrap_or_default(),
    );
    out
}

#[derive(Debug)]
struct DeviceClass;

impl Strategy for DeviceClass {
    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        names::long_name(name, is_prefix)
    }

    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        selectors(
            &mut errors,
            &Path::new("spec"),
            object.get("spec").unwrap_or(&Value::Null),
        );
        errors
    }
}

/// ResourceSlice: structure only, and a generation.
#[derive(Debug)]
struct Slice;

impl Strategy for Slice {
    fn has_generation(&self) -> bool {
        true
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        vec![
            object.str_at(&["spec", "nodeName"]).to_owned(),
            object.str_at(&["spec", "driver"]).to_owned(),
        ]
    }
}
