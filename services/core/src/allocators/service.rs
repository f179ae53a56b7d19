//! Allocation while a Service is written (`registry/core/service/storage/alloc.go`).

use std::net::IpAddr;

use async_trait::async_trait;
use catena_objects::{
    Status, Value,
    field::{Error, Errors, Path},
    meta,
};
use catena_registry::{Context, Hooks, hooks::Undo};

use super::{
    Addresses, Ports, Refused,
    addresses::Owner,
    ports::{Plan, PortError},
};
use crate::{
    groups::core::service::{headless, needs_cluster_ip, needs_health_check, needs_node_port},
    steps::strings,
};

/// Hooks of Services.
pub struct ServiceHooks {
    /// One range a family, the default family first.
    pub addresses: Vec<Addresses>,
    pub ports: Ports,
}

#[async_trait]
impl Hooks for ServiceHooks {
    async fn begin_create(
        &self,
        ctx: &Context,
        object: &mut Value,
    ) -> Result<Option<Undo>, Status> {
        let nothing = Value::object();
        self.allocate(ctx, object, &nothing).await
    }

    async fn begin_update(
        &self,
        ctx: &Context,
        object: &mut Value,
        old: &Value,
    ) -> Result<Option<Undo>, Status> {
        if ctx.subresource == "status" {
            return Ok(None);
        }
        self.allocate(ctx, object, old).await
    }

    async fn after_update(&self, ctx: &Context, object: &Value, old: &Value) {
        if ctx.subresource != "status" {
            self.release(old, object).await;
        }
    }

    async fn after_delete(&self, _ctx: &Context, object: &Value) {
        self.release(object, &Value::object()).await;
    }
}

/// Addresses that were allocated for a Service.
fn addresses_of(s: &Value) -> Vec<IpAddr> {
    if s.get("spec").is_none() || !needs_cluster_ip(s) || headless(s) {
        return Vec::new();
    }
    strings(s, &["spec", "clusterIPs"])
        .into_iter()
        .filter_map(|ip| ip.parse().ok())
        .collect()
}

/// Ports that were allocated for a Service.
fn ports_of(s: &Value) -> Vec<i64> {
    let mut ports: Vec<i64> = s
        .items_at(&["spec", "ports"])
        .iter()
        .filter_map(|p| p.i64_at(&["nodePort"]).filter(|n| *n != 0))
        .collect();
    ports.extend(
        s.i64_at(&["spec", "healthCheckNodePort"])
            .filter(|n| *n != 0),
    );
    ports.sort_unstable();
    ports.dedup();
    ports
}

impl ServiceHooks {
    async fn allocate(
        &self,
        ctx: &Context,
        object: &mut Value,
        old: &Value,
    ) -> Result<Option<Undo>, Status> {
        let ips = self.allocate_addresses(ctx, object, old).await?;
        let ports = match self.allocate_ports(ctx, object, old).await {
            Ok(ports) => ports,
            Err(status) => {
                self.give_back(&ips).await;
                return Err(status);
            }
        };
        if ctx.dry_run || (ips.is_empty() && ports.is_empty()) {
            return Ok(None);
        }
        let (addresses, all_ports) = (self.addresses.clone(), self.ports.clone());
        Ok(Some(Box::new(move || {
            Box::pin(async move {
                for ip in ips {
                    for range in addresses.iter().filter(|r| r.range().contains(&ip)) {
                        range.release(ip).await;
                    }
                }
                let plan = Plan {
                    released: ports,
                    ..Plan::default()
                };
                if let Err(error) = all_ports.apply(&plan, false).await {
                    tracing::warn!(?error, "node ports were not released");
                }
            })
        })))
    }

    async fn give_back(&self, ips: &[IpAddr]) {
        for ip in ips {
            for range in self.addresses.iter().filter(|r| r.range().contains(ip)) {
                range.release(*ip).await;
            }
        }
    }

