use catena_facts::{Omit, Ty, api_services, groups, resources, table_columns, types};

#[test]
fn every_message_reads_and_refers_to_messages() {
    for name in types().names() {
        let m = types().get(name).expect("listed");
        for f in &m.fields {
            if let Ty::Message(t) | Ty::MessageMap(t) = f.ty {
                assert!(types().get(t).is_some(), "{name}.{} is of {t}", f.name);
            }
        }
    }
}

#[test]
fn a_pod_is_described() {
    let pod = types().by_gvk("", "v1", "Pod").expect("pod");
    assert_eq!(
        (pod.name, pod.go_type),
        ("k8s.io.api.core.v1.Pod", "v1.Pod")
    );
    let spec = types().get("k8s.io.api.core.v1.PodSpec").expect("spec");
    let containers = spec.field("containers").expect("containers");
    assert_eq!(containers.go_type, "[]v1.Container");
    assert_eq!(containers.omit, Omit::Never);
    assert_eq!(containers.list_map_keys, ["name"]);
    assert!(spec.field("priority").expect("priority").pointer);
}

#[test]
fn small_facts_read() {
    assert_eq!(resources().len(), 150);
    for r in resources() {
        if types()
            .by_gvk(r.kind_group, r.kind_version, r.kind)
            .is_none()
        {
            eprintln!(
                "no message of kind {}/{} {}",
                r.kind_group, r.kind_version, r.kind
            );
        }
    }
    assert!(
        groups()
            .iter()
            .any(|g| g.name == "autoscaling" && g.preferred == "v2")
    );
    assert_eq!(table_columns("v1", "configmaps").len(), 3);
    assert_eq!(api_services()[0].group_priority_minimum, 18000);
}
