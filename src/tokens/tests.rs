//! Tokens are signed here with keys that were made for these tests and guard nothing.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{ConnectionClaims, Settings, SubscriptionClaims, TokenError, Verifier};

const NOW_S: i64 = 1_800_000_000;
const SECRET: &str = "a secret of these tests";

const RSA_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDgBdBcAAPd+BM4
4TkJkQwcin5ABJgG2yUPvufBRcyRIMp09am/glY97CkmEXwtxr7YUOHolPxsO3qr
5wEsVqZWEJc9JPGcmd9UXlYMZ7JxriPKl1R3pdNG0wo3qiqV6kFQaGDdITammChe
cCqKoZlG++Wx7jw4HPDyEaPRO6R/807PkF4LvXPK9nQq6t1IUKlyS+fwOZcEHN9E
e5o4AuUR45nO6EkUXrXz4CSlEMr/JAFFPSlovGyIcp+EFcdnrMydo2+qhxo5yg8y
V6be/bnOjQ4A1QZ24JJ1tTjgksBxRYQpFre5OxcVFZDNGkXwHs20umb769Qe1DXg
qXfeQEJPAgMBAAECggEAOY9k3O6oD7V5AuljpWCecwrmq35CrahLGoObup47lKKP
QoQIjItpq1ltrTla5cwmJyCJGyCExy51M4wUUhclgAGdSnmelvU2W9AtXdybDfiH
e7tsWZ3C7nS1MF5JuOFKzOU01jx9dUqtPK6nT51767A3cYNb97L/+cKsi8s+Vh1r
ta4KXVHcW6+Hq0sqKox7uBN1yQCNpPloUdGa6EnXB9YnLg6kpeQ3zkgVfKT2UDkY
s4c3/J/3O0tweyTIY6jPF0t1qoIbJKGJpCCw2eYUIRjX616zpsdx9N/tpJEVmkd8
Kri6pB+ktp9EbsLLnVYh88TRw3OiU5tnqgN9T7n3iQKBgQD/aW5Eue7jhPwSCsPD
SyQ6YBx8gwSyOvyDLOvk7/rUfgsYeopa/jyGp3RdogbMrL8ffUV8+bj1ac8mJy7P
F2Pm/67RouXwsdNsQ5XFJtjCZpZvoUlJxU4kwUsXzbwqHpwf5qg1u6v06I1XEC+5
baH48Ri1Kh4jVrK2pP9uiXg56wKBgQDgieD4LAZFg0rsH8ZzR4VGZSEGUifa5VOq
K5HDwY0lLqcv4ovU7tI1GTBxwjkAS59iLKwMCAAENoMQquN6/Xy+Bv+f7j6MBNQy
riPwq38qC0HPu8WVW09P6uc1wc+6aKinthDWeYS42EsvecMPvQHOPmHtC6jIEZwt
89gFHeE8LQKBgHowfTFh5lhwkYssHTV76EwJGPe0UnXV5GH5Bq2S5WPtHO/MCA66
HEirKe91iV03s4OkEa9VZNf7k7+D9U/bt86WOZNPJEQ/Po9H0gnsqLxwCb5D4eTq
AJVy57LumPtpg3V7irOSIhTbgGrLcpl6SofnB9P730k2u+7HBvBh0eObAoGAD/ug
iOnRVHdhCOfGH4SSxw0BycplTd6PEwjg6ldHrcLhYbY1j+WkDuWJHj/eANhhMwLN
CFo1bhdXQwN3B9UtYPVskrzJtPvPAwCETGhYt+xvNdM+4D/MqHqnFJuEJte2UaHT
FwE1Ylb7GxkGuoMQstab79ypmfwu6tJ1qP+Ufc0CgYEAgrMFvf7dLylFrE+t42Rc
MOhF7fpTD7IIxiYl3gZ1iJa0tVAu3rXCa9Sa09rpXTb7bOq+I20jTcojWLQ37T87
jhsWftAiQHaEi2eTkqWR74+BNHHnV23OZ6B+K2oQ9Ws215Rgx28BE5/jD+2G/xq0
Pdlyj2GSP321g0CQ9nzlOR0=
-----END PRIVATE KEY-----
";
const RSA_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4AXQXAAD3fgTOOE5CZEM
HIp+QASYBtslD77nwUXMkSDKdPWpv4JWPewpJhF8Lca+2FDh6JT8bDt6q+cBLFam
VhCXPSTxnJnfVF5WDGeyca4jypdUd6XTRtMKN6oqlepBUGhg3SE2ppgoXnAqiqGZ
Rvvlse48OBzw8hGj0Tukf/NOz5BeC71zyvZ0KurdSFCpckvn8DmXBBzfRHuaOALl
EeOZzuhJFF618+AkpRDK/yQBRT0paLxsiHKfhBXHZ6zMnaNvqocaOcoPMlem3v25
zo0OANUGduCSdbU44JLAcUWEKRa3uTsXFRWQzRpF8B7NtLpm++vUHtQ14Kl33kBC
TwIDAQAB
-----END PUBLIC KEY-----
";
/// The same key in the older form.
const RSA_PUBLIC_PKCS1: &str = "-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEA4AXQXAAD3fgTOOE5CZEMHIp+QASYBtslD77nwUXMkSDKdPWpv4JW
PewpJhF8Lca+2FDh6JT8bDt6q+cBLFamVhCXPSTxnJnfVF5WDGeyca4jypdUd6XT
RtMKN6oqlepBUGhg3SE2ppgoXnAqiqGZRvvlse48OBzw8hGj0Tukf/NOz5BeC71z
yvZ0KurdSFCpckvn8DmXBBzfRHuaOALlEeOZzuhJFF618+AkpRDK/yQBRT0paLxs
iHKfhBXHZ6zMnaNvqocaOcoPMlem3v25zo0OANUGduCSdbU44JLAcUWEKRa3uTsX
FRWQzRpF8B7NtLpm++vUHtQ14Kl33kBCTwIDAQAB
-----END RSA PUBLIC KEY-----
";
const P256_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHLV54Vgl6KvuZ8QC
vG+lA/9wFzhxc8qcxmONaKIHQBWhRANCAAREYezOlbLyaNYyAOqRKvfJ21ZrrYhT
p+sFNJDzMO5SqFypp/hidkKRWns1vhNGj1CRL/hI0ogEyGNdBAC2aoMf
-----END PRIVATE KEY-----
";
const P256_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERGHszpWy8mjWMgDqkSr3ydtWa62I
U6frBTSQ8zDuUqhcqaf4YnZCkVp7Nb4TRo9QkS/4SNKIBMhjXQQAtmqDHw==
-----END PUBLIC KEY-----
";
const P384_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCrn4awTrQZoR1VZXG0
3VX2FtFXUNp5C5ZAqf0mg6pKR8tc72TzL88pFsdHd2YBFamhZANiAAQRzePYi9uf
eYbdgYB6qTATINRMqu6B3Uwl4gs5d8joBO+uOipfMZBaBK9LjmMYlnrPswVwjb1t
wfxAGeRrCsuCmfaROxTystXOFaY0K3DXeOVRN5DyRwG7/L5ZDaALc/0=
-----END PRIVATE KEY-----
";
const P384_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEEc3j2Ivbn3mG3YGAeqkwEyDUTKrugd1M
JeILOXfI6ATvrjoqXzGQWgSvS45jGJZ6z7MFcI29bcH8QBnkawrLgpn2kTsU8rLV
zhWmNCtw13jlUTeQ8kcBu/y+WQ2gC3P9
-----END PUBLIC KEY-----
";
const P521_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAfIsK1+hQm1sO2x1dlv5p+ud6CrVe
UDGdkg+VB6ramFEyTf845ThZpgwJUXn/5vjRW1YCNwsSXlKH0jXAJUuqbh8Bq90B
rxBheDiEUYG5C7fM8ofxSF8K6JPuPN4sCvrj0xD4cfvbLdb8bnO8Gwjqv6Ws8k0h
3mh9UN2OGUT3fAZJP9w=
-----END PUBLIC KEY-----
";

