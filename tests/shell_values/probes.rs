//! Probes: needs are written down, and answers read.

use std::path::Path;

use quorate::evaluate::{Frame, Place, Reply, Stop};
use quorate::expand::export_value;
use quorate::syntax::{Expression, Test};

use crate::awk::{AWKS, Case, run_awk};
use crate::world::{World, encode_result, parse};

/// How a command may be answered.
fn replies() -> Vec<Reply> {
    let ran = |status, output: &str, errors: &str| Reply::Ran {
        status,
        output: output.to_owned(),
        errors: errors.to_owned(),
    };
    vec![
        ran(0, "a\nb\n\n", ""),
        ran(0, "", ""),
        ran(1, "x", "no such\nfile \n\n"),
        ran(5, "x\n", " \n"),
        ran(255, "", "Connection refused"),
        Reply::Silent("no route to host".to_owned()),
    ]
}

/// Asks for the same things in awk and in the interpreter, which must say the same before and
/// after there is an answer.
pub fn check_probes(place: &str, at: Place) {
    for reply in replies() {
        let mut world = World::new();
        let frame = Frame {
            place: at.clone(),
            ..Frame::default()
        };
        let asked = [
            ("probe_value", r#"probe "cat 'x y'""#, r#""ccat 'x y'", "", "0""#),
            (
                "probe_value",
                r#"probe "cat" limit=1500ms ok=[0 1]"#,
                r#""ccat", "d1500", statuses("L\036i0\036i1")"#,
            ),
            (
                "probe_value",
                r#"probe "cat" expect=/^x/ ok=[0 1]"#,
                r#""ccat", "", statuses("L\036i0\036i1"), "x^x""#,
            ),
            (
                "probe_value",
                r#"probe "cat" expect=/a$/"#,
                r#""ccat", "", "0", "xa$""#,
            ),
            (
                "succeeds",
                r#"(succeeds "test -e x")"#,
                r#""ctest -e x", "", "1""#,
            ),
            (
                "succeeds",
                r#"(succeeds "test -e x" no=[5])"#,
                r#""ctest -e x", "", "5""#,
            ),
        ];
        let cases = |world: &World| -> Vec<Case> {
            let case = |(function, text, arguments): &(&str, &str, &str)| {
                let wanted = world.context().evaluate(&frame, &parse(text).expect(text));
                Case::new(
                    format!("{function}(\"{place}\", {arguments})"),
                    encode_result(wanted),
                )
            };
            asked.iter().map(case).collect()
        };
        let before = cases(&world);
        for (_, text, _) in &asked {
            let written = parse(text).expect(text);
            if let Err(Stop::Need(asks)) = world.context().evaluate(&frame, &written) {
                asks.iter()
                    .for_each(|ask| world.measured.insert(ask, reply.clone()));
            }
        }
        let mut after = cases(&world);
        after.extend(explain(&world, &frame, place));
        for awk in AWKS {
            let folder = tempfile::tempdir().expect("a folder can be made");
            compare(awk, folder.path(), &before);
            answer_all(folder.path(), place, &reply);
            compare(awk, folder.path(), &after);
        }
    }
}

/// Why a command that succeeds or not does not hold.
fn explain(world: &World, frame: &Frame, place: &str) -> Option<Case> {
    let condition = parse(r#"(succeeds "test -e x" no=[1 5])"#)?;
    let Expression::Group(inner) = condition.node else {
        return None;
    };
    let test = quorate::diagnostic::Spanned::new(Test::Condition(inner), condition.span);
    let judged = world.context().judge(frame, &test).ok()?;
    let explained = format!("explain_status(\"{place}\", \"ctest -e x\", \"\")");
    (judged.truth.known() == Some(false)).then(|| Case::new(explained, format!("t{}", judged.reason)))
}

fn compare(awk: &[&str], folder: &Path, cases: &[Case]) {
    let found = run_awk(awk, folder, cases).unwrap_or_else(|error| panic!("{error}"));
    for (case, found) in cases.iter().zip(&found) {
        assert_eq!(*found, export_value(&case.wanted), "{awk:?}: {}", case.expression);
    }
}

/// Writes the same answer to everything that was asked.
fn answer_all(folder: &Path, place: &str, reply: &Reply) {
    let write = |name: String, text: &str| {
        std::fs::write(folder.join(name), text).expect("the folder can be written")
    };
    let mut asked = Vec::new();
    for number in 1.. {
        let Ok(ask) = std::fs::read_to_string(folder.join(format!("{number}.ask"))) else {
            break;
        };
        asked.push(ask);
        match reply {
            Reply::Ran {
                status,
                output,
                errors,
            } => {
                write(format!("{number}.status"), &format!("{status}\n"));
                write(format!("{number}.out"), output);
                write(format!("{number}.err"), errors);
            }
            Reply::Silent(why) => write(format!("{number}.status"), &format!("silent {why}\n")),
        }
    }
    let wanted = [
        ("30", "cat 'x y'"),
        ("2", "cat"),
        ("30", "cat"),
        ("30", "test -e x"),
    ];
    let wanted: Vec<String> = wanted
        .iter()
        .map(|(limit, command)| format!("{place}\n{limit}\n{command}\n"))
        .collect();
    assert_eq!(asked, if place.is_empty() { Vec::new() } else { wanted });
}

#[test]
fn groups_are_read_as_this_run_changed_them() {
    for awk in AWKS {
        let folder = tempfile::tempdir().expect("a folder can be made");
        std::fs::write(folder.path().join("group.mds"), "node10\nnode2\n")
            .expect("the folder can be written");
        let cases = [
            Case::new(r#"group("mds")"#, "Nnode2 node10"),
            Case::new(r#"group("rack1")"#, "Nn01-ib0 node1"),
            Case::new(r#"group("none")"#, "N"),
            Case::new(r#"group("nobody")"#, ""),
            Case::new(r#"expand_nodes("@mds,node1")"#, "Nnode1 node2 node10"),
            Case::new(
                r#"node_variable("node4", "rack") has_variable("rack") has_variable("x")"#,
                "tr110",
            ),
        ];
        compare(awk, folder.path(), &cases);
    }
}
