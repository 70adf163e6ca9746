use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use duct::{Expression, Handle, cmd};

use super::capture::Capture;
use super::tee::TeedStream;
use super::{Outcome, Request, Tee, Transport, TransportError};
use crate::inventory::NodeName;
use crate::value::{as_root_text, write_duration};

/// How long to wait for the rest of the output once the command has ended: what it left
/// running in the background may hold the stream open for ever.
const DRAIN_TIME: Duration = Duration::from_millis(500);

/// Carries commands out on this machine, each in a process group of its own.
pub struct LocalTransport {
    names: Vec<String>,
    is_root: bool,
    tee: Arc<Tee>,
}

/// Who runs this program, and where: `root@admin1 (sudo by ann)`.
pub fn name_user() -> String {
    let (user, machine) = (ask("id", "-un"), ask("uname", "-n"));
    match std::env::var("SUDO_USER") {
        Ok(person) if !person.is_empty() && person != user => format!("{user}@{machine} (sudo by {person})"),
        _ => format!("{user}@{machine}"),
    }
}

/// What a program of this machine says; nothing when it does not.
fn ask(program: &str, argument: &str) -> String {
    cmd!(program, argument)
        .stderr_null()
        .unchecked()
        .read()
        .unwrap_or_default()
}

impl LocalTransport {
    /// Learns this machine's name and who the user is; output goes through `tee`.
    pub fn new(tee: Arc<Tee>) -> Self {
        let full = ask("uname", "-n");
        let short = full.split('.').next().unwrap_or("").to_owned();
        let mut names = vec!["localhost".to_owned(), full, short];
        names.retain(|name| !name.is_empty());
        LocalTransport {
            names,
            is_root: ask("id", "-u") == "0",
            tee,
        }
    }

    /// Whether a node is this machine, by its name.
    pub fn is_here(&self, node: &NodeName) -> bool {
        self.names.iter().any(|name| name == node.as_str())
    }

    fn text_of(&self, request: &Request) -> String {
        let text = request.command.as_str();
        if request.as_root && !self.is_root {
            return as_root_text(text);
        }
        text.to_owned()
    }

    /// Carries a command out on this machine, whatever its node is called.
    ///
    /// # Errors
    ///
    /// As [`Transport::carry_out`].
    pub(super) async fn carry_out_here(&self, request: &Request) -> Result<Outcome, TransportError> {
        let text = self.text_of(request);
        let input = request
            .input
            .as_ref()
            .map(|secret| secret.reveal().as_bytes().to_vec());
        let limit = request.limit;
        let group = Arc::new(Group::default());
        let guard = GroupGuard(Arc::clone(&group));
        let stream = || Capture::new(TeedStream::new(&self.tee, request.node.as_ref()));
        let streams = [stream(), stream()];
        let run = move || run_text(&text, input, streams, limit, &group);
        let ended = tokio::task::spawn_blocking(run).await;
        drop(guard);
        let here = || "this machine".to_owned();
        match ended {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(Ending::NotStarted(why))) => Err(TransportError::Unreachable {
                node: here(),
                why: why.to_string(),
            }),
            Ok(Err(Ending::TookTooLong)) => {
                let why = format!("it took longer than {}", write_duration(limit));
                Err(TransportError::Unknown {
                    node: here(),
                    why,
                    is_late: true,
                })
            }
            Ok(Err(Ending::Lost(why))) => Err(TransportError::Unknown {
                node: here(),
                why: why.to_string(),
                is_late: false,
            }),
            Err(why) => Err(TransportError::Unknown {
                node: here(),
                why: why.to_string(),
                is_late: false,
            }),
        }
    }
}

#[async_trait(?Send)]
impl Transport for LocalTransport {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        if let Some(node) = &request.node
            && !self.is_here(node)
        {
            let why = "it is another machine".to_owned();
            return Err(TransportError::Unreachable {
                node: node.to_string(),
                why,
            });
        }
        self.carry_out_here(request).await
    }
}

/// Why a command has no outcome.
enum Ending {
    NotStarted(io::Error),
    TookTooLong,
    Lost(io::Error),
}

/// The process group of a running command; none before it started and after it ended.
#[derive(Default)]
struct Group(Mutex<Option<u32>>);

impl Group {
    fn set(&self, leader: Option<u32>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = leader;
    }

    fn kill(&self) {
        let leader = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(leader) = leader {
            // The group may be gone already, which is what is wanted.
            let _ = cmd!("kill", "-KILL", "--", format!("-{leader}"))
                .stderr_null()
                .unchecked()
                .run();
        }
    }
}

/// Kills the group when the one who waits for it gives up.
struct GroupGuard(Arc<Group>);

impl Drop for GroupGuard {
    fn drop(&mut self) {
        self.0.kill();
    }
}

