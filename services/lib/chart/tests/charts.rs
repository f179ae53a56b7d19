//! Charts as files, values over defaults, objects, hooks, and what a cluster answers.

use std::sync::Mutex;

use catena_chart::{
    Capabilities, Certificates, Chart, Cluster, DeletePolicy, Error, Event, Offline, Pair, Release,
    Subject, overlay,
};
use serde_json::{Value, json};

const CHART: (&str, &str) = ("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}");

fn chart(files: &[(&str, &str)]) -> Chart {
    let all = [CHART].into_iter().chain(files.iter().copied());
    Chart::from_files(all).expect("a chart")
}

fn refused(files: &[(&str, &str)]) -> String {
    match Chart::from_files(files.iter().copied()) {
        Ok(_) => panic!("{files:?} were taken"),
        Err(error) => error.to_string(),
    }
}

fn printed(chart: &Chart, cluster: &dyn Cluster) -> Result<String, Error> {
    let values = chart.values(&json!({}))?;
    let release = Release::install("r", "n");
    let printed = chart.print(&release, &values, &Capabilities::default(), cluster)?;
    Ok(printed.into_values().collect())
}

#[test]
fn charts_that_are_none_are_refused_with_the_file() {
    assert_eq!(refused(&[]), "Chart.yaml: the file is missing");
    for (text, why) in [
        ("{version: 1.0.0}", "Chart.yaml: name is missing"),
        ("{name: c}", "Chart.yaml: version is missing"),
        (
            "{name: 1, version: 1.0.0}",
            "Chart.yaml: name: a string is expected",
        ),
        ("[]", "Chart.yaml: a mapping is expected"),
        (
            "{name: c, version: 1.0.0, dependencies: [{name: d}]}",
            "Chart.yaml: dependencies: charts in a chart are not rendered",
        ),
    ] {
        assert_eq!(refused(&[("Chart.yaml", text)]), why);
    }
    for (file, why) in [
        (("values.yaml", "- a"), "values.yaml: a mapping is expected"),
        (
            ("charts/d/Chart.yaml", "name: d"),
            "charts/d/Chart.yaml: charts in a chart are not rendered",
        ),
        (
            ("crds/d.yaml", ""),
            "crds/d.yaml: definitions beside the templates are not rendered",
        ),
        (
            ("templates/a.yaml", "x\n{{ nosuch 1 }}"),
            "parse error at (c/templates/a.yaml:2): function \"nosuch\" not defined",
        ),
        (
            (
                "values.schema.json",
                r#"{"properties": {"a": {"tipe": "string"}}}"#,
            ),
            "values.schema.json: #/properties/a/tipe: this keyword is not known",
        ),
        (
            ("values.schema.json", r##"{"$ref": "#/definitions/none"}"##),
            "values.schema.json: $ref: #/definitions/none is not a definition",
        ),
        (
            ("values.schema.json", r#"{"minimum": "1"}"#),
            "values.schema.json: #/minimum: a number is expected",
        ),
        ((".helmignore", "a**"), ".helmignore: a**: not a pattern"),
    ] {
        assert_eq!(refused(&[CHART, file]), why);
    }
    let binary = Chart::from_files([("Chart.yaml", vec![0xff])]).expect_err("bytes");
    assert_eq!(binary.to_string(), "Chart.yaml: not UTF-8");
}

#[test]
fn ignored_files_are_no_part_of_a_chart() {
    let files = "{{ range $name, $_ := .Files }}{{ $name }} {{ end }}";
    let chart = chart(&[
        (
            ".helmignore",
            "# comment\n*.swp\n/root.txt\nsecret/\ndocs/*.md\n",
        ),
        ("templates/a.yaml", files),
        ("templates/.hidden.yaml", "{{ fail `hidden` }}"),
        ("a.swp", ""),
        ("b/a.swp", ""),
        ("root.txt", ""),
        ("b/root.txt", ""),
        ("secret/x/y", ""),
        ("docs/a.md", ""),
        ("docs/a.txt", ""),
        ("README.md", ""),
    ]);
    let names = printed(&chart, &Offline).expect("names");
    assert_eq!(names, ".helmignore README.md b/root.txt docs/a.txt ");
}

#[test]
fn values_go_over_defaults_by_helms_rules() {
    let chart = chart(&[(
        "values.yaml",
        "a: {b: 1, c: [1, 2], d: {e: x}}\nkeep: null\nnull_too: {x: null}\nlist: [1]\ntable: {k: v}\nscalar: 1\n",
    )]);
    let values = chart.values(&json!({
        "a": {"b": null, "c": [3], "d": {"f": "y"}},
        "list": null,
        "null_too": {"x": null, "new": null},
        "table": "text",
        "scalar": {"now": "a table"},
        "unknown": null,
    }));
    let wanted = json!({
        "a": {"c": [3], "d": {"e": "x", "f": "y"}},
        "keep": null,
        "null_too": {"x": null, "new": null},
        "table": "text",
        "scalar": {"now": "a table"},
        "unknown": null,
    });
    assert_eq!(values.expect("values"), wanted);
    let said = chart.values(&json!([])).expect_err("a list").to_string();
    assert!(said.contains("at '': an object is expected"), "{said}");
}

#[test]
fn files_of_values_lie_over_each_other() {
    let mut values = json!({"a": {"b": 1, "c": 2}, "l": [1]});
    overlay(
        &mut values,
        &json!({"a": {"b": null, "d": 3}, "l": [2], "n": {}}),
    );
    let wanted = json!({"a": {"b": null, "c": 2, "d": 3}, "l": [2], "n": {}});
    assert_eq!(values, wanted);
}

const SCHEMA: &str = r##"{
      "$schema": "http://json-schema.org/draft-07/schema#",
      "definitions": {"name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5}},
      "type": "object", "additionalProperties": false, "required": ["r"],
      "properties": {
        "n": {"$ref": "#/definitions/name"},
        "i": {"type": ["integer", "null"], "minimum": 1, "maximum": 9},
        "e": {"enum": ["a", "b"]}, "one": {"enum": ["a"]}, "c": {"const": true},
        "l": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true,
              "items": {"type": "object", "required": ["x", "y"]}},
        "x/y": {"type": "boolean"}, "any": {"anyOf": [{"type": "string"}, {"minimum": 3}]},
        "not": {"not": {"type": "string"}}, "r": {}
      }}"##;

#[test]
fn every_value_that_the_schema_does_not_allow_is_named() {
    let chart = chart(&[("values.schema.json", SCHEMA)]);
    for (values, path, message) in [
        (json!({}), "", "missing property 'r'"),
        (
            json!({"r": 1, "zz": 1, "yy": 2}),
            "",
            "additional properties 'yy', 'zz' not allowed",
        ),
        (
            json!({"r": 1, "n": "A"}),
            "/n",
            "'A' does not match pattern '^[a-z]+$'",
        ),
        (
            json!({"r": 1, "n": "abcdef"}),
            "/n",
            "maxLength: got 6, want 5",
        ),
        (json!({"r": 1, "n": 1}), "/n", "got number, want string"),
        (
            json!({"r": 1, "i": 1.5}),
            "/i",
            "got number, want integer or null",
        ),
        (json!({"r": 1, "i": 10}), "/i", "maximum: got 10, want 9"),
        (json!({"r": 1, "i": 0}), "/i", "minimum: got 0, want 1"),
        (
            json!({"r": 1, "e": "c"}),
            "/e",
            "value must be one of 'a', 'b'",
        ),
        (json!({"r": 1, "one": "c"}), "/one", "value must be 'a'"),
        (json!({"r": 1, "c": false}), "/c", "value must be true"),
        (json!({"r": 1, "l": []}), "/l", "minItems: got 0, want 1"),
        (
            json!({"r": 1, "l": [{}]}),
            "/l/0",
            "missing properties 'x', 'y'",
        ),
        (
            json!({"r": 1, "x/y": 1}),
            "/x~1y",
            "got number, want boolean",
        ),
        (json!({"r": 1, "any": 1}), "/any", "'anyOf' failed"),
        (json!({"r": 1, "not": ""}), "/not", "'not' failed"),
    ] {
        match chart.values(&values) {
            Err(Error::Values { problems, .. }) => {
                let found = problems
                    .iter()
                    .any(|p| p.path == path && p.message == message);
                assert!(found, "{values}: {problems:?}");
            }
            other => panic!("{values}: {other:?}"),
        }
    }
}

#[test]
fn values_that_the_schema_allows_are_taken() {
    let chart = chart(&[("values.schema.json", SCHEMA)]);
    let good = json!({"r": 1, "n": "abc", "i": 5.0, "any": "s", "l": [{"x": 1, "y": 2}]});
    chart.values(&good).expect("they are allowed");
    chart
        .values(&json!({"r": 1, "i": null}))
        .expect("null is allowed");
}

#[test]
fn documents_become_objects_and_hooks_stand_apart() {
    let chart = chart(&[
        (
            "templates/b.yaml",
            "# first\n---\n# only a comment\n---\nkind: Deployment\nmetadata: {name: d}\n\n---\nkind: Service\nmetadata: {name: s}\n",
        ),
        (
            "templates/a.yaml",
            "kind: Zebra\n---\nkind: Ape\n--- \nkind: Service\nmetadata: {name: first}\n",
        ),
        (
            "templates/hook.yaml",
            "kind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: pre-install, POST-upgrade\n    helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-delete-policy: hook-succeeded,before-hook-creation\n---\nkind: Job\nmetadata: {annotations: {helm.sh/hook: nonsense}}\n",
        ),
        ("templates/empty.yaml", "{{ if false }}x{{ end }}\n  \n"),
        ("templates/_partial.tpl", "not: rendered"),
        (
            "templates/NOTES.txt",
            "Hello {{ .Release.Name }}: {{ fail `on request only` }}",
        ),
    ]);
    let values = chart.values(&json!({})).expect("values");
    let release = Release::upgrade("r", "n", 3);
    let rendered = chart.render(&release, &values, &Capabilities::default(), &Offline);
    let rendered = rendered.expect("objects");
    let kinds: Vec<_> = rendered
        .manifests
        .iter()
        .map(|m| (m.kind(), m.name()))
        .collect();
    let wanted = [
        ("Service", "first"),
        ("Service", "s"),
        ("Deployment", "d"),
        ("Job", "j"),
        ("Ape", ""),
        ("Zebra", ""),
    ];
    assert_eq!(kinds, wanted);
    let hook = rendered.manifests[3].hook.as_ref().expect("a hook");
    assert_eq!(hook.events, [Event::PreInstall, Event::PostUpgrade]);
    assert_eq!(hook.weight, -5);
    assert_eq!(
        hook.delete,
        [DeletePolicy::Succeeded, DeletePolicy::BeforeCreation]
    );
    assert_eq!(rendered.manifests[0].path, "c/templates/a.yaml");
    let said = chart.notes(&release, &values, &Capabilities::default(), &Offline);
    let said = said.expect_err("notes fail").to_string();
    assert!(
        said.starts_with("execution error at (c/templates/NOTES.txt:1:"),
        "{said}"
    );
}

#[test]
fn what_is_no_object_is_refused_with_the_template() {
    for (text, why) in [
        (
            "a: b: c",
            "c/templates/a.yaml: YAML parse error: error converting YAML to JSON: yaml: mapping values are not allowed in this context",
        ),
        ("- 1", "c/templates/a.yaml: an object is expected, not [1]"),
        (
            "text",
            "c/templates/a.yaml: an object is expected, not \"text\"",
        ),
    ] {
        let chart = chart(&[("templates/a.yaml", text)]);
        let values = chart.values(&json!({})).expect("values");
        let release = Release::install("r", "n");
        let said = chart.render(&release, &values, &Capabilities::default(), &Offline);
        assert_eq!(said.expect_err("no object").to_string(), why);
    }
}

#[test]
fn a_cluster_that_is_too_old_is_refused() {
    let files = [
        (
            "Chart.yaml",
            "{name: c, version: 1.0.0, kubeVersion: '>=1.37.0-0'}",
        ),
        ("templates/a.yaml", ""),
    ];
    let chart = Chart::from_files(files).expect("a chart");
    let said = printed(&chart, &Offline).expect_err("too old").to_string();
    let wanted =
        "chart requires kubeVersion: >=1.37.0-0 which is incompatible with Kubernetes v1.36.0";
    assert_eq!(said, wanted);
}

/// Templates change values for each other, and never those of the caller.
#[test]
fn values_are_shared_by_the_templates_of_one_rendering() {
    let chart = chart(&[
        (
            "templates/b/first.yaml",
            "{{ $_ := set .Values `made` `here` }}",
        ),
        ("templates/a.yaml", "{{ .Values.made }}"),
    ]);
    assert_eq!(printed(&chart, &Offline).expect("once"), "here");
    assert_eq!(printed(&chart, &Offline).expect("twice"), "here");
}

#[derive(Default)]
struct Known(Mutex<Vec<String>>);

impl Cluster for Known {
    fn lookup(
        &self,
        version: &str,
        kind: &str,
        ns: &str,
        name: &str,
    ) -> Result<Option<Value>, String> {
        let asked = [version, kind, ns, name].join(",");
        self.0.lock().expect("a lock").push(asked);
        match name {
            "gone" => Ok(None),
            "broken" => Err("the cluster does not answer".to_owned()),
            _ => Ok(Some(
                json!({"metadata": {"generation": 3}, "data": {"k": "dg=="}}),
            )),
        }
    }

    fn certificates(&self) -> Option<&dyn Certificates> {
        Some(self)
    }
}

impl Certificates for Known {
    fn private_key(&self, kind: &str) -> Result<String, String> {
        match kind {
            "dsa" => Err("no such keys are made".to_owned()),
            kind => Ok(format!("{kind} key")),
        }
    }

    fn authority(&self, name: &str, days: i64, key: &str) -> Result<Pair, String> {
        Ok(Pair {
            cert: format!("{name} {days}"),
            key: key.to_owned(),
        })
    }

    fn self_signed(&self, subject: &Subject<'_>, key: &str) -> Result<Pair, String> {
        self.signed(
            subject,
            &Pair {
                cert: "itself".to_owned(),
                key: String::new(),
            },
            key,
        )
    }

    fn signed(&self, subject: &Subject<'_>, authority: &Pair, key: &str) -> Result<Pair, String> {
        let Subject {
            common_name,
            ips,
            dns,
            days,
        } = subject;
        let cert = format!("{common_name} {ips:?} {dns:?} {days} by {}", authority.cert);
        Ok(Pair {
            cert,
            key: key.to_owned(),
        })
    }

    fn check(&self, pair: &Pair) -> Result<(), String> {
        match pair.cert.as_str() {
            "bad" => Err("not a certificate".to_owned()),
            _ => Ok(()),
        }
    }
}

#[test]
fn the_cluster_is_asked_and_certificates_are_made_elsewhere() {
    let known = Known::default();
    for (template, wanted) in [
        (
            "{{ $s := lookup `v1` `Secret` `n` `x` }}{{ $s.data.k | b64dec }}{{ typeOf $s.metadata.generation }}",
            "vint64",
        ),
        ("{{ lookup `v1` `Secret` `n` `gone` | toJson }}", "{}"),
        (
            "{{ (genCA `me` 3).Cert }} {{ (genCA `me` 3).Key }}",
            "me 3 rsa key",
        ),
        ("{{ (genCAWithKey `me` 3 `k`).Key }}", "k"),
        (
            "{{ $ca := genCA `ca` 9 }}{{ (genSignedCert `x` (list `::1`) nil 5 $ca).Cert }}",
            "x [\"::1\"] [] 5 by ca 9",
        ),
        (
            "{{ $ca := buildCustomCert (b64enc `c`) (b64enc `k`) }}{{ (genSignedCertWithKey `x` nil (list `a` `b`) 5 $ca (genPrivateKey `ecdsa`)).Key }}",
            "ecdsa key",
        ),
        (
            "{{ (genSelfSignedCert `x` nil nil 5).Cert }}",
            "x [] [] 5 by itself",
        ),
    ] {
        let chart = chart(&[("templates/a.yaml", template)]);
        assert_eq!(printed(&chart, &known).expect(template), wanted);
    }
    assert_eq!(known.0.lock().expect("a lock")[0], "v1,Secret,n,x");
}

#[test]
fn what_a_cluster_does_not_do_is_an_error_of_the_function() {
    let known = Known::default();
    for (template, why) in [
        (
            "{{ lookup `v1` `Secret` `n` `broken` }}",
            "error calling lookup: the cluster does not answer",
        ),
        (
            "{{ genPrivateKey `dsa` }}",
            "error calling genPrivateKey: no such keys are made",
        ),
        (
            "{{ buildCustomCert `!` `` }}",
            "error calling buildCustomCert: unable to decode base64 cert",
        ),
        (
            "{{ buildCustomCert (b64enc `bad`) `` }}",
            "error calling buildCustomCert: not a certificate",
        ),
        (
            "{{ genSignedCert `x` (list 1) nil 5 (genCA `a` 1) }}",
            "error calling genSignedCert: addresses must be a list of strings",
        ),
        (
            "{{ genSignedCert `x` nil nil 5 `ca` }}",
            "can't handle `ca` for arg of type sprig.certificate",
        ),
    ] {
        let chart = chart(&[("templates/a.yaml", template)]);
        let said = printed(&chart, &known).expect_err(template).to_string();
        assert!(said.ends_with(why), "{template}: {said}");
    }
    for name in [
        "genCA `a` 1",
        "genPrivateKey `rsa`",
        "genSelfSignedCert `a` nil nil 1",
        "buildCustomCert `` ``",
    ] {
        let chart = chart(&[("templates/a.yaml", &format!("{{{{ {name} }}}}"))]);
        let said = printed(&chart, &Offline).expect_err(name).to_string();
        let function = name.split(' ').next().expect("a name");
        assert!(
            said.ends_with(&format!(
                "error calling {function}: nobody here makes certificates"
            )),
            "{said}"
        );
    }
}
