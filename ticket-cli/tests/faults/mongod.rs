//! MongoDB: a standalone server and replica sets of one and three, which are killed, stopped, and told to step
//! down.

use std::time::Duration;

use mongodb::bson::doc;
use ticket_faults::Outcome;
use ticket_faults::servers::{Kind, MONGOD_PROGRAM, Mongod as Servers, until};

use super::load::Load;
use super::ticket::{TICKETS, assert_exact, ingest, line, lines, set_up, start_ingest};
use super::{Case, Place, crowd, stop_time};

/// The variable with the program of the server.
pub(crate) const PROGRAM: Option<&str> = Some(MONGOD_PROGRAM);

const ALONE: Kind = Kind::Standalone;
const SET: Kind = Kind::Set(1);

pub(crate) const CASES: &[Case] = &[
    ("f02_mongod_alone_is_killed", PROGRAM, || killed(ALONE)),
    ("f02_mongod_set_of_one_is_killed", PROGRAM, || killed(SET)),
    ("f03_mongod_alone_stands_still", PROGRAM, || stopped(ALONE)),
    ("f03_mongod_set_of_one_stands_still", PROGRAM, || stopped(SET)),
    ("f07_mongod_alone_same_tickets", PROGRAM, || crowd::same_tickets(&Servers::new(ALONE)?)),
    ("f07_mongod_set_of_one_same_tickets", PROGRAM, || crowd::same_tickets(&Servers::new(SET)?)),
    ("f07_mongod_set_of_one_somebody_holds_the_tickets", PROGRAM, held),
    ("f08_mongod_alone_same_lines", PROGRAM, || crowd::same_lines(&Servers::new(ALONE)?)),
    ("f08_mongod_set_of_one_same_lines", PROGRAM, || crowd::same_lines(&Servers::new(SET)?)),
    ("f09_mongod_alone_64_processes", PROGRAM, || crowd::first_occurrence(&Servers::new(ALONE)?)),
    ("f09_mongod_set_of_one_64_processes", PROGRAM, || {
        crowd::first_occurrence(&Servers::new(SET)?)
    }),
    ("f12_primary_is_killed", PROGRAM, primary_killed),
    ("f12_primary_steps_down", PROGRAM, primary_steps_down),
    ("f12_no_majority_waits", PROGRAM, no_majority),
    ("f17_mongod_alone_eight_set_up", PROGRAM, || crowd::set_up_at_once(&Servers::new(ALONE)?)),
    ("f17_mongod_set_of_one_eight_set_up", PROGRAM, || crowd::set_up_at_once(&Servers::new(SET)?)),
    ("f39_mongod_set_of_one_application_rolls_back", PROGRAM, application_rolls_back),
];

fn killed(kind: Kind) -> Outcome {
    let mut servers = Servers::new(kind)?;
    let mut load = Load::start(&servers)?;
    load.go_on()?;
    servers.kill(0)?;
    std::thread::sleep(Duration::from_secs(2));
    // However slow the machine is, a batch is sent while the server is away.
    until("ingest waits", || load.waits())?;
    servers.start(0)?;
    load.finish(true)
}

fn stopped(kind: Kind) -> Outcome {
    let servers = Servers::new(kind)?;
    let mut load = Load::start(&servers)?;
    load.go_on()?;
    servers.stop(0)?;
    std::thread::sleep(stop_time());
    // However slow the machine is, a batch is sent while the server is away.
    until("ingest waits", || load.waits())?;
    servers.go_on(0)?;
    load.finish(true)
}

fn primary_killed() -> Outcome {
    let mut servers = Servers::new(Kind::Set(3))?;
    let mut load = Load::start(&servers)?;
    load.go_on()?;
    let primary = servers.primary().ok_or("there is no primary")?;
    servers.kill(primary)?;
    // Within one call, the driver may wait until the other two have elected a primary, so the fault may go
    // unnoticed.
    load.finish(false)?;
    assert_ne!(servers.primary().ok_or("there is no new primary")?, primary);
    Ok(())
}

