//! `hubbub config default`, `check` and `env`.

use super::print;
use crate::cli::ConfigCommand;
use crate::config::{self, Inputs, Role, render};
use crate::exit::Exit;

/// Prints what was asked for. Only `check` reads the settings: the two others work with a broken configuration too.
pub(super) fn run(command: ConfigCommand, inputs: &Inputs) -> Result<(), Exit> {
    match command {
        ConfigCommand::Default => print(&render::defaults::render()),
        ConfigCommand::Env => print(&render::variables::render()),
        ConfigCommand::Check(arguments) => check(inputs, role(arguments.command.as_deref())),
    }
}

fn role(command: Option<&str>) -> Role {
    let exposed = Role::Dev { exposed: true };
    let roles = [exposed, Role::Gateway, Role::Persister, Role::Migrate];
    roles.into_iter().find(|role| Some(role.command()) == command).unwrap_or(Role::Check)
}

fn check(inputs: &Inputs, role: Role) -> Result<(), Exit> {
    let loaded = config::load(inputs, role)?;
    let mut text = render::effective::render(&loaded.effective);
    if role == Role::Check {
        text.push_str(&lacking(inputs));
    }
    for warning in &loaded.warnings {
        text.push_str(&format!("\nwarning: {warning}"));
    }
    print(&format!("{}\n", text.trim_end()))
}

/// What the commands that need more than defaults would still ask for.
fn lacking(inputs: &Inputs) -> String {
    let mut text = String::new();
    for role in [Role::Gateway, Role::Persister, Role::Migrate] {
        for mistake in config::load(inputs, role).err().map(|mistakes| mistakes.0).unwrap_or_default() {
            text.push_str(&format!("\nnote: {mistake}"));
        }
    }
    text
}
