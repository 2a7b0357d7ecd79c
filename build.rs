//! Embedding follows `web/dist`: without this a later build of the web app
//! would not be taken in.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=web/dist");
}
