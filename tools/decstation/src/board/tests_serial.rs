//! Backends.

use super::*;

#[test]
fn buffered_input_waits_for_its_cycle() {
    let buffer = Buffer::new();
    let mut backend = buffer.clone();
    buffer.type_at(100, b"ab");
    assert_eq!(backend.poll_input(99), None);
    assert_eq!(backend.poll_input(100), Some(b'a'));
    assert_eq!(backend.poll_input(100), Some(b'b'));
    assert_eq!(backend.poll_input(1000), None);
    backend.output(b'x');
    assert_eq!(buffer.text(), "x");
}

#[test]
fn a_stream_ends_with_its_input() {
    let mut stream = Stream::new(Some(Box::new(&b"hi"[..])), Box::new(std::io::sink()));
    let mut seen = Vec::new();
    while stream.has_input() {
        seen.extend(stream.poll_input(0));
        std::thread::yield_now();
    }
    assert_eq!(seen, b"hi");
}