    /// Returns what was newly taken.
    async fn allocate_addresses(
        &self,
        ctx: &Context,
        object: &mut Value,
        old: &Value,
    ) -> Result<Vec<IpAddr>, Status> {
        if !needs_cluster_ip(object) || headless(object) {
            return Ok(Vec::new());
        }
        let held = addresses_of(old);
        let families: Vec<String> = strings(object, &["spec", "ipFamilies"])
            .into_iter()
            .map(str::to_owned)
            .collect();
        let asked: Vec<String> = strings(object, &["spec", "clusterIPs"])
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut taken = Vec::new();
        let mut all: Vec<Value> = Vec::new();
        for (i, family) in families.iter().enumerate() {
            let ip = asked.get(i).map(String::as_str).unwrap_or_default();
            match self.one_address(ctx, object, family, ip, &held).await {
                Ok((ip, new)) => {
                    if new && !ctx.dry_run {
                        taken.push(ip);
                    }
                    all.push(ip.to_string().into());
                }
                Err(status) => {
                    self.give_back(&taken).await;
                    return Err(status);
                }
            }
        }
        if let Some(first) = all.first().cloned() {
            object.set(&["spec", "clusterIP"], first);
            object.set(&["spec", "clusterIPs"], all);
        }
        Ok(taken)
    }

    /// The address and whether it is newly taken.
    async fn one_address(
        &self,
        ctx: &Context,
        object: &Value,
        family: &str,
        asked: &str,
        held: &[IpAddr],
    ) -> Result<(IpAddr, bool), Status> {
        let name = meta::name(object);
        let owner = Owner {
            namespace: &ctx.namespace,
            name,
        };
        let Some(range) = self.addresses.iter().find(|r| r.family() == family) else {
            return Err(Status::internal(format!(
                "no service range of family {family}"
            )));
        };
        if asked.is_empty() {
            return range
                .take_any(owner, ctx.dry_run)
                .await
                .map(|ip| (ip, true))
                .map_err(|why| address_error(object, None, why));
        }
        let Some(ip) = catena_objects::names::parse_ip_sloppy(asked).map(|ip| ip.addr) else {
            return Err(Status::internal(format!(
                "failed to parse service IP {asked:?}"
            )));
        };
        if held.contains(&ip) {
            return Ok((ip, false));
        }
        match range.take(ip, owner, ctx.dry_run).await {
            Ok(()) => Ok((ip, true)),
            Err(why) => Err(address_error(object, Some(asked), why)),
        }
    }

    /// Returns what was newly taken.
    async fn allocate_ports(
        &self,
        ctx: &Context,
        object: &mut Value,
        old: &Value,
    ) -> Result<Vec<i64>, Status> {
        let held = ports_of(old);
        let wants_nodes = matches!(
            object.str_at(&["spec", "type"]),
            "NodePort" | "LoadBalancer"
        );
        let ports = if wants_nodes {
            object.items_at(&["spec", "ports"]).to_vec()
        } else {
            Vec::new()
        };
        let mut plan = Plan::default();
        let want = |plan: &mut Plan, port: i64| {
            if !held.contains(&port) && !plan.wanted.contains(&port) {
                plan.wanted.push(port);
            }
        };
        // Ports with the same number but another protocol share a node port.
        let mut by_number: Vec<(i64, Option<i64>)> = Vec::new();
        for port in &ports {
            let number = port.i64_at(&["port"]).unwrap_or(0);
            let node = port.i64_at(&["nodePort"]).filter(|n| *n != 0);
            if let Some(n) = node {
                want(&mut plan, n);
            }
            match by_number.iter_mut().find(|(p, _)| *p == number) {
                Some((_, found)) => *found = found.or(node),
                None => by_number.push((number, node)),
            }
        }
        let fill = needs_node_port(object);
        let health = needs_health_check(object);
        let health_port = object
            .i64_at(&["spec", "healthCheckNodePort"])
            .filter(|n| *n != 0);
        if let (true, Some(port)) = (health, health_port) {
            want(&mut plan, port);
        }
        let missing: Vec<i64> = by_number
            .iter()
            .filter(|(_, n)| fill && n.is_none())
            .map(|(p, _)| *p)
            .collect();
        plan.any = missing.len() + usize::from(health && health_port.is_none());
        if plan.wanted.is_empty() && plan.any == 0 && !fill {
            return Ok(Vec::new());
        }
        let mut given = Vec::new();
        if !plan.wanted.is_empty() || plan.any > 0 {
            let answer = self.ports.apply(&plan, ctx.dry_run).await;
            given = answer.map_err(|e| port_error(object, &e))?;
        }
        let taken = plan.wanted.iter().chain(&given).copied().collect();
        let mut free = given.into_iter();
        for (_, node) in by_number
            .iter_mut()
            .filter(|(p, n)| n.is_none() && missing.contains(p))
        {
            *node = free.next();
        }
        if fill {
            set_ports(object, &ports, &by_number);
        }
        if let (true, None, Some(port)) = (health, health_port, free.next()) {
            object.set(&["spec", "healthCheckNodePort"], port);
        }
        Ok(if ctx.dry_run { Vec::new() } else { taken })
    }

