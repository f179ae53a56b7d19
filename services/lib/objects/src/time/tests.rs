use super::*;

#[test]
fn times_are_printed_in_utc() {
    for (text, want) in [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
        ("2024-02-29T23:59:59-01:30", "2024-03-01T01:29:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ] {
        assert_eq!(normalize(text).expect(text), want);
    }
    assert_eq!(
        normalize_micro("2026-01-02T03:04:05.1234567Z").expect("good"),
        "2026-01-02T03:04:05.123456Z"
    );
}

#[test]
fn errors_are_those_of_go() {
    for (text, why) in [
        (
            "yesterday",
            "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"",
        ),
        (
            "2026-01-02",
            "parsing time \"2026-01-02\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"T\"",
        ),
        (
            "2026-13-02T03:04:05Z",
            "parsing time \"2026-13-02T03:04:05Z\": month out of range",
        ),
        (
            "2026-02-30T03:04:05Z",
            "parsing time \"2026-02-30T03:04:05Z\": day out of range",
        ),
        (
            "2026-01-02T03:04:05",
            "parsing time \"2026-01-02T03:04:05\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"Z07:00\"",
        ),
        (
            "2026-01-02T03:04:05Zx",
            "parsing time \"2026-01-02T03:04:05Zx\": extra text: \"x\"",
        ),
    ] {
        assert_eq!(normalize(text).expect_err(text), why);
    }
}

#[test]
fn ages() {
    for (s, want) in [
        (-5, "<invalid>"),
        (-1, "0s"),
        (5, "5s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3_600 * 3, "3h"),
        (3_600 * 3 + 60, "3h1m"),
        (3_600 * 9, "9h"),
        (86_400 * 2, "2d"),
        (86_400 * 2 + 3_600, "2d1h"),
        (86_400 * 9, "9d"),
        (86_400 * 365 * 2 + 86_400, "2y1d"),
        (86_400 * 365 * 9, "9y"),
    ] {
        assert_eq!(human(s), want);
    }
    assert_eq!(age("", Timestamp::now()), "<unknown>");
}
