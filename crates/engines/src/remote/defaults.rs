//! What several vendors' tables leave out.

pub(super) fn english() -> String {
    "en-US".to_owned()
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn finish_ms() -> u64 {
    800
}

pub(super) fn answer_ms() -> u64 {
    1_200
}
