//! Migrations are embedded by a macro, which does not see a file that is added later.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
