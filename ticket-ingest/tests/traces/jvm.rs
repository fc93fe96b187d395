//! Reports of a Java virtual machine that fails.

use super::{chain, records};

#[test]
fn a_report_of_the_java_virtual_machine_is_one_record() {
    let printed = "#
# A fatal error has been detected by the Java Runtime Environment:
#
#  SIGSEGV (0xb) at pc=0x00007f6c5e3d1139, pid=4711, tid=4712
#
# JRE version: OpenJDK Runtime Environment (17.0.9+9) (build 17.0.9+9)
# Problematic frame:
# C  [libshop.so+0x1139]  Java_shop_Cart_pay+0x9
#
# No core dump will be written. Core dumps have been disabled.
#
";
    let file = "
---------------  S U M M A R Y ------------

Command Line: -Xmx64m shop.Cart

Time: Sat Nov 21 10:47:20 2026 UTC elapsed time: 0.056 seconds (0d 0h 0m 0s)

---------------  T H R E A D  ---------------

[error occurred during error reporting (printing native stack)]
END.
";
    for (log, count) in [
        ([printed, "2026-11-21 10:47:20 ERROR next\n"].concat(), 2),
        ([printed, file].concat(), 1),
        ([printed, file, "2026-11-21 10:47:20 ERROR next\n"].concat(), 2),
        (printed[2..].to_owned(), 1),
    ] {
        let records = records(&log);
        assert_eq!(records.len(), count, "{log}\n{records:#?}");
        let fatal = &records[0];
        assert_eq!(
            (fatal.level.as_str(), chain(fatal)),
            (
                "critical",
                vec!["SIGSEGV: (0xb) at pc=0x00007f6c5e3d1139, pid=4711, tid=4712".into()]
            )
        );
        assert_eq!(fatal.location.file.as_deref(), Some("libshop.so"));
        assert_eq!(fatal.location.function.as_deref(), Some("Java_shop_Cart_pay"));
    }
    // A sign alone begins none, and its record goes on as any other.
    assert_eq!(records("2026-11-21 10:47:20 INFO app - #\n  more\n").len(), 1);
    // A comment is not the beginning of one.
    assert_eq!(records("#\n# ERROR x\n").len(), 2);
}
