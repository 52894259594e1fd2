//! Control groups: a group is made and removed in each hierarchy.

use std::io::ErrorKind;
use std::path::Path;

use isobar_os::cgroup::{CgroupError, Hierarchies, Limits, SandboxGroups};
use isobar_policy::{CgroupFact, CgroupVersion, Controller, Fact, HostFacts};

/// Fills in every controller.
pub(super) fn probe(facts: &mut HostFacts) {
    let hierarchies = Hierarchies::discover().unwrap_or_default();
    for controller in Controller::ALL {
        let directory = hierarchies.directory(controller);
        let fact = match directory {
            None => absent(controller),
            Some(_) => attempt(&hierarchies, controller),
        };
        if controller == Controller::Memory {
            facts.swap_accounting =
                directory.is_some_and(|path| path.join("memory.memsw.limit_in_bytes").exists());
        }
        let version = directory.map(|_| CgroupVersion::V1);
        let directory = directory.map(|path| path.display().to_string()).unwrap_or_default();
        facts.cgroups.insert(controller, CgroupFact { version, directory, fact });
    }
}

fn absent(controller: Controller) -> Fact {
    let name = controller.name();
    let unified =
        ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"]
            .into_iter()
            .any(|path| Path::new(path).exists());
    if unified {
        return Fact::Missing {
            why: format!(
                "no cgroup v1 hierarchy carries {name}, and this build does not use cgroup v2 yet"
            ),
            remedy: "leave the limit out on this host".to_owned(),
        };
    }
    Fact::Missing {
        why: format!("no control group file system carries {name}"),
        remedy: "mount the cgroup file systems below /sys/fs/cgroup".to_owned(),
    }
}

fn attempt(hierarchies: &Hierarchies, controller: Controller) -> Fact {
    let limits = match controller {
        Controller::Memory => Limits { memory_bytes: Some(1 << 30), ..Limits::default() },
        Controller::Pids => Limits { tasks: Some(64), ..Limits::default() },
        Controller::Cpu => Limits { cpu_millis: Some(1000), ..Limits::default() },
        Controller::Cpuacct => Limits { count_cpu: true, ..Limits::default() },
    };
    // The name holds our process number, so two probes at a time do not meet.
    let name = format!("isobar-probe-{}", std::process::id());
    let made = SandboxGroups::make(hierarchies, &name, limits).and_then(|mut groups| {
        groups.all().iter().try_for_each(|group| group.tasks().map(drop))?;
        groups.remove()
    });
    match made {
        Ok(()) => Fact::Works,
        Err(error) => missing(&error),
    }
}

fn missing(error: &CgroupError) -> Fact {
    let read_only = matches!(error, CgroupError::Make { source, .. } if source.kind() == ErrorKind::ReadOnlyFilesystem);
    let why = if read_only {
        format!("the control group file system is read-only: {error}")
    } else {
        crate::errors::error_text(error)
    };
    let remedy = if read_only {
        "mount the cgroup file systems read-write, or run isobar outside that container"
    } else {
        "run isobar as root, or leave the limit out"
    };
    Fact::Missing { why, remedy: remedy.to_owned() }
}
