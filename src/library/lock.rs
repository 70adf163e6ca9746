/// The program that keeps a maintenance lock on a node: its arguments are what to do, the file, what
/// is written there when the lock is ours, and whose text is replaced. A run and a plain script send
/// the same one.
///
/// What is done is one of `look`, `take`, `renew`, `replace` and `free`. It prints what is there
/// afterwards: `ours`, `made` (ours since now), `free`, `theirs AGE` and the text, or `failed WHY`.
/// Each line begins with [`LOCK_MARK`].
pub const LOCK_PROGRAM: &str = include_str!("shell/lock.sh");

/// What each line of the program begins with.
pub const LOCK_MARK: &str = "quorate-lock: ";

/// The file of a cluster's lock on each of its nodes.
pub fn lock_file(cluster: &str) -> String {
    format!("/var/tmp/quorate-lock-{cluster}")
}
