//! Who a connection speaks for, and how often it may.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    counters::Counters,
    rate::{self, Bucket},
    refusal::Refusal,
};
use crate::model::Person;
use crate::wire::centrifugo::{ClientInfo, ErrorCode};

/// The custom data of `connect`.
#[derive(Debug, serde::Deserialize)]
struct ConnectData {
    person: Option<Person>,
}

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// Comments, and what is done with alerts.
    Say,
    /// That someone types.
    Type,
    /// Who someone is.
    Introduce,
    /// What the server page asks and does.
    Look,
}

/// Who a connection speaks for.
#[derive(Debug)]
pub(super) struct Speaker {
    /// As others see the connection.
    pub(super) info: ClientInfo,
    person: Option<Person>,
    counters: Arc<Counters>,
    say: Bucket,
    typing: Bucket,
    introduce: Bucket,
    look: Bucket,
}

impl Speaker {
    /// One that has not said who it is.
    pub(super) fn new(info: ClientInfo, counters: Arc<Counters>) -> Self {
        Self {
            info,
            person: None,
            counters,
            say: Bucket::default(),
            typing: Bucket::default(),
            introduce: Bucket::default(),
            look: Bucket::default(),
        }
    }

    /// Takes the person that the data of `connect` names. Data of another shape is left alone: a page whose kept name is
    /// wrong must still see its charts, and is asked for a name when it writes.
    pub(super) fn connected(&mut self, data: &[u8]) {
        let said = serde_json::from_slice::<ConnectData>(data).ok();
        if let Some(person) = said.and_then(|said| said.person) {
            self.introduce(person);
        }
    }

    /// Speaks for the user of a token, of whom others see `info`.
    pub(super) fn identify(&mut self, user: String, info: Bytes) {
        self.info.user = user;
        self.info.conn_info = info;
    }

    /// Speaks for a person from now on.
    pub(super) fn introduce(&mut self, person: Person) {
        person.id().clone_into(&mut self.info.user);
        self.info.conn_info = serde_json::json!({ "name": person.name() }).to_string().into();
        self.person = Some(person);
    }

    /// The person.
    ///
    /// # Errors
    ///
    /// When it has not said who it is.
    pub(super) fn person(&self) -> Result<&Person, Refusal> {
        let refusal = || (ErrorCode::PermissionDenied, "say who you are first (introduce)".to_owned());
        self.person.as_ref().ok_or_else(refusal)
    }

    /// Counts a call against its limit.
    ///
    /// # Errors
    ///
    /// When there were too many; the words say how long to wait.
    pub(super) fn may(&mut self, speech: Speech) -> Result<(), Refusal> {
        let (bucket, rate) = match speech {
            Speech::Say => (&mut self.say, rate::SAY),
            Speech::Type => (&mut self.typing, rate::TYPE),
            Speech::Introduce => (&mut self.introduce, rate::INTRODUCE),
            Speech::Look => (&mut self.look, rate::LOOK),
        };
        let Err(wait) = bucket.take(rate) else { return Ok(()) };
        self.counters.too_often(speech);
        let what = match speech {
            Speech::Say => "that is a lot at once",
            Speech::Type => "that you type is known",
            Speech::Introduce => "the name changed often enough for now",
            Speech::Look => "the server was asked often enough for now",
        };
        // Rounded up: who waits so long is let through.
        let tenths = (wait.as_secs_f64() * 10.0).ceil().max(1.0) / 10.0;
        Err((ErrorCode::TooManyRequests, format!("{what}; wait {tenths} s and try again")))
    }
}

impl Speech {
    /// Its name among the counters.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Say => "say",
            Self::Type => "typing",
            Self::Introduce => "introduce",
            Self::Look => "server",
        }
    }
}
