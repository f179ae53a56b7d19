//! Projected volumes.

use std::collections::BTreeSet;

use catena_objects::field::Errors;

use super::{
    Opts,
    volumes::{downward_file, key_to_path, local_non_reserved, mode},
};
use crate::rules::At;

/// `validateProjectedVolumeSource`.
pub fn projected(at: &At, opts: Opts, e: &mut Errors) {
    mode(&at.child("defaultMode"), e);
    let mut paths: BTreeSet<String> = BTreeSet::new();
    for s in at.child("sources").items() {
        let mut sources = 0;
        for kind in ["secret", "configMap"] {
            if let Some(p) = s.some(kind) {
                sources += 1;
                p.child("name").need(e);
                for item in p.child("items").items() {
                    key_to_path(&item, e);
                    claim_path(at, item.text("path"), p.text("name"), &mut paths, e);
                }
            }
        }
        if let Some(p) = s.some("downwardAPI") {
            sources += 1;
            for item in p.child("items").items() {
                downward_file(&At::new(item.v, p.path.clone()), e);
                claim_path(at, item.text("path"), item.text("path"), &mut paths, e);
            }
        }
        if let Some(p) = s.some("serviceAccountToken") {
            sources += 1;
            token(at, &p, opts, e);
        }
        if sources > 1 {
            s.forbidden(e, "may not specify more than 1 volume type per source");
        }
    }
}

fn claim_path(at: &At, path: &str, shown: &str, paths: &mut BTreeSet<String>, e: &mut Errors) {
    if !path.is_empty() && !paths.insert(path.to_owned()) {
        at.bad_value(e, shown, "conflicting duplicate paths");
    }
}

fn token(volume: &At, p: &At, opts: Opts, e: &mut Errors) {
    let seconds = p.child("expirationSeconds");
    if p.num("expirationSeconds") < 600 {
        seconds.bad_num(e, "may not specify a duration less than 10 minutes");
    }
    if p.num("expirationSeconds") > 1 << 32 {
        seconds.bad_num(e, "may not specify a duration larger than 2^32 seconds");
    }
    // Go names the volume, not the source.
    let path = At::new(p.child("path").v, volume.path.child("path"));
    if path.str().is_empty() {
        path.required(e, "");
    } else if !opts.non_local_token_path {
        local_non_reserved(&path, e);
    }
}
