use super::*;
use crate::published::Published;

#[test]
fn every_row_has_a_published_number() {
    let published = Published::load().expect("loads");
    for image in SUITE {
        // The paper has no clustered page table; what the talk says of it stands apart.
        for part in image.parts.iter().filter(|part| part.system != "ExOS clustered") {
            let Some(table) = published.table(part.table).filter(|table| !table.id.starts_with("figure"))
            else {
                continue;
            };
            for row in part.rows {
                let there = table.rows.iter().any(|n| n.row == *row && n.system == part.system);
                assert!(there, "table {}, {row}, {}", part.table, part.system);
            }
        }
    }
}

#[test]
fn every_published_row_of_a_table_that_is_run_is_run() {
    let published = Published::load().expect("loads");
    for table in tables(SUITE).into_iter().filter_map(|id| published.table(id)) {
        let images = select(SUITE, Some(&table.id));
        let parts = images.iter().flat_map(|i| i.parts).filter(|part| part.table == table.id);
        let rows: Vec<&str> = parts.flat_map(|part| part.rows).copied().collect();
        for number in table.rows.iter().filter(|_| !table.id.starts_with("figure")) {
            assert!(rows.contains(&number.row.as_str()), "table {}, {}", table.id, number.row);
        }
    }
}

/// Two images that share a table, one of which prints more.
const SHARED: &[Image] = &[
    image("linear.elf", &[part("10", "ExOS", &["dirty"]), part("13", "ExOS linear", &["dirty"])]),
    image("inverted.elf", &[part("13", "ExOS inverted", &["dirty"]), part("figure 3", "ExOS", &["share 1"])]),
];

#[test]
fn an_image_is_found_by_each_of_its_tables() {
    let files = |table| select(SHARED, table).iter().map(|i| i.file).collect::<Vec<_>>();
    assert_eq!(files(None), ["linear.elf", "inverted.elf"]);
    assert_eq!(files(Some("10")), ["linear.elf"]);
    assert_eq!(files(Some("13")), ["linear.elf", "inverted.elf"]);
    assert_eq!(files(Some("figure 3")), ["inverted.elf"]);
    assert!(files(Some("99")).is_empty());
    assert_eq!(tables(SHARED), ["10", "13", "figure 3"]);
}

#[test]
fn a_table_is_whole_with_all_its_images() {
    assert_eq!(whole(SHARED, &select(SHARED, Some("10"))), ["10"]);
    assert_eq!(whole(SHARED, &select(SHARED, Some("13"))), ["10", "13", "figure 3"]);
}

#[test]
fn a_row_has_the_system_of_its_table() {
    let linear = &SHARED[0];
    assert_eq!(
        [linear.system("10"), linear.system("13"), linear.system("exos")],
        ["ExOS", "ExOS linear", "ExOS"]
    );
}

#[test]
fn the_images_are_told_apart_by_name() {
    let mut files: Vec<&str> = SUITE.iter().map(|i| i.file).collect();
    files.sort_unstable();
    files.dedup();
    assert_eq!(files.len(), SUITE.len());
}
