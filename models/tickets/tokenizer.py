"""A SentencePiece-like tokenizer with byte fallback that splits text exactly as llama.cpp does: among neighbours whose joined text is a
piece, the best score is merged first, the leftmost on ties. Spaces are U+2581; nothing is put in front of the first word."""

import re
from collections import Counter, defaultdict

SPACE = "\u2581"
CONTROLS = ["<|im_start|>", "<|im_end|>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
FIRST_BYTE = 3
FIRST_PIECE = FIRST_BYTE + len(BYTES) + len(CONTROLS)
ORDINARY, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


class Tokenizer:
    """`pieces` are the ordinary ones, best first."""

    start, message_start, message_end = 1, FIRST_PIECE - 2, FIRST_PIECE - 1

    def __init__(self, pieces):
        self.pieces = ["<unk>", "<s>", "</s>"] + BYTES + CONTROLS + pieces
        self.kinds = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [CONTROL] * len(CONTROLS) + [ORDINARY] * len(pieces)
        self.scores = [0.0] * FIRST_PIECE + [-float(rank) for rank in range(len(pieces))]
        self.ids = {piece: FIRST_PIECE + rank for rank, piece in enumerate(pieces)}
        self.known_words = {}

    def encode(self, text):
        """No piece has U+2581 except at its beginning, so words can be split one by one."""
        words = re.findall(f"{SPACE}?[^{SPACE}]*", text.replace(" ", SPACE))
        return [token for word in words if word for token in self._encode_word(word)]

    def _encode_word(self, word):
        if word not in self.known_words:
            self.known_words[word] = [token for part in self._merge(list(word)) for token in self._to_ids(part)]
        return self.known_words[word]

    def _merge(self, parts):
        while True:
            ranked = [(self.ids[a + b], at) for at, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in self.ids]
            if not ranked:
                return parts
            _, at = min(ranked)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]

    def _to_ids(self, part):
        return [self.ids[part]] if part in self.ids else [FIRST_BYTE + byte for byte in part.encode()]


def train_tokenizer(texts, size):
    """Byte-pair encoding over `(text, weight)` pairs: words, runs of marks; digits stay alone."""
    alphabet = [chr(code) for code in range(33, 127)] + [SPACE]
    words = _count_words(texts, set(alphabet))
    merges, known = [], set(alphabet)
    counts, places = Counter(), defaultdict(set)
    for index, (parts, weight) in enumerate(words):
        _count_pairs(parts, weight, index, counts, places)
    while len(merges) < size - FIRST_PIECE - len(alphabet):
        pair, count = max(counts.items(), key=lambda entry: (entry[1], entry[0]))
        if count <= 0:
            break
        for index in list(places[pair]):
            parts, weight = words[index]
            for neighbours in zip(parts, parts[1:]):
                counts[neighbours] -= weight
            words[index] = (_join(parts, pair), weight)
            _count_pairs(words[index][0], weight, index, counts, places)
        counts[pair] = 0
        joined = "".join(pair)
        if joined not in known:
            known.add(joined)
            merges.append(joined)
    return Tokenizer(merges + alphabet)


def _count_words(texts, alphabet):
    pattern = re.compile(f"{SPACE}?(?:[A-Za-z]+|[^A-Za-z0-9\\s{SPACE}]+|[0-9])|{SPACE}")
    counts = Counter()
    for text, weight in texts:
        for word in pattern.findall(text.replace(" ", SPACE)):
            counts[word] += weight
    plain = (word for word, count in counts.items() if count >= 3 and set(word) <= alphabet and not re.search("[0-9]", word))
    return [(list(word), counts[word]) for word in plain]


def _count_pairs(parts, weight, index, counts, places):
    for pair in zip(parts, parts[1:]):
        counts[pair] += weight
        places[pair].add(index)


def _join(parts, pair):
    joined, at = [], 0
    while at < len(parts):
        step = 2 if tuple(parts[at : at + 2]) == pair else 1
        joined.append("".join(parts[at : at + step]))
        at += step
    return joined
