use super::*;
use crate::{Value, obj};

fn again(text: &str) -> String {
    parse(text.as_bytes()).map_or_else(|e| e.message, |v| to_string(&v))
}

#[test]
fn numbers_print_as_in_go() {
    for (text, want) in [
        ("1", "1"),
        ("-0", "0"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("1.5", "1.5"),
        ("1e21", "1e+21"),
        ("1e-7", "1e-7"),
        ("0.000001", "0.000001"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854776000"),
        ("100000000000000000000", "100000000000000000000"),
        ("123456789.123456789", "123456789.12345679"),
        ("1e20", "100000000000000000000"),
        ("-1.5e-10", "-1.5e-10"),
    ] {
        assert_eq!(again(text), want, "{text}");
    }
}

#[test]
fn strings_are_escaped_as_in_go() {
    for (text, want) in [
        (r#""a\u003cb""#, r#""a\u003cb""#),
        ("\"<>&\"", r#""\u003c\u003e\u0026""#),
        ("\"\u{2028}é€\"", r#""\u2028é€""#),
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""\ud83d""#, "\"\u{fffd}\""),
        (r#""\b\f\n\r\t\/\u0001""#, r#""\b\f\n\r\t/\u0001""#),
        (r#""\ud83dx""#, "\"\u{fffd}x\""),
        (r#""\ud83dA""#, "\"\u{fffd}A\""),
    ] {
        assert_eq!(again(text), want, "{text}");
    }
    assert_eq!(
        parse(b"\"\xff\"").expect("lossy").as_str(),
        Some("\u{fffd}")
    );
}

#[test]
fn errors_are_those_of_go() {
    for (text, want) in [
        ("", "unexpected end of JSON input"),
        ("{", "unexpected end of JSON input"),
        (
            "{a",
            "invalid character 'a' looking for beginning of object key string",
        ),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        (
            "{\"a\":1 \"b\"}",
            "invalid character '\"' after object key:value pair",
        ),
        ("[1 2]", "invalid character '2' after array element"),
        (
            "[1,]",
            "invalid character ']' looking for beginning of value",
        ),
        (
            "{\"a\":1,}",
            "invalid character '}' looking for beginning of object key string",
        ),
        ("tru", "unexpected end of JSON input"),
        (
            "trux",
            "invalid character 'x' in literal true (expecting 'e')",
        ),
        ("1 2", "invalid character '2' after top-level value"),
        ("-", "unexpected end of JSON input"),
        ("-a", "invalid character 'a' in numeric literal"),
        (
            "1.a",
            "invalid character 'a' after decimal point in numeric literal",
        ),
        (
            "1ea",
            "invalid character 'a' in exponent of numeric literal",
        ),
        ("01", "invalid character '1' after top-level value"),
        ("\"\n\"", "invalid character '\\n' in string literal"),
        (r#""\x""#, "invalid character 'x' in string escape code"),
        (
            r#""\u00g0""#,
            "invalid character 'g' in \\u hexadecimal character escape",
        ),
        (
            "'a'",
            "invalid character '\\'' looking for beginning of value",
        ),
    ] {
        assert_eq!(again(text), want, "{text}");
    }
}

#[test]
fn duplicates_have_paths_and_the_last_wins() {
    let p = parse_strict(br#"{"a":1,"b":{"c":[{"d":1,"d":2}]},"a":3}"#).expect("good");
    assert_eq!(p.duplicates, ["b.c[0].d", "a"]);
    assert_eq!(p.value.i64_at(&["a"]), Some(3));
}

#[test]
fn depth_is_bounded() {
    let deep = "[".repeat(MAX_DEPTH + 1);
    assert_eq!(again(&deep), "exceeded max depth");
    let fits = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
    assert_eq!(again(&fits), fits);
}

#[test]
fn macro_and_order() {
    let v = obj!({"z": 1i64, "a": [true, null]});
    assert_eq!(to_string(&v), r#"{"z":1,"a":[true,null]}"#);
    assert_eq!(v, parse(br#"{"a":[true,null],"z":1.0}"#).expect("good"));
    assert_eq!(Value::Int(1), Value::Float(1.0));
}
