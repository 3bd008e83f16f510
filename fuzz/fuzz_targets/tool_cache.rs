#![no_main]

glpft_fuzz::target!("tool_cache");
