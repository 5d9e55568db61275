//! The shell's language: a line into the pipelines that it asks for.
//!
//! ```text
//! line      pipeline { (";" | "&") pipeline } [";" | "&"]
//! pipeline  command { "|" command }
//! command   { NAME=VALUE } word { word }
//! word      of characters, 'as they are', "with variables", \x, $NAME, ${NAME}, $?, $$, $!
//! ```
//!
//! What begins with `#` is a comment. There are no files, and so no redirections.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::iter::Peekable;
use core::str::Chars;

/// Commands that pass their output on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Pipeline {
    /// The commands; at least one.
    pub commands: Vec<Command>,
    /// Nobody waits for it (`&`).
    pub background: bool,
    /// As it was typed.
    pub text: String,
}

/// A program or a command of the shell's, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Command {
    /// Variables set for it, or, if there are no words, in the shell.
    pub variables: Vec<(String, String)>,
    /// Its name and its arguments.
    pub words: Vec<String>,
}

/// Why a line means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// A quotation mark without its other half.
    Unclosed(char),
    /// A command is missing before this, or at the end of the line.
    Missing(Option<char>),
    /// A redirection.
    Redirection(char),
    /// A brace of `${` without its other half, or no name in it.
    Name,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed(mark) => write!(f, "{mark} is not closed"),
            Self::Missing(Some(before)) => write!(f, "there is no command before {before}"),
            Self::Missing(None) => write!(f, "there is no command at the end"),
            Self::Redirection(mark) => write!(f, "{mark}: there are no files; pass output on with |"),
            Self::Name => write!(f, "${{ needs a name and a }}"),
        }
    }
}

/// Whether a line means something, and nothing else.
///
/// # Errors
/// [`CommandError`].
pub fn check(line: &str) -> Result<(), CommandError> {
    let mut rest = line;
    while let Some((_, behind)) = first(rest, &|_| None)? {
        rest = behind;
    }
    Ok(())
}

/// Reads the first pipeline of a line, and tells what comes behind it; `None` if there is none. `variable` knows the values
/// of variables, `?`, `$` and `!` among them, as they are before it runs.
///
/// # Errors
/// [`CommandError`].
pub fn first<'a>(
    line: &'a str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(Pipeline, &'a str)>, CommandError> {
    let mut parser = Parser { line, rest: line.chars().peekable(), variable };
    parser.skip_blanks();
    if parser.rest.peek().is_none() {
        return Ok(None);
    }
    let pipeline = parser.pipeline()?;
    Ok(Some((pipeline, &line[parser.at()..])))
}

struct Parser<'a> {
    line: &'a str,
    rest: Peekable<Chars<'a>>,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Parser<'_> {
    fn at(&self) -> usize {
        self.line.len() - self.rest.clone().map(char::len_utf8).sum::<usize>()
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
        if self.rest.peek() == Some(&'#') {
            while self.rest.next().is_some() {}
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, CommandError> {
        let start = self.at();
        let mut pipeline = Pipeline::default();
        loop {
            let (command, empty) = self.command()?;
            let (end, next) = (self.at(), self.rest.next());
            if empty || command.words.is_empty() && !command.variables.is_empty() && next == Some('|') {
                return Err(CommandError::Missing(next));
            }
            pipeline.commands.push(command);
            if next != Some('|') {
                pipeline.background = next == Some('&');
                pipeline.text = self.line[start..end].trim().into();
                return Ok(pipeline);
            }
        }
    }

    /// A command, up to what separates it from the next, and whether nothing was typed there.
    fn command(&mut self) -> Result<(Command, bool), CommandError> {
        let mut command = Command::default();
        let mut empty = true;
        loop {
            self.skip_blanks();
            match self.rest.peek() {
                None | Some('|' | ';' | '&') => return Ok((command, empty)),
                Some(mark @ ('<' | '>')) => return Err(CommandError::Redirection(*mark)),
                Some(_) => empty = false,
            }
            let start = self.at();
            let word = self.word()?;
            let typed = &self.line[start..self.at()];
            match (is_assignment(typed) && command.words.is_empty()).then(|| word.split_once('=')).flatten() {
                Some((name, value)) => command.variables.push((name.into(), value.into())),
                // A word that was only a variable without a value is none.
                None if word.is_empty() && !typed.contains(['"', '\'']) => {}
                None => command.words.push(word),
            }
        }
    }

    fn word(&mut self) -> Result<String, CommandError> {
        let mut word = String::new();
        while let Some(c) = self.rest.peek().copied() {
            match c {
                '|' | ';' | '&' | '<' | '>' => break,
                _ if c.is_whitespace() => break,
                '\'' => {
                    self.rest.next();
                    loop {
                        match self.rest.next().ok_or(CommandError::Unclosed('\''))? {
                            '\'' => break,
                            c => word.push(c),
                        }
                    }
                }
                '"' => {
                    self.rest.next();
                    self.quoted(&mut word)?;
                }
                '\\' => {
                    self.rest.next();
                    word.extend(self.rest.next());
                }
                '$' => self.value(&mut word)?,
                _ => {
                    word.push(c);
                    self.rest.next();
                }
            }
        }
        Ok(word)
    }

    fn quoted(&mut self, word: &mut String) -> Result<(), CommandError> {
        loop {
            match self.rest.peek().copied().ok_or(CommandError::Unclosed('"'))? {
                '"' => {
                    self.rest.next();
                    return Ok(());
                }
                '$' => self.value(word)?,
                '\\' => {
                    self.rest.next();
                    let c = self.rest.next().ok_or(CommandError::Unclosed('"'))?;
                    if !matches!(c, '"' | '\\' | '$') {
                        word.push('\\');
                    }
                    word.push(c);
                }
                c => {
                    word.push(c);
                    self.rest.next();
                }
            }
        }
    }

    /// The value of the variable behind a dollar sign; a dollar sign if there is no name.
    fn value(&mut self, word: &mut String) -> Result<(), CommandError> {
        self.rest.next();
        let in_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let mut name = String::new();
        match self.rest.peek() {
            Some('?' | '$' | '!') => name.extend(self.rest.next()),
            Some('{') => {
                self.rest.next();
                while let Some(c) = self.rest.next_if(|c| *c != '}') {
                    name.push(c);
                }
                let sound = ["?", "$", "!"].contains(&name.as_str())
                    || (!name.is_empty() && name.chars().all(|c| in_name(&c)));
                if self.rest.next().is_none() || !sound {
                    return Err(CommandError::Name);
                }
            }
            _ => {
                while let Some(c) = self.rest.next_if(in_name) {
                    name.push(c);
                }
            }
        }
        if name.is_empty() {
            word.push('$');
        } else {
            word.push_str(&(self.variable)(&name).unwrap_or_default());
        }
        Ok(())
    }
}

/// Whether a word begins with a name and an equals sign, as it was typed.
fn is_assignment(typed: &str) -> bool {
    typed.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests;
