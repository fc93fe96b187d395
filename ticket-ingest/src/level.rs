//! Levels in the spellings that logs use.

use serde_json::Value;
use ticket_core::Level;

/// The longest name of a level in bytes.
const LONGEST: usize = 28;

/// Parses the name of a level, in English or as PostgreSQL and `java.util.logging` translate it. Returns `None` for anything
/// else.
pub(crate) fn parse(text: &str) -> Option<Level> {
    let text = text.trim().trim_end_matches('!');
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    if !text.is_ascii() {
        return translated(text);
    }
    Some(match text.to_ascii_lowercase().as_str() {
        "trace" | "trc" | "trce" | "vrb" | "verbose" | "finest" | "finer" | "silly" => Level::Trace,
        "debug" | "dbg" | "dbug" | "debg" | "fine" | "config" => Level::Debug,
        "info" | "inf" | "information" | "informational" | "log" | "success" => Level::Info,
        "notice" | "note" | "ntc" | "noti" => Level::Notice,
        "warning" | "warn" | "wrn" | "deprecated" => Level::Warning,
        "error" | "err" | "eror" | "severe" | "fail" => Level::Error,
        "critical" | "crit" | "crt" | "fatal" | "ftl" | "panic" | "dpanic" | "alert" | "alrt"
        | "emerg" | "emgc" | "emergency" => Level::Critical,
        "fehler" | "erreur" | "errore" | "erro" | "schwerwiegend" | "grave" => Level::Error,
        "warnung" | "avertissement" | "advertencia" | "avvertenza" => Level::Warning,
        "hinweis" => Level::Notice,
        "infos" | "informationen" | "informazioni" => Level::Info,
        "panik" => Level::Critical,
        _ => return letter(text),
    })
}

/// Parses the name of a level that has other letters than those of ASCII.
fn translated(text: &str) -> Option<Level> {
    Some(match text.to_lowercase().as_str() {
        "ошибка" | "важно" | "エラー" | "错误" | "오류" => Level::Error,
        "предупреждение" | "advertência" | "警告" | "경고" => Level::Warning,
        "замечание" => Level::Notice,
        "сообщение" | "información" | "informações" | "情報" | "信息" => {
            Level::Info
        }
        "⨯" | "✖" | "✘" | "❌" => Level::Error,
        "⚠" | "⚠\u{fe0f}" => Level::Warning,
        "ℹ" | "ℹ\u{fe0f}" => Level::Info,
        "паника" | "致命的エラー" => Level::Critical,
        _ => return None,
    })
}

/// Parses a level of one letter in capitals.
pub(crate) fn letter(text: &str) -> Option<Level> {
    Some(match text {
        "V" | "T" => Level::Trace,
        "D" => Level::Debug,
        "I" => Level::Info,
        "N" => Level::Notice,
        "W" => Level::Warning,
        "E" => Level::Error,
        "F" | "C" => Level::Critical,
        _ => return None,
    })
}

/// What the numbers 0 to 7 mean as levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scale {
    /// 0 is the worst, as in syslog.
    #[default]
    Syslog,
    /// 0 is debug, and 4 is fatal.
    FromDebug,
    /// 0 is trace, and 5 is critical, as in .NET.
    FromTrace,
}

/// The small numbers that a log has given as levels.
///
/// A log that counts upwards has small numbers in most of its lines, since most lines are harmless. In syslog, they
/// are emergencies, and most lines have a 6.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    counts: [u32; 8],
}

impl Numbers {
    /// Counts a level if it is a small number.
    pub(crate) fn note(&mut self, number: i64) {
        if let Some(count) = usize::try_from(number).ok().and_then(|at| self.counts.get_mut(at)) {
            *count = count.saturating_add(1);
        }
    }

    /// Returns the scale that fits what was counted.
    pub(crate) fn scale(&self) -> Scale {
        let [zero, one, two, three, four, five, six, seven] = self.counts;
        if six + seven > 0 || zero + one + two <= three + four + five {
            Scale::Syslog
        } else if five > 0 {
            Scale::FromTrace
        } else {
            Scale::FromDebug
        }
    }
}

/// Returns a number without a fraction, whether it is written as `4` or `4.0`.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 1e6)?;
        #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
        Some(number as i64)
    })
}

