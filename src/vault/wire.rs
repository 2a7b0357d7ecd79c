//! Reading and writing the vault's binary fields: big-endian integers and
//! length-prefixed strings, with every length checked.

/// The bytes ended early or a length is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short;

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).expect("class and epoch names are short");
    out.push(length);
    out.extend_from_slice(text.as_bytes());
}

/// Takes fields from the front of a slice.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Short> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8, Short> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, Short> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, Short> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Short> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64, Short> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub fn text(&mut self) -> Result<String, Short> {
        let length = self.u8()?;
        let bytes = self.bytes(usize::from(length))?;
        String::from_utf8(bytes.to_vec()).map_err(|_| Short)
    }
}