fn all_keys() -> Settings {
    Settings {
        hmac_secret_key: Some(SECRET.to_owned()),
        rsa_public_key: Some(RSA_PUBLIC.to_owned()),
        ecdsa_public_key: Some(P256_PUBLIC.to_owned()),
        ..Settings::default()
    }
}

fn hmac() -> Settings {
    Settings { hmac_secret_key: Some(SECRET.to_owned()), ..Settings::default() }
}

fn sign(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn signed(claims: &Value) -> String {
    sign(Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()), claims)
}

fn connection(settings: &Settings, token: &str) -> Result<ConnectionClaims, TokenError> {
    Verifier::new(settings).unwrap().connection(token, NOW_S)
}

fn read(claims: &Value) -> ConnectionClaims {
    connection(&hmac(), &signed(claims)).unwrap()
}

fn read_subscription(claims: &Value) -> Result<SubscriptionClaims, TokenError> {
    Verifier::new(&hmac()).unwrap().subscription(&signed(claims), NOW_S)
}

#[track_caller]
fn invalid<T: std::fmt::Debug>(result: Result<T, TokenError>, why: &str) {
    match result {
        Err(TokenError::Invalid(said)) => assert!(said.contains(why), "{said}"),
        other => panic!("{other:?}"),
    }
}

/// A token whose header and signature are written by hand.
fn forged(header: &Value, signature: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(&json!({ "sub": "42" })))
}

