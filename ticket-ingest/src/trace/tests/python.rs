use super::*;

#[test]
fn a_chain_has_the_outermost_error_first() {
    let trace = read(include_str!("python_chain.txt"));
    assert_eq!(
        errors(&trace),
        [
            "FileNotFoundError: [Errno 2] No such file or directory: '/nope'",
            "ValueError: no card 1",
            "KeyError: 'card'",
        ]
    );
    // What was handled when the error was raised is no part of its stack.
    assert_eq!(frames(&trace), ["*ctx /srv/shop/a.py:11", "*<module> /srv/shop/a.py:22"]);
}

#[test]
fn the_frames_of_a_direct_cause_come_first() {
    let text = include_str!("python_chain.txt");
    let (text, _) = text.split_once("\nDuring handling").unwrap();
    let trace = read(text);
    assert_eq!(errors(&trace), ["ValueError: no card 1", "KeyError: 'card'"]);
    assert_eq!(
        frames(&trace),
        ["*pay /srv/shop/a.py:4", "*pay /srv/shop/a.py:6", "*ctx /srv/shop/a.py:9"]
    );
}

#[test]
fn the_members_of_a_group_come_behind_it() {
    let trace = read(include_str!("python_group.txt"));
    assert_eq!(
        errors(&trace),
        [
            "ExceptionGroup: many (3 sub-exceptions)",
            "ZeroDivisionError: division by zero",
            "ValueError: invalid literal for int() with base 10: 'x'",
            "KeyError: 'card'",
            "ValueError: no card 3",
        ]
    );
    assert_eq!(frames(&trace), ["*group /srv/shop/a.py:18", "*<module> /srv/shop/a.py:22"]);
    assert_eq!(trace.other, "");
}

#[test]
fn the_text_of_an_error_may_have_more_lines() {
    let trace = read(include_str!("python_note.txt"));
    assert_eq!(errors(&trace), ["ValueError: multi\nline\na note"]);
}

#[test]
fn a_syntax_error_has_its_own_place_first() {
    let trace = read(include_str!("python_syn.txt"));
    assert_eq!(errors(&trace), ["SyntaxError: '(' was never closed"]);
    assert_eq!(frames(&trace)[..2], [" <string>:1", "*syn /srv/shop/a.py:21"]);
    let trace = read("  File \"/srv/a.py\", line 1\n    foo(\n       ^\nSyntaxError: x\n");
    assert_eq!(errors(&trace), ["SyntaxError: x"]);
}

#[test]
fn libraries_and_the_interpreter_are_not_the_application() {
    let trace = read(
        "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 30, in main\n    load()\n  File \"/venv/lib/python3.12/site-packages/django/core.py\", line 1, in get\n  File \"C:\\Python312\\Lib\\json.py\", line 2, in loads\nrequests.exceptions.ConnectionError: refused\n",
    );
    assert_eq!(errors(&trace), ["requests.exceptions.ConnectionError: refused"]);
    assert_eq!(own(&trace), ["main /srv/app/main.py:30"]);
}
