//! ToolBench files → trajectories → role datasets → tokens → batches.

mod batch;
mod bounded;
mod chat;
mod conversation;
mod convert;
mod encode;
mod example;
mod export;
mod field;
mod fingerprint;
mod finish;
mod lenient;
mod marks;
mod observation;
mod overlap;
mod plan;
mod prepared;
mod prompts;
pub mod python;
mod query;
mod random;
mod read_options;
mod record_error;
mod roles;
pub mod sample;
mod schema;
mod source;
mod split;
mod statistics;
mod tokenizer;
mod tool;
mod trajectory;
mod truncate;
mod turn;

pub use batch::{Batch, Branches, Target, Trunk, tree_tokens};
pub use chat::{
    ChatCall, ChatFunction, ChatMessage, ChatRole, ChatTurns, NAME_CHARACTERS,
    OBSERVATION_CHARACTERS, chat_turns, read_functions, read_messages,
};
pub use conversation::{Conversation, call_turns};
pub use convert::{ConvertError, ConvertForm, Converted, converted};
pub use encode::{
    EncodeError, EncodeOptions, EncodedExamples, TokenExample, encode_examples, encode_prompt,
    encode_trajectory,
};
pub use example::{Dataset, Example, Piece, Prompt, Text};
pub use export::{ExportError, export};
pub use field::Field;
pub use fingerprint::fingerprint;
pub use finish::{Finish, read_finish};
pub use lenient::{Ending, Lenient, lenient_json, lenient_object, read_lenient};
pub use marks::{FaultKind, GivenExample, Marks, StepFault};
pub use observation::observation_text;
pub use overlap::{Contents, Overlap, Shared, compared_instructions};
pub use plan::{Plan, Share, StepBatches, StepLayout, micro_batches};
pub use prepared::{
    DatasetWriter, ExampleSet, PreparedDataset, PreparedError, Selection, temporary_file,
    temporary_folder,
};
pub use prompts::{Prompts, PromptsError, SYSTEM_PREFIX, TemplateError, ToolPrompt, history_turn};
pub use query::level_query;
pub use random::{Purpose, Random};
pub use read_options::ReadOptions;
pub use record_error::Place as RecordPlace;
pub use record_error::RecordError;
pub use roles::{GiveUpPrompt, examples, history};
pub use source::{
    BadRecord, Conversations, Origins, PartReport, Record, Source, SourceError, SourceForm,
    SourceReport, StepCounts, TestQueriesError, answer_directories, read_answer_file, record_files,
};
pub use split::{QuerySplits, Split};
pub use statistics::DatasetStatistics;
pub use tokenizer::{
    FitError, GgufTokenizer, LeftOut, PromptTokenizer, SegmentCache, TokenizerError,
};
pub use tool::{HALLUCINATED, Tool};
pub use trajectory::Trajectory;
pub use truncate::{DropReason, smallest_cut};
pub use turn::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, NO_ANSWER, Speaker, Turn};
