//! A connection that is kept open, and the commands on it, each in a channel of its own.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelStream, ChannelWriteHalf, Disconnect, Sig};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::establish::Limits;
use super::failure::Lost;
use super::host_key::{Learnt, Watcher, describe_loss};
use super::reply::Reply;
use crate::value::Secret;

/// How long the output may be silent once the command has ended: what it left running in the
/// background may hold the stream open for ever.
const DRAIN_TIME: Duration = Duration::from_millis(500);
/// How long the output may go on after the command in all.
const LONGEST_DRAIN: Duration = Duration::from_secs(5);
/// How often a channel is asked for again when the host has none left and none is in use here.
const CHANNEL_ATTEMPTS: u32 = 6;
/// The wait before the second attempt; each further one waits twice as long.
const CHANNEL_PAUSE: Duration = Duration::from_millis(20);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_millis(200);

/// A connection to one host.
pub(super) struct Connection {
    handle: Handle<Watcher>,
    learnt: Arc<Mutex<Learnt>>,
    variables: Vec<(String, String)>,
    limits: Limits,
    /// How many channels are in use.
    in_use: Cell<usize>,
    /// Told when one of them has ended.
    has_ended: Notify,
}

impl Connection {
    /// Takes over a connection on which somebody has logged in.
    pub fn new(
        handle: Handle<Watcher>,
        learnt: Arc<Mutex<Learnt>>,
        variables: Vec<(String, String)>,
        limits: Limits,
    ) -> Connection {
        Connection {
            handle,
            learnt,
            variables,
            limits,
            in_use: Cell::new(0),
            has_ended: Notify::new(),
        }
    }

    /// Whether it still stands, as far as is known.
    pub fn is_open(&self) -> bool {
        !self.handle.is_closed()
    }

    /// Why it ended.
    pub fn why_ended(&self) -> Option<String> {
        let learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        learnt.ended.clone()
    }

    /// Says farewell to the host.
    pub async fn close(&self) {
        // A host that is gone needs no farewell.
        let _ = timeout(
            FAREWELL,
            self.handle.disconnect(Disconnect::ByApplication, "", ""),
        )
        .await;
    }

