//! Connections: how many, how long, and how they end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::error::ServeError;
use crate::limits::ConnectionLimits;
use crate::stop::Stop;

/// Serves HTTP/1.1 until it is told to stop; then nothing new is accepted, and what is under way ends.
///
/// # Errors
/// [`ServeError::Unfinished`] where that takes too long, or it is told a second time.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &ConnectionLimits,
    stop: &mut Stop,
) -> Result<(), ServeError> {
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.told() => break,
        };
        let Ok(place) = place else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Too many files are open, or the client has left: there will be another one.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            () = stop.told() => break,
        };
        // Answers are small and wanted at once.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A connection that breaks off is its client's business.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    let begun = Instant::now();
    tokio::select! {
        () = graceful.shutdown() => Ok(()),
        () = tokio::time::sleep(limits.grace) => Err(ServeError::Unfinished(begun.elapsed())),
        () = stop.told() => Err(ServeError::Unfinished(begun.elapsed())),
    }
}
