//! Jobs.

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};
use catena_registry::{Context, Strategy};

use super::{job_policy, job_status};
use crate::groups::core::pod::warnings;
use crate::{
    groups::{
        apps::workload,
        core::pod::{
            defaults::{each, text},
            validate::{Opts, pod_template_spec},
        },
    },
    rules::{
        At,
        equality::{same, same_at},
        labels,
    },
};

const UID: &str = "batch.kubernetes.io/controller-uid";
const NAME: &str = "batch.kubernetes.io/job-name";
/// Labels from before the prefix.
const OLD_UID: &str = "controller-uid";
const OLD_NAME: &str = "job-name";

#[derive(Debug)]
pub struct Job;

impl Strategy for Job {
    fn default(&self, object: &mut Value) {
        workload::default_template(object);
        if let Some(spec) = object.at_mut(&["spec"]) {
            default_spec(spec);
        }
        read_again(object);
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        workload::prepare_create(object);
        if object.bool_at(&["spec", "manualSelector"]) != Some(true) {
            generate_selector(object);
        }
        // With the labels that were made.
        read_again(object);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        job(object, Opts::default(), &mut e);
        e
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut out: Vec<String> = warnings::of_name(object, old).into_iter().collect();
        out.extend(warnings::of_template(object, old, &["spec", "template"]));
        out
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        workload::prepare_update(ctx, object, old);
        read_again(object);
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        if ctx.subresource == "status" {
            return job_status::validate(object, old);
        }
        let mut e = crate::rules::meta::finalizers(object);
        // Go judges the new job and then the change, which judges the spec again.
        job(object, workload::opts(Some(old)), &mut e);
        let at = At::root(object, "spec");
        full_spec(&at, workload::opts(Some(old)), &mut e);
        completions(&at, old, &mut e);
        let null = Value::Null;
        let was = |name: &str| old.at(&["spec", name]).unwrap_or(&null);
        at.child("selector").immutable(&mut e, was("selector"));
        template(&at, old, &mut e);
        for name in [
            "completionMode",
            "podFailurePolicy",
            "backoffLimitPerIndex",
            "managedBy",
            "successPolicy",
        ] {
            let f = at.child(name);
            if !same(f.v, was(name)) {
                f.bad_value(&mut e, shown(name, f.v), crate::rules::IMMUTABLE);
            }
        }
        e
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn orphans_by_default(&self) -> bool {
        true
    }

    fn deletion_warnings(&self, ctx: &Context) -> Vec<String> {
        if ctx.version != "v1" {
            return Vec::new();
        }
        vec!["child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning".to_owned()]
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        vec![
            object
                .i64_at(&["status", "succeeded"])
                .unwrap_or(0)
                .to_string(),
        ]
    }
}

/// What is stored is defaulted when it is read: a job without labels has those
/// of its pods.
fn read_again(object: &mut Value) {
    let filled = |v: Option<&Value>| v.and_then(Value::as_object).is_some_and(|m| !m.is_empty());
    let of_pods = object.at(&["spec", "template", "metadata", "labels"]);
    if filled(of_pods)
        && !filled(object.at(&["metadata", "labels"]))
        && let Some(labels) = of_pods.cloned()
    {
        object.set(&["metadata", "labels"], labels);
    }
}

/// `ValidateJob` without metadata.
fn job(object: &Value, opts: Opts, e: &mut Errors) {
    generated_selector(object, e);
    let at = At::root(object, "spec");
    full_spec(&at, opts, e);
    let completions = at.num("completions");
    if at.text("completionMode") == "Indexed" && completions > 0 {
        let name = At::root(object, "metadata").child("name");
        let host = format!("{}-{}", name.str(), completions - 1);
        if !names::dns1123_label(&host, false).is_empty() {
            name.bad_text(
                e,
                format!("will not able to create pod with invalid DNS label: {host}"),
            );
        }
    }
}

/// A policy as errors show it: by its Go names, every member.
fn shown(name: &str, v: &Value) -> Value {
    use crate::rules::go_struct;
    let list = |v: &Value, name: &str, f: &dyn Fn(&Value) -> Value| {
        v.get(name)
            .and_then(Value::as_array)
            .map_or(Value::Null, |a| a.iter().map(f).collect::<Vec<_>>().into())
    };
    if v.is_null() {
        return Value::Null;
    }
    let rule = |r: &Value| {
        if name == "successPolicy" {
            return go_struct(r, &["succeededIndexes", "succeededCount"]);
        }
        let mut out = go_struct(r, &["action=", "onExitCodes", "onPodConditions"]);
        if let Some(c) = r.get("onExitCodes").filter(|c| !c.is_null()) {
            out.set(
                &["OnExitCodes"],
                go_struct(c, &["containerName", "operator=", "values"]),
            );
        }
        out
    };
    match name {
        "podFailurePolicy" | "successPolicy" => {
            catena_objects::obj!({"Rules": (list(v, "rules", &rule))})
        }
        _ => v.clone(),
    }
}

/// `SetDefaults_Job` on the spec, for jobs and for templates of jobs.
fn default_spec(spec: &mut Value) {
    let unset = |s: &Value, n: &str| s.get(n).is_none_or(Value::is_null);
    if unset(spec, "completions") && unset(spec, "parallelism") {
        spec.set(&["completions"], 1i64);
    }
    spec.set_default(&["parallelism"], 1i64);
    let limit = if unset(spec, "backoffLimitPerIndex") {
        6
    } else {
        i64::from(i32::MAX)
    };
    spec.set_default(&["backoffLimit"], limit);
    spec.set_default(&["completionMode"], "NonIndexed");
    spec.set_default(&["suspend"], false);
    let policy = if unset(spec, "podFailurePolicy") {
        "TerminatingOrFailed"
    } else {
        "Failed"
    };
    spec.set_default(&["podReplacementPolicy"], policy);
    spec.set_default(&["manualSelector"], false);
    condition_defaults(spec);
}

/// `SetDefaults_PodFailurePolicyOnPodConditionsPattern`.
pub fn condition_defaults(spec: &mut Value) {
    if let Some(p) = spec.at_mut(&["podFailurePolicy"]) {
        each(p, "rules", |r| {
            each(r, "onPodConditions", |c| text(c, &["status"], "True"))
        });
    }
}

fn generate_selector(object: &mut Value) {
    let name = object.str_at(&["metadata", "name"]).to_owned();
    let uid = object.str_at(&["metadata", "uid"]).to_owned();
    for (key, value) in [
        (OLD_NAME, &name),
        (NAME, &name),
        (OLD_UID, &uid),
        (UID, &uid),
    ] {
        object.set_default(
            &["spec", "template", "metadata", "labels", key],
            value.as_str(),
        );
    }
    object.set_default(&["spec", "selector", "matchLabels", UID], uid);
}

/// `validateGeneratedSelector`.
fn generated_selector(object: &Value, e: &mut Errors) {
    let spec = At::root(object, "spec");
    if spec.flag("manualSelector") || !spec.child("selector").has() {
        return;
    }
    let uid = At::root(object, "metadata").child("uid");
    uid.need(e);
    let name = object.str_at(&["metadata", "name"]);
    let metadata = spec.child("template").child("metadata");
    for (key, want) in [
        (OLD_UID, uid.str()),
        (OLD_NAME, name),
        (UID, uid.str()),
        (NAME, name),
    ] {
        has_label(&metadata, key, want, e);
    }
    let expected = catena_objects::obj!({
        UID: (uid.str()), NAME: name, OLD_UID: (uid.str()), OLD_NAME: name,
    });
    let selector = spec.child("selector");
    if !labels::is_malformed(selector.v) && !labels::matches(selector.v, &expected) {
        selector.invalid(e, "`selector` not auto-generated");
    }
}

/// `ValidateHasLabel`.
fn has_label(metadata: &At, key: &str, want: &str, e: &mut Errors) {
    let list = metadata.child("labels");
    let at = At::new(list.child(key).v, list.path.key(key));
    match list.v.get(key).and_then(Value::as_str) {
        None => at.required(e, &format!("must be '{want}'")),
        Some(have) if have != want => {
            list.invalid(e, format!("must be '{want}'"));
        }
        Some(_) => {}
    }
}

/// `ValidateJobSpec`.
fn full_spec(at: &At, opts: Opts, e: &mut Errors) {
    spec(at, opts, e);
    let selector = at.child("selector");
    if selector.has() {
        labels::selector(&selector, opts.bad_selector_values, e);
    } else {
        selector.required(e, "");
    }
    let of_template = at.down(&["template", "metadata", "labels"]);
    if !labels::is_malformed(selector.v) && !labels::matches(selector.v, of_template.v) {
        of_template.invalid(e, "`selector` does not match template `labels`");
    }
}

/// `validateJobSpec`, for jobs and for templates of jobs.
pub fn spec(at: &At, opts: Opts, e: &mut Errors) {
    for name in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
    ] {
        at.child(name).non_negative(e);
    }
    let per_index = at.child("backoffLimitPerIndex");
    if let Some(m) = at.some("maxFailedIndexes") {
        m.non_negative(e);
        if !per_index.has() {
            per_index.required(e, "when maxFailedIndexes is specified");
        }
    }
    if let Some(m) = at.some("managedBy") {
        e.extend(names::domain_prefixed_path(&m.path, m.str()));
        if m.str().len() > 63 {
            e.push(Error::too_long(&m.path, 63));
        }
    }
    mode(at, e);
    if at.some("podFailurePolicy").is_some() {
        job_policy::failure(at, e);
    }
    if let Some(s) = at.some("successPolicy") {
        if at.text("completionMode") == "Indexed" {
            job_policy::success(at, &s, e);
        } else {
            let shown = crate::rules::go_struct(s.v, &["rules"]);
            s.bad_value(e, shown, "requires indexed completion mode");
        }
    }
    if let Some(p) = at.some("podReplacementPolicy") {
        if at.some("podFailurePolicy").is_some() {
            p.one_of(e, &["Failed"]);
        } else {
            p.one_of(e, &["Failed", "TerminatingOrFailed"]);
        }
    }
    let template = at.child("template");
    pod_template_spec(&template, opts, e);
    let restart = template.child("spec").child("restartPolicy");
    match restart.str() {
        "Always" | "" => restart.required(e, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" | "Never" => {
            if at.some("podFailurePolicy").is_some() && restart.str() != "Never" {
                restart.bad_text(
                    e,
                    "only \"Never\" is supported when podFailurePolicy is specified",
                );
            }
        }
        _ => restart.unsupported(e, &["OnFailure", "Never"]),
    }
}

