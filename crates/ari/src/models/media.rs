//! Playbacks and recordings.

use super::model::model;
use super::open_enum::open_enum;

model! {
    /// Something that is played to a channel or a bridge.
    Playback {
        /// Unique id, the one we chose.
        id: String = must,
        /// What is played now, such as `sound:hello-world`.
        media_uri: String,
        /// What is played next, in a playback of several items.
        next_media_uri: Option<String> = may,
        /// To whom: `channel:<id>` or `bridge:<id>`.
        target_uri: String,
        /// Language asked for.
        language: Option<String> = may,
        /// How far it is.
        state: PlaybackState,
    }
}

open_enum! {
    /// How far a playback is.
    PlaybackState {
        /// Waits for its turn.
        Queued = "queued",
        /// Plays.
        Playing = "playing",
        /// Between two items of one playback.
        Continuing = "continuing",
        /// Paused; Asterisk's description omits it, and no event tells of it.
        Paused = "paused",
        /// Played to the end, or stopped.
        Done = "done",
        /// Not playable, or the channel hung up meanwhile. Since 18.6.
        Failed = "failed",
    }
}

model! {
    /// A recording in progress, or just ended.
    LiveRecording {
        /// Its name, which is its id.
        name: String = must,
        /// File format, such as `wav`.
        format: String,
        /// Of whom: `channel:<id>` or `bridge:<id>`.
        target_uri: String,
        /// How far it is.
        state: RecordingState,
        /// Whole length in seconds, once ended.
        duration: Option<u64> = may,
        /// Seconds with talk in them, where silence was looked for.
        talking_duration: Option<u64> = may,
        /// Seconds of silence, where it was looked for.
        silence_duration: Option<u64> = may,
        /// Why it failed.
        cause: Option<String> = may,
    }
}

open_enum! {
    /// How far a recording is.
    RecordingState {
        /// Waits for its turn.
        Queued = "queued",
        /// Records.
        Recording = "recording",
        /// Paused.
        Paused = "paused",
        /// Ended and kept.
        Done = "done",
        /// Could not be made.
        Failed = "failed",
        /// Ended and thrown away.
        Canceled = "canceled",
    }
}

model! {
    /// A recording that is kept.
    StoredRecording {
        /// Its name, which is its id.
        name: String = must,
        /// File format, such as `wav`.
        format: String,
    }
}

model! {
    /// A prompt that is installed.
    Sound {
        /// Its name, such as `hello-world`.
        id: String = must,
        /// What is said in it, where Asterisk knows.
        text: Option<String> = may,
        /// The files that it is in.
        formats: Vec<FormatLangPair>,
    }
}

model! {
    /// One file of a prompt.
    FormatLangPair {
        /// Language, such as `en`.
        language: String,
        /// File format, such as `gsm`.
        format: String,
    }
}
