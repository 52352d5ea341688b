//! `patchcord eval intents`: learns from one file of phrases, and says how well others are understood.

mod rows;
mod score;
mod vectors;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use engines::embedding::Embedder;
use engines::runtime::Runtime;
use intent::{EmbeddedModel, Evidence, Examples, IntentExamples, Model, Ranking};
use serde::Serialize;

use self::rows::Row;
use self::score::{Answer, Figures};
use super::super::{CommandResult, models, models_ready, words};

/// The intent of a phrase that is none of the intents, in training and test files.
const OUT_OF_SCOPE: &str = "oos";

#[derive(Args)]
pub(in crate::command) struct Options {
    /// Phrases to learn from: a JSON object a line with `text` and `intent`; those of intent `oos` are
    /// examples of what is none of the intents
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// Phrases to test with
    #[arg(long, value_name = "FILE")]
    test: PathBuf,
    /// Phrases to test with that are none of the intents
    #[arg(long, value_name = "FILE")]
    oos: Option<PathBuf>,
    /// What decides; by default the ensemble, whose embedding model is fetched once (84 MB), or the linear
    /// model if that fails
    #[arg(long, value_enum)]
    model: Option<Kind>,
    /// The probability of being right below which a phrase counts as none of the intents
    #[arg(long, value_name = "P", default_value_t = 0.5)]
    threshold: f32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Words, pieces of words and their sound
    Linear,
    /// Sentence embeddings
    Embeddings,
    /// Both together
    Ensemble,
}

/// A model that has learned, with what it needs to read a phrase.
enum Learned {
    Linear(Model),
    Embedded(EmbeddedModel, Embedder),
}

#[derive(Serialize)]
struct Report {
    model: Kind,
    intents: usize,
    train_rows: usize,
    /// Rows that could not be learned: without a word, or under two intents.
    dropped_rows: usize,
    #[serde(flatten)]
    figures: Figures,
    threshold: f32,
    us_per_phrase: f64,
    train_s: f64,
}

pub(super) fn run(options: &Options) -> CommandResult {
    let train = rows::read(&options.train)?;
    let mut test = rows::read(&options.test)?;
    if let Some(path) = &options.oos {
        let others = rows::read(path)?.into_iter();
        test.extend(others.map(|row| Row { intent: OUT_OF_SCOPE.to_owned(), ..row }));
    }
    let (kind, embedder) = chosen(options.model)?;
    let began = Instant::now();
    let mut examples = examples(&train);
    let dropped_rows = examples.settle();
    let mut learned = learn(kind, &examples, embedder)?;
    let train_s = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let rankings: Result<Vec<Ranking>, String> =
        test.iter().map(|row| learned.rank(&row.text)).collect();
    let rankings = rankings?;
    let us_per_phrase = began.elapsed().as_secs_f64() * 1e6 / test.len().max(1) as f64;
    let answers: Vec<Answer<'_>> = test
        .iter()
        .zip(&rankings)
        .map(|(row, ranking)| Answer {
            wanted: (row.intent != OUT_OF_SCOPE).then_some(row.intent.as_str()),
            given: ranking.best().map(|best| (learned.name(best.intent), best.probability)),
        })
        .collect();
    let report = Report {
        model: kind,
        intents: examples.intents.len(),
        train_rows: train.len(),
        dropped_rows,
        figures: score::figures(&answers, options.threshold),
        threshold: options.threshold,
        us_per_phrase,
        train_s,
    };
    if options.json {
        println!("{}", serde_json::to_string(&report).map_err(words)?);
    } else {
        print(&report);
    }
    Ok(ExitCode::SUCCESS)
}

/// The kind of model to use, and the embedding model if it needs that. Without a kind asked for by name,
/// the linear model does where there is no embedding model to be had.
fn chosen(asked: Option<Kind>) -> Result<(Kind, Option<Embedder>), String> {
    match asked {
        Some(Kind::Linear) => Ok((Kind::Linear, None)),
        Some(kind) => Ok((kind, Some(embedder()?))),
        None => match embedder() {
            Ok(embedder) => Ok((Kind::Ensemble, Some(embedder))),
            Err(error) => {
                eprintln!("{error}\nusing the linear model, which knows fewer phrases, instead");
                Ok((Kind::Linear, None))
            }
        },
    }
}

