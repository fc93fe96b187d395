//! The parameters of a URL or a form.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a query string may hold unencoded.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'/');

/// The parameters of a URL or a form, in their order. `Display` writes them as a query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Parses a query string or the body of a form. Anything can be parsed. An empty value is none, since a browser sends
    /// the empty fields of a form.
    pub(crate) fn parse(text: &str) -> Self {
        let Self(mut pairs) = Self::parse_with_empty(text);
        pairs.retain(|(_, value)| !value.is_empty());
        Self(pairs)
    }

    /// Parses a query string with its empty values.
    pub(crate) fn parse_with_empty(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// Returns the first value with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Returns all values with this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Returns all names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns `true` if there is no parameter.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the parameters with these names.
    pub(crate) fn only(&self, names: &[&str]) -> Self {
        let kept = self.iter().filter(|(name, _)| names.contains(name));
        Self(kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Returns the parameters with one value in place of all with this name.
    pub(crate) fn with(&self, name: &str, value: &(impl ToString + ?Sized)) -> Self {
        let mut params = self.without(&[name]);
        let value = value.to_string();
        if !value.is_empty() {
            params.0.push((name.to_owned(), value));
        }
        params
    }

    /// Adds a value, beside others with the same name.
    pub(crate) fn push(&mut self, name: &str, value: &(impl ToString + ?Sized)) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    /// Returns the parameters without those with these names.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Self(kept.cloned().collect())
    }

    /// Returns the query string with its question mark; empty if there is no parameter.
    pub(crate) fn suffix(&self) -> String {
        if self.is_empty() { String::new() } else { format!("?{self}") }
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "&" };
            let (name, value) =
                (utf8_percent_encode(name, PLAIN), utf8_percent_encode(value, PLAIN));
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_round_trip_through_a_query_string() {
        let params = Params::default().with("search", "a b&c=\"é\"<").with("app", "shop");
        let text = params.to_string();
        assert_eq!(text, "search=a%20b%26c%3D%22%C3%A9%22%3C&app=shop");
        assert_eq!(Params::parse(&text), params);
        assert_eq!(Params::parse("a=1&b=&a=2&c").all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(Params::parse("a=1&b=&a=2&c").with("a", &3).to_string(), "a=3");
        assert_eq!(params.with("app", "").suffix(), "?search=a%20b%26c%3D%22%C3%A9%22%3C");
        assert_eq!(Params::default().suffix(), "");
    }
}
