//! Runbooks on real hosts: each node is a real sshd of OpenSSH at an address of its own on this
//! machine, with a folder of its own and programs of its own in its `PATH`.
//!
//! The cluster behind them is one of real etcd processes, or the simulated storage cluster, to which
//! the programs of the hosts pass on what they are called with: under their names this executable is
//! such a program.

mod etcd;
mod host;
mod locked;
mod program;
mod rolling;
mod shipped;
mod site;
mod standing;
mod storage;
#[path = "../differential/wire.rs"]
mod wire;
mod writer;

use libtest_mimic::Arguments;

/// How many tests run at once.
const THREADS: usize = 4;

fn main() {
    if let Some(status) = program::run_as_program() {
        std::process::exit(status);
    }
    let mut arguments = Arguments::from_args();
    // Most of the time real members and hosts are waited for.
    arguments.test_threads.get_or_insert(THREADS);
    let trials = rolling::trials()
        .into_iter()
        .chain(locked::trials())
        .chain(shipped::trials());
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
