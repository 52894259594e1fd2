//! Canaries: what an attempt is after, made on the host and looked at again afterwards.
//!
//! Each kind is made so that nothing but the boundary protects it: a file that anybody may read, a
//! file of the caller's own, a listener that answers everybody, a segment that anybody may attach
//! to. All are gone when the canary is dropped.

mod directory;
mod keeper;
mod listener;
mod place;

use std::io;
use std::path::Path;

use self::directory::Directory;
use self::keeper::Keeper;
use self::listener::Listener;
use self::place::Place;
use crate::{Payload, Token, TokenError};

/// Where the guest sees a canary that is granted.
const GRANTED_AT: &str = "/attacked";

/// A canary that could not be made or looked at.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// It could not be made.
    #[error("cannot make {what}")]
    Make {
        /// What was being made.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It could not be looked at.
    #[error("cannot look at the canary")]
    Look {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No directory that the guest's user could reach.
    #[error("no temporary directory that everybody may enter")]
    Unreachable,
    /// No secret.
    #[error(transparent)]
    Token(#[from] TokenError),
}

fn make(what: &'static str) -> impl FnOnce(io::Error) -> CanaryError {
    move |source| CanaryError::Make { what, source }
}

/// The kinds of canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanaryKind {
    /// None: success can be seen from inside alone.
    Nothing,
    /// A file with a secret, readable for everybody, that is not granted.
    SecretFile,
    /// A directory with a file of the caller's own, granted read-only.
    Directory,
    /// A listener on an abstract Unix socket.
    AbstractListener,
    /// A listener on a TCP port of the loopback interface.
    LoopbackListener,
    /// A shared memory segment with a secret, that everybody may use.
    Segment,
}

/// From where a canary is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Outside of any sandbox.
    Host,
    /// Inside of one.
    Guest,
}

/// A canary.
#[derive(Debug)]
pub struct Canary {
    secret: Token,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Nothing,
    SecretFile(Place),
    Directory(Directory),
    Listener(Listener),
    Segment(Keeper),
}

impl Canary {
    /// Makes one.
    ///
    /// # Errors
    /// [`CanaryError`]; nothing is left.
    pub fn new(kind: CanaryKind, payload: &Payload) -> Result<Self, CanaryError> {
        let secret = Token::new()?;
        let form = match kind {
            CanaryKind::Nothing => Form::Nothing,
            CanaryKind::SecretFile => {
                let place = Place::new()?;
                place.write("secret", secret.as_str())?;
                Form::SecretFile(place)
            }
            CanaryKind::Directory => Form::Directory(Directory::new(&secret)?),
            CanaryKind::AbstractListener => Form::Listener(Listener::on_abstract_name()?),
            CanaryKind::LoopbackListener => Form::Listener(Listener::on_loopback()?),
            CanaryKind::Segment => Form::Segment(Keeper::start(payload, &secret)?),
        };
        Ok(Self { secret, form })
    }

    /// What the payload has to know, as seen from `side`.
    #[must_use]
    pub fn arguments(&self, side: Side) -> Vec<String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        match (&self.form, side) {
            (Form::Nothing, _) => Vec::new(),
            (Form::SecretFile(place), _) => vec![text(&place.path().join("secret"))],
            (Form::Directory(_), Side::Guest) => vec![GRANTED_AT.to_owned()],
            (Form::Directory(directory), Side::Host) => vec![text(directory.path())],
            (Form::Listener(listener), _) => vec![listener.name(), self.secret.to_string()],
            (Form::Segment(keeper), _) => vec![keeper.segment().to_owned()],
        }
    }

    /// What is to be granted read-only, and where.
    #[must_use]
    pub fn grant(&self) -> Option<(&Path, &'static str)> {
        match &self.form {
            Form::Directory(directory) => Some((directory.path(), GRANTED_AT)),
            Form::Nothing | Form::SecretFile(_) | Form::Listener(_) | Form::Segment(_) => None,
        }
    }

    /// Whether `output` holds the canary's secret.
    #[must_use]
    pub fn told(&self, output: &[u8]) -> bool {
        let secret = self.secret.as_str().as_bytes();
        output.windows(secret.len()).any(|window| window == secret)
    }

    /// Whether the canary is not what it was.
    ///
    /// # Errors
    /// [`CanaryError::Look`]
    pub fn changed(&self) -> Result<bool, CanaryError> {
        match &self.form {
            Form::Directory(directory) => directory.changed(),
            Form::Nothing | Form::SecretFile(_) | Form::Listener(_) | Form::Segment(_) => Ok(false),
        }
    }

    /// Whether somebody who knew the secret connected.
    ///
    /// # Errors
    /// [`CanaryError::Look`]
    pub fn contacted(&self) -> Result<bool, CanaryError> {
        match &self.form {
            Form::Listener(listener) => listener.heard(self.secret.as_str().as_bytes()),
            Form::Nothing | Form::SecretFile(_) | Form::Directory(_) | Form::Segment(_) => {
                Ok(false)
            }
        }
    }
}
