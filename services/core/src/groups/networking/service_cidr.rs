//! ServiceCIDR: `ValidateServiceCIDR*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};
use catena_registry::{Context, Strategy, strategy::keep_other_half_and_metadata};

use crate::steps::{kube_finalizers, strings};

const IMMUTABLE: &str = "field is immutable";

#[derive(Debug)]
pub struct ServiceCidr;

impl Strategy for ServiceCidr {
    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        keep_other_half_and_metadata(ctx, object, old);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        ranges(object)
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        if ctx.subresource == "status" {
            return errors;
        }
        let (new, before) = (
            strings(object, &["spec", "cidrs"]),
            strings(old, &["spec", "cidrs"]),
        );
        let path = Path::new("spec").child("cidrs");
        if new.len() == before.len() {
            for i in (0..new.len()).filter(|i| new[*i] != before[*i]) {
                errors.push(Error::invalid(&path.index(i), new[i], IMMUTABLE));
            }
        } else if before.len() == 1 && new.len() == 2 {
            if new[0] != before[0] {
                errors.push(Error::invalid(&path.index(0), new[0], IMMUTABLE));
            }
            errors.extend(ranges(object));
        } else {
            let value = object.at(&["spec", "cidrs"]).cloned().unwrap_or_default();
            errors.push(Error::invalid(&path, value, IMMUTABLE));
        }
        errors
    }
}

fn ranges(object: &Value) -> Errors {
    let mut errors = kube_finalizers(object);
    let all = strings(object, &["spec", "cidrs"]);
    let path = Path::new("spec").child("cidrs");
    if all.is_empty() {
        errors.push(Error::required(&path, "at least one CIDR required"));
        return errors;
    }
    if all.len() > 2 {
        let value = object.get("spec").cloned().unwrap_or_default();
        errors.push(Error::invalid(&path, value, "may only hold up to 2 values"));
        return errors;
    }
    for (i, range) in all.iter().enumerate() {
        errors.extend(names::valid_cidr(&path.index(i), range));
    }
    let families: Vec<Option<bool>> = all
        .iter()
        .map(|r| names::parse_cidr_sloppy(r).map(|c| c.ip.addr.is_ipv6()))
        .collect();
    if families.len() == 2 && families[0].is_some() && families[0] == families[1] {
        let value = object.at(&["spec", "cidrs"]).cloned().unwrap_or_default();
        let text = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.push(Error::invalid(&path, value, text));
    }
    errors
}