#[test]
fn each_algorithm_is_checked_by_its_own_key() {
    use Algorithm::{ES256, ES384, HS256, HS384, HS512, RS256, RS384, RS512};
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let rsa = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
    let p256 = EncodingKey::from_ec_pem(P256_PRIVATE.as_bytes()).unwrap();
    let p384 = EncodingKey::from_ec_pem(P384_PRIVATE.as_bytes()).unwrap();
    let on_p384 = Settings { ecdsa_public_key: Some(P384_PUBLIC.to_owned()), ..all_keys() };
    let claims = json!({ "sub": "42" });
    for (algorithm, key, settings) in [
        (HS256, &secret, &all_keys()),
        (HS384, &secret, &all_keys()),
        (HS512, &secret, &all_keys()),
        (RS256, &rsa, &all_keys()),
        (RS384, &rsa, &all_keys()),
        (RS512, &rsa, &all_keys()),
        (ES256, &p256, &all_keys()),
        (ES384, &p384, &on_p384),
    ] {
        let token = sign(algorithm, key, &claims);
        assert_eq!(connection(settings, &token).unwrap().user, "42", "{algorithm:?}");
        // The same signature over other claims.
        let mut parts: Vec<&str> = token.split('.').collect();
        let other = signed(&json!({ "sub": "43" }));
        parts[1] = other.split('.').nth(1).unwrap();
        invalid(connection(settings, &parts.join(".")), "signed");
        invalid(connection(&Settings::default(), &token), "signed");
    }
    let older = Settings { rsa_public_key: Some(RSA_PUBLIC_PKCS1.to_owned()), ..Settings::default() };
    assert!(connection(&older, &sign(RS256, &rsa, &claims)).is_ok());
    invalid(connection(&all_keys(), &sign(ES384, &p384, &claims)), "no ES384 key");
    let other = EncodingKey::from_secret(b"another");
    invalid(connection(&all_keys(), &sign(HS256, &other, &claims)), "no HS256 key");
}

#[test]
fn a_public_key_is_never_a_secret() {
    // Who knows the public key signs with its text, as if it were the secret of HS256.
    for public in [RSA_PUBLIC, P256_PUBLIC] {
        for text in [public, public.trim_end()] {
            let token = sign(
                Algorithm::HS256,
                &EncodingKey::from_secret(text.as_bytes()),
                &json!({ "sub": "admin" }),
            );
            let keys = Settings { hmac_secret_key: None, ..all_keys() };
            invalid(connection(&keys, &token), "no HS256 key");
            invalid(connection(&all_keys(), &token), "no HS256 key");
        }
    }
}

#[test]
fn a_token_without_a_signature_is_refused() {
    for alg in ["none", "None", "", "PS256", "EdDSA", "ES512"] {
        invalid(connection(&all_keys(), &forged(&json!({ "alg": alg }), "")), "algorithm");
    }
    invalid(connection(&all_keys(), &forged(&json!({ "alg": "HS256" }), "")), "signed");
    invalid(connection(&all_keys(), &forged(&json!({}), "")), "no signed JSON web token");
    for token in ["", ".", "..", "a.b.c", "a.b.c.d", &"x".repeat(100)] {
        invalid(connection(&all_keys(), token), "no signed JSON web token");
    }
    let skip = Settings { skip_signature: true, ..Settings::default() };
    assert_eq!(connection(&skip, &forged(&json!({ "alg": "none" }), "")).unwrap().user, "42");
}

#[test]
fn the_secret_before_is_taken_for_a_while() {
    let token = signed(&json!({ "sub": "42" }));
    let until = |until| Settings {
        hmac_secret_key: Some("the new one".to_owned()),
        hmac_previous_secret_key: Some(SECRET.to_owned()),
        hmac_previous_secret_key_valid_until: until,
        ..Settings::default()
    };
    assert!(connection(&until(None), &token).is_ok());
    assert!(connection(&until(Some(NOW_S)), &token).is_ok());
    invalid(connection(&until(Some(NOW_S - 1)), &token), "no HS256 key");
}

