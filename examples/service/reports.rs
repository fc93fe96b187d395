//! A report with a bug: the week has only six days. Its thread panics, and the service keeps running.

use std::io;
use std::thread;

use tracing::warn;

const SALES: [u32; 6] = [310, 295, 402, 388, 510, 275];

pub(crate) fn week(order: u32) -> io::Result<()> {
    // The thread runs inside the request's span.
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
