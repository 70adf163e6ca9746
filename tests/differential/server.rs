//! Answers the programs of a running script out of a simulated cluster.
//!
//! Virtual time must be exact for all branches of a script at once. So it stands still until
//! every process of the script waits, and one branch at a time is let go on: what it does next
//! is known before any other branch moves, and before time does.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, ExitStatus};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use quorate::inventory::NodeName;
use quorate::transport::simulated::{SimulatedCluster, VirtualClock};
use quorate::transport::{Answer, Clock, Person, Purpose, Question, Request, Transport, TransportError};
use quorate::value::{CommandLine, Secret};

use crate::door::{Door, HERE};
use crate::person::{Witness, word_of};
use crate::stillness::{Moment, Session, lineage};
use crate::wire::{Call, Reply, Wish};

/// What `date +%s` says when a run begins.
const EPOCH: u64 = 1_000_000_000;
/// How long nothing may be asked before a script counts as stuck, in real time: very long, since
/// the machine may do much else.
const STUCK: Duration = Duration::from_secs(240);
/// How many calls a script may make: one that never ends does not let virtual time pass.
const MOST_CALLS: usize = 6_000;
/// The pause between two looks, in which the script can use the processor.
const NAP: Duration = Duration::from_micros(200);
/// How many looks must show the same where it is not clear for what each process waits.
const UNCLEAR_LOOKS: usize = 100;

/// What answers the programs of a script.
pub struct Serving<'a> {
    clock: VirtualClock,
    door: &'a Door,
    person: &'a Witness,
    questions: &'a [Question],
    listener: UnixListener,
    child: Child,
    session: Session,
    unread: Vec<Connection>,
    calls: Vec<Running<'a>>,
    call_count: usize,
    /// Whether all processes wait, as far as is known.
    is_still: bool,
    /// What was asked that the other side did not ask.
    pub strange: Vec<String>,
    /// Programs that went away before they had their answer.
    pub gone: Vec<String>,
}

/// A connection that has not yet said what it wants.
struct Connection {
    stream: UnixStream,
    said: Vec<u8>,
}

impl Connection {
    /// Whether it has said all that it wants.
    fn is_whole(&self) -> bool {
        self.said.last() == Some(&b'\n')
    }

    /// What it wants; none if it has not said it, or went away without a word.
    fn call(&self) -> Option<Call> {
        serde_json::from_slice(&self.said).ok()
    }
}

/// A call that is being answered.
struct Running<'a> {
    stream: UnixStream,
    call: Call,
    node: NodeName,
    number: usize,
    future: LocalBoxFuture<'a, Reply>,
    done: Option<(Duration, Reply)>,
}

/// How far a script has come.
enum Settled {
    Still,
    Ended(ExitStatus),
    Stuck(String),
}

