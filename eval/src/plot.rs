//! Plots as SVG: lines, with a band around them where they are uncertain.
//!
//! ```
//! use glpft_eval::plot::{Axis, Number, Plot, Series};
//!
//! // Mean ± deviation over seeds, by the share of the data.
//! let mean = vec![(0.125, 0.61), (0.25, 0.68), (0.5, 0.74), (1.0, 0.77)];
//! let band = vec![(0.125, 0.58, 0.64), (0.25, 0.66, 0.70), (0.5, 0.73, 0.75), (1.0, 0.76, 0.78)];
//! let plot = Plot::new(Axis::new("share of the training data").log(), Axis::new("plan accuracy").numbers(Number::Percent))
//!     .title("Plan accuracy")
//!     .series(Series::new("glpft", mean).marks().band(band))
//!     .series(Series::new("single", vec![(0.125, 0.55), (1.0, 0.70)]).marks());
//! let file = plot.svg_file()?; // a file of its own
//! let part = plot.svg()?; // a part of a page that has `plot::style()` in its style sheet
//! # assert!(file.starts_with("<svg") && part.starts_with("<svg"));
//! # Ok::<(), glpft_eval::plot::PlotError>(())
//! ```
//!
//! Colours are the reader's: a style sheet turns those of a light page into those of a dark one. Everything that is
//! written into a plot is escaped. Values that are not finite, and those that a logarithmic axis does not have, are left
//! out. Long series are to be thinned first ([`thin`]).

mod axis;
mod colour;
mod draw;
mod frame;
mod number;
mod scale;
mod series;
mod thin;

pub use axis::Axis;
pub use colour::style;
pub use number::Number;
pub use series::{Band, Look, Point, Series};
pub use thin::{smooth, thin};

/// Why there is no plot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlotError {
    /// No series has a finite value.
    #[error("there is nothing to plot: no series has a finite value")]
    Nothing,
    /// The drawing library's reason.
    #[error("the plot cannot be drawn: {0}")]
    Drawing(String),
}

/// A plot: axes and what is drawn between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    title: Option<String>,
    x: Axis,
    y: Axis,
    series: Vec<Series>,
    size: (u32, u32),
}

impl Plot {
    /// A plot without anything in it.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self {
            title: None,
            x,
            y,
            series: Vec::new(),
            size: (420, 240),
        }
    }

    /// Writes a title above it; in a page, the text around it is a better place.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Adds a series. Each gets the next colour; the first has the first one. Where there is more than one, a legend
    /// names them.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Sets its width and height; they are the proportions, and the size of a file shown by itself. Text is 11 units
    /// high. The default is 420 by 240.
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (width.max(160), height.max(120));
        self
    }

    /// An `svg` element for a page whose style sheet has [`style`].
    ///
    /// # Errors
    /// There is nothing to plot.
    pub fn svg(&self) -> Result<String, PlotError> {
        draw::svg(self, "")
    }

    /// An SVG file.
    ///
    /// # Errors
    /// There is nothing to plot.
    pub fn svg_file(&self) -> Result<String, PlotError> {
        draw::svg(self, &format!("<style>{}</style>\n", colour::file_style()))
    }

    /// What it shows, in a sentence, for those who do not see it.
    pub fn description(&self) -> String {
        let names: Vec<&str> = self.series.iter().map(Series::name).collect();
        let title = self.title.as_deref().unwrap_or(self.y.label());
        format!("{title} over {}: {}", self.x.label(), names.join(", "))
    }
}

#[cfg(test)]
mod tests;
