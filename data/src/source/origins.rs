//! Which of several sources a trajectory is of.

use super::SourceReport;

/// Several sources by their trajectories: these are numbered as they are read, so that those of a source are a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    names: Vec<String>,
    /// Of each source the trajectory behind its last one.
    ends: Vec<u64>,
}

impl Origins {
    /// The sources that were read as a report tells; none where there is one alone.
    pub fn new(report: &SourceReport) -> Self {
        let mut origins = Self::default();
        if report.parts.len() < 2 {
            return origins;
        }
        let mut end = 0;
        for part in &report.parts {
            end += (part.report.kept + part.report.repeated) as u64;
            origins.names.push(part.name.clone());
            origins.ends.push(end);
        }
        origins
    }

    /// Whether there is one source alone, which needs no name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The sources' names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Which of them a trajectory is of; 0 where there is one source alone.
    pub fn of(&self, trajectory: u32) -> usize {
        let found = self
            .ends
            .partition_point(|&end| end <= u64::from(trajectory));
        // No trajectory lies behind the last one.
        found.min(self.names.len().saturating_sub(1))
    }
}
