//! The keys of a verifier, each for its own algorithms.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::Deserialize;

use super::{KeyError, Settings, TokenError};

/// Bytes of an uncompressed point on P-256, P-384 and P-521.
const POINT_BYTES: [usize; 3] = [65, 97, 133];

/// What checks signatures.
#[derive(Default)]
pub(super) struct Keys {
    hmac: Option<DecodingKey>,
    previous: Option<DecodingKey>,
    previous_until: Option<i64>,
    rsa: Option<DecodingKey>,
    ecdsa: Option<(DecodingKey, Algorithm)>,
    skip_signature: bool,
}

/// Which keys there are, and never the keys.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("hmac", &self.hmac.is_some())
            .field("rsa", &self.rsa.is_some())
            .field("ecdsa", &self.ecdsa.as_ref().map(|(_, algorithm)| algorithm))
            .finish_non_exhaustive()
    }
}

/// What is needed of a token's header. A `typ` is not looked at, as many issuers leave it out.
#[derive(Deserialize)]
struct Header {
    alg: String,
}

impl Keys {
    pub(super) fn new(settings: &Settings) -> Result<Self, KeyError> {
        // Whoever knows that a secret is empty could sign with it.
        let secret = |key: &Option<String>| {
            key.as_ref().filter(|key| !key.is_empty()).map(|key| DecodingKey::from_secret(key.as_bytes()))
        };
        Ok(Self {
            hmac: secret(&settings.hmac_secret_key),
            previous: secret(&settings.hmac_previous_secret_key),
            previous_until: settings.hmac_previous_secret_key_valid_until,
            rsa: settings.rsa_public_key.as_deref().map(rsa).transpose()?,
            ecdsa: settings.ecdsa_public_key.as_deref().map(ecdsa).transpose()?,
            skip_signature: settings.skip_signature,
        })
    }

    /// Checks the signature by the key of the algorithm that the header names; there is no other way to a key, so
    /// that a public key is never taken for a secret.
    pub(super) fn verify(&self, token: &str, now_s: i64) -> Result<(), TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or_else(not_a_token)?;
        let (header, _) = message.split_once('.').ok_or_else(not_a_token)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| not_a_token())?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| not_a_token())?;
        if self.skip_signature {
            return Ok(());
        }
        let algorithm = algorithm(&header.alg)?;
        let is_signed = |key: &DecodingKey| {
            crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false)
        };
        let signed = match algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                let previous =
                    self.previous.as_ref().filter(|_| self.previous_until.is_none_or(|s| now_s <= s));
                self.hmac.iter().chain(previous).any(is_signed)
            }
            Algorithm::ES256 | Algorithm::ES384 => {
                self.ecdsa.as_ref().is_some_and(|(key, own)| *own == algorithm && is_signed(key))
            }
            _ => self.rsa.as_ref().is_some_and(is_signed),
        };
        if signed { Ok(()) } else { Err(TokenError::invalid(format!("no {} key signed it", header.alg))) }
    }
}

fn not_a_token() -> TokenError {
    TokenError::invalid("it is no signed JSON web token")
}

/// The algorithms that have a key; `none` has none.
fn algorithm(name: &str) -> Result<Algorithm, TokenError> {
    Ok(match name {
        "HS256" => Algorithm::HS256,
        "HS384" => Algorithm::HS384,
        "HS512" => Algorithm::HS512,
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        _ => return Err(TokenError::invalid("its algorithm is not one of ours")),
    })
}

fn rsa(pem: &str) -> Result<DecodingKey, KeyError> {
    let wrong = || KeyError { key: "rsa_public_key", why: "is not an RSA public key in PEM".to_owned() };
    DecodingKey::from_rsa_pem(pem.trim().as_bytes()).map_err(|_| wrong())
}

fn ecdsa(pem: &str) -> Result<(DecodingKey, Algorithm), KeyError> {
    let wrong = |why: &str| KeyError { key: "ecdsa_public_key", why: why.to_owned() };
    let not_a_key = || wrong("is not an ECDSA public key in PEM");
    let key = DecodingKey::from_ec_pem(pem.trim().as_bytes()).map_err(|_| not_a_key())?;
    let point = key.try_get_as_bytes().map_err(|_| not_a_key())?;
    let [p256, p384, p521] = POINT_BYTES;
    let algorithm = match point.len() {
        length if length == p256 => Algorithm::ES256,
        length if length == p384 => Algorithm::ES384,
        length if length == p521 => {
            return Err(wrong("is on P-521, and ES512 is not built; use P-256 or P-384"));
        }
        _ => return Err(not_a_key()),
    };
    // The point is read with the first signature: what is not on its curve is to be known now.
    crypto::verify("", b"", &key, algorithm).map_err(|_| not_a_key())?;
    Ok((key, algorithm))
}
