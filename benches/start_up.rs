//! The whole process of `quorate check` on a small script, beside a process that does nothing.

mod support;

use std::process::{Command, Stdio};

use criterion::{Criterion, criterion_group, criterion_main};

fn run_quietly(mut command: Command) {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the command is there");
    assert!(status.success(), "{command:?} ended with {status}");
}

fn start_up(criterion: &mut Criterion) {
    let folder = support::Folder::new();
    let script = folder.write(
        "small.runbook",
        "on mds_nodes serially < restart pstorage-mdsd >\n",
    );
    let mut group = criterion.benchmark_group("a process");
    group.bench_function("floor: /bin/true", |bencher| {
        bencher.iter(|| run_quietly(Command::new("/bin/true")));
    });
    group.bench_function("quorate --version", |bencher| {
        bencher.iter(|| run_quietly(support::quorate(&["--version"], &[])));
    });
    group.bench_function("quorate check", |bencher| {
        bencher.iter(|| run_quietly(support::quorate(&["check", "--sim"], &[&script])));
    });
    group.finish();
}

criterion_group!(benches, start_up);
criterion_main!(benches);
