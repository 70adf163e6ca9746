use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::ProjectError;
use super::kept::write_now;
use super::signals::{Signals, run_with_signals};
use crate::diagnostic::Span;
use crate::inventory::{Inventory, NodeName};
use crate::journal::{Event, Happening, OverriddenFinding, Recorder, Trouble, TroubleKind, neutralise_text};
use crate::lock::{
    Claim, EtcdSeat, FencedTransport, Holder, HolderKind, LockError, MaintenanceLock, NodeSeats, Seats,
    is_of_lock, seat_limit,
};
use crate::plan::Plan;
use crate::run::{Ending, RunOptions};
use crate::transport::{Listener, SteadyClock, Terminal, Transport, name_user};

/// How long it may take to give a lock back.
const FREE_LIMIT: Duration = Duration::from_secs(30);

/// What is said of the maintenance lock for one run or session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockWishes {
    /// The name of the run; one is made up where there is none.
    pub run: Option<String>,
    /// Whether the run goes on with one of this name.
    pub goes_on: bool,
    /// Whether that one cannot be alive anywhere.
    pub is_sole: bool,
    /// Why the cluster is worked on (`--reason`).
    pub reason: Option<String>,
    /// Why the lock may be taken from somebody else (`--take-over`).
    pub take_over: Option<String>,
    /// Why it may be held although no majority answers (`--degraded-lock`).
    pub degraded: Option<String>,
}

impl LockWishes {
    /// The lock of a real cluster, for a plan that changes something.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Given`] when a certificate for etcd cannot be read.
    pub(super) fn open<'a>(
        &self,
        kind: HolderKind,
        plan: &Plan,
        options: &RunOptions,
        transport: &'a dyn Transport,
        clock: &'a SteadyClock,
    ) -> Result<Option<RunLock<'a>>, ProjectError> {
        if options.dry_run || plan.acting().is_none() {
            return Ok(None);
        }
        let inventory = &plan.inventory;
        let settings = &inventory.lock;
        let limit = seat_limit(settings.lease);
        let seats: Box<dyn Seats + 'a> = match settings.etcd.is_empty() {
            true => {
                let nodes = inventory.lock_nodes();
                Box::new(NodeSeats::new(transport, nodes, &inventory.name, limit))
            }
            false => {
                let seat = EtcdSeat::open(settings, &inventory.name, limit);
                Box::new(seat.map_err(|why| ProjectError::Given(format!("the maintenance lock: {why}")))?)
            }
        };
        let title = plan.program.title.clone().unwrap_or_default();
        let claim = self.claim(kind, title, inventory);
        Ok(Some(RunLock {
            lock: MaintenanceLock::new(seats, clock, claim),
            wishes: self.clone(),
            findings: RefCell::default(),
        }))
    }

    fn claim(&self, kind: HolderKind, title: String, inventory: &Inventory) -> Claim {
        let since = write_now();
        let run = self.run.clone().unwrap_or_else(|| {
            let stamp = since.replace([' ', ':'], "-");
            format!("{stamp}-{}", std::process::id())
        });
        // Whoever was robbed is to read why.
        let given = [&self.take_over, &self.degraded, &self.reason];
        let given: Vec<&str> = given.into_iter().flatten().map(String::as_str).collect();
        Claim {
            cluster: inventory.name.clone(),
            holder: Holder {
                run,
                kind,
                owner: name_user(),
                runbook: title,
                reason: (!given.is_empty()).then(|| given.join("; ")),
                since,
                lease: inventory.lock.lease,
                degraded: None,
                outwait: None,
            },
            take_over: self.take_over.clone(),
            degraded: self.degraded.clone(),
            is_sole: self.is_sole,
        }
    }
}

/// The lock of one run.
pub(super) struct RunLock<'a> {
    lock: MaintenanceLock<'a>,
    wishes: LockWishes,
    /// In spite of what it was taken.
    findings: RefCell<Vec<OverriddenFinding>>,
}

impl<'a> RunLock<'a> {
    /// A door through which a change goes only while the lock is held.
    pub fn fence(&'a self, transport: &'a dyn Transport) -> FencedTransport<'a> {
        FencedTransport::new(transport, &self.lock)
    }

    /// In spite of what it was taken.
    pub fn findings(&self) -> Vec<OverriddenFinding> {
        self.findings.borrow().clone()
    }

    async fn take(&self, terminal: &Terminal) -> Result<(), Trouble> {
        let tell = |text: &str| terminal.tell(&neutralise_text(text));
        let taken = self
            .lock
            .take(&tell)
            .await
            .map_err(|refusal| trouble_of(&refusal))?;
        let mut findings = self.findings.borrow_mut();
        let mut note = |code: &str, finding: String, why: &Option<String>| {
            findings.push(OverriddenFinding {
                code: code.to_owned(),
                finding,
                why: why.clone().unwrap_or_else(|| "it is this run's own".to_owned()),
                at: Span::default(),
            });
        };
        // One's own, left by a run that was broken off, is taken from nobody.
        let own = self.wishes.run.as_deref();
        for former in taken
            .from
            .iter()
            .filter(|former| Some(former.holder.run.as_str()) != own)
        {
            note("lock::held", former.describe(), &self.wishes.take_over);
        }
        if let Some((answered, all)) = taken.degraded {
            let finding = format!("{answered} of {all} seats of the maintenance lock answered");
            note("lock::no_majority", finding, &self.wishes.degraded);
        }
        Ok(())
    }
}

