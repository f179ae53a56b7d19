//! Reading RFC 3339 as leniently as Go's `time.Parse` does.

use jiff::Timestamp;
use jiff::civil::Date;

use super::RFC3339;
use crate::json::go_quote;

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

/// Parses an RFC 3339 time.
///
/// # Errors
/// Go's message, which names the element of the layout that did not fit.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let mut r = Reader { text, rest: text };
    let year = r.digits(4, 4, "2006")?;
    r.literal("-")?;
    let month = r.digits(2, 2, "01")?;
    r.within(month, 1, 12, "month")?;
    r.literal("-")?;
    let day = r.digits(2, 2, "02")?;
    r.literal("T")?;
    let hour = r.digits(1, 2, "15")?;
    r.within(hour, 0, 23, "hour")?;
    r.literal(":")?;
    let minute = r.digits(2, 2, "04")?;
    r.within(minute, 0, 59, "minute")?;
    r.literal(":")?;
    let second = r.digits(2, 2, "05")?;
    r.within(second, 0, 59, "second")?;
    let nanos = r.fraction();
    let offset = r.zone()?;
    if !r.rest.is_empty() {
        return r.range(&format!("extra text: {}", go_quote(r.rest)));
    }
    let date = Date::new(narrow(year), narrow(month), narrow(day));
    let Ok(date) = date else {
        return r.range("day out of range");
    };
    let time = date.at(narrow(hour), narrow(minute), narrow(second), nanos);
    time.to_zoned(jiff::tz::TimeZone::UTC)
        .and_then(|z| {
            z.timestamp()
                .checked_sub(jiff::SignedDuration::from_secs(offset))
        })
        .map_err(|_| format!("parsing time {}: day out of range", go_quote(text)))
}

/// Fits by the width of what was read.
fn narrow<T: TryFrom<i64> + Default>(n: i64) -> T {
    T::try_from(n).unwrap_or_default()
}

impl<'a> Reader<'a> {
    fn cannot<T>(&self, at: &str, element: &str) -> Result<T, String> {
        Err(format!(
            "parsing time {} as {RFC3339:?}: cannot parse {} as {element:?}",
            go_quote(self.text),
            go_quote(at)
        ))
    }

    fn range<T>(&self, why: &str) -> Result<T, String> {
        Err(format!("parsing time {}: {why}", go_quote(self.text)))
    }

    fn within(&self, n: i64, min: i64, max: i64, what: &str) -> Result<(), String> {
        if (min..=max).contains(&n) {
            return Ok(());
        }
        self.range(&format!("{what} out of range"))
    }

    fn digits(&mut self, min: usize, max: usize, element: &str) -> Result<i64, String> {
        let n = self
            .rest
            .bytes()
            .take(max)
            .take_while(u8::is_ascii_digit)
            .count();
        if n < min {
            return self.cannot(self.rest, element);
        }
        let (head, rest) = self.rest.split_at(n);
        self.rest = rest;
        Ok(head.parse().unwrap_or_default())
    }

    fn literal(&mut self, c: &str) -> Result<(), String> {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => self.cannot(self.rest, c),
        }
    }

    /// Nanoseconds; digits beyond the ninth are dropped.
    fn fraction(&mut self) -> i32 {
        let Some(after) = self.rest.strip_prefix(['.', ',']) else {
            return 0;
        };
        let n = after.bytes().take_while(u8::is_ascii_digit).count();
        if n == 0 {
            return 0;
        }
        self.rest = &after[n..];
        format!("{:0<9.9}", &after[..n]).parse().unwrap_or(0)
    }

    /// Seconds east of UTC.
    fn zone(&mut self) -> Result<i64, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let at = self.rest;
        let b = at.as_bytes();
        let sign = match b.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return self.cannot(at, "Z07:00"),
        };
        let shaped =
            b.len() >= 6 && b[3] == b':' && [1, 2, 4, 5].iter().all(|i| b[*i].is_ascii_digit());
        if !shaped {
            return self.cannot(at, "Z07:00");
        }
        let two = |i: usize| i64::from(b[i] - b'0') * 10 + i64::from(b[i + 1] - b'0');
        let (hours, minutes) = (two(1), two(4));
        if hours > 24 {
            return self.range("time zone offset hour out of range");
        }
        if minutes > 60 {
            return self.range("time zone offset minute out of range");
        }
        self.rest = &at[6..];
        Ok(sign * (hours * 3_600 + minutes * 60))
    }
}
