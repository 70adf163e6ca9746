//! What was measured, as a table.

use std::fmt::Write as _;

use super::contestants::Contestant;
use super::measure::Measured;

/// Medians of all contestants, and how they stand to quorate's; the floor the other way round.
pub fn write(results: &[(&Contestant, Vec<Measured>)]) -> String {
    let mut text = "| who | seconds | from – to | against quorate | processor | memory of one process |\n\
                    |---|---|---|---|---|---|\n"
        .to_owned();
    let of = |name: &str| {
        let (_, measured) = results.iter().find(|(who, _)| who.name == name)?;
        Some(Medians::of(measured))
    };
    let quorate = of("quorate");
    for (who, measured) in results {
        let own = Medians::of(measured);
        let ratio = match &quorate {
            Some(_) if who.name == "quorate" => "1".to_owned(),
            Some(quorate) => format!("{:.2}", own.seconds / quorate.seconds),
            None => "–".to_owned(),
        };
        let processor = match own.cpu_seconds {
            seconds if who.is_whole => format!("{seconds:.2} s"),
            // Its masters of connections are waited for by nobody.
            seconds => format!("over {seconds:.2} s"),
        };
        writeln!(
            text,
            "| {} | {:.3} | {:.3} – {:.3} | {ratio} | {processor} | {:.0} MiB |",
            who.name,
            own.seconds,
            own.fastest,
            own.slowest,
            own.memory_kib / 1024.0
        )
        .expect("a text takes all");
    }
    if let (Some(quorate), Some(floor)) = (quorate, of("floor")) {
        writeln!(
            text,
            "\nquorate against the floor: {:.2} times its time, {:.2} times its processor time",
            quorate.seconds / floor.seconds,
            quorate.cpu_seconds / floor.cpu_seconds
        )
        .expect("a text takes all");
    }
    text
}

struct Medians {
    seconds: f64,
    fastest: f64,
    slowest: f64,
    cpu_seconds: f64,
    memory_kib: f64,
}

impl Medians {
    fn of(measured: &[Measured]) -> Medians {
        let sorted = |pick: fn(&Measured) -> f64| {
            let mut numbers: Vec<f64> = measured.iter().map(pick).collect();
            numbers.sort_by(f64::total_cmp);
            numbers
        };
        let seconds = sorted(|one| one.seconds);
        Medians {
            seconds: middle(&seconds),
            fastest: seconds[0],
            slowest: seconds[seconds.len() - 1],
            cpu_seconds: middle(&sorted(|one| one.cpu_seconds)),
            memory_kib: middle(&sorted(|one| one.memory_kib)),
        }
    }
}

fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}
