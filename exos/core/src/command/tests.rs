use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use super::*;
use proptest::prelude::*;

fn variable(name: &str) -> Option<String> {
    match name {
        "USER" => Some("student".into()),
        "TWO" => Some("a b".into()),
        "?" => Some("42".into()),
        "$" => Some("129".into()),
        "!" => Some("130".into()),
        _ => None,
    }
}

fn pipelines(line: &str) -> Result<Vec<Pipeline>, CommandError> {
    let mut pipelines = Vec::new();
    let mut rest = line;
    while let Some((pipeline, behind)) = first(rest, &variable)? {
        pipelines.push(pipeline);
        rest = behind;
    }
    Ok(pipelines)
}

/// The words of a line's only command.
fn words(line: &str) -> Vec<String> {
    let parsed = pipelines(line).expect("a line");
    assert_eq!(parsed.len(), 1, "{line}");
    assert_eq!(parsed[0].commands.len(), 1, "{line}");
    parsed[0].commands[0].words.clone()
}

#[test]
fn words_and_quotes() {
    assert_eq!(words("echo one  two "), ["echo", "one", "two"]);
    assert_eq!(words(r#"echo 'a  b|c' "d;e" f\ g"#), ["echo", "a  b|c", "d;e", "f g"]);
    assert_eq!(words(r#"echo '' """#), ["echo", "", ""]);
    assert_eq!(words(r#"echo "\"\\\$\n""#), ["echo", r#""\$\n"#]);
    assert_eq!(words("echo a'b'\"c\"d"), ["echo", "abcd"]);
    assert_eq!(words("echo a#b # c"), ["echo", "a#b"]);
}

#[test]
fn variables() {
    assert_eq!(
        words("echo $USER ${USER}s $? $$ $! $"),
        ["echo", "student", "students", "42", "129", "130", "$"]
    );
    assert_eq!(words(r#"echo "$TWO" '$TWO' $TWO"#), ["echo", "a b", "$TWO", "a b"]);
    assert_eq!(words(r#"echo $NONE "$NONE" x$NONE"#), ["echo", "", "x"]);
    let set = pipelines("A=1 B='x y' env C=3").expect("a line");
    assert_eq!(set[0].commands[0].variables, [("A".into(), "1".into()), ("B".into(), "x y".into())]);
    assert_eq!(set[0].commands[0].words, ["env", "C=3"]);
    let alone = pipelines("A=$USER").expect("a line");
    assert_eq!(alone[0].commands[0].variables, [("A".into(), "student".into())]);
    assert!(alone[0].commands[0].words.is_empty());
    assert_eq!(words("'A'=1"), ["A=1"]);
    assert_eq!(words("1A=1"), ["1A=1"]);
}

#[test]
fn pipelines_and_lists() {
    let parsed = pipelines("yes | head -n 3 & ps; wait").expect("a line");
    let texts: Vec<_> = parsed.iter().map(|p| (p.text.as_str(), p.background, p.commands.len())).collect();
    assert_eq!(texts, [("yes | head -n 3", true, 2), ("ps", false, 1), ("wait", false, 1)]);
    assert_eq!(parsed[0].commands[1].words, ["head", "-n", "3"]);
    assert_eq!(pipelines(""), Ok(vec![]));
    assert_eq!(pipelines("  # nothing"), Ok(vec![]));
    // A command that comes to nothing is one.
    assert_eq!(words("$NONE"), Vec::<String>::new());
    assert_eq!(pipelines("$NONE | cat").expect("a line")[0].commands.len(), 2);
}

#[test]
fn what_means_nothing_is_said() {
    let said = |line: &str| pipelines(line).expect_err(line).to_string();
    assert_eq!(said("echo 'a"), "' is not closed");
    assert_eq!(said("echo \"a"), "\" is not closed");
    assert_eq!(said("| cat"), "there is no command before |");
    assert_eq!(said("cat |"), "there is no command at the end");
    assert_eq!(said("cat | | cat"), "there is no command before |");
    assert_eq!(said(";"), "there is no command before ;");
    assert_eq!(said("a && b"), "there is no command before &");
    assert_eq!(said("A=1 | cat"), "there is no command before |");
    assert_eq!(said("ls > file"), ">: there are no files; pass output on with |");
    assert_eq!(said("echo ${A"), "${ needs a name and a }");
    assert_eq!(said("echo ${}"), "${ needs a name and a }");
}

proptest! {
    /// Any line is read or refused.
    #[test]
    fn no_line_is_too_much(line in r#"[a-c '"\\$|&;#<>{}=?é]{0,60}"#) {
        prop_assert_eq!(check(&line), pipelines(&line).map(|_| ()));
        if let Ok(parsed) = pipelines(&line) {
            for pipeline in parsed {
                prop_assert!(!pipeline.commands.is_empty());
            }
        }
    }

    /// Quoted, any text is a word.
    #[test]
    fn quotes_keep_everything(text in "[^']{0,40}") {
        prop_assert_eq!(words(&format!("echo '{text}'")), ["echo".to_string(), text]);
    }
}
