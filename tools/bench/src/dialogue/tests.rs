use super::*;

#[test]
fn lines_are_steps() {
    let steps = parse("# hello\n\n< $ \n> ls\n>> \\x03\\e[A\\\\\n>\n").expect("a dialogue");
    assert_eq!(
        steps,
        [
            Step::Await(b"$ ".to_vec()),
            Step::Type(b"ls\r".to_vec()),
            Step::Type(b"\x03\x1b[A\\".to_vec()),
            Step::Type(b"\r".to_vec()),
        ]
    );
    assert!(parse("ls").is_err());
    assert!(parse("< \\q").is_err());
    assert!(parse("< \\x0").is_err());
}

#[test]
fn what_is_waited_for_may_come_in_pieces_and_together() {
    let waits = Waits::default();
    let mut typed = Vec::new();
    let steps = parse("> a\n< one\n> b\n< two\n< three\n> c\n").expect("a dialogue");
    let mut talk = Talk::begin(steps, &mut typed, waits.clone());
    talk.hear(b"xxo");
    talk.hear(b"n");
    assert_eq!(waits.lock().expect("sound").as_deref(), Some("one"));
    talk.hear(b"e two thr");
    assert_eq!(waits.lock().expect("sound").as_deref(), Some("three"));
    talk.hear(b"ee");
    assert_eq!(waits.lock().expect("sound").as_deref(), None);
    talk.hear(b"more");
    assert_eq!(typed, b"a\rb\rc\r");
}

#[test]
fn order_matters() {
    let waits = Waits::default();
    let steps = parse("< two\n< one\n").expect("a dialogue");
    let mut talk = Talk::begin(steps, Vec::new(), waits.clone());
    talk.hear(b"one two");
    assert_eq!(waits.lock().expect("sound").as_deref(), Some("one"));
}
