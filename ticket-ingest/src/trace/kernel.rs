//! Reports of the Linux kernel: an oops, a warning, a stall, memory that is used wrongly or runs out.
//!
//! Each line of a report has the head of the log, if it has any, and a report has few lines whose form is fixed. So what
//! follows its title belongs to it unless it looks like an ordinary message of the kernel, `subsystem: text`.

use ticket_core::Level;
use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::file_and_line;
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};
use crate::time;

/// In a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    step: Step,
    level: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Before the title.
    Start,
    /// Below the line that only says that a report begins.
    Cut,
    /// Below a rule, which stands above some titles.
    Rule,
    /// In the registers and so on, which name the first function.
    Report,
    /// In the call trace.
    Traced,
    /// In other traces, such as how memory came about.
    Others,
    /// Behind the line that says that the trace ends.
    Ended,
}

pub(super) const START: State = State { step: Step::Start, level: Level::Error };

/// What the kernel writes in the line above a warning or a bug.
const CUT: &str = "------------[ cut here ]------------";

/// Where a title stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It begins a report.
    First,
    /// It begins a report, or is a line of one.
    Within,
}

/// The beginnings of titles, and the kinds that they state.
const TITLES: [(&str, &str, Place); 26] = [
    ("BUG: KASAN: ", "KASAN", Place::First),
    ("BUG: KFENCE: ", "KFENCE", Place::First),
    ("BUG: KCSAN: ", "KCSAN", Place::First),
    ("BUG: KMSAN: ", "KMSAN", Place::First),
    ("UBSAN: ", "UBSAN", Place::First),
    ("BUG: soft lockup - CPU", "soft lockup", Place::First),
    ("Watchdog detected hard LOCKUP ", "hard LOCKUP", Place::First),
    ("BUG: kernel NULL pointer ", "BUG", Place::First),
    ("BUG: Kernel NULL pointer ", "BUG", Place::First),
    ("BUG: unable to handle ", "BUG", Place::First),
    ("BUG: Unable to handle ", "BUG", Place::First),
    ("BUG: scheduling while atomic: ", "BUG", Place::First),
    ("BUG: sleeping function called from ", "BUG", Place::First),
    ("BUG: workqueue lockup ", "BUG", Place::First),
    ("Unable to handle kernel NULL pointer ", "Oops", Place::First),
    ("Unable to handle kernel paging ", "Oops", Place::First),
    ("Unable to handle kernel access ", "Oops", Place::First),
    ("Kernel attempted to ", "Oops", Place::First),
    ("general protection fault: 0000 [#", "Oops", Place::First),
    ("general protection fault, ", "Oops", Place::First),
    ("kernel BUG at ", "BUG", Place::Within),
    ("divide error: 0000 [#", "Oops", Place::Within),
    ("invalid opcode: 0000 [#", "Oops", Place::Within),
    ("Internal error: Oops", "Oops", Place::Within),
    ("Kernel panic - not syncing: ", "Kernel panic - not syncing", Place::Within),
    ("Out of memory: Kill", "Out of memory", Place::Within),
];

/// How lines of reports begin that look like ordinary messages.
const LINES: [&str; 49] = [
    "#PF: ",
    "Oops: ",
    "CPU: ",
    "Comm: ",
    "Hardware name: ",
    "Modules linked in: ",
    "last unloaded: ",
    "Tainted: ",
    "Workqueue: ",
    "Call Trace: ",
    "Stack: ",
    "Code: ",
    "Process ",
    "Internal error: ",
    "Kernel Offset: ",
    "SMP: stopping secondary CPUs",
    "irq event stamp: ",
    "hardirqs last ",
    "softirqs last ",
    "page dumped because: ",
    "in_atomic(): ",
    "preempt_count: ",
    "Preemption disabled at: ",
    "note: ",
    "rcu: ",
    "NMI backtrace ",
    "Task dump for ",
    "Sending NMI ",
    "Swap cache stats: ",
    "Node ",
    "memory: usage ",
    "memory+swap: usage ",
    "swap: usage ",
    "kmem: usage ",
    "Memory cgroup stats for ",
    "Memory cgroup out of memory: Kill",
    "oom_reaper: ",
    "user pgtable: ",
    "swapper pgtable: ",
    "Mem abort info: ",
    "Data abort info: ",
    "Flags: ",
    "Control: ",
    "REGS: ",
    "Faulting instruction address: ",
    "CPU features: ",
    "Memory Limit: ",
    "PHYS_OFFSET: ",
    "---[ end ",
];

/// A line that begins a report.
struct Title<'a> {
    kind: &'static str,
    said: &'a str,
    level: Level,
    place: Place,
}

