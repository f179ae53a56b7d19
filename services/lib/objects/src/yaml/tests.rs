use super::*;
use crate::obj;

fn read(text: &str) -> Value {
    to_value(text.as_bytes()).expect(text)
}

#[test]
fn scalars_are_those_of_yaml_1_1() {
    let v = read(
        "a: yes\nb: 0777\nc: 'yes'\nd: 1_000\ne: 1e3\nf: ~\ng: 0x1F\nh: 08\ni: 2001-01-01\nj: on\nk: 1.50\nl: \"5\"\nm: -5\nn: .5\no: 1.2.3\n",
    );
    let want = obj!({"a": true, "b": 511i64, "c": "yes", "d": 1000i64, "e": 1000i64, "f": null, "g": 31i64,
        "h": 8i64, "i": "2001-01-01", "j": true, "k": 1.5, "l": "5", "m": (-5i64), "o": "1.2.3"});
    for (k, w) in want.as_object().expect("object") {
        assert_eq!(v.get(k), Some(w), "{k}");
    }
    // A key that reads as a boolean becomes its text.
    assert_eq!(v.get("false"), Some(&Value::Float(0.5)));
}

#[test]
fn structure() {
    let v = read("a:\n- b: 1\n  c: [x, {w: z}]\n- |\n  line\n  two\n1: int\ntrue: bool\n");
    let want = obj!({"a": [{"b": 1i64, "c": ["x", {"w": "z"}]}, "line\ntwo\n"], "1": "int", "true": "bool"});
    assert_eq!(v.get("a"), want.get("a"));
    assert_eq!(v.get("1"), want.get("1"));
    assert_eq!(v.get("true"), want.get("true"));
    assert_eq!(read(""), Value::Null);
    assert_eq!(
        read("{\"a\": [1, 2.5, null]}"),
        obj!({"a": [1i64, 2.5, null]})
    );
}

#[test]
fn anchors_and_merges() {
    let v = read("base: &b {x: 1, w: 2}\nuse:\n  <<: *b\n  w: 3\n");
    assert_eq!(v.get("use"), Some(&obj!({"w": 3i64, "x": 1i64})));
}

#[test]
fn bombs_are_bounded() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for i in 1..9 {
        let last = i - 1;
        text += &format!(
            "a{i}: &a{i} [*a{last},*a{last},*a{last},*a{last},*a{last},*a{last},*a{last},*a{last},*a{last},*a{last}]\n"
        );
    }
    let e = to_value(text.as_bytes()).expect_err("bomb");
    assert_eq!(e.message, "yaml: document contains excessive aliasing");
    assert!(to_value("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn duplicates_are_reported() {
    let p = parse(b"a: 1\nb: 2\na: 3\n").expect("good");
    assert_eq!(p.value.i64_at(&["a"]), Some(3));
    assert_eq!(p.duplicates, ["line 3: key \"a\" already set in map"]);
    assert_eq!(
        p.strict().expect_err("dup").to_string(),
        "error converting YAML to JSON: yaml: unmarshal errors:\n  line 3: key \"a\" already set in map"
    );
}

#[test]
fn errors_name_the_line() {
    for (text, want) in [
        (
            "a: b: c\n",
            "yaml: mapping values are not allowed in this context",
        ),
        ("not: [yaml", "line 1: did not find expected ',' or ']'"),
        ("a: {b\n", "line 1: did not find expected ',' or '}'"),
        (
            "a:\n\tb: 1\n",
            "line 2: found character that cannot start any token",
        ),
        ("a: 'x", "yaml: found unexpected end of stream"),
        ("a: b\n- c\n", "line 1: did not find expected key"),
        ("a: |\n b\nc", "line 3: could not find expected ':'"),
        ("a: *x", "unknown anchor 'x' referenced"),
        ("a: &x [*x]", "yaml: anchor 'x' value contains itself"),
        ("@a", "yaml: found character that cannot start any token"),
        ("a: \"\\q\"", "yaml: found unknown escape character"),
    ] {
        let e = to_value(text.as_bytes()).expect_err(text);
        assert!(
            e.message.ends_with(want),
            "{text:?}: {} is not {want}",
            e.message
        );
    }
}

#[test]
fn printing() {
    let v = obj!({"b": ["x", {"k": "v", "l": []}], "a": {"n": 1i64, "t": true, "z": null}, "c": "yes",
        "d": "a: b", "e": "two\nlines\n", "f": "", "g": {}, "h": "1", "i": "it's"});
    assert_eq!(
        to_string(&v),
        "a:\n  \"n\": 1\n  t: true\n  z: null\nb:\n- x\n- k: v\n  l: []\nc: \"yes\"\nd: 'a: b'\ne: |\n  two\n  lines\nf: \"\"\ng: {}\nh: \"1\"\ni: it's\n"
    );
    assert_eq!(to_value(&to_vec(&v)).expect("own output"), v);
}

#[test]
fn goldens_read_and_print_as_go_does() {
    let dir =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/goldens");
    let Ok(entries) = std::fs::read_dir(&dir) else {
        eprintln!("skipped: no goldens in {}", dir.display());
        return;
    };
    let mut wrong = Vec::new();
    for path in entries.filter_map(|e| Some(e.ok()?.path())) {
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let text = std::fs::read(&path).expect("readable");
        let Ok(json) = std::fs::read(path.with_extension("json")) else {
            continue;
        };
        let want = json::parse(&json).expect("golden JSON");
        let got = to_value(&text).expect("golden YAML");
        let name = path
            .file_name()
            .expect("file")
            .to_string_lossy()
            .into_owned();
        if got != want {
            wrong.push(format!("{name}: reads differently"));
        }
        if to_vec(&want) != text {
            wrong.push(format!("{name}: prints differently"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong: {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
}

/// As kube-apiserver prints them.
#[test]
fn wide_scalars_go_on_below() {
    let wide = "x".repeat(90);
    for (value, want) in [
        (format!("{wide} y z"), format!("{wide}\n  y z")),
        (format!("{wide} y  z"), format!("{wide}\n  y  z")),
        (format!("{wide}  y z"), format!("{wide}  y\n  z")),
        (format!("{wide}: y z"), format!("'{wide}:\n  y z'")),
        (format!("{wide} y: z "), format!("'{wide}\n  y: z '")),
        (format!("{wide}\t y z"), format!("\"{wide}\\t\n  y z\"")),
        (format!("{wide}\t  y"), format!("\"{wide}\\t\n  \\ y\"")),
        ("x y".repeat(20), "x y".repeat(20)),
    ] {
        let mut object = Value::object();
        object.set(&["a"], value.as_str());
        assert_eq!(to_string(&object), format!("a: {want}\n"));
    }
}
