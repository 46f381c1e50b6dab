import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dataOf, EventSplitter } from '../../src/engines/event-splitter.ts';

const split = (pieces: readonly Buffer[]) => {
  const splitter = new EventSplitter();
  const events = pieces.flatMap((piece) => splitter.push(piece));
  const last = splitter.end();
  return (last === undefined ? events : [...events, last]).map(String);
};

test('finds the same events wherever the bytes are cut', () => {
  const text = 'data: {"a":"é世🚢"}\n\n: still here\n\nevent: x\r\ndata: 1\r\ndata: 2\r\n\r\ndata: [DONE]';
  const events = ['data: {"a":"é世🚢"}\n\n', ': still here\n\n', 'event: x\r\ndata: 1\r\ndata: 2\r\n\r\n', 'data: [DONE]\n\n'];
  const bytes = Buffer.from(text);
  expect(split([bytes])).toEqual(events);
  expect(split(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(events);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      expect(split(places.slice(1).map((end, at) => bytes.subarray(places[at], end)))).toEqual(events);
    }),
  );
});

test('holds what has not ended, and says how much that is', () => {
  const splitter = new EventSplitter();
  expect(splitter.push(Buffer.from('data: 1\n\ndata: 2'))).toHaveLength(1);
  expect(splitter.heldBytes).toBe('data: 2'.length);
});

test.each([
  ['data: {"a":1}\n\n', '{"a":1}'],
  ['data:{"a":1}\n\n', '{"a":1}'],
  ['event: x\r\ndata: 1\r\ndata: 2\r\n\r\n', '1\n2'],
  [': still here\n\n', undefined],
])('the data of %j is %j', (event, data) => {
  expect(dataOf(Buffer.from(event))).toBe(data);
});
