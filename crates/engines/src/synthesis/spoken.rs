//! Written English as it is said: numbers, money, times, dates, telephone numbers and abbreviations become words.
//!
//! For voices on this machine; vendors do it themselves.

mod address;
mod number;

use self::address::address;
use self::number::{cardinal, digits, ordinal, year};

/// Written short, and what is said. Matched with the full stop where it has one.
const ABBREVIATIONS: [(&str, &str); 27] = [
    ("mr.", "mister"),
    ("mrs.", "missis"),
    ("ms.", "miz"),
    ("dr.", "doctor"),
    ("prof.", "professor"),
    ("st.", "street"),
    ("ave.", "avenue"),
    ("rd.", "road"),
    ("blvd.", "boulevard"),
    ("apt.", "apartment"),
    ("dept.", "department"),
    ("ext.", "extension"),
    ("tel.", "telephone"),
    ("approx.", "approximately"),
    ("inc.", "incorporated"),
    ("ltd.", "limited"),
    ("corp.", "corporation"),
    ("co.", "company"),
    ("vs.", "versus"),
    ("e.g.", "for example"),
    ("i.e.", "that is"),
    ("etc.", "et cetera"),
    ("a.m.", "A M"),
    ("p.m.", "P M"),
    ("am", "am"),
    ("pm", "P M"),
    ("24/7", "twenty four seven"),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// `text` in words. Punctuation stays where it was.
///
/// ```
/// use engines::synthesis::spoken::spoken;
///
/// assert_eq!(spoken("It is $12.50 until 5:30 p.m."), "It is twelve dollars and fifty cents until five thirty P M.");
/// assert_eq!(spoken("Call 555-0123."), "Call five five five, zero one two three.");
/// ```
#[must_use]
pub fn spoken(text: &str) -> String {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let mut said: Vec<String> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if let Some((words, taken)) = telephone(&tokens[at..]) {
            said.push(words);
            at += taken;
            continue;
        }
        let previous = at.checked_sub(1).map_or("", |before| tokens[before]);
        said.push(token(tokens[at], previous, at + 1 == tokens.len()));
        at += 1;
    }
    said.join(" ")
}

/// One token, with the punctuation around it.
fn token(token: &str, previous: &str, last: bool) -> String {
    let (open, rest) = split_start(token);
    let bare = rest.trim_end_matches([',', ';', ':', '!', '?', ')', '"', '”', '’']);
    let close = &rest[bare.len()..];
    if let Some(words) = abbreviation(bare, previous) {
        let stop = if last && close.is_empty() && bare.ends_with('.') { "." } else { close };
        return format!("{open}{words}{stop}");
    }
    let body = bare.trim_end_matches('.');
    let stops = &bare[body.len()..];
    match words(body, previous) {
        Some(words) => format!("{open}{words}{stops}{close}"),
        None => token.to_owned(),
    }
}

fn split_start(token: &str) -> (&str, &str) {
    let rest = token.trim_start_matches(['(', '"', '“', '‘']);
    token.split_at(token.len() - rest.len())
}

fn abbreviation(token: &str, previous: &str) -> Option<String> {
    let lower = token.to_lowercase();
    let number_before = previous.ends_with(|c: char| c.is_ascii_digit());
    if lower == "am" {
        return number_before.then(|| "A M".to_owned());
    }
    // "St. Mary" is a saint, "Main St." a street.
    if lower == "st." && !previous.starts_with(char::is_uppercase) {
        return Some("saint".to_owned());
    }
    if lower == "no." {
        return None;
    }
    if let Some(day) = token.strip_suffix('.').and_then(calendar) {
        return Some(day.to_owned());
    }
    let (_, said) = ABBREVIATIONS.iter().find(|(short, _)| *short == lower)?;
    Some((*said).to_owned())
}

/// `Mon`, `Thurs`, `Jan`, `Sept`.
fn calendar(short: &str) -> Option<&'static str> {
    let usual = short.len() == 3 || ["Tues", "Thur", "Thurs", "Sept"].contains(&short);
    let long = |name: &&&str| usual && short.len() < name.len() && name.starts_with(short);
    DAYS.iter().chain(&MONTHS).find(long).copied()
}

