//! Formulas of claims: `+ - * /`, parentheses, numbers, and names of values.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A formula that was understood.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Formula(Term);

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Number(f64),
    Name(String),
    Parens(Box<Term>),
    Both(Box<Term>, char, Box<Term>),
}

impl TryFrom<String> for Formula {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut words = Words { rest: &text };
        let term = words.sum()?;
        match words.rest.trim_start() {
            "" => Ok(Self(term)),
            rest => Err(format!("{text:?}: {rest:?} is left over")),
        }
    }
}

/// What is left to read.
struct Words<'a> {
    rest: &'a str,
}

impl Words<'_> {
    /// The next character, if it is one of these.
    fn take(&mut self, wanted: &str) -> Option<char> {
        let rest = self.rest.trim_start();
        let next = rest.chars().next().filter(|c| wanted.contains(*c))?;
        self.rest = &rest[next.len_utf8()..];
        Some(next)
    }

    fn sum(&mut self) -> Result<Term, String> {
        let mut term = self.product()?;
        while let Some(operator) = self.take("+-") {
            term = Term::Both(Box::new(term), operator, Box::new(self.product()?));
        }
        Ok(term)
    }

    fn product(&mut self) -> Result<Term, String> {
        let mut term = self.value()?;
        while let Some(operator) = self.take("*/") {
            term = Term::Both(Box::new(term), operator, Box::new(self.value()?));
        }
        Ok(term)
    }

    fn value(&mut self) -> Result<Term, String> {
        if self.take("(").is_some() {
            let term = self.sum()?;
            self.take(")").ok_or("a parenthesis is not closed")?;
            return Ok(Term::Parens(Box::new(term)));
        }
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c))).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        match word.chars().next() {
            None => Err(format!("a value is missing before {rest:?}")),
            Some(c) if c.is_ascii_digit() => {
                word.parse().map(Term::Number).map_err(|_| format!("{word:?} is not a number"))
            }
            Some(_) => Ok(Term::Name(word.to_owned())),
        }
    }
}

impl Formula {
    /// The names in it.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.0.names(&mut names);
        names
    }

    /// What it comes to; a name without a value is no number.
    pub fn value(&self, values: &BTreeMap<String, f64>) -> f64 {
        self.0.value(values)
    }

    /// The formula with other words for its names.
    pub fn shown(&self, name: impl Fn(&str) -> String) -> String {
        self.0.shown(&name)
    }
}

impl Term {
    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Number(_) => {}
            Self::Name(name) => names.push(name),
            Self::Parens(inner) => inner.names(names),
            Self::Both(left, _, right) => {
                left.names(names);
                right.names(names);
            }
        }
    }

    fn value(&self, values: &BTreeMap<String, f64>) -> f64 {
        match self {
            Self::Number(x) => *x,
            Self::Name(name) => values.get(name).copied().unwrap_or(f64::NAN),
            Self::Parens(inner) => inner.value(values),
            Self::Both(left, operator, right) => {
                let (left, right) = (left.value(values), right.value(values));
                match operator {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left * right,
                    _ => left / right,
                }
            }
        }
    }

    fn shown(&self, name: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Number(x) => x.to_string(),
            Self::Name(n) => name(n),
            Self::Parens(inner) => format!("({})", inner.shown(name)),
            Self::Both(left, operator, right) => {
                // As they are printed.
                let operator = match operator {
                    '-' => '−',
                    '*' => '×',
                    other => *other,
                };
                format!("{} {operator} {}", left.shown(name), right.shown(name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        let formula = Formula::try_from(text.to_owned()).expect(text);
        formula.value(&[("a".to_owned(), 12.0), ("b_2".to_owned(), 4.0)].into())
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("a", 12.0),
            ("2 * a / b_2", 6.0),
            ("a - b_2 - 1", 7.0),
            ("a / b_2 / 2", 1.5),
            ("1 + a * 2", 25.0),
            ("(a / b_2 - 1) * 100", 200.0),
            ("15.625", 15.625),
        ] {
            assert!((value(text) - expected).abs() < 1e-12, "{text} = {}", value(text));
        }
        assert!(value("c").is_nan());
    }

    #[test]
    fn names_and_words() {
        let formula = Formula::try_from("(a / b - 1) * 100".to_owned()).expect("parses");
        assert_eq!(formula.names(), ["a", "b"]);
        assert_eq!(formula.shown(str::to_uppercase), "(A / B − 1) × 100");
    }

    #[test]
    fn what_is_no_formula_is_refused() {
        for text in ["", "a +", "a b", "(a", "a)", "2x", "* a"] {
            assert!(Formula::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
