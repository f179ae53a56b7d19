//! Small languages: selectors, quantities, times, durations, expressions.

use catena_endpoints::{negotiate, query::Query};
use catena_objects::{duration, fields, labels, quantity::Quantity, time};

pub(crate) fn selectors(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(selector) = labels::Selector::parse(text) {
        let printed = selector.to_string();
        let again = labels::Selector::parse(&printed);
        assert_eq!(again.map(|s| s.to_string()), Ok(printed));
        let _ = selector.matches(|_| Some("a"));
    }
    // Terms are in the order of their texts, and printing rewrites some of them.
    let print = |text: &str| fields::Selector::parse(text).map(|s| s.to_string());
    if let Ok(printed) = print(text).and_then(|t| print(&t)) {
        assert_eq!(print(&printed), Ok(printed));
    }
}

pub(crate) fn texts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(quantity) = Quantity::parse(text) {
        let printed = quantity.to_string();
        let again = Quantity::parse(&printed).expect("what is printed is parsed");
        assert_eq!(again.to_string(), printed);
    }
    let _ = duration::parse(text);
    let _ = time::parse(text);
    let _ = catena_objects::names::parse_ip_sloppy(text);
    let _ = catena_objects::names::parse_cidr_sloppy(text);
    let _ = catena_jsonpath::Path::parse(text);
    let _ = catena_schema::regex::compile(text);
    let _ = Query::parse(text);
}

pub(crate) fn headers(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = negotiate::output(text, false, true);
        let _ = negotiate::output(text, true, false);
        let _ = negotiate::input(text, true);
    }
}
