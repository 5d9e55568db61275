use super::*;

#[test]
fn the_claims_are_read_and_each_says_something_else() {
    let claims = Claims::load().expect("claims.toml is sound");
    assert!(claims.claim.len() > 30);
    for (index, claim) in claims.claim.iter().enumerate() {
        assert!(claims.claim[..index].iter().all(|other| other.text != claim.text), "{}", claim.text);
    }
}

#[test]
fn a_claim_without_its_rows_says_so_and_does_not_hold() {
    let results = Results::default();
    let published = Published::load().expect("published.json is sound");
    let on = Evidence { results: &results, published: &published, root: std::path::Path::new("/nowhere") };
    let text = Claims::load().expect("claims.toml is sound").markdown(&on).expect("it can be written");
    assert!(!text.contains("| holds |"), "{text}");
}
