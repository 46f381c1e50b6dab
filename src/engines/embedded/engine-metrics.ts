/** What `/metrics` says, in Prometheus' text form. */
import type { Generator } from './generate.ts';

export type Metric = readonly [name: string, type: 'gauge' | 'counter', help: string, value: number];

/** The figures of a generator at this moment. */
export function toMetrics({ slots, tally, order }: Generator): readonly Metric[] {
  const { batches, sequences, active } = order.figures;
  return [
    ['slots', 'gauge', 'Requests that can be worked on at once', slots.total],
    ['requests_running', 'gauge', 'Answers being generated', slots.running],
    ['requests_waiting', 'gauge', 'Answers that wait for a slot', slots.waiting],
    ['prompt_tokens_total', 'counter', 'Tokens of prompts', tally.promptTokens],
    ['cached_tokens_total', 'counter', 'Tokens of prompts that did not have to be evaluated', tally.cachedTokens],
    ['completion_tokens_total', 'counter', 'Tokens generated', tally.completionTokens],
    ['batches_total', 'counter', 'Batches computed', batches],
    ['batch_sequences_total', 'counter', 'Sequences in all batches together', sequences],
    ['batch_active_total', 'counter', 'Sequences that were active at all batches together', active],
  ];
}

/** Them and what every engine has, in Prometheus' words. */
export const sayMetrics = (metrics: readonly Metric[]): string =>
  [...metrics, ['memory_bytes', 'gauge', 'Resident memory of the process', process.memoryUsage.rss()] as const]
    .map(
      ([name, type, help, value]) =>
        `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${type}\n${PREFIX}${name} ${value}\n`,
    )
    .join('');

const PREFIX = 'boatload_engine_';
