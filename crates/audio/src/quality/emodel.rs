//! The E-model (ITU-T G.107): from loss and delay to a rating, and from that to an opinion.

use std::time::Duration;

/// What loss does to speech in some encoding (ITU-T G.113 Appendix I).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Codec {
    /// The impairment without any loss, Ie.
    pub impairment: f32,
    /// How well it bears loss, Bpl.
    pub robustness: f32,
}

impl Codec {
    /// G.711 with lost packets left silent.
    pub const G711: Codec = Codec { impairment: 0.0, robustness: 4.3 };

    /// G.711 with lost packets concealed as in its Appendix I.
    pub const G711_PLC: Codec = Codec { impairment: 0.0, robustness: 25.1 };
}

/// The rating with all of G.107's defaults and neither delay nor loss.
const BEST: f64 = 93.2;

/// The signal-to-noise ratio with all defaults, Ro; for the talker's echo it is the same, Roe.
const RO: f64 = 94.77;

/// The rating factor R: 93.2 at best, above 80 good, below 50 not to be used. `delay` is one-way,
/// mouth to ear; `loss` is the share of packets lost, 0 to 1, those that came too late included;
/// `burst_ratio` is 1 for random loss (G.107 sections 7.4 and 7.5). All that is neither loss nor
/// delay has its default, which includes telephones with good echo cancellation (TELR 65 dB).
pub fn rating(codec: Codec, delay: Duration, loss: f32, burst_ratio: f32) -> f32 {
    let percent = f64::from(loss.clamp(0.0, 1.0)) * 100.0;
    let burst_ratio = f64::from(burst_ratio).max(1.0);
    let (ie, bpl) = (f64::from(codec.impairment), f64::from(codec.robustness));
    let equipment = ie + (95.0 - ie) * percent / (percent / burst_ratio + bpl);
    let ms = delay.as_secs_f64() * 1000.0;
    let rating = BEST - (talker_echo(ms) + listener_echo(ms) + absolute(ms)) - equipment;
    rating.clamp(0.0, 100.0) as f32
}

/// The mean opinion score, 1 to 4.5, that a rating stands for (G.107 Annex B).
pub fn mos(rating: f32) -> f32 {
    let r = f64::from(rating.clamp(0.0, 100.0));
    // Just above zero the polynomial dips below the scale.
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0) as f32
}

/// Too long to talk to and fro, Idd.
fn absolute(ms: f64) -> f64 {
    if ms <= 100.0 {
        return 0.0;
    }
    let x = (ms / 100.0).log2();
    let root = |x: f64| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (root(x) - 3.0 * root(x / 3.0) + 2.0)
}

/// The talker hears themselves, Idte, at the default loudness of 65 dB below.
fn talker_echo(ms: f64) -> f64 {
    let masked = 6.0 * (-0.3 * ms * ms).exp();
    let terv = 65.0 - 40.0 * ((1.0 + ms / 10.0) / (1.0 + ms / 150.0)).log10() + masked;
    let half = (RO - (80.0 + 2.5 * (terv - 14.0))) / 2.0;
    (half + half.hypot(10.0) - 1.0) * (1.0 - (-ms).exp())
}

/// The listener hears the talker twice, Idle, beyond what it is without any delay; at the default
/// loss of 110 dB on the way around.
fn listener_echo(ms: f64) -> f64 {
    let impairment = |round_trip: f64| {
        let half = (RO - 10.5 * (110.0 + 7.0) * (round_trip + 1.0).powf(-0.25)) / 2.0;
        half + half.hypot(13.0)
    };
    impairment(2.0 * ms) - impairment(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn r(ms: u64, loss: f32) -> f32 {
        rating(Codec::G711_PLC, Duration::from_millis(ms), loss, 1.0)
    }

    #[test]
    fn opinions_are_those_of_annex_b() {
        // G.107 table B.1: the lower limits of the categories.
        for (rating, opinion) in
            [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)]
        {
            assert!((mos(rating) - opinion).abs() < 0.01, "{rating}: {}", mos(rating));
        }
        assert_eq!((mos(0.0), mos(100.0)), (1.0, 4.5));
        assert!((mos(93.2) - 4.41).abs() < 0.005, "the default connection");
    }

    #[test]
    fn delay_costs_what_is_published() {
        assert!((r(0, 0.0) - 93.2).abs() < 0.01);
        // Cole and Rosenbluth's reduction of the E-model (2001), which holds to 300 ms: straight
        // up to 177.3 ms, and steeper from there.
        for ms in (0..=300).step_by(20) {
            let beyond = (ms as f32 - 177.3).max(0.0);
            let reduced = 93.2 - 0.024 * ms as f32 - 0.11 * beyond;
            assert!((r(ms, 0.0) - reduced).abs() < 1.0, "{ms} ms: {} {reduced}", r(ms, 0.0));
        }
    }

    #[test]
    fn loss_costs_what_its_concealment_makes_of_it() {
        // 95 p / (p + Bpl), worked by hand for 1, 5 and 10 %.
        for (loss, plain, concealed) in
            [(0.01, 17.92, 3.64), (0.05, 51.08, 15.78), (0.1, 66.43, 27.07)]
        {
            let cost = |codec| 93.2 - rating(codec, Duration::ZERO, loss, 1.0);
            assert!((cost(Codec::G711) - plain).abs() < 0.02, "{}", cost(Codec::G711));
            assert!((cost(Codec::G711_PLC) - concealed).abs() < 0.02, "{}", cost(Codec::G711_PLC));
        }
    }

    #[test]
    fn it_only_gets_worse() {
        for step in 0..50_u8 {
            let (now, next) = (u64::from(step) * 20, u64::from(step + 1) * 20);
            assert!(r(next, 0.0) <= r(now, 0.0));
            let loss = f32::from(step) / 50.0;
            assert!(r(0, loss + 0.02) <= r(0, loss));
            assert!(mos(f32::from(step)) <= mos(f32::from(step + 1)));
        }
        assert_eq!(r(10_000, 1.0), 0.0);
    }
}
