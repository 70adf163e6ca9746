//! What holds of an expansion beside doing the same: shellcheck has nothing to say, the comparison sees a
//! guard that is wrong, a value arrives as it is, and it shows the commands of the dry run.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use quorate::journal::Happening;
use quorate::run::{RunOptions, World, run_plan};

use crate::case::{Case, compare_prepared};
use crate::door::Door;
use crate::expanded::{Run, expand, runs_of_shipped_runbooks};
use crate::interpreter::{Listener, Prepared};
use crate::person::Witness;

/// How the majority is counted in the expansion of the guard `quorum`, and a wrong way.
const RIGHT_SUM: &str = "majority = plus(divided(configured, \"i2\"), \"i1\")";
const WRONG_SUM: &str = "majority = divided(configured, \"i2\")";

/// All of these.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("properties::a wrong sum in a guard is found", find_wrong_sum),
        Trial::test("properties::the dry run shows the same commands", compare_dry_run),
    ];
    for run in runs_of_shipped_runbooks() {
        for fold in [false, true] {
            let run = run.clone();
            let folded = if fold { " folded" } else { "" };
            let name = format!("properties::shellcheck {}{folded}", run.name);
            trials.push(Trial::test(name, move || check_shell(&run, fold)));
        }
    }
    for shell in ["dash", "bash", "busybox sh"] {
        let name = format!("properties::a value is one word through all layers [{shell}]");
        trials.push(Trial::test(name, move || pass_values(shell)));
    }
    trials
}

fn check_shell(run: &Run, fold: bool) -> Result<(), Failed> {
    let (prepared, name, given) = run.prepare()?;
    let script = expand(&prepared, &name, given, &run.overrides, fold)?;
    for word in ["shellcheck disable", "set -e"] {
        if script.contains(word) {
            return Err(format!("`{word}` is in it").into());
        }
    }
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &script)?;
    let output = Command::new("shellcheck")
        .args(["-s", "sh"])
        .arg(file.path())
        .output()
        .map_err(|why| format!("shellcheck: {why}; tests/prepare installs it"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stdout).into_owned().into()),
    }
}

/// A guard whose arithmetic is altered in the expansion only: the comparison must notice.
fn find_wrong_sum() -> Result<(), Failed> {
    let shape: String = ["node3", "node4"]
        .map(|node| format!("[[state]]\nnode = \"{node}\"\nservice = \"pstorage-mdsd\"\nis = \"stopped\"\n"))
        .concat();
    let text = "runbook a\nrequire quorum losing=node1\non node1 < run \"touch /tmp/a\" >\n";
    let prepared = Prepared::new(&shape, "a.runbook", text, &[])?;
    let script = expand(&prepared, "a.runbook", BTreeMap::new(), &[], false)?;
    if !script.contains(RIGHT_SUM) {
        return Err(format!("`{RIGHT_SUM}` is not in the script").into());
    }
    let altered = script.replace(RIGHT_SUM, WRONG_SUM);
    let case = |script| Case {
        shape: &shape,
        name: "a.runbook",
        runbook: text,
        shell: "dash",
        script,
        ..Case::default()
    };
    let differences = compare_prepared(&case(&script), &prepared)?;
    if !differences.is_empty() {
        return Err(differences.join("\n").into());
    }
    let found = compare_prepared(&case(&altered), &prepared)?.join("\n");
    match found.contains("exit code: 4 and 0") && found.contains("touch /tmp/a") {
        true => Ok(()),
        false => Err(format!("it is not found: {found}").into()),
    }
}

