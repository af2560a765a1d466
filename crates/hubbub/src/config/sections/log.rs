//! `log`: what is written to standard error.

use crate::config::effective::Effective;
use crate::config::setting::{Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "log",
    doc: "What is written to standard error. Tokens, cookies and message texts never are.",
    settings: &[
        setting(
            "log.format",
            Kind::Choice(&["text", "json"]),
            "text",
            "Lines for people, or one JSON object a line for machines.",
        ),
        setting(
            "log.filter",
            Kind::LogFilter,
            "info",
            "Which lines: a level, or directives such as `warn,gateway=debug`.",
        ),
    ],
};

/// What is written to standard error.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// For people or for machines.
    pub format: LogFormat,
    /// Directives that choose the lines.
    pub filter: String,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        let json = from.text("log.format") == "json";
        Self { format: if json { LogFormat::Json } else { LogFormat::Text }, filter: from.text("log.filter") }
    }
}
