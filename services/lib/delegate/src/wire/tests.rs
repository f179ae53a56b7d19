use std::time::{Duration, Instant};

use catena_objects::{Status, user::User};

use super::*;

#[test]
fn a_request_survives_the_wire() {
    let mut headers = HeaderMap::new();
    headers.append("accept", HeaderValue::from_static("a"));
    headers.append(
        "accept",
        HeaderValue::from_bytes(b"\xff").expect("opaque bytes"),
    );
    let r = Request {
        method: "POST".into(),
        path: "/api/v1/pods".into(),
        query: "a=b".into(),
        headers,
        info: RequestInfo {
            is_resource: true,
            verb: "create".into(),
            parts: vec!["pods".into()],
            ..RequestInfo::default()
        },
        user: User {
            name: "u".into(),
            groups: vec!["g".into()],
            extra: [("k".to_owned(), vec!["v".to_owned()])].into(),
            ..User::default()
        },
        audit_id: "id".into(),
        audit_level: 2,
        deadline: Some(Instant::now() + Duration::from_secs(30)),
        traceparent: "00-a".into(),
        remote_addr: "1.2.3.4:5".into(),
        body: Bytes::from_static(b"{}"),
    };
    let back = request_from(request_to(r.clone())).expect("well-formed");
    let left = back
        .deadline
        .expect("a deadline")
        .saturating_duration_since(Instant::now());
    assert!(left > Duration::from_secs(20) && left <= Duration::from_secs(30));
    let (a, b) = (
        Request {
            deadline: None,
            ..r
        },
        Request {
            deadline: None,
            ..back
        },
    );
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn a_deadline_that_has_passed_is_still_one() {
    let r = Request {
        deadline: Some(Instant::now()),
        ..Request::default()
    };
    assert_eq!(request_to(r).remaining_micros, 1);
}

#[test]
fn malformed_messages_are_refused() {
    let whole = request_to(Request::default());
    assert!(
        request_from(pb::ServeRequest {
            user: None,
            ..whole.clone()
        })
        .is_err()
    );
    let bad = vec![pb::Header {
        name: "a b".into(),
        value: Bytes::new(),
    }];
    assert!(
        request_from(pb::ServeRequest {
            headers: bad,
            ..whole.clone()
        })
        .is_err()
    );
    let many = vec![
        pb::Header {
            name: "a".into(),
            value: Bytes::new()
        };
        MAX_HEADERS + 1
    ];
    assert!(
        request_from(pb::ServeRequest {
            headers: many,
            ..whole
        })
        .is_err()
    );
    assert!(head_from(None, Body::Full(Bytes::new())).is_err());
}

#[test]
fn failures_of_the_api_survive_the_wire() {
    let failures = [
        Status::not_found("apps", "deployments", "d"),
        Status::conflict("", "pods", "p", "was changed"),
        Status::internal("why"),
        Status::too_many_requests("slow down", 7),
        Status::expired("too old"),
        Status {
            code: 418,
            ..Status::bad_request("ü".repeat(400))
        },
    ];
    for s in failures {
        assert_eq!(status_from(&status_to(&s), "core"), s);
    }
}

#[test]
fn a_huge_failure_loses_its_causes_and_not_its_code() {
    let mut s = Status::internal("x".repeat(600 << 10));
    s.details.get_or_insert_default().name = "n".into();
    let back = status_from(&status_to(&s), "core");
    assert_eq!(
        (back.code, back.details.expect("details").name.as_str()),
        (500, "n")
    );
}

#[test]
fn a_lost_delegate_is_unavailable_and_never_not_found() {
    use tonic::Code::*;
    for (code, expected) in [
        (Unavailable, 503),
        (Unknown, 503),
        (Cancelled, 503),
        (DeadlineExceeded, 504),
        (NotFound, 500),
        (PermissionDenied, 500),
        (ResourceExhausted, 413),
    ] {
        let s = status_from(&tonic::Status::new(code, "m"), "core");
        assert_eq!(s.code, expected, "{code:?}");
        assert_eq!(s.retry_after_seconds() > 0, expected == 503, "{code:?}");
    }
}
