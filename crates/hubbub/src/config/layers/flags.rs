//! The highest layer: flags of the command line, named ones and `--set key=value`.

use super::Layers;
use crate::config::mistake::Problem;
use crate::config::registry;
use crate::config::source::Source;
use crate::config::suggestion::nearest;
use crate::config::value::Raw;

/// A flag that sets one setting, such as `--listen 127.0.0.1:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The flag as it is written.
    pub name: &'static str,
    /// The key it sets.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

/// `--set` first, then the named flags, which are nearer to the command that was meant.
pub(crate) fn read(sets: &[String], flags: &[Flag], layers: &mut Layers) {
    for assignment in sets {
        set(assignment, layers);
    }
    for flag in flags {
        let setting =
            registry::find(flag.key).expect("a flag of the command line names a key of the registry");
        layers.assign(setting, Raw::Text(flag.value.clone()), Source::Flag(flag.name));
    }
}

fn set(assignment: &str, layers: &mut Layers) {
    let source = Source::Flag("--set");
    let Some((key, value)) = assignment.split_once('=') else {
        return layers.mistake(source, Problem::NotAnAssignment);
    };
    match registry::find(key.trim()) {
        Some(setting) => layers.assign(setting, Raw::Text(value.to_owned()), source),
        None => {
            let suggestion = nearest(key).map(|setting| setting.key.to_owned());
            layers.mistake(source, Problem::UnknownKey { written: key.to_owned(), suggestion });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_takes_any_key_and_names_the_unknown() {
        let mut layers = Layers::default();
        let sets = ["limits.frame=1KiB", "auth.issuer=a=b", "limits.frme=1", "nonsense"].map(str::to_owned);
        read(&sets, &[], &mut layers);
        let assigned: Vec<_> = layers.assignments.iter().map(|one| (one.key, one.raw.clone())).collect();
        assert_eq!(
            assigned,
            [("limits.frame", Raw::Text("1KiB".to_owned())), ("auth.issuer", Raw::Text("a=b".to_owned())),]
        );
        let told: Vec<String> = layers.mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "unknown setting `limits.frme`, did you mean `limits.frame`? (flag --set)",
                "expects `key=value` (flag --set)",
            ]
        );
    }
}
