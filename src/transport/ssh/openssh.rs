//! The system's OpenSSH, for what this process does not cover: one master a host, a channel a command.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::{Either, select};
use openssh::{Error, Session};
use openssh_mux_client::Error as MuxError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::client::{Client, Target, describe_missing};
use super::establish::Limits;
use super::failure::Lost;
use super::reply::Reply;
use super::text::{new_mark, write_guarded};
use crate::transport::capture::MarkedCapture;
use crate::value::{Secret, write_duration};

/// How long a master without commands stays, in seconds, should nobody end it.
const KEPT: &str = "600";
/// How long the output may be silent once the command has ended.
const DRAIN_TIME: Duration = Duration::from_millis(500);
/// How long the output may go on after the command in all.
const LONGEST_DRAIN: Duration = Duration::from_secs(5);
/// How long an answer of the master on this machine may take.
const MASTER_TIME: Duration = Duration::from_secs(2);
/// How much longer than the limit `ssh` is waited for, so that it can say itself what is wrong.
const GRACE: Duration = Duration::from_secs(1);

/// A connection that a master of `ssh` keeps open.
pub(super) struct Master {
    socket: PathBuf,
    is_own: bool,
}

impl Master {
    /// Uses a shared connection that the user has opened.
    pub async fn join(socket: PathBuf) -> Option<Master> {
        let master = Master {
            socket,
            is_own: false,
        };
        master.is_open().await.then_some(master)
    }

    /// Starts a master of one's own, whose socket and messages lie in `folder` as `number`.
    ///
    /// # Errors
    ///
    /// What `ssh` says.
    pub async fn start(
        client: &Client,
        target: &Target,
        limits: Limits,
        folder: &Path,
        number: usize,
    ) -> Result<Master, String> {
        let socket = folder.join(format!("{number}"));
        let messages = folder.join(format!("{number}.log"));
        let log = std::fs::File::create(&messages).map_err(|error| error.to_string())?;
        let options = [
            format!("ControlPath={}", socket.display()),
            format!("ControlPersist={KEPT}"),
            "ControlMaster=yes".to_owned(),
            "BatchMode=yes".to_owned(),
            format!("ConnectTimeout={}", limits.connect.as_secs().max(1)),
            format!("ServerAliveInterval={}", limits.alive_interval.as_secs().max(1)),
            format!("ServerAliveCountMax={}", limits.alive_count),
            "ForkAfterAuthentication=yes".to_owned(),
            "SessionType=none".to_owned(),
            "RemoteCommand=none".to_owned(),
            "RequestTTY=no".to_owned(),
        ];
        let mut before = Vec::new();
        for option in &options {
            before.extend(["-o", option]);
        }
        let mut child = Command::new("ssh")
            .args(client.words(&before, target))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| describe_missing(&error))?;
        // It goes into the background once somebody has logged in.
        let ended = timeout(limits.connect + GRACE, child.wait()).await;
        let said = std::fs::read_to_string(&messages).unwrap_or_default();
        match ended {
            Ok(Ok(status)) if status.success() => Ok(Master { socket, is_own: true }),
            Ok(Ok(_)) => Err(describe_messages(&said)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!(
                "no connection within {} by `ssh`",
                write_duration(limits.connect)
            )),
        }
    }

    /// Whether the master answers.
    pub async fn is_open(&self) -> bool {
        let session = self.session();
        matches!(timeout(MASTER_TIME, session.check()).await, Ok(Ok(())))
    }

    /// Ends the master with all that still goes over it, unless it is the user's.
    pub async fn close(&self) {
        if !self.is_own {
            return;
        }
        // Asked more gently, it stays for as long as a command that was given up holds its channel.
        let ended = Command::new("ssh")
            .args(["-F", "none", "-O", "exit", "-o"])
            .arg(format!("ControlPath={}", self.socket.display()))
            .arg("master")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status();
        // One that does not answer goes by itself after a while.
        let _ = timeout(MASTER_TIME, ended).await;
    }

    /// Carries out what is sent, at most for `limit`; `reply` waits for what comes back.
    ///
    /// # Errors
    ///
    /// [`Lost`].
    pub async fn run(
        &self,
        sent: &str,
        mut reply: Reply,
        input: Option<&Secret>,
        limit: Duration,
    ) -> Result<Reply, Lost> {
        if !self.is_open().await {
            return Err(Lost::Stale("the master of `ssh` has ended".to_owned()));
        }
        let deadline = Instant::now() + limit;
        let session = self.session();
        let end = new_mark();
        let mut command = session.raw_command(write_guarded(sent, &end));
        command
            .stdin(openssh::Stdio::piped())
            .stdout(openssh::Stdio::piped())
            .stderr(openssh::Stdio::piped());
        let mut child = match timeout_at(deadline, command.spawn()).await {
            Ok(Ok(child)) => child,
            Ok(Err(error)) => return Err(judge_refusal(error)),
            Err(_) => return Err(Lost::Late),
        };
        reply.output.expect_end(&end);
        let (stdin, output, errors) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let progress = Progress::default();
        let feeding = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // A command that reads nothing is no fault.
                let _ = stdin.write_all(input.reveal().as_bytes()).await;
            }
            std::future::pending::<()>().await;
        };
        let reading = async {
            futures_util::join!(
                read_all(output, &mut reply.output, &progress),
                read_all(errors, &mut reply.errors, &progress)
            );
        };
        // The master drops what it has not yet handed over as soon as somebody has asked it for the
        // status: so the streams come first.
        let ended = timeout_at(deadline, async {
            let (reading, feeding) = (std::pin::pin!(reading), std::pin::pin!(feeding));
            let reading = std::pin::pin!(progress.read(reading));
            let is_complete = match select(reading, feeding).await {
                Either::Left((is_complete, _)) => is_complete,
                Either::Right(((), _)) => false,
            };
            (is_complete, child.wait().await)
        });
        let ended = ended.await;
        reply.output.finish();
        let ended = ended.map(|(is_complete, ended)| {
            reply.is_complete = is_complete;
            ended
        });
        reply.status = Some(match ended {
            Err(_) => return Err(Lost::Late),
            Ok(Ok(status)) => status.code().unwrap_or(255),
            // The crate takes this status for a word of its own.
            Ok(Err(Error::Remote(_))) => 127,
            Ok(Err(Error::RemoteProcessTerminated)) => {
                return Err(Lost::Unknown(
                    "the connection ended before the command told its status".to_owned(),
                ));
            }
            Ok(Err(Error::Disconnected)) => {
                return Err(Lost::Unknown("the connection was closed".to_owned()));
            }
            Ok(Err(error)) => return Err(Lost::Unknown(describe_error(&error))),
        });
        Ok(reply)
    }

    fn session(&self) -> Session {
        Session::resume_mux(self.socket.clone().into_boxed_path(), None)
    }
}

