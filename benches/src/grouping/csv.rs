//! A reader of CSV files: fields are separated by commas, and may be quoted.

/// Returns the rows of a file.
pub(crate) fn rows(text: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut row = Vec::new();
        loop {
            let (field, end) = field(rest);
            row.push(field);
            let after = &rest[end..];
            rest =
                after.strip_prefix([',', '\n']).or(after.strip_prefix("\r\n")).unwrap_or_default();
            if !after.starts_with(',') {
                return Some(row);
            }
        }
    })
}

/// Returns the first field, and its end in the text.
fn field(text: &str) -> (String, usize) {
    if !text.starts_with('"') {
        let end = text.find([',', '\n']).unwrap_or(text.len());
        let field = text[..end].trim_end_matches('\r');
        return (field.to_owned(), field.len());
    }
    let (mut field, mut at) = (String::new(), 1);
    while let Some(length) = text[at..].find('"') {
        field.push_str(&text[at..at + length]);
        at += length + 1;
        // A quote within a quoted field is doubled.
        if !text[at..].starts_with('"') {
            return (field, at);
        }
        field.push('"');
        at += 1;
    }
    (field + &text[at..], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_may_contain_separators_quotes_and_lines() {
        let text = "\u{feff}a,b,c\r\n1,\"x, \"\"y\"\"\nz\",\r\n,,3";
        let rows: Vec<_> = rows(text).collect();
        assert_eq!(rows, [["a", "b", "c"], ["1", "x, \"y\"\nz", ""], ["", "", "3"]]);
    }
}