/// The embedding model, which is fetched first if it is not there.
fn embedder() -> Result<Embedder, String> {
    let store = models::store()?;
    if store.embedding_dir().is_err() {
        eprintln!("fetching the embedding model; `--model linear` does without");
        models::fetch_with(&store, &[models::Optional::Embedding])?;
    }
    let runtime = Runtime::load(&models_ready()?.onnxruntime).map_err(words)?;
    Embedder::load(runtime, &store.embedding_dir().map_err(words)?).map_err(words)
}

fn examples(rows: &[Row]) -> Examples {
    let mut examples = Examples::default();
    for Row { text, intent } in rows {
        if intent == OUT_OF_SCOPE {
            examples.others.push(text.clone());
            continue;
        }
        match examples.intents.iter_mut().find(|known| known.name == *intent) {
            Some(known) => known.phrases.push(text.clone()),
            None => examples.intents.push(IntentExamples {
                name: intent.clone(),
                phrases: vec![text.clone()],
                keywords: Vec::new(),
            }),
        }
    }
    examples
}

fn learn(kind: Kind, examples: &Examples, embedder: Option<Embedder>) -> Result<Learned, String> {
    let Some(first) = embedder else {
        return Model::learn(examples).map(Learned::Linear).map_err(words);
    };
    let phrases = examples.intents.iter().flat_map(|intent| &intent.phrases);
    let texts: Vec<&str> = phrases.chain(&examples.others).map(String::as_str).collect();
    let mut embedders = vec![first];
    while embedders.len() < vectors::embedders_for(texts.len()) {
        embedders.push(self::embedder()?);
    }
    let known = vectors::embed_all(&mut embedders, &texts).map_err(words)?;
    let mut embedder = embedders.swap_remove(0);
    let evidence = if kind == Kind::Ensemble { Evidence::Both } else { Evidence::Embedding };
    let mut failure = None;
    let model = EmbeddedModel::learn(examples, evidence, &mut |text| match known.get(text) {
        Some(embedding) => embedding.clone(),
        None => embedder.embed(text).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            vec![0.0; engines::embedding::SIZE]
        }),
    });
    match failure {
        Some(error) => Err(words(error)),
        None => Ok(Learned::Embedded(model.map_err(words)?, embedder)),
    }
}

impl Learned {
    fn rank(&mut self, text: &str) -> Result<Ranking, String> {
        match self {
            Learned::Linear(model) => Ok(model.rank_whole(text)),
            Learned::Embedded(model, embedder) => {
                Ok(model.rank_whole(text, &embedder.embed(text).map_err(words)?))
            }
        }
    }

    fn name(&self, intent: intent::IntentId) -> &str {
        match self {
            Learned::Linear(model) => model.name(intent),
            Learned::Embedded(model, _) => model.name(intent),
        }
    }
}

fn print(report: &Report) {
    let Figures { accuracy, macro_f1, in_scope_accuracy, oos_recall, ece, .. } = report.figures;
    let percent = |share: f64| share * 100.0;
    println!("{:?} model, {} intents, {} phrases", report.model, report.intents, report.train_rows);
    println!("accuracy               {:6.2} %   the right intent first", percent(accuracy));
    println!("macro F1               {:6.2} %", percent(macro_f1));
    println!(
        "in scope               {:6.2} %   right, and at {} or likelier",
        percent(in_scope_accuracy),
        report.threshold
    );
    if let Some(recall) = oos_recall {
        println!("out of scope           {:6.2} %   turned away", percent(recall));
    }
    println!("calibration error      {:6.2} %", percent(ece));
    println!("time a phrase          {:8.1} us", report.us_per_phrase);
    println!("time to learn          {:6.2} s", report.train_s);
}
