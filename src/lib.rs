//! quorate: a shell-like language and interpreter for runbooks on clusters.
//!
//! Text is read into a [`syntax::Script`], checked into a [`check::Program`], laid out as
//! a [`plan::Plan`], and carried out by [`run`] through three doors: a transport, a clock
//! and a person. The rooms below stand in the order of that flow; a room may import only
//! rooms that stand above it, which `tests/house.rs` keeps so.
//!
//! | room | what lives there |
//! |---|---|
//! | [`diagnostic`] | where text is, and how a problem is told |
//! | [`inventory`] | nodes, groups, and how sets of them are named |
//! | [`value`] | what expressions yield: values, types, units, tables, quoting |
//! | [`syntax`] | text ⇄ tree: grammar, tree, comments, formatter |
//! | [`library`] | what the language brings along: filters and the standard modules |
//! | [`guard`] | what a guard decides, and what a role can lose |
//! | [`check`] | tree → program: names, types, effects, safety |
//! | [`evaluate`] | expressions, conditions and guards over measured facts |
//! | [`plan`] | program + inventory + arguments → what will be done |
//! | [`expand`] | plan → a plain POSIX shell script that does the same |
//! | [`transport`] | the only doors out, and the simulated cluster behind them |
//! | [`lock`] | who holds the cluster: the maintenance lock |
//! | [`journal`] | what happened: events, ledger, report |
//! | [`run`] | plan → events |
//! | [`rehearsal`] | the same run, many times, with something going wrong in each |
//! | [`project`] | scripts, inventory and options loaded together |
//! | [`repl`] | the prompt for incidents |
//! | [`cli`] | the command line |

pub mod check;
pub mod cli;
pub mod diagnostic;
pub mod evaluate;
pub mod expand;
pub mod guard;
pub mod inventory;
pub mod journal;
pub mod library;
pub mod lock;
pub mod plan;
pub mod project;
pub mod rehearsal;
pub mod repl;
pub mod run;
pub mod syntax;
pub mod transport;
pub mod value;
