//! What a run, or one of its stages, starts from: a model's configuration, its weights and its tokenizer.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{
    CONFIG_FILE, FileError, FloatType, GgufFile, HubName, LocationError, ModelConfig, ModelFiles,
    ModelLocation, RunDirectory, SpecialTokens, TOKENIZER_FILE, TokenizerSource, hub_model,
    hub_snapshot,
};
use glpft_data::{GgufTokenizer, PromptTokenizer, sample};
use glpft_model::EMBEDDING;
use glpft_recipes::{RandomModel, Recipe, Stage, StartFrom};

use crate::error::StartError;
use crate::{Error, notice};

/// `model.base` of a randomly initialized model.
const RANDOM: &str = "random";
/// `model.tokenizer` of the tokenizer that the binary carries.
const BUILTIN_TOKENIZER: &str = "builtin:sample";

/// A model to start from.
#[derive(Debug)]
pub struct Base {
    /// Its shape.
    pub config: ModelConfig,
    /// Where its weights come from.
    pub weights: BaseWeights,
    /// Its name on the hub, where it was asked for by that.
    pub hub: Option<HubName>,
    /// Its tokenizer; its vocabulary fits the model's.
    pub tokenizer: PromptTokenizer,
    /// The tokenizer's files, to be written beside every model that comes of it.
    pub tokenizer_files: TokenizerFiles,
}

/// Where a base's weights come from.
#[derive(Clone, Debug, PartialEq)]
pub enum BaseWeights {
    /// The model directory that holds them.
    Directory(PathBuf),
    /// The GGUF file that holds them.
    Gguf(PathBuf),
    /// Drawn from the run's seed.
    Random(RandomModel),
}

/// Where a tokenizer's files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenizerFiles {
    /// A directory with `tokenizer.json` and what belongs to it.
    Directory(PathBuf),
    /// A `tokenizer.json` without the files around it.
    Made {
        /// Its content.
        json: Cow<'static, [u8]>,
        /// Its special tokens.
        special: SpecialTokens,
        /// Its chat template, if it has one.
        chat_template: Option<String>,
    },
}

impl TokenizerFiles {
    /// As what writes a model directory takes them.
    pub fn source(&self) -> TokenizerSource<'_> {
        match self {
            Self::Directory(directory) => TokenizerSource::Directory(directory),
            Self::Made {
                json,
                special,
                chat_template,
            } => TokenizerSource::Made {
                json,
                special,
                chat_template: chat_template.as_deref(),
            },
        }
    }
}

impl Base {
    /// What a recipe's run starts from.
    ///
    /// # Errors
    /// Where the model or the tokenizer cannot be used, or the tokenizer has more tokens than the model.
    pub fn resolve(recipe: &Recipe) -> Result<Self, Error> {
        let model = &recipe.model;
        match &model.random {
            Some(random) if model.base == RANDOM => {
                Self::random(random, model.tokenizer.as_deref())
            }
            _ => Self::directory(
                Path::new(&model.base),
                "model.base",
                model.tokenizer.as_deref(),
            ),
        }
    }

    /// What a stage starts from. Where that is the global model of a `run` that has none yet, its shape and its
    /// tokenizer will be those of the recipe's base, which then stands for it.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve) and [`open`](Self::open).
    pub fn for_start(
        recipe: &Recipe,
        from: &StartFrom,
        run: Option<&RunDirectory>,
    ) -> Result<Self, Error> {
        match from {
            StartFrom::Directory(directory) => Self::open(Path::new(directory)),
            // It may have been trained from another base (`train --from`), with that one's tokenizer.
            StartFrom::Global => match global_model(run) {
                Some(directory) => Self::open(&directory),
                None => Self::resolve(recipe),
            },
            StartFrom::Base => Self::resolve(recipe),
        }
    }

