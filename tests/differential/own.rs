//! The comparison itself, tried on scripts written by hand.

use libtest_mimic::Trial;
use quorate::transport::Answer;
use quorate::transport::simulated::CommandFault;

use crate::case::{Case, compare};
use crate::door::{Mishap, PlannedFault};
use crate::person::Said;

/// The shells in which each script does the same.
const SHELLS: [&str; 3] = ["dash", "bash", "busybox sh"];

/// What each script begins with: a command on a node, told apart by how it ended.
const PRELUDE: &str = r#"
log=$TMPDIR/log.$$
# Carries out $3 on node $1 within $2 seconds; `said` is its output. 0: it ran, 5: unreachable, 6: unknown.
on_node() {
    own=$TMPDIR/log.$1
    rm -f "$own"
    said=$(timeout "$2" ssh -v -n -E "$own" -o BatchMode=yes "$1" "$3" </dev/null)
    status=$?
    grep -q '^debug1: Exit status' "$own" && return 0
    grep -q '^Authenticated to' "$own" && return 6
    return 5
}
why() { grep -v '^debug1: ' "$own" | tail -n 1; }
# A run compares the members of each service with the inventory before anything else.
on_node node1 20 'pstorage -q -c pcs1 stat'
"#;

/// A runbook, a script, what goes wrong, and what must be told of the difference.
#[derive(Clone, Copy)]
struct Sample {
    name: &'static str,
    shape: &'static str,
    given: &'static [(&'static str, &'static str)],
    runbook: &'static str,
    script: &'static str,
    faults: fn() -> Vec<PlannedFault>,
    said: fn() -> Said,
    told: &'static [&'static str],
}

const NOTHING: Sample = Sample {
    name: "",
    shape: "",
    given: &[],
    runbook: "",
    script: "",
    faults: Vec::new,
    said: Said::new,
    told: &[],
};

/// All cases, each in every shell.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for sample in samples() {
        for shell in SHELLS {
            let name = format!("own::{} [{shell}]", sample.name);
            trials.push(Trial::test(name, move || sample.check(shell).map_err(Into::into)));
        }
    }
    trials
}

impl Sample {
    fn check(&self, shell: &str) -> Result<(), String> {
        let script = format!("{PRELUDE}\n{}", self.script);
        let faults = (self.faults)();
        let case = Case {
            shape: self.shape,
            name: "own.runbook",
            runbook: self.runbook,
            given: self.given,
            faults: &faults,
            said: (self.said)(),
            shell,
            script: &script,
            ..Case::default()
        };
        match compare(&case) {
            Ok(()) if self.told.is_empty() => Ok(()),
            Ok(()) => Err(format!("no difference is found; it should be: {:?}", self.told)),
            Err(found) if self.told.is_empty() => Err(found),
            Err(found) => match self.told.iter().find(|told| !found.contains(**told)) {
                None => Ok(()),
                Some(told) => Err(format!("`{told}` is not among the differences:\n{found}")),
            },
        }
    }
}

