//! What can go wrong with a model.

use glpft_checkpoints::AdapterError;
use glpft_recipes::{Moments, Precision, WeightType};

/// An error of the model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The device's name is none that the program knows.
    #[error("unknown device `{0}`: use cpu, cuda, cuda:N, wgpu or wgpu:N")]
    UnknownDevice(String),
    /// The device is one that this build leaves out.
    #[error("this build has no {device}: build with `cargo build --release --features {feature}`")]
    NotBuilt {
        /// The device asked for.
        device: String,
        /// The cargo feature that adds it.
        feature: &'static str,
    },
    /// The device cannot be used on this machine.
    #[error("{device} cannot be used here: {reason}")]
    NoDevice {
        /// The device asked for.
        device: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The device does not know the numbers that a precision asks for.
    #[error(
        "the device has no {precision} numbers: set stage.precision to f32, or use another --device"
    )]
    NoPrecision {
        /// The precision asked for.
        precision: Precision,
    },
    /// The device does not know the numbers that weights should be held in.
    #[error(
        "the device has no {held_as} numbers: use another --device, or train with model.weights = f32, int8 or nf4"
    )]
    NoWeights {
        /// The type asked for.
        held_as: WeightType,
    },
    /// The device does not know the numbers that moments should be held in.
    #[error(
        "the device has no {held_as} numbers: set stage.moments to f32 or int8, or use another --device"
    )]
    NoMoments {
        /// The type asked for.
        held_as: Moments,
    },
    /// A weight that should be held in fewer bits is damaged.
    #[error(
        "element {place} of tensor `{name}` is not a finite number, so that it cannot be held as {held_as}: the model's files are \
         damaged"
    )]
    NotFinite {
        /// The tensor's name.
        name: String,
        /// The element's place, row by row.
        place: usize,
        /// The type asked for.
        held_as: WeightType,
    },
    /// No projection has one of the names that adapters should attach to.
    #[error("no projection of the model is named `{target}`: target_modules can name {known}")]
    NoSuchTarget {
        /// The name in the recipe.
        target: String,
        /// The names there are.
        known: String,
    },
    /// The settings of adapters do not fit the model.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// A tensor that a source of weights gave has another size than the configuration implies.
    #[error("tensor `{name}` has {found} elements, the configuration asks for {expected}")]
    WrongSize {
        /// The tensor's name.
        name: String,
        /// Elements there should be.
        expected: usize,
        /// Elements there are.
        found: usize,
    },
    /// Layers with windows, where branches grow from a trunk.
    #[error(
        "adapters that wake at their role's turn are not for models with sliding windows, which this one has (of {window} positions)"
    )]
    WindowOnTrunk {
        /// The narrowest.
        window: usize,
    },
    /// A token id is not in the model's vocabulary.
    #[error(
        "token id {token} is outside the model's vocabulary of {vocabulary}: tokenizer and model do not belong together"
    )]
    TokenOutside {
        /// The id.
        token: u32,
        /// The model's vocabulary size.
        vocabulary: usize,
    },
    /// Reading values back from the device failed.
    #[error("cannot read from the device: {0}")]
    Read(String),
}
