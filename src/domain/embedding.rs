//! Vectors that stand for texts and pictures: what is asked for, in which space, and that they have length 1.

use super::chat::{Image, ModelRef, Usage};

/// The space that a vector lives in. Vectors of two spaces must never be compared: each is stored with its space, and a
/// change of any field means embedding everything anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmbeddingSpace {
    /// The model that made it.
    pub model: ModelRef,
    /// How many numbers it has.
    pub dimension: u32,
}

/// What a vector is for. Models that tell queries from documents give different vectors for the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmbeddingTask {
    /// Something that is looked for.
    Query,
    /// Something that may be found.
    Document,
    /// Two things of the same kind are compared.
    Similarity,
}

impl EmbeddingTask {
    /// The word in the store and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Document => "document",
            Self::Similarity => "similarity",
        }
    }
}

/// One thing to embed; what it has becomes one vector together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingInput {
    /// Its title, where it is a document that has one.
    pub title: Option<String>,
    /// Its words.
    pub text: Option<String>,
    /// Its pictures; only models that see take any.
    pub images: Vec<Image>,
}

impl EmbeddingInput {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

/// What is asked of an embedder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingRequest {
    /// The model in its provider's words.
    pub model: Box<str>,
    /// How many numbers a vector has.
    pub dimension: u32,
    /// What the vectors are for.
    pub task: EmbeddingTask,
    /// What to embed, any number of things; the adapter cuts them into as many calls as the provider wants.
    pub inputs: Vec<EmbeddingInput>,
}

/// What came back: as many vectors as inputs, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingAnswer {
    /// The space of all of them.
    pub space: EmbeddingSpace,
    /// The vectors.
    pub vectors: Vec<UnitVector>,
    /// What it used; `None` when the provider did not say.
    pub usage: Option<Usage>,
}

/// A vector of length 1, so that its dot product with another is their cosine.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitVector(Box<[f32]>);

/// Numbers that are no direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVector {
    /// Another number of numbers than was asked for.
    #[error("a vector has {actual} numbers instead of {expected}")]
    Dimension {
        /// As asked.
        expected: u32,
        /// As it came.
        actual: usize,
    },
    /// All zero, or not finite.
    #[error("a vector has no direction")]
    NoDirection,
}

impl UnitVector {
    /// Brings `values` to length 1. Providers do that only for some of their models and sizes (Gemini: not for
    /// `gemini-embedding-001` below 3072).
    pub fn normalise(mut values: Vec<f32>, dimension: u32) -> Result<Self, InvalidVector> {
        if usize::try_from(dimension) != Ok(values.len()) {
            return Err(InvalidVector::Dimension { expected: dimension, actual: values.len() });
        }
        let length = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if !length.is_finite() || length <= f64::EPSILON {
            return Err(InvalidVector::NoDirection);
        }
        for value in &mut values {
            // At most 1, and `f32` is what is stored.
            *value = (f64::from(*value) / length) as f32;
        }
        Ok(Self(values.into()))
    }

    /// The numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_comes_out_with_length_one_and_its_direction() {
        let vector = UnitVector::normalise(vec![3.0, 0.0, -4.0], 3).expect("a direction");
        assert_eq!(vector.as_slice(), [0.6, 0.0, -0.8]);
    }

    #[test]
    fn what_has_no_direction_or_another_size_is_refused() {
        assert_eq!(UnitVector::normalise(vec![0.0; 3], 3), Err(InvalidVector::NoDirection));
        assert_eq!(UnitVector::normalise(vec![f32::NAN, 1.0], 2), Err(InvalidVector::NoDirection));
        assert_eq!(UnitVector::normalise(vec![f32::INFINITY, 1.0], 2), Err(InvalidVector::NoDirection));
        let wrong_size = InvalidVector::Dimension { expected: 3, actual: 2 };
        assert_eq!(UnitVector::normalise(vec![1.0; 2], 3), Err(wrong_size));
    }
}
