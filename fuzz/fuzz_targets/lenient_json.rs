#![no_main]

glpft_fuzz::target!("lenient_json");
