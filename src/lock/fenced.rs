use async_trait::async_trait;

use super::held::MaintenanceLock;
use crate::transport::{Outcome, Purpose, Request, Transport, TransportError};

/// Begins a change only while the maintenance lock is surely held; what changes nothing passes.
pub struct FencedTransport<'a> {
    inner: &'a dyn Transport,
    lock: &'a MaintenanceLock<'a>,
}

impl<'a> FencedTransport<'a> {
    /// Stands before a transport.
    pub fn new(inner: &'a dyn Transport, lock: &'a MaintenanceLock<'a>) -> Self {
        FencedTransport { inner, lock }
    }
}

#[async_trait(?Send)]
impl Transport for FencedTransport<'_> {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        if request.purpose == Purpose::Act
            && let Err(lost) = self.lock.confirm().await
        {
            return Err(TransportError::Locked {
                help: lost.advice(),
                why: lost.to_string(),
            });
        }
        self.inner.carry_out(request).await
    }
}
