//! The weights of a model, out of its ONNX file.
//!
//! An ONNX file is a protobuf message. Of its schema (`onnx.proto`, ONNX 1.x) this knows what leads
//! to the constants of a branch: model, graph, node, attribute, tensor.

/// The file is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OnnxError {
    #[error("it is no ONNX file, or a damaged one")]
    Damaged,
    #[error("it has no weights `{name}` of {len} values")]
    Absent { name: &'static str, len: usize },
}

/// The constants of one graph, by their full names.
pub(super) struct Constants<'f>(Vec<(&'f str, &'f [u8])>);

impl Constants<'_> {
    /// The only constant of `len` 32-bit floats whose name ends with `name`.
    pub(super) fn floats(&self, name: &'static str, len: usize) -> Result<Vec<f32>, OnnxError> {
        let fits = |(full, raw): &&(&str, &[u8])| full.ends_with(name) && raw.len() == 4 * len;
        let mut found = self.0.iter().filter(fits);
        let (Some((_, raw)), None) = (found.next(), found.next()) else {
            return Err(OnnxError::Absent { name, len });
        };
        Ok(raw.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

/// The constants of each branch of the `If` nodes at the top of the model `file`.
pub(super) fn branches(file: &[u8]) -> Result<Vec<Constants<'_>>, OnnxError> {
    let mut branches = Vec::new();
    for graph in messages(file, model::GRAPH)? {
        for node in messages(graph, graph::NODE)? {
            for attribute in messages(node, node::ATTRIBUTE)? {
                for branch in messages(attribute, attribute::GRAPH)? {
                    branches.push(constants(branch)?);
                }
            }
        }
    }
    Ok(branches)
}

fn constants(branch: &[u8]) -> Result<Constants<'_>, OnnxError> {
    let mut constants = Vec::new();
    for node in messages(branch, graph::NODE)? {
        let [name] = messages(node, node::OUTPUT)?[..] else { continue };
        for attribute in messages(node, node::ATTRIBUTE)? {
            for tensor in messages(attribute, attribute::TENSOR)? {
                if let [raw] = messages(tensor, tensor::RAW)?[..] {
                    let name = str::from_utf8(name).map_err(|_| OnnxError::Damaged)?;
                    constants.push((name, raw));
                }
            }
        }
    }
    Ok(Constants(constants))
}

/// Field numbers of `onnx.proto`.
mod model {
    pub(super) const GRAPH: u64 = 7;
}
mod graph {
    pub(super) const NODE: u64 = 1;
}
mod node {
    pub(super) const OUTPUT: u64 = 2;
    pub(super) const ATTRIBUTE: u64 = 5;
}
mod attribute {
    pub(super) const TENSOR: u64 = 5;
    pub(super) const GRAPH: u64 = 6;
}
mod tensor {
    pub(super) const RAW: u64 = 9;
}

/// The length-delimited values of the field `wanted` of a protobuf message.
fn messages(mut message: &[u8], wanted: u64) -> Result<Vec<&[u8]>, OnnxError> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let len = match key & 7 {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?).map_err(|_| OnnxError::Damaged)?,
            5 => 4,
            _ => return Err(OnnxError::Damaged),
        };
        let (value, rest) = message.split_at_checked(len).ok_or(OnnxError::Damaged)?;
        if key == wanted << 3 | 2 {
            found.push(value);
        }
        message = rest;
    }
    Ok(found)
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn varint(bytes: &mut &[u8]) -> Result<u64, OnnxError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(OnnxError::Damaged)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(OnnxError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u64, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![(number << 3 | 2) as u8];
        let len = value.len() as u8;
        assert!(len < 0x80, "one byte of length will do");
        bytes.push(len);
        bytes.extend_from_slice(value);
        bytes
    }

    /// A model with an `If` of one branch that holds the constant `branch__weight`.
    fn file() -> Vec<u8> {
        let floats: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let tensor = [&[0x08, 0x96, 0x01][..], &field(tensor::RAW, &floats)].concat();
        let attribute = field(node::ATTRIBUTE, &field(attribute::TENSOR, &tensor));
        let constant = [field(node::OUTPUT, b"branch__weight"), attribute].concat();
        let branch = field(attribute::GRAPH, &field(graph::NODE, &constant));
        field(model::GRAPH, &field(graph::NODE, &field(node::ATTRIBUTE, &branch)))
    }

    #[test]
    fn a_constant_is_found_by_the_end_of_its_name_and_its_length() {
        let file = file();
        let branches = branches(&file).unwrap();
        assert_eq!(branches.len(), 1);
        assert_eq!(branches[0].floats("__weight", 2), Ok(vec![1.5, -2.0]));
        let absent = OnnxError::Absent { name: "__weight", len: 3 };
        assert_eq!(branches[0].floats("__weight", 3), Err(absent));
        assert!(branches[0].floats("__bias", 2).is_err());
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_ends() {
        let file = file();
        for end in 1..file.len() {
            assert!(branches(&file[..end]).is_err(), "cut after {end} bytes");
        }
        assert!(branches(b"plain text").is_err());
        assert!(branches(&[0xff; 40]).is_err());
    }
}
