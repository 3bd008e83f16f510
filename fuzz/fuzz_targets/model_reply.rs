#![no_main]

glpft_fuzz::target!("model_reply");
