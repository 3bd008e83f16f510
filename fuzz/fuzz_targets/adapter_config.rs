#![no_main]

glpft_fuzz::target!("adapter_config");
