//! Making what comes next while what is there is worked on.

use std::sync::mpsc::sync_channel;
use std::thread;

/// How many items may wait; one more is being made.
const AHEAD: usize = 1;

/// Makes the items of `items` on a thread of its own, in order and a few ahead of `work`, which takes them. The thread
/// ends with the items, or after the one under way once `work` returns.
pub(crate) fn prefetched<T: Send, R>(
    items: impl Iterator<Item = T> + Send,
    work: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
) -> R {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            for item in items {
                if sender.send(item).is_err() {
                    break;
                }
            }
        });
        let mut items = receiver.into_iter();
        // Gone before the scope waits for the thread, which may wait for room.
        let done = work(&mut items);
        drop(items);
        done
    })
}

#[cfg(test)]
mod tests {
    use super::prefetched;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn in_order_and_to_the_end() {
        let all = prefetched(0..100, |items| items.collect::<Vec<i32>>());
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_eq!(prefetched(0..0, |items| items.next()), None);
    }

    #[test]
    fn work_that_ends_early_ends_the_making() {
        let made = AtomicUsize::new(0);
        let items = (0..).inspect(|_| {
            made.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(prefetched(items, |items| items.nth(4)), Some(4));
        // Five were taken; one waited, one was offered, one may have been begun.
        assert!((5..=8).contains(&made.into_inner()));
    }
}