    /// A model directory or a GGUF file with its own tokenizer, or the global model of a run's directory.
    ///
    /// # Errors
    /// Where there is no usable model or tokenizer, or they do not fit.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        Self::directory(directory, "from", None)
    }

    fn directory(directory: &Path, key: &str, tokenizer: Option<&str>) -> Result<Self, Error> {
        if GgufFile::is_at(directory) {
            return Self::gguf(directory, tokenizer);
        }
        if let Some(path) = dangling(directory) {
            let absent = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(FileError::new("open the model at", &path, absent).into());
        }
        if let Some((name, snapshot)) = hub_model(directory).map_err(LocationError::from)? {
            let mut base = Self::directory(&snapshot, key, tokenizer)?;
            base.hub = Some(name);
            return Ok(base);
        }
        // A file is told as what it is.
        if !directory.is_dir() && !directory.is_file() {
            return Err(Error::Start(StartError::NoModel {
                key: key.to_owned(),
                value: directory.display().to_string(),
                hint: match key {
                    "model.base" => ", or \"random\" and a [model.random]".to_owned(),
                    _ => String::new(),
                },
            }));
        }
        let directory = match ModelLocation::find(directory, Some(Stage::Global.name()))? {
            ModelLocation::Full(directory) => directory,
            ModelLocation::Adapter { directory, .. } => {
                return Err(Error::Start(StartError::AdapterAsBase { path: directory }));
            }
        };
        let config = ModelConfig::read(&directory)?;
        let (made, tokenizer_files) = match tokenizer {
            Some(name) => named_tokenizer(name)?,
            None => tokenizer_at(&directory)?,
        };
        let weights = BaseWeights::Directory(directory);
        Self::fitted(config, weights, made, tokenizer_files, tokenizer)
    }

    fn gguf(path: &Path, named: Option<&str>) -> Result<Self, Error> {
        let file = GgufFile::open(path)?;
        let config = file.model_config()?;
        let (tokenizer, tokenizer_files) = match named {
            Some(name) => named_tokenizer(name)?,
            None => gguf_tokenizer(&file)?,
        };
        let weights = BaseWeights::Gguf(path.to_owned());
        Self::fitted(config, weights, tokenizer, tokenizer_files, named)
    }

    /// A base whose tokenizer is fitted to its embedding. `named` is the tokenizer that the recipe gives, if it gives
    /// one.
    fn fitted(
        config: ModelConfig,
        weights: BaseWeights,
        tokenizer: PromptTokenizer,
        tokenizer_files: TokenizerFiles,
        named: Option<&str>,
    ) -> Result<Self, Error> {
        let mut base = Self {
            config,
            weights,
            hub: None,
            tokenizer,
            tokenizer_files,
        };
        base.fit(named)?;
        Ok(base)
    }

    fn fit(&mut self, named: Option<&str>) -> Result<(), Error> {
        let origin = self.tokenizer_origin(named);
        let hint = match named {
            Some(_) => "leave model.tokenizer out to use the model's own",
            None => {
                "if its tokenizer.json is another model's, put its own there, or name it with model.tokenizer"
            }
        };
        let (model, rows) = (self.name(), self.config.vocab_size);
        fit_tokenizer(&mut self.tokenizer, &origin, &model, rows, hint)
    }

    fn random(random: &RandomModel, tokenizer: Option<&str>) -> Result<Self, Error> {
        // A loaded recipe has one here.
        let (tokenizer, tokenizer_files) = named_tokenizer(tokenizer.unwrap_or(BUILTIN_TOKENIZER))?;
        let mut config = ModelConfig::llama(
            tokenizer.vocab_size(),
            random.hidden_size,
            random.intermediate_size,
            random.layers,
            random.heads,
            random.kv_heads,
        )?;
        config.max_positions = random.max_positions;
        config.tied = random.tied;
        config.eos = vec![tokenizer.eos_id()];
        // What a tokenizer puts before a text is a beginning of sequence; a prefix of several has no one name.
        if let [bos] = tokenizer.prefix() {
            config.bos = Some(*bos);
        }
        config.validate()?;
        Ok(Self {
            config,
            weights: BaseWeights::Random(random.clone()),
            hub: None,
            tokenizer,
            tokenizer_files,
        })
    }

    /// Where its tokenizer is, for messages.
    fn tokenizer_origin(&self, named: Option<&str>) -> String {
        match (&self.tokenizer_files, named) {
            (TokenizerFiles::Directory(directory), _) => {
                directory.join(TOKENIZER_FILE).display().to_string()
            }
            (TokenizerFiles::Made { .. }, Some(named)) => named.to_owned(),
            (TokenizerFiles::Made { .. }, None) => match &self.weights {
                BaseWeights::Gguf(path) => format!("in {}", path.display()),
                _ => BUILTIN_TOKENIZER.to_owned(),
            },
        }
    }

    /// What to call it in a model card: its name on the hub, its path, or `random`.
    pub fn name(&self) -> String {
        if let Some(name) = &self.hub {
            return name.to_string();
        }
        match &self.weights {
            BaseWeights::Directory(path) | BaseWeights::Gguf(path) => path.display().to_string(),
            BaseWeights::Random(_) => RANDOM.to_owned(),
        }
    }

    /// The same model with the tokenizer in `directory`, where there is another one than its own.
    ///
    /// # Errors
    /// It cannot be read, or has more tokens than the model.
    pub(crate) fn with_tokenizer_in(mut self, directory: &Path) -> Result<Self, Error> {
        if !directory.join(TOKENIZER_FILE).is_file() {
            return Ok(self);
        }
        let (tokenizer, files) = tokenizer_at(directory)?;
        if tokenizer.fingerprint() != self.tokenizer.fingerprint() {
            (self.tokenizer, self.tokenizer_files) = (tokenizer, files);
            self.fit(None)?;
        }
        Ok(self)
    }

    /// The type that most of its weights are stored in: that of its embedding. Single precision where they are quantized
    /// or drawn.
    ///
    /// # Errors
    /// The weights cannot be opened.
    pub fn dtype(&self) -> Result<FloatType, Error> {
        let BaseWeights::Directory(directory) = &self.weights else {
            return Ok(FloatType::F32);
        };
        let stored = ModelFiles::open(directory)?.float_type(EMBEDDING);
        Ok(stored.unwrap_or(FloatType::F32))
    }

    /// Opens the weights and checks that every parameter is there with its shape; `None` for a random model.
    ///
    /// # Errors
    /// Where a file is absent, truncated or of another model.
    pub fn open_weights(&self) -> Result<Option<ModelFiles>, Error> {
        let path = match &self.weights {
            BaseWeights::Directory(path) | BaseWeights::Gguf(path) => path,
            BaseWeights::Random(_) => return Ok(None),
        };
        let files = ModelFiles::open(path)?;
        files.check(&self.config)?;
        Ok(Some(files))
    }

    /// What decides a model that starts here: shape, weights and tokenizer, but not the seed of a random model's
    /// weights. Reads the weights.
    ///
    /// # Errors
    /// As [`open_weights`](Self::open_weights).
    pub fn fingerprint(&self) -> Result<String, Error> {
        let weights = match (&self.weights, self.open_weights()?) {
            (_, Some(files)) => glpft_checkpoints::fingerprint(&self.config, &files)?,
            (BaseWeights::Random(random), None) => format!("{random:?} {}", self.config.vocab_size),
            (BaseWeights::Directory(_) | BaseWeights::Gguf(_), None) => String::new(),
        };
        Ok(glpft_data::fingerprint(&[
            weights.as_bytes(),
            self.tokenizer.fingerprint().as_bytes(),
        ]))
    }
}