fn primary_steps_down() -> Outcome {
    let servers = Servers::new(Kind::Set(3))?;
    let mut load = Load::start(&servers)?;
    load.go_on()?;
    let primary = servers.primary().ok_or("there is no primary")?;
    // The primary refuses to step down until another member has caught up.
    until("the primary steps down", || {
        let step_down = doc! { "replSetStepDown": 30, "secondaryCatchUpPeriodSecs": 10 };
        Ok(servers.run(primary, step_down).is_ok())
    })?;
    load.finish(false)?;
    assert_ne!(servers.primary().ok_or("there is no new primary")?, primary);
    Ok(())
}

fn no_majority() -> Outcome {
    let mut servers = Servers::new(Kind::Set(3))?;
    let mut load = Load::start(&servers)?;
    load.go_on()?;
    let primary = servers.primary().ok_or("there is no primary")?;
    let others: Vec<usize> = (0..3).filter(|member| *member != primary).collect();
    for member in &others {
        servers.kill(*member)?;
    }
    until("it waits", || load.waits())?;
    // Longer than the primary needs to notice, and longer than any call may take.
    std::thread::sleep(Duration::from_secs(10));
    assert!(servers.primary().is_none(), "a single member of three is still primary");
    assert!(load.waits()?, "ingest ended without a majority");
    for member in others {
        servers.start(member)?;
    }
    load.finish(true)
}

/// F07: a transaction of another client has written the tickets and stays open.
fn held() -> Outcome {
    let servers = Servers::new(SET)?;
    let url = servers.url();
    let lines = lines()?;
    set_up(&url)?;
    ingest(&url, (0..TICKETS).map(line))?;
    let (held, ended) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| {
            servers
                .transaction(async |database, session| {
                    let tickets =
                        database.collection::<mongodb::bson::Document>("ticketing_tickets");
                    let mark = doc! { "$set": { "looked_at": true } };
                    tickets.update_many(doc! {}, mark).session(&mut *session).await?;
                    held.send(())?;
                    // Longer than a call may take, and longer than a transaction of ours may stay open.
                    tokio::time::sleep(Duration::from_secs(6)).await;
                    Ok(session.commit_transaction().await?)
                })
                .map_err(|error| error.to_string())
        });
        ended.recv()?;
        let summary = ingest(&servers.impatient_url(), (TICKETS..lines).map(line))?;
        assert_eq!(summary.recorded + summary.known, lines - TICKETS);
        // The other client's transaction was not aborted.
        holder.join().map_err(|_| "the holder panicked")??;
        Outcome::Ok(())
    })?;
    assert_exact(&url, lines)
}

/// F39: tickets that are recorded while a transaction of the application is open stay if it rolls back.
fn application_rolls_back() -> Outcome {
    let servers = Servers::new(SET)?;
    let url = servers.url();
    let lines = lines()?;
    set_up(&url)?;
    servers.run_in_store(doc! { "create": "cart" })?;
    let waiting = start_ingest(&url)?;
    servers.transaction(async |database, session| {
        let cart = database.collection("cart");
        cart.insert_one(doc! { "item": 1 }).session(&mut *session).await?;
        let feed = move || {
            super::ticket::finish_ingest(waiting, (0..lines).map(line)).map_err(|e| e.to_string())
        };
        let summary = tokio::task::spawn_blocking(feed).await??;
        assert_eq!(summary.recorded, lines);
        Ok(session.abort_transaction().await?)
    })?;
    let cart = servers.run_in_store(doc! { "count": "cart" })?;
    assert_eq!(cart.get_i32("n")?, 0, "{cart}");
    assert_exact(&url, lines)
}

impl Place for Servers {
    fn url_with_timeout(&self, seconds: u32) -> String {
        Self::url_with_timeout(self, seconds)
    }
}
