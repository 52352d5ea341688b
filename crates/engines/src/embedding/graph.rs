//! A model as ONNX Runtime reads it: the protobuf messages of ONNX (`onnx.proto`, IR version 8), written
//! from weights, for packages that bring weights but no graph.

/// ONNX's own operators, and those that ONNX Runtime adds to them, of which many are several in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operators {
    Onnx,
    Runtime,
}

/// An attribute of a node.
#[derive(Debug, Clone, Copy)]
pub(super) enum Setting {
    Float(&'static str, f32),
    Int(&'static str, i64),
}

/// A graph under construction. A value is known by its name.
#[derive(Debug, Default)]
pub(super) struct Graph {
    body: Vec<u8>,
    values: usize,
}

/// The versions of both sets of operators.
const ONNX: u64 = 17;
const RUNTIME: u64 = 1;
const RUNTIME_DOMAIN: &str = "com.microsoft";
const IR: u64 = 8;
/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;
/// `AttributeProto.AttributeType`.
const FLOAT_SETTING: u64 = 1;
const INT_SETTING: u64 = 2;

impl Graph {
    /// A constant of this shape, its last dimension the innermost.
    pub(super) fn constant(&mut self, shape: &[usize], numbers: &[f32]) -> String {
        let name = self.name();
        let mut tensor = Vec::new();
        for &size in shape {
            varint_field(&mut tensor, 1, size as u64);
        }
        varint_field(&mut tensor, 2, FLOAT);
        bytes_field(&mut tensor, 8, name.as_bytes());
        let raw: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes_field(&mut tensor, 9, &raw);
        bytes_field(&mut self.body, 5, &tensor);
        name
    }

    /// What an operator makes of `inputs`.
    pub(super) fn node(
        &mut self,
        (operators, operator): (Operators, &str),
        inputs: &[&str],
        settings: &[Setting],
    ) -> String {
        let name = self.name();
        let mut node = Vec::new();
        for input in inputs {
            bytes_field(&mut node, 1, input.as_bytes());
        }
        bytes_field(&mut node, 2, name.as_bytes());
        bytes_field(&mut node, 4, operator.as_bytes());
        for setting in settings {
            bytes_field(&mut node, 5, &attribute(*setting));
        }
        if operators == Operators::Runtime {
            bytes_field(&mut node, 7, RUNTIME_DOMAIN.as_bytes());
        }
        bytes_field(&mut self.body, 1, &node);
        name
    }

    /// The whole model: a tensor of `rank` dimensions of any size goes in as `input`, and others of as
    /// many come out as `outputs`.
    pub(super) fn model(mut self, input: &str, outputs: &[String], rank: usize) -> Vec<u8> {
        bytes_field(&mut self.body, 2, b"patchcord");
        bytes_field(&mut self.body, 11, &value(input, rank));
        for output in outputs {
            bytes_field(&mut self.body, 12, &value(output, rank));
        }
        let mut model = Vec::with_capacity(self.body.len() + 64);
        varint_field(&mut model, 1, IR);
        for (domain, version) in [("", ONNX), (RUNTIME_DOMAIN, RUNTIME)] {
            let mut operators = Vec::new();
            bytes_field(&mut operators, 1, domain.as_bytes());
            varint_field(&mut operators, 2, version);
            bytes_field(&mut model, 8, &operators);
        }
        bytes_field(&mut model, 7, &self.body);
        model
    }

    fn name(&mut self) -> String {
        self.values += 1;
        format!("v{}", self.values)
    }
}

fn attribute(setting: Setting) -> Vec<u8> {
    let mut message = Vec::new();
    match setting {
        Setting::Float(name, number) => {
            bytes_field(&mut message, 1, name.as_bytes());
            key(&mut message, 2, FIXED_32);
            message.extend(number.to_le_bytes());
            varint_field(&mut message, 20, FLOAT_SETTING);
        }
        Setting::Int(name, number) => {
            bytes_field(&mut message, 1, name.as_bytes());
            varint_field(&mut message, 3, number.cast_unsigned());
            varint_field(&mut message, 20, INT_SETTING);
        }
    }
    message
}

/// A `ValueInfoProto` of 32-bit floats whose dimensions have names in place of sizes.
fn value(name: &str, rank: usize) -> Vec<u8> {
    let mut shape = Vec::new();
    for dimension in 0..rank {
        let mut size = Vec::new();
        bytes_field(&mut size, 2, format!("{name}{dimension}").as_bytes());
        bytes_field(&mut shape, 1, &size);
    }
    let mut tensor = Vec::new();
    varint_field(&mut tensor, 1, FLOAT);
    bytes_field(&mut tensor, 2, &shape);
    let mut kind = Vec::new();
    bytes_field(&mut kind, 1, &tensor);
    let mut value = Vec::new();
    bytes_field(&mut value, 1, name.as_bytes());
    bytes_field(&mut value, 2, &kind);
    value
}

/// Protobuf's wire types.
const VARINT: u64 = 0;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

fn key(message: &mut Vec<u8>, field: u64, wire: u64) {
    varint(message, field << 3 | wire);
}

fn varint_field(message: &mut Vec<u8>, field: u64, number: u64) {
    key(message, field, VARINT);
    varint(message, number);
}

fn bytes_field(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    key(message, field, BYTES);
    varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_protobuf_has_them() {
        let mut message = Vec::new();
        varint_field(&mut message, 1, 150);
        bytes_field(&mut message, 2, b"testing");
        // Both are the examples of protobuf's own documentation of its encoding.
        assert_eq!(message, b"\x08\x96\x01\x12\x07testing");
    }

    #[test]
    fn every_value_has_a_name_of_its_own() {
        let mut graph = Graph::default();
        let weights = graph.constant(&[1, 2], &[1.0, 2.0]);
        let product = graph.node((Operators::Onnx, "MatMul"), &["x", &weights], &[]);
        assert_ne!(weights, product);
        let model = graph.model("x", std::slice::from_ref(&product), 2);
        let has = |text: &str| model.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has("MatMul") && has(RUNTIME_DOMAIN) && has(&product));
    }
}
