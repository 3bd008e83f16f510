//! How a server is told to end.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a server listens to for its end.
#[derive(Debug)]
pub struct Stop(UnboundedReceiver<()>);

/// Tells a server to end, from any thread.
#[derive(Clone, Debug)]
pub struct Stopper(UnboundedSender<()>);

/// An end to tell, and an end to listen.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = unbounded_channel();
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// The first time: nothing new is accepted, and what is under way ends. The second time: it ends at once.
    pub fn stop(&self) {
        // A server that has ended already listens no more.
        let _ = self.0.send(());
    }
}

impl Stop {
    /// Ends at the next word; never, where nobody is left to say it.
    pub(crate) async fn told(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
