//! A run is broken off at every writing of its journal and at every command, and taken up again:
//! it comes to the same end as the unbroken run, or stops with a question that only a person can
//! answer.
//!
//! The cluster is simulated and outlives the run; what was sent goes on without it. The journal is
//! the real one, and what is left of it is what the process, or a loss of power, leaves behind.
//! A part of the points is tried; `QUORATE_CRASH=all cargo test --test crash` tries every one,
//! and a number only that one.

mod case;
mod doors;
mod sweep;

use std::path::PathBuf;

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;
use doors::Model;

/// The stack that walking nested blocks takes in a build without optimisation.
const STACK: usize = 256 << 20;

fn main() {
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<doors::Crash>().is_none() {
            eprintln!("{info}");
        }
    }));
    let arguments = Arguments::from_args();
    let trials = case::files().into_iter().flat_map(|file| {
        [(Model::Killed, "killed"), (Model::PowerLost, "power_lost")].map(|(model, word)| {
            let name = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let file = file.clone();
            Trial::test(format!("{word}::{name}"), move || try_case(file, model))
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn try_case(file: PathBuf, model: Model) -> Result<(), Failed> {
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let Some(case) = Case::read(&file)? else {
            return Ok(());
        };
        let told = sweep::sweep(&case, model)?;
        println!("{told}");
        Ok::<(), String>(())
    });
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(done)) => done.map_err(Failed::from),
        Ok(Err(_)) => Err("it panicked".into()),
        Err(error) => Err(error.into()),
    }
}
