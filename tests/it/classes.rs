//! Classes by rules: what mail gets on its way in, what a change of rules does and does
//! not do, and the trial of rules beside a server.

use std::path::Path;
use std::process::Command;

use muniment::access::{Actor, Role};
use muniment::base::ids::DeliverySeq;
use muniment::catalog::delivery;
use muniment::policy::rules::Because;
use muniment::retention::classes::{self, Trial};
use serde_json::{Value, json};

use super::support::served::{Made, Sender, Served, init};
use super::support::web::Web;
use super::support::{Scratch, binary, deliver, laid};

const RULES: &str = "
[organisation]
domains = ['corp.example']
[[class]]
name = 'standard'
years = 7
mode = 'strict'
[[class]]
name = 'ten'
years = 10
mode = 'strict'
[[class]]
name = 'staff'
years = 3
mode = 'erasable'
[[rule]]
name = 'out of the house'
class = 'ten'
direction = ['outbound']
[[rule]]
name = 'staff'
class = 'staff'
recipient = ['hr@corp.example']
";

fn report(sender: &str, recipients: &[&str]) -> Vec<u8> {
    let recipients: String = recipients.iter().map(|it| format!("To: {it}\r\n")).collect();
    format!(
        "From: exchange@corp.example\r\nX-MS-Journal-Report:\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"j1\"\r\n\r\n\
         --j1\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\r\nSender: {sender}\r\n\
         Subject: boat\r\nMessage-Id: <1@corp.example>\r\n{recipients}\r\n\
         --j1\r\nContent-Type: message/rfc822\r\n\r\nFrom: {sender}\r\nSubject: boat\r\n\
         Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\nThe paper boat sails.\r\n\r\n--j1--\r\n"
    )
    .into_bytes()
}

/// One of each kind, and the class that the rules give it.
fn mail() -> Vec<(Vec<u8>, &'static str, Because, Option<&'static str>)> {
    let large = [b"Subject: large\r\n\r\n".to_vec(), vec![b'x'; 9 << 20]].concat();
    vec![
        (
            report("a@corp.example", &["x@elsewhere.example"]),
            "ten",
            Because::Rule,
            Some("out of the house"),
        ),
        (
            report("x@elsewhere.example", &["hr@corp.example"]),
            "staff",
            Because::Rule,
            Some("staff"),
        ),
        (
            report("a@corp.example", &["hr@corp.example", "x@elsewhere.example"]),
            "ten",
            Because::Rule,
            Some("out of the house"),
        ),
        (report("a@corp.example", &["b@corp.example"]), "standard", Because::Default, None),
        // Neither who wrote it nor to whom is known.
        (
            b"Subject: copy\r\n\r\nboat\r\n".to_vec(),
            "ten",
            Because::Unsure,
            Some("out of the house"),
        ),
        (b"Subject: no end".to_vec(), "ten", Because::Doubt, None),
        (large, "ten", Because::Size, None),
    ]
}

async fn classes_of(scratch: &Scratch) -> Vec<(String, String)> {
    let rows = delivery::after(&scratch.archive.catalog, DeliverySeq(0), 100).await.unwrap();
    rows.into_iter()
        .map(|row| {
            assert!(row.object.name.starts_with(&format!("seg/{}/{}/", row.class, row.epoch)));
            (row.class, row.epoch)
        })
        .collect()
}

/// Decided before the 250, by receipt and never by what the mail says of its date; and
/// the trial says of all of it what was done.
#[tokio::test]
async fn rules_give_a_delivery_its_class_and_the_trial_says_the_same() {
    let scratch = Scratch::with(|config| *config = config.drafted(RULES).unwrap()).await;
    let (ingest, _lock) = scratch.ingest().await;
    for (bytes, ..) in mail() {
        deliver(&scratch.archive, &ingest, &bytes).await;
    }
    let month = scratch.archive.clock.now().month();
    let expected: Vec<_> =
        mail().iter().map(|(_, class, ..)| ((*class).to_owned(), month.clone())).collect();
    assert_eq!(classes_of(&scratch).await, expected);

    let archive = &scratch.archive;
    let on = (&archive.catalog, &archive.clock);
    let operator = Actor::operator(Role::Records);
    let trial = Trial { rules: None, last: 100 };
    let tested = classes::test(&operator, on, &archive.config, &trial).await.unwrap();
    assert_eq!((tested.deliveries, tested.changed, tested.refusal), (7, 0, None));
    for (it, (_, class, because, rule)) in tested.tested.iter().rev().zip(mail()) {
        let found = (it.class.as_str(), it.would_be.as_str(), it.because, it.rule.as_deref());
        assert_eq!(found, (class, class, because, rule));
    }
    let decided: Vec<_> = tested.rules.iter().map(|it| (it.rule.as_str(), it.decided)).collect();
    assert_eq!(decided, [("out of the house", 3), ("staff", 1)]);
}