#[test]
fn an_empty_secret_is_none() {
    let empty = Settings { hmac_secret_key: Some(String::new()), ..Settings::default() };
    let token = sign(Algorithm::HS256, &EncodingKey::from_secret(b""), &json!({ "sub": "42" }));
    invalid(connection(&empty, &token), "no HS256 key");
}

#[test]
fn a_token_holds_in_its_time() {
    let ends = |claims: Value| connection(&hmac(), &signed(&claims)).map(|claims| claims.expires_at);
    assert_eq!(ends(json!({})), Ok(None));
    assert_eq!(ends(json!({ "exp": null, "nbf": null })), Ok(None));
    assert_eq!(ends(json!({ "exp": NOW_S + 1 })), Ok(Some(NOW_S + 1)));
    assert_eq!(ends(json!({ "exp": 1_800_000_001.5 })), Ok(Some(NOW_S + 1)));
    assert_eq!(ends(json!({ "exp": NOW_S })), Err(TokenError::Expired));
    assert_eq!(ends(json!({ "nbf": NOW_S })), Ok(None));
    assert_eq!(ends(json!({ "nbf": NOW_S + 1 })), Err(TokenError::Expired));
    // What is not a time is not "never".
    for claims in [json!({ "exp": "soon" }), json!({ "nbf": [] }), json!({ "expire_at": "0" })] {
        invalid(ends(claims), "claims");
    }
    // `expire_at` says when the connection expires, `exp` until when one may connect.
    assert_eq!(ends(json!({ "exp": NOW_S + 9, "expire_at": 0 })), Ok(None));
    assert_eq!(ends(json!({ "exp": NOW_S + 9, "expire_at": NOW_S - 5 })), Ok(Some(NOW_S - 5)));
    assert_eq!(ends(json!({ "exp": i64::MAX })), Ok(Some(NOW_S + 365 * 86_400)));
    let foreign = sign(Algorithm::HS256, &EncodingKey::from_secret(b"x"), &json!({ "exp": 1 }));
    invalid(connection(&hmac(), &foreign), "signed");
}

#[test]
fn audience_and_issuer_are_ours() {
    let text = |text: &str| Some(text.to_owned());
    let with = |settings: Settings, claims: Value| connection(&settings, &signed(&claims)).map(|_| ());
    let audience = || Settings { audience: text("shop"), ..hmac() };
    assert!(with(audience(), json!({ "aud": "shop" })).is_ok());
    assert!(with(audience(), json!({ "aud": ["till", "shop"] })).is_ok());
    for claims in [json!({}), json!({ "aud": "shops" }), json!({ "aud": [] })] {
        invalid(with(audience(), claims), "`aud`");
    }
    let audience = || Settings { audience_regex: text("^shop-[0-9]+$"), ..hmac() };
    assert!(with(audience(), json!({ "aud": ["x", "shop-7"] })).is_ok());
    invalid(with(audience(), json!({ "aud": "shop-x" })), "`aud`");
    let issuer = || Settings { issuer: text("https://id.example"), ..hmac() };
    assert!(with(issuer(), json!({ "iss": "https://id.example" })).is_ok());
    invalid(with(issuer(), json!({})), "`iss`");
    let issuer = || Settings { issuer_regex: text("^https://[a-z]+[.]example$"), ..hmac() };
    assert!(with(issuer(), json!({ "iss": "https://id.example" })).is_ok());
    invalid(with(issuer(), json!({ "iss": "https://id.example.org" })), "`iss`");
    invalid(with(hmac(), json!({ "aud": 7 })), "claims");
}

#[test]
fn claims_have_their_types() {
    for claims in [
        json!({ "sub": 42 }),
        json!({ "channels": "a" }),
        json!({ "channels": [1] }),
        json!({ "subs": [] }),
        json!({ "subs": { "a": { "override": { "presence": true } } } }),
        json!({ "b64info": 1 }),
        json!({ "iss": {} }),
        json!([]),
        json!("text"),
    ] {
        invalid(connection(&hmac(), &signed(&claims)), "claims");
    }
}

