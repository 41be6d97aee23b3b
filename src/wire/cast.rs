//! A push for many connections: encoded once for each way of reading it, and only when someone reads so.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    Dialect, Frame,
    centrifugo::{Protocol, Publication, Push, PushBody, Reply},
    fossil,
};

/// How a subscriber takes publications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// As they are.
    #[default]
    Plain,
    /// Whole, to someone who takes differences: in JSON as a text.
    Whole,
    /// As what is to be changed in the one before, where that is shorter.
    Delta,
}

impl Shape {
    const COUNT: usize = 3;
}

/// How a subscriber reads a push.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct View {
    /// How it takes publications.
    pub shape: Shape,
    /// Whether the channel is told by its [`id_of`].
    pub by_id: bool,
}

impl View {
    const COUNT: usize = Shape::COUNT * 2;

    /// A number of its own, below [`View::COUNT`].
    const fn index(self) -> usize {
        self.shape as usize * 2 + self.by_id as usize
    }
}

/// The number that may stand for a channel in pushes: above 0, and the same on all nodes. Two channels may have the same one;
/// then a connection in both is told one of them by its name.
pub fn id_of(channel: &str) -> i64 {
    let hash = xxhash_rust::xxh3::xxh3_64(channel.as_bytes()) & 0x7fff_ffff;
    // At most 31 bits.
    i64::try_from(hash).unwrap_or_default().max(1)
}

/// A push and its encodings. A clone is the same.
#[derive(Debug, Clone)]
pub struct Cast(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    channel: Arc<str>,
    what: What,
    messages: [OnceLock<Option<Bytes>>; Protocol::COUNT * View::COUNT],
    frames: [OnceLock<Option<Frame>>; Dialect::COUNT * View::COUNT],
}

#[derive(Debug)]
enum What {
    Publication {
        publication: Publication,
        /// The data of the publication before, if this one may be told as a difference.
        base: Option<Bytes>,
    },
    Other(PushBody),
}

impl Cast {
    /// A publication.
    pub fn publication(channel: Arc<str>, publication: Publication) -> Self {
        Self::of(channel, What::Publication { publication, base: None })
    }

    /// A publication that may be told as a difference from the data of the one before it.
    pub fn difference(channel: Arc<str>, publication: Publication, base: Bytes) -> Self {
        Self::of(channel, What::Publication { publication, base: Some(base) })
    }

    /// Something else that happened in a channel.
    pub fn other(channel: Arc<str>, body: PushBody) -> Self {
        Self::of(channel, What::Other(body))
    }

    fn of(channel: Arc<str>, what: What) -> Self {
        let messages = std::array::from_fn(|_| OnceLock::new());
        Self(Arc::new(Inner { channel, what, messages, frames: std::array::from_fn(|_| OnceLock::new()) }))
    }

    /// The channel.
    pub fn channel(&self) -> &Arc<str> {
        &self.0.channel
    }

    /// The publication, if it is one.
    pub fn as_publication(&self) -> Option<&Publication> {
        match &self.0.what {
            What::Publication { publication, .. } => Some(publication),
            What::Other(_) => None,
        }
    }

    /// About how many bytes it holds, its encodings left out.
    pub fn bytes(&self) -> usize {
        match &self.0.what {
            What::Publication { publication, base } => {
                publication.bytes() + base.as_ref().map_or(0, Bytes::len)
            }
            What::Other(_) => 0,
        }
    }

    /// The bytes for connections of a dialect; nothing if they cannot be told it.
    pub fn frame(&self, dialect: Dialect, view: View) -> Option<&Frame> {
        let view = self.told(dialect.protocol, view);
        let at = dialect.index() * View::COUNT + view.index();
        let encode = || Some(dialect.frame(&[self.message(dialect.protocol, view)?]));
        self.0.frames[at].get_or_init(encode).as_ref()
    }

    /// The encoded message, to stand beside others in one frame; nothing if there is none of this protocol.
    pub fn message(&self, protocol: Protocol, view: View) -> Option<&Bytes> {
        let view = self.told(protocol, view);
        let at = protocol as usize * View::COUNT + view.index();
        self.0.messages[at].get_or_init(|| self.encode(protocol, view)).as_ref()
    }

    /// The view that stands for all that read alike.
    fn told(&self, protocol: Protocol, View { shape, by_id }: View) -> View {
        let shape = match (&self.0.what, protocol, shape) {
            (What::Other(_), _, _) | (_, Protocol::Protobuf, Shape::Whole) => Shape::Plain,
            (What::Publication { base: None, .. }, Protocol::Json, Shape::Delta) => Shape::Whole,
            (What::Publication { base: None, .. }, Protocol::Protobuf, Shape::Delta) => Shape::Plain,
            (_, _, shape) => shape,
        };
        View { shape, by_id }
    }

    fn encode(&self, protocol: Protocol, View { shape, by_id }: View) -> Option<Bytes> {
        let body = match &self.0.what {
            What::Other(body) => body.clone(),
            What::Publication { publication, base } => {
                let base = base.as_ref().filter(|_| shape == Shape::Delta);
                PushBody::Pub(shaped(publication, base, protocol, shape)?)
            }
        };
        let channel = &self.0.channel;
        let push = if by_id { Push::by_id(id_of(channel), body) } else { Push::new(channel, body) };
        Reply::push(push).encode(protocol).map(Bytes::from)
    }
}

/// A publication as a subscriber takes it; nothing if they cannot be told it.
pub fn shaped(
    publication: &Publication,
    base: Option<&Bytes>,
    protocol: Protocol,
    shape: Shape,
) -> Option<Publication> {
    let mut shaped = publication.clone();
    // What takes a key out of a map carries nothing.
    if shape == Shape::Plain || publication.data.is_empty() {
        return Some(shaped);
    }
    match protocol {
        Protocol::Protobuf => {
            if let Some(base) = base {
                let delta = fossil::delta(base, &publication.data);
                if delta.len() < publication.data.len() {
                    shaped.data = delta.into();
                    shaped.delta = true;
                }
            }
        }
        Protocol::Json => {
            let whole = std::str::from_utf8(&publication.data).ok()?;
            let base = base.and_then(|base| std::str::from_utf8(base).ok());
            let delta = base.map(|base| fossil::delta_text(base, whole));
            let delta = delta.filter(|delta| delta.len() < whole.len());
            shaped.delta = delta.is_some();
            shaped.data = serde_json::to_vec(delta.as_deref().unwrap_or(whole)).ok()?.into();
        }
    }
    Some(shaped)
}
