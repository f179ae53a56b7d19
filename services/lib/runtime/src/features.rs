//! Feature gates: what Kubernetes has as alpha, off unless it is asked for.

use std::sync::OnceLock;

/// `--feature-gates`, as kube-apiserver has it.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct FeatureGates {
    /// Name=true or Name=false: CBORServingAndStorage, ShardedListAndWatch. Others change nothing.
    #[arg(long, value_delimiter = ',', value_name = "NAME=BOOL")]
    pub feature_gates: Vec<String>,
}

/// A feature that can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Bodies and answers in CBOR (KEP-4222).
    Cbor,
    /// Lists and watches of a part of a resource (KEP-5866).
    Shards,
}

const ALL: [(&str, Feature); 2] = [
    ("CBORServingAndStorage", Feature::Cbor),
    ("ShardedListAndWatch", Feature::Shards),
];

/// Switches all features that are alpha.
const ALPHA: &str = "AllAlpha";

static ON: OnceLock<Vec<Feature>> = OnceLock::new();

/// Whether a feature is on in this process.
pub fn enabled(feature: Feature) -> bool {
    ON.get().is_some_and(|on| on.contains(&feature))
}

impl FeatureGates {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        self.gates().filter_map(Result::err).collect()
    }

    fn gates(&self) -> impl Iterator<Item = Result<(&str, bool), String>> {
        let given = self.feature_gates.iter().filter(|t| !t.is_empty());
        given.map(|t| gate(t))
    }

    /// Switches the features of this process, once, before anything is served.
    pub fn install(&self) {
        let mut on = Vec::new();
        for (name, wanted) in self.gates().flatten() {
            let named = ALL.iter().filter(|(n, _)| *n == name || name == ALPHA);
            let named: Vec<Feature> = named.map(|(_, f)| *f).collect();
            if named.is_empty() {
                tracing::warn!(name, "this feature gate has no effect here");
            }
            on.retain(|f| !named.contains(f));
            if wanted {
                on.extend(named);
            }
        }
        let _ = ON.set(on);
    }
}

/// Errors are worded as those of `k8s.io/component-base/featuregate`.
fn gate(text: &str) -> Result<(&str, bool), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(format!(
            "invalid argument for \"--feature-gates\" flag: missing bool value for {text}"
        ));
    };
    let wanted = match value.trim() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
        "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
        other => {
            return Err(format!(
                "invalid argument for \"--feature-gates\" flag: invalid value of {name}={other}, err: strconv.ParseBool: parsing {other:?}: invalid syntax"
            ));
        }
    };
    Ok((name.trim(), wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_switched_in_order() {
        let gates = FeatureGates {
            feature_gates: [
                "AllAlpha=true",
                "CBORServingAndStorage=false",
                "WatchList=true",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        assert!(gates.problems().is_empty());
        assert!(!enabled(Feature::Shards));
        gates.install();
        assert!(enabled(Feature::Shards));
        assert!(!enabled(Feature::Cbor));
    }

    #[test]
    fn bad_gates_are_named() {
        let gates = FeatureGates {
            feature_gates: vec!["A".to_owned(), "B=maybe".to_owned()],
        };
        let problems = gates.problems();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].ends_with("missing bool value for A"));
        assert!(problems[1].contains("invalid value of B=maybe"));
    }
}
