//! The `muniment` binary.

fn main() -> std::process::ExitCode {
    muniment::cmd::main()
}
