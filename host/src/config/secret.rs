//! A text that nobody may see: not in a log, not in a mistake, not by `{:?}`.

/// The secret as the operator gave it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

/// The fewest bytes: as many as the keys that are made of it have.
const LEAST: usize = 32;

impl SecretText {
    /// The secret in this text, or what the text would have to be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() < LEAST || text.trim() != text {
            return Err("at least 32 bytes without blanks around them, such as `openssl rand -base64 32` writes");
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself, for who makes keys of it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}
