#![no_main]

glpft_fuzz::target!("trainer_state");
