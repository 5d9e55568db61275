//! The index arithmetic of a ring of bytes with one side that reads and one that writes (paper, section 6.1).
//!
//! Both indices count bytes since the ring was made, modulo 2^32; the capacity is a power of two. The other side is not
//! trusted: whatever its index says, nothing here leads outside of the ring.

use core::ops::Range;

/// How many bytes are in a ring; at most its capacity.
#[inline(always)]
#[must_use]
pub const fn filled(written: u32, read: u32, capacity: u32) -> u32 {
    let filled = written.wrapping_sub(read);
    if filled > capacity { capacity } else { filled }
}

/// Where the next `count` bytes from an index on are: a span, and what wraps around to the beginning. `count` is at most the
/// capacity.
#[inline(always)]
#[must_use]
pub const fn spans(index: u32, count: u32, capacity: u32) -> (Range<u32>, Range<u32>) {
    let start = index & (capacity - 1);
    let count = if count > capacity { capacity } else { count };
    let straight = if count < capacity - start { count } else { capacity - start };
    (start..start + straight, 0..count - straight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spans_stay_inside_and_are_as_long_as_asked(index: u32, count: u32, shift in 0u32..16) {
            let capacity = 1 << shift;
            let (first, second) = spans(index, count, capacity);
            prop_assert!(first.end <= capacity && second.end <= first.start);
            prop_assert_eq!(first.len() + second.len(), count.min(capacity) as usize);
            prop_assert_eq!(first.start, index % capacity);
        }

        #[test]
        fn a_ring_gives_back_what_was_put_in(operations in prop::collection::vec((any::<bool>(), 1u32..100), 1..300), start: u32) {
            const CAPACITY: u32 = 64;
            let mut bytes = [0u8; CAPACITY as usize];
            let (mut read, mut written) = (start, start);
            let (mut next_in, mut next_out) = (0u8, 0u8);
            for (write, wanted) in operations {
                let there = filled(written, read, CAPACITY);
                let count = if write { wanted.min(CAPACITY - there) } else { wanted.min(there) };
                let (first, second) = spans(if write { written } else { read }, count, CAPACITY);
                for at in first.chain(second) {
                    if write {
                        bytes[at as usize] = next_in;
                        next_in = next_in.wrapping_add(1);
                    } else {
                        prop_assert_eq!(bytes[at as usize], next_out);
                        next_out = next_out.wrapping_add(1);
                    }
                }
                if write { written = written.wrapping_add(count) } else { read = read.wrapping_add(count) }
            }
        }

        #[test]
        fn a_hostile_index_fills_at_most_the_ring(written: u32, read: u32) {
            prop_assert!(filled(written, read, 2048) <= 2048);
        }
    }
}
