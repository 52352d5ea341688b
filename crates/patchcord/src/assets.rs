//! What is part of the program itself: the sample receptionist, its prompts, and the sample calls.

use include_dir::{Dir, include_dir};

static ASSETS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../assets");

/// A file by its path below `assets/`.
pub(crate) fn file(path: &str) -> Option<&'static [u8]> {
    ASSETS.get_file(path).map(include_dir::File::contents)
}

/// The names and contents of the files in a folder below `assets/`.
pub(crate) fn folder(path: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let files = ASSETS.get_dir(path).map(Dir::files).into_iter().flatten();
    files.filter_map(|file| Some((file.path().file_name()?.to_str()?, file.contents())))
}