#[test]
fn info_is_json_in_either_form() {
    let info = |claims: Value| read(&claims).info.map(|info| info.get().to_owned());
    assert_eq!(info(json!({ "info": { "name": "Bo" } })).as_deref(), Some(r#"{"name":"Bo"}"#));
    assert_eq!(info(json!({ "info": 1, "b64info": "eyJuIjoyfQ==" })).as_deref(), Some(r#"{"n":2}"#));
    assert_eq!(info(json!({ "info": 1, "b64info": "" })).as_deref(), Some("1"));
    assert_eq!(info(json!({ "info": null })), None);
    for wrong in ["eyJuIjoyfQ", "!", "eA=="] {
        invalid(connection(&hmac(), &signed(&json!({ "b64info": wrong }))), "b64info");
    }
    let claims = read(&json!({ "meta": { "role": "admin" } }));
    assert_eq!(claims.meta.unwrap().get(), r#"{"role":"admin"}"#);
}

#[test]
fn subs_stand_before_channels() {
    let claims = read(&json!({ "sub": "42", "channels": ["a", "b"] }));
    assert_eq!(
        (claims.channels.as_slice(), claims.subs.len()),
        (["a".to_owned(), "b".to_owned()].as_slice(), 0)
    );
    let claims = read(&json!({
        "channels": ["a"],
        "subs": {
            "n:2": { "info": 1, "b64data": "Mg==", "override": { "presence": { "value": true }, "force_recovery": {} } },
            "n:1": {},
        },
    }));
    assert!(claims.channels.is_empty());
    let [(first, _), (second, grant)] = claims.subs.as_slice() else { panic!("{claims:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("n:1", "n:2"));
    assert_eq!((grant.info.as_ref().unwrap().get(), grant.data.as_ref().unwrap().get()), ("1", "2"));
    assert_eq!((grant.overrides.presence, grant.overrides.force_recovery), (Some(true), Some(false)));
    assert_eq!(grant.overrides.join_leave, None);
    let claims = read(&json!({ "channels": ["a"], "subs": {} }));
    assert_eq!(claims.channels, ["a"]);
}

#[test]
fn another_claim_may_name_the_user() {
    let settings = Settings { user_id_claim: Some("user_id".to_owned()), ..hmac() };
    let user = |claims: Value| connection(&settings, &signed(&claims)).unwrap().user;
    assert_eq!(user(json!({ "sub": "a", "user_id": "b" })), "b");
    assert_eq!(user(json!({ "sub": "a", "user_id": 42 })), "42");
    assert_eq!(user(json!({ "sub": "a" })), "");
    assert_eq!(user(json!({ "sub": "a", "user_id": null })), "");
}

#[test]
fn a_subscription_has_a_token_of_its_own() {
    let claims = json!({
        "sub": "42", "channel": "$private", "client": "c1", "exp": NOW_S + 60, "info": {}, "data": [1],
        "override": { "join_leave": { "value": false } },
    });
    let read = read_subscription(&claims).unwrap();
    assert_eq!(
        (read.user.as_str(), read.channel.as_str(), read.client.as_deref()),
        ("42", "$private", Some("c1"))
    );
    assert_eq!((read.expires_at, read.grant.data.unwrap().get()), (Some(NOW_S + 60), "[1]"));
    assert_eq!(read.grant.overrides.join_leave, Some(false));
    // Neither token is taken for the other.
    invalid(connection(&hmac(), &signed(&claims)), "subscription's");
    invalid(read_subscription(&json!({ "sub": "42" })), "no channel");
    let expired = json!({ "channel": "a", "exp": NOW_S });
    assert_eq!(read_subscription(&expired).unwrap_err(), TokenError::Expired);
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let text = |text: &str| Some(text.to_owned());
    let wrong = |settings: Settings| Verifier::new(&settings).unwrap_err();
    let not = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
    for (settings, key) in [
        (Settings { rsa_public_key: text("x"), ..Settings::default() }, "rsa_public_key"),
        (Settings { rsa_public_key: text(P256_PUBLIC), ..Settings::default() }, "rsa_public_key"),
        (Settings { ecdsa_public_key: text(not), ..Settings::default() }, "ecdsa_public_key"),
        (Settings { ecdsa_public_key: text(RSA_PUBLIC), ..Settings::default() }, "ecdsa_public_key"),
        (Settings { user_id_claim: text("a.b"), ..Settings::default() }, "user_id_claim"),
        (Settings { issuer_regex: text("("), ..Settings::default() }, "issuer_regex"),
        (
            Settings { audience: text("a"), audience_regex: text("a"), ..Settings::default() },
            "audience_regex",
        ),
    ] {
        assert_eq!(wrong(settings).key, key);
    }
    let error = wrong(Settings { ecdsa_public_key: text(P521_PUBLIC), ..Settings::default() });
    assert!(error.to_string().contains("ES512"), "{error}");
}

#[test]
fn keys_are_not_shown() {
    let shown = format!("{:?} {:?}", all_keys(), Verifier::new(&all_keys()).unwrap());
    assert!(!shown.contains(SECRET) && !shown.contains("BEGIN"), "{shown}");
}
