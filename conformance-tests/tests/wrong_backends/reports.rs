//! Faults in reports of processes, and in what a store knows about itself: rule 33.

use std::cmp::Reverse;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

use futures::FutureExt;
use ticket_core::{
    BackendBase, Capabilities, Capability, Error, MAX_LIMIT, ProcessReport, ReportQuery, Result,
    StoreInfo,
};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "forgets the losses in a report",
        found_by: &["rule_33_a_report_is_returned_whole"],
        hooks: Hooks {
            get_reports: |it, query| {
                let mut reports = (CORRECT.get_reports)(it, query)?;
                reports.iter_mut().for_each(|report| report.lost.clear());
                Ok(reports)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the counts of a report as floats",
        found_by: &["rule_33_a_report_is_returned_whole"],
        hooks: Hooks {
            get_reports: |it, query| {
                let mut reports = (CORRECT.get_reports)(it, query)?;
                for report in &mut reports {
                    #[allow(
                        clippy::cast_precision_loss,
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "the fault"
                    )]
                    let bytes = report.spooled_bytes as f64 as u64;
                    report.spooled_bytes = bytes;
                }
                Ok(reports)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the first report of each process",
        found_by: &["rule_33_a_report_replaces_the_one_before"],
        hooks: Hooks {
            report: |it, report| match it.report_of(&report.process) {
                Some(_) => Ok(()),
                None => (CORRECT.report)(it, report),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores a report of the same time",
        found_by: &["rule_33_a_report_replaces_the_one_before"],
        hooks: Hooks {
            report: |it, report| match it.report_of(&report.process) {
                Some(stored) if stored.time == report.time => Ok(()),
                _ => (CORRECT.report)(it, report),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares the names of processes without their case",
        found_by: &["rule_33_a_report_replaces_the_one_before"],
        hooks: Hooks {
            report: |it, report| {
                let mut report = report.clone();
                report.process = report.process.to_lowercase();
                (CORRECT.report)(it, &report)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "lets an earlier report replace a later one",
        found_by: &["rule_33_an_earlier_report_changes_nothing"],
        hooks: Hooks {
            report: |it, report| {
                it.keep_report(report);
                Ok(())
            },
            get_reports: Wrong::kept_reports,
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares the times of reports in seconds",
        found_by: &["rule_33_an_earlier_report_changes_nothing"],
        hooks: Hooks {
            report: |it, report| {
                let seconds =
                    |report: &ProcessReport| (report.time.as_micros() + 999_999) / 1_000_000;
                let stored =
                    it.notes().reports.iter().find(|one| one.process == report.process).cloned();
                if stored.is_none_or(|stored| seconds(&stored) <= seconds(report)) {
                    it.keep_report(report);
                }
                Ok(())
            },
            get_reports: Wrong::kept_reports,
            ..CORRECT
        },
    },
    Mutant {
        fault: "sorts reports by their processes",
        found_by: &["rule_33_the_newest_reports_come_first"],
        hooks: Hooks {
            get_reports: |it, query| {
                let mut reports = (CORRECT.get_reports)(it, query)?;
                reports.sort_by(|a, b| a.process.cmp(&b.process));
                Ok(reports)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "sorts the processes of reports of one time in UTF-16",
        found_by: &["rule_33_the_newest_reports_come_first"],
        hooks: Hooks {
            get_reports: |it, query| {
                let mut reports = (CORRECT.get_reports)(it, query)?;
                reports.sort_by_key(|report| {
                    (Reverse(report.time), report.process.encode_utf16().collect::<Vec<_>>())
                });
                Ok(reports)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns the reports of all applications",
        found_by: &["rule_33_reports_are_found_by_their_application"],
        hooks: Hooks {
            get_reports: |it, _| (CORRECT.get_reports)(it, &ReportQuery::new()),
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns any number of reports",
        found_by: &["rule_33_at_most_a_thousand_reports_are_returned"],
        hooks: Hooks {
            report: |it, report| {
                it.keep_report(report);
                Ok(())
            },
            get_reports: |it, query| Ok(it.sorted_reports(query)),
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns a hundred reports",
        found_by: &["rule_33_at_most_a_thousand_reports_are_returned"],
        hooks: Hooks {
            get_reports: |it, query| {
                let mut reports = (CORRECT.get_reports)(it, query)?;
                reports.truncate(100);
                Ok(reports)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "never forgets a report",
        found_by: &["rule_33_reports_older_than_a_week_are_deleted"],
        hooks: Hooks {
            report: |it, report| {
                let is_later =
                    |one: &ProcessReport| one.process == report.process && one.time > report.time;
                let is_late = it.notes().reports.iter().any(is_later);
                if !is_late {
                    it.keep_report(report);
                }
                Ok(())
            },
            get_reports: Wrong::kept_reports,
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets reports of the same application only",
        found_by: &["rule_33_reports_older_than_a_week_are_deleted"],
        hooks: Hooks {
            report: |it, report| {
                let mut notes = it.notes();
                let is_later =
                    |one: &ProcessReport| one.process == report.process && one.time > report.time;
                if !notes.reports.iter().any(is_later) {
                    let is_old = |one: &ProcessReport| {
                        one.app_id == report.app_id && one.time < report.forgets_before()
                    };
                    notes.reports.retain(|one| one.process != report.process && !is_old(one));
                    notes.reports.push(report.clone());
                }
                Ok(())
            },
            get_reports: Wrong::kept_reports,
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets reports when a ticket is deleted",
        found_by: &["rule_33_reports_outlive_tickets"],
        hooks: Hooks {
            delete: |it, id| {
                it.notes().flag = true;
                (CORRECT.delete)(it, id)
            },
            get_reports: Wrong::reports_unless_flagged,
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets reports when occurrences expire",
        found_by: &["rule_33_reports_outlive_expiry"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                it.notes().flag = true;
                (CORRECT.clear_expired)(it, expiry)
            },
            get_reports: Wrong::reports_unless_flagged,
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps reports when it is cleared",
        found_by: &["rule_33_clear_deletes_reports_of_this_store"],
        hooks: Hooks {
            clear: |it| {
                let reports = (CORRECT.get_reports)(it, &ReportQuery::new())?;
                (CORRECT.clear)(it)?;
                reports.iter().try_for_each(|report| (CORRECT.report)(it, report))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares the times of reports without a lock",
        found_by: &["rule_33_of_eight_writers_the_latest_report_stays"],
        hooks: Hooks {
            report: |it, report| {
                let is_later =
                    |one: &ProcessReport| one.process == report.process && one.time > report.time;
                let is_late = it.notes().reports.iter().any(is_later);
                sleep(Duration::from_millis(5));
                if !is_late {
                    it.keep_report(report);
                }
                Ok(())
            },
            get_reports: Wrong::kept_reports,
            ..CORRECT
        },
    },
    Mutant {
        fault: "reads the time of a report, and writes it in another transaction",
        found_by: &["rule_33_of_eight_processes_the_latest_report_stays"],
        hooks: Hooks {
            report: |it, report| {
                let _process = it.one_at_a_time();
                let file = it.storage.file("report");
                let stored = it.storage.locked(|| fs::read(&file)).unwrap_or_default();
                sleep(Duration::from_millis(1));
                let stored = serde_json::from_slice::<ProcessReport>(&stored);
                if stored.is_ok_and(|stored| stored.time > report.time) {
                    return Ok(());
                }
                let text = serde_json::to_vec(report).unwrap();
                it.storage.locked(|| fs::write(&file, text)).unwrap();
                Ok(())
            },
            get_reports: |it, _| {
                let stored = fs::read(it.storage.file("report")).unwrap();
                Ok(vec![serde_json::from_slice(&stored).unwrap()])
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps reports in the memory of each process",
        found_by: &["rule_33_no_report_of_eight_processes_is_lost"],
        hooks: Hooks {
            report: |it, report| {
                it.correct(|store| store.report_process(report.clone()).now_or_never())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "looks for short names of applications only",
        found_by: &["rule_33_reports_take_texts_changed_by_the_limits"],
        hooks: Hooks {
            get_reports: |it, query| match &query.app_id {
                Some(app_id) if app_id.len() > 100 => Ok(Vec::new()),
                _ => (CORRECT.get_reports)(it, query),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "refuses to say what it knows about itself",
        found_by: &["rule_33_a_store_knows_its_schema_version_and_its_size"],
        hooks: Hooks { store_info: |_| Err(Error::unsupported("wrong", "store_info")), ..CORRECT },
    },
    Mutant {
        fault: "does not know the version of its schema",
        found_by: &["rule_33_a_store_knows_its_schema_version_and_its_size"],
        hooks: Hooks { store_info: |_| Ok(StoreInfo::new().with_part("all", 1)), ..CORRECT },
    },
    Mutant {
        fault: "keeps reports although it says that it does not",
        found_by: &["rule_26_a_missing_capability_is_unsupported"],
        hooks: Hooks {
            capabilities: Capabilities::all().without(Capability::ProcessReports),
            ..CORRECT
        },
    },
];

impl Wrong {
    fn report_of(&self, process: &str) -> Option<ProcessReport> {
        let reports = (CORRECT.get_reports)(self, &ReportQuery::new()).unwrap();
        reports.into_iter().find(|report| report.process == process)
    }

    /// Keeps a report beside the correct backend, whatever its time.
    fn keep_report(&self, report: &ProcessReport) {
        let mut notes = self.notes();
        notes.reports.retain(|one| one.process != report.process);
        notes.reports.push(report.clone());
    }

    fn kept_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        let mut reports = self.sorted_reports(query);
        reports.truncate(MAX_LIMIT as usize);
        Ok(reports)
    }

    fn sorted_reports(&self, query: &ReportQuery) -> Vec<ProcessReport> {
        let mut reports = self.notes().reports.clone();
        reports.retain(|one| query.app_id.as_ref().is_none_or(|app_id| one.app_id == *app_id));
        reports.sort_by_key(|one| (Reverse(one.time), one.process.clone()));
        reports
    }

    fn reports_unless_flagged(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        if self.notes().flag { Ok(Vec::new()) } else { (CORRECT.get_reports)(self, query) }
    }
}
