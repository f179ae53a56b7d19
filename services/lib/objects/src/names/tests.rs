use super::*;
use crate::field::Path;

#[test]
fn prefix_may_end_in_a_dash() {
    assert!(dns1123_label("web-", true).is_empty());
    assert!(!dns1123_label("web-", false).is_empty());
    assert!(dns1123_subdomain("a.b-", true).is_empty());
    assert!(!dns1123_subdomain("-", true).is_empty());
    assert!(!dns1123_subdomain("é-", true).is_empty());
}

#[test]
fn labels_tell_dots_from_other_faults() {
    assert_eq!(dns1123_label("a.b", false), ["must not contain dots"]);
    assert_eq!(
        dns1123_label("A", false),
        [
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        ]
    );
    assert_eq!(
        dns1123_subdomain(&"a".repeat(254), false),
        ["must be no more than 253 characters"]
    );
    assert!(!dns1035_label("1a", false).is_empty());
}

#[test]
fn label_keys_and_values() {
    for good in ["a", "a/b", "example.com/My.Name_1", "1-2"] {
        assert!(label_key(good).is_empty(), "{good}");
    }
    assert_eq!(label_key("/x"), ["prefix part must be non-empty"]);
    assert_eq!(label_key("a/").len(), 2);
    assert_eq!(label_key("a/b/c").len(), 1);
    assert_eq!(
        label_value(&"x".repeat(64)),
        ["must be no more than 63 bytes"]
    );
    assert!(label_value("").is_empty());
}

#[test]
fn addresses() {
    let p = Path::new("ip");
    assert!(valid_ip(&p, "10.0.0.1").is_empty());
    assert!(valid_ip(&p, "2001:db8::1").is_empty());
    for (bad, why) in [
        (
            "10.0.0",
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ),
        ("010.0.0.1", "must not have leading 0s"),
        ("::ffff:1.2.3.4", "must not be an IPv4-mapped IPv6 address"),
        ("2001:DB8::1", "must be in canonical form (\"2001:db8::1\")"),
    ] {
        assert_eq!(valid_ip(&p, bad).0[0].detail, why, "{bad}");
    }
    for (bad, why) in [
        (
            "10.0.0.0",
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ),
        (
            "10.0.0.0/33",
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ),
        (
            "10.0.0.1/24",
            "must not have bits set beyond the prefix length",
        ),
        (
            "10.0.0.0/08",
            "must not have leading 0s in IP or prefix length",
        ),
    ] {
        assert_eq!(valid_cidr(&p, bad).0[0].detail, why, "{bad}");
    }
    assert!(valid_cidr(&p, "0.0.0.0/0").is_empty());
    assert!(valid_cidr(&p, "::/0").is_empty());
    assert!(interface_address(&p, "10.0.0.7/24").is_empty());
}

#[test]
fn ports_and_keys() {
    assert!(port_name("http").is_empty());
    assert_eq!(port_name("").len(), 2);
    assert_eq!(port_num(0), ["must be between 1 and 65535, inclusive"]);
    assert!(config_map_key("a.b_c").is_empty());
    assert_eq!(config_map_key(".."), ["must not be '..'"]);
    assert!(env_var_name("A-b.c").is_empty());
    assert!(!env_var_name("1a").is_empty());
}
