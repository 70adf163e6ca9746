//! Somebody who writes numbers into etcd all the time, as a client that tries another member when one
//! does not answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use data_encoding::BASE64;

/// How long one member may take before another is tried.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How long a write may take, with all its attempts.
pub const MOST: Duration = Duration::from_secs(5);
/// What all keys begin with.
pub const PREFIX: &str = "written/";

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// How many writes were acknowledged: the numbers from 0 on.
    pub count: u64,
    /// How many attempts a member did not acknowledge.
    pub attempts_failed: u64,
    /// How long the slowest write took.
    pub slowest: Duration,
}

/// A writer at work.
pub struct Writer {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Written, String>>>,
}

impl Writer {
    /// Begins to write to the members at these addresses.
    pub fn start(addresses: Vec<String>) -> Writer {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || write_numbers(&addresses, &told));
        Writer {
            is_over,
            thread: Some(thread),
        }
    }

    /// Ends it after the write in hand; what was written, or which write was not acknowledged in time.
    pub fn end(mut self) -> Result<Written, String> {
        self.is_over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it ends once");
        thread.join().expect("it does not panic")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// The key of a number.
pub fn key_of(number: u64) -> String {
    format!("{PREFIX}{number:08}")
}

fn write_numbers(addresses: &[String], is_over: &AtomicBool) -> Result<Written, String> {
    let mut written = Written::default();
    let mut members = addresses.iter().cycle();
    let mut member = members.next().ok_or("there are no members")?;
    while !is_over.load(Ordering::Relaxed) {
        let (began, number) = (Instant::now(), written.count);
        while let Err(why) = put(member, &key_of(number), &number.to_string()) {
            written.attempts_failed += 1;
            if began.elapsed() > MOST {
                return Err(format!(
                    "number {number} is not acknowledged within {MOST:?}: {member}: {why}"
                ));
            }
            member = members.next().ok_or("there are no members")?;
        }
        let took = began.elapsed();
        if took > MOST {
            return Err(format!("number {number} was acknowledged after {took:?}"));
        }
        written.slowest = written.slowest.max(took);
        written.count += 1;
        // The machine is to do other things as well.
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(written)
}

/// Writes one value through the gateway of a member.
fn put(address: &str, key: &str, value: &str) -> Result<(), String> {
    let told = |why: &dyn std::fmt::Display| why.to_string();
    let body = format!(
        "{{\"key\":\"{}\",\"value\":\"{}\"}}",
        BASE64.encode(key.as_bytes()),
        BASE64.encode(value.as_bytes())
    );
    let request = format!(
        "POST /v3/kv/put HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let place: SocketAddr = format!("{address}:2379").parse().map_err(|why| told(&why))?;
    let mut stream = TcpStream::connect_timeout(&place, ATTEMPT).map_err(|why| told(&why))?;
    stream.set_read_timeout(Some(ATTEMPT)).map_err(|why| told(&why))?;
    stream.write_all(request.as_bytes()).map_err(|why| told(&why))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|why| told(&why))?;
    match answer.starts_with("HTTP/1.1 200 ") {
        true => Ok(()),
        false => Err(answer),
    }
}
