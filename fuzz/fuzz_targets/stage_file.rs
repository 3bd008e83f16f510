#![no_main]

glpft_fuzz::target!("stage_file");
