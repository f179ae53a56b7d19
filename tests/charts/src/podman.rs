//! Images by `deploy/images/build.sh`, containers by podman.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use catena_tests_it::has;
use serde_json::Value;

use crate::root;

/// Images and containers in a directory of their own.
pub struct Podman {
    dir: tempfile::TempDir,
}

/// Builds the image of all processes from the binary that is tested; its digest.
///
/// # Panics
/// When the script fails.
pub fn build(out: &Path) -> String {
    let binary = catena_tests_it::binary();
    let built = Command::new("sh")
        .arg(root().join("deploy/images/build.sh"))
        .arg("catena")
        .env("OUT", out)
        .env("BINARIES", binary.parent().expect("a folder"))
        .output()
        .expect("sh runs");
    crate::text(built, &["build.sh"]);
    let digests = fs::read_to_string(out.join("digests")).expect("digests");
    let digest = digests.split(' ').next().expect("a digest");
    digest.to_owned()
}

impl Podman {
    /// None, with the reason told, where containers do not run.
    pub fn find() -> Option<Self> {
        let id = Command::new("id").arg("-u").output().ok()?;
        if id.stdout != b"0\n" {
            println!("skipped: containers with volumes of a test need root");
            return None;
        }
        (has("podman") && has("buildah") && has("strip")).then(|| Self {
            dir: tempfile::tempdir().expect("a directory"),
        })
    }

    fn command(&self) -> Command {
        let path = |name: &str| self.dir.path().join(name);
        let mut command = Command::new("podman");
        command
            .arg("--root")
            .arg(path("root"))
            .arg("--runroot")
            .arg(path("run"))
            .arg("--tmpdir")
            .arg(path("tmp"))
            .args(["--cgroup-manager=cgroupfs", "--events-backend=none"]);
        // crun does not run where both versions of cgroups are mounted.
        let runc = ["/usr/sbin/runc", "/usr/bin/runc"].into_iter();
        if let Some(runc) = runc.map(PathBuf::from).find(|p| p.exists()) {
            command.arg("--runtime").arg(runc);
        }
        command
    }

    /// Output of a command of podman.
    ///
    /// # Panics
    /// When podman is not there.
    pub fn ask(&self, args: &[&str]) -> Output {
        self.command().args(args).output().expect("podman runs")
    }

    /// Loads an archive and runs something short in it; false, with the reason
    /// told, where that is not allowed.
    pub fn load(&self, archive: &Path, image: &str) -> bool {
        let loaded = self.ask(&["load", "--input", &archive.display().to_string()]);
        let ran = self
            .command()
            .args(["run", "--rm", "--pull=never", "--network=host"])
            .args(LIMITS)
            .args([image, "--version"])
            .output()
            .expect("podman runs");
        if !loaded.status.success() || !ran.status.success() {
            let why = [loaded.stderr, ran.stderr].concat();
            let why = String::from_utf8_lossy(&why).into_owned();
            println!("skipped: containers do not run here: {why}");
            return false;
        }
        true
    }

    /// `podman run` as the manifest wants it; arguments may follow.
    pub(crate) fn run(&self, name: &str, spec: &Value, mounts: &[(PathBuf, String)]) -> Command {
        let container = &spec["containers"][0];
        let (pod, own) = (&spec["securityContext"], &container["securityContext"]);
        let mut command = self.command();
        command
            .args(["run", "--rm", "--pull=never", "--network=host"])
            .args(LIMITS)
            .args(["--name", name])
            .stdin(Stdio::null());
        command
            .arg("--user")
            .arg(format!("{}:{}", pod["runAsUser"], pod["runAsGroup"]));
        if own["readOnlyRootFilesystem"] == true {
            command.args(["--read-only", "--read-only-tmpfs=false"]);
        }
        if own["allowPrivilegeEscalation"] == false {
            command.arg("--security-opt=no-new-privileges");
        }
        for capability in own["capabilities"]["drop"].as_array().into_iter().flatten() {
            command.arg(format!(
                "--cap-drop={}",
                capability.as_str().expect("a name")
            ));
        }
        for (here, there) in mounts {
            // What fsGroup does.
            let _ = fs::set_permissions(here, fs::Permissions::from_mode(0o777));
            command.arg(format!("--volume={}:{there}", here.display()));
        }
        // "command" of the manifest is the entry point of podman.
        command.arg("--entrypoint=[]");
        let image = container["image"].as_str().expect("an image");
        command.arg(format!("docker.io/library/{image}"));
        command
    }

    pub(crate) fn remove(&self, name: &str) {
        let _ = self.ask(&["rm", "--force", "--time=0", name]);
    }
}

/// Podman's own limits are above what a machine may allow.
const LIMITS: [&str; 2] = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
