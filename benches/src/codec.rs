//! Compares the packer that encodes the spool's entries with `rmp-serde` and `serde_json`: the size of an
//! encoded record, and the time to encode and to decode it.

#![allow(clippy::print_stdout, reason = "prints the results")]

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use ticket_core::record::{Breadcrumb, Span};
use ticket_core::{Level, Location, Record, Timestamp};

// The packer is private to the handler, but its source file depends on serde only.
#[allow(dead_code, unreachable_pub, reason = "a source file of another crate")]
#[path = "../../ticket-handler/src/spool/pack.rs"]
mod pack;

const ROUNDS: usize = 21;
const TIMES: u32 = 20_000;

/// One line of the output.
#[derive(Serialize)]
struct Measured {
    case: &'static str,
    bytes: usize,
    /// Nanoseconds per record, as the median of all rounds.
    encode: f64,
    decode: f64,
}

/// Returns the record that the layer creates for the event of the benchmark `emit`.
fn record() -> Record {
    let mut record = Record::new(Level::Error, "emit", "cannot reserve 17: timed out")
        .with_location(Location::new().with_file("benches/src/emit/main.rs").with_line(60))
        .with_app_id("bench")
        .with_release("1.4.2")
        .with_trait("user_id", 4_711)
        .with_trait("path", "/api/orders/17")
        .with_trait("duration_ms", 1_234.5)
        .with_trait("retried", false)
        .with_trait("method", "POST")
        .with_trait("request_id", "7f3a-1b");
    record.location.module = Some("emit".into());
    record.process = Some(4_711);
    record.thread = Some("main".into());
    let mut span = Span::new("request");
    span.target = "emit".into();
    span.traits.insert("method".into(), "POST".into());
    span.traits.insert("request_id".into(), "7f3a-1b".into());
    record.spans.push(span);
    let message = "cannot reserve 16: timed out";
    record.breadcrumbs.push(Breadcrumb::new(Timestamp::now(), Level::Error, "emit", message));
    record
}

/// Returns the time of one call in nanoseconds, as the median of all rounds.
fn time(mut call: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..TIMES).for_each(|_| call());
            start.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn measure(
    case: &'static str,
    record: &Record,
    encode: impl Fn(&Record, &mut Vec<u8>),
    decode: impl Fn(&[u8]) -> Record,
) -> Result<()> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes);
    ensure!(decode(&bytes) == *record, "{case}: the decoded record differs from the encoded one");
    let len = bytes.len();
    let encode = time(|| {
        bytes.clear();
        encode(black_box(record), &mut bytes);
        black_box(&bytes);
    });
    let decode = time(|| drop(black_box(decode(black_box(&bytes)))));
    println!("{}", serde_json::to_string(&Measured { case, bytes: len, encode, decode })?);
    Ok(())
}

#[expect(clippy::unwrap_used, reason = "a record can be encoded and decoded again")]
fn main() -> Result<()> {
    let record = record();
    let own = |record: &Record, bytes: &mut Vec<u8>| {
        record.serialize(&mut pack::Packer(bytes)).unwrap();
    };
    let named = |record: &Record, bytes: &mut Vec<u8>| {
        let mut serializer = rmp_serde::Serializer::new(bytes).with_struct_map();
        record.serialize(&mut serializer).unwrap();
    };
    let json = |record: &Record, bytes: &mut Vec<u8>| serde_json::to_writer(bytes, record).unwrap();
    let rmp = |bytes: &[u8]| rmp_serde::from_slice(bytes).unwrap();
    measure("the spool's packer, read by rmp-serde", &record, own, rmp)?;
    measure("rmp-serde, fields by name", &record, named, rmp)?;
    measure("serde_json", &record, json, |bytes| serde_json::from_slice(bytes).unwrap())?;
    // Encoding the fields as a list is no option: a skipped field leaves no gap, so the following fields are
    // decoded at the wrong positions.
    let list = rmp_serde::to_vec(&record)?;
    ensure!(rmp_serde::from_slice::<Record>(&list).is_err(), "a list could be decoded");
    // A spool in memory could also keep records without encoding them. Clones share their texts, so the
    // measured size is a lower bound.
    let before = resident()?;
    let kept: Vec<_> = (0..TIMES).map(|_| Box::new(record.clone())).collect();
    let bytes = (resident()? - before) / kept.len();
    drop(kept);
    let case = "no codec: a record in a box";
    let encode = time(|| drop(black_box(Box::new(black_box(&record).clone()))));
    println!("{}", serde_json::to_string(&Measured { case, bytes, encode, decode: 0.0 })?);
    Ok(())
}

/// Returns the resident memory of this process in bytes.
fn resident() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1_024)
}
