//! Reports of Rust's error libraries.

use super::{chain, records};

#[test]
fn the_error_libraries_of_rust_write_reports() {
    let errors = ["cannot pay", "cannot read card", "no card"];
    let color_eyre = "Error: \n   0: \u{1b}[91mcannot pay\u{1b}[0m\n   1: cannot read card\n   2: no card\n\nLocation:\n   \u{1b}[35msrc/main.rs\u{1b}[0m:\u{1b}[35m9\u{1b}[0m\n\n";
    let spans = "  ━━━━━━━━ SPANTRACE ━━━━━━━━\n\n   0: shop::read with path=\"card\"\n      at src/main.rs:3\n\n";
    let frames = "  ━━━━━━━━ BACKTRACE ━━━━━━━━\n                               ⋮ 1 frame hidden ⋮                               \n   2: {closure#0}<unknown>\n      at /home/shop/.cargo/registry/src/index/color-eyre-0.6.5/src/config.rs:1068\n   7: shop::pay::hd4788a5f4aff8a3d\n      at /srv/shop/src/main.rs:9\n         8 │ fn pay() {\n    >    9 │     read()?;\n   8: main<unknown>\n      at /srv/shop/src/main.rs:17\n\n";
    let helps = "Suggestion: use another card\nNote: cards expire\n\n";
    let end = "Run with COLORBT_SHOW_HIDDEN=1 environment variable to disable frame filtering.\nRun with RUST_BACKTRACE=full to include source snippets.\n";
    let omitted = "Backtrace omitted. Run with RUST_BACKTRACE=1 environment variable to display it.\nRun with RUST_BACKTRACE=full to include source snippets.\n";
    for log in [
        [color_eyre, omitted].concat(),
        [color_eyre, helps, omitted].concat(),
        [color_eyre, spans, frames, end].concat(),
        [color_eyre, frames, helps, end].concat(),
        format!("2026-11-21T10:47:20Z ERROR shop: {}", &color_eyre["Error: ".len()..]) + frames,
    ] {
        // Another line follows, which is no part of it.
        let records = records(&(log.clone() + "2026-11-21T10:47:20Z  INFO shop: next\n"));
        assert_eq!(records.len(), 2, "{log}\n{records:#?}");
        let record = &records[0];
        assert_eq!((record.level.as_str(), &*record.message), ("error", "cannot pay"), "{log}");
        assert_eq!(chain(record), errors, "{log}");
        assert_eq!(record.location.line, Some(9), "{log}");
        assert!(record.traits.get("more_lines").is_none(), "{log}\n{record:#?}");
        if log.contains("BACKTRACE ━") {
            assert_eq!(record.location.function.as_deref(), Some("shop::pay"), "{log}");
            assert_eq!(record.backtrace.last().unwrap().function, "main");
        }
    }

    let miette = records(
        "Error: shop::pay\n\n  × cannot pay\n  ├─▶ cannot read card\n  ╰─▶ no card\n   ╭─[card.txt:2:3]\n 1 │ card\n   · ──\n   ╰────\n  help: try again\n",
    );
    assert_eq!(miette.len(), 1, "{miette:#?}");
    assert_eq!(chain(&miette[0]), ["shop::pay: cannot pay", errors[1], errors[2]]);
    let miette = records("Error:   × cannot pay\n  ╰─▶ no card\n");
    assert_eq!((miette.len(), chain(&miette[0])), (1, vec![errors[0].into(), errors[2].into()]));

    let stack = "├╴at src/main.rs:13:142\n│\n╰─▶ no card\n    ├╴at src/main.rs:13:93\n    ├╴backtrace (1)\n    ╰╴card 7\n\n━━━━━━━━━━━━\n\nbacktrace no. 1\n   0: new<std::io::Error>\n             at /home/shop/.cargo/registry/src/index/error-stack-0.6.0/src/report.rs:294:9\n   1: shop::pay\n             at ./src/main.rs:13:93\n\n";
    for head in ["Error: cannot pay\n", "2026-11-21T10:47:20Z ERROR shop: cannot pay\n"] {
        let stack = records(&[head, stack].concat());
        assert_eq!(stack.len(), 1, "{stack:#?}");
        assert_eq!(chain(&stack[0]).last().unwrap(), "no card");
        assert!(stack[0].message.ends_with("cannot pay"), "{}", stack[0].message);
        assert_eq!(stack[0].location.function.as_deref(), Some("shop::pay"));
    }

    let snafu = records(
        "Error: cannot pay\n\nCaused by these errors (recent errors listed first):\n  1: cannot read card\n  2: no card\n",
    );
    assert_eq!(snafu.len(), 1);
    assert_eq!(chain(&snafu[0]), ["Error: cannot pay", errors[1], errors[2]]);
}
