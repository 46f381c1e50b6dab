/** A small vocabulary for models without knowledge: bytes, printable characters, common English words, the marks of ChatML. */
import type { Vocabulary } from '../gguf/llama-metadata.ts';

const SPACE = '\u2581';
/** The kind of whole characters and words. */
export const ORDINARY = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

const WORDS =
  'the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were all ' +
  'her she there would their we him been has when who will no more if out so up said what its about than into them can only other time ' +
  'new some could these two may first then do any like my now over such our man me even most made after also did many off before must ' +
  'well back through years where much your way down should because long each just state those people too world very good make still ' +
  'see own work men here between life being under last right three used great same take house while found hand small place part high ' +
  'every head home water room eyes mother night day next boy girl dog cat red blue green yes tell story name word number list city ' +
  'river tree sun moon happy sad big little old young fast slow warm cold open close read write run walk talk think know find look ask ' +
  'answer question help please thank sorry hello world system user assistant';

/** A multiple of 32 pieces, so that any tensor type fits. */
export function makeVocabulary(): Vocabulary {
  const controls = ['<s>', '</s>', '<|im_start|>', '<|im_end|>'];
  const entries = [
    entry('<unk>', UNKNOWN),
    ...controls.map((piece) => entry(piece, CONTROL)),
    ...Array.from({ length: 256 }, (_, byte) => entry(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, BYTE)),
    // Long pieces merge first.
    ...[...ordinaryPieces()]
      .toSorted((a, b) => b.length - a.length)
      .map((piece) => entry(piece, ORDINARY, -1000 + piece.length * 10)),
  ];
  while (entries.length % 32 !== 0) entries.push(entry(`<|reserved_${entries.length}|>`, CONTROL));
  return {
    pieces: entries.map(({ piece }) => piece),
    kinds: entries.map(({ kind }) => kind),
    scores: entries.map(({ score }) => score),
    startId: 1,
    endId: 4,
    unknownId: 0,
  };
}

const entry = (piece: string, kind: number, score = 0) => ({ piece, kind, score });

/** Words are merged from their beginnings, so each beginning is a piece as well. */
function ordinaryPieces(): Set<string> {
  const printable = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index));
  const beginnings = WORDS.split(' ').flatMap((word) => Array.from(word, (_, index) => SPACE + word.slice(0, index + 1)));
  return new Set([...printable, SPACE, ...beginnings]);
}