/// Passes events on, and records at the start in spite of what the lock was taken.
pub(super) struct WithLock<'a, 'l> {
    inner: &'a mut dyn Recorder,
    lock: Option<&'a RunLock<'l>>,
}

impl<'a, 'l> WithLock<'a, 'l> {
    /// Stands before a recorder.
    pub fn new(inner: &'a mut dyn Recorder, lock: Option<&'a RunLock<'l>>) -> Self {
        WithLock { inner, lock }
    }
}

impl WithLock<'_, '_> {
    /// Tells at the start in spite of what the lock was taken.
    fn tell_findings(&mut self, event: &Event) {
        if let (Some(lock), Happening::RunStarted { .. }) = (self.lock, &event.what) {
            for finding in lock.findings() {
                let (at, what) = (event.at, finding.happening());
                self.inner.record(&Event { at, what });
            }
        }
    }
}

impl Recorder for WithLock<'_, '_> {
    fn record(&mut self, event: &Event) {
        self.inner.record(event);
        self.tell_findings(event);
    }

    fn recall(&mut self, event: &Event) {
        self.inner.recall(event);
        self.tell_findings(event);
    }

    fn pass(&mut self, at: Duration) {
        self.inner.pass(at);
    }
}

/// Carries a run out while the lock is held: taken before it begins, kept beside it, given back however it
/// ends. `Ok(None)` when it was broken off by a second signal.
///
/// # Errors
///
/// Why it was not begun at all.
pub(super) async fn run_under_lock<F: Future>(
    lock: Option<&RunLock<'_>>,
    run: F,
    signals: &mut Signals,
    stop_requested: &Rc<Cell<bool>>,
    terminal: &Terminal,
) -> Result<Option<F::Output>, Trouble> {
    let Some(lock) = lock else {
        return Ok(run_with_signals(run, signals, stop_requested, terminal).await);
    };
    let taken = {
        let (take, signal) = (
            std::pin::pin!(lock.take(terminal)),
            std::pin::pin!(signals.next()),
        );
        match select(take, signal).await {
            Either::Left((taken, _)) => taken,
            Either::Right(_) => Err(interrupted()),
        }
    };
    if let Err(trouble) = taken {
        if trouble.kind == TroubleKind::Interrupted {
            give_back(&lock.lock, terminal).await;
        }
        return Err(trouble);
    }
    let ended = {
        let beside = async {
            let (run, keep) = (std::pin::pin!(run), std::pin::pin!(lock.lock.keep()));
            match select(run, keep).await {
                Either::Left((ended, _)) => ended,
                Either::Right((never, _)) => match never {},
            }
        };
        run_with_signals(beside, signals, stop_requested, terminal).await
    };
    give_back(&lock.lock, terminal).await;
    Ok(ended)
}

async fn give_back(lock: &MaintenanceLock<'_>, terminal: &Terminal) {
    let freed = tokio::time::timeout(FREE_LIMIT, lock.free()).await;
    let left = match freed {
        Ok(left) => left,
        Err(_) => vec![("all of its nodes".to_owned(), "not all of them answer".to_owned())],
    };
    for (name, why) in left {
        terminal.tell(&neutralise_text(&format!(
            "the maintenance lock was not given back on {name}: {why}"
        )));
    }
}

/// The end of a run that was not begun, and what is to be told of it.
pub(super) fn refuse(plan: &Plan, trouble: Trouble) -> (Ending, [Event; 2]) {
    let exit_code = trouble.kind.exit_code();
    let begun = Happening::RunStarted {
        cluster: plan.inventory.name.clone(),
        simulated: false,
        dry_run: false,
        runbook: plan.program.title.clone().unwrap_or_default(),
        steps: plan.step_count,
    };
    let ended = Happening::RunEnded {
        trouble: Some(trouble.clone()),
        exit_code,
    };
    let at = Duration::ZERO;
    let ending = Ending {
        exit_code,
        trouble: Some(trouble),
    };
    (ending, [begun, ended].map(|what| Event { at, what }))
}

/// A listener that hears nothing of the lock, which is no part of what a runbook does.
pub(super) fn deaf_to_lock(listener: Option<Listener>) -> Option<Listener> {
    let listener = listener?;
    Some(Arc::new(move |node: Option<&NodeName>, line: &str| {
        if !is_of_lock(line) {
            listener(node, line);
        }
    }))
}

fn trouble_of(refusal: &LockError) -> Trouble {
    Trouble {
        kind: TroubleKind::Locked,
        message: refusal.to_string(),
        help: refusal.advice(),
        at: Span::default(),
        node: None,
    }
}

/// What a person at the prompt is told when the lock cannot even be asked for.
pub(super) fn not_opened(error: &ProjectError) -> Trouble {
    Trouble {
        kind: TroubleKind::Locked,
        message: error.to_string(),
        help: None,
        at: Span::default(),
        node: None,
    }
}

fn interrupted() -> Trouble {
    Trouble {
        kind: TroubleKind::Interrupted,
        message: "interrupted before anything was begun".to_owned(),
        help: None,
        at: Span::default(),
        node: None,
    }
}
