use std::path::PathBuf;

use super::*;

fn words(machine: &Decstation, job: &Job) -> String {
    let command = machine.command(job);
    let words: Vec<String> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

#[test]
fn either_form_of_a_name_finds_a_machine() {
    for (name, option) in MACHINES {
        let by_name = Decstation::named("decstation", name).expect("is there");
        let by_option = Decstation::named("decstation", option).expect("is there");
        assert_eq!((by_name.name(), by_option.name()), (name, name));
    }
    assert!(Decstation::named("decstation", "5000/240").is_none());
}

#[test]
fn the_command_line() {
    let mut machine = Decstation::named("decstation", "DEC3100").expect("is there");
    let mut job = Job { kernel: PathBuf::from("a.elf"), ..Job::default() };
    assert_eq!(words(&machine, &job), "--machine 3100 --fast-serial a.elf");
    machine.bound = Bound::High;
    machine.strict = true;
    job.append = Some("seed=4".to_owned());
    job.marks = Some(PathBuf::from("m"));
    assert_eq!(
        words(&machine, &job),
        "--machine 3100 --fast-serial --high --strict --marks m --append seed=4 a.elf"
    );
}
