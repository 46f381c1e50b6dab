/** The child process: loads one model and serves it on loopback, until its parent goes away. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { messageOf } from '../../base/message-of.ts';
import { Problem } from '../../base/problem.ts';
import { BatchOrder } from './batch-order.ts';
import type { ChildMessage, ChildOptions } from './child-messages.ts';
import { toEmbeddings } from './embeddings.ts';
import { EngineServer } from './engine-server.ts';
import { toWriter } from './generation.ts';
import { Grammars } from './grammars.ts';
import { loadWeights, type Weights } from './load-weights.ts';
import { purposeOf } from './model-purpose.ts';
import { expectVector, openEmbedder } from './open-embedder.ts';
import { expectSense, openWriter } from './open-writer.ts';
import { PromptPlacer } from './place-prompt.ts';
import type { ReadyModel } from './ready-model.ts';
import { SharedPrefixes } from './shared-prefixes.ts';
import { Slots } from './slots.ts';
import { readChatTemplate } from './template.ts';

/** Of disk, for evaluated prefixes. */
const MAX_PREFIX_BYTES = 1024 * 2 ** 20;
const FINGERPRINTED_BYTES = 2 ** 20;

const options: ChildOptions = JSON.parse(process.argv[2] ?? '{}');
const tell = (message: ChildMessage): void => void process.send?.(message);

// However the parent ended, nobody is left to answer.
process.once('disconnect', () => {
  rmSync(options.scratchFolder, { recursive: true, force: true });
  process.exit(0);
});
// A terminal's Ctrl-C reaches the whole group; when to stop is the parent's decision.
process.on('SIGINT', () => {});

try {
  await serve();
} catch (error) {
  tell({ kind: 'failed', ...toFailure(error) });
}

async function serve(): Promise<void> {
  const server = new EngineServer(options.maxWaiting);
  tell({ kind: 'listening', port: await server.listen() });
  const weights = await loadWeights(options);
  const { ready, memoryBytes } = await (purposeOf(weights.model) === 'embeddings' ? openVectors(weights) : openTexts(weights));
  server.open(ready);
  const { slots, contextSize, paths } = ready;
  tell({ kind: 'ready', slots, contextSize, paths, threads: weights.threads, memoryBytes });
}

interface Opened {
  readonly ready: ReadyModel;
  readonly memoryBytes: number;
}

async function openVectors(weights: Weights): Promise<Opened> {
  const opened = await openEmbedder(weights, options);
  await expectVector(opened);
  return { ready: toEmbeddings(options.modelId, opened.embedder), memoryBytes: opened.memoryBytes };
}

async function openTexts(weights: Weights): Promise<Opened> {
  const order = new BatchOrder();
  const opened = await openWriter(weights, options, order);
  await expectSense(weights, opened);
  const { llama, model } = weights;
  const { context, memoryBytes } = opened;
  const sequences = Array.from({ length: context.totalSequences }, () => context.getSequence());
  const served = {
    modelId: options.modelId,
    model,
    template: readChatTemplate(model),
    grammars: new Grammars(llama, model),
    contextSize: context.contextSize,
    fingerprint: toFingerprint(options.modelPath, llama.llamaCppRelease.release),
  };
  const placer = new PromptPlacer(order, new SharedPrefixes(options.scratchFolder, MAX_PREFIX_BYTES));
  const tally = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 };
  return { ready: toWriter(served, { model, order, placer, slots: new Slots(sequences), tally }), memoryBytes };
}

/** Other weights or another llama.cpp: another fingerprint. The first megabyte and the size tell files apart without reading gigabytes. */
function toFingerprint(path: string, release: string): string {
  const hash = createHash('sha256')
    .update(readStart(path))
    .update(String(statSync(path).size));
  return `fp_${hash.digest('hex').slice(0, 12)}_${release}`;
}

function readStart(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(FINGERPRINTED_BYTES);
    return start.subarray(0, readSync(file, start));
  } finally {
    closeSync(file);
  }
}

function toFailure(error: unknown) {
  if (error instanceof Problem) return { code: error.code, reason: error.reason, message: error.message };
  const why = messageOf(error);
  return { code: 'INVALID_ARGUMENT', reason: 'MODEL_FILE_INVALID', message: `The model can't be used: ${why}` } as const;
}
