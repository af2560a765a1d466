//! What a new account may be called, reached and guarded by.

use super::body::{Fields, broken};
use crate::problem::Problem;

/// Most characters of a username.
const LONGEST_NAME: usize = 64;
/// Fewest and most characters of a password. Above, hashing would be paid by us.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=1024;
/// Most bytes of an address, and of its part before the `@` (RFC 5321, section 4.5.3.1).
const LONGEST_EMAIL: (usize, usize) = (254, 64);

/// Whether an account could have this name, trimmed.
pub(super) fn is_username(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// The name to register, without the space around it.
pub(super) fn username(fields: &Fields) -> Result<String, Problem> {
    let name = fields.text("username")?.trim();
    if is_username(name) {
        return Ok(name.to_owned());
    }
    Err(broken("username", "has 1 to 64 characters and no control characters"))
}

/// The password to register, as it is.
pub(super) fn new_password(fields: &Fields) -> Result<String, Problem> {
    let password = fields.text("password")?;
    if PASSWORD.contains(&password.chars().count()) {
        return Ok(password.to_owned());
    }
    Err(broken("password", "has 8 to 1024 characters"))
}

/// The address to register, if there is one. Whether it is reached is for a mail to find out.
pub(super) fn email(fields: &Fields) -> Result<Option<String>, Problem> {
    let Some(email) = fields.optional_text("email")?.map(str::trim).filter(|email| !email.is_empty()) else {
        return Ok(None);
    };
    if is_email(email) { Ok(Some(email.to_owned())) } else { Err(broken("email", "is no mail address")) }
}

fn is_email(email: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    let labels = domain.split('.').all(|label| !label.is_empty());
    email.len() <= LONGEST_EMAIL.0
        && (1..=LONGEST_EMAIL.1).contains(&local.len())
        && !local.contains('@')
        && labels
        && !email.contains(strange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_told_from_what_is_none() {
        for email in ["anna@example.org", "a.b+c@x", "\u{e4}@b\u{fc}cher.example"] {
            assert!(is_email(email), "{email}");
        }
        let long = format!("{}@example.org", "a".repeat(65));
        for email in ["", "anna", "@x", "anna@", "a@b@c", "a b@c", "a@b..c", "a@.b", "<a@b>", "a\n@b", &long]
        {
            assert!(!is_email(email), "{email}");
        }
    }

    #[test]
    fn usernames_have_letters_and_an_end() {
        assert!(is_username("Ann\u{e9} M\u{fc}ller") && is_username(&"\u{fc}".repeat(64)));
        for name in ["", "a\0", "a\nb", &"x".repeat(65)] {
            assert!(!is_username(name), "{name:?}");
        }
    }
}
