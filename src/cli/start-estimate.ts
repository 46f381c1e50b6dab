/** What `boatload run --estimate` does: opens the door, and says what a run would take. */
import { basename } from 'node:path';
import type { Money } from '../contract/money.ts';
import type { CommandContext } from './command.ts';
import type { EstimateRequest, RunEstimate, RunRequest } from './doors.ts';
import { EXIT } from './exit.ts';
import { formatBytes, formatCount, formatDuration, formatEstimate, formatRows } from './figures.ts';
import type { Host } from './host.ts';
import { ScreenRunView } from './run-view.ts';
import { openScreen } from './screen.ts';
import { listenForStop } from './stop-signals.ts';

interface GivenEstimate {
  readonly request: RunRequest;
  readonly sampleRows: number | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code; throws what the door throws. */
export async function startEstimate(
  { request, sampleRows, json }: GivenEstimate,
  { host, roof }: CommandContext,
): Promise<number> {
  const screen = await openScreen(host);
  const signals = listenForStop(host, () => view.close());
  const view = new ScreenRunView({ host, screen, request, stop: signals.stop });
  try {
    const asked: EstimateRequest = { ...request, ...(sampleRows !== undefined && { sampleRows }) };
    const estimate = await (await roof.doors()).estimate(asked, view, signals.stop);
    view.close();
    if (json) host.stdout.write(`${JSON.stringify(estimate)}\n`);
    else writeLines(estimate, request.input, host);
    return EXIT.ok;
  } finally {
    view.close();
    signals.close();
  }
}

function writeLines(estimate: RunEstimate, input: string, host: Host): void {
  const { rows, bytes, sample } = estimate;
  const from = sample === null ? 'from its text' : `from ${formatRows(sample.rows)} of it, ${formatCount(sample.failed)} failed`;
  const lines = [
    `${basename(input)}  ${formatRows(rows)} · ${formatBytes(bytes)} · estimated ${from}`,
    `  tokens  ${tokens(estimate)}`,
    `  time    ${estimate.durationMs === null ? ASK_FOR_SAMPLE : `about ${formatDuration(estimate.durationMs)}`}`,
    `  cost    ${estimate.cost === null ? noCost(estimate) : `about ${formatMoney(estimate.cost)}`}`,
  ];
  lines.push(...outputLines(estimate), ...contextLines(estimate));
  for (const line of lines) host.stdout.write(`${line}\n`);
}

function outputLines({ outputBytes, maxOutputBytes, outputLimitBytes: limit }: RunEstimate): readonly string[] {
  const end = `reaches ${formatBytes(limit)}, where a run ends with what it has: cut the file into parts`;
  if (outputBytes !== null) return [`  output  about ${formatBytes(outputBytes)}${outputBytes < limit ? '' : `, which ${end}`}`];
  if (maxOutputBytes === null || maxOutputBytes < limit) return [];
  return [`  output  up to ${formatBytes(maxOutputBytes)} where answers are as long as they may be, which ${end}`];
}

const contextLines = ({ longRows, contextLength }: RunEstimate): readonly string[] =>
  longRows === null || contextLength === null || longRows === 0
    ? []
    : [
        `  context ${formatRows(longRows)} may not fit: the model takes ${formatCount(contextLength)} tokens of prompt and answer. The run goes on without those that don't`,
      ];

const ASK_FOR_SAMPLE = 'not known; --sample 8 answers 8 rows to tell';

const tokens = ({ inputTokens, outputTokens, maxOutputTokens }: RunEstimate): string => {
  const most = maxOutputTokens === null ? '' : `${outputTokens === null ? '' : ', '}at most ${formatEstimate(maxOutputTokens)}`;
  const out = outputTokens === null ? most || 'not known how many' : `about ${formatEstimate(outputTokens)}${most}`;
  return `about ${formatEstimate(inputTokens)} in / ${out} out`;
};

function noCost({ outputTokens, sample }: RunEstimate): string {
  if (outputTokens !== null) return 'no price is known: BOATLOAD_PRICES names a file with prices';
  return sample === null ? 'not known before the answers are: --sample 8' : 'not known: the engine counts no tokens';
}

/** `1.23 EUR`; more digits where it is little. */
function formatMoney({ currencyCode, units, nanos }: Money): string {
  const amount = Number(units) + nanos / 1e9;
  return `${amount.toFixed(amount < 0.1 ? 6 : 2)} ${currencyCode}`;
}
