use super::*;
use crate::models::{Store, StoreError};

/// The model, if it is in the store.
fn embedder() -> Option<Embedder> {
    let store = Store::open(Store::default_dir().ok()?).ok()?;
    let dir = store.embedding_dir().inspect_err(|error| eprintln!("skipped: {error}")).ok()?;
    let runtime = Runtime::load(&store.paths().ok()?.onnxruntime).unwrap();
    Some(Embedder::load(runtime, &dir).unwrap())
}

/// The similarity of two phrases by the last layer, which is what the model's card gives.
fn similarity(embedder: &mut Embedder, a: &str, b: &str) -> f32 {
    let (a, b) = (embedder.embed(a).unwrap(), embedder.embed(b).unwrap());
    a[..WIDTH].iter().zip(&b).map(|(a, b)| a * b).sum()
}

#[test]
fn similarities_are_those_of_the_reference() {
    let Some(mut embedder) = embedder() else { return };
    // As sentence-transformers computes them.
    for (other, expected) in [
        ("That is a happy dog", 0.6946),
        ("That is a very happy person", 0.9429),
        ("Today is a sunny day", 0.2569),
    ] {
        let found = similarity(&mut embedder, "That is a happy person", other);
        assert!((found - expected).abs() < 1e-3, "{other}: {found}");
    }
}

#[test]
fn pieces_are_those_of_the_reference() {
    let Some(embedder) = embedder() else { return };
    // As the crate `tokenizers` cuts them with the model's own `tokenizer.json`.
    for (text, expected) in [
        ("i forgot my pass word", vec![101, 1045, 9471, 2026, 3413, 2773, 102]),
        (
            "What's the re-fund policy?!",
            vec![101, 2054, 1005, 1055, 1996, 2128, 1011, 4636, 3343, 1029, 999, 102],
        ),
        (
            "Zoë's café, 50€ (naïve) 東京",
            vec![
                101, 11199, 1005, 1055, 7668, 1010, 2753, 30102, 1006, 15743, 1007, 1879, 1755, 102,
            ],
        ),
        (
            "supercalifragilistic #1 can't",
            vec![101, 3565, 9289, 10128, 29181, 24411, 4588, 1001, 1015, 2064, 1005, 1056, 102],
        ),
        ("İstanbul straße señor", vec![101, 9960, 2358, 27807, 12411, 2953, 102]),
    ] {
        assert_eq!(embedder.tokens.encode(text, LONGEST), expected, "{text}");
    }
}

#[test]
fn the_longest_and_the_shortest_text_have_an_embedding() {
    let Some(mut embedder) = embedder() else { return };
    for text in ["", &"very ".repeat(2000)] {
        let embedding = embedder.embed(text).unwrap();
        assert_eq!(embedding.len(), SIZE);
        assert!(embedding.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn a_missing_model_names_the_mend() {
    let missing = StoreError::NotRequested { package: "x==1".into(), role: "embedding" };
    assert!(missing.to_string().contains("patchcord models fetch --with embedding"));
}
