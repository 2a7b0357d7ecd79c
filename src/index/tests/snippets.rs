//! Which places a snippet shows and marks.

use super::*;

#[test]
fn snippets_mark_what_was_asked_for() {
    let mut doc =
        body(1, &format!("{} the 😀 Last  Will\nand Testament of x", "filler ".repeat(50)));
    doc.attachments = vec![attachment("a.txt", "Nothing but codicils here")];
    let found = Fixture::new([doc]);
    let show = |query: &str| {
        let shown = [(SetId(1), "The Will: a codicil".to_owned())];
        let snippet = found.index.snippets(&read(query), &shown).expect("a snippet").remove(0);
        let subject = &shown[0].1;
        let in_subject = snippet.in_subject.iter().map(|mark| &subject[mark.clone()]);
        let in_subject = in_subject.collect::<Vec<_>>().join(" ");
        let marked = snippet.marks.iter().map(|mark| snippet.text[mark.clone()].to_owned());
        (marked.collect::<Vec<_>>(), snippet.text.clone(), in_subject)
    };
    let (marked, text, in_subject) = show("\"last will and test*\"");
    assert_eq!(marked, ["Last", "Will", "and", "Testament"]);
    assert!(text.starts_with('…') && text.ends_with("Testament of x"), "{text}");
    assert_eq!(in_subject, "", "the phrase is not in it");
    assert_eq!(show("will AND codicil").2, "Will codicil");
    assert_eq!(show("subject:codicil* AND body:will").2, "codicil");
    assert_eq!(show("codicil*").0, ["codicils"]);
    assert_eq!(show("NOT will").0, [""; 0]);
    assert!(show("from:x").1.starts_with("filler filler"));
    assert_eq!(show("will NEAR(9) of").0, ["Will", "of"]);
}

#[test]
fn snippets_mark_the_places_that_matched_and_no_others() {
    let mut doc = body(1, "will you, will they? the last will and a testament. will");
    doc.attachments = vec![attachment("a.txt", "one codicil two codicils")];
    let found = Fixture::new([doc]);
    let show = |text: &str| {
        let query = parse(text, Dialect::DtSearch, &TimeZone::UTC).expect(text).query;
        let snippet = found
            .index
            .snippets(&query, &[(SetId(1), String::new())])
            .expect("a snippet")
            .remove(0);
        let at = |mark: &std::ops::Range<usize>| {
            format!("{}:{}", mark.start, &snippet.text[mark.clone()])
        };
        snippet.marks.iter().map(at).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(show("will pre/3 testament"), "30:will 41:testament");
    assert_eq!(show("will not w/8 testament"), "0:will");
    assert_eq!(show("attachmenttext:(two w/1 codicil~)"), "4:codicil 12:two 16:codicils");
    assert_eq!(show("will w/1 xlastword"), "52:will");
    assert_eq!(show("\"##w.ll\" pre/1 you"), "0:will 5:you");
    assert_eq!(show("téstament"), "41:testament");
}
