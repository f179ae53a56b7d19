//! Values that are refused, and why.

use catena_tests_charts::{
    Helm,
    refused::{CONTRADICTIONS, REFUSED},
};

#[test]
fn what_is_misspelt_or_contradicts_itself_is_refused() {
    let Some(helm) = Helm::find() else { return };
    for (values, why) in REFUSED {
        let said = helm.refusal(&["--set", values]);
        assert!(said.contains(why), "{values}: {said}");
    }
}

#[test]
fn what_contradicts_several_values_is_refused() {
    let Some(helm) = Helm::find() else { return };
    for (values, why) in CONTRADICTIONS {
        let said = helm.refusal(&["--set", values]);
        assert!(said.contains(why), "{values}: {said}");
    }
}
