//! Recognition of the names of secrets.

/// How certain it is that the value of a name is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// The value is a secret.
    Sure,
    /// In a sentence, the text after the name may be a remark about it: `session: closed`.
    Likely,
}

use Secret::{Likely, Sure};

/// The letters that a secret's name ends in, and whether they may be glued to other letters.
///
/// `password` may be, since no harmless word ends in it: `dbpassword`. `secret` may not: `undersecret`.
struct Ending(&'static str, Secret, bool);

/// Returns the endings with this last letter, so that a name is compared with few of them.
const fn endings(last: u8) -> &'static [Ending] {
    match last {
        b'c' => &[Ending("cvc", Sure, false)],
        b'd' => &[
            Ending("password", Sure, true),
            Ending("passwd", Sure, true),
            Ending("pwd", Sure, false),
            Ending("sessionid", Likely, true),
            Ending("sessid", Likely, true),
        ],
        b'e' => &[
            Ending("passphrase", Sure, true),
            Ending("passcode", Sure, true),
            Ending("cookie", Likely, false),
            Ending("setcookie", Likely, false),
        ],
        b'l' => &[Ending("credential", Likely, false)],
        b'n' => &[
            Ending("token", Likely, false),
            Ending("accesstoken", Likely, true),
            Ending("authtoken", Likely, true),
            Ending("refreshtoken", Likely, true),
            Ending("sessiontoken", Likely, true),
            Ending("csrftoken", Likely, true),
            Ending("authorization", Likely, false),
            Ending("session", Likely, false),
            Ending("ssn", Likely, false),
        ],
        b'p' => &[Ending("otp", Likely, false)],
        b'r' => &[Ending("cardnumber", Sure, true)],
        b's' => &[
            Ending("passwords", Sure, true),
            Ending("secrets", Sure, false),
            Ending("credentials", Likely, false),
            Ending("cookies", Likely, false),
            Ending("dbpass", Sure, false),
            Ending("userpass", Sure, false),
            Ending("smtppass", Sure, false),
            Ending("mailpass", Sure, false),
        ],
        b't' => &[
            Ending("secret", Sure, false),
            Ending("clientsecret", Sure, true),
            Ending("jwt", Likely, false),
        ],
        b'v' => &[Ending("cvv", Sure, false)],
        b'y' => &[
            Ending("apikey", Sure, true),
            Ending("privatekey", Sure, true),
            Ending("secretkey", Sure, true),
            Ending("accesskey", Sure, true),
            Ending("accountkey", Sure, false),
            Ending("encryptionkey", Sure, false),
            Ending("signingkey", Sure, false),
            Ending("masterkey", Sure, false),
            Ending("authkey", Sure, false),
            Ending("sessionkey", Sure, false),
        ],
        _ => &[],
    }
}

/// Returns the words with this last letter that may follow a secret's name, as in `password_hash`.
const fn carriers(last: u8) -> &'static [&'static str] {
    match last {
        b'd' => &["old"],
        b'e' => &["value"],
        b'h' => &["hash"],
        b'm' => &["confirm", "pem"],
        b'n' => &["confirmation"],
        b'r' => &["header"],
        b'w' => &["new"],
        b'x' => &["hex"],
        _ => &[],
    }
}

/// Returns the position of a letter in the alphabet, starting at 1, for either case.
const fn place(letter: u8) -> usize {
    (letter & 0x1f) as usize
}

/// The last three letters of the names of secrets, as bit sets; they rule out almost every harmless name.
///
/// ```text
/// … third second last          LAST_LETTERS[place(last)] = [second letters, third letters]
///     k      e     n   token   LAST_LETTERS[place('n')]  = [e o s, i k s]
/// ```
///
/// The two sets are independent, so a name may pass although no secret ends in its three letters. The opposite
/// never happens.
const LAST_LETTERS: [[u32; 2]; 32] = {
    const fn add(row: [u32; 2], letters: &str) -> [u32; 2] {
        let [.., third, second, _] = letters.as_bytes() else {
            panic!("a name needs at least three letters")
        };
        [row[0] | 1 << place(*second), row[1] | 1 << place(*third)]
    }
    let mut table = [[0; 2]; 32];
    let mut last = b'a';
    while last <= b'z' {
        let mut row = [0; 2];
        let mut index = 0;
        while index < endings(last).len() {
            row = add(row, endings(last)[index].0);
            index += 1;
        }
        index = 0;
        while index < carriers(last).len() {
            row = add(row, carriers(last)[index]);
            index += 1;
        }
        table[place(last)] = row;
        last += 1;
    }
    table
};