impl<'a> Serving<'a> {
    /// Answers a script that has just been started as the first process of its session.
    pub fn new(
        cluster: &SimulatedCluster,
        door: &'a Door,
        person: &'a Witness,
        questions: &'a [Question],
        listener: UnixListener,
        child: Child,
    ) -> Self {
        let session = Session { id: child.id() };
        Serving {
            clock: cluster.clock(),
            door,
            person,
            questions,
            listener,
            child,
            session,
            unread: Vec::new(),
            calls: Vec::new(),
            call_count: 0,
            is_still: false,
            strange: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// Goes on as far as it can without virtual time; ready when the script has ended.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<ExitStatus, String>> {
        loop {
            if !self.is_still {
                match self.settle() {
                    Settled::Ended(status) => return Poll::Ready(Ok(status)),
                    Settled::Stuck(why) => return Poll::Ready(Err(why)),
                    Settled::Still => self.is_still = true,
                }
            }
            for call in self.calls.iter_mut().filter(|call| call.done.is_none()) {
                if let Poll::Ready(reply) = call.future.poll_unpin(context) {
                    call.done = Some((self.clock.now(), reply));
                }
            }
            let done = self.calls.iter().enumerate().filter_map(|(place, call)| {
                let (at, _) = call.done.as_ref()?;
                Some((*at, &call.node, call.number, place))
            });
            let Some((_, _, _, first)) = done.min() else {
                return Poll::Pending;
            };
            let call = self.calls.remove(first);
            if let Some((_, reply)) = call.done {
                send(call.stream, &reply);
            }
            self.is_still = false;
        }
    }

    /// Ends what still runs of the script; how many processes that were.
    pub fn end(&mut self) -> usize {
        let count = self.session.end();
        // It has ended, one way or the other.
        let _ = self.child.wait();
        count
    }

    /// Really waits until every process of the script waits, and takes in what they want.
    fn settle(&mut self) -> Settled {
        let began = Instant::now();
        let mut before: Option<Vec<Moment>> = None;
        let mut equal_looks = 0;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Settled::Ended(status),
                Ok(None) => {}
                Err(why) => return Settled::Stuck(why.to_string()),
            }
            let has_news = self.take_in();
            if self.calls.is_empty() && self.unread.is_empty() && began.elapsed() < STUCK {
                // Nobody wants anything: the script is at work, and is not looked at meanwhile.
                std::thread::sleep(NAP);
                continue;
            }
            let moments = self.session.look();
            let is_waiting = moments.iter().all(Moment::is_waiting);
            let is_whole = self.unread.iter().all(Connection::is_whole);
            let is_unchanged = is_waiting && is_whole && !has_news && before.as_ref() == Some(&moments);
            equal_looks = if is_unchanged { equal_looks + 1 } else { 0 };
            if is_unchanged && equal_looks >= self.looks_needed(&moments) {
                self.drop_gone();
                self.begin_calls();
                // All wait, and not for us: for one another, or for the world outside.
                if !self.calls.is_empty() {
                    return Settled::Still;
                }
            }
            if began.elapsed() > STUCK || self.call_count > MOST_CALLS {
                return Settled::Stuck(self.describe());
            }
            before = is_waiting.then_some(moments);
            std::thread::sleep(NAP);
        }
    }

    /// How many looks must show the same until it counts as still.
    ///
    /// One is enough where each process waits for an answer, or for another process below it. One
    /// that does neither may sit at the other end of a pipe, or sleep for a moment until the kernel
    /// tells it that such an end was closed.
    fn looks_needed(&self, moments: &[Moment]) -> usize {
        let unread = self.unread.iter().filter_map(Connection::call);
        let in_hand = self.calls.iter().map(|running| running.call.pid);
        let asking: Vec<u32> = unread.map(|call| call.pid).chain(in_hand).collect();
        let is_clear = moments.iter().all(|moment| {
            asking.contains(&moment.pid) || moments.iter().any(|other| other.parent == moment.pid)
        });
        if is_clear { 1 } else { UNCLEAR_LOOKS }
    }

    fn describe(&self) -> String {
        let calls = self
            .calls
            .iter()
            .map(|call| format!("  {} {:?}\n", call.call.pid, call.call.wish));
        let calls: String = calls.collect();
        let (processes, count, now) = (self.session.describe(), self.call_count, self.clock.now());
        format!(
            "the script is stuck at {now:?} after {count} calls\nprocesses:\n{processes}calls in hand:\n{calls}"
        )
    }

    /// Takes in connections and what they say; whether there was anything.
    fn take_in(&mut self) -> bool {
        let mut has_news = false;
        while let Ok((stream, _)) = self.listener.accept() {
            has_news = true;
            if stream.set_nonblocking(true).is_ok() {
                let said = Vec::new();
                self.unread.push(Connection { stream, said });
            }
        }
        for connection in &mut self.unread {
            let mut part = [0; 65_536];
            while !connection.is_whole()
                && let Ok(length) = connection.stream.read(&mut part)
            {
                has_news = true;
                connection.said.extend(&part[..length]);
                if length == 0 {
                    // It went away without a word.
                    connection.said = b"\n".to_vec();
                }
            }
        }
        has_news
    }

    /// Forgets calls whose program was ended before it had its answer.
    fn drop_gone(&mut self) {
        let gone = &mut self.gone;
        self.calls.retain_mut(|call| {
            let is_open = match call.stream.read(&mut [0; 1]) {
                Ok(0) => false,
                Ok(_) => true,
                Err(why) => why.kind() == ErrorKind::WouldBlock,
            };
            if !is_open {
                gone.push(format!("{:?}", call.call.wish));
            }
            is_open
        });
    }

    /// Begins what is wanted anew, in an order that does not hang on which process was faster.
    fn begin_calls(&mut self) {
        let mut new = Vec::new();
        for connection in self.unread.drain(..) {
            // One that went away without a word wants nothing.
            if let Some(call) = connection.call() {
                let node = match &call.wish {
                    Wish::CarryOut { node: Some(node), .. } => node.clone(),
                    Wish::Ask { node, .. } if !node.is_empty() => node.clone(),
                    _ => HERE.to_owned(),
                };
                new.push((NodeName::from(node.as_str()), call, connection.stream));
            }
        }
        // All wait, so the processes above them are what they were when these began.
        new.sort_by_cached_key(|(node, call, _)| (node.clone(), lineage(call.pid)));
        for (node, call, stream) in new {
            self.call_count += 1;
            let future = self.answer(&call.wish);
            self.calls.push(Running {
                stream,
                call,
                node,
                number: self.call_count,
                future,
                done: None,
            });
        }
    }

    fn answer(&mut self, wish: &Wish) -> LocalBoxFuture<'a, Reply> {
        let (clock, door, person) = (self.clock.clone(), self.door, self.person);
        match wish {
            Wish::CarryOut {
                node,
                command,
                input,
                limit_ms,
            } => {
                let node = node.as_deref().map(NodeName::from);
                let command = CommandLine::from_quoted(command.as_str());
                let limit = Duration::from_millis(*limit_ms);
                let request = Request {
                    input: (!input.is_empty()).then(|| Secret::new(input.as_str())),
                    ..Request::plain(node, command, limit, Purpose::Act)
                };
                async move { reply_of(door.carry_out(&request).await) }.boxed_local()
            }
            Wish::Sleep { length_ms } => {
                let length = Duration::from_millis(*length_ms);
                async move {
                    clock.sleep(length).await;
                    Reply::Slept
                }
                .boxed_local()
            }
            Wish::Date => async move { Reply::Date(EPOCH + clock.now().as_secs()) }.boxed_local(),
            Wish::Ask {
                kind,
                name,
                node,
                text,
            } => {
                let is_meant = |question: &&Question| {
                    let place = question.node.as_ref().map_or("", NodeName::as_str);
                    let told = (word_of(question.kind), question.name.as_str(), place);
                    told == (kind, name, node) && question.text == *text
                };
                let Some(question) = self.questions.iter().find(is_meant) else {
                    self.strange.push(format!("{kind} `{name}` ({node}): {text}"));
                    return async { Reply::Said("no".to_owned()) }.boxed_local();
                };
                async move {
                    let said = match person.ask(question).await {
                        Answer::Yes => "yes",
                        Answer::Park => "later",
                        _ => "no",
                    };
                    Reply::Said(said.to_owned())
                }
                .boxed_local()
            }
        }
    }
}

fn reply_of(outcome: Result<quorate::transport::Outcome, TransportError>) -> Reply {
    match outcome {
        Ok(outcome) => Reply::Ran {
            status: outcome.status,
            output: outcome.output,
            errors: outcome.errors,
        },
        Err(TransportError::Unreachable { why, .. }) => Reply::Unreachable { why },
        Err(TransportError::Unknown { is_late: true, .. }) => Reply::Late,
        Err(TransportError::Unknown { why, .. }) => Reply::Lost { why },
        Err(other) => Reply::Lost {
            why: other.to_string(),
        },
    }
}

/// Says it to the program; one that has gone hears nothing.
fn send(mut stream: UnixStream, reply: &Reply) {
    let text = serde_json::to_vec(reply).unwrap_or_default();
    let _ = stream
        .set_nonblocking(false)
        .and_then(|()| stream.write_all(&text));
}
