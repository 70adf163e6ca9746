//! Reading and checking of a script of 10,000 lines, beside floors on the same text.

mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use quorate::diagnostic::Problems;
use quorate::project::Project;
use quorate::syntax::parse_script;

fn check_long_script(criterion: &mut Criterion) {
    let text = support::write_script(10_000);
    support::lay_out(&text);
    let mut group = criterion.benchmark_group("10,000 lines");
    group.sample_size(30);
    group.bench_function("floor: count the words", |bencher| {
        bencher.iter(|| black_box(&text).split_whitespace().count());
    });
    group.bench_function("parse", |bencher| {
        bencher.iter(|| parse_script(black_box(&text), 0, &mut Problems::new()));
    });
    group.bench_function("parse and check", |bencher| {
        bencher.iter(|| {
            let mut project = Project::simulated();
            project.check_text("generated.runbook", black_box(&text)).len()
        });
    });
    group.finish();
}

fn check_short_script(criterion: &mut Criterion) {
    let text = "runbook short\n\nuse pstorage\n\nrequire healthy\n";
    criterion.bench_function("parse and check five lines and the standard modules", |bencher| {
        bencher.iter(|| {
            let mut project = Project::simulated();
            project.check_text("generated.runbook", black_box(text)).len()
        });
    });
}

criterion_group!(benches, check_long_script, check_short_script);
criterion_main!(benches);
