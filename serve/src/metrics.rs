//! What the server counts, in Prometheus's text format.

use std::time::Duration;

use glpft_agent::Usage;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Seconds; a tiny model answers in the first of these, a large one on a CPU in the last.
const SECONDS: [f64; 12] = [
    0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0,
];
const SIZES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The counts of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<[(&'static str, String); 2], Counter>,
    seconds: Histogram,
    batches: Histogram,
    tokens: Family<[(&'static str, &'static str); 1], Counter>,
    /// Requests whose client left before the answer.
    pub left: Counter,
    /// Requests that are under way, those that wait among them.
    pub under_way: Gauge,
    /// Requests that wait.
    pub waiting: Gauge,
    /// Times that the model failed beyond repair and was opened again.
    pub panics: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("glpft");
        let metrics = Self {
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            batches: Histogram::new(SIZES),
            tokens: Family::default(),
            left: Counter::default(),
            under_way: Gauge::default(),
            waiting: Gauge::default(),
            panics: Counter::default(),
            registry: Registry::default(),
        };
        registry.register(
            "requests",
            "Answered requests by route and status",
            metrics.requests.clone(),
        );
        registry.register(
            "request_seconds",
            "Time from a request's head to its answer's end",
            metrics.seconds.clone(),
        );
        registry.register(
            "batch_requests",
            "How many requests were answered together",
            metrics.batches.clone(),
        );
        registry.register(
            "tokens",
            "Tokens by kind: prompt, cached (of the prompt's), completion",
            metrics.tokens.clone(),
        );
        registry.register(
            "clients_left",
            "Requests whose client left before the answer",
            metrics.left.clone(),
        );
        registry.register(
            "requests_under_way",
            "Requests under way, those that wait among them",
            metrics.under_way.clone(),
        );
        registry.register(
            "requests_waiting",
            "Requests that wait to be answered",
            metrics.waiting.clone(),
        );
        registry.register(
            "model_restarts",
            "Times that the model failed beyond repair and was opened again",
            metrics.panics.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    /// A request got its answer.
    pub(crate) fn answered(&self, route: &str, status: u16, took: Duration) {
        let labels = [("route", route.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Requests were asked together.
    pub(crate) fn batch(&self, requests: usize) {
        self.batches.observe(requests as f64);
    }

    /// An answer took so many tokens.
    pub(crate) fn used(&self, usage: Usage) {
        for (kind, tokens) in [
            ("prompt", usage.prompt_tokens),
            ("cached", usage.cached_tokens),
            ("completion", usage.new_tokens),
        ] {
            self.tokens
                .get_or_create(&[("kind", kind)])
                .inc_by(tokens as u64);
        }
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // Writing to a string does not fail.
            Err(_) => String::new(),
        }
    }
}
