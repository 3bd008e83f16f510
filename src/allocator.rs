//! The system's allocator, told what training does.

/// Has freed memory kept for the next tensor of its size.
///
/// A step frees and takes blocks of the same few sizes thousands of times. The GNU C library hands large ones back to the
/// system each time, which has to clear them again: an eighth of a step's processor time (docs/benchmarks/2026-11.md). Programs
/// call it once, first; elsewhere than on the GNU C library it does nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets the allocator's parameters.
    unsafe {
        // No block is mapped on its own, and the heap never shrinks.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
    }
}
