//! `ari-client`, installed by npm from the committed lock file into the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The script of the contestant in a folder where it finds its package; or why there is none.
pub(crate) fn script() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("control-npm");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut current = folder.join("node_modules/ari-client").exists();
    for (name, text) in FILES {
        let path = folder.join(name);
        let same = std::fs::read_to_string(&path).is_ok_and(|there| there == text);
        current &= same || name == SCRIPT;
        if !same {
            std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    runs("node", &["--version"], &folder)?;
    if !current {
        runs("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], &folder)?;
    }
    Ok(folder.join(SCRIPT))
}

fn runs(program: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| format!("{program} does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
}

const SCRIPT: &str = "contestant.js";

const FILES: [(&str, &str); 3] = [
    (SCRIPT, include_str!("npm/contestant.js")),
    ("package.json", include_str!("npm/package.json")),
    ("package-lock.json", include_str!("npm/package-lock.json")),
];
