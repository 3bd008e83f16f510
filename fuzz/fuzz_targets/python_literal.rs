#![no_main]

glpft_fuzz::target!("python_literal");
