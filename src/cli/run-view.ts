/** What a run looks like while it goes: a few lines that stay, and below them one that moves. */
import { basename } from 'node:path';
import { Problem } from '../base/problem.ts';
import { askYes, canAsk } from './ask.ts';
import { commandText } from './command-text.ts';
import type { Busy, EngineFacts, InputFacts, RunFacts, RunProgress, RunRequest, RunView } from './doors.ts';
import { formatBytes, formatCount, formatEstimate, formatMemory, formatRows, formatSeconds } from './figures.ts';
import type { Host } from './host.ts';
import { MovingLine } from './moving-line.ts';
import type { Screen } from './screen.ts';

/** What was guessed about the input is said. */
const FORMATS: Record<InputFacts['format'], readonly string[]> = {
  fireworks: ['ids unique'],
  openai: ['OpenAI batch lines', 'ids unique'],
  bare: ['bare lines, numbered row-1, row-2 …'],
};

export interface RunViewOptions {
  readonly host: Host;
  readonly screen: Screen;
  readonly request: RunRequest;
  /** Aborted once the person wants to stop. */
  readonly stop: AbortSignal;
}

/** Lives from the start of a run to its end; whoever made it closes it. */
export class ScreenRunView implements RunView {
  readonly #options: RunViewOptions;
  readonly #moving: MovingLine;

  constructor(options: RunViewOptions) {
    this.#options = options;
    const hint = () => (options.stop.aborted ? '(saving…)' : '(Ctrl-C saves and stops)');
    this.#moving = new MovingLine({ ...options, hint });
  }

  opened({ version, nodeVersion, cores, memoryBytes }: RunFacts): void {
    const machine = `${formatCount(cores)} ${cores === 1 ? 'core' : 'cores'}, ${formatMemory(memoryBytes)}`;
    this.#line(this.#colors.dim(`boatload ${version} · node ${nodeVersion} · ${machine}`));
  }

  validated({ rows, bytes, format, estimatedTokens, resumed }: InputFacts): void {
    const { input } = this.#options.request;
    const facts = [formatRows(rows), formatBytes(bytes), ...FORMATS[format], `est. ${formatEstimate(estimatedTokens)} tokens in`];
    this.#done(`${input === '-' ? 'stdin' : basename(input)}  ${facts.join(' · ')}`);
    if (resumed !== undefined)
      this.#line(`  going on: ${formatCount(resumed.done)} done before, ${formatCount(rows - resumed.done)} to go`);
  }

  engineReady({ name, slots, contextLength, ms }: EngineFacts): void {
    const facts = [
      `engine ready in ${formatSeconds(ms)}`,
      name,
      ...(slots === undefined ? [] : [`${slots} ${slots === 1 ? 'slot' : 'slots'}`]),
      ...(contextLength === undefined ? [] : [`context ${formatCount(contextLength)}`]),
    ];
    this.#done(facts.join(' · '));
  }

  busy(busy: Busy): void {
    this.#moving.busy(busy);
  }

  progress(progress: RunProgress): void {
    this.#moving.progress(progress);
  }

  notice(message: string): void {
    this.#line(`${this.#colors.yellow('!')} ${message}`);
  }

  async askDownload(question: string): Promise<boolean> {
    const { host, request, stop } = this.#options;
    if (request.assumeYes) return true;
    if (request.input === '-' || !canAsk(host)) throw confirmationNeeded(question, commandText(host.args, '--yes'));
    this.#moving.clear();
    return askYes(host, question, stop);
  }

  /** The first Ctrl-C. */
  stopping(): void {
    this.#line('saving…  (Ctrl-C again stops at once)');
    this.#moving.draw();
  }

  /** Takes the moving line away; nothing is drawn any more. */
  close(): void {
    this.#moving.close();
  }

  get #colors() {
    return this.#options.screen.colors;
  }

  #line(text: string): void {
    this.#options.screen.line(text);
  }

  /** A step is over, and with it whatever moved. */
  #done(text: string): void {
    this.#moving.clear();
    this.#line(`${this.#colors.green('✓')} ${text}`);
  }
}

const confirmationNeeded = (question: string, command: string): Problem =>
  new Problem('INVALID_ARGUMENT', `${question} There is nobody to ask here; say yes beforehand:  ${command}`, {
    reason: 'CONFIRMATION_NEEDED',
  });
