//! Who replies to calls.

use crate::reply::ToolReply;
use crate::task::Api;

/// Replies to calls: an HTTP server behind a client, a cache on disk, or a world in this process.
///
/// Whatever goes wrong with a call is a reply too, with the [`Code`](crate::Code) that says what: an agent goes on from
/// there. Several calls may be under way at once.
pub trait ToolServer: Sync {
    /// Calls `api` with `arguments`, the text that a model wrote, which need not be JSON.
    fn call(&self, api: &Api, arguments: &str) -> ToolReply;

    /// Whether a call waits for somebody else: then it is worth a thread of its own.
    fn is_remote(&self) -> bool {
        false
    }

    /// Where it is, for messages: an address, a folder; none for what is in this process.
    fn place(&self) -> Option<String> {
        None
    }
}

impl<S: ToolServer + ?Sized> ToolServer for &S {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        (**self).call(api, arguments)
    }

    fn is_remote(&self) -> bool {
        (**self).is_remote()
    }

    fn place(&self) -> Option<String> {
        (**self).place()
    }
}

impl<S: ToolServer + ?Sized> ToolServer for Box<S> {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        (**self).call(api, arguments)
    }

    fn is_remote(&self) -> bool {
        (**self).is_remote()
    }

    fn place(&self) -> Option<String> {
        (**self).place()
    }
}
