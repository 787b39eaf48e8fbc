//! Datetimes as the AT Protocol writes them: the intersection of RFC 3339, ISO 8601 and what JavaScript's `Date` takes.
//!
//! Upper case only, seconds always, a zone always; `-00:00` and the years before 10 are refused, as are days that no
//! calendar has and leap seconds, which the common libraries refuse as well. The chrono crate's parser is laxer (it takes a
//! space for the `T`, lower case, `-00:00`, a 60th second), so this one stands here.

/// Milliseconds since the Unix epoch, rounded down, if the text is a datetime.
pub fn parse(text: &str) -> Option<i64> {
    let mut rest = Digits(text.as_bytes());
    let year = rest.number(4)?;
    rest.byte(b'-')?;
    let month = rest.number(2)?;
    rest.byte(b'-')?;
    let day = rest.number(2)?;
    rest.byte(b'T')?;
    let hour = rest.number(2)?;
    rest.byte(b':')?;
    let minute = rest.number(2)?;
    rest.byte(b':')?;
    let second = rest.number(2)?;
    let millisecond = rest.fraction()?;
    let offset_minutes = rest.zone()?;

    let exists = year >= 10 && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !exists || !rest.0.is_empty() {
        return None;
    }
    let minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some((minutes * 60 + second) * 1_000 + millisecond)
}

/// What of the text is still to be read.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn byte(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == wanted).then(|| self.0 = rest)
    }

    fn number(&mut self, length: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
    }

    /// One to twenty digits behind a point, if there is a point; the first three are the milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        if self.byte(b'.').is_none() {
            return Some(0);
        }
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=20).contains(&length) {
            return None;
        }
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        let places = digits.iter().map(|digit| i64::from(digit - b'0')).chain([0, 0]);
        Some(places.take(3).fold(0, |number, digit| number * 10 + digit))
    }

    /// The zone's offset from UTC in minutes.
    fn zone(&mut self) -> Option<i64> {
        if self.byte(b'Z').is_some() {
            return Some(0);
        }
        let sign = if self.byte(b'+').is_some() { 1 } else { self.byte(b'-').map(|()| -1)? };
        let hours = self.number(2)?;
        self.byte(b':')?;
        let minutes = self.number(2)?;
        let unknown_zone = sign < 0 && hours == 0 && minutes == 0;
        (hours < 24 && minutes < 60 && !unknown_zone).then_some(sign * (hours * 60 + minutes))
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// In the proleptic Gregorian calendar. Years begin in March here, so that the leap day is a year's last: then the days
/// before a month follow from one line through the months' lengths.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_year = year * 365 + year / 4 - year / 100 + year / 400;
    let before_month = (month * 153 + 2) / 5;
    let epoch = 719_468; // 1970-01-01, counted from 0000-03-01
    before_year + before_month + day - 1 - epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datetime_is_the_milliseconds_since_the_epoch() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("1969-12-31T23:59:59.9999Z", Some(-1));
        check("1985-04-12T23:20:50.123Z", Some(482_196_050_123));
        check("2000-02-29T12:00:00Z", Some(951_825_600_000));
        check("2026-07-04T14:38:02+00:00", Some(1_783_175_882_000));
        check("2026-07-04T16:38:02.5+02:00", Some(1_783_175_882_500));
        check("2026-07-04T07:38:02.0009-07:00", Some(1_783_175_882_000));
        check("9999-12-31T23:59:59.99999999999999999999Z", Some(253_402_300_799_999));
        check("0010-01-01T00:00:00Z", Some(-61_851_600_000_000));
    }

    #[test]
    fn what_no_calendar_or_clock_shows_is_no_datetime() {
        for text in [
            "",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00-00:00",
            "2026-01-01T00:00:00.123456789012345678901Z",
            "0009-12-31T23:59:59Z",
            "2026-01-01T00:00:00ZZ",
            "２026-01-01T00:00:00Z",
        ] {
            check(text, None);
        }
    }

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse(text), expected, "{text:?}");
    }
}
