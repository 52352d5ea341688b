//! Numbers as they are said.

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] =
    ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

const ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

/// The word for 0 to 19.
pub(crate) fn small(number: usize) -> &'static str {
    SMALL[number]
}

/// The word for 10, 20 and so on to 90, by its first digit.
pub(crate) fn tens(digit: usize) -> &'static str {
    TENS[digit]
}

/// The words of a number below a billion: 4021 is "four thousand twenty one".
pub(crate) fn cardinal(number: u64) -> Vec<&'static str> {
    let mut words = Vec::new();
    let part = |unit: u64| number / unit % 1000;
    for (count, unit) in [(part(1_000_000), "million"), (part(1000), "thousand"), (part(1), "")] {
        if count >= 100 {
            words.extend([SMALL[(count / 100) as usize], "hundred"]);
        }
        match (count % 100) as usize {
            0 => {}
            rest @ 1..20 => words.push(SMALL[rest]),
            rest => {
                words.push(TENS[rest / 10]);
                words.extend((rest % 10 > 0).then(|| SMALL[rest % 10]));
            }
        }
        if count > 0 && !unit.is_empty() {
            words.push(unit);
        }
    }
    if words.is_empty() { vec!["zero"] } else { words }
}

/// The words of a place in a row, below a hundred: 21 is "twenty first".
pub(crate) fn ordinal(number: usize) -> Vec<&'static str> {
    match number {
        0..20 => vec![ORDINALS[number]],
        _ if number.is_multiple_of(10) => {
            vec![match number {
                20 => "twentieth",
                30 => "thirtieth",
                40 => "fortieth",
                50 => "fiftieth",
                60 => "sixtieth",
                70 => "seventieth",
                80 => "eightieth",
                _ => "ninetieth",
            }]
        }
        _ => vec![TENS[number / 10 % 10], ORDINALS[number % 10]],
    }
}

/// The number that these words say, if they say one: the other way round than [`cardinal`], and also "a
/// hundred", "fifteen hundred" and words such as "and" between them.
pub(crate) fn value<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<u64> {
    let (mut sum, mut part, mut any) = (0_u64, 0_u64, false);
    for word in words {
        match word {
            "a" | "and" | "" => continue,
            "hundred" => part = part.max(1) * 100,
            "thousand" | "million" => {
                let unit = if word == "thousand" { 1000 } else { 1_000_000 };
                sum += part.max(1) * unit;
                part = 0;
            }
            word => {
                part += match SMALL.iter().position(|known| *known == word) {
                    Some(number) => number as u64,
                    None => 10 * TENS.iter().position(|known| *known == word)? as u64,
                }
            }
        }
        any = true;
    }
    any.then_some(sum + part)
}

/// The ways in which people read these digits: one by one, in pairs, as a number.
pub(crate) fn readings(digits: &str) -> Vec<Vec<&'static str>> {
    let each: Vec<usize> = digits.bytes().map(|digit| usize::from(digit - b'0')).collect();
    let one_by_one =
        |zero| each.iter().map(|&d| if d == 0 { zero } else { SMALL[d] }).collect::<Vec<_>>();
    let number = digits.parse::<u64>().ok().filter(|number| *number < 1_000_000_000);
    let mut all = Vec::new();
    if let Some(number) = number.filter(|_| !digits.starts_with('0') || digits.len() == 1) {
        all.push(cardinal(number));
    }
    if digits == "00" {
        all.push(vec!["o'clock"]);
        all.push(vec!["hundred"]);
    }
    if each.len() > 1 || digits == "0" {
        all.push(one_by_one("zero"));
        if each.contains(&0) {
            all.push(one_by_one("oh"));
        }
    }
    if let ([a @ 1..=9, b, c, d], Some(number)) = (each.as_slice(), number) {
        let mut pairs = cardinal((a * 10 + b) as u64);
        match (c, d) {
            (0, 0) => pairs.push("hundred"),
            (0, d) => pairs.extend(["oh", SMALL[*d]]),
            _ => pairs.extend(cardinal(number % 100)),
        }
        all.push(pairs);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_being_said() {
        for number in
            [0, 1, 10, 19, 20, 21, 99, 100, 101, 999, 1000, 4021, 70_000, 1_000_001, 999_999_999]
        {
            assert_eq!(value(cardinal(number)), Some(number), "{number}");
        }
    }

    #[test]
    fn numbers_are_said_in_several_ways() {
        assert_eq!(value(["a", "hundred", "and", "five"]), Some(105));
        assert_eq!(value(["fifteen", "hundred"]), Some(1500));
        assert_eq!(value(["hello"]), None);
        assert_eq!(value([]), None);
        let said =
            |digits| -> Vec<String> { readings(digits).iter().map(|r| r.join(" ")).collect() };
        assert_eq!(
            said("4021"),
            [
                "four thousand twenty one",
                "four zero two one",
                "four oh two one",
                "forty twenty one"
            ]
        );
        assert_eq!(said("007"), ["zero zero seven", "oh oh seven"]);
        assert_eq!(said("7"), ["seven"]);
    }

    #[test]
    fn places_in_a_row() {
        assert_eq!(ordinal(3), ["third"]);
        assert_eq!(ordinal(20), ["twentieth"]);
        assert_eq!(ordinal(31), ["thirty", "first"]);
    }
}
