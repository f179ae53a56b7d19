//! Cron jobs.

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, Strategy, strategy::keep_other_half};

use super::{job, schedule};
use crate::groups::core::pod::warnings;
use crate::{
    groups::core::pod::{
        defaults, prepare,
        validate::{Opts, opts_for_update},
    },
    rules::At,
};

const POD: [&str; 5] = ["spec", "jobTemplate", "spec", "template", "spec"];

#[derive(Debug)]
pub struct CronJob;

impl Strategy for CronJob {
    fn default(&self, object: &mut Value) {
        defaults::text(object, &["spec", "concurrencyPolicy"], "Allow");
        object.set_default(&["spec", "suspend"], false);
        object.set_default(&["spec", "successfulJobsHistoryLimit"], 3i64);
        object.set_default(&["spec", "failedJobsHistoryLimit"], 1i64);
        for path in [
            &["spec", "jobTemplate"][..],
            &["spec", "jobTemplate", "metadata"],
            &["spec", "jobTemplate", "spec"],
            &["spec", "jobTemplate", "spec", "template"],
            &["spec", "jobTemplate", "spec", "template", "metadata"],
        ] {
            object.set_default(path, Value::object());
        }
        if let Some(t) = object.at_mut(&["spec", "jobTemplate", "spec"]) {
            job::condition_defaults(t);
            if let Some(t) = t.at_mut(&["template"]) {
                defaults::pod_template_spec(t);
            }
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
        prepare::drop_disabled(object, &POD);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        spec(&At::root(object, "spec"), None, &mut e);
        let name = At::root(object, "metadata").child("name");
        if name.str().len() > 52 {
            name.bad_text(&mut e, "must be no more than 52 characters");
        }
        e
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut out: Vec<String> = warnings::of_name(object, old).into_iter().collect();
        out.extend(warnings::of_template(
            object,
            old,
            &["spec", "jobTemplate", "spec", "template"],
        ));
        out
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        keep_other_half(ctx, object, old);
        prepare::drop_disabled(object, &POD);
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        if ctx.subresource != "status" {
            spec(&At::root(object, "spec"), Some(old), &mut e);
        }
        e
    }

    fn has_generation(&self) -> bool {
        true
    }
}

/// `validateCronJobSpec`.
fn spec(at: &At, old: Option<&Value>, e: &mut Errors) {
    let zone = at.child("timeZone");
    let cron = at.child("schedule");
    if cron.str().is_empty() {
        cron.required(e, "");
    } else {
        if let Err(why) = schedule::check(cron.str()) {
            cron.bad_text(e, why);
        }
        let old_zone = old.is_some_and(|o| o.str_at(&["spec", "schedule"]).contains("TZ"));
        if cron.str().contains("TZ") {
            if !old_zone {
                cron.bad_text(
                    e,
                    "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
                );
            } else if zone.has() {
                cron.bad_text(
                    e,
                    "cannot use both timeZone field and TZ or CRON_TZ in schedule",
                );
            }
        }
    }
    at.child("startingDeadlineSeconds").non_negative(e);
    let before = old.and_then(|o| o.at(&["spec", "timeZone"]));
    if old.is_none() || before.unwrap_or(&Value::Null) != zone.v {
        time_zone(&zone, e);
    }
    at.child("concurrencyPolicy")
        .required_one_of(e, &["Allow", "Forbid", "Replace"]);
    let template = at.child("jobTemplate").child("spec");
    let opts = old
        .and_then(|o| o.at(&POD))
        .map_or_else(Opts::default, |s| opts_for_update(s, false));
    job::spec(&template, opts, e);
    if let Some(s) = template.some("selector") {
        s.invalid(e, "`selector` will be auto-generated");
    }
    if template.flag("manualSelector") {
        let m = template.child("manualSelector");
        e.push(catena_objects::field::Error::not_supported(
            &m.path,
            true,
            &["nil", "false"],
        ));
    }
    at.child("successfulJobsHistoryLimit").non_negative(e);
    at.child("failedJobsHistoryLimit").non_negative(e);
}

/// `validateTimeZone`.
fn time_zone(at: &At, e: &mut Errors) {
    if !at.has() {
        return;
    }
    let name = at.str();
    if name.is_empty() {
        return at.bad_text(e, "timeZone must be nil or non-empty string");
    }
    let good = |p: &str| {
        p != "."
            && p != ".."
            && !p.starts_with('-')
            && (1..=14).contains(&p.len())
            && p.bytes()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'+'))
    };
    if !name.split('/').all(good) {
        return at.bad_text(e, format!("unknown time zone {name}"));
    }
    if name.eq_ignore_ascii_case("Local") {
        at.bad_text(
            e,
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
        );
    }
    if !schedule::zone_exists(name) {
        at.bad_text(e, format!("unknown time zone {name}"));
    }
}
