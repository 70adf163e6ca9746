//! A program on a real terminal, looked at as a person would.

use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, open};

/// How long anything may take to appear on a machine that does much else.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How many clusters this process has had.
static CLUSTERS: AtomicU32 = AtomicU32::new(0);

/// An inventory of two nodes, both of which are this machine. Its cluster has a name of its own, which
/// ends with `hosts`: whoever works on one at the same time would wait for its maintenance lock.
pub fn local_inventory() -> String {
    let (process, number) = (std::process::id(), CLUSTERS.fetch_add(1, Ordering::Relaxed));
    format!(
        "[web]\na ansible_connection=local\nb ansible_connection=local\n[all:vars]\n\
         quorate_cluster={process}.{number}.hosts\n"
    )
}

/// A terminal, and the program that runs on it.
pub struct Terminal {
    child: Child,
    terminal: vt100::Parser,
    output: Receiver<Vec<u8>>,
    keys: Option<std::fs::File>,
}

impl Terminal {
    /// Starts quorate in a folder, on a terminal of so many rows and columns.
    pub fn start(
        (rows, columns): (u16, u16),
        folder: &Path,
        words: &[&str],
        variables: &[(&str, &str)],
    ) -> Terminal {
        let (pty, pts) = open().expect("a terminal");
        pty.resize(Size::new(rows, columns)).expect("it has a size");
        let child = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(words)
            .current_dir(folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .spawn(pts)
            .expect("it starts");
        let keys = std::fs::File::from(OwnedFd::from(pty));
        let mut reader = keys.try_clone().expect("it can be read and written");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of the last process on a terminal is an error for its reader.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let [rows, columns] = [rows, columns].map(|size| NonZero::new(size).expect("it has a size"));
        Terminal {
            child,
            terminal: vt100::Parser::new(rows, columns, 1000),
            output,
            keys: Some(keys),
        }
    }

    /// What stands on the screen.
    pub fn screen(&self) -> String {
        let screen = self.terminal.screen();
        let rows = screen.rows(0, screen.size().1.get());
        rows.map(|row| row.trim_end().to_owned() + "\n").collect()
    }

    /// The row that the cursor is in, and what stands in it before the cursor.
    pub fn cursor(&self) -> (u16, String) {
        let screen = self.terminal.screen();
        let (row, column) = screen.cursor_position();
        (row, screen.contents_between(row, 0, row, column))
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        self.wait(what, |terminal| is_so(&terminal.screen()))
    }

    /// Waits until the terminal is as it should be.
    #[track_caller]
    pub fn wait(&mut self, what: &str, is_so: impl Fn(&Terminal) -> bool) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            if is_so(self) {
                return self.screen();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.terminal.process(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("{what} does not appear:\n{}", self.screen()),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {what}:\n{}", self.screen()),
            }
        }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        let terminal = self.keys.as_mut().expect("it is there");
        terminal.write_all(keys.as_bytes()).expect("it takes them");
    }

    /// Tells the program that the line was cut.
    pub fn hang_up(&self) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill").args(["-HUP", &id]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Waits for the end: the exit code, and the last screen.
    #[track_caller]
    pub fn end(&mut self) -> (Option<i32>, String) {
        loop {
            match self.output.recv_timeout(LIMIT) {
                Ok(bytes) => self.terminal.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.screen()),
            }
        }
        let status = self.child.wait().expect("it ends");
        (status.code(), self.screen())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that fails leaves nothing behind.
        let _ = self.child.kill();
    }
}
