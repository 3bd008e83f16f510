//! Writes the files that fuzzing begins with: `cargo run --release -p glpft-hostile --example seeds fuzz/corpus`.

use std::path::PathBuf;
use std::{env, fs, io};

use glpft_hostile::PARSERS;

fn main() -> io::Result<()> {
    let Some(to) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("give the folder to write to"));
    };
    for parser in PARSERS {
        let folder = to.join(parser.name);
        fs::create_dir_all(&folder)?;
        for (number, file) in (parser.examples)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), file)?;
        }
    }
    Ok(())
}
