//! Line editing on a terminal: keys in, what the terminal is to show out. The shell reads its commands with it, and so does
//! a program that the shell runs in the foreground.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

/// Longest line, in bytes.
pub const LONGEST: usize = 1000;
/// Lines that are remembered.
pub const HISTORY: usize = 100;

/// What a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing to do for whoever asks.
    Nothing,
    /// A line is complete.
    Line(String),
    /// Control-C: the line is dropped.
    Interrupt,
    /// Control-D on an empty line: no line will come.
    End,
    /// Control-Z.
    Suspend,
    /// Tab: whoever knows the words may [`complete`](Editor::complete).
    Complete,
}

/// Where in an escape sequence of the terminal's the last key was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    /// With the number so far.
    Sequence(u32),
}

/// A line being edited, and those before it.
#[derive(Clone, Debug)]
pub struct Editor {
    prompt: String,
    line: Vec<u8>,
    cursor: usize,
    escape: Escape,
    history: Vec<Vec<u8>>,
    /// The line of the history that is shown, and what was being typed before.
    shown: Option<usize>,
    draft: Vec<u8>,
    /// The last key was a carriage return: a line feed after it is its other half.
    returned: bool,
}

const fn control(letter: u8) -> u8 {
    letter & 31
}

impl Editor {
    /// An empty line behind a prompt.
    #[must_use]
    pub fn new(prompt: &str) -> Self {
        Self {
            prompt: prompt.into(),
            line: Vec::new(),
            cursor: 0,
            escape: Escape::None,
            history: Vec::new(),
            shown: None,
            draft: Vec::new(),
            returned: false,
        }
    }

    /// The line so far.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// The lines before, the oldest first.
    pub fn history(&self) -> impl Iterator<Item = &str> {
        self.history.iter().map(|line| core::str::from_utf8(line).unwrap_or("?"))
    }

    /// What the terminal shows of the line from its beginning on.
    pub fn redraw(&self, out: &mut Vec<u8>) {
        out.push(b'\r');
        out.extend_from_slice(self.prompt.as_bytes());
        out.extend_from_slice(&self.line);
        out.extend_from_slice(b"\x1b[K");
        back(self.line.len() - self.cursor, out);
    }

    /// Takes a key; appends what the terminal is to show to `out`.
    pub fn key(&mut self, key: u8, out: &mut Vec<u8>) -> Event {
        let returned = mem::replace(&mut self.returned, key == b'\r');
        match self.escape {
            Escape::None => self.plain(key, returned, out),
            Escape::Begun => {
                self.escape = if key == b'[' || key == b'O' { Escape::Sequence(0) } else { Escape::None };
                Event::Nothing
            }
            Escape::Sequence(number) => {
                self.escape = match key {
                    b'0'..=b'9' => Escape::Sequence((number * 10 + u32::from(key - b'0')).min(99)),
                    b';' => Escape::Sequence(0),
                    _ => Escape::None,
                };
                match (key, number) {
                    (b'A', _) => self.older(out),
                    (b'B', _) => self.newer(out),
                    (b'C', _) => self.go(self.cursor + 1, out),
                    (b'D', _) => self.go(self.cursor.saturating_sub(1), out),
                    (b'H', _) | (b'~', 1 | 7) => self.go(0, out),
                    (b'F', _) | (b'~', 4 | 8) => self.go(self.line.len(), out),
                    (b'~', 3) => self.remove(self.cursor..self.cursor + 1, out),
                    _ => {}
                }
                Event::Nothing
            }
        }
    }

    fn plain(&mut self, key: u8, returned: bool, out: &mut Vec<u8>) -> Event {
        const ESCAPE: u8 = 27;
        const DELETE: u8 = 127;
        match key {
            b'\n' if returned => {}
            b'\r' | b'\n' => return self.finish(out),
            b'\t' => return Event::Complete,
            ESCAPE => self.escape = Escape::Begun,
            DELETE | 8 => self.remove(self.cursor.saturating_sub(1)..self.cursor, out),
            _ if key == control(b'A') => self.go(0, out),
            _ if key == control(b'E') => self.go(self.line.len(), out),
            _ if key == control(b'B') => self.go(self.cursor.saturating_sub(1), out),
            _ if key == control(b'F') => self.go(self.cursor + 1, out),
            _ if key == control(b'P') => self.older(out),
            _ if key == control(b'N') => self.newer(out),
            _ if key == control(b'K') => self.remove(self.cursor..self.line.len(), out),
            _ if key == control(b'U') => self.remove(0..self.cursor, out),
            _ if key == control(b'W') => self.remove(self.word()..self.cursor, out),
            _ if key == control(b'L') => {
                out.extend_from_slice(b"\x1b[H\x1b[2J");
                self.redraw(out);
            }
            _ if key == control(b'C') => {
                out.extend_from_slice(b"^C\r\n");
                self.forget();
                return Event::Interrupt;
            }
            _ if key == control(b'Z') => {
                out.extend_from_slice(b"^Z\r\n");
                return Event::Suspend;
            }
            _ if key == control(b'D') && self.line.is_empty() => return Event::End,
            _ if key == control(b'D') => self.remove(self.cursor..self.cursor + 1, out),
            b' '..DELETE => self.insert(&[key], out),
            // Other control characters, and text that is not ASCII.
            _ => out.push(7),
        }
        Event::Nothing
    }

