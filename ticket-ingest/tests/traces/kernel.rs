//! Reports of the Linux kernel.

use ticket_core::Record;

use super::{chain, records, types};

#[test]
fn a_report_of_the_kernel_is_one_record() {
    const REPORTS: [&str; 4] = [
        "BUG: kernel NULL pointer dereference, address: 0000000000000040
#PF: supervisor read access in kernel mode
#PF: error_code(0x0000) - not-present page
PGD 0 P4D 0
Oops: Oops: 0000 [#1] SMP NOPTI
CPU: 21 UID: 0 PID: 818 Comm: kworker/u398:0 Not tainted 6.17.0-rc3+ #5 PREEMPT(voluntary)
Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2 04/01/2014
Workqueue: events shop_pay_work [shop]
RIP: 0010:shop_pay+0x15/0x40 [shop]
Code: 00 00 66 90 0f 1f 44 00 00 55 48 89 e5
RSP: 0018:ffffb8b8c0a3fe08 EFLAGS: 00010246
RAX: 0000000000000000 RBX: ffff9c5e41c3a000 RCX: 0000000000000000
FS:  0000000000000000(0000) GS:ffff9c5e7bc00000(0000) knlGS:0000000000000000
CR2: 0000000000000040 CR3: 0000000103e1e000 CR4: 00000000000006f0
Call Trace:
 <TASK>
 ? __die+0x24/0x70
 shop_pay_work+0x1e/0x30 [shop]
 process_one_work+0x18f/0x3d0
 </TASK>
Modules linked in: shop(O) nls_iso8859_1
---[ end trace 0000000000000000 ]---
note: kworker/u398:0[818] exited with irqs disabled",
        "------------[ cut here ]------------
WARNING: CPU: 1 PID: 1234 at net/core/dev.c:5678 shop_send+0x12/0x90 [shop]
Modules linked in: shop(O)
RIP: 0010:shop_send+0x12/0x90 [shop]
Call Trace:
 <IRQ>
 shop_tx+0x44/0x100 [shop]
 </IRQ>
---[ end trace 8c3b2f0000000000 ]---",
        "------------[ cut here ]------------
kernel BUG at mm/slub.c:4023!
invalid opcode: 0000 [#1] SMP PTI
RIP: 0010:kfree+0x1f2/0x220
Call Trace:
 shop_free+0x10/0x20 [shop]
Kernel panic - not syncing: Fatal exception
Kernel Offset: disabled",
        "INFO: task shopd:4711 blocked for more than 120 seconds.
      Tainted: G           O       5.15.0-91-generic #101-Ubuntu
\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.
task:shopd           state:D stack:    0 pid: 4711 ppid:     1 flags:0x00004002
Call Trace:
 __schedule+0x23d/0x590
 shop_wait+0x10/0x20 [shop]",
    ];
    for head in [
        "[    9.341152] ",
        "[    9.341152][  T818] ",
        "[Sat Nov 21 10:47:20 2026] ",
        "Nov 21 10:47:20 web1 kernel: ",
        "Nov 21 10:47:20 web1 kernel: [    9.341152] ",
    ] {
        let other = "md0: bad sectors near 7";
        let [oops, warning, bug, hung] = REPORTS;
        let lines = [other, oops, other, warning, other, bug, other, hung];
        let lines = lines.iter().flat_map(|text| text.lines());
        let log: String = lines.map(|line| format!("{head}{line}\n")).collect();
        let records = records(&log);
        let types: Vec<_> = records.iter().map(types).collect();
        assert_eq!(
            types,
            [
                vec![],
                vec!["BUG"],
                vec![],
                vec!["WARNING"],
                vec![],
                vec!["BUG"],
                vec![],
                vec!["hung task"]
            ],
            "{head} {records:#?}"
        );
        let functions = |record: &Record| {
            let frames = record.backtrace.iter().map(|frame| frame.function.to_string());
            frames.collect::<Vec<_>>()
        };
        let oops = &records[1];
        assert_eq!(
            (oops.level.as_str(), &*oops.error[0].message),
            ("critical", "kernel NULL pointer dereference, address: 0000000000000040")
        );
        assert_eq!(functions(oops), ["shop_pay", "shop_pay_work", "process_one_work"]);
        assert_eq!(oops.location.file.as_deref(), Some("shop"));
        assert!(oops.traits.get("more_lines").is_none(), "{head} {oops:#?}");
        assert_eq!(records[3].level.as_str(), "warning");
        assert_eq!(functions(&records[3]), ["shop_send", "shop_tx"]);
        assert_eq!(functions(&records[5]), ["kfree", "shop_free"]);
        let hung = &records[7];
        assert_eq!((hung.level.as_str(), functions(hung).len()), ("error", 2));
        assert_eq!(hung.location.function.as_deref(), Some("shop_wait"));
        let is_of_task = head.contains("T818");
        assert_eq!(hung.thread.as_deref(), is_of_task.then_some("T818"));
    }
}

#[test]
fn a_report_of_memory_has_the_frames_of_its_use() {
    let log = "[    1.1] BUG: KASAN: use-after-free in shop_pay+0x2a/0x40 [shop]
[    1.1] Read of size 8 at addr ffff88810c3a1040 by task shopd/818
[    1.1] CPU: 0 PID: 818 Comm: shopd Not tainted 6.1.0 #1
[    1.1] Call Trace:
[    1.1]  dump_stack_lvl+0x49/0x63
[    1.1]  shop_pay+0x2a/0x40 [shop]
[    1.1] Allocated by task 818:
[    1.1]  shop_open+0x1c/0x30 [shop]
[    1.1] Freed by task 818:
[    1.1]  shop_close+0x1c/0x30 [shop]
[    1.1] The buggy address belongs to the object at ffff88810c3a1000
[    1.1] Memory state around the buggy address:
[    1.1]  ffff88810c3a0f00: fc fc fc fc
[    1.1] >ffff88810c3a1000: fa fb fb fb
[    1.1]                     ^
[    1.1] ==================================================================
";
    let log = log.replace("1.1]", "1.123456]");
    let records = records(&log);
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(chain(&records[0]), ["KASAN: use-after-free in shop_pay+0x2a/0x40 [shop]"]);
    let functions: Vec<_> =
        records[0].backtrace.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(functions, ["dump_stack_lvl", "shop_pay"]);
}

#[test]
fn reports_of_other_processors_and_versions_stay_whole() {
    let reports: [(&str, &str, &str, &[&str]); 9] = [
        (
            "critical",
            "Oops",
            "on arm64",
            &[
                "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010",
                "Mem abort info:",
                "  ESR = 0x0000000096000004",
                "user pgtable: 4k pages, 48-bit VAs, pgdp=0000000104a3c000",
                "[0000000000000010] pgd=0000000000000000, p4d=0000000000000000",
                "Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP",
                "pc : shop_pay+0x24/0xd0 [shop]",
                "lr : shop_pay+0x20/0xd0 [shop]",
                "x29: ffff80000b5fbab0 x28: ffff0001055c0000 x27: 0000000000000000",
                "Call trace:",
                " shop_run+0x24/0xd0 [shop]",
                "---[ end trace 0000000000000000 ]---",
            ],
        ),
        (
            "critical",
            "Oops",
            "on 32-bit arm",
            &[
                "Unable to handle kernel NULL pointer dereference at virtual address 00000024",
                "pgd = 9e1a4000",
                "[00000024] *pgd=2e1c8831, *pte=00000000",
                "Internal error: Oops: 17 [#1] PREEMPT SMP ARM",
                "PC is at shop_pay+0x80/0x1d8 [shop]",
                "Flags: nzCv  IRQs on  FIQs on  Mode SVC_32  ISA ARM  Segment user",
                "Process shopd (pid: 388, stack limit = 0x9e184238)",
                "Stack: (0x9e185e18 to 0x9e186000)",
                "5e00:                   00000000 9e0f4b40",
                "[<7f0123a4>] (shop_pay [shop]) from [<7f013b0c>] (shop_run+0x4a8/0x1178 [shop])",
                "Code: e3a03000 e58d3004 (e5932024)",
            ],
        ),
        (
            "critical",
            "Oops",
            "on RISC-V",
            &[
                "Unable to handle kernel access to user memory without uaccess routines at virtual address 0000000000000008",
                "Oops [#1]",
                "epc : shop_pay+0x1c/0x60",
                " ra : shop_run+0x18a/0x21e",
                "epc : ffffffff8056a1c8 ra : ffffffff80568b5e sp : ffffffd000c1bd10",
                "[<ffffffff80568b5e>] shop_run+0x18a/0x21e",
            ],
        ),
        (
            "critical",
            "BUG",
            "on POWER",
            &[
                "BUG: Kernel NULL pointer dereference on read at 0x00000010",
                "Faulting instruction address: 0xc0080000012a1b4c",
                "Oops: Kernel access of bad area, sig: 11 [#1]",
                "LE PAGE_SIZE=64K MMU=Radix SMP NR_CPUS=2048 NUMA pSeries",
                "REGS: c00000001b2b7560 TRAP: 0300   Not tainted  (6.4.0)",
                "NIP [c0080000012a1b4c] shop_pay+0x1ac/0x330 [shop]",
                "Call Trace:",
                "[c00000001b2b7890] [c000000000c1e4f8] shop_run+0x138/0x260",
                "Instruction dump:",
                "60000000 e93f0010 2c290000 41820150",
            ],
        ),
        (
            "critical",
            "BUG",
            "in a system call",
            &[
                "BUG: unable to handle page fault for address: ffffffffc0a3d000",
                "RIP: 0010:shop_pay+0x1c/0x60 [shop]",
                "Call Trace:",
                " shop_run+0x138/0x260",
                "RIP: 0033:0x7f2c3a91e5ad",
                "RSP: 002b:00007ffd5a3c1e28 EFLAGS: 00000246 ORIG_RAX: 0000000000000001",
                "RAX: ffffffffffffffda RBX: 0000000000000001 RCX: 00007f2c3a91e5ad",
                "Modules linked in: shop(O)",
            ],
        ),
        (
            "error",
            "oom-killer",
            "without memory",
            &[
                "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=984",
                "Call Trace:",
                " dump_stack+0x6b/0x83",
                " shop_pay+0x1c/0x60",
                " shop_run+0x138/0x260",
                "memory: usage 1048576kB, limit 1048576kB, failcnt 5021",
                "Memory cgroup stats for /kubepods/pod1:",
                "anon 1065992192",
                "Tasks state (memory values in pages):",
                "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
                "[   4120]  1000  4120   987654   260123  2506752        0           984 java",
                "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task=java,pid=4120,uid=1000",
                "Memory cgroup out of memory: Killed process 4120 (java) total-vm:3950616kB",
                "oom_reaper: reaped process 4120 (java), now anon-rss:0kB",
            ],
        ),
        (
            "error",
            "RCU stall",
            "a stall",
            &[
                "rcu: INFO: rcu_preempt self-detected stall on CPU",
                "rcu: \t3-....: (5249 ticks this GP) idle=1bc/1/0x4000000000000002 softirq=99011/99011 fqs=2429",
                "\t(t=5250 jiffies g=401233 q=1904)",
                "NMI backtrace for cpu 3",
                "RIP: 0010:shop_pay+0x1c/0x60",
                "Call Trace:",
                " shop_run+0x138/0x260",
            ],
        ),
        (
            "warning",
            "WARNING",
            "in the form since 6.18",
            &[
                "------------[ cut here ]------------",
                "shop: one card too many",
                "WARNING: drivers/shop/cart.c:1318 at shop_pay+0x8a/0xa0 [shop], CPU#4: kworker/u64:3/811",
                "RIP: 0010:shop_pay+0x8a/0xa0 [shop]",
                "Call Trace:",
                " <TASK>",
                " shop_run+0x138/0x260",
                " </TASK>",
                "---[ end trace 0000000000000000 ]---",
            ],
        ),
        (
            "critical",
            "Kernel panic - not syncing",
            "a panic",
            &[
                "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(179,2)",
                "CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.1.75 #1",
                "Call trace:",
                " panic+0x170/0x330",
                " shop_pay+0x1c/0x60",
                " shop_run+0x138/0x260",
                "SMP: stopping secondary CPUs",
                "Memory Limit: none",
                "---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(179,2) ]---",
            ],
        ),
    ];
    for head in [
        "[    9.341152] ",
        "kern  :alert : [    9.341152] ",
        "2026-11-21T10:47:20+0200 web1 kernel: ",
    ] {
        for (level, kind, what, lines) in &reports {
            let all = [&["usb 1-1: before"], *lines, &["eth0: link is up"]].concat();
            let log: String = all.iter().map(|line| format!("{head}{line}\n")).collect();
            let records = records(&log);
            assert_eq!(records.len(), 3, "{head}{what}: {records:#?}");
            let report = &records[1];
            assert_eq!((report.level.as_str(), types(report)), (*level, vec![*kind]), "{what}");
            let functions: Vec<_> =
                report.backtrace.iter().map(|frame| frame.function.as_str()).collect();
            assert!(functions.contains(&"shop_pay"), "{what}: {functions:?}");
            assert_eq!(
                functions.last(),
                Some(if *what == "on 32-bit arm" { &"shop_pay" } else { &"shop_run" }),
                "{what}"
            );
            assert_eq!(report.location.function.as_deref(), Some("shop_pay"), "{what}");
        }
    }
}

#[test]
fn a_report_ends_where_another_program_writes() {
    let kernel = "INFO: task shopd:4711 blocked for more than 120 seconds.\nCall Trace:\n shop_wait+0x10/0x20 [shop]\n";
    let stamped: String = kernel.lines().map(|line| format!("[    1.123456] {line}\n")).collect();
    // A message of the kernel that has several lines
    let several = stamped.clone() + "[    1.123456] anon 1069223936\n               file 135168\n";
    let jvm = "# A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGSEGV (0xb) at pc=0x00007f6c, pid=4711, tid=4712\n#\n\n---------------  S U M M A R Y ------------\n";
    for (report, next) in [
        (kernel, "2026-11-21 10:47:20 ERROR no card\n"),
        (&stamped, "2026-11-21 10:47:20 ERROR no card\n"),
        (&stamped, "ERROR no card\n"),
        (&several, "ERROR no card\n"),
        (jvm, "2026-11-21 10:47:20 ERROR no card\n"),
    ] {
        let records = records(&[report, next].concat());
        assert_eq!(records.len(), 2, "{report}{next}{records:#?}");
        assert_eq!((records[1].level.as_str(), &*records[1].message), ("error", "no card"));
    }
}

#[test]
fn what_only_begins_like_a_report_is_none() {
    for line in [
        "2026-11-21 10:47:20 DEBUG k - Unable to handle kernel parameter x",
        "2026-11-21 10:47:20 INFO k - watchdog: BUG: soft lockup detection is on",
        "2026-11-21 10:47:20 INFO sched - task backup blocked for more than 120 seconds",
        "2026-11-21 10:47:20 INFO sched - INFO: task backup:77 blocked for more than 120 seconds.",
        "Nov 21 10:47:20 web1 bash[991]: general protection fault, statistics: 0",
        "Nov 21 10:47:20 web1 bash[991]: BUG: 17 tests fail",
        "BUG: total is wrong",
        "  × adds an item",
    ] {
        let records = records(&format!("{line}\n{line}\n"));
        assert!(records.iter().all(|record| record.error.is_empty()), "{line}: {records:#?}");
    }
    // A runner of tests
    let log = "2026-11-21 10:47:20 INFO app - tests start\n  × adds an item\n  ✓ removes an item\n";
    assert!(records(log)[0].error.is_empty());
}
