//! docs/calls.md is what the table of calls says. `UPDATE_EXPECT=1 cargo test -p aegis-abi` rewrites it.

#[test]
fn the_reference_of_calls_is_current() {
    let mut text = String::new();
    aegis_abi::reference::write(&mut text).unwrap();
    expect_test::expect_file!["../../../docs/calls.md"].assert_eq(&text);
}
