pub fn template(m: &str) -> String {
    m.split(' ')
        .map(|w| if w.bytes().all(|b| b.is_ascii_digit()) { "<n>" } else { w })
        .collect::<Vec<_>>()
        .join(" ")
}
