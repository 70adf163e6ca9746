//! The awk library of expanded scripts gives what the interpreter gives, in every awk.
//!
//! Cases are awk expressions and the values that the interpreter has for them. Hundreds of them
//! go into one awk program, which mawk, gawk and the one of busybox run.

mod awk;
mod filters;
mod generate;
mod measured;
mod operations;
mod probes;
mod world;
