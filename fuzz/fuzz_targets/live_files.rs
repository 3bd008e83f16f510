#![no_main]

glpft_fuzz::target!("live_files");