/// Returns `false` if the last three letters of a text rule out that it ends in the name of a secret.
#[inline]
fn may_end_in_secret(text: &[u8]) -> bool {
    let [.., third, second, last] = text else { return false };
    let [before, first] = LAST_LETTERS[place(*last)];
    // Anything but a letter may be a separator, which `starts_at` skips.
    let is_of = |row: u32, byte: u8| !byte.is_ascii_alphabetic() || row >> place(byte) & 1 == 1;
    is_of(before, *second)
        && match text {
            // A separator before the last two letters: `session_id`.
            [.., fourth, b'_' | b'-' | b' ' | b'.', _, _] => is_of(first, *fourth),
            _ => is_of(first, *third),
        }
}

/// The names of objects in which every value is a secret, as in `cookies.sid`.
const OBJECTS: [&str; 6] =
    ["cookies", "cookie", "credentials", "credential", "secrets", "authorization"];

/// Returns `true` if a dotted name is inside one of [`OBJECTS`].
pub(crate) fn is_of_secrets(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(objects, _)| {
        objects
            .split('.')
            .any(|object| OBJECTS.iter().any(|known| object.eq_ignore_ascii_case(known)))
    })
}

/// The names of secrets: the built-in ones, and those added by the application.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// The added names, reduced to letters and digits in lower case.
    own: Vec<Box<[u8]>>,
}

impl Keys {
    pub(crate) fn add(&mut self, key: &str) {
        let letters: Vec<u8> = key
            .bytes()
            .filter(|byte| is_letter(*byte))
            .map(|byte| byte.to_ascii_lowercase())
            .collect();
        if !letters.is_empty() {
            self.own.push(letters.into());
        }
    }

    /// Returns how certain it is that a text ends in the name of a secret; `None` if it does not.
    ///
    /// It looks at no more bytes than the longest name needs, so that calling it for each separator of a text
    /// stays linear.
    #[inline]
    pub(crate) fn ends_in_secret(&self, text: &[u8]) -> Option<Secret> {
        let rest = without_number(text);
        if self.own.is_empty() && !may_end_in_secret(rest) {
            return None;
        }
        self.search(text, rest)
    }

    fn search(&self, text: &[u8], rest: &[u8]) -> Option<Secret> {
        if let Some(secret) = self.ending(text) {
            return Some(secret);
        }
        if rest.len() < text.len() {
            return self.ending(rest);
        }
        let carriers = carriers(text.last()?.to_ascii_lowercase()).iter();
        let at =
            carriers.map(|word| word.as_bytes()).find_map(|word| starts_at(text, word, false))?;
        self.ending(without_separator(&text[..at]))
    }

    fn ending(&self, text: &[u8]) -> Option<Secret> {
        let last = text.last()?.to_ascii_lowercase();
        let known = endings(last).iter().find(|Ending(letters, _, glued)| {
            starts_at(text, letters.as_bytes(), *glued).is_some()
        });
        if let Some(Ending(_, secret, _)) = known {
            return Some(*secret);
        }
        self.own.iter().any(|letters| starts_at(text, letters, false).is_some()).then_some(Sure)
    }
}

/// Strips up to four trailing digits and the separator before them: `password2`, `password_2`.
#[inline]
fn without_number(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let [before @ .., b'0'..=b'9'] = rest
        && text.len() - rest.len() < 4
    {
        rest = before;
    }
    if rest.len() < text.len() { without_separator(rest) } else { text }
}

/// Strips one trailing separator.
fn without_separator(text: &[u8]) -> &[u8] {
    match text {
        [rest @ .., b'_' | b'-' | b' ' | b'.'] => rest,
        _ => text,
    }
}

/// Returns where a name begins that the text ends in; `None` if the text does not end in it.
///
/// Case is ignored, and one separator may stand between any two letters: `api_key` and `API-Key` both match
/// `apikey`. Unless `glued` is set, the name has to begin at the start of a word.
fn starts_at(text: &[u8], letters: &[u8], glued: bool) -> Option<usize> {
    let mut at = text.len();
    for (index, letter) in letters.iter().enumerate().rev() {
        let mut next = *text.get(at.checked_sub(1)?)?;
        at -= 1;
        if index + 1 < letters.len() && matches!(next, b'_' | b'-' | b' ' | b'.') {
            next = *text.get(at.checked_sub(1)?)?;
            at -= 1;
        }
        if next.to_ascii_lowercase() != *letter {
            return None;
        }
    }
    (glued || begins_word(text, at)).then_some(at)
}

/// Returns `true` if a word of a name begins here, as `token` in `access_token`, `accessToken` and `APIToken`.
fn begins_word(text: &[u8], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|before| text.get(before)) else { return true };
    let lower_behind = text.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    !is_letter(before)
        || before.is_ascii_digit()
        || text[at].is_ascii_uppercase() && (before.is_ascii_lowercase() || lower_behind)
}

/// Returns `true` for ASCII letters and digits, and for every byte of a character beyond ASCII.
pub(crate) const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}