    /// Opens a stream to a place behind the host.
    ///
    /// # Errors
    ///
    /// Why the host does not.
    pub async fn open_stream(&self, host: &str, port: u16) -> Result<ChannelStream<Msg>, String> {
        let opened = self
            .handle
            .channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0)
            .await;
        match opened {
            Ok(channel) => Ok(channel.into_stream()),
            Err(russh::Error::ChannelOpenFailure(_)) => {
                Err(format!("it cannot reach {host} port {port} or may not"))
            }
            Err(error) => Err(describe_loss(&error)),
        }
    }

    /// Carries out what is sent, at most for `limit`; `reply` waits for what comes back.
    ///
    /// # Errors
    ///
    /// [`Lost`].
    pub async fn run(
        &self,
        sent: &str,
        reply: Reply,
        input: Option<&Secret>,
        limit: Duration,
    ) -> Result<Reply, Lost> {
        let channel = self.open_channel().await;
        // Whatever becomes of it, somebody else has the next turn afterwards.
        let _use = Use::begin(self, channel.is_ok());
        let channel = channel?;
        let deadline = Instant::now() + limit;
        for (name, value) in &self.variables {
            self.check(channel.set_env(false, name, value).await)?;
        }
        // From here on the host may have it.
        let (mut output, writer) = channel.split();
        let sent = writer.exec(true, sent).await;
        sent.map_err(|error| Lost::Stale(self.describe(&error)))?;
        let writing = write_input(&writer, input);
        let reading = self.read_reply(&mut output, reply, deadline);
        let (reading, writing) = (std::pin::pin!(reading), std::pin::pin!(writing));
        let reply = match select(reading, writing).await {
            Either::Left((reply, _)) => reply,
            Either::Right((never, _)) => match never {},
        };
        if matches!(reply, Err(Lost::Late)) {
            // Most servers pass it on; one that does not lets it run on, which is why it counts as unknown.
            let _ = timeout(FAREWELL, writer.signal(Sig::KILL)).await;
        }
        // A connection that is gone has no channel to close.
        let _ = timeout(FAREWELL, writer.close()).await;
        reply
    }

    async fn open_channel(&self) -> Result<Channel<Msg>, Lost> {
        let mut attempt = 0;
        loop {
            let opened = timeout(self.limits.connect, self.handle.channel_open_session()).await;
            match opened {
                Ok(Ok(channel)) => return Ok(channel),
                Err(_) => {
                    return Err(Lost::Stale(format!(
                        "the host has not answered for {}",
                        crate::value::write_duration(self.limits.connect)
                    )));
                }
                Ok(Err(russh::Error::ChannelOpenFailure(why))) => {
                    // `MaxSessions` of the server: one of the others must end first.
                    if self.in_use.get() > 0 {
                        self.has_ended.notified().await;
                        continue;
                    }
                    attempt += 1;
                    if attempt == CHANNEL_ATTEMPTS {
                        return Err(Lost::NotRun(format!(
                            "the host opens no session: {why:?}; does its server allow commands (MaxSessions)?"
                        )));
                    }
                    // The server may not have done with the one before.
                    tokio::time::sleep(CHANNEL_PAUSE * 2_u32.pow(attempt - 1)).await;
                }
                Ok(Err(error)) => return Err(Lost::Stale(self.describe(&error))),
            }
        }
    }

    async fn read_reply(
        &self,
        channel: &mut ChannelReadHalf,
        mut reply: Reply,
        deadline: Instant,
    ) -> Result<Reply, Lost> {
        let mut until = deadline;
        let mut drained = deadline;
        loop {
            let Ok(message) = timeout_at(until, channel.wait()).await else {
                match reply.status {
                    // What is left running in the background is nobody's business.
                    Some(_) => return Ok(reply),
                    None => return Err(Lost::Late),
                }
            };
            match message {
                Some(ChannelMsg::Data { data }) => reply.output.push(&data),
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => reply.errors.push(&data),
                Some(ChannelMsg::Failure) => {
                    return Err(Lost::NotRun(
                        "the host's server carries no commands out".to_owned(),
                    ));
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    reply.status = Some(i32::try_from(exit_status).unwrap_or(255));
                    drained = Instant::now() + LONGEST_DRAIN;
                }
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    reply.status = Some(128 + number_signal(&signal_name));
                    drained = Instant::now() + LONGEST_DRAIN;
                }
                Some(ChannelMsg::Eof) => reply.is_complete = true,
                Some(ChannelMsg::Close) => {
                    reply.is_complete = true;
                    break;
                }
                None => {
                    if reply.status.is_some() {
                        break;
                    }
                    return Err(Lost::Unknown(self.why_lost().await));
                }
                _ => {}
            }
            if reply.status.is_some() {
                if reply.is_complete {
                    break;
                }
                until = (Instant::now() + DRAIN_TIME).min(drained);
            }
        }
        match reply.status {
            Some(_) => Ok(reply),
            None => Err(Lost::Unknown("the host told no status".to_owned())),
        }
    }

    /// Why the connection went; the task that keeps it may have yet to say so.
    async fn why_lost(&self) -> String {
        for _ in 0..16 {
            if let Some(why) = self.why_ended() {
                return why;
            }
            tokio::task::yield_now().await;
        }
        "the connection was closed".to_owned()
    }

    fn check(&self, sent: Result<(), russh::Error>) -> Result<(), Lost> {
        sent.map_err(|error| Lost::Stale(self.describe(&error)))
    }

    fn describe(&self, error: &russh::Error) -> String {
        self.why_ended().unwrap_or_else(|| describe_loss(error))
    }
}

/// A channel in use, or the turn of somebody who got none.
struct Use<'a> {
    connection: &'a Connection,
    count: usize,
}

impl Use<'_> {
    fn begin(connection: &Connection, has_channel: bool) -> Use<'_> {
        let count = usize::from(has_channel);
        connection.in_use.set(connection.in_use.get() + count);
        Use { connection, count }
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        let connection = self.connection;
        connection.in_use.set(connection.in_use.get() - self.count);
        connection.has_ended.notify_one();
    }
}

/// Gives a command its input and the end of it, and then never ends: the command is what is waited for.
async fn write_input(writer: &ChannelWriteHalf<Msg>, input: Option<&Secret>) -> std::convert::Infallible {
    if let Some(input) = input {
        // A command that reads nothing, or a connection that is gone, shows in the reply.
        let _ = writer.data_bytes(input.reveal().as_bytes().to_vec()).await;
    }
    let _ = writer.eof().await;
    std::future::pending().await
}

/// The number of a signal on Linux.
fn number_signal(signal: &Sig) -> i32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(name) => match name
            .split('@')
            .next()
            .unwrap_or_default()
            .trim_start_matches("SIG")
        {
            "TRAP" => 5,
            "BUS" => 7,
            "USR2" => 12,
            "XCPU" => 24,
            "XFSZ" => 25,
            "SYS" => 31,
            _ => 0,
        },
    }
}
