//! The names of the recipe's choices, in one list each: for reading, for writing and for error messages.

use std::fmt;

use crate::{
    Arguments, Arrangement, Backward, Behaviour, Duplicates, GiveUpHistory, GlobalData, Layout,
    ModelDtype, Moments, Observations, OnNotFinite, Packing, Precision, Rationale, Sampling,
    Schedule, Schemas, Separators, SystemPrefix, Truncate, Tune, WeightType,
};

/// A choice as the resolver reads it.
pub(crate) trait Choice: Sized {
    fn from_name(name: &str) -> Option<Self>;
}

macro_rules! choices {
    ($($type:ident { $($name:literal => $variant:ident),+ $(,)? })+) => {$(
        impl $type {
            /// The names a recipe may give, in the order of the variants.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name in recipes, files and the log.
            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name),+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl Choice for $type {
            fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some($type::$variant),)+
                    _ => None,
                }
            }
        }
    )+};
}

choices! {
    Arrangement {
        "glpft" => Glpft,
        "single" => Single,
        "one-stage" => OneStage,
        "multi-task" => MultiTask,
        "mixed" => Mixed,
    }
    GlobalData { "trajectories" => Trajectories, "mixed" => Mixed }
    Behaviour { "compat" => Compat, "fixed" => Fixed }
    GiveUpHistory { "stale" => Stale, "own" => Own }
    SystemPrefix { "train" => Train, "both" => Both, "none" => None }
    Separators { "eos" => Eos, "literal" => Literal }
    Observations { "response" => Response, "response-or-error" => ResponseOrError }
    Arguments { "published" => Published, "lenient" => Lenient }
    Schemas { "published" => Published, "whole" => Whole }
    Rationale { "keep" => Keep, "drop-planner" => DropPlanner, "name-the-tool" => NameTheTool }
    Duplicates { "keep" => Keep, "drop" => Drop }
    Layout { "role-first" => RoleFirst, "role-last" => RoleLast }
    Truncate { "last" => Last, "oldest-turns" => OldestTurns, "drop" => Drop }
    Sampling { "trajectory" => Trajectory, "example" => Example }
    Packing { "tree" => Tree, "rows" => Rows, "none" => None }
    Tune { "full" => Full, "lora" => Lora }
    Precision { "f32" => F32, "bf16" => Bf16 }
    ModelDtype { "base" => Base, "f32" => F32, "bf16" => Bf16, "f16" => F16 }
    WeightType { "f32" => F32, "bf16" => Bf16, "int8" => Int8, "nf4" => Nf4 }
    Moments { "f32" => F32, "bf16" => Bf16, "int8" => Int8 }
    Backward { "whole" => Whole, "layer-wise" => LayerWise }
    OnNotFinite { "stop" => Stop, "skip" => Skip, "lower-lr" => LowerLr }
    Schedule { "cosine" => Cosine, "linear" => Linear, "constant" => Constant }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    fn agrees<T: Choice + Serde>(names: &[&str]) {
        for name in names {
            let ours = T::from_name(name).map(|choice| serde_json::to_value(choice).ok());
            assert_eq!(ours, Some(Some(serde_json::json!(name))));
        }
    }

    trait Serde: serde::Serialize + DeserializeOwned {}
    impl<T: serde::Serialize + DeserializeOwned> Serde for T {}

    #[test]
    fn serde_uses_the_same_names() {
        agrees::<Arrangement>(Arrangement::NAMES);
        agrees::<Behaviour>(Behaviour::NAMES);
        agrees::<GiveUpHistory>(GiveUpHistory::NAMES);
        agrees::<SystemPrefix>(SystemPrefix::NAMES);
        agrees::<Separators>(Separators::NAMES);
        agrees::<Observations>(Observations::NAMES);
        agrees::<Arguments>(Arguments::NAMES);
        agrees::<Schemas>(Schemas::NAMES);
        agrees::<Rationale>(Rationale::NAMES);
        agrees::<Duplicates>(Duplicates::NAMES);
        agrees::<Layout>(Layout::NAMES);
        agrees::<Truncate>(Truncate::NAMES);
        agrees::<Sampling>(Sampling::NAMES);
        agrees::<Packing>(Packing::NAMES);
        agrees::<Tune>(Tune::NAMES);
        agrees::<Precision>(Precision::NAMES);
        agrees::<ModelDtype>(ModelDtype::NAMES);
        agrees::<WeightType>(WeightType::NAMES);
        agrees::<Moments>(Moments::NAMES);
        agrees::<Backward>(Backward::NAMES);
        agrees::<OnNotFinite>(OnNotFinite::NAMES);
        agrees::<Schedule>(Schedule::NAMES);
    }
}
