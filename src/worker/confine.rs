//! What a child gives up before it is given anything to read: the server's user,
//! every file, the network, other processes. Each is the kernel's to enforce, by
//! several ways that do not need one another; a kernel without one of them leaves
//! the rest, and [`Confinement`] says which hold.
//!
//! The parent starts it as another user ([`as_user`]). Landlock belongs to a thread
//! and to those that it starts, so it comes before there is a second one; the filter
//! of system calls is put on all threads at the end, when nothing has to be started
//! any more.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, geteuid, getuid, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use super::calls;

/// What holds in a child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Whom it became; none where the server is not root's, or may not do that.
    pub user_id: Option<u32>,
    /// The version of Landlock's rules that hold; none without Landlock.
    pub landlock: Option<i32>,
    /// Whether system calls are filtered.
    pub is_filtered: bool,
}

/// The rules that we have tried; a later kernel holds these all the same.
const RULES: ABI = ABI::V7;

/// Where programs, their libraries and what these read are.
const PROGRAMS: [&str; 5] = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"];
const READ: [&str; 5] = ["/etc/fonts", "/etc/papersize", "/dev/null", "/dev/urandom", "/dev/zero"];

impl Confinement {
    /// Of a reader: no file at all is open to it. To be called before any thread is
    /// started, and then [`filtered`] in the last one.
    ///
    /// [`filtered`]: Self::filtered
    pub fn of_reader(user_id: u32) -> Self {
        let user_id = other_user(user_id);
        Self { user_id, landlock: restrict(&[], &[]).ok().flatten(), is_filtered: false }
    }

    /// No further thread or process is started from here on.
    pub fn filtered(self) -> Self {
        let _ = no_processes();
        Self { is_filtered: calls::allow_reading().is_ok(), ..self }
    }

    /// Of a program of the system's that is run next: it may read what programs
    /// need, and write nothing.
    pub fn of_program(user_id: u32) -> Self {
        let user_id = other_user(user_id);
        let landlock = restrict(&PROGRAMS, &READ).ok().flatten();
        let _ = no_processes();
        Self { user_id, landlock, is_filtered: calls::forbid_reaching_out().is_ok() }
    }

    /// In words, as the status has it.
    pub fn words(&self) -> String {
        let user = match self.user_id {
            Some(id) => format!("user {id}"),
            None => "the server's user".to_owned(),
        };
        let landlock = match self.landlock {
            Some(version) => format!("Landlock {version}"),
            None => "no Landlock in this kernel".to_owned(),
        };
        let calls = if self.is_filtered { "seccomp" } else { "no seccomp in this kernel" };
        format!("{user}, {landlock}, {calls}")
    }
}

/// Starts what `command` makes as another user, with no group but that one's, where
/// this process is root's. A user who may not run the program does not.
pub fn as_user(id: u32, command: impl Fn() -> Command) -> io::Result<Child> {
    if id == 0 || !geteuid().is_root() {
        return command().spawn();
    }
    match command().uid(id).gid(id).spawn() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => command().spawn(),
        started => started,
    }
}

/// Whom this process became, where it is the one who was asked for.
fn other_user(id: u32) -> Option<u32> {
    (id != 0 && getuid().as_raw() == id).then_some(id)
}

/// A limit of the user's other processes does not end one that is there: so none.
fn no_processes() -> io::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    Ok(setrlimit(Resource::Nproc, none)?)
}

/// Takes all files but these, TCP, and the signals and abstract sockets of others.
fn restrict(programs: &[&str], read: &[&str]) -> Result<Option<i32>, RulesetError> {
    let run: BitFlags<AccessFs> = AccessFs::from_read(RULES);
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        .handle_access(AccessNet::from_all(RULES))?
        .scope(Scope::from_all(RULES))?
        .create()?
        .add_rules(path_beneath_rules(programs, run))?
        .add_rules(path_beneath_rules(read, AccessFs::ReadFile | AccessFs::ReadDir))?
        .restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => Some(effective_abi as i32),
        _ => None,
    })
}
