use async_trait::async_trait;

use super::{Outcome, Purpose, Request, Transport, TransportError};

/// Passes probes through and holds back everything that could change something.
pub struct DryTransport<'a> {
    inner: &'a dyn Transport,
}

impl<'a> DryTransport<'a> {
    /// Stands before a transport.
    pub fn new(inner: &'a dyn Transport) -> Self {
        DryTransport { inner }
    }
}

#[async_trait(?Send)]
impl Transport for DryTransport<'_> {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        match request.purpose {
            Purpose::Probe => self.inner.carry_out(request).await,
            Purpose::Act => Err(TransportError::HeldBack),
        }
    }
}