/// `9am-5pm`, `8:30–17:00`, `Mon-Fri`.
fn range(token: &str) -> Option<String> {
    let (from, to) = token.split_once(['-', '–'])?;
    if let (Some(from), Some(to)) = (calendar(from), calendar(to)) {
        return Some(format!("{from} to {to}"));
    }
    let hour = || from.parse::<u64>().ok().filter(|hour| *hour <= 12).map(cardinal);
    let to = time(to)?;
    Some(format!("{} to {to}", time(from).or_else(hour)?))
}

fn words(token: &str, previous: &str) -> Option<String> {
    match token {
        "&" => return Some("and".into()),
        "@" => return Some("at".into()),
        "+" => return Some("plus".into()),
        "=" => return Some("equals".into()),
        _ => {}
    }
    if let Some(said) = address(token).or_else(|| range(token)) {
        return Some(said);
    }
    if !token.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if !token.is_ascii() && !token.starts_with(['€', '£']) {
        return None;
    }
    money(token)
        .or_else(|| time(token))
        .or_else(|| date(token))
        .or_else(|| with_ending(token))
        .or_else(|| after_hash(token))
        .or_else(|| plain(token, previous))
        .or_else(|| mixed(token))
}

/// `$5`, `€12.50`, `£1,000`.
fn money(token: &str) -> Option<String> {
    let (unit, small, amount) =
        [("$", "dollar", "cent"), ("€", "euro", "cent"), ("£", "pound", "penny")]
            .into_iter()
            .find_map(|(sign, unit, small)| Some((unit, small, token.strip_prefix(sign)?)))?;
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let whole = whole_number(whole)?;
    let of = |count: u64, unit: &str| match (count, unit) {
        (1, unit) => format!("one {unit}"),
        (count, "penny") => format!("{} pence", cardinal(count)),
        (count, unit) => format!("{} {unit}s", cardinal(count)),
    };
    match (part.len(), part.parse::<u64>()) {
        (0, _) | (2, Ok(0)) => Some(of(whole, unit)),
        (2, Ok(part)) if whole == 0 => Some(of(part, small)),
        (2, Ok(part)) => Some(format!("{} and {}", of(whole, unit), of(part, small))),
        _ => None,
    }
}

/// `9:05`, `17:00`, `5:30pm`.
fn time(token: &str) -> Option<String> {
    let lower = token.to_lowercase();
    let (clock, half) = match lower.strip_suffix("am").map(|c| (c, " A M")) {
        Some(found) => found,
        None => lower.strip_suffix("pm").map_or((lower.as_str(), ""), |clock| (clock, " P M")),
    };
    let (hour, minute) = match clock.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (hour, minute),
        None if !half.is_empty() => (clock, "00"),
        _ => return None,
    };
    let (hour, minute) = (hour.parse::<u64>().ok()?, minute.parse::<u64>().ok()?);
    if hour > 24 || minute > 59 {
        return None;
    }
    let said = match (minute, half, hour) {
        (0, "", 0 | 13..) => format!("{} hundred hours", cardinal(hour)),
        (0, "", _) => format!("{} o'clock", cardinal(hour)),
        (0, ..) => cardinal(hour),
        (1..10, ..) => format!("{} oh {}", cardinal(hour), cardinal(minute)),
        _ => format!("{} {}", cardinal(hour), cardinal(minute)),
    };
    Some(said + half)
}

/// `2026-11-21` and `11/21/2026`.
fn date(token: &str) -> Option<String> {
    let parts = |mark| {
        let parts: Vec<&str> = token.split(mark).collect();
        <[&str; 3]>::try_from(parts).ok()
    };
    let (y, m, d) = match (parts('-'), parts('/')) {
        (Some([y, m, d]), _) if y.len() == 4 => (y, m, d),
        (_, Some([m, d, y])) if y.len() == 4 => (y, m, d),
        _ => return None,
    };
    let (y, m, d) = (y.parse().ok()?, m.parse::<usize>().ok()?, d.parse::<u64>().ok()?);
    let month = MONTHS.get(m.checked_sub(1)?)?;
    (1..=31).contains(&d).then(|| format!("{month} {}, {}", ordinal(d), year(y)))
}

