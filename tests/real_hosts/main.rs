//! Runbooks on real hosts: each node is a real sshd of OpenSSH at an address of its own on this
//! machine, with a folder of its own and programs of its own in its `PATH`.
//!
//! The cluster behind them is one of real etcd processes, or the simulated storage cluster, to which
//! the programs of the hosts pass on what they are called with.

mod etcd;
mod host;
mod rolling;
mod site;
mod writer;

use libtest_mimic::Arguments;

fn main() {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, rolling::trials()).exit();
}
