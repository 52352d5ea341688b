"""A caller's voice and telephone line, made with flite and sox.

Samples are floats at 8 kHz where 1.0 is digital full scale. Times are milliseconds.
"""

import array
import math
import random
import subprocess
import tempfile
import wave
from dataclasses import dataclass

RATE = 8000
TELEPHONE_BAND = ["sinc", "300-3400"]
SILENCE = "pau"


@dataclass
class Utterance:
    """One stretch of speech. Sample 0 is where its first sound begins."""

    samples: array.array
    decide_ms: float | None  # end of the word that stood between asterisks
    spoken: list[tuple[float, float]]  # from and to, without the voice's own pauses

    @property
    def end_ms(self) -> float:
        return self.spoken[-1][1]


def speak(voice: str, marked: str, stretch: float, effects: list[str] = TELEPHONE_BAND) -> Utterance:
    """Say a text, of which one word may stand between asterisks. `stretch` above 1 is slower."""
    text = marked.replace("*", "")
    samples, rate, segments = flite(voice, text, stretch)
    first = next(i for i, (sound, _) in enumerate(segments) if sound != SILENCE)
    lead_ms = segments[first - 1][1] if first else 0.0

    spoken, ends, start_ms = [], [], 0.0
    for sound, end_ms in segments[first:]:
        end_ms -= lead_ms
        if sound != SILENCE:
            spoken.append((start_ms, end_ms))
            ends.append(end_ms)
        start_ms = end_ms

    trimmed = samples[round(lead_ms * rate / 1000) :]
    decide_ms = ends[sounds_up_to_mark(voice, marked, segments, stretch) - 1] if "*" in marked else None
    return Utterance(sox(trimmed, rate, effects), decide_ms, spoken)


def flite(voice: str, text: str, stretch: float) -> tuple[array.array, int, list[tuple[str, float]]]:
    """The samples, their rate, and each segment's name with the time at which it ends."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        printed = subprocess.run(
            ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-psdur", "-t", text, "-o", out.name],
            check=True, capture_output=True, text=True,
        ).stdout
        with wave.open(out.name) as wav:
            rate = wav.getframerate()
            samples = array.array("f", (s / 32768 for s in array.array("h", wav.readframes(wav.getnframes()))))
    segments = [(sound, 1000 * float(end)) for sound, end in (item.split(":") for item in printed.split())]
    ends = [end for _, end in segments]
    # flite starts its clock again at each sentence, and its diphone voice drops half of the last pause.
    if ends != sorted(ends) or not ends[-2] - 5 <= 1000 * len(samples) / rate <= ends[-1] + 5:
        raise ValueError(f"the segments' times do not fit the sound: give one sentence at a time, not {text!r}")
    return samples, rate, segments


def sounds_up_to_mark(voice: str, marked: str, segments: list[tuple[str, float]], stretch: float) -> int:
    """How many sounds the text has up to the end of the marked word, found by saying only that much."""
    before, word, _ = marked.split("*")
    prefix = [sound for sound, _ in flite(voice, before + word, stretch)[2] if sound != SILENCE]
    whole = [sound for sound, _ in segments if sound != SILENCE]
    if whole[: len(prefix)] != prefix:
        raise ValueError(f"{marked!r} is pronounced otherwise when it stops at the mark: {prefix} in {whole}")
    return len(prefix)


def sox(samples: array.array, rate: int, effects: list[str]) -> array.array:
    """The samples at 8 kHz after sox effects. Its filter `sinc` is linear in phase, so every time is kept."""
    raw = ["-t", "f32", "-c", "1"]
    done = subprocess.run(
        ["sox", "-D", *raw, "-r", str(rate), "-", *raw, "-r", str(RATE), "-", "rate", str(RATE), *effects],
        check=True, input=samples.tobytes(), capture_output=True,
    )
    return array.array("f", done.stdout)


def line_noise(kind: str, seconds: float, seed: str) -> array.array:
    """What the line adds, over the telephone band, at no particular level."""
    chance = random.Random(seed)
    count = round(seconds * RATE)
    match kind:
        case "hiss":
            raw = [0.1 * chance.gauss(0, 1) for _ in range(count)]
        case "hum":  # mains hum: the set's filter leaves only the harmonics of 50 Hz
            tones = [(math.tau * 50 * k / RATE, 0.3 / k, chance.uniform(0, math.tau)) for k in range(6, 40)]
            raw = [sum(a * math.sin(w * n + p) for w, a, p in tones) for n in range(count)]
        case "room":  # ventilation: more bass than treble, swelling slowly
            raw, rumble, phase = [], 0.0, chance.uniform(0, math.tau)
            for n in range(count):
                rumble = 0.9 * rumble + 0.02 * chance.gauss(0, 1)
                raw.append(rumble * (1 + 0.3 * math.sin(phase + math.tau * 0.6 * n / RATE)))
        case _:
            raise ValueError(f"no such line noise: {kind!r}; there are hiss, hum and room")
    return sox(array.array("f", raw), RATE, TELEPHONE_BAND)


def rms(samples: array.array, spans: list[tuple[float, float]] | None = None) -> float:
    """Root mean square of the whole, or of the given stretches of time."""
    if spans is not None:
        samples = [s for a, b in spans for s in samples[at(a) : at(b)]]
    return math.sqrt(sum(s * s for s in samples) / len(samples))


def scaled(samples: array.array, gain: float) -> array.array:
    return array.array("f", (gain * s for s in samples))


def limited(samples: array.array) -> array.array:
    """Peaks pressed softly under full scale, as a telephone does with a loud voice."""
    knee, room = 0.6, 0.35

    def limit(sample: float) -> float:
        over = abs(sample) - knee
        return sample if over <= 0 else math.copysign(knee + room * math.tanh(over / room), sample)

    return array.array("f", map(limit, samples))


def mix(onto: array.array, samples: array.array, start_ms: float = 0) -> None:
    """Add in place; what would reach beyond the end is left out."""
    start = at(start_ms)
    for i, sample in enumerate(samples[: len(onto) - start]):
        onto[start + i] += sample


def silence(ms: float) -> array.array:
    return array.array("f", bytes(4 * at(ms)))


def decibels(level: float) -> float:
    """The factor of an amplitude for a level in dB."""
    return 10 ** (level / 20)


def at(ms: float) -> int:
    """The sample at a time."""
    return round(ms * RATE / 1000)


def save(path, samples: array.array) -> None:
    """Write 16-bit mono; refuses to clip."""
    peak = max(map(abs, samples), default=0.0)
    if peak > 0.99:
        raise ValueError(f"{path}: a peak of {peak:.2f} would clip; lower its level")
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(array.array("h", (round(32767 * s) for s in samples)).tobytes())