/// `1st`, `42nd`, `50%`, `7-9`.
fn with_ending(token: &str) -> Option<String> {
    let lower = token.to_lowercase();
    if let Some(number) = ["st", "nd", "rd", "th"].iter().find_map(|end| lower.strip_suffix(end)) {
        return Some(ordinal(whole_number(number)?));
    }
    if let Some(number) = token.strip_suffix('%') {
        return Some(decimal(number)? + " percent");
    }
    let (from, to) = token.split_once('-')?;
    let short = from.len() <= 2 && to.len() <= 2;
    short.then(|| Some(format!("{} to {}", decimal(from)?, decimal(to)?)))?
}

/// `#4`.
fn after_hash(token: &str) -> Option<String> {
    Some(format!("number {}", decimal(token.strip_prefix('#')?)?))
}

/// A number by itself: a quantity, a year after a month or "in", or digits one by one where it is too long to be
/// either, or begins with a zero.
fn plain(token: &str, previous: &str) -> Option<String> {
    let all_digits = token.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits {
        let word = previous.trim_matches(|c: char| !c.is_alphanumeric());
        let before = word.to_lowercase();
        let number = token.parse::<u64>().ok();
        let named = ["extension", "ext", "code", "pin", "account", "room", "flight", "number"];
        if (token.len() > 1 && token.starts_with('0'))
            || token.len() > 6
            || (token.len() >= 3 && named.contains(&before.as_str()))
        {
            return Some(digits(token));
        }
        let month = calendar(word).is_some()
            || MONTHS.iter().any(|month| month.eq_ignore_ascii_case(&before));
        let day = before.parse::<u8>().is_ok() && previous.ends_with(',');
        if let Some(number @ 1_100..2_100) = number
            && (month || day || ["in", "since", "of", "until"].contains(&before.as_str()))
        {
            return Some(year(number));
        }
        if let (Some(number @ 1..=31), true) = (number, month) {
            return Some(ordinal(number));
        }
    }
    decimal(token)
}

/// `3`, `1,250`, `0.5`, `-4`.
fn decimal(token: &str) -> Option<String> {
    if let Some(positive) = token.strip_prefix('-') {
        return Some(format!("minus {}", decimal(positive)?));
    }
    match token.split_once('.') {
        Some((whole, part)) if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) => {
            Some(format!("{} point {}", cardinal(whole_number(whole)?), digits(part)))
        }
        Some(_) => None,
        None => Some(cardinal(whole_number(token)?)),
    }
}

/// Letters and digits: a code, digit by digit, and letter by letter where it is in capitals. `B12`, `AB-1234`.
fn mixed(token: &str) -> Option<String> {
    let code = token.len() <= 12 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    code.then(|| {
        let mut said: Vec<String> = Vec::new();
        let mut letters = String::new();
        for c in token.chars() {
            if c.is_ascii_digit() || c == '-' {
                said.extend((!letters.is_empty()).then(|| std::mem::take(&mut letters)));
                said.extend(c.is_ascii_digit().then(|| digits(&c.to_string())));
            } else {
                if c.is_ascii_uppercase() && !letters.is_empty() {
                    letters.push(' ');
                }
                letters.push(c);
            }
        }
        said.extend((!letters.is_empty()).then_some(letters));
        said.join(" ")
    })
}

/// A whole number, perhaps with a comma before each three digits.
fn whole_number(text: &str) -> Option<u64> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let grouped = text.contains(',');
    let right = |group: &str| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit());
    if first.is_empty() || (grouped && first.len() > 3) || !groups.all(right) {
        return None;
    }
    if !first.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.replace(',', "").parse().ok()
}

