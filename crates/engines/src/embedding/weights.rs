//! The weights of a model as the format "safetensors" has them: the length of a JSON header, the
//! header with each tensor's type, shape and place, and the numbers.

use std::collections::HashMap;

use serde::Deserialize;

/// A file of weights, read whole.
pub(super) struct Weights {
    file: Vec<u8>,
    /// Where the numbers begin.
    data: usize,
    tensors: HashMap<String, Tensor>,
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// What is wrong with a file of weights.
#[derive(Debug, thiserror::Error)]
pub(super) enum WeightsError {
    #[error("it is not a safetensors file")]
    Damaged,
    #[error("it holds no {0} of the expected shape and type")]
    Tensor(String),
}

impl Weights {
    pub(super) fn parse(file: Vec<u8>) -> Result<Self, WeightsError> {
        const LENGTH: usize = size_of::<u64>();
        let length = file.first_chunk::<LENGTH>().copied().ok_or(WeightsError::Damaged)?;
        let length =
            usize::try_from(u64::from_le_bytes(length)).map_err(|_| WeightsError::Damaged)?;
        let data = length.checked_add(LENGTH).ok_or(WeightsError::Damaged)?;
        let header = file.get(LENGTH..data).ok_or(WeightsError::Damaged)?;
        let header: HashMap<String, serde_json::Value> =
            serde_json::from_slice(header).map_err(|_| WeightsError::Damaged)?;
        // What is no tensor, such as `__metadata__`, is left out.
        let tensors = header
            .into_iter()
            .filter_map(|(name, value)| Some((name, serde_json::from_value(value).ok()?)));
        Ok(Self { data, tensors: tensors.collect(), file })
    }

    /// The 32-bit numbers of the tensor `name`, which must have this shape.
    pub(super) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let bytes = self.tensors.get(name).and_then(|tensor| {
            let fits = tensor.dtype == "F32" && tensor.shape == shape;
            let [from, to] = tensor.data_offsets;
            let bytes = self.file.get(self.data..)?.get(from..to)?;
            let long = bytes.len() == shape.iter().product::<usize>() * size_of::<f32>();
            (fits && long).then_some(bytes)
        });
        let bytes = bytes.ok_or_else(|| WeightsError::Tensor(name.to_owned()))?;
        Ok(bytes.as_chunks().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, numbers: &[f32]) -> Vec<u8> {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        file
    }

    #[test]
    fn a_tensor_is_found_by_name_and_shape() {
        let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}}"#;
        let weights = Weights::parse(file(header, &[1.0, 2.0, 3.0])).unwrap();
        assert_eq!(weights.floats("a", &[1, 2]).unwrap(), [2.0, 3.0]);
        assert!(matches!(weights.floats("a", &[2, 1]), Err(WeightsError::Tensor(_))));
        assert!(matches!(weights.floats("b", &[1, 2]), Err(WeightsError::Tensor(_))));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let far = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[90,94]}}"#;
        assert!(Weights::parse(file(far, &[1.0])).unwrap().floats("a", &[1]).is_err());
        for damaged in [vec![], vec![255; 8], vec![255; 100], file("not json", &[])] {
            assert!(matches!(Weights::parse(damaged), Err(WeightsError::Damaged)));
        }
    }
}