/// The commands that the dry run holds back, and those that stand in the script, in their order.
fn compare_dry_run() -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/network-maintenance.runbook");
    let text = std::fs::read_to_string(path)?;
    let prepared = Prepared::new("", "a.runbook", &text, &[])?;
    let script = expand(&prepared, "a.runbook", BTreeMap::new(), &[], false)?;
    let (_, steps) = script.split_once("\nrunbook() {\n").ok_or("it has no steps")?;
    let (steps, _) = steps.split_once("\n}\n").ok_or("its steps have no end")?;
    let written: Vec<String> = steps
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ssh "))
        .map(str::to_owned)
        .collect();

    let cluster = prepared.cluster();
    let door = Door::new(&cluster, &[]);
    let (clock, person) = (cluster.clock(), Witness::new(&cluster, &Default::default()));
    let world = World {
        transport: &door,
        clock: &clock,
        person: &person,
    };
    let options = RunOptions {
        dry_run: true,
        ..RunOptions::default()
    };
    let mut listener = Listener::new(&door);
    cluster.block_on(run_plan(&prepared.plan, world, &options, &mut listener));
    let held_back = listener.events.iter().filter_map(|event| match &event.what {
        Happening::HeldBack { place, command, .. } => {
            let (node, command) = (place.node.as_ref()?, command.as_ref()?);
            Some(format!("{node} '{command}'"))
        }
        _ => None,
    });
    let held_back: Vec<String> = held_back.collect();
    if held_back.len() < 30 {
        return Err(format!("the dry run holds only {} commands back", held_back.len()).into());
    }
    // Nodes of a parallel `on` take turns in the dry run, and are written one after the other.
    let of_node = |all: &[String], node: &str| -> Vec<String> {
        let is_its = |line: &&String| line.split(' ').next() == Some(node);
        all.iter().filter(is_its).cloned().collect()
    };
    for node in prepared.plan.inventory.nodes() {
        let node = node.name.to_string();
        let (left, right) = (of_node(&held_back, &node), of_node(&written, &node));
        if left != right {
            return Err(format!("{node}: the dry run has {left:#?}, the script {right:#?}").into());
        }
    }
    Ok(())
}

/// Values that would do harm if a layer of quoting were missing.
fn hostile_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "it's",
        "\"double\" and 'single'",
        "$(touch /tmp/harm) `touch /tmp/harm` $HOME ${x}",
        "a\\b\\\\c \\n \\' \\\"",
        "-n",
        "--help",
        "Größe ☃ 日本",
        "*? [a-z] ~ ; & | > < ( ) { } # !",
        "two\nlines\n\nand 'more'",
        "\ttab and  blanks ",
        "'\\''",
        "!x",
        "%s %d",
    ]
    .map(str::to_owned)
    .to_vec();
    // Linux takes 128 KiB as one word of a command; each quote becomes many on the way.
    values.push(format!("it's $(x) \"{}\\", "y $ ".repeat(25_000)));
    values
}

/// Real shells as the remote side: sh, ssh, the shell there, sudo, and its shell.
fn pass_values(shell: &str) -> Result<(), Failed> {
    let text = "runbook a\nparam value: string\nparam file: path\n\
                on node1 serially, as root < run \"printf '%s' $value > $file\" >\n\
                on node1 < run \"printf '%s' $value >> $file\" >\n";
    let folder = tempfile::tempdir()?;
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs)?;
    for (name, body) in [
        (
            "ssh",
            "#!/bin/sh\nwhile [ \"$#\" -gt 1 ]; do shift; done\nexec sh -c \"$1\"\n",
        ),
        (
            "sudo",
            "#!/bin/sh\n[ \"$1\" = -n ] || exit 97\nshift\nexec \"$@\"\n",
        ),
    ] {
        let path = programs.join(name);
        std::fs::write(&path, body)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    let old = std::env::var("PATH")?;
    let file = folder.path().join("it's here").display().to_string();
    for value in hostile_values() {
        let given = [("value", value.as_str()), ("file", file.as_str())];
        let prepared = Prepared::new("", "a.runbook", text, &given)?;
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let script = expand(&prepared, "a.runbook", BTreeMap::from(given), &[], false)?;
        let path = folder.path().join("script");
        std::fs::write(&path, &script)?;
        let mut words = shell.split(' ');
        let output = Command::new(words.next().ok_or("it has a name")?)
            .args(words)
            .arg(&path)
            .env("PATH", format!("{}:{old}", programs.display()))
            .env("TMPDIR", folder.path())
            .output()?;
        let found = std::fs::read(&file).unwrap_or_default();
        let wanted = value.repeat(2);
        if !output.status.success() || found != wanted.as_bytes() {
            let start: String = value.chars().take(60).collect();
            return Err(format!(
                "`{start}` did not arrive: {} bytes of {}; {}\n{}",
                found.len(),
                wanted.len(),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            )
            .into());
        }
    }
    Ok(())
}
