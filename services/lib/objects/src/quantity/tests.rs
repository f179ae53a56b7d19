use super::*;

fn canon(text: &str) -> String {
    Quantity::parse(text).map_or_else(|e| e.to_string(), |q| q.to_string())
}

#[test]
fn canonical_text() {
    for (text, want) in [
        ("0", "0"),
        ("0.0", "0"),
        ("000", "0"),
        ("0Mi", "0"),
        ("1", "1"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("1.5", "1500m"),
        ("0.5", "500m"),
        ("100m", "100m"),
        ("1000m", "1"),
        ("2500m", "2500m"),
        ("1Gi", "1Gi"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1025Mi", "1025Mi"),
        ("1000Ki", "1000Ki"),
        ("512", "512"),
        ("1024", "1024"),
        ("100Mi", "100Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Mi", "512Ki"),
        ("0.1Ki", "102400m"),
        ("1e3", "1e3"),
        ("12e5", "1200e3"),
        ("1E3", "1E3"),
        ("1000000", "1M"),
        ("10000000000000000000000", "10"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        ("1.00000000001", "1000000001n"),
        ("-1.5", "-1500m"),
        ("+1", "+1"),
        ("1E", "1E"),
        ("9Ei", "9223372036854775807"),
        ("1.500", "1.500"),
        ("0.000001", "1u"),
        ("2Ei", "2Ei"),
        ("1000k", "1M"),
        ("0.001", "1m"),
        ("100k", "100k"),
        ("5e-3", "5e-3"),
        (".5", "500m"),
        ("5.", "5."),
    ] {
        assert_eq!(canon(text), want, "{text}");
    }
}

#[test]
fn refusals() {
    for text in ["", "1 ", "abc", "1..2", "1.2.3", "é", "1Mi5x"] {
        assert_eq!(
            Quantity::parse(text).expect_err(text),
            Error::Format,
            "{text}"
        );
    }
    for text in ["1ki", "1mm", "1e", "1i", "--1"] {
        assert_eq!(
            Quantity::parse(text).expect_err(text),
            Error::Suffix,
            "{text}"
        );
    }
    assert_eq!(
        Quantity::parse("1e100000000").expect_err("bound"),
        Error::Numeric
    );
}

#[test]
fn arithmetic() {
    let q = |t: &str| Quantity::parse(t).expect(t);
    assert_eq!(q("1").add(&q("500m")).to_string(), "1500m");
    assert_eq!(q("1Gi").sub(&q("1Mi")).to_string(), "1023Mi");
    assert_eq!(q("0").add(&q("1Gi")).to_string(), "1Gi");
    assert_eq!(q("1Gi"), q("1024Mi"));
    assert!(q("1G") < q("1Gi"));
    assert_eq!(q("1500m").value(), 2);
    assert_eq!(q("-1500m").value(), -2);
    assert_eq!(q("1.5").milli_value(), 1500);
    assert_eq!(q("100E").value(), i64::MAX);
    assert_eq!(q("-1").sign(), -1);
    assert_eq!(q("2").neg().to_string(), "-2");
    assert_eq!(q("2Gi").mul(3).to_string(), "6Gi");
}
