//! Domains in other letters than ASCII's: one name with two spellings (RFC 5890).
//! Servers write the one in ASCII (`xn--…`), people the one in their own letters.

/// The address with its domain in ASCII; as it is where that is no domain.
pub fn in_ascii(address: String) -> String {
    let Some(at) = address.rfind('@') else { return address };
    let domain = &address[at + 1..];
    let ascii = has_two_spellings(domain).then(|| idna::domain_to_ascii(domain).ok()).flatten();
    ascii.map_or_else(|| address.clone(), |ascii| format!("{}{ascii}", &address[..=at]))
}

/// The same address, or domain, with its domain spelt in other ways: in ASCII, and in
/// its own letters, composed and in lower case. None where it has one spelling only.
pub fn other_spellings(address: &str) -> Vec<String> {
    let at = address.rfind('@').map_or(0, |at| at + 1);
    let (local_part, domain) = address.split_at(at);
    if !has_two_spellings(domain) {
        return Vec::new();
    }
    let Ok(ascii) = idna::domain_to_ascii(domain) else { return Vec::new() };
    let (letters, read) = idna::domain_to_unicode(&ascii);
    let mut spellings = match read {
        Ok(()) => vec![ascii, letters],
        Err(_) => vec![ascii],
    };
    spellings.retain(|spelling| spelling != domain);
    spellings.iter().map(|spelling| format!("{local_part}{spelling}")).collect()
}

fn has_two_spellings(domain: &str) -> bool {
    let is_encoded =
        |label: &str| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    !domain.is_ascii() || domain.split('.').any(is_encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_gives_the_other() {
        for (letters, ascii) in [
            ("ä@bücher.example", "ä@xn--bcher-kva.example"),
            ("@bücher.example", "@xn--bcher-kva.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("\"a@b\"@почта.рф", "\"a@b\"@xn--80a1acny.xn--p1ai"),
        ] {
            assert_eq!(other_spellings(letters), [ascii]);
            assert_eq!(other_spellings(ascii), [letters]);
        }
        for other in ["a@BÜCHER.example", "a@bu\u{308}cher.example"] {
            let both = ["a@xn--bcher-kva.example", "a@bücher.example"];
            assert_eq!(other_spellings(other), both);
            assert_eq!(in_ascii(other.to_owned()), both[0]);
        }
    }

    #[test]
    fn what_has_one_spelling_or_none_has_no_other() {
        for address in [
            "ä@corp.example",
            "corp.example",
            "a@xn--999999999.example",
            "a@[192.0.2.1]",
            "a@b\u{202e}ü c.example",
            "@",
            "",
        ] {
            assert_eq!(other_spellings(address), [""; 0], "{address}");
            assert_eq!(in_ascii(address.to_owned()), address);
        }
    }
}
