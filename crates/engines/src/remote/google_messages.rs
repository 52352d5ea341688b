//! The messages of `google/cloud/speech/v1/cloud_speech.proto` that are used, with the fields that are used.

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StreamingRecognizeRequest {
    /// Either this or audio.
    #[prost(message, optional, tag = "1")]
    pub streaming_config: Option<StreamingRecognitionConfig>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub audio_content: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StreamingRecognitionConfig {
    #[prost(message, optional, tag = "1")]
    pub config: Option<RecognitionConfig>,
    #[prost(bool, tag = "3")]
    pub interim_results: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RecognitionConfig {
    #[prost(int32, tag = "1")]
    pub encoding: i32,
    #[prost(int32, tag = "2")]
    pub sample_rate_hertz: i32,
    #[prost(string, tag = "3")]
    pub language_code: String,
    #[prost(int32, tag = "4")]
    pub max_alternatives: i32,
    #[prost(message, repeated, tag = "6")]
    pub speech_contexts: Vec<SpeechContext>,
    #[prost(bool, tag = "8")]
    pub enable_word_time_offsets: bool,
    #[prost(string, tag = "13")]
    pub model: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SpeechContext {
    #[prost(string, repeated, tag = "1")]
    pub phrases: Vec<String>,
    #[prost(float, tag = "4")]
    pub boost: f32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StreamingRecognizeResponse {
    #[prost(message, optional, tag = "1")]
    pub error: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub results: Vec<StreamingRecognitionResult>,
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StreamingRecognitionResult {
    #[prost(message, repeated, tag = "1")]
    pub alternatives: Vec<SpeechRecognitionAlternative>,
    #[prost(bool, tag = "2")]
    pub is_final: bool,
    #[prost(message, optional, tag = "4")]
    pub result_end_time: Option<Duration>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SpeechRecognitionAlternative {
    #[prost(string, tag = "1")]
    pub transcript: String,
    #[prost(float, tag = "2")]
    pub confidence: f32,
    #[prost(message, repeated, tag = "3")]
    pub words: Vec<WordInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WordInfo {
    #[prost(message, optional, tag = "1")]
    pub start_time: Option<Duration>,
    #[prost(message, optional, tag = "2")]
    pub end_time: Option<Duration>,
    #[prost(string, tag = "3")]
    pub word: String,
}

/// `google.protobuf.Duration`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Duration {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Duration {
    pub(super) fn seconds(self) -> f64 {
        self.seconds as f64 + f64::from(self.nanos) / 1e9
    }
}