/// Another rule is for mail to come.
#[tokio::test]
async fn a_change_of_rules_changes_nothing_of_what_is_archived() {
    let mut scratch = Scratch::with(|config| *config = config.drafted(RULES).unwrap()).await;
    let outbound = report("a@corp.example", &["x@elsewhere.example"]);
    {
        let (ingest, _lock) = scratch.ingest().await;
        deliver(&scratch.archive, &ingest, &outbound).await;
    }
    let with = RULES.replace("class = 'ten'\ndirection", "class = 'standard'\ndirection");
    let config = scratch.archive.config.drafted(&with).unwrap();

    let archive = &scratch.archive;
    let on = (&archive.catalog, &archive.clock);
    let operator = Actor::operator(Role::Records);
    let trial = Trial { rules: Some(&with), last: 10 };
    let tested = classes::test(&operator, on, &archive.config, &trial).await.unwrap();
    assert_eq!((tested.changed, tested.tested[0].would_be.as_str()), (1, "standard"));
    let counts: Vec<_> =
        tested.classes.iter().map(|it| (it.class.as_str(), it.now, it.would_be)).collect();
    assert_eq!(counts, [("staff", 0, 0), ("standard", 0, 1), ("ten", 1, 0)]);
    // What mail was taken for cannot become less, and the trial says so before.
    let shorter = with.replace("years = 10", "years = 9");
    let trial = Trial { rules: Some(&shorter), last: 10 };
    let tested = classes::test(&operator, on, &archive.config, &trial).await.unwrap();
    assert!(tested.refusal.unwrap().contains("set years = 10, or more"));

    scratch.archive.config = config.into();
    {
        let (ingest, _lock) = scratch.ingest().await;
        deliver(&scratch.archive, &ingest, &outbound).await;
    }
    let found: Vec<_> = classes_of(&scratch).await.into_iter().map(|(class, _)| class).collect();
    assert_eq!(found, ["ten", "standard"]);
}

fn classes(config: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(binary());
    let output = command.arg("classes").args(arguments).arg("--config").arg(config).output();
    let output = output.unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

fn tested(made: &Made, rules: &str) -> Result<Value, String> {
    let file = made.config.with_file_name("rules.toml");
    std::fs::write(&file, rules).unwrap();
    let arguments = ["test", "--rules", file.to_str().unwrap(), "--last", "5", "--json"];
    classes(&made.config, &arguments).map(|text| serde_json::from_str(&text).unwrap())
}

/// Nothing of what the mail says, or of who wrote it, is in what is printed.
#[test]
fn the_commands_show_classes_and_no_mail_beside_a_server() {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    let receipt =
        sender.send(&made.said["journal"], &report("a@corp.example", &["x@elsewhere.example"]));
    let record = receipt.unwrap().record.to_string();

    let listed = classes(&made.config, &["list", "--json"]).unwrap();
    let found: Value = serde_json::from_str(&listed).unwrap();
    let class = &found["classes"][0];
    assert_eq!(
        (&class["name"], &class["years"], &class["mode"], &class["deliveries"]),
        (&json!("standard"), &json!(7), &json!("strict"), &json!(1))
    );
    assert_eq!(class["epochs"][0]["is_due"], json!(false));
    let plain = classes(&made.config, &["list"]).unwrap();
    let words = "standard: 7 years, strict, not enforced by the bucket; 1 delivery";
    assert!(plain.contains(words), "{plain}");
    assert!(plain.contains("\nwrite-once not enforced: the bucket is a local"), "{plain}");
    assert_eq!(class["is_enforced"], json!(false));

    let found = tested(&made, RULES).unwrap();
    let it = &found["tested"][0];
    assert_eq!((&it["record"], &it["source"]), (&json!(record), &json!("default")));
    assert_eq!((&it["class"], &it["would_be"]), (&json!("standard"), &json!("ten")));
    assert_eq!((&it["because"], &it["rule"]), (&json!("rule"), &json!("out of the house")));
    for word in ["elsewhere", "boat", "corp.example"] {
        assert!(!found.to_string().contains(word), "{word} is in {found}");
    }
    let said = tested(&made, "[[rule]]\nname = 'a'\nclass = 'gone'\nflag = ['copy']").unwrap_err();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("[[rule]] \"a\": there is no class \"gone\"; name one"), "{said}");
    served.stop();
}

#[tokio::test]
async fn the_api_tries_rules_and_the_audit_says_who_did() {
    let scratch = Scratch::new().await;
    let (context, _) = laid::laid(&scratch).await;
    let web = Web::new(context);
    let rita = web.signed_in("rita", Role::Records, false).await;
    let found = web.get(&rita, "/api/v1/classes").await.json();
    assert_eq!(found["classes"][0]["deliveries"], json!(2));
    assert_eq!(found["classes"][0]["is_enforced"], json!(false));
    let why = found["classes"][0]["enforcement"].as_str().unwrap();
    assert!(why.contains("the bucket is a local directory"), "{why}");
    let body = json!({ "rules": RULES, "last": 1 });
    let found = web.post(&rita, "/api/v1/classes/test", body).await.json();
    assert_eq!((&found["deliveries"], &found["changed"]), (&json!(1), &json!(1)));
    for body in [json!({ "rules": "[[rule]]" }), json!({ "last": 0 }), json!({ "last": 10_001 })] {
        assert_eq!(web.post(&rita, "/api/v1/classes/test", body).await.status, 422);
    }
    let audit = web.get(&rita, "/api/v1/audit?action=class.test").await.json();
    assert_eq!(audit["rows"].as_array().unwrap().len(), 1, "{audit}");
    assert_eq!(audit["rows"][0]["actor"], json!("rita"));
}
