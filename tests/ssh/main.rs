//! Real hosts: real servers of OpenSSH on this machine, each in a folder of its own, with
//! accounts of its own that nobody else on the machine sees.

mod accounts;
mod faults;
mod hosts;
mod keys;
mod many;
mod outcomes;
mod program;
mod server;
mod ways;
