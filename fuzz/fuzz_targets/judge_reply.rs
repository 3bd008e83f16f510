#![no_main]

glpft_fuzz::target!("judge_reply");
