//! `yum` and `rpm`: which software is installed, and which could be.

use std::fmt::Write;

use crate::transport::Outcome;
use crate::transport::simulated::command::{Progress, Task, complain, not_modelled, print, quiet};
use crate::transport::simulated::world::World;
use crate::transport::simulated::world::read_version;

/// The packages of the storage.
const PACKAGES: [&str; 5] = [
    "pstorage-chunk-server",
    "pstorage-client",
    "pstorage-ctl",
    "pstorage-libs-shared",
    "pstorage-metadata-server",
];

/// Runs `yum [-y] update|check-update|install`.
pub(in crate::transport::simulated) fn run_yum(world: &mut World, task: &Task) -> Progress {
    let arguments = task.arguments();
    let mut words = arguments.iter().filter(|word| !word.starts_with('-'));
    let action = words.next().copied().unwrap_or("");
    let wanted: Vec<&str> = words.copied().collect();
    let installed = read_version(&world.hosts[task.host].installed);
    let is_pending = installed < read_version(&world.available_version)
        && (wanted.is_empty() || wanted.iter().any(|name| PACKAGES.contains(name)));
    let version = world.available_version.clone();
    match action {
        "check-update" if !is_pending => quiet(0),
        "check-update" => Progress::Done(Outcome {
            status: 100,
            output: list_updates(&version),
            errors: String::new(),
        }),
        "update" | "upgrade" if !is_pending => print("No Packages marked for Update\n"),
        "update" | "upgrade" => {
            let is_agreed = arguments.iter().any(|word| matches!(*word, "-y" | "--assumeyes"))
                || task.input.trim_start().starts_with(['y', 'Y']);
            if !is_agreed {
                let output = format!(
                    "{}Is this ok [y/N]: \nExiting on user Command\n",
                    list_updates(&version)
                );
                return Progress::Done(Outcome {
                    status: 1,
                    output,
                    errors: String::new(),
                });
            }
            let output = format!("{}Complete!\n", list_updates(&version));
            world.hosts[task.host].installed = version;
            print(output)
        }
        "install" if wanted.iter().all(|name| PACKAGES.contains(name)) => print("Nothing to do\n"),
        "install" => complain(1, "Error: Nothing to do"),
        "clean" | "makecache" => quiet(0),
        other => not_modelled(&format!("yum {other}")),
    }
}

fn list_updates(version: &str) -> String {
    PACKAGES.iter().fold(String::new(), |mut text, name| {
        let _ = writeln!(
            text,
            "{:<40} {:<20} updates",
            format!("{name}.x86_64"),
            format!("{version}-1")
        );
        text
    })
}

/// Runs `rpm -q [--qf FORMAT] NAME...`.
pub(in crate::transport::simulated) fn run_rpm(world: &mut World, task: &Task) -> Progress {
    let version = &world.hosts[task.host].installed;
    let mut format = "%{NAME}-%{VERSION}-%{RELEASE}.x86_64\\n";
    let mut names = Vec::new();
    let arguments = task.arguments();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--qf" | "--queryformat" => format = rest.next().copied().unwrap_or(""),
            "-qa" => names.extend(PACKAGES),
            option if option.starts_with('-') => {}
            name => names.push(name),
        }
    }
    let mut outcome = Outcome {
        status: 0,
        output: String::new(),
        errors: String::new(),
    };
    for name in names {
        if !PACKAGES.contains(&name) {
            outcome.status += 1;
            let _ = writeln!(outcome.output, "package {name} is not installed");
            continue;
        }
        let line = format
            .replace("%{NAME}", name)
            .replace("%{VERSION}", version)
            .replace("%{RELEASE}", "1");
        outcome.output.push_str(&line.replace("\\n", "\n"));
    }
    Progress::Done(outcome)
}
