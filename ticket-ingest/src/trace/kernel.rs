//! Reports of the Linux kernel: an oops, a warning, a stall, a use of freed memory. Each line has the head of the log.

use ticket_core::SmolStr;
use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::file_and_line;
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

/// In a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The call trace has begun. The frames before it name the same functions.
    is_traced: bool,
    /// The task that it is about does not go on.
    is_fatal: bool,
}

/// What the kernel writes in the line above a warning or a bug.
pub(crate) const CUT: &str = "------------[ cut here ]------------";

/// The first lines of reports, up to where they differ, and the kinds that they state.
const TITLES: [(&str, &str); 17] = [
    ("BUG: kernel ", "BUG"),
    ("BUG: unable to handle ", "BUG"),
    ("BUG: KASAN: ", "KASAN"),
    ("BUG: KFENCE: ", "KFENCE"),
    ("BUG: KCSAN: ", "KCSAN"),
    ("BUG: soft lockup", "soft lockup"),
    ("BUG: scheduling while atomic", "BUG"),
    ("BUG: sleeping function called ", "BUG"),
    ("BUG: workqueue lockup", "BUG"),
    ("watchdog: BUG: soft lockup", "soft lockup"),
    ("kernel BUG at ", "BUG"),
    ("general protection fault", "Oops"),
    ("Unable to handle kernel ", "Oops"),
    ("Internal error: Oops", "Oops"),
    ("divide error: 0000 [#", "Oops"),
    ("invalid opcode: 0000 [#", "Oops"),
    ("Kernel panic - not syncing: ", "Kernel panic - not syncing"),
];

/// How the other lines of a report begin.
const LINES: [&str; 51] = [
    "#PF: ",
    "PGD ",
    "P4D ",
    "Oops: ",
    "invalid opcode: 0000 [#",
    "CPU: ",
    "Comm: ",
    "Hardware name: ",
    "Modules linked in: ",
    "last unloaded: ",
    "[last unloaded: ",
    "Tainted: ",
    "Not tainted ",
    "Workqueue: ",
    "task:",
    "\"echo 0 > /proc/",
    "Call Trace:",
    "Call trace:",
    "Stack:",
    "Code: ",
    "RIP: ",
    "EIP: ",
    "Process ",
    "Mem abort info:",
    "Data abort info:",
    "Internal error: Oops",
    "swapper pgtable: ",
    "user pgtable: ",
    "Kernel panic - not syncing: ",
    "Kernel Offset: ",
    "---[ end ",
    "Rebooting in ",
    "SMP: stopping secondary CPUs",
    "Dumping ftrace buffer:",
    "(ftrace buffer empty)",
    "irq event stamp: ",
    "hardirqs last ",
    "softirqs last ",
    "Read of size ",
    "Write of size ",
    "Memory state around the buggy address:",
    "The buggy address ",
    "page dumped because: ",
    "note: ",
    "ESR = ",
    "EC = ",
    "SET = ",
    "EA = ",
    "FSC = ",
    "ISV = ",
    "CM = ",
];

/// Begins with the title of a report. Of a warning and of a task that hangs, the head of the line has taken `WARNING: `
/// and `INFO: ` off.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    let text = line.text;
    let kind = if let Some((_, kind)) = TITLES.iter().find(|(title, _)| text.starts_with(title)) {
        kind
    } else if text.starts_with("CPU: ") && text.contains(" PID: ") && text.contains(" at ") {
        &"WARNING"
    } else if text.starts_with("task ") && text.contains(" blocked for more than ") {
        &"hung task"
    } else if text == CUT {
        return Some(State { is_traced: false, is_fatal: false });
    } else {
        return None;
    };
    let said = text.strip_prefix("watchdog: ").unwrap_or(text);
    let said = said.strip_prefix("BUG: ").unwrap_or(said);
    let said = said.strip_prefix(*kind).unwrap_or(said).trim_start_matches([':', '-', ' ']);
    out(Piece::Error(ErrorCause::new(Some((*kind).into()), said), Link::First));
    if let Some((_, place)) = text.split_once(" at ")
        && let Some(place) = place.split([' ', '!']).next()
        && let (Some(file), Some(number)) = file_and_line(place)
    {
        out(Piece::RaisedAt(Some(file), Some(number)));
    }
    Some(State { is_traced: false, is_fatal: !["WARNING", "hung task"].contains(kind) })
}

