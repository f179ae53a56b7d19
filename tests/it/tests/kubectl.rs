//! An unmodified kubectl through the chain.

use catena_tests_it::{ControlPlane, eventually, has};

const MANIFEST: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop, labels: {app: web}}
data: {colour: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: password, namespace: shop}
stringData: {password: hunter2}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "nginx:1", ports: [{containerPort: 8080}]}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: shop}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: once, image: "busybox:1", command: ["true"]}]
"#;

const CRD: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns: [{name: Size, type: string, jsonPath: .spec.size}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What a widget is to be.
            required: [size]
            properties:
              size: {type: string, enum: [small, large], description: How big it is.}
              replicas: {type: integer, default: 1}
          status: {type: object, properties: {replicas: {type: integer}}}
"#;

fn applied(plane: &ControlPlane, manifest: &str, args: &[&str]) {
    let out = plane.kubectl_stdin(args, manifest);
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{args:?}: {text}");
}

fn shop() -> Option<ControlPlane> {
    if !has("kubectl") {
        return None;
    }
    let plane = ControlPlane::start(&[]);
    plane.kubectl(&["create", "namespace", "shop"]);
    applied(&plane, MANIFEST, &["apply"]);
    Some(plane)
}

#[test]
fn the_everyday_commands() {
    let Some(p) = shop() else { return };
    let k = |args: &[&str]| p.kubectl(&[&["-n", "shop"], args].concat());
    assert!(k(&["get", "all"]).contains("deployment.apps/web"));
    assert!(k(&["get", "deploy", "web", "-o", "wide"]).contains("nginx:1"));
    assert!(k(&["get", "cm", "settings", "-o", "yaml"]).contains("colour: blue"));
    assert_eq!(
        k(&["get", "cm", "settings", "-o", "jsonpath={.data.colour}"]),
        "blue"
    );
    assert!(k(&["describe", "deploy", "web"]).contains("2 desired"));
    k(&["label", "cm", "settings", "tier=front"]);
    k(&["annotate", "cm", "settings", "note=x"]);
    assert!(k(&["get", "cm", "-l", "tier=front"]).contains("settings"));
    k(&["patch", "cm", "settings", "-p", r#"{"data":{"a":"1"}}"#]);
    k(&[
        "patch",
        "cm",
        "settings",
        "--type=merge",
        "-p",
        r#"{"data":{"b":"2"}}"#,
    ]);
    let json = r#"[{"op":"add","path":"/data/c","value":"3"}]"#;
    k(&["patch", "cm", "settings", "--type=json", "-p", json]);
    assert_eq!(
        k(&[
            "get",
            "cm",
            "settings",
            "-o",
            "jsonpath={.data.a}{.data.b}{.data.c}"
        ]),
        "123"
    );
    k(&["scale", "deploy", "web", "--replicas=5"]);
    assert_eq!(
        k(&["get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"]),
        "5"
    );
    k(&["set", "image", "deploy/web", "web=nginx:2"]);
    assert!(p.kubectl(&["api-resources"]).contains("deployments"));
    assert!(p.kubectl(&["api-versions"]).contains("apps/v1"));
    assert!(p.kubectl(&["auth", "whoami"]).contains("kubernetes-admin"));
    assert!(
        p.kubectl(&["auth", "can-i", "create", "pods"])
            .contains("yes")
    );
    assert!(p.kubectl(&["cluster-info"]).contains("is running"));
    assert!(
        p.kubectl(&["explain", "deployment.spec.replicas"])
            .contains("integer")
    );
    let token = k(&["create", "token", "default"]);
    let can = p.kubectl(&["auth", "whoami", "--token", token.trim()]);
    assert!(can.contains("kubernetes-admin") || can.contains("system:serviceaccount:shop:default"));
}

/// The roles for users are sums of others.
#[test]
fn the_edit_role_lets_edit_and_no_more() {
    if !has("kubectl") {
        return;
    }
    let p = ControlPlane::start(&[]);
    let grant = [
        "create",
        "rolebinding",
        "e",
        "--clusterrole=edit",
        "--user=eve",
    ];
    p.kubectl(&grant);
    let can = |args: &[&str]| {
        let out = p.try_kubectl(&[&["auth", "can-i", "--as=eve"], args].concat());
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    };
    eventually("edit has its rules", || {
        can(&["create", "deployments"]) == "yes"
    });
    assert_eq!(can(&["create", "roles"]), "no");
    assert_eq!(can(&["create", "deployments", "-n", "kube-system"]), "no");
}

#[test]
fn apply_by_client_and_server_and_diff() {
    let Some(p) = shop() else { return };
    let changed = MANIFEST.replace("blue", "red");
    let diff = p.kubectl_stdin(&["diff"], &changed);
    assert_eq!(diff.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&diff.stdout).contains("+  colour: red"));
    applied(&p, &changed, &["apply"]);
    assert_eq!(
        p.kubectl(&[
            "-n",
            "shop",
            "get",
            "cm",
            "settings",
            "-o",
            "jsonpath={.data.colour}"
        ]),
        "red"
    );
    // Another manager owns the field now: a conflict, unless it is forced.
    let green = MANIFEST.replace("blue", "green");
    let out = p.kubectl_stdin(&["apply", "--server-side", "--field-manager=other"], &green);
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        text.contains("conflict") && text.contains(".data.colour"),
        "{text}"
    );
    let force = [
        "apply",
        "--server-side",
        "--field-manager=other",
        "--force-conflicts",
    ];
    applied(&p, &green, &force);
    assert_eq!(
        p.kubectl(&[
            "-n",
            "shop",
            "get",
            "cm",
            "settings",
            "-o",
            "jsonpath={.data.colour}"
        ]),
        "green"
    );
}

#[test]
fn deletion_with_every_cascade() {
    let Some(p) = shop() else { return };
    let uid = p.kubectl(&[
        "-n",
        "shop",
        "get",
        "cm",
        "settings",
        "-o",
        "jsonpath={.metadata.uid}",
    ]);
    let dependent = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: shop\n  ownerReferences:\n  - {{apiVersion: v1, kind: ConfigMap, name: settings, uid: {uid}}}\n"
        )
    };
    applied(&p, &dependent("child"), &["create"]);
    p.kubectl(&["-n", "shop", "delete", "cm", "settings", "--cascade=orphan"]);
    p.kubectl(&[
        "-n",
        "shop",
        "wait",
        "cm/settings",
        "--for=delete",
        "--timeout=20s",
    ]);
    let left = p.kubectl(&[
        "-n",
        "shop",
        "get",
        "cm",
        "child",
        "-o",
        "jsonpath={.metadata.ownerReferences}",
    ]);
    assert_eq!(left, "");
    p.kubectl(&[
        "-n",
        "shop",
        "delete",
        "deploy",
        "web",
        "--cascade=foreground",
    ]);
    p.kubectl(&["-n", "shop", "delete", "job", "once"]);
    p.kubectl(&["delete", "namespace", "shop", "--timeout=60s"]);
    let gone = p.try_kubectl(&["get", "namespace", "shop"]);
    assert!(String::from_utf8_lossy(&gone.stderr).contains("NotFound"));
}

