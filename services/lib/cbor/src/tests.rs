use catena_objects::{Value, json, obj};

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).expect("text"), 16);
    digits
        .chunks(2)
        .map(|two| byte(two).expect("hexadecimal"))
        .collect()
}

fn json_of(bytes: &str) -> String {
    match decode(&hex(bytes)) {
        Ok(v) => json::to_string(&v),
        Err(e) => e.to_string(),
    }
}

#[test]
fn objects_are_written_as_kubernetes_writes_them() {
    let v = obj!({ "bb": "x", "a": [1, (-1i64), true, null], "c": (Value::Float(1.5)) });
    // Shorter keys first, strings as bytes, the shortest float.
    let expected = hex("d9d9f7 a3 4161 84 01 20 f5 f6 4163 f93e00 426262 4178");
    assert_eq!(encode(&v), expected);
    assert_eq!(decode(&expected), Ok(v));
}

#[test]
fn floats_keep_their_value_in_the_shortest_form() {
    let cases = [
        (0.0, "f90000"),
        (-0.0, "f98000"),
        (1.0, "f93c00"),
        (65504.0, "f97bff"),
        (5.960_464_477_539_063e-8, "f90001"),
        (0.000_061_035_156_25, "f90400"),
        (100_000.0, "fa47c35000"),
        (1.1, "fb3ff199999999999a"),
        (1.0e300, "fb7e37e43c8800759c"),
    ];
    for (f, bytes) in cases {
        let expected = [MAGIC, &hex(bytes)].concat();
        assert_eq!(encode(&Value::Float(f)), expected, "{f}");
        assert_eq!(decode(&expected), Ok(Value::Float(f)));
    }
}

#[test]
fn other_writers_are_understood() {
    // Text strings, no length, a time, bytes for base64, a tag that nobody knows.
    assert_eq!(json_of("bf 61 61 9f 01 02 ff ff"), r#"{"a":[1,2]}"#);
    assert_eq!(json_of("c0 6a 323032362d30312d3031"), r#""2026-01-01""#);
    assert_eq!(json_of("a1 41 61 d6 43 010203"), r#"{"a":"AQID"}"#);
    assert_eq!(json_of("d7 42 beef"), r#""beef""#);
    assert_eq!(json_of("d9 ffff 01"), "1");
    assert_eq!(json_of("5f 41 61 41 62 ff"), r#""ab""#);
}

#[test]
fn what_json_has_not_is_refused() {
    for (bytes, why) in [
        (
            "a2 41 61 01 61 61 02",
            "cbor: found duplicate map key \"a\"",
        ),
        (
            "01 02",
            "cbor: 1 bytes of extraneous data starting at index 1",
        ),
        (
            "f97e00",
            "cbor: cannot decode floating-point number that is not finite",
        ),
        ("c2 41 01", "cbor: cannot decode a bignum"),
        (
            "1b ffffffffffffffff",
            "cbor: an integer does not fit in 64 bits",
        ),
        ("41 ff", "cbor: invalid UTF-8 string"),
    ] {
        assert_eq!(json_of(bytes), why);
    }
    for bytes in [
        "",
        "f7",
        "e0",
        "a1 01 01",
        "9b ffffffffffffffff",
        "61 ff",
        "5b 7fffffffffffffff 00",
    ] {
        assert!(decode(&hex(bytes)).is_err(), "{bytes}");
    }
    let deep = [vec![0x81; 2_000], vec![0x01]].concat();
    assert!(decode(&deep).is_err());
    assert!(decode(&[0xd9, 0xd9, 0xf7].repeat(2_000)).is_err());
}
