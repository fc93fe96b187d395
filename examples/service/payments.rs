//! Payments to a bank that refuses connections.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use tracing::{error, info, warn};

use crate::failure::Failure;

pub(crate) struct Payments {
    address: SocketAddr,
}

impl Payments {
    pub(crate) fn new() -> io::Result<Self> {
        // The listener is dropped immediately, so connections to its port are refused.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Ok(Self { address })
    }

    pub(crate) fn charge(&self, order: u32) -> Result<(), Failure> {
        for attempt in 1..=2 {
            // An info event creates no ticket, but becomes a breadcrumb of the next error.
            info!(attempt, address = %self.address, "calling the bank");
            let Err(error) = TcpStream::connect(self.address) else { return Ok(()) };
            if attempt == 1 {
                warn!(error = &error as &dyn Error, "the bank does not answer, trying again");
                continue;
            }
            let failure = Failure::new(format!("cannot charge order {order}"), error);
            // A `&dyn Error` is recorded with its whole chain of causes.
            error!(error = &failure as &dyn Error, order, "payment failed: {failure}");
            return Err(failure);
        }
        Ok(())
    }
}
