//! The programs of a simulated node, by what they are about.

pub(super) mod clients;
mod files;
pub(super) mod filters;
pub(super) mod host;
pub(super) mod packages;
pub(super) mod services;
pub(super) mod storage;
