use super::*;

#[test]
fn round_trips() {
    for (text, want) in [
        ("1h", "1h0m0s"),
        ("90m", "1h30m0s"),
        ("1.5s", "1.5s"),
        ("100ms", "100ms"),
        ("0", "0s"),
        ("-1.5h", "-1h30m0s"),
        ("1us", "1µs"),
        ("1500us", "1.5ms"),
        ("1h1ns", "1h0m0.000000001s"),
        ("+5s", "5s"),
        (".5m", "30s"),
        ("1ns", "1ns"),
        ("24h", "24h0m0s"),
    ] {
        assert_eq!(print(parse(text).expect(text)), want, "{text}");
    }
}

#[test]
fn errors_are_those_of_go() {
    for (text, why) in [
        ("", "time: invalid duration \"\""),
        ("x", "time: invalid duration \"x\""),
        ("5", "time: missing unit in duration \"5\""),
        ("5x", "time: unknown unit \"x\" in duration \"5x\""),
        ("5 s", "time: unknown unit \" s\" in duration \"5 s\""),
        (".s", "time: invalid duration \".s\""),
        ("9999999999h", "time: invalid duration \"9999999999h\""),
    ] {
        assert_eq!(parse(text).expect_err(text), why);
    }
}