/// A telephone number that begins here, and how many tokens it takes: groups of digits of which two or more stand
/// together, `+1 (312) 555-0123`, `555-0123`, `020 7946 0958`.
fn telephone(tokens: &[&str]) -> Option<(String, usize)> {
    let mut groups: Vec<&str> = Vec::new();
    let mut taken = 0;
    let mut end = "";
    let mut prefixed = false;
    for token in tokens {
        let body = token.trim_end_matches([',', '.', ';', '?', '!', ':']);
        let digits_only = !body.is_empty()
            && body
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'(' | b')' | b'+' | b'.'));
        if !digits_only {
            break;
        }
        prefixed |= body.starts_with('+') || body.starts_with('(');
        groups.extend(body.split(['-', '(', ')', '+', '.']).filter(|group| !group.is_empty()));
        taken += 1;
        end = &token[body.len()..];
        if !end.is_empty() {
            break;
        }
    }
    let count: usize = groups.iter().map(|group| group.len()).sum();
    let shaped = groups.len() >= 2 && groups.iter().all(|group| group.len() <= 5);
    let last = groups.last().map_or(0, |group| group.len());
    let first = groups.first().map_or(0, |group| group.len());
    let date = first == 4 && groups.len() == 3 && count == 8;
    if !(7..=15).contains(&count)
        || !shaped
        || last < 3
        || (first < 3 && !prefixed && count < 10)
        || date
    {
        return None;
    }
    let said: Vec<String> = groups.iter().map(|group| digits(group)).collect();
    Some((said.join(", ") + end, taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_short_is_said_in_full() {
        for (text, said) in [
            ("Dr. Smith, 12 Main St.", "doctor Smith, twelve Main street."),
            ("St. Mary & co", "saint Mary and co"),
            ("Open 7-9, 24/7", "Open seven to nine, twenty four seven"),
            ("at 9:05 and 17:00", "at nine oh five and seventeen hundred hours"),
            ("at 5pm or 5:30 p.m. today", "at five P M or five thirty P M today"),
            ("I am at 9 am", "I am at nine A M"),
            (
                "$1, $2.01, €3 and £0.50",
                "one dollar, two dollars and one cent, three euros and fifty pence",
            ),
            ("$1,250.00!", "one thousand two hundred fifty dollars!"),
            ("50% off, 3.14", "fifty percent off, three point one four"),
            ("the 1st, 2nd, 3rd and 21st", "the first, second, third and twenty first"),
            ("March 3, 2026.", "March third, twenty twenty six."),
            ("on 2026-11-05", "on November fifth, twenty twenty six"),
            ("on 12/31/1999", "on December thirty first, nineteen ninety nine"),
            (
                "Call (312) 555-0123, please",
                "Call three one two, five five five, zero one two three, please",
            ),
            ("+44 20 7946 0958", "four four, two zero, seven nine four six, zero nine five eight"),
            ("extension 204", "extension two zero four"),
            ("1,000,000 or 12", "one million or twelve"),
            ("gate B12", "gate B one two"),
            ("press 1 or 2.", "press one or two."),
            ("Mon-Fri, 9am-5pm.", "Monday to Friday, nine A M to five P M."),
            ("8:30–12:00, 2-5pm", "eight thirty to twelve o'clock, two to five P M"),
            ("until Jan. 3rd", "until January third"),
            ("Sept. 4 with Marc.", "September fourth with Marc."),
            ("code AB-12", "code A B one two"),
            ("See example.com.", "See example dot com."),
            ("(3)", "(three)"),
            ("PIN 0042", "PIN zero zero four two"),
            ("-4 degrees, room #5", "minus four degrees, room number five"),
        ] {
            assert_eq!(spoken(text), said, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_stays() {
        for text in [
            "Hello, how are you?",
            "a-b",
            "3.",
            "naïve 東京",
            "1:2:3",
            "...",
            "1,2,3x!",
            "5:99",
            "$x",
        ] {
            let said = spoken(text);
            assert!(!said.is_empty(), "{text}");
        }
        assert_eq!(spoken("Hello,  how are you?"), "Hello, how are you?");
        assert_eq!(spoken("99999999999999999999999"), digits("99999999999999999999999"));
    }
}
