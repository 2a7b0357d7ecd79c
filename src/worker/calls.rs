//! The system calls of a child, filtered by seccomp. What is not allowed fails as
//! if the kernel did not have it (`ENOSYS`): libraries know how to go on without.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    #[error("make the filter of system calls")]
    Make(#[from] seccompiler::BackendError),
    #[error("filter system calls")]
    Apply(#[from] seccompiler::Error),
}

/// What computing on bytes needs: the pipes that are open, memory, the clock, and
/// an end. Nothing of it opens, starts or reaches anything.
const READING: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What a program that reads files needs not: the network, other processes, the
/// kernel's own doors.
const REACHING: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_clone3,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_memfd_create,
];

/// Allows what a reader needs, in all threads, and nothing else.
pub fn allow_reading() -> Result<(), FilterError> {
    let own = std::process::id().into();
    let mut rules = unconditional(READING);
    // Its own limits, and a signal to itself, as abort(3) sends.
    rules.insert(libc::SYS_prlimit64, vec![first_is(0)?]);
    rules.insert(libc::SYS_tgkill, vec![first_is(own)?]);
    apply(rules, refuse(), SeccompAction::Allow)
}

/// Forbids what no reader of files needs.
pub fn forbid_reaching_out() -> Result<(), FilterError> {
    apply(unconditional(REACHING), SeccompAction::Allow, refuse())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn unconditional(calls: &[libc::c_long]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn first_is(value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    let is = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)?;
    SeccompRule::new(vec![is])
}

fn refuse() -> SeccompAction {
    SeccompAction::Errno(libc::ENOSYS as u32)
}

fn apply(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<(), FilterError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules, otherwise, matched, architecture)?;
    let program = BpfProgram::try_from(filter)?;
    Ok(apply_filter_all_threads(&program)?)
}
