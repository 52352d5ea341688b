//! The benches lie beside this folder, one file a subject: `cargo bench -p benches`.
