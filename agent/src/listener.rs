//! Who follows how steps are said.

/// Follows the steps that a policy is asked for together, each by its index.
pub trait Listener {
    /// A planner has thought; callers and summarizers are not asked yet.
    fn thought(&self, _step: usize, _thought: &str) {}

    /// Whether a step is still waited for. Models do not finish, or begin, what nobody waits for; what the policy says of
    /// such a step means nothing.
    fn waits(&self, _step: usize) -> bool {
        true
    }
}

/// Waits for all of them.
impl Listener for () {}
