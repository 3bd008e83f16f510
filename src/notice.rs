//! What is no error and worth to know, wherever it is found: told once each to whoever listens (the command line).

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Hears notices.
type Listener = Box<dyn FnMut(&str) + Send>;

static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);
static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Has `listener` told every notice from now on, each once.
pub fn listen(listener: impl FnMut(&str) + Send + 'static) {
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(listener));
}

/// Tells a notice, unless one of the same `key` has been told: the models that come of a model share what is amiss with it.
pub(crate) fn tell(key: String, notice: &str) {
    let mut listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(listener) = listener.as_mut() else {
        return;
    };
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.insert(key) {
        listener(notice);
    }
}