fn mode(at: &At, e: &mut Errors) {
    let mode = at.child("completionMode");
    if mode.has() {
        mode.one_of(e, &["NonIndexed", "Indexed"]);
    }
    if mode.str() == "Indexed" {
        return indexed(at, e);
    }
    if !mode.has() || mode.str() == "NonIndexed" {
        for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if let Some(f) = at.some(name) {
                f.bad_num(e, "requires indexed completion mode");
            }
        }
    }
}

fn indexed(at: &At, e: &mut Errors) {
    const SOFT: i64 = 100_000;
    const HIGH: i64 = 10_000;
    let (completions, parallelism, failed) = (
        at.child("completions"),
        at.child("parallelism"),
        at.child("maxFailedIndexes"),
    );
    if !completions.has() {
        completions.required(e, "when completion mode is Indexed");
    }
    if parallelism.int().is_some_and(|p| p > SOFT) {
        parallelism.bad_num(
            e,
            format!("must be less than or equal to {SOFT} when completion mode is Indexed"),
        );
    }
    if let (Some(c), Some(f)) = (completions.int(), failed.int())
        && f > c
    {
        failed.bad_num(e, "must be less than or equal to completions");
    }
    if failed.int().is_some_and(|f| f > SOFT) {
        failed.bad_num(e, format!("must be less than or equal to {SOFT}"));
    }
    if completions.int().is_none_or(|c| c <= SOFT) || at.some("backoffLimitPerIndex").is_none() {
        return;
    }
    if !failed.has() {
        failed.required(
            e,
            &format!("must be specified when completions is above {SOFT}"),
        );
    }
    for f in [&parallelism, &failed] {
        if f.int().is_some_and(|n| n > HIGH) {
            f.bad_num(e, format!("must be less than or equal to {HIGH} when completions are above {SOFT} and used with backoff limit per index"));
        }
    }
}