#[test]
fn custom_resources_are_like_built_in_ones() {
    let Some(p) = shop() else { return };
    applied(&p, CRD, &["apply"]);
    p.kubectl(&[
        "wait",
        "crd/widgets.example.com",
        "--for=condition=Established",
        "--timeout=20s",
    ]);
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: shop}\nspec: {size: small}\n";
    applied(&p, widget, &["apply"]);
    let k = |args: &[&str]| p.kubectl(&[&["-n", "shop"], args].concat());
    assert!(k(&["get", "wd"]).contains("small"));
    assert!(k(&["get", "all"]).contains("widget.example.com/w"));
    assert_eq!(
        k(&["get", "widget", "w", "-o", "jsonpath={.spec.replicas}"]),
        "1"
    );
    k(&["scale", "widget", "w", "--replicas=3"]);
    assert_eq!(
        k(&["get", "widget", "w", "-o", "jsonpath={.spec.replicas}"]),
        "3"
    );
    let wrong = p.kubectl_stdin(&["apply"], &widget.replace("small", "huge"));
    let text = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(
        text.contains("supported values: \"small\", \"large\""),
        "{text}"
    );
    assert!(
        p.kubectl(&["explain", "widget.spec.size"])
            .contains("How big it is.")
    );
    p.kubectl(&["delete", "crd", "widgets.example.com", "--timeout=30s"]);
    let gone = p.try_kubectl(&["-n", "shop", "get", "widgets"]);
    assert!(!gone.status.success());
}

/// Debian's kubectl is 16 minor versions older (`make deps` fetches it).
#[test]
fn an_old_kubectl_works_too() {
    let old = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/tools/kubectl-old")
        .canonicalize();
    let Ok(old) = old else {
        println!("skipped: there is no old kubectl");
        return;
    };
    let p = ControlPlane::start(&[]);
    let old = old.to_str().expect("a path");
    let k = |args: &[&str]| {
        let out = p.command(old).args(args).output().expect("kubectl runs");
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{args:?}: {text}");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    assert!(k(&["version", "--short"]).contains("Server Version: v1.36"));
    k(&["create", "namespace", "shop"]);
    let file = p.dir().join("manifest.yaml");
    let file = file.to_str().expect("a path");
    for image in ["nginx:1", "nginx:3"] {
        std::fs::write(file, MANIFEST.replace("nginx:1", image)).expect("written");
        k(&["apply", "-f", file]);
    }
    assert!(k(&["-n", "shop", "get", "all", "-o", "wide"]).contains("nginx:3"));
    k(&["-n", "shop", "scale", "deploy/web", "--replicas=3"]);
    assert!(k(&["explain", "deployment.spec.replicas"]).contains("<integer>"));
    k(&["apply", "--server-side", "--force-conflicts", "-f", file]);
    std::fs::write(file, CRD).expect("written");
    k(&["apply", "-f", file]);
    // Discovery follows an Established definition, as it does in kube-apiserver.
    k(&[
        "wait",
        "--for=condition=Established",
        "crd/widgets.example.com",
    ]);
    eventually("widgets are discovered", || {
        k(&["api-resources"]).contains("widgets")
    });
    k(&["delete", "namespace", "shop", "--timeout=60s"]);
}

#[test]
fn one_name_in_all_namespaces() {
    if !has("kubectl") {
        return;
    }
    let plane = ControlPlane::start(&["--controllers=false"]);
    plane.kubectl(&["create", "namespace", "other"]);
    for (namespace, name) in [("default", "a"), ("default", "b"), ("other", "a")] {
        plane.kubectl(&["create", "configmap", name, "--namespace", namespace]);
    }
    let named = "/api/v1/configmaps?fieldSelector=metadata.name%3Da";
    let list = plane.kubectl(&["get", "--raw", named]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let found: Vec<_> = list["items"].as_array().expect("a list").iter().collect();
    assert_eq!(found.len(), 2, "{list}");
    // The name of an object in a path needs its namespace.
    let path = plane.try_kubectl(&["get", "--raw", "/api/v1/configmaps/a"]);
    assert!(!path.status.success());
}