/// Converts a number: of bunyan and pino (10 to 60), monolog (100 to 600), `java.util.logging` (700 to 1000) or
/// logback (10000 to 40000). What 0 to 7 mean, the scale says.
pub(crate) fn from_number(number: i64, scale: Scale) -> Option<Level> {
    Some(match (number, scale) {
        (0..=7, Scale::Syslog) => return from_syslog(number),
        (0..=4, Scale::FromDebug) => return from_trace(number + 1),
        (0..=5, Scale::FromTrace) => return from_trace(number),
        (8..=19, _) => Level::Trace,
        (20..=29, _) => Level::Debug,
        (30..=39, _) => Level::Info,
        (40..=49, _) => Level::Warning,
        (50..=59, _) => Level::Error,
        (60..=99, _) => Level::Critical,
        (100..=199, _) | (700..=799, _) | (10_000..=19_999, _) => Level::Debug,
        (200..=249, _) | (800..=899, _) | (20_000..=29_999, _) => Level::Info,
        (250..=299, _) => Level::Notice,
        (300..=399, _) | (900..=999, _) | (30_000..=39_999, _) => Level::Warning,
        (400..=499, _) | (1_000, _) | (40_000..=49_999, _) => Level::Error,
        (500..=600, _) | (50_000, _) => Level::Critical,
        (5_000, _) => Level::Trace,
        _ => return None,
    })
}

/// Converts a level that counts from 0 for trace to 5 for critical.
fn from_trace(number: i64) -> Option<Level> {
    Some(match number {
        0 => Level::Trace,
        1 => Level::Debug,
        2 => Level::Info,
        3 => Level::Warning,
        4 => Level::Error,
        5 => Level::Critical,
        _ => return None,
    })
}

/// Converts the severity number of OpenTelemetry, 1 to 24.
pub(crate) fn from_opentelemetry(number: i64) -> Option<Level> {
    Some(match number {
        1..=4 => Level::Trace,
        5..=8 => Level::Debug,
        9..=12 => Level::Info,
        13..=16 => Level::Warning,
        17..=20 => Level::Error,
        21..=24 => Level::Critical,
        _ => return None,
    })
}

/// Converts a level of the Windows event log, where 1 is the worst and 0 means that it is always written.
pub(crate) fn from_windows(number: i64) -> Option<Level> {
    Some(match number {
        0 | 4 => Level::Info,
        1 => Level::Critical,
        2 => Level::Error,
        3 => Level::Warning,
        5 => Level::Debug,
        _ => return None,
    })
}

/// Converts a severity of syslog, 0 to 7.
pub(crate) fn from_syslog(severity: i64) -> Option<Level> {
    Some(match severity {
        0..=2 => Level::Critical,
        3 => Level::Error,
        4 => Level::Warning,
        5 => Level::Notice,
        6 => Level::Info,
        7 => Level::Debug,
        _ => return None,
    })
}

/// Converts a level of Python's `logging`, where numbers are 10 less than in bunyan.
pub(crate) fn from_python(number: i64) -> Option<Level> {
    match number {
        1..=49 => from_number(number + 10, Scale::Syslog),
        50..=89 => Some(Level::Critical),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_many_spellings() {
        for (name, level) in [
            ("WARN", Level::Warning),
            ("E", Level::Error),
            ("Information", Level::Info),
            ("ERR!", Level::Error),
            ("dbug", Level::Debug),
            ("DPANIC", Level::Critical),
            ("SEVERE", Level::Error),
        ] {
            assert_eq!(parse(name), Some(level), "{name}");
        }
        for name in ["", "x", "e", "errors", "!", "http", "é"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn numbers_of_many_programs_are_told_apart() {
        for (number, level) in [
            (50, Level::Error),
            (60, Level::Critical),
            (35, Level::Info),
            (6, Level::Info),
            (3, Level::Error),
            (400, Level::Error),
            (250, Level::Notice),
            (1_000, Level::Error),
            (900, Level::Warning),
            (30_000, Level::Warning),
        ] {
            assert_eq!(from_number(number, Scale::Syslog), Some(level), "{number}");
        }
        for number in [-1, 8_000, 700_000] {
            assert_eq!(from_number(number, Scale::Syslog), None, "{number}");
        }
        assert_eq!(from_python(40), Some(Level::Error));
        assert_eq!(from_python(50), Some(Level::Critical));
    }

    #[test]
    fn the_scale_of_small_numbers_follows_from_how_often_each_occurs() {
        let scale = |numbers: &[i64]| {
            let mut seen = Numbers::default();
            numbers.iter().for_each(|number| seen.note(*number));
            seen.scale()
        };
        assert_eq!(scale(&[1, 1, 0, 3, 4, 1]), Scale::FromDebug);
        assert_eq!(scale(&[2, 2, 2, 5, 1]), Scale::FromTrace);
        // An emergency among errors stays one, although it might be a line of debug: it would be below every level.
        for numbers in
            [&[6, 6, 3, 7][..], &[3], &[], &[3, 4, 2], &[0, 3, 3], &[0, 0, 1, 6], &[30, 50, -1]]
        {
            assert_eq!(scale(numbers), Scale::Syslog, "{numbers:?}");
        }
        assert_eq!(from_number(3, Scale::FromDebug), Some(Level::Error));
        assert_eq!(from_number(1, Scale::FromDebug), Some(Level::Info));
        assert_eq!(from_number(4, Scale::FromTrace), Some(Level::Error));
    }
}