impl State {
    pub(super) const fn is_panic(self) -> bool {
        self.is_fatal
    }

    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |is_traced| Some((Self { is_traced, ..self }, Belongs::Surely));
        if text.eq_ignore_ascii_case("call trace:") {
            return surely(true);
        }
        // What follows is how the memory came about, and not how it was used.
        if text.starts_with("Allocated by task ") || text.starts_with("Freed by task ") {
            return surely(false);
        }
        // `RIP: 0010:pay+0x10/0x20 [shop]`, and `pc : pay+0x10/0x20` on other processors
        let counter = ["RIP: ", "EIP: ", "pc : ", "PC is at "];
        if let Some(place) = counter.iter().find_map(|name| text.strip_prefix(name)) {
            let place = place.split_once(':').map_or(place, |(_, place)| place);
            if !self.is_traced
                && let Some(frame) = frame(place)
            {
                out(Piece::Frame(frame));
            }
            return surely(self.is_traced);
        }
        if let Some(frame) = frame(text) {
            // What a question mark stands before was found on the stack and may be left from an earlier call.
            if self.is_traced && !text.contains("? ") {
                out(Piece::Frame(frame));
            }
            return surely(self.is_traced);
        }
        let is_known = LINES.iter().any(|start| text.starts_with(start));
        (is_known || is_mark(text) || is_dump(text)).then_some((self, Belongs::Surely))
    }
}

/// Reads `pay+0x10/0x20 [shop]`, before which an address or a question mark may stand.
fn frame(text: &str) -> Option<Frame> {
    let (function, module) = match text.strip_suffix(']').and_then(|text| text.rsplit_once(" [")) {
        Some((function, module)) => (function, Some(module)),
        None => (text, None),
    };
    let (name, offset) = function.rsplit_once("+0x")?;
    let (offset, size) = offset.split_once("/0x")?;
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let name = name.rsplit(' ').next()?;
    let mut frame = Frame::new(name);
    frame.file = module.map(SmolStr::new);
    (is_hex(offset) && is_hex(size) && !name.is_empty()).then_some(frame)
}

/// Recognises `<TASK>`, `</IRQ>`, and a line of signs.
fn is_mark(text: &str) -> bool {
    let is_line =
        text == "^" || text.len() > 9 && text.bytes().all(|byte| byte == text.as_bytes()[0]);
    is_line || (text.starts_with('<') && text.ends_with('>') && !text.contains(' '))
}

/// Recognises registers and memory: `RAX: 0000000000000000 RBX: ffff8881`, `x29: ffff8000`, `ffff8881: fb fb`.
fn is_dump(text: &str) -> bool {
    let is_hex = |text: &str| {
        text.len() >= 4
            && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'x')
            && text.bytes().any(|byte| byte.is_ascii_digit())
    };
    // Memory is printed byte by byte behind its address.
    let is_byte = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some((name, value)) = text.split_once([':', '=']) else {
        return text.split(' ').all(|word| word.len() >= 8 && is_hex(word));
    };
    let name = name.trim().trim_start_matches('>');
    let is_register = name.len() <= 7 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let value = value.trim_start().split([' ', '(', ':']).next().unwrap_or_default();
    let is_address = name.len() >= 8 && is_hex(name);
    (is_register && is_hex(value)) || (is_address && (is_hex(value) || is_byte(value)))
}

/// The functions of a module are what differs between machines. Without one, the whole kernel is the application.
pub(super) fn owner(frame: &Frame) -> Owner {
    if frame.file.is_some() { Owner::Application } else { Owner::Library }
}
