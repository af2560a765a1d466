//! `hubbub`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    hubbub::run(Vec::new())
}
