//! What a configuration may say, and who is blamed for what it may not.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use super::*;

const SOURCE: &str = "[[source]]\nname = 'a'\naddress = 'a@b'\npeers = ['::1/128']\n";

/// What no configuration may lack.
const WHOLE: &str = "[smtp]\nlisten = ['127.0.0.1:25']\n[http]\nlisten = '127.0.0.1:80'\n\
    [[class]]\nname = 'standard'\nyears = 7\nmode = 'strict'\n\
    [[source]]\nname = 'a'\naddress = 'a@b'\npeers = ['::1/128']\n";

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::parse(Path::new("muniment.toml"), text, variables).map_err(|e| e.to_string())
}

/// The refusal of `text`, with a source, under `variables`.
fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    let said = parse(&format!("{text}\n{SOURCE}"), variables).unwrap_err();
    assert!(!said.contains('\n'), "not one sentence: {said}");
    said
}

fn check(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

#[test]
fn the_template_says_the_defaults() {
    let text = TEMPLATE.replace("{address}", "journal-1@archive.example");
    let written = parse(&text, &[]).unwrap();
    let defaults = Config { source: written.source.clone(), ..Config::default() };
    assert_eq!(format!("{written:#?}"), format!("{defaults:#?}"));
}

#[test]
fn every_key_is_in_the_template() {
    let shown = format!("{:#?}", Config::default());
    let keys = shown.lines().filter_map(|line| {
        let (key, _) = line.trim().split_once(": ")?;
        key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then_some(key)
    });
    for key in keys {
        assert!(TEMPLATE.contains(key), "{key} is not in the template");
    }
}

#[test]
fn the_file_is_blamed_with_its_line() {
    for (text, words) in [
        ("[smtp]\nlisten_on = 3", &["line 2", "`listen_on = 3`", "unknown key"][..]),
        ("[smtp]\n\nidle_seconds = 'x'", &["line 3", "idle_seconds", "a whole number"]),
        ("[smtp]\nidle_seconds = -1", &["line 2", "`idle_seconds = -1`", "a whole number"]),
        ("[smtp]\nlisten = '127.0.0.1:25'", &["line 2", "a list, as"]),
        ("[smtp]\ntls = 'maybe'", &["line 2", "`required`"]),
        ("[http]\nlisten = '8080'", &["line 2", "listen", "no address with a port"]),
        ("[http]\nsecure_cookies = 1", &["line 2", "true or false"]),
        ("[vault]\npath = bucket", &["line 2", "`path = bucket`"]),
        ("[[source]]\nname = 'b'", &["line 1", "missing key `address`; add it"]),
        ("[mail]\na = 1", &["line 1", "unknown key `mail`"]),
    ] {
        let said = refused(text, &[]);
        check(&said, words);
        check(&said, &["the configuration muniment.toml is not valid"]);
    }
}

#[test]
fn values_out_of_bounds_are_refused() {
    for key in [
        "smtp.size_bytes_max",
        "smtp.memory_bytes_max",
        "smtp.connections_max",
        "smtp.connections_per_peer_max",
        "smtp.commands_max",
        "smtp.idle_seconds",
        "http.session_idle_minutes",
        "index.memory_bytes",
        "worker.processes",
        "worker.memory_bytes_max",
        "worker.seconds_max",
        "bucket.request_seconds",
    ] {
        let (section, name) = key.split_once('.').unwrap();
        for value in ["0", "9000000000000000000"] {
            let said = refused(&format!("[{section}]\n{name} = {value}"), &[]);
            check(&said, &[&format!("[{section}] {name}: {value} is out of bounds; give ")]);
            let variable = format!("MUNIMENT__{}", key.replace('.', "__").to_uppercase());
            let said = refused("", &[(&variable, value)]);
            check(&said, &[&format!("the environment variable {variable} is not valid"), "give "]);
        }
    }
    check(&refused("[smtp]\nlisten = []", &[]), &["[smtp] listen: name at least one address"]);
}

#[test]
fn what_decides_where_mail_is_taken_and_how_long_kept_has_no_default() {
    for (lines, words) in [
        ("listen = ['127.0.0.1:25']", "[smtp] listen: it is missing"),
        ("listen = '127.0.0.1:80'", "[http] listen: it is missing"),
        ("[[class]]\nname = 'standard'\nyears = 7\nmode = 'strict'", "[[class]] there is none"),
        ("years = 7", "missing key `years`; add it"),
        ("mode = 'strict'", "missing key `mode`; add it"),
        ("address = 'a@b'", "missing key `address`; add it"),
        ("peers = ['::1/128']", "name its peers"),
    ] {
        assert!(WHOLE.contains(lines), "{lines}");
        let said = parse(&WHOLE.replace(lines, ""), &[]).unwrap_err();
        check(&said, &["the configuration muniment.toml", words]);
        assert!(said.contains("add ") || said.contains("name its"), "no mend: {said}");
    }
    let without = WHOLE.replace("listen = ['127.0.0.1:25']", "");
    let variable = ("MUNIMENT__SMTP__LISTEN", "['127.0.0.1:2600']");
    assert_eq!(parse(&without, &[variable]).unwrap().smtp.listen[0].port(), 2600);
}

#[test]
fn environment_overrides() {
    let config = parse(WHOLE, &[("MUNIMENT__HTTP__LISTEN", "127.0.0.1:9090")]).unwrap();
    assert_eq!(config.http.listen.port(), 9090);
    let config = parse(WHOLE, &[("MUNIMENT__SMTP__SIZE_BYTES_MAX", "100000")]).unwrap();
    assert_eq!(config.smtp.size_bytes_max, 100_000);
    // What reads as a number may be a name all the same.
    let config = parse(WHOLE, &[("MUNIMENT__VAULT__PATH", "2026")]).unwrap();
    assert_eq!(config.vault.path, Path::new("2026"));
    // Two that need one another, in whatever order they come.
    let tls = [
        ("MUNIMENT__SMTP__TLS", "required"),
        ("MUNIMENT__SMTP__TLS_KEY", "k.pem"),
        ("MUNIMENT__SMTP__TLS_CERTIFICATE", "c.pem"),
    ];
    assert_eq!(parse(WHOLE, &tls).unwrap().smtp.tls, StartTls::Required);
}

#[test]
fn the_environment_is_blamed_by_name() {
    for (name, value, words) in [
        ("MUNIMENT__SMTP__SIZES", "1", &["unknown key `sizes`", "`size_bytes_max`"][..]),
        ("MUNIMENT__MAIL__LISTEN", "1", &["unknown key `mail`"]),
        ("MUNIMENT__SMTP", "1", &["MUNIMENT__SECTION__KEY"]),
        ("MUNIMENT__SMTP__LISTEN", "127.0.0.1:25", &["a list, as"]),
        ("MUNIMENT__SMTP__IDLE_SECONDS", "soon", &["a whole number"]),
        ("MUNIMENT__SMTP__IDLE_SECONDS", "5\nlisten = []", &["a whole number"]),
        ("MUNIMENT__HTTP__LISTEN", "8080", &["invalid type: integer `8080`"]),
        ("MUNIMENT__HTTP__SECURE_COOKIES", "yes", &["true or false"]),
        ("MUNIMENT__SMTP__TLS", "required", &["set tls_certificate and tls_key"]),
        ("MUNIMENT__LOG__LEVEL", "inof", &["\"inof\" is no filter", "debug"]),
        ("MUNIMENT__LOG__LEVEL", "muniment=loud", &["is no filter"]),
        ("MUNIMENT__SOURCE__NAME", "x", &["in the file only"]),
    ] {
        let said = refused("[log]\njson = true", &[(name, value)]);
        check(&said, words);
        check(&said, &[&format!("the environment variable {name} is not valid: ")]);
    }
    let variable = ("MUNIMENT__HTTP__LISTEN".into(), OsString::from_vec(vec![0xFF]));
    let other = (OsString::from_vec(vec![0xFF]), OsString::from_vec(vec![0xFF]));
    let said = Config::parse(Path::new("m.toml"), SOURCE, [other, variable].into_iter());
    check(&said.unwrap_err().to_string(), &["MUNIMENT__HTTP__LISTEN", "not UTF-8"]);
}

/// A fault of the file is the file's, whatever the environment says besides.
#[test]
fn the_file_is_not_blamed_on_the_environment() {
    let said = refused("[worker]\nprocesses = 0", &[("MUNIMENT__WORKER__SECONDS_MAX", "5")]);
    check(&said, &["the configuration muniment.toml", "[worker] processes: 0"]);
    let said = refused("[smtp]\nsizes = 0", &[("MUNIMENT__SMTP__IDLE_SECONDS", "5")]);
    check(&said, &["the configuration muniment.toml", "line 2", "sizes"]);
}

#[test]
fn sources_that_accept_nobody_are_refused() {
    for (lines, words) in [
        ("name='b'\naddress='b@c'\n", "name its peers"),
        ("name=''\naddress='b@c'\npeers=['::1/128']\n", "give it a name"),
        ("name='b'\naddress='<b@c>'\npeers=['::1/128']\n", "is not a mail address"),
        ("name='b'\naddress='b@'\npeers=['::1/128']\n", "is not a mail address"),
        ("name='a'\naddress='b@c'\npeers=['::1/128']\n", "change one of them"),
        ("name='b'\naddress='b@c'\npeers=['::1/128']\nclass='ten'\n", "no class \"ten\""),
    ] {
        check(&parse(&format!("{SOURCE}[[source]]\n{lines}"), &[]).unwrap_err(), &[words]);
    }
}

#[test]
fn classes_are_named_once_and_last() {
    let class = |name: &str, years: u16| {
        format!("[[class]]\nname = '{name}'\nyears = {years}\nmode = 'strict'\n")
    };
    for (classes, words) in [
        (class("Standard", 7), "lower-case letters"),
        (class("a", 0), "years must be 1 to 100"),
        (class("a", 7) + &class("a", 8), "another class has this name"),
    ] {
        check(&refused(&classes, &[]), &["[[class]]", words]);
    }
}

#[test]
fn an_s3_bucket_is_set_whole_or_refused() {
    let s3 = "[bucket]\nkind = 's3'\nendpoint = 'https://s3.example:9000'\nname = 'mail'\n";
    let config = parse(&format!("{s3}{WHOLE}"), &[]).unwrap();
    assert_eq!((config.bucket.kind, config.bucket.path_style), (BucketKind::S3, true));
    for (from, to, words) in [
        ("kind = 's3'", "kind = 'S4'", &["line 2", "kind", "`s3`"][..]),
        ("kind = 's3'\n", "", &["[bucket] endpoint: it is of an S3 bucket", "kind = \"s3\""]),
        ("https://s3.example:9000", "", &["[bucket] endpoint: \"\"", "give it as \"https://"]),
        ("https://", "s3://", &["[bucket] endpoint: \"s3://", "give it as"]),
        (":9000", "/mail", &["[bucket] endpoint:", "without the bucket"]),
        ("'mail'", "'a b'", &["[bucket] name: \"a b\"", "3 to 63"]),
        ("name = 'mail'\n", "", &["[bucket] name: \"\""]),
        ("'mail'\n", "'mail'\nprefix = '/a'\n", &["[bucket] prefix: \"/a\"", "as \"mail/"]),
        ("'mail'\n", "'mail'\nprefix = 'a/../b'\n", &["[bucket] prefix: \"a/../b\""]),
        ("'mail'\n", "'mail'\nregion = ''\n", &["[bucket] region: \"\"", "eu-central-1"]),
    ] {
        assert!(s3.contains(from), "{from}");
        check(&refused(&s3.replace(from, to), &[]), words);
    }
    let variables = [("MUNIMENT__BUCKET__NAME", "mail")];
    let said = refused("", &variables);
    check(&said, &["variable MUNIMENT__BUCKET__NAME is not valid", "set kind = \"s3\""]);
}