fn run_text(
    text: &str,
    input: Option<Vec<u8>>,
    [output_kept, errors_kept]: [Capture; 2],
    limit: Duration,
    group: &Group,
) -> Result<Outcome, Ending> {
    let deadline = Instant::now() + limit;
    let (output, output_end) = io::pipe().map_err(Ending::NotStarted)?;
    let (errors, errors_end) = io::pipe().map_err(Ending::NotStarted)?;
    let input = input.map(pass_in).transpose().map_err(Ending::NotStarted)?;
    let command = build_command(text, input, output_end, errors_end);
    let handle = command.start().map_err(Ending::NotStarted)?;
    // The expression holds the writing ends of the pipes, which would never close.
    drop(command);
    group.set(handle.pids().first().copied());
    let (output, errors) = (
        Stream::read(output, output_kept),
        Stream::read(errors, errors_kept),
    );
    let status = wait_until(&handle, deadline);
    if matches!(status, Ok(None)) {
        group.kill();
        // It was killed, so that it is reaped at once.
        let _ = handle.wait();
        return Err(Ending::TookTooLong);
    }
    group.set(None);
    drop(handle);
    let status = status.map_err(Ending::Lost)?.unwrap_or_default();
    Ok(Outcome {
        status: number_status(status),
        output: output.finish(),
        errors: errors.finish(),
    })
}

/// Puts the command together; each intermediate expression holds the pipes and must not outlive this.
fn build_command(
    text: &str,
    input: Option<PipeReader>,
    output: PipeWriter,
    errors: PipeWriter,
) -> Expression {
    let command = cmd!("sh", "-c", text)
        .stdout_file(output)
        .stderr_file(errors)
        .unchecked();
    let command = match input {
        Some(reader) => command.stdin_file(reader),
        None => command.stdin_null(),
    };
    command.before_spawn(|command| {
        command.process_group(0);
        Ok(())
    })
}

/// A pipe that gives bytes to whoever reads it, written by a thread that nobody waits for: a
/// process that a command left running may never read them.
fn pass_in(bytes: Vec<u8>) -> io::Result<PipeReader> {
    let (reader, mut writer) = io::pipe()?;
    std::thread::spawn(move || {
        // A command that does not read all of it has closed the pipe.
        let _ = io::Write::write_all(&mut writer, &bytes);
    });
    Ok(reader)
}

fn wait_until(handle: &Handle, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    Ok(handle.wait_deadline(deadline)?.map(|output| output.status))
}

/// The status as a shell tells it: 128 and the signal for a command that a signal ended.
fn number_status(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// A stream that is read to its end in a thread of its own, and kept up to a limit.
struct Stream {
    kept: Arc<Mutex<Capture>>,
    is_done: Receiver<()>,
}

impl Stream {
    fn read(mut pipe: PipeReader, kept: Capture) -> Stream {
        let kept = Arc::new(Mutex::new(kept));
        let (done, is_done) = channel();
        let shared = Arc::clone(&kept);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(&buffer[..count]);
            }
            // Nobody listens any more when the command took too long.
            let _ = done.send(());
        });
        Stream { kept, is_done }
    }

    /// What was read, with a note when it was more than is kept.
    fn finish(self) -> String {
        // A time-out here is a background process that holds the stream open.
        let _ = self.is_done.recv_timeout(DRAIN_TIME);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).text()
    }
}

#[cfg(test)]
mod tests {
    use super::LocalTransport;
    use crate::inventory::NodeName;
    use crate::transport::{Outcome, Purpose, Request, Transport, TransportError};
    use crate::value::{CommandLine, Secret};
    use std::sync::Arc;
    use std::time::Duration;

    fn carry_out(text: &str, change: impl FnOnce(&mut Request)) -> Result<Outcome, TransportError> {
        let (command, limit) = (CommandLine::from_quoted(text), Duration::from_secs(20));
        let mut request = Request::plain(None, command, limit, Purpose::Act);
        change(&mut request);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .expect("a runtime can be built")
            .block_on(LocalTransport::new(Arc::default()).carry_out(&request))
    }

    #[test]
    fn commands_run_to_their_end() {
        let cases = [
            ("echo out; echo err >&2; exit 3", 3, "out\n", "err\n"),
            ("cat", 0, "", ""),
            ("kill -TERM $$", 143, "", ""),
        ];
        for (text, status, output, errors) in cases {
            let outcome = carry_out(text, |_| ()).expect("it runs");
            let expected = Outcome {
                status,
                output: output.to_owned(),
                errors: errors.to_owned(),
            };
            assert_eq!(outcome, expected, "{text}");
        }
    }

    #[test]
    fn input_arrives() {
        let outcome = carry_out("cat", |it| it.input = Some(Secret::new("word"))).expect("it runs");
        assert_eq!(outcome.output, "word");
    }

    #[test]
    fn a_long_output_is_cut_and_says_so() {
        let outcome = carry_out("head -c 2000000 /dev/zero | tr '\\0' x", |_| ()).expect("it runs");
        assert!(
            outcome
                .output
                .ends_with("more bytes are left out: only the first megabyte is kept]\n")
        );
        assert!(outcome.output.len() < 1_100_000);
    }

    #[test]
    fn what_takes_too_long_is_unknown() {
        let ended = carry_out("sleep 600 & wait", |it| it.limit = Duration::from_millis(50));
        let Err(TransportError::Unknown { why, .. }) = ended else {
            panic!("{ended:?}")
        };
        assert!(why.starts_with("it took longer than"), "{why}");
    }

    #[test]
    fn other_machines_are_not_reached() {
        let ended = carry_out("true", |it| it.node = Some(NodeName::from("no-such-host")));
        let Err(TransportError::Unreachable { why, .. }) = ended else {
            panic!("{ended:?}")
        };
        assert_eq!(why, "it is another machine");
    }
}
