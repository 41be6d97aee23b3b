//! Parts of the date of a time, UTC.

/// A time in seconds to a part of its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "PromQL's names")]
pub enum DateFunction {
    Minute,
    Hour,
    DayOfWeek,
    DayOfMonth,
    DayOfYear,
    DaysInMonth,
    Month,
    Year,
}

/// Years beyond this, either way, have no date: seconds would not fit the arithmetic.
const SECONDS_MAX: f64 = 1e15;

impl DateFunction {
    /// The function that PromQL calls `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day_of_week" => Self::DayOfWeek,
            "day_of_month" => Self::DayOfMonth,
            "day_of_year" => Self::DayOfYear,
            "days_in_month" => Self::DaysInMonth,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// The part of the date that `seconds` since the Unix epoch falls on; NaN out of range.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "seconds are within 1e15 and whole days, so both are exact"
    )]
    pub fn apply(self, seconds: f64) -> f64 {
        if seconds.is_nan() || seconds.abs() > SECONDS_MAX {
            return f64::NAN;
        }
        // As in Go, a fraction is cut off, not rounded down.
        let seconds = seconds.trunc() as i64;
        let date = Date::of_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        let part = match self {
            Self::Minute => of_day % 3600 / 60,
            Self::Hour => of_day / 3600,
            // The epoch was a Thursday.
            Self::DayOfWeek => (seconds.div_euclid(86_400) + 4).rem_euclid(7),
            Self::DayOfMonth => date.day,
            Self::DayOfYear => {
                seconds.div_euclid(86_400) - Date { year: date.year, month: 1, day: 1 }.days() + 1
            }
            Self::DaysInMonth => date.days_in_month(),
            Self::Month => date.month,
            Self::Year => date.year,
        };
        part as f64
    }
}

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// The date so many days after 1970-01-01. Source: Howard Hinnant, "chrono-compatible low-level
    /// date algorithms", `civil_from_days`.
    fn of_days(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day }
    }

    /// Days from 1970-01-01, the inverse of [`Date::of_days`].
    fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let from_march = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let of_year = (153 * from_march + 2) / 5 + self.day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        era * 146_097 + of_era - 719_468
    }

    fn days_in_month(self) -> i64 {
        let next = if self.month == 12 {
            Self { year: self.year + 1, month: 1, day: 1 }
        } else {
            Self { year: self.year, month: self.month + 1, day: 1 }
        };
        next.days() - Self { day: 1, ..self }.days()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_are_inverse() {
        for days in (-1_000_000..1_000_000).step_by(97) {
            assert_eq!(Date::of_days(days).days(), days);
        }
    }

    #[test]
    fn parts_of_a_date() {
        // 2006-01-02 22:04:05, a Monday.
        let parts = [
            (DateFunction::Year, 2006.0),
            (DateFunction::Month, 1.0),
            (DateFunction::DayOfMonth, 2.0),
            (DateFunction::DayOfYear, 2.0),
            (DateFunction::DayOfWeek, 1.0),
            (DateFunction::Hour, 22.0),
            (DateFunction::Minute, 4.0),
            (DateFunction::DaysInMonth, 31.0),
        ];
        for (part, expected) in parts {
            assert_eq!(part.apply(1_136_239_445.0), expected, "{part:?}");
        }
        assert!(DateFunction::Year.apply(f64::INFINITY).is_nan());
    }
}