/// Returns a line without the time and the task that stand before each line of a report: `[ 12.34][  T7] text`.
pub(crate) fn behind_head(line: &str) -> &str {
    let is_head = |inside: &str| {
        is_task(inside)
            || time::uptime_prefix(inside.trim()).is_some()
            || time::parse(inside).is_some()
    };
    let mut rest = line;
    while let Some((inside, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && is_head(inside)
    {
        rest = behind;
    }
    if rest.len() == line.len()
        && let Some((_, end)) = time::parse_prefix(line)
        && line[end..].starts_with(' ')
    {
        rest = &line[end..];
    }
    rest
}

/// Recognises the task or the processor of a line in brackets: `  T818`, `   C1`.
pub(crate) fn is_task(text: &str) -> bool {
    text.trim().strip_prefix(['T', 'C']).is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Returns `true` if a line behind its head begins a report. `is_sure` says that the kernel has written it: fewer words
/// are enough then.
pub(crate) fn begins_report(text: &str, is_sure: bool) -> bool {
    let text = text.trim();
    text == CUT
        || title(text).is_some()
        || (is_sure && (text.starts_with("BUG: ") || is_rule(text)))
}

fn is_rule(text: &str) -> bool {
    text.len() > 20 && text.bytes().all(|byte| byte == b'=')
}

fn title(text: &str) -> Option<Title<'_>> {
    let text = text.strip_prefix("watchdog: ").unwrap_or(text);
    let of = |kind, said, level| Title { kind, said, level, place: Place::First };
    for (title, kind, place) in TITLES {
        if text.starts_with(title) {
            let said = text.strip_prefix("BUG: ").unwrap_or(text);
            let said = said.strip_prefix(kind).unwrap_or(said).trim_start_matches([':', '-', ' ']);
            let is_killed = kind == "Out of memory";
            let level = if is_killed { Level::Error } else { Level::Critical };
            return Some(Title { place, ..of(kind, said, level) });
        }
    }
    if let Some(said) = text.strip_prefix("WARNING: ") {
        let has_place = said.contains(" at ") && said.contains("+0x");
        let is_of_locks =
            ["possible ", "suspicious RCU usage", "inconsistent lock state", "bad unlock balance"]
                .iter()
                .any(|start| said.starts_with(start));
        return (has_place || is_of_locks).then(|| of("WARNING", said, Level::Warning));
    }
    let said = text.strip_prefix("rcu: ").unwrap_or(text);
    if let Some(said) = said.strip_prefix("INFO: ") {
        if said.starts_with("rcu_") && said.contains("detected ") && said.contains("stall") {
            return Some(of("RCU stall", said, Level::Error));
        }
        // `task shopd:4711 blocked for more than 120 seconds.`
        let (task, rest) = said.strip_prefix("task ")?.split_once(" blocked for more than ")?;
        let (_, process) = task.rsplit_once(':')?;
        let is_task = process.parse::<u32>().is_ok() && rest.contains("seconds");
        return is_task.then(|| of("hung task", said, Level::Error));
    }
    if text.contains(" invoked oom-killer: ") {
        return Some(of("oom-killer", text, Level::Error));
    }
    let said = text.strip_prefix("Memory cgroup out of memory: ")?;
    said.starts_with("Kill")
        .then(|| Title { place: Place::Within, ..of("Out of memory", said, Level::Error) })
}

impl State {
    pub(super) const fn level(self) -> Level {
        self.level
    }

    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |step| Some((Self { step, ..self }, Belongs::Surely));
        let title = title(text);
        if matches!(self.step, Step::Start | Step::Cut | Step::Rule) {
            let Some(title) = title else {
                if self.step == Step::Rule {
                    return None;
                }
                if self.step == Step::Start && is_rule(text) {
                    return surely(Step::Rule);
                }
                if self.step == Step::Start && text.starts_with("BUG: ") {
                    out(Piece::Error(ErrorCause::new(Some("BUG".into()), &text[5..]), Link::First));
                    let level = Level::Critical;
                    return Some((Self { step: Step::Report, level }, Belongs::Surely));
                }
                // Between that line and the title, there may be a reason.
                return surely(Step::Cut);
            };
            out(Piece::Error(ErrorCause::new(Some(title.kind.into()), title.said), Link::First));
            let (file, number) = place(title.said);
            if number.is_some() {
                out(Piece::RaisedAt(file, number));
            }
            return Some((Self { step: Step::Report, level: title.level }, Belongs::Surely));
        }
        if let Some(title) = title {
            return (title.place == Place::Within).then_some((self, Belongs::Surely));
        }
        if text == CUT || text.starts_with("BUG: ") {
            return None;
        }
        if text.eq_ignore_ascii_case("call trace:") || text == "Backtrace:" {
            return surely(if self.step == Step::Report { Step::Traced } else { self.step });
        }
        if text.starts_with("Allocated by task ") || text.starts_with("Freed by task ") {
            return surely(Step::Others);
        }
        if text.starts_with("---[ end trace") {
            return surely(Step::Ended);
        }
        // `RIP: 0010:pay+0x10/0x20 [shop]`, and what other processors call it
        let counters = ["RIP: ", "EIP: ", "IP: ", "pc : ", "epc : ", "PC is at ", "NIP "];
        if let Some(at) = counters.iter().find_map(|name| text.strip_prefix(name)) {
            let at = at.split_once(':').map_or(at, |(_, at)| at);
            if self.step == Step::Report
                && let Some(frame) = frame(at)
            {
                out(Piece::Frame(frame));
            }
            return surely(self.step);
        }
        if let Some(frame) = frame(text) {
            // What a question mark stands before was found on the stack and may be left from an earlier call. Some
            // processors write no title above the trace, and addresses before its functions.
            let is_traced =
                self.step == Step::Traced || (self.step == Step::Report && text.starts_with("[<"));
            if is_traced && !text.contains("? ") {
                out(Piece::Frame(frame));
            }
            return surely(if is_traced { Step::Traced } else { self.step });
        }
        let is_known = LINES.iter().any(|start| text.starts_with(start)) || is_dump(text);
        let belongs = is_known || (self.step != Step::Ended && !is_ordinary(text));
        belongs.then_some((self, Belongs::Surely))
    }
}

/// Reads the place that a title names: `CPU: 1 PID: 7 at net/dev.c:12 pay+0x1/0x2`, `at mm/slub.c:12!`,
/// `net/dev.c:12 at pay+0x1/0x2`.
fn place(said: &str) -> (Option<ticket_core::SmolStr>, Option<u32>) {
    let behind = said.split_once("at ").map_or("", |(_, behind)| behind);
    for text in [said, behind] {
        let word = text.split([' ', '!']).next().unwrap_or_default();
        let (file, number) = file_and_line(word);
        if number.is_some() && word.contains('.') {
            return (file, number);
        }
    }
    (None, None)
}

/// Reads `pay+0x10/0x20 [shop]`, with an address before it, and a place or a word in brackets behind; `pay card.c:7
/// [inline]`; and `[<c010>] (pay) from [<c011>] (main+0x1/0x2)`.
fn frame(text: &str) -> Option<Frame> {
    if let Some((callee, _)) = text.split_once(") from [<") {
        let (_, callee) = callee.rsplit_once('(')?;
        let (name, module) = callee.split_once(" [").unwrap_or((callee, ""));
        let mut frame = Frame::new(name.split("+0x").next().unwrap_or(name));
        let module = module.trim_end_matches(']');
        frame.file = (!module.is_empty()).then(|| module.into());
        return Some(frame);
    }
    let mut words = text.split_whitespace();
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let name_in = |word: &str| {
        let (name, offset) = word.trim_matches(['(', ')']).rsplit_once("+0x")?;
        let (offset, size) = offset.split_once("/0x")?;
        (is_hex(offset) && is_hex(size) && !name.is_empty()).then(|| name.to_owned())
    };
    let (name, is_inline) = match words.by_ref().find_map(name_in) {
        Some(name) => (name, false),
        None => {
            let inline = text.strip_suffix(" [inline]")?;
            words = inline.split_whitespace();
            (words.next()?.to_owned(), true)
        }
    };
    let mut frame = Frame::new(name);
    for word in words {
        if let Some(module) = word.strip_prefix('[') {
            // A module may have the number of its build behind its name.
            frame.file = Some(module.trim_end_matches(']').into());
            break;
        }
        if let (Some(file), Some(line)) = file_and_line(word) {
            (frame.file, frame.line) = (Some(file), Some(line));
            break;
        }
    }
    (!is_inline || frame.line.is_some()).then_some(frame)
}

/// Returns `true` for `subsystem: text`, which no line of a report looks like.
fn is_ordinary(text: &str) -> bool {
    text.split_once(": ").is_some_and(|(name, _)| {
        name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !name.ends_with(' ')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-./()@".contains(&byte))
    })
}

/// Recognises registers and memory: `RAX: 0000000000000000 RBX: ffff8881`, `x29: ffff8000`, `ffff8881: fb fb`.
fn is_dump(text: &str) -> bool {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let Some((name, value)) = text.split_once(':') else { return false };
    let name = name.trim().trim_start_matches('>');
    let value = value.trim_start().split([' ', '(', ':', ',']).next().unwrap_or_default();
    let value = value.trim_start_matches("0x");
    let is_address = name.len() >= 8 && is_hex(name);
    let is_number =
        value.len() >= 8 || (value.len() >= 4 && value.bytes().any(|byte| byte.is_ascii_digit()));
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_hex(value) && (is_address || (is_name && is_number))
}

/// The functions of a module are what differs between machines. Without one, the whole kernel is the application, except
/// for what writes the report.
pub(super) fn owner(frame: &Frame) -> Owner {
    const REPORTING: [&str; 24] = [
        "dump_",
        "__dump_",
        "show_",
        "print_",
        "kasan_",
        "__kasan_",
        "__asan_",
        "check_memory_region",
        "ubsan_",
        "__ubsan_",
        "panic",
        "__warn",
        "report_bug",
        "handle_bug",
        "exc_",
        "asm_exc_",
        "die",
        "__die",
        "oops_",
        "page_fault_oops",
        "do_user_addr_fault",
        "bug_handler",
        "__schedule",
        "schedule",
    ];
    let function = frame.function.as_str();
    if REPORTING.iter().any(|start| function.starts_with(start)) {
        Owner::Runtime
    } else if frame.file.is_some() && frame.line.is_none() {
        Owner::Application
    } else {
        Owner::Library
    }
}
