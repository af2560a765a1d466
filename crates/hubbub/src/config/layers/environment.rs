//! The environment layer: `HUBBUB_SECTION__KEY`, and `HUBBUB_SECTION__KEY_FILE` for what may hold a secret.
//!
//! It reads the process environment once, in [`Environment::capture`]; nothing else in the program does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::Layers;
use crate::config::mistake::{Problem, Unfit};
use crate::config::registry;
use crate::config::setting::Setting;
use crate::config::source::Source;
use crate::config::suggestion::nearest;
use crate::config::value::Raw;

/// Begins the name of every variable of ours.
const PREFIX: &str = "HUBBUB_";
/// Names the configuration file; the one variable that is no setting.
pub const CONFIG_VARIABLE: &str = "HUBBUB_CONFIG";

/// Our part of the process environment. It holds secrets as written and therefore has no `Debug`.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Takes a copy of every variable of ours.
    pub fn capture() -> Self {
        std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value)).collect()
    }

    /// The configuration file that the environment names.
    pub fn config_file(&self) -> Option<PathBuf> {
        self.0.get(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    pub(crate) fn read(&self, layers: &mut Layers) {
        for (name, value) in &self.0 {
            if name == CONFIG_VARIABLE || is_service_link(name, value) {
                continue;
            }
            if let Some(setting) = registry::settings().find(|setting| setting.variable() == *name) {
                self.variable(setting, name, value, layers);
            } else if let Some(setting) =
                registry::settings().find(|one| one.file_variable().as_ref() == Some(name))
            {
                file_variable(setting, name, value, layers);
            } else {
                layers.mistake(Source::Variable(name.clone()), unknown(name));
            }
        }
    }

    fn variable(&self, setting: &'static Setting, name: &str, value: &OsString, layers: &mut Layers) {
        let source = Source::Variable(name.to_owned());
        if setting.file_variable().is_some_and(|twin| self.0.contains_key(&twin)) {
            layers.mistake(source.clone(), Problem::Twice { variable: name.to_owned() });
        }
        match value.to_str() {
            Some(text) => layers.assign(setting, Raw::Text(text.to_owned()), source),
            None => layers.mistake(source, not_text(setting)),
        }
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(pairs.filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }
}

fn file_variable(setting: &'static Setting, name: &str, value: &OsString, layers: &mut Layers) {
    let path = PathBuf::from(value);
    let source = Source::VariableFile { variable: name.to_owned(), path: path.clone() };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) => {
            let problem = Problem::Unreadable { path, reason: error.to_string() };
            return layers.mistake(Source::Variable(name.to_owned()), problem);
        }
    };
    if text.is_empty() {
        let unfit = Unfit::expects("a file that is not empty");
        return layers.mistake(source, Problem::Value { key: setting.key, shown: "\"\"".to_owned(), unfit });
    }
    layers.assign(setting, Raw::Text(text), source);
}

fn not_text(setting: &Setting) -> Problem {
    let unfit = Unfit::expects("text in UTF-8");
    Problem::Value { key: setting.key, shown: "bytes".to_owned(), unfit }
}

fn unknown(name: &str) -> Problem {
    let bare = name.strip_prefix(PREFIX).unwrap_or(name);
    let (bare, is_file) = match bare.strip_suffix("_FILE") {
        Some(bare) => (bare, true),
        None => (bare, false),
    };
    let meant = nearest(&bare.replace("__", ".").to_lowercase());
    let suggestion = meant.map(|setting| match setting.file_variable() {
        Some(twin) if is_file => twin,
        _ => setting.variable(),
    });
    Problem::UnknownKey { written: name.to_owned(), suggestion }
}

/// Whether an orchestrator made this variable: beside a service called `hubbub` every container finds
/// `HUBBUB_SERVICE_HOST`, `HUBBUB_PORT_8080_TCP_ADDR` and the like, which nobody wrote as a setting.
fn is_service_link(name: &str, value: &OsString) -> bool {
    const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];
    let is_link = || {
        value.to_str().is_some_and(|text| PROTOCOLS.iter().any(|one| text.starts_with(&format!("{one}://"))))
    };
    let numbered = || {
        let words: Vec<&str> = name.split('_').collect();
        words.windows(3).any(|three| {
            let [port, number, protocol] = three else { return false };
            *port == "PORT"
                && number.parse::<u16>().is_ok()
                && PROTOCOLS.contains(&protocol.to_lowercase().as_str())
        })
    };
    let service = || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT");
    !name.contains("__") && (service() || numbered() || (name.ends_with("_PORT") && is_link()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> Vec<String> {
        let mut layers = Layers::default();
        pairs.iter().copied().collect::<Environment>().read(&mut layers);
        layers.mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_variable_is_an_assignment_to_its_setting() {
        let mut layers = Layers::default();
        let pairs =
            [("HUBBUB_NAMESPACE__ROOM__DURABLE", "false"), ("PATH", "/bin"), ("HUBBUB_CONFIG", "x.toml")];
        pairs.into_iter().collect::<Environment>().read(&mut layers);
        assert_eq!(layers.mistakes, []);
        assert_eq!(layers.assignments.len(), 1);
        assert_eq!(layers.assignments[0].key, "namespace.room.durable");
        assert_eq!(layers.assignments[0].raw, Raw::Text("false".to_owned()));
    }

    #[test]
    fn unknown_variables_are_named_with_what_was_meant() {
        for (name, meant) in [
            ("HUBBUB_SERVER__LISTN", Some("HUBBUB_SERVER__LISTEN")),
            ("HUBBUB_REDIS_URL", Some("HUBBUB_REDIS__URL")),
            ("HUBBUB_redis__url", Some("HUBBUB_REDIS__URL")),
            ("HUBBUB_AUTH_JWT_SECRET_FILE", Some("HUBBUB_AUTH__JWT_SECRET_FILE")),
            ("HUBBUB_SERVER__LISTEN_FILE", Some("HUBBUB_SERVER__LISTEN")),
            ("HUBBUB_ZZZZZZZZZZZZZZZ", None),
        ] {
            let expected = match meant {
                Some(meant) => format!("unknown setting `{name}`, did you mean `{meant}`? (variable {name})"),
                None => format!("unknown setting `{name}` (variable {name})"),
            };
            assert_eq!(told(&[(name, "x")]), [expected]);
        }
    }

    #[test]
    fn variables_that_an_orchestrator_makes_are_no_mistakes() {
        let made = [
            ("HUBBUB_SERVICE_HOST", "10.0.0.1"),
            ("HUBBUB_SERVICE_PORT", "8080"),
            ("HUBBUB_SERVICE_PORT_HTTP", "8080"),
            ("HUBBUB_GATEWAY_PORT", "tcp://10.0.0.1:8080"),
            ("HUBBUB_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("HUBBUB_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ];
        assert_eq!(told(&made), [] as [String; 0]);
        assert_eq!(told(&[("HUBBUB_REDIS_PORT", "6379")]).len(), 1);
        assert_eq!(told(&[("HUBBUB_PORT", "8080")]).len(), 1);
    }

    #[test]
    fn a_missing_file_of_a_secret_is_named() {
        let told = told(&[("HUBBUB_AUTH__JWT_SECRET_FILE", "/nowhere/secret")]);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("cannot read /nowhere/secret: "), "{told:?}");
        assert!(told[0].ends_with("(variable HUBBUB_AUTH__JWT_SECRET_FILE)"), "{told:?}");
    }
}
