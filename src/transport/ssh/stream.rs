//! The stream of bytes to a host's ssh server.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use russh::ChannelStream;
use russh::client::Msg;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A program whose standard streams are the stream.
struct Program {
    _child: Child,
    input: ChildStdin,
    output: ChildStdout,
    messages: File,
}

/// As much of a program's messages as is looked through for the last one, in bytes.
const MOST_SAID: u64 = 4096;

/// A stream, and whether a greeting came over it.
pub(super) struct Wire {
    kind: Kind,
    /// Set as soon as anything like the greeting of an ssh server has come.
    has_greeted: Arc<AtomicBool>,
}

enum Kind {
    Tcp(TcpStream),
    /// The program is ended with the stream.
    Program(Box<Program>),
    Channel(Box<ChannelStream<Msg>>),
}

impl Wire {
    /// A connection: what is written goes out at once, and what comes is acknowledged at once.
    pub fn over_tcp(stream: TcpStream) -> io::Result<Wire> {
        stream.set_nodelay(true)?;
        stream.set_quickack(true)?;
        Ok(Wire::new(Kind::Tcp(stream)))
    }

    /// A channel of a connection to another host.
    pub fn over_channel(stream: ChannelStream<Msg>) -> Wire {
        Wire::new(Kind::Channel(Box::new(stream)))
    }

    /// The standard streams of a program, given as a text for `sh`.
    pub fn over_program(text: &str) -> io::Result<Wire> {
        // A file takes whatever it says, and nobody has to read it meanwhile.
        let messages = tempfile::tempfile()?;
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {text}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(messages.try_clone()?)
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("it has no standard streams");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        Ok(Wire::new(Kind::Program(Box::new(Program {
            _child: child,
            input,
            output,
            messages,
        }))))
    }

    /// Where the program says what is wrong; to be kept while the stream is somebody else's.
    pub fn messages(&self) -> Option<File> {
        match &self.kind {
            Kind::Program(program) => program.messages.try_clone().ok(),
            Kind::Tcp(_) | Kind::Channel(_) => None,
        }
    }

    fn new(kind: Kind) -> Wire {
        Wire {
            kind,
            has_greeted: Arc::default(),
        }
    }

    /// Whether a greeting has come; to be kept while the stream is somebody else's.
    pub fn greeting(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_greeted)
    }
}

/// The last line that a program has said, if it said any.
pub(super) fn last_message(mut messages: &File) -> Option<String> {
    let length = messages.metadata().ok()?.len();
    let from = length.saturating_sub(MOST_SAID);
    messages.seek(SeekFrom::Start(from)).ok()?;
    let mut said = Vec::new();
    messages.take(MOST_SAID).read_to_end(&mut said).ok()?;
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(last.to_owned())
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(match &mut self.kind {
            Kind::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Kind::Program(program) => Pin::new(&mut program.output).poll_read(context, buffer),
            Kind::Channel(stream) => Pin::new(stream).poll_read(context, buffer),
        })?;
        let new = &buffer.filled()[before..];
        if let Kind::Tcp(stream) = &self.kind
            && !new.is_empty()
        {
            // The system forgets it after a while; a connection that cannot be asked is closed already.
            let _ = stream.set_quickack(true);
        }
        if !self.has_greeted.load(Ordering::Relaxed) && new.windows(4).any(|four| four == b"SSH-") {
            self.has_greeted.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.kind {
            Kind::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Kind::Program(program) => Pin::new(&mut program.input).poll_write(context, bytes),
            Kind::Channel(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Kind::Program(program) => Pin::new(&mut program.input).poll_flush(context),
            Kind::Channel(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Kind::Program(program) => Pin::new(&mut program.input).poll_shutdown(context),
            Kind::Channel(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
