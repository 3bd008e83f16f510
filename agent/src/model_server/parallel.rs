//! Many calls at a time, and no more than that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

/// Does `work` for each of `count` indices, `parallel` at a time, as long as none fails. What `wanted` does not want when its
/// turn comes is none.
///
/// # Errors
/// The first failure, by index, of those that were begun.
pub(super) fn in_parallel<T: Send, E: Send>(
    count: usize,
    parallel: usize,
    wanted: &dyn Fn(usize) -> bool,
    work: &(dyn Fn(usize) -> Result<T, E> + Sync),
) -> Result<Vec<Option<T>>, E> {
    let done: Mutex<Vec<Option<Result<T, E>>>> = Mutex::new((0..count).map(|_| None).collect());
    let failed = AtomicBool::new(false);
    let (send, receive) = sync_channel::<usize>(0);
    let receive = Mutex::new(receive);
    std::thread::scope(|scope| {
        for _ in 0..parallel.clamp(1, count.max(1)) {
            scope.spawn(|| {
                loop {
                    let next = receive
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .recv();
                    let Ok(index) = next else { return };
                    if failed.load(Ordering::Relaxed) {
                        continue;
                    }
                    let result = work(index);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    done.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
                }
            });
        }
        for index in 0..count {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            if wanted(index) && send.send(index).is_err() {
                break;
            }
        }
        drop(send);
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_iter().map(Option::transpose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn so_many_at_a_time_and_in_order() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |index: usize| {
            let at_once = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(at_once, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(5));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<usize, usize>(index * 2)
        };
        let found = in_parallel(9, 3, &|index| index != 4, &work);
        let expected = (0..9).map(|index| (index != 4).then_some(index * 2));
        assert_eq!(found, Ok(expected.collect()));
        assert_eq!(most.load(Ordering::SeqCst), 3);
        assert_eq!(in_parallel(0, 3, &|_| true, &work), Ok(Vec::new()));
    }

    #[test]
    fn a_failure_ends_it() {
        let begun = AtomicUsize::new(0);
        let work = |index: usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            if index == 2 { Err(index) } else { Ok(index) }
        };
        assert_eq!(in_parallel(1000, 2, &|_| true, &work), Err(2));
        assert!(begun.load(Ordering::SeqCst) < 1000);
    }
}
