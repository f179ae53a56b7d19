//! Selectors of devices (`dynamic-resource-allocation/cel/compile.go`).

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use crate::{
    Env, Type,
    admission::{self, Problem},
    compile,
    decl::{Decl, Kind},
};

/// Characters of a selector (`CELSelectorExpressionMaxLength`).
pub const MAX_LENGTH: usize = 10 * 1024;
/// Cost of a selector (`CELSelectorExpressionMaxCost`).
pub const MAX_COST: u64 = 1_000_000;

/// Characters of names and values, and attributes of a device.
const DRIVER: u64 = 63;
const DOMAIN: u64 = 63;
const ID: u64 = 32;
const VALUE: u64 = 64;
const ATTRIBUTES: u64 = 32;

struct Device {
    env: Env,
    decl: Decl,
}

static DEVICE: LazyLock<Device> = LazyLock::new(|| {
    let by_name = |value| Type::map(Type::String, Type::map(Type::String, value));
    let quantity = Type::Object("kubernetes.Quantity".into());
    let env = Env::new()
        .with_bindings()
        .with_object(
            "kubernetes.DRADevice",
            &[
                ("driver", Type::String),
                ("allowMultipleAllocations", Type::Bool),
                ("attributes", by_name(Type::Any)),
                ("capacity", by_name(quantity)),
            ],
        )
        .with("device", Type::Object("kubernetes.DRADevice".into()));
    let map = |value: Decl, keys, members| {
        let mut map = Decl::new(Kind::Map(Arc::new(value)), ATTRIBUTES, 2);
        (map.keys, map.members) = (keys, members);
        map
    };
    let members = [
        ("driver", Decl::new(Kind::String, DRIVER, 2)),
        ("allowMultipleAllocations", Decl::new(Kind::Bool, 1, 4)),
        (
            "attributes",
            map(
                map(Decl::new(Kind::IntOrString, VALUE, 1), ID, true),
                DOMAIN,
                false,
            ),
        ),
        (
            "capacity",
            map(
                map(Decl::new(Kind::IntOrString, 0, 1), ID, false),
                DOMAIN,
                false,
            ),
        ),
    ];
    let members = members.map(|(name, decl)| (name.to_owned(), Arc::new(decl)));
    Device {
        env,
        decl: Decl::new(Kind::Object(BTreeMap::from(members)), 0, 2),
    }
});

/// Compiles a selector; what it can cost at most.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str) -> Result<u64, Problem> {
    let compiled = compile(text, &DEVICE.env, Some(&DEVICE.decl));
    let (output, ready) = admission::output(&compiled)?;
    if !matches!(output, Type::Bool | Type::Any) {
        return Err(Problem::Invalid(format!(
            "must evaluate to bool or the unknown type, not {}",
            output.declared()
        )));
    }
    ready?;
    Ok(compiled.map_or(u64::MAX, |program| program.cost().max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_judged() {
        for text in [
            "device.driver == 'a'",
            "device.attributes['d.example.com'].flag",
            "device.capacity['d.example.com'].memory.isGreaterThan(quantity('1Gi'))",
            "cel.bind(d, device.attributes['d.example.com'], d.a && d.b)",
            "device.attributes.all(a, a.matches('^[a-z]*$'))",
            "device.attributes['d'].s.lowerAscii() == 'x'",
        ] {
            let cost = check(text).expect(text);
            assert!(cost < 1000, "{text}: {cost}");
        }
        let invalid = |text: &str| match check(text) {
            Err(Problem::Invalid(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            invalid("device.driver"),
            "must evaluate to bool or the unknown type, not string"
        );
        assert_eq!(
            invalid("device.attributes['d'].a.exists(x, x == 1)"),
            "compilation failed: ERROR: <input>:1:23: expression of type 'any' cannot be range of a comprehension (must be list, map, or dynamic)\n | device.attributes['d'].a.exists(x, x == 1)\n | ......................^"
        );
    }

    #[test]
    fn a_selector_can_be_too_costly() {
        let inner = "device.attributes.all(a, device.attributes.all(b, ";
        let text = format!("{}true{}", inner.repeat(4), "))".repeat(4));
        assert!(check(&text).expect("a selector") > MAX_COST);
    }
}
