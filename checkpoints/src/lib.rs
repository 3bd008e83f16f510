//! Named tensors and state, in files: Hugging Face model directories, PEFT adapters,
//! GGUF files, checkpoints and run directories.
//!
//! Tensors are `f32` in memory and have the names that Hugging Face gives them. Everything
//! is written so that it appears whole or not at all, and everything that is read may come
//! from a stranger: each reader answers with one clear error in bounded time and memory.

mod adapter;
mod atomic;
mod config;
mod directory;
mod disk;
mod error;
#[doc(hidden)]
pub mod faults;
mod fingerprint;
mod float;
mod foreign;
mod gguf;
mod gguf_write;
mod hub;
mod json;
mod lease;
mod location;
mod lock;
mod parts;
mod run;
mod space;
mod state;
mod weights;

pub use adapter::{
    ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, AdaptedKind, AdaptedModule, Adapter, AdapterConfig,
    AdapterDirectory, AdapterError, BASE_FINGERPRINT_FILE, ModuleNames, ReplacedParameter,
    name_bases_anew,
};
pub use atomic::{
    AtomicFile, create_directory_atomically, remove_abandoned, remove_directory_atomically,
    remove_leftovers, write_atomically,
};
pub use config::{
    Activation, Architecture, AttentionPlan, AttentionProjections, CONFIG_FILE, ConfigError,
    FeedForwardPlan, FeedForwardProjections, LayerPlan, ModelConfig, NormForm, Norms, Plan,
    Projection, Rope, RopeScaling, Rotary, TensorShape,
};
pub use directory::{
    GENERATION_CONFIG_FILE, MODEL_CARD_FILE, ModelCard, ModelDirectory, SpecialTokens,
    TOKENIZER_FILE, TOKENIZER_FILES, TokenizerSource,
};
pub use disk::DiskFile;
pub use error::{FileError, advice, advice_on};
pub use fingerprint::fingerprint;
pub use float::FloatType;
pub use foreign::{foreign_content, without_mark};
pub(crate) use foreign::{foreign_file, is_present};
pub use gguf::{GgufError, GgufFile};
pub use gguf_write::{
    GgufMetadata, GgufTensor, GgufType, GgufValue, GgufWriteError, gguf_adapter, gguf_model,
    gguf_note, write_gguf,
};
pub use hub::{HubCache, HubError, HubName, hub_model, hub_snapshot};
pub use json::{JsonError, parse_json, read_json, write_json};
pub use lease::{
    Claim, Claimed, Holder, LEASE_LENGTH, LEASES_FOLDER, Lease, Watch, check_leases, holds_lease,
    is_lease_open, lease_holder, open_leases,
};
pub use location::{LocationError, ModelLocation};
pub use lock::RunLock;
pub use run::RunDirectory;
pub use space::{check_space, free_space, megabytes};
pub use state::{
    BestValidation, Checkpoint, ComputedBy, Earlier, FIRST_MOMENT, OPTIMIZER_FILE, Provenance,
    SECOND_MOMENT, StateError, TRAINER_STATE_FILE, TrainerState, UsualLoss, checkpoint_of,
    latest_checkpoint, list_checkpoints, open_optimizer, optimizer_tensors, prune_checkpoints,
    write_checkpoint, write_optimizer,
};
pub use weights::{
    DEFAULT_SHARD_BYTES, Mismatch, ModelFiles, SafetensorsFile, TensorValues, WEIGHTS_FILE,
    WEIGHTS_INDEX_FILE, WeightsError, write_safetensors, write_weights,
};
