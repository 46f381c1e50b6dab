import { expect, onTestFinished, test, vi } from 'vitest';
import { startHeartbeat } from '../../src/worker/heartbeat.ts';

/** Beats that end when the test says so. */
function startBeats() {
  vi.useFakeTimers();
  const beats: PromiseWithResolvers<void>[] = [];
  const warnings: string[] = [];
  const stop = startHeartbeat(
    () => {
      const beat = Promise.withResolvers<void>();
      beats.push(beat);
      return beat.promise;
    },
    { warn: (_: object, words: string) => void warnings.push(words) },
  );
  onTestFinished(() => {
    stop();
    vi.useRealTimers();
  });
  return { beats, warnings, stop };
}

test('a silent database gets few beats, and the next when one of them is answered', async () => {
  const { beats } = startBeats();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(beats.length).toBe(3);
  beats[1]?.resolve();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(beats.length).toBe(4);
});

test('one dead connection holds up none of the others', async () => {
  const { beats } = startBeats();
  for (let sent = 1; sent <= 10; sent++) {
    await vi.advanceTimersByTimeAsync(3_000);
    expect(beats.length).toBe(sent);
    if (sent > 1) beats[sent - 1]?.resolve();
  }
});

test('a beat that fails is told and followed by another, until it is stopped', async () => {
  const { beats, warnings, stop } = startBeats();
  await vi.advanceTimersByTimeAsync(3_000);
  beats[0]?.reject(new Error('the database is away'));
  await vi.advanceTimersByTimeAsync(3_000);
  expect(warnings).toEqual(['heartbeat failed, trying again']);
  expect(beats.length).toBe(2);
  stop();
  beats[1]?.resolve();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(beats.length).toBe(2);
});
