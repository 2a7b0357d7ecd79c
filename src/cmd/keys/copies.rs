//! What the audit knows of the copies of the master key: whether they are of the key
//! that is in use, and whether one was ever opened.

use serde_json::{Value, json};

use crate::app::Archive;
use crate::base::clock::Timestamp;
use crate::catalog::audit::{AuditRow, Filter, Visible, list};

/// How many proofs are looked through for one of this kind of copy.
const CHECKS_MAX: usize = 200;

/// The copies that were made of the master key in use.
pub(crate) struct Copies {
    pub recovery: Copy,
    pub escrow: Copy,
}

pub(crate) struct Copy {
    kind: &'static str,
    command: &'static str,
    /// Of any master key of the archive, and of the one in use.
    last: Option<Timestamp>,
    made: Option<Timestamp>,
    checked: Option<Timestamp>,
}

impl Copies {
    pub async fn of(archive: &Archive) -> anyhow::Result<Self> {
        let key = archive.vault.master().await.id().to_string();
        Ok(Self {
            recovery: Copy::of(archive, &key, "recovery", "muniment keys recovery --out FILE")
                .await?,
            escrow: Copy::of(
                archive,
                &key,
                "escrow",
                "muniment keys escrow --recipient KEY --recipient KEY --out FILE",
            )
            .await?,
        })
    }

    /// A line for each.
    pub fn words(&self) -> String {
        format!("recovery copy: {}\nescrow: {}\n", self.recovery.words(), self.escrow.words())
    }

    /// What there is to do after a rotation, if anything.
    pub fn mend(&self) -> Option<String> {
        let stale: Vec<_> =
            [&self.recovery, &self.escrow].into_iter().filter(|copy| copy.is_stale()).collect();
        let (kinds, commands): (Vec<_>, Vec<_>) =
            stale.iter().map(|copy| (copy.name(), format!("  {}", copy.command))).unzip();
        (!stale.is_empty()).then(|| {
            format!(
                "Stale since the master key was replaced: {}. Make new ones:\n{}\n",
                kinds.join(" and "),
                commands.join("\n")
            )
        })
    }
}

impl Copy {
    async fn of(
        archive: &Archive,
        key: &str,
        kind: &'static str,
        command: &'static str,
    ) -> anyhow::Result<Self> {
        let action = format!("keys.{kind}");
        let last = rows(archive, &action, 1).await?.into_iter().next();
        let made = last.as_ref().filter(|row| is_of(row, "key", key)).map(|row| row.at);
        let checks = rows(archive, "keys.check", CHECKS_MAX).await?;
        let checked = checks.iter().find(|row| {
            row.outcome == "done" && is_of(row, "key", key) && is_of(row, "copy", kind)
        });
        let (last, checked) = (last.map(|row| row.at), checked.map(|row| row.at));
        Ok(Self { kind, command, last, made, checked })
    }

    fn name(&self) -> &'static str {
        if self.kind == "recovery" { "the recovery copy" } else { "the escrow files" }
    }

    /// There are copies, and they are of a key that was replaced.
    pub fn is_stale(&self) -> bool {
        self.last.is_some() && self.made.is_none()
    }

    fn words(&self) -> String {
        match (self.last, self.made, self.checked) {
            (_, Some(made), Some(checked)) => format!("made {made}, seen to open {checked}"),
            (_, Some(made), None) => {
                let identity = if self.kind == "escrow" { " --identity FILE" } else { "" };
                format!(
                    "made {made}, never seen to open; try it: muniment keys check --{} FILE{identity}",
                    self.kind
                )
            }
            (Some(last), None, _) => format!(
                "STALE, of a master key that was replaced (made {last}); make a new one: {}",
                self.command
            ),
            (None, None, _) => format!("none known of; make one: {}", self.command),
        }
    }

    pub fn json(&self) -> Value {
        let state = match (self.last, self.made) {
            (_, Some(_)) => "current",
            (Some(_), None) => "stale",
            (None, None) => "none",
        };
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
        json!({ "state": state, "made_at": at(self.last), "checked_at": at(self.checked) })
    }
}

pub(super) async fn rows(
    archive: &Archive,
    action: &str,
    limit: usize,
) -> anyhow::Result<Vec<AuditRow>> {
    let filter = Filter { action: Some(action.to_owned()), limit, ..Filter::default() };
    Ok(list(&archive.catalog, &Visible::Everything, &filter).await?)
}

pub(super) fn is_of(row: &AuditRow, field: &str, expected: &str) -> bool {
    serde_json::from_str::<Value>(&row.detail).is_ok_and(|detail| detail[field] == expected)
}