/// Fits a tokenizer to a model's embedding; what is left out of it is told.
///
/// # Errors
/// What texts are made of has no row.
pub(crate) fn fit_tokenizer(
    tokenizer: &mut PromptTokenizer,
    origin: &str,
    model: &str,
    rows: usize,
    hint: &'static str,
) -> Result<(), Error> {
    let left_out = tokenizer.fit(rows).map_err(|source| {
        Error::Start(StartError::Vocabulary {
            tokenizer: origin.to_owned(),
            model: model.to_owned(),
            source: Box::new(source),
            hint,
        })
    })?;
    if left_out.is_empty() {
        return Ok(());
    }
    let shown = left_out.iter().take(4).map(ToString::to_string);
    let mut names = shown.collect::<Vec<_>>().join(", ");
    if left_out.len() > 4 {
        names += &format!(" and {} more", left_out.len() - 4);
    }
    let have = if left_out.len() == 1 {
        "has no row"
    } else {
        "have no rows"
    };
    let text = format!(
        "the tokenizer {origin}: {names} {have} in the model, which has {rows}: texts cannot use what is left out"
    );
    notice::tell(format!("{names} {rows}"), &text);
    Ok(())
}

/// `path` where it is a link that leads nowhere.
fn dangling(path: &Path) -> Option<PathBuf> {
    let dangles = path.symlink_metadata().is_ok() && !path.exists();
    dangles.then(|| path.to_owned())
}