/// What a session that did not come about means for the command.
fn judge_refusal(error: Error) -> Lost {
    match &error {
        Error::InvalidCommand => Lost::NotRun("the command has a zero byte in it".to_owned()),
        // The master says no before it sends anything.
        Error::SshMux(refusal @ (MuxError::RequestFailure(_) | MuxError::PermissionDenied(_))) => {
            Lost::NotRun(format!("the host opens no session: {refusal}"))
        }
        _ => Lost::Unknown(describe_error(&error)),
    }
}

/// How far the streams of a command have come.
#[derive(Default)]
struct Progress {
    seen: Cell<u64>,
    has_ended: Cell<bool>,
    /// Told when the command has ended.
    end: Notify,
}

impl Progress {
    /// Reads until both streams have ended, or the command has and they are silent: what it left
    /// running in the background is nobody's business. Whether they were read to their ends.
    async fn read(&self, mut reading: Pin<&mut impl Future<Output = ()>>) -> bool {
        if let Either::Left(_) = select(reading.as_mut(), std::pin::pin!(self.end.notified())).await {
            return true;
        }
        let last = Instant::now() + LONGEST_DRAIN;
        loop {
            let before = self.seen.get();
            if timeout(DRAIN_TIME, reading.as_mut()).await.is_ok() {
                return true;
            }
            if self.seen.get() == before || Instant::now() >= last {
                return false;
            }
        }
    }
}

/// Reads a stream to its end.
async fn read_all(stream: Option<impl AsyncRead + Unpin>, capture: &mut MarkedCapture, progress: &Progress) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 32 << 10];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        capture.push(&buffer[..count]);
        progress.seen.set(progress.seen.get() + count as u64);
        if capture.has_ended() && !progress.has_ended.replace(true) {
            progress.end.notify_one();
        }
    }
}

/// An error with its causes.
fn describe_error(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

/// What `ssh` wrote before it gave up: its last lines say it.
fn describe_messages(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let shown = lines.len().saturating_sub(3);
    match lines[shown..].join("; ") {
        said if said.is_empty() => "`ssh` ended without a word".to_owned(),
        said => format!("`ssh` says: {said}"),
    }
}
