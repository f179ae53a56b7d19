//! Descriptions.

use catena_proto::delegate::v1 as pb;

use crate::{Description, GroupVersion};

pub(crate) fn description_to(d: Description) -> pb::Description {
    pb::Description {
        name: d.name,
        prefixes: d.prefixes,
        paths: d.paths,
        groups: d.groups.into_iter().map(group_to).collect(),
        checks: d
            .checks
            .into_iter()
            .map(|(name, error)| pb::Check { name, error })
            .collect(),
        ready: d.ready,
    }
}

pub(crate) fn description_from(d: pb::Description) -> Description {
    Description {
        name: d.name,
        prefixes: d.prefixes,
        paths: d.paths,
        groups: d.groups.into_iter().map(group_from).collect(),
        checks: d.checks.into_iter().map(|c| (c.name, c.error)).collect(),
        ready: d.ready,
    }
}

fn group_to(g: GroupVersion) -> pb::GroupVersion {
    pb::GroupVersion {
        group: g.group,
        version: g.version,
        resources: g.resources,
        aggregated: g.aggregated,
        openapi_etag: g.openapi_etag,
        group_priority: g.group_priority,
        version_priority: g.version_priority,
    }
}

fn group_from(g: pb::GroupVersion) -> GroupVersion {
    GroupVersion {
        group: g.group,
        version: g.version,
        resources: g.resources,
        aggregated: g.aggregated,
        openapi_etag: g.openapi_etag,
        group_priority: g.group_priority,
        version_priority: g.version_priority,
    }
}