/// The tokenizer that `model.tokenizer` names.
fn named_tokenizer(name: &str) -> Result<(PromptTokenizer, TokenizerFiles), Error> {
    if name != BUILTIN_TOKENIZER {
        return tokenizer_at(Path::new(name));
    }
    let special = SpecialTokens {
        eos: Some("</s>".to_owned()),
        pad: Some("<pad>".to_owned()),
        ..SpecialTokens::default()
    };
    let tokenizer = PromptTokenizer::from_bytes(sample::tokenizer(), "</s>")?;
    let json = Cow::Borrowed(sample::tokenizer());
    let files = TokenizerFiles::Made {
        json,
        special,
        chat_template: None,
    };
    Ok((tokenizer, files))
}

/// The tokenizer in a GGUF file.
fn gguf_tokenizer(file: &GgufFile) -> Result<(PromptTokenizer, TokenizerFiles), Error> {
    let GgufTokenizer {
        json,
        special,
        chat_template,
    } = GgufTokenizer::of(file)?;
    let eos = special.eos.as_deref().unwrap_or_default();
    let tokenizer = PromptTokenizer::from_bytes(&json, eos).map_err(|source| {
        Error::Start(StartError::TokenizerAt {
            path: file.path().to_owned(),
            source,
        })
    })?;
    let files = TokenizerFiles::Made {
        json: Cow::Owned(json),
        special,
        chat_template,
    };
    Ok((tokenizer, files))
}

/// The global model of a run, where it has one.
pub(crate) fn global_model(run: Option<&RunDirectory>) -> Option<PathBuf> {
    let directory = run?.model(Stage::Global.name());
    directory.join(CONFIG_FILE).is_file().then_some(directory)
}

/// The tokenizer in a directory, or of a file.
fn tokenizer_at(path: &Path) -> Result<(PromptTokenizer, TokenizerFiles), Error> {
    let snapshot = match hub_model(path).map_err(LocationError::from)? {
        Some((_, snapshot)) => Some(snapshot),
        None => hub_snapshot(path).map_err(LocationError::from)?,
    };
    let path = snapshot.as_deref().unwrap_or(path);
    // Not every reason names the file.
    let tokenizer = PromptTokenizer::from_path(path).map_err(|source| {
        match source.to_string().contains(&*path.to_string_lossy()) {
            true => Error::from(source),
            false => Error::Start(StartError::TokenizerAt {
                path: path.to_owned(),
                source,
            }),
        }
    })?;
    if path.is_dir() {
        return Ok((tokenizer, TokenizerFiles::Directory(path.to_owned())));
    }
    if path.file_name().is_some_and(|name| name == TOKENIZER_FILE) {
        let directory = path.parent().unwrap_or(Path::new(""));
        return Ok((tokenizer, TokenizerFiles::Directory(directory.to_owned())));
    }
    // Under another name the files around it may belong to another tokenizer.
    let json = std::fs::read(path)
        .map_err(|source| glpft_checkpoints::FileError::new("read", path, source))?;
    let special = SpecialTokens {
        eos: Some(tokenizer.eos_text()),
        ..SpecialTokens::default()
    };
    let json = Cow::Owned(json);
    let files = TokenizerFiles::Made {
        json,
        special,
        chat_template: None,
    };
    Ok((tokenizer, files))
}
