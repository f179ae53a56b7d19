//! What the system knows of this process (`client_golang`'s process collector), read when
//! it is asked for. What cannot be read is not shown.

use prometheus::{
    Counter, Gauge,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// Of a second, on every Linux (`sysconf(_SC_CLK_TCK)`).
const TICKS: f64 = 100.0;
const PAGE: f64 = 4096.0;
/// Fields of `/proc/self/stat` after the name, which is the second and ends with `)`.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const START_TIME: usize = 19;
const VIRTUAL: usize = 20;
const RESIDENT: usize = 21;

pub(super) struct Process {
    cpu: Counter,
    gauges: [Gauge; 5],
}

impl Process {
    pub(super) fn new() -> Self {
        let made = "names of metrics are constants";
        let gauge = |name: &str, help: &str| Gauge::new(name, help).expect(made);
        Self {
            cpu: Counter::new(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
            )
            .expect(made),
            gauges: [
                gauge("process_open_fds", "Number of open file descriptors."),
                gauge(
                    "process_max_fds",
                    "Maximum number of open file descriptors.",
                ),
                gauge(
                    "process_virtual_memory_bytes",
                    "Virtual memory size in bytes.",
                ),
                gauge(
                    "process_resident_memory_bytes",
                    "Resident memory size in bytes.",
                ),
                gauge(
                    "process_start_time_seconds",
                    "Start time of the process since unix epoch in seconds.",
                ),
            ],
        }
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        let gauges = self.gauges.iter().flat_map(Collector::desc);
        self.cpu.desc().into_iter().chain(gauges).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<f64> = stat
            .rsplit(") ")
            .next()
            .unwrap_or_default()
            .split(' ')
            .map(|f| f.trim().parse().unwrap_or(0.0))
            .collect();
        let field = |at: usize| fields.get(at).copied();
        let values = [
            open_files(),
            most_files(),
            field(VIRTUAL),
            field(RESIDENT).map(|pages| pages * PAGE),
            field(START_TIME).and_then(|ticks| Some(boot()? + ticks / TICKS)),
        ];
        let mut out = Vec::new();
        if let (Some(user), Some(system)) = (field(USER_TIME), field(SYSTEM_TIME)) {
            let now = (user + system) / TICKS;
            self.cpu.inc_by((now - self.cpu.get()).max(0.0));
            out.extend(self.cpu.collect());
        }
        for (gauge, value) in self.gauges.iter().zip(values) {
            if let Some(value) = value {
                gauge.set(value);
                out.extend(gauge.collect());
            }
        }
        out
    }
}

fn open_files() -> Option<f64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    u32::try_from(open).ok().map(f64::from)
}

fn most_files() -> Option<f64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|l| l.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// When the system started, in seconds since the epoch.
fn boot() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|l| l.strip_prefix("btime "))?;
    line.trim().parse().ok()
}