    /// Gives back what `before` held and `after` does not.
    async fn release(&self, before: &Value, after: &Value) {
        let kept = addresses_of(after);
        let gone: Vec<IpAddr> = addresses_of(before)
            .into_iter()
            .filter(|ip| !kept.contains(ip))
            .collect();
        self.give_back(&gone).await;
        let kept = ports_of(after);
        let released: Vec<i64> = ports_of(before)
            .into_iter()
            .filter(|p| !kept.contains(p))
            .collect();
        if released.is_empty() {
            return;
        }
        let plan = Plan {
            released,
            ..Plan::default()
        };
        if let Err(error) = self.ports.apply(&plan, false).await {
            tracing::warn!(?error, "node ports were not released");
        }
    }
}

fn set_ports(object: &mut Value, ports: &[Value], by_number: &[(i64, Option<i64>)]) {
    let filled: Vec<Value> = ports
        .iter()
        .map(|port| {
            let mut port = port.clone();
            let number = port.i64_at(&["port"]).unwrap_or(0);
            let node = by_number
                .iter()
                .find(|(p, _)| *p == number)
                .and_then(|(_, n)| *n);
            if let (0, Some(n)) = (port.i64_at(&["nodePort"]).unwrap_or(0), node) {
                port.set(&["nodePort"], n);
            }
            port
        })
        .collect();
    object.set(&["spec", "ports"], filled);
}

fn invalid(object: &Value, error: Error) -> Status {
    Status::invalid("", "Service", meta::name(object), &Errors(vec![error]))
}

fn address_error(object: &Value, asked: Option<&str>, why: Refused) -> Status {
    let name = meta::name(object);
    let text = match (why, asked) {
        (Refused::Failed(status), _) => return status,
        (Refused::Full, _) => {
            return Status::internal(format!(
                "failed to allocate a serviceIP for Service {name:?}: range is full"
            ));
        }
        (Refused::Unavailable(text), Some(ip)) => format!("failed to allocate IP {ip}: {text}"),
        (Refused::Unavailable(text), None) => format!("failed to allocate IP: {text}"),
    };
    let value = object
        .at(&["spec", "clusterIPs"])
        .cloned()
        .unwrap_or_default();
    invalid(
        object,
        Error::invalid(&Path::new("spec").child("clusterIPs"), value, text),
    )
}

fn port_error(object: &Value, error: &PortError) -> Status {
    let text = match &error.why {
        Refused::Failed(status) => return status.clone(),
        Refused::Full => return Status::internal("failed to allocate a nodePort: range is full"),
        Refused::Unavailable(text) => text,
    };
    let Some(port) = error.port else {
        return Status::internal(text);
    };
    let index = object
        .items_at(&["spec", "ports"])
        .iter()
        .position(|p| p.i64_at(&["nodePort"]) == Some(port));
    match index {
        Some(i) => {
            let path = Path::new("spec").child("ports").index(i).child("nodePort");
            invalid(object, Error::invalid(&path, port, text.as_str()))
        }
        None => Status::internal(format!(
            "failed to allocate requested HealthCheck NodePort {port}: {text}"
        )),
    }
}
