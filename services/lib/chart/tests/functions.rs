//! The functions that Helm's templates have (`cases/functions.txt`: those of
//! `text/template`, Sprig 3.3 and Helm 3.22) are here, or `docs/limits.md` says
//! that they are not.

use std::collections::BTreeSet;

use catena_chart::Chart;

const HELM: &str = include_str!("cases/functions.txt");
const LIMITS: &str = include_str!("../../../../docs/limits.md");

fn is_here(name: &str) -> bool {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: t\nversion: 1.0.0\n"),
        ("templates/a.yaml", &format!("{{{{ {name} }}}}")),
    ];
    match Chart::from_files(files) {
        Ok(_) => true,
        Err(why) => !why.to_string().contains("not defined"),
    }
}

#[test]
fn what_is_missing_is_told() {
    let row = LIMITS
        .lines()
        .find(|l| l.contains("the operator's renderer"));
    let row = row.expect("a row of docs/limits.md");
    let told: BTreeSet<_> = row.split('`').skip(1).step_by(2).collect();
    let missing: BTreeSet<_> = HELM.lines().filter(|name| !is_here(name)).collect();
    let told: BTreeSet<_> = told.into_iter().filter(|t| !t.ends_with('/')).collect();
    assert_eq!(missing, told);
}
