//! Numbers of as many bytes as they need.

use super::Damaged;

/// Appends a number, 7 bits a byte, the lowest first.
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a number that may be below zero, small ones of either sign in few bytes.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends a length and that many bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads bytes from the front.
#[derive(Debug, Clone)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Reads from these.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all is read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    ///
    /// When there are fewer.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Damaged("too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next byte.
    ///
    /// # Errors
    ///
    /// At the end.
    pub fn byte(&mut self) -> Result<u8, Damaged> {
        Ok(self.take(1)?[0])
    }

    /// The next number.
    ///
    /// # Errors
    ///
    /// At the end, or when it has more than 64 bits.
    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damaged("number too long"))
    }

    /// The next number that may be below zero.
    ///
    /// # Errors
    ///
    /// As [`Bytes::number`].
    pub fn signed(&mut self) -> Result<i64, Damaged> {
        let zigzag = self.number()?;
        Ok(((zigzag >> 1) as i64) ^ -((zigzag & 1) as i64))
    }

    /// The next number, which counts something of which there are `max` at most.
    ///
    /// # Errors
    ///
    /// As [`Bytes::number`], and when it is above `max`.
    pub fn count(&mut self, max: usize) -> Result<usize, Damaged> {
        match usize::try_from(self.number()?) {
            Ok(count) if count <= max => Ok(count),
            _ => Err(Damaged("too many")),
        }
    }

    /// The next length and that many bytes.
    ///
    /// # Errors
    ///
    /// When there are fewer.
    pub fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let n = self.count(self.0.len())?;
        self.take(n)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(value: u64, signed: i64) {
            let mut out = Vec::new();
            put(&mut out, value);
            put_signed(&mut out, signed);
            let mut bytes = Bytes::new(&out);
            prop_assert_eq!(bytes.number(), Ok(value));
            prop_assert_eq!(bytes.signed(), Ok(signed));
            prop_assert!(bytes.is_empty());
        }

        #[test]
        fn any_bytes_are_taken(noise: Vec<u8>) {
            let mut bytes = Bytes::new(&noise);
            while bytes.number().is_ok() || bytes.bytes().is_ok() {}
        }
    }
}
