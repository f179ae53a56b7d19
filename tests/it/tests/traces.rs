//! One request is one trace, from the front to the store.

use std::{
    collections::BTreeSet,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use catena_tests_it::{ControlPlane, has};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

/// Service and name of each span of each trace.
type Spans = Arc<Mutex<Vec<(Vec<u8>, String, String)>>>;

struct Collector(Spans);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = self.0.lock().expect("spans");
        for resource in request.into_inner().resource_spans {
            let service = resource
                .resource
                .into_iter()
                .flat_map(|r| r.attributes)
                .find(|a| a.key == "service.name")
                .map(|a| format!("{:?}", a.value))
                .unwrap_or_default();
            for span in resource.scope_spans.into_iter().flat_map(|s| s.spans) {
                spans.push((span.trace_id, service.clone(), span.name));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn ask(plane: &ControlPlane, trace: &str, path: &str, seconds: &str) {
    let parent = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01");
    let status = Command::new("curl")
        .args(["-sk", "-o", "/dev/null", "-m", seconds, "-H", &parent])
        .args(["-H", "Authorization: Bearer admin-token"])
        .arg(format!("{}{path}", plane.url()))
        .status();
    assert!(status.is_ok());
}

/// Waits until spans of these services are in one trace.
fn expect(spans: &Spans, trace: &str, services: &[&str]) {
    let id: Vec<u8> = (0..32)
        .step_by(2)
        .map(|i| u8::from_str_radix(&trace[i..i + 2], 16).expect("hexadecimal"))
        .collect();
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let seen: BTreeSet<String> = spans
            .lock()
            .expect("spans")
            .iter()
            .filter(|(t, _, _)| *t == id)
            .map(|(_, service, _)| service.clone())
            .collect();
        if services
            .iter()
            .all(|s| seen.iter().any(|found| found.contains(s)))
        {
            return;
        }
        assert!(Instant::now() < end, "{services:?} expected, {seen:?} seen");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace() {
    if !has("curl") {
        return;
    }
    let spans = Spans::default();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let address = incoming.local_addr().expect("its address");
    let server = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(Collector(spans.clone())))
        .serve_with_incoming(incoming);
    tokio::spawn(server);
    let done = tokio::task::spawn_blocking(move || {
        let plane = ControlPlane::start(&[&format!("--tracing-endpoint=http://{address}")]);
        let read = "4bf92f3577b34da6a3ce929d0e0e4736";
        ask(&plane, read, "/api/v1/namespaces/default", "10");
        expect(&spans, read, &["aggregator", "core", "store"]);
        let watch = "4bf92f3577b34da6a3ce929d0e0e4737";
        ask(
            &plane,
            watch,
            "/api/v1/namespaces?watch=true&timeoutSeconds=1",
            "10",
        );
        expect(&spans, watch, &["aggregator", "core"]);
        let custom = "4bf92f3577b34da6a3ce929d0e0e4738";
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/none.example.com";
        ask(&plane, custom, path, "10");
        expect(&spans, custom, &["aggregator", "extensions", "store"]);
    });
    done.await.expect("traces");
}