fn completions(at: &At, old: &Value, e: &mut Errors) {
    let null = Value::Null;
    let was = old.at(&["spec", "completions"]).unwrap_or(&null);
    let now = at.child("completions");
    if at.text("completionMode") != "Indexed" {
        now.immutable(e, was);
    } else if now.has() && now.v != was && now.int() != at.child("parallelism").int() {
        now.bad_num(e, "can only be modified in tandem with spec.parallelism");
    }
}

/// Whether the pods of an old job are gone, so that a suspended one may change its template.
fn is_idle(old: &Value) -> bool {
    let suspended = old.bool_at(&["spec", "suspend"]) == Some(true);
    let never_started = old.at(&["status", "startTime"]).is_none();
    let marked = old
        .items_at(&["status", "conditions"])
        .iter()
        .any(|c| c.str_at(&["type"]) == "Suspended" && c.str_at(&["status"]) == "True");
    let active = old.i64_at(&["status", "active"]).unwrap_or(0);
    suspended && (never_started || (marked && active == 0))
}

/// `validatePodTemplateUpdate`.
fn template(at: &At, old: &Value, e: &mut Errors) {
    use crate::rules::internal;
    let new = at.child("template");
    if same_at(at.v, old.get("spec").unwrap_or(&Value::Null), &["template"]) {
        return;
    }
    let mut was = old.at(&["spec", "template"]).cloned().unwrap_or_default();
    let idle = is_idle(old);
    let take = |path: &[&str], was: &mut Value| match new.v.at(path) {
        Some(v) => was.set(path, v.clone()),
        None => drop(was.unset(path)),
    };
    if idle {
        for path in [
            &["spec", "nodeSelector"][..],
            &["spec", "tolerations"],
            &["metadata", "annotations"],
            &["metadata", "labels"],
            &["spec", "schedulingGates"],
            &["spec", "affinity", "nodeAffinity"],
        ] {
            take(path, &mut was);
        }
    }
    let (shown, mut want) = if idle {
        (
            new.child("spec"),
            was.get("spec").cloned().unwrap_or_default(),
        )
    } else {
        (new.clone(), was)
    };
    let shown = if idle {
        At::new(shown.v, at.path.child("template.spec"))
    } else {
        shown
    };
    if idle {
        for list in ["containers", "initContainers"] {
            resources_from(shown.v, &mut want, list);
        }
    }
    if !same(shown.v, &want) {
        let printed = if idle {
            internal::pod_spec(shown.v)
        } else {
            internal::pod_template(shown.v)
        };
        shown.bad_value(e, printed, crate::rules::IMMUTABLE);
    }
}

fn resources_from(new: &Value, want: &mut Value, list: &str) {
    let mut items = want.items_at(&[list]).to_vec();
    if items.len() != new.items_at(&[list]).len() {
        return;
    }
    for (w, n) in items.iter_mut().zip(new.items_at(&[list])) {
        if w.get("name") == n.get("name") {
            match n.get("resources") {
                Some(r) => w.set(&["resources"], r.clone()),
                None => drop(w.unset(&["resources"])),
            }
        }
    }
    if !items.is_empty() {
        want.set(&[list], items);
    }
}
