use super::*;

#[track_caller]
fn check(source: &str, expected: &str) {
    assert_eq!(body(source.as_bytes()), expected);
}

#[test]
fn text_is_read_in_its_charset() {
    check(r"{\rtf1\ansi\ansicpg1252 caf\'e9\par {\b bold}}", "café\nbold");
    check(r"{\rtf1{\fonttbl{\f0\fcharset204 A;}}\f0 \'cf\'f0}", "Пр");
    check(r"{\rtf1{\fonttbl{\f1\fcharset128 A;}}\f1 \'93\'fa\'96\'7b}", "日本");
    check(r"{\rtf1\uc1\u26085?\u26412?\uc0\u33?}", "日本!?");
    check(r"{\rtf1\u-10179?\u-8704?}", "\u{1f600}");
}

#[test]
fn what_is_no_text_is_left_out() {
    check(r"{\rtf1{\colortbl;\red0;}{\*\unknown x}{\pict 00ff}a\bin3 }}}b}", "ab");
    check(r"{\rtf1 a{\*\annotation note}{\footnote foot}{\deleted gone}}", "agone\nnote\nfoot\n");
}

const PNG: &str = "89504e470d0a1a0a0000000d49484452";

#[test]
fn pictures_are_taken_out_of_it() {
    let pictures = |source: &str| {
        let mut sink = Sink::new(true);
        to_text(source.as_bytes(), &mut sink);
        let taken: Vec<_> = sink.scans.iter().map(|(_, bytes)| hex::encode(bytes)).collect();
        (taken, sink.pictures, sink.text)
    };
    let whole = format!(
        r"{{\rtf1 a{{\*\shppict{{\pict{{\*\picprop{{\sp{{\sn f}}{{\sv 1}}}}}}\picw9\pngblip\bliptag7{{\*\blipuid 28ef}}{}
{}}}}}{{\nonshppict{{\pict\wmetafile8 0100}}}}b}}",
        &PNG[..10],
        &PNG[10..]
    );
    assert_eq!(pictures(&whole), (vec![PNG.to_owned()], 0, "ab".to_owned()));
    let note = format!(r"{{\rtf1 a{{\footnote n{{\pict\pngblip {PNG}}}}}}}");
    assert_eq!(pictures(&note), (vec![PNG.to_owned()], 0, "a\nn\n".to_owned()));
    // What nobody reads by its looks is counted; and what is cut off is not passed over.
    assert_eq!(pictures(r"{\rtf1{\pict\wmetafile8 0100}}").1, 1);
    assert_eq!(pictures(&format!(r"{{\rtf1{{\pict\pngblip {PNG}")).0.len(), 1);
    // A bitmap is a file of its own only with a head before it.
    let bitmap = format!("28{:0>78}ff", "");
    let source = format!(r"{{\rtf1{{\pict\dibitmap0 {bitmap}}}}}");
    assert_eq!(pictures(&source).1, 1, "of no bits");
    let bitmap = format!("28000000{:0>16}01000100{:0>48}ff", "", "");
    let source = format!(r"{{\rtf1{{\pict\dibitmap0\wbmbitspixel1 {bitmap}}}}}");
    let (taken, left, _) = pictures(&source);
    assert_eq!((taken.len(), left), (0, 0), "it has no size, and so no words");
    let raw = [br"{\rtf1{\pict\pngblip\bin8 ".as_slice(), b"\x89PNG}}\\{", b"}b}"].concat();
    let mut sink = Sink::new(true);
    to_text(&raw, &mut sink);
    assert_eq!(sink.scans, [(Vec::new(), b"\x89PNG}}\\{".to_vec())]);
    assert_eq!(sink.text, "b");
}

#[test]
fn html_in_rtf_is_html_again() {
    check(
        r"{\rtf1\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 one\htmlrtf\par}\htmlrtf0 {\*\htmltag72 </p>}}",
        "one\n",
    );
}

#[test]
fn properties_are_kept() {
    let mut sink = Sink::default();
    to_text(br"{\rtf1{\info{\title Plan}{\author Ann}}x}", &mut sink);
    let about: Vec<_> = sink.about.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    assert_eq!(about, [("Title", "Plan"), ("Author", "Ann")]);
    assert_eq!(sink.text, "x");
}
