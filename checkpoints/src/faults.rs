//! Failing on purpose: tests have any one operation on the disk fail, and look at what is left.
//!
//! Everything that writes asks [`check`] first. Without a plan, which only tests make, it fails only where this process
//! may write no more, because it lost a lease.

use std::cell::Cell;
use std::io;

use crate::lease::check_leases;

#[derive(Clone, Copy)]
struct Plan {
    kind: io::ErrorKind,
    /// Operations that still succeed.
    left: u64,
    /// Whether what follows the first failure fails, too, as on a full disk.
    lasting: bool,
    failed: bool,
}

thread_local! {
    static PLAN: Cell<Option<Plan>> = const { Cell::new(None) };
}

/// Has one operation of this thread fail with `kind`, after `left` that succeed; with `lasting`, all that follow it, too.
pub fn fail_after(left: u64, kind: io::ErrorKind, lasting: bool) {
    PLAN.set(Some(Plan {
        kind,
        left,
        lasting,
        failed: false,
    }));
}

/// Ends the plan; whether anything failed by it.
pub fn end() -> bool {
    PLAN.take().is_some_and(|plan| plan.failed)
}

/// Counts an operation that writes, and fails if that one is to, or none may be done any more.
pub fn check() -> io::Result<()> {
    check_leases()?;
    let Some(mut plan) = PLAN.get() else {
        return Ok(());
    };
    if plan.failed && !plan.lasting {
        return Ok(());
    }
    plan.failed = plan.left == 0;
    plan.left = plan.left.saturating_sub(1);
    PLAN.set(Some(plan));
    match plan.failed {
        true => Err(plan.kind.into()),
        false => Ok(()),
    }
}
