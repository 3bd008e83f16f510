//! One fuzz target for each of `glpft_hostile::PARSERS`.
//!
//! ```text
//! cargo run --release -p glpft-hostile --example seeds fuzz/corpus
//! cargo +nightly fuzz run gguf -- -max_total_time=600 -rss_limit_mb=1024 -timeout=10
//! ```

pub use {glpft_hostile, libfuzzer_sys};

/// A fuzz target of the parser of that name.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::glpft_hostile::fuzz($name, data));
    };
}
