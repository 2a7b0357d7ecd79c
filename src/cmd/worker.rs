//! `muniment worker`: hidden; the archive starts it to read mail apart from itself.

pub fn run() -> anyhow::Result<()> {
    Ok(crate::worker::child::run()?)
}
