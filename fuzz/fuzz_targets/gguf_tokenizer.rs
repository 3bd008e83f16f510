#![no_main]

glpft_fuzz::target!("gguf_tokenizer");
