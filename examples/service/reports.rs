//! The week has a day too few. The thread ends with a panic, the service goes on.

use std::io;
use std::thread;

use tracing::warn;

const SALES: [u32; 6] = [310, 295, 402, 388, 510, 275];

pub(crate) fn week(order: u32) -> io::Result<()> {
    // The thread goes on with the request's span.
    let request = tracing::Span::current();
    let report = thread::Builder::new().name("report".to_owned()).spawn(move || {
        let _request = request.entered();
        (0..7).map(|day| SALES[day] + order).sum::<u32>()
    })?;
    if report.join().is_err() {
        warn!("the report's thread has ended: the page shows yesterday's");
    }
    Ok(())
}
