//! How well RTP flows.

use super::model::model;

model! {
    /// How well RTP flows on a channel; `RTPstat` in Asterisk's words. Jitter and round trips are in seconds, loss in
    /// packets. "Local" is what Asterisk measured, "remote" what the far end reported. Without reports of the far end
    /// most is absent.
    RtpStat {
        /// Packets sent.
        txcount: u64,
        /// Packets received.
        rxcount: u64,
        /// Jitter of what was sent.
        txjitter: Option<f64> = may,
        /// Jitter of what was received.
        rxjitter: Option<f64> = may,
        /// Highest jitter.
        remote_maxjitter: Option<f64> = may,
        /// Lowest jitter.
        remote_minjitter: Option<f64> = may,
        /// Mean jitter.
        remote_normdevjitter: Option<f64> = may,
        /// Standard deviation of jitter.
        remote_stdevjitter: Option<f64> = may,
        /// Highest jitter.
        local_maxjitter: Option<f64> = may,
        /// Lowest jitter.
        local_minjitter: Option<f64> = may,
        /// Mean jitter.
        local_normdevjitter: Option<f64> = may,
        /// Standard deviation of jitter.
        local_stdevjitter: Option<f64> = may,
        /// Packets lost of those sent.
        txploss: i64,
        /// Packets lost of those to be received.
        rxploss: i64,
        /// Highest loss.
        remote_maxrxploss: Option<f64> = may,
        /// Lowest loss.
        remote_minrxploss: Option<f64> = may,
        /// Mean loss.
        remote_normdevrxploss: Option<f64> = may,
        /// Standard deviation of loss.
        remote_stdevrxploss: Option<f64> = may,
        /// Highest loss.
        local_maxrxploss: Option<f64> = may,
        /// Lowest loss.
        local_minrxploss: Option<f64> = may,
        /// Mean loss.
        local_normdevrxploss: Option<f64> = may,
        /// Standard deviation of loss.
        local_stdevrxploss: Option<f64> = may,
        /// Round trip.
        rtt: Option<f64> = may,
        /// Longest round trip.
        maxrtt: Option<f64> = may,
        /// Shortest round trip.
        minrtt: Option<f64> = may,
        /// Mean round trip.
        normdevrtt: Option<f64> = may,
        /// Standard deviation of round trips.
        stdevrtt: Option<f64> = may,
        /// Our synchronisation source. Of 32 bits without a sign, although described as a signed number.
        local_ssrc: u64,
        /// The far end's synchronisation source.
        remote_ssrc: u64,
        /// Octets sent.
        txoctetcount: u64,
        /// Octets received.
        rxoctetcount: u64,
        /// Id of the channel.
        channel_uniqueid: String,
    }
}
