//! A message type of an embedder's own, for transcripts.

use std::sync::Arc;

use async_trait::async_trait;
use domain::task::{Client, Reply, Task};
use domain::words::{Code, Fault, Role};
use wire::types::{CustomHandler, Field, Object};

/// What is asked, and how many answers there are.
#[derive(Debug)]
struct Poll {
    #[expect(dead_code, reason = "shown in transcripts by its name")]
    question: String,
    #[expect(dead_code, reason = "shown in transcripts by its name")]
    answers: usize,
}

#[async_trait]
impl Task for Poll {
    async fn run(&self, _: &dyn Client) -> Result<Reply, Fault> {
        Ok(Reply::Done)
    }
}

/// `poll {question, answers}`, for moderators, at the cost of five commands.
pub(crate) fn poll() -> CustomHandler {
    CustomHandler::custom("poll", FIELDS, read).for_role(Role::Moderator).costing(5)
}

const FIELDS: &[Field] =
    &[Field::required("question", "the question"), Field::required("answers", "a list of answers")];

fn read(object: &Object) -> Result<Arc<dyn Task>, Fault> {
    let question = object.get("question").and_then(|question| question.as_str());
    let answers = object.get("answers").and_then(|answers| answers.as_array());
    match (question, answers) {
        (Some(question), Some(answers)) => {
            Ok(Arc::new(Poll { question: question.to_owned(), answers: answers.len() }))
        }
        _ => Err(Fault::new(Code::InvalidMessage, "question and answers must be there")),
    }
}
