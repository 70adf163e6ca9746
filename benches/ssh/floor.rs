//! The least that a program in one thread can do for the same work: russh with its defaults, a connection for
//! each host, kept to the end, and a channel for each command. It reads no configuration, checks no host key,
//! and keeps nothing.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::try_join_all;
use russh::client::{Config, Handle, Handler, connect_stream};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{ChannelMsg, Disconnect, Error};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Work;

/// The first argument with which this program is the floor.
pub const WORD: &str = "--floor";

/// The words of its command line.
pub fn words(work: Work, port: u16, key: &Path, hosts: &[String], command: &str) -> Vec<String> {
    let order = if work.is_serial { "serial" } else { "parallel" };
    let program = std::env::current_exe().expect("this program has a path");
    let mut words = vec![
        program.display().to_string(),
        WORD.to_owned(),
        order.to_owned(),
        work.commands.to_string(),
        port.to_string(),
        key.display().to_string(),
        command.to_owned(),
    ];
    words.extend(hosts.iter().cloned());
    words
}

/// Does what the words say.
pub fn run(words: &[String]) {
    let [order, commands, port, key, command, hosts @ ..] = words else {
        panic!("the floor is started by the bench alone");
    };
    let commands: usize = commands.parse().expect("a number");
    let port: u16 = port.parse().expect("a port");
    let key = Arc::new(load_secret_key(key, None).expect("a key without a passphrase"));
    let config = Arc::new(Config {
        nodelay: true,
        ..Config::default()
    });
    let work = async {
        let reach = |host| connect(host, port, Arc::clone(&key), Arc::clone(&config));
        let mut open = Vec::new();
        if order == "serial" {
            for host in hosts {
                let connection = reach(host).await?;
                for _ in 0..commands {
                    carry_out(&connection, command).await?;
                }
                open.push(connection);
            }
        } else {
            // The first command goes out on each connection as soon as that stands.
            open = try_join_all(hosts.iter().map(|host| async move {
                let connection = reach(host).await?;
                carry_out(&connection, command).await?;
                Ok::<_, Error>(connection)
            }))
            .await?;
            for _ in 1..commands {
                try_join_all(open.iter().map(|connection| carry_out(connection, command))).await?;
            }
        }
        try_join_all(
            open.iter()
                .map(|connection| connection.disconnect(Disconnect::ByApplication, "", "")),
        )
        .await
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(work).expect("all hosts answer");
}

struct AnyHost;

impl Handler for AnyHost {
    type Error = Error;

    async fn check_server_key(&mut self, _key: &PublicKeyOrCertificate) -> Result<bool, Error> {
        Ok(true)
    }
}

async fn connect(
    host: &str,
    port: u16,
    key: Arc<PrivateKey>,
    config: Arc<Config>,
) -> Result<Handle<AnyHost>, Error> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    stream.set_quickack(true)?;
    let mut connection = connect_stream(config, Prompt(stream), AnyHost).await?;
    let key = PrivateKeyWithHashAlg::new(key, None);
    let answer = connection
        .authenticate_publickey(super::server::USER, key)
        .await?;
    assert!(answer.success(), "{host} takes the key");
    Ok(connection)
}

async fn carry_out(connection: &Handle<AnyHost>, command: &str) -> Result<(), Error> {
    let mut channel = connection.channel_open_session().await?;
    channel.exec(true, command).await?;
    let mut status = None;
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::ExitStatus { exit_status } = message {
            status = Some(exit_status);
        }
    }
    assert_eq!(status, Some(0), "the command succeeds");
    Ok(())
}

/// A stream on which everything that comes is acknowledged at once.
struct Prompt(TcpStream);

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.0).poll_read(context, buffer))?;
        // The system forgets it after a while; a connection that cannot be asked is closed already.
        let _ = self.0.set_quickack(true);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
