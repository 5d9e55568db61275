use super::*;
use proptest::prelude::*;

/// A terminal of one line: what stands there, and the cursor.
#[derive(Default)]
struct Screen {
    cells: Vec<u8>,
    cursor: usize,
}

impl Screen {
    fn show(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\r' => self.cursor = 0,
                b'\n' => *self = Self::default(),
                8 => self.cursor -= 1,
                7 => {}
                27 if bytes[at..].starts_with(b"\x1b[K") => {
                    self.cells.truncate(self.cursor);
                    at += 2;
                }
                27 => {
                    *self = Self::default();
                    at += bytes[at + 1..].iter().position(u8::is_ascii_alphabetic).expect("a sequence") + 1;
                }
                byte => {
                    if self.cursor == self.cells.len() {
                        self.cells.push(byte);
                    } else {
                        self.cells[self.cursor] = byte;
                    }
                    self.cursor += 1;
                }
            }
            at += 1;
        }
    }
}

/// Types keys; tells the lines that came.
fn typed(editor: &mut Editor, keys: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    keys.iter()
        .filter_map(|key| match editor.key(*key, &mut out) {
            Event::Line(line) => Some(line),
            _ => None,
        })
        .collect()
}

fn one(keys: &[u8]) -> String {
    let mut keys = keys.to_vec();
    keys.push(b'\r');
    typed(&mut Editor::new("$ "), &keys).pop().expect("a line")
}

#[test]
fn lines_are_what_was_typed_and_mended() {
    assert_eq!(one(b"ls"), "ls");
    assert_eq!(one(b"lx\x7fs"), "ls");
    assert_eq!(one(b"s\x01l"), "ls");
    assert_eq!(one(b"\x1b[Cs\x1b[Dl\x05!"), "ls!");
    assert_eq!(one(b"echo one two\x17three"), "echo one three");
    assert_eq!(one(b"abcdef\x1b[D\x1b[D\x0b"), "abcd");
    assert_eq!(one(b"abcdef\x1b[D\x1b[D\x15"), "ef");
    assert_eq!(one(b"abc\x01\x1b[3~\x04"), "c");
    assert_eq!(one(b"abc\x1b[Hx\x1b[Fy"), "xabcy");
}

#[test]
fn a_carriage_return_and_a_line_feed_are_one_end() {
    assert_eq!(typed(&mut Editor::new(""), b"a\r\nb\n\nc\r"), ["a", "b", "", "c"]);
}

#[test]
fn history_goes_back_and_forth_and_keeps_the_draft() {
    let mut editor = Editor::new("$ ");
    assert_eq!(typed(&mut editor, b"one\rtwo\rtwo\r\r"), ["one", "two", "two", ""]);
    assert_eq!(editor.history().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(typed(&mut editor, b"dra\x1b[A\x1b[A\x1b[A\r"), ["one"]);
    assert_eq!(typed(&mut editor, b"dra\x1b[A\x1b[A\x1b[B\x1b[B\x1b[Bft\r"), ["draft"]);
}

#[test]
fn the_keys_that_are_no_text() {
    let mut editor = Editor::new("$ ");
    let mut out = Vec::new();
    assert_eq!(editor.key(4, &mut out), Event::End);
    assert_eq!(editor.key(b'x', &mut out), Event::Nothing);
    assert_eq!(editor.key(3, &mut out), Event::Interrupt);
    assert!(editor.line().is_empty());
    assert_eq!(editor.key(26, &mut out), Event::Suspend);
    assert_eq!(editor.key(9, &mut out), Event::Complete);
}

#[test]
fn completion() {
    let words = ["sleep", "slices", "share"];
    let completed = |begun: &[u8]| {
        let mut editor = Editor::new("$ ");
        typed(&mut editor, begun);
        let mut out = Vec::new();
        editor.complete(words, &mut out);
        (String::from_utf8(editor.line().to_vec()).expect("text"), String::from_utf8(out).expect("text"))
    };
    assert_eq!(completed(b"sle").0, "sleep ");
    assert_eq!(completed(b"time sh").0, "time share ");
    let (line, shown) = completed(b"s");
    assert_eq!(line, "s");
    assert!(words.iter().all(|word| shown.contains(word)), "{shown}");
    assert_eq!(completed(b"sl").0, "sl");
    assert_eq!(completed(b"x"), ("x".into(), "\x07".into()));
}

proptest! {
    /// Whatever is typed, the terminal shows the prompt and the line, with the cursor where it belongs.
    #[test]
    fn the_terminal_shows_the_line(keys in prop::collection::vec(prop_oneof![
        any::<u8>(), 32u8..127, prop::sample::select(b"\x01\x05\x02\x06\x0b\x15\x17\x7f\x0e\x10\x1b[ABCDHF~3".to_vec())
    ], 0..200)) {
        let mut editor = Editor::new("$ ");
        let mut screen = Screen::default();
        screen.show(b"$ ");
        for key in keys {
            let mut out = Vec::new();
            let event = editor.key(key, &mut out);
            if event == Event::Complete {
                editor.complete(["alpha", "beta"], &mut out);
            }
            screen.show(&out);
            if matches!(event, Event::Line(_) | Event::Interrupt | Event::Suspend) {
                let mut out = Vec::new();
                editor.redraw(&mut out);
                screen.show(&out);
            }
            let mut expected = b"$ ".to_vec();
            expected.extend_from_slice(editor.line());
            prop_assert_eq!(&screen.cells, &expected);
            prop_assert_eq!(screen.cursor, 2 + editor.cursor);
            prop_assert!(editor.line().len() <= LONGEST);
        }
    }
}
