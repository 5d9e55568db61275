use super::*;
use crate::published::Published;

#[test]
fn every_row_has_a_published_number() {
    let published = Published::load().expect("loads");
    for image in SUITE.iter().filter(|image| published.table(image.table).is_some()) {
        for row in image.rows {
            let number = published.number(image.table, row, image.system, "DEC5000/125");
            assert!(number.is_some(), "table {}, {row}", image.table);
        }
    }
}

#[test]
fn every_published_row_of_tables_4_to_6_is_run() {
    let published = Published::load().expect("loads");
    for table in ["4", "5", "6"] {
        let rows: Vec<&str> = select(Some(table)).iter().flat_map(|i| i.rows).copied().collect();
        for number in &published.table(table).expect("is there").rows {
            assert!(rows.contains(&number.row.as_str()), "table {table}, {}", number.row);
        }
    }
}

#[test]
fn selection() {
    assert_eq!(select(None).len(), SUITE.len());
    assert_eq!(select(Some("5")).len(), 1);
    assert!(select(Some("99")).is_empty());
    assert_eq!(tables(), "4, 5, 6, aegis");
}