    fn forget(&mut self) {
        self.line.clear();
        self.cursor = 0;
        self.shown = None;
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Event {
        out.extend_from_slice(b"\r\n");
        let line = mem::take(&mut self.line);
        self.forget();
        if !line.trim_ascii().is_empty() && self.history.last() != Some(&line) {
            if self.history.len() == HISTORY {
                self.history.remove(0);
            }
            self.history.push(line.clone());
        }
        // Keys are ASCII.
        Event::Line(String::from_utf8(line).unwrap_or_default())
    }

    fn insert(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if self.line.len() + text.len() > LONGEST {
            return out.push(7);
        }
        let at_end = self.cursor == self.line.len();
        self.line.splice(self.cursor..self.cursor, text.iter().copied());
        self.cursor += text.len();
        if at_end {
            out.extend_from_slice(text);
        } else {
            self.redraw(out);
        }
    }

    fn remove(&mut self, range: core::ops::Range<usize>, out: &mut Vec<u8>) {
        let range = range.start..range.end.min(self.line.len());
        if range.is_empty() {
            return out.push(7);
        }
        let before = self.cursor;
        let to_the_end = range.end == self.line.len();
        self.cursor = range.start;
        self.line.drain(range);
        if to_the_end {
            back(before - self.cursor, out);
            out.extend_from_slice(b"\x1b[K");
        } else {
            self.redraw(out);
        }
    }

    fn go(&mut self, to: usize, out: &mut Vec<u8>) {
        let to = to.min(self.line.len());
        if to < self.cursor {
            back(self.cursor - to, out);
        } else {
            out.extend_from_slice(&self.line[self.cursor..to]);
        }
        self.cursor = to;
    }

    /// Where the word before the cursor begins.
    fn word(&self) -> usize {
        let blank = |at: usize| self.line[at] == b' ';
        let mut at = self.cursor;
        while at > 0 && blank(at - 1) {
            at -= 1;
        }
        while at > 0 && !blank(at - 1) {
            at -= 1;
        }
        at
    }

    fn older(&mut self, out: &mut Vec<u8>) {
        let to = self.shown.unwrap_or(self.history.len());
        if to == 0 {
            return out.push(7);
        }
        if self.shown.is_none() {
            self.draft = mem::take(&mut self.line);
        }
        self.show(Some(to - 1), out);
    }

    fn newer(&mut self, out: &mut Vec<u8>) {
        match self.shown {
            None => out.push(7),
            Some(at) => self.show(Some(at + 1).filter(|at| *at < self.history.len()), out),
        }
    }

    fn show(&mut self, which: Option<usize>, out: &mut Vec<u8>) {
        self.shown = which;
        self.line = which.map_or_else(|| mem::take(&mut self.draft), |at| self.history[at].clone());
        self.cursor = self.line.len();
        self.redraw(out);
    }

    /// Completes the word before the cursor to the longest beginning that all fitting `words` have in common; shows them all
    /// where that adds nothing.
    pub fn complete<'a>(&mut self, words: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
        let begun =
            self.line[self.line[..self.cursor].iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1)
                ..self.cursor]
                .to_vec();
        let fitting: Vec<&str> =
            words.into_iter().filter(|word| word.as_bytes().starts_with(&begun)).collect();
        let Some(first) = fitting.first() else { return out.push(7) };
        let common = fitting.iter().fold(first.len(), |length, word| {
            length.min(first.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count())
        });
        let mut more = first.as_bytes()[begun.len()..common].to_vec();
        if fitting.len() == 1 {
            more.push(b' ');
        }
        if !more.is_empty() {
            return self.insert(&more, out);
        }
        out.extend_from_slice(b"\r\n");
        for word in fitting {
            out.extend_from_slice(word.as_bytes());
            out.extend_from_slice(b"  ");
        }
        out.extend_from_slice(b"\r\n");
        self.redraw(out);
    }
}

fn back(columns: usize, out: &mut Vec<u8>) {
    out.extend(core::iter::repeat_n(8, columns));
}

#[cfg(test)]
mod tests;
