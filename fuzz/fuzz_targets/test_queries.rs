#![no_main]

glpft_fuzz::target!("test_queries");
