//! Facts, guards and probes.
