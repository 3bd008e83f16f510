//! The recipes in the binary.

/// Name and text, in the order in which they are listed.
const BUILTINS: [(&str, &str); 13] = [
    ("sample", include_str!("../built-in/sample.toml")),
    ("world", include_str!("../built-in/world.toml")),
    (
        "smollm2-135m",
        include_str!("../built-in/smollm2-135m.toml"),
    ),
    (
        "smollm2-135m-lora",
        include_str!("../built-in/smollm2-135m-lora.toml"),
    ),
    (
        "smollm2-135m-roles",
        include_str!("../built-in/smollm2-135m-roles.toml"),
    ),
    (
        "qwen3-0.6b-lora",
        include_str!("../built-in/qwen3-0.6b-lora.toml"),
    ),
    (
        "qwen3-1.7b-lora",
        include_str!("../built-in/qwen3-1.7b-lora.toml"),
    ),
    (
        "llama-3.2-1b-lora",
        include_str!("../built-in/llama-3.2-1b-lora.toml"),
    ),
    (
        "gemma-3-270m",
        include_str!("../built-in/gemma-3-270m.toml"),
    ),
    (
        "smollm3-3b-lora",
        include_str!("../built-in/smollm3-3b-lora.toml"),
    ),
    (
        "alpha-umi-7b",
        include_str!("../built-in/alpha-umi-7b.toml"),
    ),
    (
        "alpha-umi-7b-lora",
        include_str!("../built-in/alpha-umi-7b-lora.toml"),
    ),
    (
        "alpha-umi-7b-roles",
        include_str!("../built-in/alpha-umi-7b-roles.toml"),
    ),
];

/// The built-in recipes' names, the first to try first.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|(name, _)| *name)
}

/// A built-in recipe's TOML, as a user would write it: what `recipe copy` leaves.
pub fn text(name: &str) -> Option<&'static str> {
    BUILTINS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}
