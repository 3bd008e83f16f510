//! The thread that owns the model and answers what waits.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use glpft_agent::{GenerateError, Listener};
use tokio::sync::oneshot;

use crate::metrics::Metrics;
use crate::queue::{Asks, Event, Failure, Job, Queue};
use crate::speaker::{OpenSpeaker, Speaker};

/// How requests are answered together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    /// The most that are asked together.
    pub most: usize,
    /// How long those that were answered together are waited for.
    pub gather: Duration,
}

/// What the thread and the routes share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub queue: Arc<Queue>,
    pub metrics: Metrics,
    /// Whether there is a model that answers.
    pub healthy: AtomicBool,
}

/// Whether the model opened.
pub(crate) type Opened = Result<(), Box<dyn Error + Send + Sync>>;

/// Starts the thread, which tells when the model is open. It ends when the queue is closed.
pub(crate) fn start(
    mut open: OpenSpeaker,
    shared: Arc<Shared>,
    batching: Batching,
) -> std::io::Result<(JoinHandle<()>, oneshot::Receiver<Opened>)> {
    let (tell, opened) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("model".to_owned())
        .spawn(move || {
            let speaker = match open() {
                Ok(speaker) => speaker,
                Err(error) => {
                    let _ = tell.send(Err(error));
                    return;
                }
            };
            shared.healthy.store(true, Ordering::Relaxed);
            if tell.send(Ok(())).is_ok() {
                answer_all(speaker, &mut open, &shared, batching);
            }
            shared.healthy.store(false, Ordering::Relaxed);
        })?;
    Ok((thread, opened))
}

fn answer_all(
    mut speaker: Box<dyn Speaker>,
    open: &mut OpenSpeaker,
    shared: &Shared,
    batching: Batching,
) {
    let mut expected = 1;
    while let Some(mut jobs) = shared.queue.take(batching.most, expected, batching.gather) {
        jobs.retain(|job| !job.events.is_closed());
        if jobs.is_empty() {
            continue;
        }
        shared.metrics.batch(jobs.len());
        if answer(&mut speaker, &jobs).is_err() {
            // What a panic leaves of a model's caches cannot be relied on.
            shared.metrics.panics.inc();
            tell_all(&jobs, &Failure::Model);
            shared.healthy.store(false, Ordering::Relaxed);
            // First: there may be no memory for two.
            drop(speaker);
            match catch_unwind(AssertUnwindSafe(&mut *open)) {
                Ok(Ok(again)) => speaker = again,
                _ => return shared.queue.close(),
            }
            shared.healthy.store(true, Ordering::Relaxed);
        }
        expected = jobs.len() + shared.queue.len();
    }
}

/// Answers requests together; each by itself where that fails, so that none spoils another's answer.
fn answer(speaker: &mut dyn Speaker, jobs: &[Job]) -> Result<(), Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(|| match (ask(speaker, jobs), jobs) {
        (Ok(()), _) => {}
        (Err(error), [_]) => tell_all(jobs, &failure(&error)),
        (Err(_), _) => {
            for one in jobs.chunks(1) {
                if let Err(error) = ask(speaker, one) {
                    tell_all(one, &failure(&error));
                }
            }
        }
    }))
}

fn ask(speaker: &mut dyn Speaker, jobs: &[Job]) -> Result<(), GenerateError> {
    let (mut steps, mut questions) = (Vec::new(), Vec::new());
    let (mut completing, mut prompts) = (Vec::new(), Vec::new());
    for job in jobs {
        match &job.asks {
            Asks::Step(question) => {
                steps.push(job);
                questions.push(question);
            }
            Asks::Prompt(prompted) => {
                completing.push(job);
                prompts.push(prompted);
            }
        }
    }
    if !steps.is_empty() {
        let all = speaker.speak(&questions, &Clients(&steps))?;
        for (job, said) in steps.iter().zip(all) {
            let _ = job.events.send(Event::Done(Ok(said)));
        }
    }
    if !completing.is_empty() {
        let clients = Clients(&completing);
        let all = speaker.complete(&prompts, &|at| clients.waits(at))?;
        for (job, answer) in completing.iter().zip(all) {
            let _ = job.events.send(Event::Completed(answer));
        }
    }
    Ok(())
}

/// Those who asked. Who has left is not told, and not waited for.
struct Clients<'a>(&'a [&'a Job]);

impl Listener for Clients<'_> {
    fn thought(&self, step: usize, thought: &str) {
        if let Some(job) = self.0.get(step) {
            let _ = job.events.send(Event::Thought(thought.to_owned()));
        }
    }

    fn waits(&self, step: usize) -> bool {
        self.0.get(step).is_some_and(|job| !job.events.is_closed())
    }
}

fn tell_all(jobs: &[Job], failure: &Failure) {
    for job in jobs {
        let _ = job.events.send(Event::Done(Err(failure.clone())));
    }
}

fn failure(error: &GenerateError) -> Failure {
    match error {
        GenerateError::Request { reason, .. } => Failure::Request(reason.clone()),
        GenerateError::NoModel(_) => Failure::Request(error.to_string()),
        GenerateError::Server { .. } | GenerateError::Failed { .. } => Failure::Model,
    }
}
