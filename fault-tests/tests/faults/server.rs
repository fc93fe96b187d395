//! Faults of the database server and the network while the application runs on.

use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use ticket_faults::case::{Engine, long, on};
use ticket_faults::servers::{Database, Fault, Proxy};
use ticket_faults::victim::{Heard, Plan, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;
use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    [
        on(&Engine::SERVERS, "f02_the_server_is_killed_and_comes_back", f02_killed),
        on(&Engine::SERVERS, "f03_the_server_stands_still", f03_stopped),
        on(&Engine::SERVERS, "f04_the_network_fails_in_every_way", f04_network),
    ]
    .into_iter()
    .flatten()
}

fn f02_killed(engine: Engine) -> Outcome {
    during_a_burst(engine, |database| {
        database.kill()?;
        std::thread::sleep(Duration::from_secs(if long() { 5 } else { 2 }));
        database.start_again()
    })
}

fn f03_stopped(engine: Engine) -> Outcome {
    during_a_burst(engine, |database| {
        database.stop()?;
        // Longer than a call's timeout, so that the connection is given up.
        std::thread::sleep(Duration::from_secs(if long() { 60 } else { 5 }));
        database.go_on()
    })
}

/// Applies a fault to the server while a victim with a spool folder emits.
fn during_a_burst(engine: Engine, fault: fn(&mut Database) -> Outcome) -> Outcome {
    let mut database = engine.start()?;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(spool.path().to_owned());
    // The burst outlasts the fault, so records are emitted after it as well.
    (plan.records, plan.pace, plan.linger) = (20_000, if long() { 32_000 } else { 4_000 }, true);
    block_on(async { Ok(database.open().await?.setup_backend().await?) })?;
    let victim = Victim::start(VICTIM, &plan)?;
    std::thread::sleep(Duration::from_millis(500));
    fault(&mut database)?;
    if victim.heard().acknowledged.len() as u64 == plan.records {
        return Err("the burst ended before the fault did".into());
    }
    let issued = plan.issued();
    let stored = block_on(async {
        let store = database.open().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    let ended = victim.wait()?;
    let Heard { acknowledged, refused, .. } = ended.heard;
    assert_eq!((acknowledged.len() as u64, refused.len()), (plan.records, 0));
    assert_eq!(stored.numbers.len() as u64, plan.records);
    Ok(())
}

/// Connections are reset, closed, cut off silently and slowed to a trickle, and answers are dropped.
///
/// No record is lost, and none is stored twice even if the server committed a batch without the client
/// learning about it.
fn f04_network(engine: Engine) -> Outcome {
    let database = engine.start()?;
    let proxy = Proxy::new(&database.host()?)?;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url_through(&proxy)?);
    plan.spool = Some(spool.path().to_owned());
    (plan.threads, plan.records, plan.linger) = (2, 20_000, true);
    // The burst has to outlast all of the faults.
    plan.pace = if long() { 6_000 } else { 2_500 };
    block_on(async { Ok(database.open().await?.setup_backend().await?) })?;
    let victim = Victim::start(VICTIM, &plan)?;
    // PostgreSQL's answers are all dropped, MongoDB's from the commit of a transaction on.
    let no_answer = match engine {
        Engine::Mongod => Fault::NoAnswerTo("commitTransaction"),
        Engine::Sqlite | Engine::Postgres => Fault::NoAnswerTo(""),
    };
    let faults = [no_answer, Fault::Reset, Fault::End, Fault::BlackHole, Fault::Trickle];
    for fault in faults {
        // Time to reconnect and to store records again.
        std::thread::sleep(Duration::from_secs(1));
        proxy.set(fault);
        // Longer than a call's timeout.
        std::thread::sleep(Duration::from_secs(if long() { 10 } else { 3 }));
        proxy.heal();
    }
    if victim.heard().acknowledged.len() as u64 == plan.records {
        return Err("the burst ended before the faults did".into());
    }
    let issued = plan.issued();
    let stored = block_on(async {
        let store = database.open().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    assert_eq!(stored.numbers.len() as u64, plan.records);
    let again = victim.wait()?.counted("duplicates")?;
    if proxy.swallowed() == 0 || again == 0 {
        return Err("no answer was dropped after a commit".into());
    }
    Ok(())
}
