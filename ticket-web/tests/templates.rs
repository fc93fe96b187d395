//! What no template may contain.

use std::path::Path;

#[test]
fn no_template_turns_escaping_off_or_has_anything_inline() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let plain: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "|safe",
            "| safe",
            "autoescape",
            " style=",
            "<style",
            "javascript:",
            "http://",
            "https://",
        ] {
            assert!(!plain.contains(part), "{}: {part}", path.display());
        }
        // Handlers of events are attributes that begin with `on`.
        let handlers = plain.split(" on").skip(1).filter(|rest| {
            rest.split('=').next().is_some_and(|name| name.chars().all(|c| c.is_ascii_lowercase()))
        });
        assert_eq!(handlers.count(), 0, "{}", path.display());
        count += 1;
    }
    assert!(count > 8, "the templates are elsewhere");
}
