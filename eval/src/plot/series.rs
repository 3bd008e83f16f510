//! What is drawn.

/// A point: x and y.
pub type Point = (f64, f64);
/// A range of y at an x: x, low, high.
pub type Band = (f64, f64, f64);

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A line.
    Line,
    /// A thin, pale line: the single values behind a mean.
    Faint,
    /// A line with a dot at each point: few values that were measured one by one.
    Marks,
    /// Dots alone: too few to say how it went between them.
    Dots,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
    pub(super) band: Vec<Band>,
    pub(super) whiskers: Vec<Band>,
    pub(super) look: Look,
    pub(super) colour: Option<usize>,
}

impl Series {
    /// A line through points, in the order of their x.
    pub fn new(name: impl Into<String>, points: Vec<Point>) -> Self {
        Self {
            name: name.into(),
            points,
            band: Vec::new(),
            whiskers: Vec::new(),
            look: Look::Line,
            colour: None,
        }
    }

    /// Draws a dot at each point.
    pub fn marks(mut self) -> Self {
        self.look = Look::Marks;
        self
    }

    /// Draws dots and no line.
    pub fn dots(mut self) -> Self {
        self.look = Look::Dots;
        self
    }

    /// Draws it thin and pale.
    pub fn faint(mut self) -> Self {
        self.look = Look::Faint;
        self
    }

    /// Shades the range around it: mean ± deviation, or an interval.
    pub fn band(mut self, band: Vec<Band>) -> Self {
        self.band = band;
        self
    }

    /// Draws an upright line over each range: the uncertainty of points that do not follow each other.
    pub fn whiskers(mut self, whiskers: Vec<Band>) -> Self {
        self.whiskers = whiskers;
        self
    }

    /// Draws it in one of the series' colours, counted from 0: the same thing has the same colour in every plot.
    pub fn colour(mut self, colour: usize) -> Self {
        self.colour = Some(colour);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
