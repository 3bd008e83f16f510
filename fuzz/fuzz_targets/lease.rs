#![no_main]

glpft_fuzz::target!("lease");
