//! The same program on the same simulated cluster, once by the interpreter and once as a shell
//! script: both must do the same.
//!
//! Under the names `ssh`, `timeout`, `sleep`, `date` and `ask` this executable is a program of the
//! script, and asks the test what the cluster says.

mod case;
mod client;
mod difference;
mod door;
mod expanded;
mod interpreter;
mod own;
mod person;
mod properties;
mod random;
mod script;
mod server;
mod stillness;
mod wire;

use libtest_mimic::Arguments;

fn main() {
    if let Some(status) = client::run_as_client() {
        std::process::exit(status);
    }
    let arguments = Arguments::from_args();
    libtest_mimic::run(
        &arguments,
        own::trials()
            .into_iter()
            .chain(expanded::trials())
            .chain(properties::trials())
            .chain(random::trials())
            .collect(),
    )
    .exit();
}
