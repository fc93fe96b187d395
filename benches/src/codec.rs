//! The packer of the spool's entries against `rmp-serde`: bytes, and nanoseconds to encode and to decode.

#![allow(clippy::print_stdout, reason = "the answer is what it prints")]

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use ticket_core::record::{Breadcrumb, Span};
use ticket_core::{Level, Location, Record, Timestamp};

// The packer is private to the handler; it depends on serde alone.
#[allow(dead_code, unreachable_pub, reason = "a part of another crate")]
#[path = "../../ticket-handler/src/spool/pack.rs"]
mod pack;

const ROUNDS: usize = 21;
const TIMES: u32 = 20_000;

/// One line of the answer.
#[derive(Serialize)]
struct Measured {
    case: &'static str,
    bytes: usize,
    /// Nanoseconds, the median of the rounds.
    encode: f64,
    decode: f64,
}

/// The record that the layer makes of the event which the benchmark `emit` reports.
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

/// Nanoseconds of one call: the median of the rounds.
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
    ensure!(decode(&bytes) == *record, "{case}: the record is not read back as it was");
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

#[expect(clippy::unwrap_used, reason = "what was just encoded can be decoded")]
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
    // A field that is skipped leaves no place for itself in a list.
    let list = rmp_serde::to_vec(&record)?;
    ensure!(rmp_serde::from_slice::<Record>(&list).is_err(), "fields as a list would be possible");
    // What a spool in memory could hold in place of bytes. Clones share texts, so it is a lower bound.
    let before = resident()?;
    let kept: Vec<_> = (0..TIMES).map(|_| Box::new(record.clone())).collect();
    let bytes = (resident()? - before) / kept.len();
    drop(kept);
    let case = "no codec: a record in a box";
    let encode = time(|| drop(black_box(Box::new(black_box(&record).clone()))));
    println!("{}", serde_json::to_string(&Measured { case, bytes, encode, decode: 0.0 })?);
    Ok(())
}

/// The resident memory of this program, in bytes.
fn resident() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1_024)
}