fn samples() -> [Sample; 11] {
    [
        Sample {
            name: "one node after the other",
            runbook: "runbook a\non node[1-3] serially < run \"touch /tmp/a\"; probe \"test -e /tmp/a\" >\n",
            script: r#"
for node in node1 node2 node3; do
    on_node "$node" 300 'touch /tmp/a' || exit
    on_node "$node" 30 'test -e /tmp/a' || exit
done
"#,
            ..NOTHING
        },
        Sample {
            name: "in parallel, each with its wait",
            runbook: "runbook a\non node[1-3] in parallel <\n  run \"sleep 4\"\n  run \"touch /tmp/a\"\n  \
                      wait up to 1m until (succeeds \"test -e /tmp/a\") holding 12s\n>\n\
                      on node4 < run \"touch /tmp/b\" >\n",
            script: r#"
branch() {
    on_node "$1" 300 'sleep 4' || exit
    on_node "$1" 300 'touch /tmp/a' || exit
    since=
    while :; do
        on_node "$1" 30 'test -e /tmp/a' || exit
        now=$(date +%s)
        if [ "$status" -eq 0 ]; then
            since=${since:-$now}
            [ $((now - since)) -ge 12 ] && exit 0
        fi
        sleep 5
    done
}
for node in node1 node2 node3; do branch "$node" & done
wait
on_node node4 300 'touch /tmp/b'
"#,
            ..NOTHING
        },
        Sample {
            name: "a failing command",
            runbook: "runbook a\non node1 < run \"false\"; run \"touch /tmp/never\" >\n",
            script: r#"
on_node node1 300 false
echo "quorate: \`false\` ended with
    status $status" >&2
exit 1
"#,
            ..NOTHING
        },
        Sample {
            name: "a node that is not there",
            shape: "[[state]]\nnode = \"node2\"\npower = \"off\"\n",
            runbook: "runbook a\non node[1-2] serially < run \"touch /tmp/a\" >\n",
            script: r#"
on_node node1 300 'touch /tmp/a' || exit 99
on_node node2 300 'touch /tmp/a'
[ $? -eq 5 ] || exit 98
echo "\`touch /tmp/a\` was not started: node2 could not be reached: $(why)" >&2
exit 5
"#,
            ..NOTHING
        },
        Sample {
            name: "no connection, once",
            runbook: "runbook a\non node1 < try < run \"touch /tmp/a\" > else < run \"touch /tmp/b\" > >\n",
            faults: || {
                vec![PlannedFault {
                    node: "node1".to_owned(),
                    command: "touch /tmp/a".to_owned(),
                    occurrence: 1,
                    what: Mishap::Unreachable,
                }]
            },
            script: r#"
on_node node1 300 'touch /tmp/a'
[ $? -eq 5 ] || exit 99
on_node node1 300 'touch /tmp/b'
"#,
            ..NOTHING
        },
        Sample {
            name: "a command that hangs and a lost connection",
            runbook: "runbook a\non node1 < try < probe \"uptime\" limit=7s > else < run \"touch /tmp/b\" > >\n",
            faults: || {
                let fault = |command: &str, what| PlannedFault {
                    node: "node1".to_owned(),
                    command: command.to_owned(),
                    occurrence: 1,
                    what: Mishap::Command(what),
                };
                vec![
                    fault("uptime", CommandFault::Hangs),
                    fault("touch /tmp/b", CommandFault::ConnectionLostAfter),
                ]
            },
            script: r#"
on_node node1 7 'uptime'
[ $? -eq 6 ] && [ "$status" -eq 124 ] || exit 99
on_node node1 300 'touch /tmp/b'
[ $? -eq 6 ] && [ "$status" -eq 255 ] || exit 98
echo "\`touch /tmp/b\` may or may not have happened on node1: $(why)" >&2
exit 6
"#,
            ..NOTHING
        },
        Sample {
            name: "a person says later",
            runbook: "runbook a\non node1 < run \"touch /tmp/a\" >\nconfirm \"Ready?\" as ready\nmanual \"Replace the switch.\" as switch\nnote \"x\"\n",
            said: || Said::from([("switch".to_owned(), Answer::Park)]),
            script: r#"
on_node node1 300 'touch /tmp/a' || exit
[ "$("$QUORATE_ASK" confirm ready '' 'Ready?')" = yes ] || exit 8
case $("$QUORATE_ASK" manual switch '' 'Replace the switch.') in
    later) echo 'parked: Replace the switch.' >&2; exit 9 ;;
esac
"#,
            ..NOTHING
        },
        Sample {
            name: "as root, locally, and with input",
            given: &[("key", "a b")],
            runbook: "runbook a\nparam key: secret\non node1 serially, as root < run \"touch /tmp/a\" >\n\
                      locally < run \"touch /tmp/b\" >\non node2 < run \"cat > /tmp/c\" input=$key >\n\
                      on node2 < probe \"cat /tmp/c\" expect=/a b/ >\n",
            script: r#"
on_node node1 300 "sudo -n sh -c 'touch /tmp/a'" || exit
timeout 300 sh -c 'touch /tmp/b' </dev/null || exit
printf 'a b' | timeout 300 ssh -v -E "$log" node2 'cat > /tmp/c' || exit
on_node node2 30 'cat /tmp/c' || exit
[ "$said" = 'a b' ]
"#,
            ..NOTHING
        },
        Sample {
            name: "a difference in commands is found",
            runbook: "runbook a\non node1 < run \"touch /tmp/a\" >\n",
            script: "on_node node1 300 'touch /tmp/b'\n",
            told: &["on node1 the commands part after 1 (of 2 and 2)"],
            ..NOTHING
        },
        Sample {
            name: "a missing barrier is found",
            runbook: "runbook a\non node[1-2] serially < run \"sleep 4\" >\n",
            script: "for node in node1 node2; do on_node \"$node\" 300 'sleep 4' & done\nwait\n",
            told: &["`sleep 4` on node1 ends before `sleep 4` on node2 begins"],
            ..NOTHING
        },
        Sample {
            name: "a state, a code and a message that differ are found",
            runbook: "runbook a\non node1 < reboot >\nfail \"for a reason\"\n",
            script: "on_node node1 300 'service vz stop'\n",
            told: &[
                "exit code: 1 and 0",
                "the script does not say: for a reason",
                "in the end boots of node1: 2; after the script: 1",
                "in the end vz runs on node1: true; after the script: false",
            ],
            ..NOTHING
        },
    ]
}
