//! The template of any text is its own template, short, and free of surplus white space.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ticket_grouping::template;

/// The documented maximum length of a template in bytes.
const LENGTH: usize = 1024;

fuzz_target!(|message: &str| {
    let once = template(message);
    assert_eq!(template(&once), once);
    assert!(once.len() <= LENGTH, "{} bytes", once.len());
    assert!(once.trim() == once && !once.contains("  "), "{once:?}");
});
